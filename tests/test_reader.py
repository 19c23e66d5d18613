"""What a notebook calls: check, hint, solution, progress, reset, show_error, and the file behind them."""

import json
import multiprocessing
import re

import pytest

from helpers import exercise as reader
from helpers import state
from helpers.exercise import Unsolved, check, hint, progress, reset, show_error, solution


@pytest.fixture
def shown(monkeypatch):
    """The pages that were shown, as display data."""
    pages = []
    monkeypatch.setattr(reader, "display", lambda data, raw, metadata: pages.append({**data, "metadata": metadata}))
    return pages


def notebook(code):
    """Run `code` as a cell of a notebook."""
    names = {"check": check, "solution": solution, "Unsolved": Unsolved}
    exec(compile(code, "<cell>", "exec"), names)
    return names


STUB = "def break_even_rows(overhead, one_process, cluster):\n    raise Unsolved('5.6')\ncheck('5.6')"
WRONG = "def break_even_rows(overhead, one_process, cluster):\n    return overhead / one_process\ncheck('5.6')"
RIGHT = (
    "def break_even_rows(overhead, one_process, cluster):\n"
    "    return overhead / (one_process - cluster) if cluster < one_process else float('inf')\n"
    "check('5.6')"
)


@pytest.mark.parametrize(("code", "status"), [(STUB, "todo"), (WRONG, "wrong"), (RIGHT, "ok")])
def test_check_shows_a_verdict(shown, code, status):
    notebook(code)
    (page,) = shown
    assert page["metadata"] == {"course": {"verdict": {"exercise": "5.6", "status": status}}}
    assert f": {status}, " in page["text/plain"] and f": {status}, " in page["text/html"]


def test_verdicts_differ_in_more_than_colour(shown):
    for code in (STUB, WRONG, RIGHT):
        notebook(code)
    assert [mark in page["text/plain"] for mark, page in zip("○✗✓", shown, strict=True)] == [True] * 3


def test_what_is_done_stays_done(shown):
    notebook(RIGHT)
    notebook(STUB)
    assert state.entry("5.6")["points"] == 2
    reset("5.6")
    assert state.entry("5.6") == state.NOTHING


def test_nbgrader_sees_an_exception(shown, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    notebook(RIGHT)
    with pytest.raises(AssertionError, match="needs time per row too"):
        notebook(WRONG)


@pytest.mark.parametrize(("id", "near"), [("5.66", "'5.6'"), ("5.l", "'5."), ("0.9", "'"), (5.1, "'5.1'")])
def test_an_id_that_does_not_exist_gets_a_suggestion(shown, id, near):
    with pytest.raises(LookupError, match="did you mean .*" + re.escape(near)):
        check(id)


def test_an_id_without_quotes():
    with pytest.raises(LookupError, match="number in quotes, not by 5.2; did you mean '5.2'"):
        check(5.2)


def test_hints_come_one_by_one(shown):
    for _ in range(3):
        hint("5.6")
    counts = [page["text/plain"].count("Hint ") for page in shown]
    assert counts == [1, 2, 2]
    assert "solution(" in shown[-1]["text/plain"]


def test_solution_is_shown_folded_and_can_be_used(shown):
    names = notebook("solution('5.6', use=True)")
    assert "<details>" in shown[0]["text/html"] and "SOLUTION" not in shown[0]["text/plain"]
    assert names["break_even_rows"](1.0, 2.0, 1.0) == 1.0
    assert state.entry("5.6")["revealed"]


def test_progress_counts_and_marks(shown):
    notebook(RIGHT)
    hint("5.5")
    solution("5.4")
    progress()
    text = shown[-1]["text/plain"]
    assert re.search(r"chapter 05: 2 of 24 points", text)
    assert "5.6 ✓" in text and "5.5 ○h" in text and "5.4 ○s" in text


def test_show_error_goes_on(shown):
    with show_error():
        raise ValueError("on purpose")
    assert "ValueError: on purpose" in shown[0]["text/plain"]
    with pytest.raises(AssertionError, match="expected to fail"), show_error():
        pass


def test_a_file_that_cannot_be_read_is_set_aside(shown, capsys):
    state.state_file().write_text("{ half")
    notebook(RIGHT)
    assert "set aside" in capsys.readouterr().out
    assert state.entry("5.6")["status"] == "ok"
    assert state.state_file().with_suffix(".unreadable").read_text() == "{ half"


def _count_up(times):
    for _ in range(times):
        state.update("5.1", lambda entry: entry | {"hints": entry["hints"] + 1})


def test_two_notebooks_at_once_lose_nothing():
    processes = [multiprocessing.get_context("spawn").Process(target=_count_up, args=(40,)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert state.entry("5.1")["hints"] == 80


def test_a_kill_while_writing_leaves_a_whole_file():
    process = multiprocessing.get_context("spawn").Process(target=_count_up, args=(100_000,))
    process.start()
    while not state.state_file().exists():
        assert process.is_alive()
    process.kill()
    process.join()
    assert json.loads(state.state_file().read_text())["exercises"]["5.1"]["hints"] >= 1
