"""The pictures that chapters draw: a graph has a box per task and arrows that cross none, a stream a row per thread."""

import re

import dask
import dask.array as da
import dask.dataframe as dd
import matplotlib
import matplotlib.pyplot as plt
import pandas as pd
import pytest

from helpers.plots import draw_graph, draw_task_stream

matplotlib.use("agg")


def boxes(picture):
    """The words of each box, its number and block included, by the key of its task."""
    groups = re.findall(r"<g><title>(.*?)</title>(.*?)</g>", picture.svg, re.DOTALL)
    return {key: re.findall(r">([^<]+)</text>", inner) for key, inner in groups}


def place(picture, key):
    """Left edge and middle of the box of `key`."""
    found = re.search(
        rf"<title>{re.escape(key)}</title><rect x='([\d.]+)' y='([\d.]+)' width='\d+' height='(\d+)'", picture.svg
    )
    return float(found[1]), float(found[2]) + float(found[3]) / 2


def test_a_plain_graph_from_left_to_right():
    picture = draw_graph({"a": 1, "b": (abs, "a"), "c": (abs, "a"), "d": (max, "b", "c", "a")})
    assert boxes(picture) == {"a": ["a"], "b": ["b"], "c": ["c"], "d": ["d"]}
    left = {key: place(picture, key)[0] for key in "abcd"}
    assert left["a"] < left["b"] == left["c"] < left["d"]
    assert picture.svg.count("<path") == 5
    assert picture.svg.count("stroke-dasharray") == 1, "only `a` is data"


def test_an_arrow_that_passes_a_column_crosses_no_box():
    picture = draw_graph({"a": 1, "b": (abs, "a"), "c": (max, "b", "a")})
    (passing,) = re.findall(r" H[\d.]+", picture.svg)
    level = float(re.search(r"([\d.]+)" + re.escape(passing), picture.svg)[1])
    assert abs(level - place(picture, "b")[1]) > 17


def test_numbers_are_those_of_dask_order():
    graph = {"a": 1, "b": (abs, "a"), "c": (abs, "b")}
    assert list(boxes(draw_graph(graph, numbers=True)).values()) == [["0 · a"], ["1 · b"], ["2 · c"]]


def test_a_number_at_the_end_of_a_key_is_shown():
    assert boxes(draw_graph({"read-0": 1, "read-1": 2})) == {"read-0": ["read", "0"], "read-1": ["read", "1"]}


def test_blocks_of_an_array():
    picture = draw_graph(da.ones((4, 4), chunks=2).sum())
    words = sorted(boxes(picture).values())
    assert ["ones_like", "(1, 0)"] in words and ["sum-aggregate"] in words
    assert picture.description == "A graph of 9 tasks (4 ones_like, 4 sum, 1 sum-aggregate) in 3 columns."


@pytest.mark.parametrize(
    ("make", "tasks"),
    [
        (lambda: da.ones((4, 4), chunks=2).sum(), 5),  # what makes a block is fused with what sums it
        (lambda: dd.from_pandas(pd.DataFrame({"a": range(6)}), npartitions=2)["a"].sum(), 5),
        (lambda: dask.delayed(sum)([dask.delayed(abs)(1), dask.delayed(abs)(2)]), 3),
    ],
    ids=["array", "dataframe", "delayed"],
)
def test_what_compute_would_run(make, tasks):
    assert len(boxes(draw_graph(make(), optimize=True))) == tasks


def test_two_results_share_what_they_need():
    x = da.ones(4, chunks=2)
    assert len(boxes(draw_graph(x.sum(), x.max()))) == 2 + 3 + 3


def test_what_cannot_be_drawn():
    with pytest.raises(TypeError, match="not a int"):
        draw_graph(3)
    with pytest.raises(ValueError, match="100 tasks, and more than 60"):
        draw_graph(da.ones(100, chunks=1))


def record(worker, thread, name, *spans):
    startstops = [{"action": action, "start": start, "stop": stop} for action, start, stop in spans]
    return {"worker": worker, "thread": thread, "key": (name, 0), "startstops": startstops}


def test_a_row_per_thread_in_seconds_from_the_first_start():
    axes = draw_task_stream(
        [
            record("tcp://b", 7, "add", ("transfer", 101.0, 102.0), ("compute", 102.0, 104.0)),
            record("tcp://a", 5, "load", ("compute", 100.5, 101.0)),
            record("tcp://a", 6, "load", ("compute", 100.5, 101.0)),
        ],
        "Who did what",
    )
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "worker 0, thread 0",
        "worker 0, thread 1",
        "worker 1",
    ]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["load", "add", "data from another worker"]
    ends = [path.get_extents() for bars in axes.collections for path in bars.get_paths()]
    assert (min(end.x0 for end in ends), max(end.x1 for end in ends)) == (0.0, 3.5)
    plt.close(axes.figure)


def test_an_empty_stream():
    with pytest.raises(ValueError, match="the task stream is empty"):
        draw_task_stream([], "Nothing")
