"""Checking a chapter: what runs, what is compared, and what a notebook may not leave behind."""

import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import psutil
import pytest

from helpers.course.build import build, read_built
from helpers.course.check import check, files, learner, solved
from helpers.course.run import Run, execute, validate
from helpers.course.source import SourceError, read_chapter

TOY = Path(__file__).parent / "fixtures" / "toy"
EXERCISES = """
import pytest

@pytest.mark.parametrize("exercise", ["ch05-5.1"])
def test_solution(exercise):
    assert exercise
"""


def points(chapter: str) -> dict[str, float]:
    return {"5.1": 2}


@pytest.fixture(scope="module")
def built_once(tmp_path_factory) -> Path:
    root = Path(shutil.copytree(TOY, tmp_path_factory.mktemp("built") / "toy"))
    assert build(root, points_of=points) == 0
    (root / "tests").mkdir()
    (root / "tests" / "test_exercises.py").write_text(EXERCISES)
    return root


@pytest.fixture
def built(built_once, tmp_path) -> Path:
    """A course of one chapter, built and in order."""
    return Path(shutil.copytree(built_once, tmp_path / "built"))


def source(root: Path) -> Path:
    return root / "solutions" / "05_toy.py"


def chapter(root: Path):
    return read_chapter(source(root), points)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def notebook_of(*cells: str):
    """A notebook whose code cells are `cells`."""
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    code = [nbformat.v4.new_code_cell(cell) for cell in cells]
    return nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": kernel})


def told(problems) -> str:
    return "\n".join(map(str, problems))


# A course


def test_a_chapter_passes_with_a_row_in_the_table_while_another_fails(built, capsys):
    (built / "solutions" / "06_broken.py").write_text("# %%\n!ls\n")
    assert check(built, points_of=lambda number: points(number) if number == "05" else {}) == 1
    out = capsys.readouterr().out
    assert "06 source: solutions/06_broken.py:2: not plain Python" in out
    *_above, head, passed, failed = (line.split() for line in out.splitlines())
    assert head == ["chapter", "cells", "seconds", "verdict"]
    assert (passed[0], passed[1], passed[3:]) == ("05", "7", ["ok"])
    assert (failed[0], failed[3:]) == ("06", ["FAILED:", "source"])


def test_an_unknown_chapter_is_refused(built):
    with pytest.raises(SourceError, match="no chapter 7; there are: 05"):
        check(built, ["7"], points_of=points)


# Files


def test_files_in_order_have_no_problem(built):
    assert not list(files(chapter(built), built))


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("solutions/05_toy.py", "As small as", "Smaller than", "notebooks/05_toy.ipynb is not what its source builds"),
        ("solutions/05_toy.py", "As small as", "Smaller than", "solutions/05_toy.ipynb is not what its source builds"),
        ("solutions/05_toy.py", "sum([1, 2, 3]) / 3", "2.0", "solutions/05_toy.ipynb is out of date (code changed)"),
        ("requirements.txt", "nothing", "little", "solutions/05_toy.ipynb is out of date (lock changed)"),
        ("solutions/05_toy.ipynb", '"2.0"', '"3.0"', "solutions/05_toy.ipynb was edited by hand"),
        ("notebooks/05_toy.ipynb", "raise Unsolved", "return 3 #", "notebooks/05_toy.ipynb was edited by hand"),
        ("notebooks/05_toy.ipynb", "{", "", "notebooks/05_toy.ipynb is missing, or is not a notebook"),
    ],
)
def test_a_file_out_of_step_is_told(built, file, old, new, problem):
    replace(built / file, old, new)
    assert problem in told(files(chapter(built), built))


# Runs


def test_a_stable_output_is_compared(built):
    path = built / "solutions" / "05_toy.ipynb"
    replace(path, '"2.0"', '"3.0"')
    result = solved(chapter(built), built, "tiny", 60)
    assert "sum([1, 2, 3]) / 3" in told(result.problems)
    assert "Cell outputs differ" in told(result.problems)


def test_outputs_on_other_data_are_not_compared(built, monkeypatch):
    replace(built / "solutions" / "05_toy.ipynb", '"2.0"', '"3.0"')
    monkeypatch.setenv("TOY_KIND", "stand-in")
    result = solved(chapter(built), built, "tiny", 60)
    assert not result.problems
    assert result.notes == ["outputs were not compared: stored on {'toy': 'upstream'}, this run on {'toy': 'stand-in'}"]


def test_a_scale_reaches_the_notebook(built):
    run = execute(read_built(built / "solutions" / "05_toy.ipynb"), {"n_rows": 10}, timeout=60)
    rows = [
        output.metadata.course.data.rows
        for cell in run.notebook.cells
        for output in cell.get("outputs", [])
        if "data" in output.get("metadata", {}).get("course", {})
    ]
    assert rows == [10]
    assert not run.problems


def test_a_learners_notebook_meets_no_other_error(built):
    replace(source(built), "sum([1, 2, 3]) / 3", "answer = mean([1])\n\n# %%\nanswer + 1")
    result = learner(chapter(built), built, "tiny", 60)
    assert "NameError: name 'answer' is not defined" in told(result.problems)
    assert len(result.problems) == 1


def test_a_solution_that_its_check_refuses_is_told(built):
    replace(source(built), "return sum(values) / len(values)", "return 0")
    build(built, points_of=points)
    result = solved(chapter(built), built, "tiny", 60)
    assert "exercise 5.1: the verdict is wrong, not ok" in told(result.problems)


LEAKS = """
import pathlib, socket, subprocess, tempfile
subprocess.Popen(["sleep", "1001"], start_new_session=True)
pathlib.Path("notes.txt").touch()
pathlib.Path(tempfile.gettempdir(), "spill.bin").touch()
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1])
"""


def both_ways(notebook, timeout: float) -> list[Run]:
    """`notebook` run by papermill and by nbval, at the same time."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda way: way(notebook, {}, timeout=timeout), (execute, validate)))


def sleepers(seconds: str) -> list[psutil.Process]:
    """The processes that run `sleep SECONDS`."""
    return [found for found in psutil.process_iter(["cmdline"]) if found.info["cmdline"] == ["sleep", seconds]]


def test_what_a_notebook_leaves_behind_is_told_and_ended():
    for run in both_ways(notebook_of(LEAKS), timeout=60):
        port = run.notebook.cells[0].outputs[0].text.strip()
        problems = told(run.problems)
        assert f"still held at the notebook's end: port {port}" in problems
        assert "alive after the notebook's end: process" in problems
        assert "left behind: notes.txt in the working folder" in problems
        assert "left behind: spill.bin in the temporary folder" in problems
    assert not sleepers("1001")


def test_a_notebook_that_hangs_is_killed_with_all_it_started():
    hang = "import subprocess\nsubprocess.Popen(['sleep', '1002']).wait()"
    for run in both_ways(notebook_of("1", hang, "2"), timeout=15):
        assert [problem.cell for problem in run.problems] == [2]
        assert "still running after 15 seconds" in told(run.problems)
    assert not sleepers("1002")


def test_a_kernel_that_dies_is_told_with_its_cell():
    for run in both_ways(notebook_of("1", "import os\nos._exit(3)", "2"), timeout=60):
        assert [problem.cell for problem in run.problems] == [2]
        assert "the kernel died" in told(run.problems)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing_behind(built, ending):
    replace(source(built), "sum([1, 2, 3]) / 3", 'import subprocess\nsubprocess.Popen(["sleep", "1003"]).wait()')
    program = (
        "import sys; from pathlib import Path; from helpers.course.__main__ import main; "
        "sys.exit(main(['check'], root=Path(sys.argv[1]), points_of=lambda _chapter: {'5.1': 2}))"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(built)], stderr=subprocess.PIPE, text=True)
    while not sleepers("1003"):
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(ending)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: everything that was started is stopped" in err
    assert not sleepers("1003")
