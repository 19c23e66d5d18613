"""Chapter 02 keeps what it promises: the outputs in its text are those of its solutions."""

import dask
import pytest

from helpers import solutions

STORY = [("released", "waiting", 5.0), ("waiting", "processing", 5.5)]


def names_of(*names):
    """Top-level names of the chapter that no exercise defines."""
    everything = "\n\n".join(code for _marker, code in solutions.code_cells(solutions.chapter_source("02")))
    namespace = {"__name__": "chapter_02"}
    solutions.run_source(solutions.needed_source(everything, names), "chapter 02", namespace)
    return [namespace[name] for name in names]


def text_of(id):
    """The prose of an exercise, on one line."""
    text = solutions.chapter_source("02").partition(f"# ### Exercise {id} ")[2].partition(f'exercise="{id}"')[0]
    return " ".join(text.replace("\n#", "\n").split())


def test_a_part_of_the_graph_of_six_trips():
    (graph,) = names_of("mean_graph")
    order = [("block", 0), ("sum", 0), ("block", 1), ("sum", 1), "total"]
    value, ran = solutions.reference("2.1").run_graph(graph, "total")
    assert f"gives {value}" in text_of("2.1")
    assert repr(order).replace("'", '"') in text_of("2.1")
    assert sorted(map(str, ran)) == sorted(map(str, order))
    assert value == dask.get(graph, "total")


def test_the_least_time_of_the_pipeline_with_a_slow_step():
    graph, units = names_of("fit_graph", "units")
    one, two, many = (solutions.reference("2.2").least_time(graph, units, n) for n in (1, 2, 100))
    assert f"gives {one:g} on one worker, {two:g} on two, and {many:g} on a hundred" in text_of("2.2")


@pytest.mark.parametrize(
    ("id", "compute", "sentence"),
    [
        ("2.3", lambda answer: answer.seconds_in_states(STORY, now=7.5), "`{'waiting': 0.5, 'processing': 2.0}`"),
        ("2.5", lambda answer: answer.share_under_lock(3, 4.5, 2), "it gives 0.5"),
        ("2.6", lambda answer: answer.blocks_in_memory(1000, 50, 20), "gives 30 with 50 MB"),
        ("2.6", lambda answer: answer.blocks_in_memory(1000, 200, 20), "25 with 200 MB"),
    ],
)
def test_the_expected_output_in_the_text(id, compute, sentence):
    assert sentence.replace("'", '"') in text_of(id)
    assert repr(compute(solutions.reference(id))) in sentence
