"""Every exercise of the course: its checks pass on the solution, say *todo* on the stub, refuse each wrong answer."""

import importlib
from dataclasses import replace

import dask
import pytest
from distributed import Client

from helpers import solutions
from helpers.course.source import find_chapters, read_chapter
from helpers.exercise import check_fixtures
from helpers.judging import Unsolved, chapter_of, chapters, judge, load_exercises

EXERCISES = [
    pytest.param(exercise, id=f"ch{chapter}-{id}")
    for chapter in chapters()
    for id, exercise in load_exercises(chapter).items()
]
WRONG = [
    pytest.param(load_exercises(chapter)[id], wrong, id=f"ch{chapter}-{id}-{wrong.mistake}")
    for chapter in chapters()
    for id, answers in importlib.import_module(f"tests.wrong_answers.ch{chapter}").WRONG.items()
    for wrong in answers
]


@pytest.fixture(scope="module", autouse=True)
def client():
    with Client(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as client:
        yield client


def notebook_with(exercise, code):
    """The names of a notebook in which `code` answers `exercise`, and all it needs from other cells is there."""
    names = solutions.surroundings(exercise.id) | {"Unsolved": Unsolved}
    solutions.run_source(code, "answer", names)
    return names


def explain(verdict):
    return [(result.name, result.status, result.message) for result in verdict.results]


@pytest.mark.parametrize("exercise", EXERCISES)
def test_solution_is_ok(exercise):
    names = notebook_with(exercise, solutions.solution_source(exercise.id))
    verdict = judge(exercise, names, fixtures=check_fixtures(exercise.id))
    assert verdict.status == "ok", explain(verdict)
    assert verdict.points == exercise.points


@pytest.mark.parametrize("exercise", EXERCISES)
def test_solution_passes_whatever_the_seed(exercise):
    names = notebook_with(exercise, solutions.solution_source(exercise.id))
    seeded = [check for check in exercise.checks if "rng" in check.parameters and not check.measures_cost]
    if not seeded:
        pytest.skip("no check of this exercise asks for `rng`")
    exercise = replace(exercise, checks=seeded)
    with dask.config.set(scheduler="sync"):  # checks that ask for the client use it all the same
        for seed in range(200):
            verdict = judge(exercise, names, seed=str(seed).encode(), fixtures=check_fixtures(exercise.id))
            assert verdict.status == "ok", (seed, explain(verdict))


@pytest.mark.parametrize("exercise", EXERCISES)
def test_stub_is_todo(exercise):
    (path,) = find_chapters(wanted=[chapter_of(exercise.id)])
    (stub,) = [cell.unsolved for cell in read_chapter(path).cells if cell.exercise == exercise.id]
    verdict = judge(exercise, notebook_with(exercise, stub), fixtures=check_fixtures(exercise.id))
    assert verdict.status == "todo", explain(verdict)


@pytest.mark.parametrize(("exercise", "wrong"), WRONG)
def test_wrong_answer_is_refused(exercise, wrong):
    verdict = judge(exercise, notebook_with(exercise, wrong.code), fixtures=check_fixtures(exercise.id))
    assert verdict.status == wrong.status, explain(verdict)
    assert any(wrong.message in result.message for result in verdict.results), explain(verdict)
    assert verdict.points < exercise.points


def test_every_exercise_has_wrong_answers():
    answered = {id: len(answers) for chapter in chapters() for id, answers in _wrong(chapter).items()}
    assert {exercise.values[0].id for exercise in EXERCISES} == set(answered)
    assert min(answered.values()) >= 3


def test_a_cost_check_is_worth_at_most_a_quarter():
    for parameter in EXERCISES:
        exercise = parameter.values[0]
        costs = sum(exercise.points_of(check) for check in exercise.checks if check.measures_cost)
        assert costs <= exercise.points / 4, exercise.id


def _wrong(chapter):
    return importlib.import_module(f"tests.wrong_answers.ch{chapter}").WRONG
