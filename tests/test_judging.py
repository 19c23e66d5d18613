"""`judge`: what a check may find, and whom it blames."""

import numpy as np
import pytest

from helpers import solutions
from helpers.expect import expect_close, expect_lazy, expect_shape, value_of
from helpers.judging import Exercise, LearnerError, Unsolved, judge, load_exercises


def doubling(*checks):
    exercise = Exercise("9.1", "Double it", points=4, minutes=1, difficulty=1)
    for check in checks:
        exercise.check(check)
    return exercise


def is_right(double, rng):
    """Doubles numbers."""
    value = rng.normal()
    if double(value) != 2 * value:  # pytest would add words of its own to an assert statement in this file
        raise AssertionError("that is not the double")


def is_cheap(double, cost):
    """Does not work twice."""
    assert cost.computes <= 1, f"{cost.computes} computes"


def broken(double):
    """Has a mistake of its own."""
    raise KeyError("author")


class Computes:
    def __init__(self, computes):
        self.computes = computes


def answer(code):
    names = {}
    solutions.run_source(code, "answer", names)
    return names


RIGHT = "def double(x):\n    return 2 * x\n"


def only(verdict):
    (result,) = verdict.results
    return result.status, result.message


def test_right():
    verdict = judge(doubling(is_right), answer(RIGHT))
    assert (verdict.status, verdict.points) == ("ok", 4)


def test_wrong_says_what_the_check_says():
    assert only(judge(doubling(is_right), answer("def double(x): return x"))) == ("wrong", "that is not the double")


def test_an_assertion_without_words_shows_the_title():
    def silent(double):
        """Doubles 3."""
        raise AssertionError

    assert only(judge(doubling(silent), answer("def double(x): return x"))) == ("wrong", "not so: Doubles 3.")


def test_not_defined_is_todo():
    status, message = only(judge(doubling(is_right), {}))
    assert status == "todo" and "`double` is not defined yet" in message


def test_unsolved_is_todo_and_names_what_it_needs():
    stub = "from helpers.judging import Unsolved\ndef double(x):\n    raise Unsolved('{}')\n"
    assert only(judge(doubling(is_right), answer(stub.format("9.1")))) == ("todo", "")
    status, message = only(judge(doubling(is_right), answer(stub.format("8.3"))))
    assert status == "todo" and "8.3" in message


def test_the_learners_error_shows_its_line():
    status, message = only(judge(doubling(is_right), answer("def double(x):\n    y = x\n    return y / 0\n")))
    assert status == "wrong"
    assert "ZeroDivisionError" in message and "line 3 of `double`: return y / 0" in message


@pytest.mark.parametrize(
    "code",
    ["def double(): return 6", "def double(x, y): return x + y", "double = lambda: 6", "class double: pass"],
    ids=["none", "two", "lambda", "class"],
)
def test_parameters_that_are_not_the_stubs(code):
    status, message = only(judge(doubling(is_right), answer(code)))
    assert status == "wrong" and "`double` cannot be called as its stub says" in message


def test_a_value_in_place_of_a_function():
    status, message = only(judge(doubling(is_right), answer("double = 6")))
    assert status == "wrong" and "`double` should be a function or a class, but it is a int" in message


def test_the_learners_assertion_is_not_the_checks():
    status, message = only(judge(doubling(is_right), answer("def double(x):\n    assert x > 99, 'mine'\n")))
    assert status == "wrong" and "your code raised AssertionError: mine" in message


def test_exit_does_not_end_the_judge():
    status, message = only(judge(doubling(is_right), answer("def double(x):\n    raise SystemExit(0)\n")))
    assert status == "wrong" and "SystemExit" in message


def test_a_broken_check_blames_the_course():
    status, message = only(judge(doubling(broken), answer(RIGHT)))
    assert status == "broken" and "KeyError" in message and "fault of the course" in message


@pytest.mark.parametrize(("computes", "status", "points"), [(1, "ok", 4), (2, "wasteful", 3)])
def test_waste_costs_a_quarter(computes, status, points):
    verdict = judge(doubling(is_cheap, is_right), answer(RIGHT), fixtures={"cost": lambda: Computes(computes)})
    assert (verdict.status, verdict.points) == (status, points)


def test_cost_is_not_asked_of_a_wrong_answer():
    verdict = judge(doubling(is_cheap, is_right), answer("def double(x): return x"), fixtures={"cost": Computes})
    assert (verdict.status, verdict.points) == ("wrong", 0)
    assert [result.name for result in verdict.results] == ["is_right"]


def test_a_check_needs_a_title():
    with pytest.raises(TypeError, match="needs a docstring"):
        doubling(lambda double: None)


def test_rng_depends_on_the_seed_and_the_check_alone():
    drawn = []

    def draw(rng):
        """Draws."""
        drawn.append(rng.normal())

    for exercise, seed in ((doubling(draw), b"a"), (doubling(is_right, draw), b"a"), (doubling(draw), b"b")):
        judge(exercise, answer(RIGHT), seed=seed)
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_chapter_without_exercises():
    with pytest.raises(LookupError, match="chapter 77 has no exercises; chapters with exercises: .*05"):
        load_exercises("77")


def refusal(function, *arguments, **options):
    with pytest.raises(AssertionError) as raised:
        function(*arguments, **options)
    return str(raised.value)


def test_expect_close_says_where_and_never_the_answer():
    message = refusal(expect_close, [1.0, 2.5, 3.0], [1.0, 7.25, 3.0], "the sum")
    assert message == "the sum is off in 1 of 3 entries, most at index [1], where you have 2.5"
    assert "7.25" not in refusal(expect_close, 2.5, 7.25, "the sum")
    assert "nan" in refusal(expect_close, [np.nan, 1.0], [1.0, 1.0], "the sum")


def test_expect_close_accepts_what_is_right_though_a_mistake_gives_it_too():
    expect_close([1, 2], [1, 2], "it", mistakes={"too small": [1, 2]})


def test_expect_close_knows_mistakes():
    assert refusal(expect_close, [2, 4], [1, 2], "it", mistakes={"twice too large": [2, 4]}) == "twice too large"


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "does your function return it"), ("three", "made of numbers"), (np.ones((2, 1)), "has shape (2, 1)")],
)
def test_expect_close_on_what_is_not_numbers(value, words):
    assert words in refusal(expect_close, value, [1.0, 2.0], "it")


def test_a_lazy_value_is_computed_and_its_failure_is_the_learners():
    import dask.array as da

    expect_close(da.ones(4, chunks=2).sum(), 4, "the sum")
    expect_lazy(da.ones(4), "the array")
    expect_shape(da.ones((4, 2)), (4, 2), "the array")
    assert "should be a lazy Dask collection" in refusal(expect_lazy, 3, "it")

    def fail(block):
        raise ValueError("bad block")

    with pytest.raises(LearnerError, match="computing the sum raised ValueError: bad block"):
        value_of(da.ones(4, chunks=2).map_blocks(fail, meta=np.ones(1)).sum(), "the sum")


def test_unsolved_survives_the_way_to_a_worker_and_back():
    import pickle

    assert pickle.loads(pickle.dumps(Unsolved("9.1"))).exercise_id == "9.1"


def test_a_check_that_needs_a_cluster_says_so():
    def on_a_cluster(double, client):
        """Doubles on a cluster."""

    status, message = only(judge(doubling(on_a_cluster), answer(RIGHT), fixtures={"client": lambda: None}))
    assert status == "todo" and "start_cluster()" in message
