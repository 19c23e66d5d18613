"""What `python -m helpers.course new` writes builds and passes as it is."""

import importlib.util
import subprocess
import sys

import pytest

from helpers import solutions
from helpers.course.build import edition
from helpers.course.new import new
from helpers.course.source import SourceError, read_chapter
from helpers.judging import exercises_in, judge
from tests.conftest import ROOT


@pytest.fixture
def course(tmp_path):
    for folder in ("solutions", "helpers/checks", "tests/wrong_answers"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def module_at(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "id"), [("06_k_means", "6.1"), ("13_what_comes_next", "13.1"), ("B_algorithms", "B.1")]
)
def test_a_new_chapter_builds_and_passes(course, name, id):
    source, checks, wrong = new(name, "A title", course)
    (exercise,) = exercises_in(module_at(checks)).values()
    chapter = read_chapter(source, points_of=lambda number: {exercise.id: exercise.points})
    assert exercise.id == id
    for kind in ("learner", "solved"):
        assert edition(chapter, kind).cells[0].source.startswith(f"# {chapter.number} · A title")
    (cell,) = [cell for cell in chapter.cells if cell.exercise]
    assert verdict(exercise, cell.solved).status == "ok"
    for answer in module_at(wrong).WRONG[id]:
        refused = verdict(exercise, answer.code)
        assert refused.status == "wrong" and answer.message in refused.results[0].message


def test_a_new_chapter_is_formatted(course):
    files = new("06_k_means", "K-means", course)
    ruff = [sys.executable, "-m", "ruff", "format", "--check", "--config", str(ROOT / "pyproject.toml")]
    assert subprocess.run([*ruff, *map(str, files)]).returncode == 0


def verdict(exercise, code):
    names = {}
    solutions.run_source(code, "answer", names)
    return judge(exercise, names)


@pytest.mark.parametrize("name", ["6_k_means", "06", "k_means", "06-k-means"])
def test_a_name_that_is_none(course, name):
    with pytest.raises(SourceError, match="no name for a chapter"):
        new(name, "A title", course)


def test_a_chapter_that_is_there(course):
    new("06_k_means", "K-means", course)
    with pytest.raises(SourceError, match="there already: solutions/06_k_means.py"):
        new("06_other", "Another", course)
