"""What a notebook calls while its reader works: `check`, `hint`, `solution`, `progress`, `reset`, `show_error`.

Each shows its answer as HTML with a plain-text twin. Progress is kept in one file (`helpers.state`).
"""

import contextlib
import difflib
import html
import inspect
import os
from collections.abc import Callable, Iterator
from typing import Any

from distributed import get_client
from IPython.display import display

from helpers import solutions, state
from helpers.cost import Cost
from helpers.judging import (
    STATUSES,
    Exercise,
    Unsolved,
    Verdict,
    chapter_of,
    chapters,
    judge,
    load_exercises,
)
from helpers.words import _

__all__ = ["Unsolved", "check", "hint", "progress", "reset", "show_error", "solution"]


def check(exercise_id: str) -> None:
    """Judge your answer to an exercise, show the verdict and remember it.

    Raises LookupError for an id that does not exist, and, where nbgrader runs the notebook, AssertionError
    for an answer that is not right.
    """
    exercise = _exercise(exercise_id)
    verdict = judge(exercise, inspect.currentframe().f_back.f_globals, fixtures=check_fixtures(exercise_id))
    state.update(exercise_id, lambda entry: _better(entry, verdict))
    _show(*_verdict_pages(verdict), verdict={"exercise": exercise_id, "status": verdict.status})
    if "NBGRADER_EXECUTION" in os.environ and verdict.status != "ok":
        raise AssertionError(_verdict_pages(verdict)[0])


def hint(exercise_id: str) -> None:
    """Show the next hint of an exercise, under those already seen."""
    exercise = _exercise(exercise_id)
    state.update(exercise_id, lambda entry: entry | {"hints": min(entry["hints"] + 1, len(exercise.hints))})
    seen = state.entry(exercise_id)["hints"]
    lines = [
        _("Hint {n} of {total}: {hint}").format(n=n, total=len(exercise.hints), hint=_(text))
        for n, text in enumerate(exercise.hints[:seen], start=1)
    ]
    if seen == len(exercise.hints):
        lines.append(_('That was the last hint; solution("{id}") shows an answer.').format(id=exercise_id))
    _show("\n".join(lines), _box("".join(f"<p>{_inline(line)}</p>" for line in lines)))


def solution(exercise_id: str, use: bool = False) -> None:
    """Show the reference solution of an exercise, folded. With `use=True`, also define it in your notebook."""
    exercise = _exercise(exercise_id)
    try:
        code = solutions.solution_source(exercise_id)
    except LookupError:
        _show(*2 * [_("This edition of the course comes without solutions.")])
        return
    state.update(exercise_id, lambda entry: entry | {"revealed": True})
    title = _("Solution of {id} · {title}").format(id=exercise.id, title=_(exercise.title))
    page = f"<details><summary>{html.escape(title)}</summary><pre>{html.escape(code)}</pre></details>"
    text = f"{title}\n\n{code}"
    if use:
        solutions.run_source(code, f"solution {exercise_id}", inspect.currentframe().f_back.f_globals)
        used = _("It is now defined in your notebook.")
        page, text = page + f"<p>{html.escape(used)}</p>", f"{text}\n\n{used}"
    _show(text, _box(page))


def reset(exercise_id: str) -> None:
    """Forget the attempt at an exercise: its verdict, its hints and whether its solution was seen."""
    _exercise(exercise_id)
    state.update(exercise_id, lambda entry: None)
    _show(*2 * [_("Exercise {id} is as new.").format(id=exercise_id)])


def progress() -> None:
    """Show what is done, per chapter and overall."""
    known = state.entries()
    lines, rows, done, total = [], [], 0.0, 0
    for chapter in chapters():
        exercises = load_exercises(chapter)
        entries = {id: state.NOTHING | known.get(id, {}) for id in exercises}
        points = sum(entry["points"] for entry in entries.values())
        out_of = sum(exercise.points for exercise in exercises.values())
        done, total = done + points, total + out_of
        marks = [(id, _MARKS[entry["status"]], entry) for id, entry in entries.items()]
        lines.append(
            _("chapter {chapter}: {points:g} of {out_of} points").format(chapter=chapter, points=points, out_of=out_of)
            + "   "
            + "  ".join(f"{id} {mark}{_footnotes(entry)}" for id, mark, entry in marks)
        )
        cells = " &nbsp; ".join(
            f"<span title='{_status_name(entry['status'])}'>{id}&nbsp;{mark}{_footnotes(entry)}</span>"
            for id, mark, entry in marks
        )
        rows.append(
            f"<tr><th scope='row'>{chapter}</th><td>{points:g} / {out_of}</td>"
            f"<td style='text-align:left'>{cells}</td></tr>"
        )
    overall = _("{done:g} of {total} points").format(done=done, total=total)
    legend = " · ".join(f"{_MARKS[status]} {_status_name(status)}" for status in reversed(STATUSES[1:]))
    legend += " · " + _("h hints used, s solution seen")
    head = "".join(f"<th scope='col'>{name}</th>" for name in (_("chapter"), _("points"), _("exercises")))
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    _show(
        "\n".join([*lines, overall, legend]),
        _box(f"<strong>{overall}</strong>{table}<small>{html.escape(legend)}</small>"),
    )


@contextlib.contextmanager
def show_error() -> Iterator[None]:
    """Around a cell that fails on purpose: show the error, and let the notebook go on.

    Raises AssertionError where nothing fails, since the text beside it would then be wrong.
    """
    try:
        yield
    except Exception as error:
        raised = f"{type(error).__name__}: {error}"
    else:
        raise AssertionError(_("this block was expected to fail, but it did not"))
    title = _("This error is shown on purpose:")
    _show(f"{title}\n{raised}", _box(f"<strong>{html.escape(title)}</strong><pre>{html.escape(raised)}</pre>"))


_MARKS = {"broken": "!", "todo": "○", "wrong": "✗", "wasteful": "◐", "ok": "✓"}


def _status_name(status: str) -> str:
    return {
        "broken": _("the check is broken"),
        "todo": _("todo"),
        "wrong": _("wrong"),
        "wasteful": _("right but wasteful"),
        "ok": _("ok"),
    }[status]


def _footnotes(entry: dict[str, Any]) -> str:
    return "".join(letter for letter, seen in (("h", entry["hints"]), ("s", entry["revealed"])) if seen)


def _better(entry: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    """What is done stays done: running an unsolved copy again takes nothing away."""
    if STATUSES.index(verdict.status) < STATUSES.index(entry["status"]):
        return entry
    return entry | {"status": verdict.status, "points": verdict.points}


def _exercise(exercise_id: str) -> Exercise:
    try:
        exercises = load_exercises(chapter_of(str(exercise_id)))
    except LookupError:
        exercises = {}
    if exercise_id in exercises:
        return exercises[exercise_id]
    known = [id for chapter in chapters() for id in load_exercises(chapter)]
    near = difflib.get_close_matches(str(exercise_id), known, n=3, cutoff=0.5) or known[:3]
    sentence = _("there is no exercise {id!r}; did you mean {near}?")
    if not isinstance(exercise_id, str):
        sentence = _("an exercise is named by its number in quotes, not by {id!r}; did you mean {near}?")
    raise LookupError(sentence.format(id=exercise_id, near=" or ".join(map(repr, near))))


def check_fixtures(exercise_id: str) -> dict[str, Callable[[], Any]]:
    """What a check can ask for by its parameters' names, beside the learner's own: `client`, `cost`, `reference`."""

    def client():
        try:
            return get_client()
        except ValueError:
            return None

    return {
        "client": client,
        "cost": lambda: Cost(client()),
        "reference": lambda: solutions.reference(exercise_id),
    }


def _verdict_pages(verdict: Verdict) -> tuple[str, str]:
    """The verdict as (plain text, HTML)."""
    exercise = verdict.exercise
    headline = _("{id} · {title}: {status}, {points:g} of {out_of} points").format(
        id=exercise.id,
        title=_(exercise.title),
        status=_status_name(verdict.status),
        points=verdict.points,
        out_of=exercise.points,
    )
    lines, items = [headline], []
    for result in verdict.results:
        lines.append(f"  {_MARKS[result.status]} {result.title}")
        item = f"{_MARKS[result.status]} {_inline(result.title)}"
        if result.message:
            lines += ["      " + line for line in result.message.splitlines()]
            message = "<br>".join(_inline(line) for line in result.message.splitlines())
            item += f"<div style='margin-left:1.5em'>{message}</div>"
        items.append(f"<li style='list-style:none'>{item}</li>")
    page = f"<strong>{_MARKS[verdict.status]} {html.escape(headline)}</strong>"
    return "\n".join(lines), _box(f"{page}<ul style='margin:0.3em 0 0 0;padding-left:0.5em'>{''.join(items)}</ul>")


def _inline(text: str) -> str:
    """`text` as HTML, what stands between backticks as code."""
    pieces = html.escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))


def _box(content: str) -> str:
    return f"<div style='border-left:4px solid currentColor;padding:0.4em 0.8em;margin:0.3em 0'>{content}</div>"


def _show(text: str, page: str, **metadata: Any) -> None:
    display({"text/plain": text, "text/html": page}, raw=True, metadata={"course": metadata} if metadata else None)
