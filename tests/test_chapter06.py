"""Chapter 06 keeps what it promises: outputs in its text, dask-ml's inertia, and iterations when a worker dies."""

import os
import signal
import threading

import dask
import dask.array as da
import numpy as np
import pytest
from dask_ml.cluster import KMeans as DaskMLKMeans
from distributed import Client, wait
from numpy.testing import assert_allclose
from sklearn.datasets import make_blobs

from helpers import solutions
from helpers.ml import KMeans

points = np.array([[1.0, 1], [2, 1], [1, 2], [6, 5], [7, 5], [6, 6]])
start = points[:2]
cluster = np.array([0, 1, 0, 1, 1, 1])


def answer(id):
    return solutions.reference(id)


def text_of(id):
    text = solutions.chapter_source("06").partition(f"# ### Exercise {id} ")[2].partition("# %%")[0]
    return " ".join(text.replace("\n#", "\n").split())


def written(array, digits=3):
    """The rounded `array` as the text has it."""
    if np.ndim(array) == 0:
        return f"{array:.{digits}f}"
    return "[" + ", ".join(written(part, digits) for part in array) + "]"


def merged():
    tally, merge = answer("6.1").tally, answer("6.1").merge
    return merge([tally(points[:4], cluster[:4], 2), tally(points[4:], cluster[4:], 2)], start)


def one_step():
    return answer("6.3").lloyd_step(da.from_array(points, chunks=(3, 2)), start)


def refilled():
    farthest, refill = answer("6.5").farthest, answer("6.5").refill
    reports = [farthest(points[:4], np.array([0, 1, 1, 41]), 2), farthest(points[4:], np.array([52, 50]), 2)]
    return refill(np.array([[0.0, 0.0], [9.0, 9.0]]), np.array([6, 0]), reports)


def silhouette():
    return answer("6.6").simplified_silhouette(da.from_array(points, chunks=(3, 2)), points[[0, 3]])


@pytest.mark.parametrize(
    ("id", "expected"),
    [
        ("6.1", lambda: written(merged())),
        ("6.2", lambda: written(answer("6.2").nearest(points, start)[0], 0)),
        ("6.2", lambda: written(answer("6.2").nearest(points, start)[1], 0)),
        ("6.3", lambda: written(one_step()[0])),
        ("6.3", lambda: f"an inertia of {one_step()[1]:.0f}"),
        ("6.5", lambda: written(refilled())),
        ("6.6", lambda: written(silhouette())),
    ],
)
def test_the_expected_output_in_the_text(id, expected):
    with dask.config.set(scheduler="sync"):
        assert expected() in text_of(id)


def test_two_candidates_on_average_as_the_text_says():
    squared = np.array([0, 1, 1, 41, 52, 50])
    drawn = [answer("6.4").draw_candidates(points, squared, 145, 2, seed) for seed in range(2000)]
    assert np.mean([len(rows) for rows in drawn]) == pytest.approx(2, abs=0.1)
    assert np.concatenate(drawn)[:, 0].min() >= 1
    assert (np.concatenate(drawn)[:, 0] > 5).mean() > 0.95


@pytest.mark.parametrize(("max_iter", "power"), [(3, 1), (300, 2)])
def test_dask_ml_reports_what_the_chapter_says(max_iter, power):
    X, _ = make_blobs(n_samples=300, centers=4, cluster_std=2.0, random_state=6)
    with dask.config.set(scheduler="sync"):
        model = DaskMLKMeans(4, init=X[[0, 1, 2, 3]], max_iter=max_iter, tol=1e-20).fit(
            da.from_array(X, chunks=(150, 2))
        )
    distances = np.sqrt(((X[:, None] - model.cluster_centers_) ** 2).sum(axis=2).min(axis=1))
    assert model.inertia_ == pytest.approx((distances**power).sum())


@pytest.fixture
def client():
    with Client(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as client:
        yield client


def kill_one(client, after):
    """A timer that kills a worker `after` seconds from now, by SIGKILL."""
    victim = next(iter(client.nthreads()))
    pid = client.run(os.getpid, workers=[victim])[victim]
    timer = threading.Timer(after, os.kill, (pid, signal.SIGKILL))
    timer.start()
    return timer


def generated(rows):
    random = da.random.default_rng(6)
    X = random.normal(size=(rows, 10), chunks=(rows // 8, 10)).persist()
    wait(X)
    return X


def test_a_worker_killed_during_the_iterations_costs_time_and_nothing_else(client):
    lloyd_step = solutions.surroundings("6.3")["lloyd_step"]
    X = generated(400_000)
    first = X[:10].compute()

    def iterate(n_iterations):
        centers, curve = first, []
        for _ in range(n_iterations):
            centers, inertia = lloyd_step(X, centers)
            curve.append(inertia)
        return centers, curve

    undisturbed = iterate(12)
    killed = kill_one(client, after=0.3)
    disturbed = iterate(12)
    assert not killed.is_alive(), "the iterations were over before the worker was killed"
    assert_allclose(disturbed[0], undisturbed[0], rtol=1e-9)
    assert_allclose(disturbed[1], undisturbed[1], rtol=1e-12)


def test_a_worker_killed_during_a_fit_costs_time_and_nothing_else(client):
    X = generated(800_000)
    settings = {"init": X[:10].compute(), "max_iter": 60, "tol": 0}
    undisturbed = KMeans(10, **settings).fit(X)
    killed = kill_one(client, after=0.3)
    disturbed = KMeans(10, **settings).fit(X)
    assert not killed.is_alive(), "the fit was over before the worker was killed"
    assert_allclose(disturbed.cluster_centers_, undisturbed.cluster_centers_, rtol=1e-9)
    assert disturbed.inertia_ == pytest.approx(undisturbed.inertia_, rel=1e-12)
