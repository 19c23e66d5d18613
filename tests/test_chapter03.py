"""Chapter 03 keeps what it promises: the outputs in its text, and an order of tasks that is the scheduler's own."""

import dask
import dask.array as da
import dask.bag as db
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from dask.delayed import Delayed
from dask.order import order
from distributed import Client, wait

from helpers import solutions
from helpers.exercise import check_fixtures
from helpers.judging import judge, load_exercises

first = pd.DataFrame({"hour": [8, 8, 9], "speed": [10.0, 14.0, 9.0]})
second = pd.DataFrame({"hour": [8, 9, 9], "speed": [30.0, 10.0, 11.0]})


def share_of_six_trips():
    shares = solutions.reference("3.1").share_above_mean([dask.delayed(first), dask.delayed(second)]).compute()
    assert list(shares.index) == [8, 9]
    return "for 8 o'clock and ".join(f"`{share:.3f}` " for share in shares) + "for 9 o'clock"


def four_numbers():
    column = solutions.reference("3.3").standardise(da.from_array(np.array([[1.0], [2], [3], [6]]), chunks=(2, 1)))
    return f"`[{', '.join(f'{number:.3f}' for number in column.compute().ravel())}]`"


def four_pairs():
    pairs = db.from_sequence([("a", 1), ("b", 5), ("a", 3), ("a", 2)])
    some = dict(solutions.reference("3.4").largest_by_key(pairs, 2).compute())
    return f'("a", {some["a"]}) and ("b", {some["b"]})'


def two_speeds():
    frame = dd.from_pandas(pd.DataFrame({"hour": [0, 0], "speed": [10.0, 30.0]}), npartitions=2)
    found = frame.groupby("hour")["speed"].agg(solutions.reference("3.5").harmonic_mean()).compute()
    return f"`{found[0]:.1f}`"


def five_tasks():
    needs = {"a": [], "b": [], "c": [], "x": ["a", "b"], "y": ["x", "c"]}
    steps = solutions.reference("3.6").schedule(needs, {task: place for place, task in enumerate("cabxy")}, 2)
    return f"`{steps}`".replace("'", '"')


@pytest.mark.parametrize(
    ("id", "compute"),
    [("3.1", share_of_six_trips), ("3.3", four_numbers), ("3.4", four_pairs), ("3.5", two_speeds), ("3.6", five_tasks)],
)
def test_the_expected_output_in_the_text(id, compute):
    text = solutions.chapter_source("03").partition(f"# ### Exercise {id} ")[2].partition("# %%")[0]
    text = " ".join(text.replace("\n#", "\n").split())
    with dask.config.set(scheduler="sync"):
        assert compute() in text


def test_the_scheduler_gives_the_places_that_the_chapter_draws():
    chapter = "\n\n".join(code for _marker, code in solutions.code_cells(solutions.chapter_source("03")))
    names = {"rounds": 1}
    solutions.run_source(solutions.needed_source(chapter, ["graph"]), "graph of chapter 03", names)
    graph = names["graph"]
    with Client(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as client:
        future = client.compute(Delayed(("add", 5), graph))
        wait(future)
        priorities = client.run_on_scheduler(
            lambda dask_scheduler: {key: task.priority for key, task in dask_scheduler.tasks.items()}
        )
    places = order(graph)
    assert sorted(priorities, key=priorities.get) == sorted(places, key=places.get)


@pytest.mark.parametrize(
    "answer",
    [
        "da.where(X.max(axis=0) == X.min(axis=0), 0, (X - X.mean(axis=0)) / da.maximum(X.std(axis=0), 1e-300))",
        "da.where(X.std(axis=0) > 1e-12 * abs(X.mean(axis=0)), (X - X.mean(axis=0)) / X.std(axis=0), 0)",
    ],
)
def test_other_ways_to_tell_a_constant_column_pass(answer):
    names = solutions.surroundings("3.3")
    solutions.run_source(f"def standardise(X):\n    return {answer}\n", "answer", names)
    with dask.config.set(scheduler="sync"):
        verdict = judge(load_exercises("03")["3.3"], names, fixtures=check_fixtures("3.3"))
    assert verdict.status == "ok", verdict
