"""Build a chapter's two editions from its source: the learner's, and the solved one, executed.

The learner's edition is the same, byte for byte, whenever and wherever it is built. The solved edition is executed
again only where its code, a helper that it imports, the lock or the scale changed; where only prose did, its outputs
are carried over. `metadata.course` of a built notebook says what it was built from:

    chapter, edition ("learner" or "solved")
    source   hash of the source's text
    built    hash of the notebook's cells: one that was edited by hand no longer has it
    code, helpers, lock, scale, data   of a solved edition: what its outputs depend on
"""

import base64
import copy
import os
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.reader import NotJSONError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

from helpers.course.fingerprint import digest, helpers_code
from helpers.course.outputs import Problem, big_figures, data_used, depersonalise, noise, traces
from helpers.course.run import execute
from helpers.course.source import ROOT, Cell, Chapter, SourceError, declared_points, find_chapters, read_chapter

SECONDS = {"tiny": 300, "laptop": 1200, "full": 7200}  # after which a run counts as hung

_NEW_CELL = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
_KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}


def edition(chapter: Chapter, name: str) -> NotebookNode:
    """The chapter's notebook without outputs: `name` is `"learner"` or `"solved"`."""
    seen: Counter[tuple[str, str]] = Counter()
    cells = []
    for cell in chapter.cells:
        text = cell.unsolved if cell.exercise else cell.source
        seen[cell.kind, text] += 1
        # From the learner's text, so that a cell has one id in both editions.
        id = digest([chapter.number, cell.kind, text, seen[cell.kind, text]])[:12]
        shown = text if name == "learner" else cell.solved
        cells.append(_NEW_CELL[cell.kind](shown, id=id, metadata=_cell_metadata(cell, chapter)))
        _attach(cells[-1], cell.pictures, chapter.path.parent / "pictures")
    course = {"chapter": chapter.number, "edition": name, "source": digest(chapter.text)}
    notebook = new_notebook(cells=cells, metadata=copy.deepcopy(_KERNEL) | {"course": course})
    return _sealed(notebook)


def text_of(notebook: NotebookNode) -> str:
    """The notebook as it stands in its file."""
    nbformat.validate(notebook)
    return nbformat.writes(notebook) + "\n"


def read_built(path: Path) -> NotebookNode | None:
    """The notebook at `path`; None where there is none, or nothing that is a notebook."""
    try:
        return nbformat.read(path, as_version=4)
    except (FileNotFoundError, NotJSONError):
        return None


def edited_by_hand(notebook: NotebookNode | None) -> bool:
    """Whether `notebook` holds anything but what a build put there."""
    return notebook is None or notebook.metadata.get("course", {}).get("built") != digest(notebook.cells)


def inputs(chapter: Chapter, root: Path, scale: str) -> dict[str, str]:
    """What the outputs of a solved edition depend on, as hashes: its code, the helpers it imports (with the style of
    figures), the lock."""
    code = [cell.solved for cell in chapter.cells if cell.kind == "code"]
    trees = [cell.tree for cell in chapter.cells if cell.kind == "code"]
    style = root / "helpers" / "figures.mplstyle"
    helpers = helpers_code(trees, [f"helpers.checks.ch{chapter.number}"], root)
    return {
        "code": digest(code),
        "helpers": digest([helpers, style.read_text(encoding="utf-8") if style.exists() else ""]),
        "lock": digest((root / "requirements.txt").read_text(encoding="utf-8")),
        "scale": scale,
    }


def stale(notebook: NotebookNode, chapter: Chapter, root: Path, scale: str) -> list[str]:
    """Why a solved edition must be executed again: `["helpers changed"]`, or nothing."""
    course = notebook.metadata.get("course", {})
    return [f"{name} changed" for name, value in inputs(chapter, root, scale).items() if course.get(name) != value]


def carry_over(before: NotebookNode, solved: NotebookNode) -> None:
    """Give `solved` the outputs of `before`, an edition with the same code, and what is known of them."""
    old, new = ([cell for cell in notebook.cells if cell.cell_type == "code"] for notebook in (before, solved))
    for had, cell in zip(old, new, strict=True):
        cell.outputs, cell.execution_count = had.outputs, had.execution_count
    kept = ("code", "helpers", "lock", "scale", "data")
    solved.metadata.course |= {name: before.metadata.course[name] for name in kept}
    _sealed(solved)


def is_stand_in(data: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether any data set in `metadata.course.data` is not real."""
    return any(facts["kind"] == "stand-in" for facts in data.values())


def build(
    root: Path = ROOT,
    wanted: Sequence[str] = (),
    *,
    scale: str = "laptop",
    force: bool = False,
    points_of: Callable[[str], Mapping[str, float]] = declared_points,
) -> int:
    """Build chapters, by default all, and say what was done. Returns the number of chapters that failed.

    Nothing is written where a source has a fault or a notebook was edited by hand, unless `force` says to overwrite
    it: that raises SourceError. `force` also executes what is up to date, and lets stand-in data replace real data.
    """
    chapters, faults = [], []
    for path in find_chapters(root, wanted):
        try:
            chapters.append(read_chapter(path, points_of))
        except SourceError as error:
            faults.append(str(error))
    if faults:
        raise SourceError("\n".join(faults))
    if not force:
        _refuse_to_overwrite(chapters)
    for chapter in chapters:
        _write(chapter.notebook("learner"), text_of(edition(chapter, "learner")))
    failed = 0
    for chapter in chapters:
        problems = _build_solved(chapter, root, scale, force)
        failed += bool(problems)
        for problem in problems:
            print(f"{chapter.number}  not built: {problem}", file=sys.stderr)
    return failed


def _build_solved(chapter: Chapter, root: Path, scale: str, force: bool) -> list[Problem]:
    path = chapter.notebook("solved")
    before = read_built(path)
    solved = edition(chapter, "solved")
    old_data = before.metadata.get("course", {}).get("data", {}) if before else {}
    reasons = ["it is new"] if before is None else stale(before, chapter, root, scale)
    if force:
        reasons.append("forced")
    elif is_stand_in(old_data) and os.environ.get("COURSE_DATA"):
        reasons.append("it ran on stand-in data, and COURSE_DATA is set")
    if not reasons:
        carry_over(before, solved)
        changed = _write(path, text_of(solved))
        print(f"{chapter.number}  " + ("prose changed: outputs carried over" if changed else "up to date"))
        return []
    print(f"{chapter.number}  executing at {scale} scale: {', '.join(reasons)}", flush=True)
    depends_on = inputs(chapter, root, scale)  # before the run: somebody may edit a helper while it lasts
    run = execute(solved, chapter.scales.get(scale, {}), timeout=SECONDS[scale], progress=chapter.number)
    depersonalise(run.notebook, _places(root, run.room))
    problems = [*run.problems, *noise(run.notebook), *big_figures(run.notebook), *traces(run.notebook)]
    data = data_used(run.notebook)
    if is_stand_in(data) and old_data and not is_stand_in(old_data) and not force:
        advice = "set COURSE_DATA to a folder with the real data, or overwrite it with --force"
        problems.append(Problem(f"it ran on {_named(data)}, and would replace an edition made on real data: {advice}"))
    if problems:
        return problems
    run.notebook.metadata.course |= depends_on | {"data": data}
    _write(path, text_of(_sealed(run.notebook)))
    print(f"{chapter.number}  executed in {run.seconds:.0f} s on {_named(data)}")
    return []


def _cell_metadata(cell: Cell, chapter: Chapter) -> dict[str, Any]:
    metadata = {key: value for key, value in cell.metadata.items() if key not in ("exercise", "check")}
    if cell.exercise:
        metadata["course"] = {"exercise": cell.exercise}
        metadata["nbgrader"] = _nbgrader("ex", cell.exercise, solution=True)
    elif cell.check:
        metadata["course"] = {"check": cell.check}
        metadata["nbgrader"] = _nbgrader("check", cell.check, grade=True, points=chapter.points[cell.check])
    elif "parameters" in cell.tags:
        metadata["course"] = {"scales": chapter.scales}
    return metadata


def _attach(cell: NotebookNode, pictures: Sequence[str], folder: Path) -> None:
    """Put the pictures into the cell itself: a notebook is copied to places from which no file is in reach."""
    for name in pictures:
        content = base64.b64encode((folder / name).read_bytes()).decode()
        cell.setdefault("attachments", {})[name] = {"image/png": content}
        cell.source = cell.source.replace(f"](pictures/{name})", f"](attachment:{name})")


def _nbgrader(kind: str, exercise: str, *, solution: bool = False, grade: bool = False, **points: float) -> dict:
    """https://nbgrader.readthedocs.io/en/stable/contributor_guide/metadata.html, version 3."""
    head, _dot, number = exercise.partition(".")
    return {
        "grade": grade,
        "grade_id": f"{kind}-{head.zfill(2) if head.isdigit() else head}-{number}",
        "locked": grade,
        "schema_version": 3,
        "solution": solution,
        "task": False,
        **points,
    }


def _sealed(notebook: NotebookNode) -> NotebookNode:
    notebook.metadata.course["built"] = digest(notebook.cells)
    return notebook


def _refuse_to_overwrite(chapters: Sequence[Chapter]) -> None:
    paths = [chapter.notebook(name) for chapter in chapters for name in ("learner", "solved")]
    edited = [path for path in paths if path.exists() and edited_by_hand(read_built(path))]
    if edited:
        raise SourceError(
            "\n".join(f"{path.parent.name}/{path.name} was edited by hand" for path in edited)
            + "\nNothing was built. Move what is worth keeping into the chapter's source, then delete the notebook, "
            "or overwrite it with --force."
        )


def _write(path: Path, text: str) -> bool:
    """Replace the file at once, where it changes at all."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)
    return True


def _named(data: Mapping[str, Mapping[str, Any]]) -> str:
    named = (f"{name} ({facts['kind']}, {facts['rows']:,} rows)" for name, facts in data.items())
    return ", ".join(named) or "no data set"


def _places(root: Path, room: Path) -> dict[str, str]:
    """This machine's folders and name, and the words that stand for them in a committed notebook."""
    places = {
        f"{room}/work": "working-folder",
        f"{room}/tmp": "temporary-folder",
        str(root): "course-folder",
        sys.prefix: "environment",
        sys.base_prefix: "python",
        tempfile.gettempdir(): "temporary-folder",
        os.environ.get("COURSE_DATA", ""): "course-data",
        os.environ.get("COURSE_CACHE", ""): "course-cache",
        str(Path.home()): "~",
    }
    host = socket.gethostname()
    if not host.isalpha():  # a name such as `laptop` is also a word
        places[host] = "this-machine"
    return {place: name for place, name in places.items() if len(place) > 3}
