"""Chapter 05 keeps what it promises: the outputs in its text, and its descent when a worker dies."""

import threading

import dask.array as da
import numpy as np
import pytest
from distributed import Client, wait
from numpy.testing import assert_allclose

from helpers import solutions

X = np.column_stack([np.ones(6), [1.0, 2, 3, 4, 5, 6]])
y = np.array([5.5, 8.0, 10.0, 13.5, 15.0, 17.5])
guess = np.array([2.0, 3.0])


def gradient_of_six_trips():
    answer = solutions.reference("5.1")
    return answer.combine([answer.report(X[:4], y[:4], guess), answer.report(X[4:], y[4:], guess)])


def gradient_on_dask():
    return solutions.reference("5.2").mse_gradient(da.from_array(X, chunks=(4, 2)), da.from_array(y, chunks=4), guess)


def ridge_of_six_trips():
    return solutions.reference("5.5").ridge_from_sums(X.T @ X, X.T @ y, 2)


@pytest.mark.parametrize(
    ("id", "compute"), [("5.1", gradient_of_six_trips), ("5.2", gradient_on_dask), ("5.5", ridge_of_six_trips)]
)
def test_the_expected_output_in_the_text(id, compute):
    text = solutions.chapter_source("05").partition(f"# ### Exercise {id} ")[2].partition("# %%")[0]
    text = " ".join(text.replace("\n#", "\n").split())
    assert "`[" + ", ".join(f"{number:.3f}" for number in compute()) + "]`" in text


def test_a_worker_killed_during_the_descent_costs_time_and_nothing_else():
    chapter = solutions.surroundings("5.4")
    with Client(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as client:
        random = da.random.default_rng(5)
        X = random.normal(size=(400_000, 10), chunks=(50_000, 10))
        target = X @ np.arange(10.0) + random.normal(size=400_000, chunks=50_000)
        arrays = client.persist([X, target])
        wait(arrays)
        undisturbed = chapter["pinned_descent"](client, *arrays, 0.5, 40)
        victim = next(iter(client.nthreads()))
        pid = client.run(lambda dask_worker: __import__("os").getpid(), workers=[victim])[victim]
        killed = threading.Timer(0.5, lambda: __import__("os").kill(pid, 9))
        killed.start()
        disturbed = chapter["pinned_descent"](client, *arrays, 0.5, 40)
        assert not killed.is_alive(), "the descent was over before the worker was killed"
    assert_allclose(disturbed, undisturbed, rtol=1e-10)
