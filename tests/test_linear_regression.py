"""`helpers.ml.LinearRegression` against scikit-learn's, on any chunking, with and without a cluster."""

import time

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import sklearn.linear_model
from distributed import Client, LocalCluster
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.datasets import fetch_california_housing
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from helpers.ml import LinearRegression
from tests.deaths import a_worker_killed


@pytest.fixture(scope="module")
def client():
    """Two worker processes, as on a learner's machine."""
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def table(rng):
    """1,000 rows of columns with different offsets and units, and a target with noise."""
    X = rng.standard_normal((1000, 4)) * [1, 100, 0.01, 5] + [0, 2019, 1, -50]
    return X, X @ [2.0, 0.03, 40, -1] + 7 + rng.standard_normal(1000)


def frame_of(X, y):
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(X.shape[1])]).assign(target=y)


def assert_same(ours, theirs):
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-9)
    assert_allclose(ours.intercept_, theirs.intercept_, rtol=1e-9, atol=1e-9)


@parametrize_with_checks([LinearRegression(), LinearRegression(alpha=1.0)])
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)


@pytest.mark.parametrize("chunks", [(1000, 4), (300, 4), (7, 4), ((1, 0, 998, 1), 4), (250, (3, 1))])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_equals_scikit_learn_on_any_chunking(table, chunks, fit_intercept):
    X, y = table
    ours = LinearRegression(fit_intercept=fit_intercept).fit(da.from_array(X, chunks), da.from_array(y, 170))
    theirs = sklearn.linear_model.LinearRegression(fit_intercept=fit_intercept).fit(X, y)
    assert_same(ours, theirs)
    assert ours.rank_ == 4


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_equals_ridge(table, alpha, fit_intercept):
    X, y = table
    ours = LinearRegression(alpha=alpha, fit_intercept=fit_intercept).fit(da.from_array(X, 99), da.from_array(y, 99))
    assert_same(ours, sklearn.linear_model.Ridge(alpha=alpha, fit_intercept=fit_intercept, solver="svd").fit(X, y))


@pytest.mark.parametrize("dtype", ["float32", "int16", "uint8", "bool"])
def test_sums_in_float64_whatever_the_type(rng, dtype):
    X = (rng.random((50_000, 3)) * 200).astype(dtype)
    y = X @ np.array([1.0, 2.0, 3.0]) + rng.standard_normal(50_000)
    ours = LinearRegression().fit(da.from_array(X, (9_000, 3)), da.from_array(y, 9_000))
    assert_same(ours, sklearn.linear_model.LinearRegression().fit(X.astype(float), y))


def test_large_offsets_cost_no_digits(rng):
    """Years vary by one around 2019, timestamps by days around 1.7e9 seconds: X'X of the raw numbers is singular."""
    X = np.column_stack([2019 + rng.integers(-1, 2, 5000), 1.7e9 + rng.integers(0, 86_400, 5000)]).astype(float)
    y = 3 * (X[:, 0] - 2019) + 1e-4 * (X[:, 1] - 1.7e9) + rng.standard_normal(5000)
    ours = LinearRegression().fit(da.from_array(X, (800, 2)), da.from_array(y, 800))
    centred = sklearn.linear_model.LinearRegression().fit(X - [2019, 1.7e9], y)
    assert_allclose(ours.coef_, centred.coef_, rtol=1e-9)


def test_sorted_data_costs_no_digits():
    """Each block sees another part of the range, far from the mean of the whole."""
    x = np.linspace(1e6, 2e6, 20_000)
    ours = LinearRegression().fit(da.from_array(x[:, None], (500, 1)), da.from_array(3 * x - 5, 500))
    assert_allclose([ours.coef_[0], ours.intercept_], [3, -5], rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("rows", [4, 60])
def test_minimum_norm_where_columns_do_not_determine_w(rng, rows):
    """Fewer rows than columns, or a column that is the sum of two others and one that is constant."""
    X = rng.standard_normal((rows, 6)) * [1, 50, 1, 1, 1, 1]
    X[:, 2], X[:, 3] = X[:, 0] + X[:, 1], 1.1
    y = rng.standard_normal(rows)
    ours = LinearRegression().fit(da.from_array(X, (3, 6)), da.from_array(y, 3))
    theirs = sklearn.linear_model.LinearRegression().fit(X, y)
    assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-10)
    new = rng.standard_normal((5, 6))
    assert_allclose(ours.predict(new), theirs.predict(new), rtol=1e-6)
    assert ours.rank_ == min(rows - 1, 4)


def test_dask_frames_of_unknown_lengths_with_empty_partitions(table):
    frame = frame_of(*table).assign(x3=lambda frame: frame.x3.round().astype("Int64"))
    ddf = dd.from_pandas(frame, npartitions=5)
    ddf = ddf[ddf.x1 > ddf.x1.partitions[0].min()]  # lengths are now unknown
    ddf = dd.concat([ddf, ddf[ddf.x1 > np.inf]])
    X, y = ddf[["x0", "x1", "x2", "x3"]], ddf["target"]
    ours = LinearRegression().fit(X, y)
    local = ddf.compute()
    theirs = sklearn.linear_model.LinearRegression().fit(local[["x0", "x1", "x2", "x3"]].astype(float), local["target"])
    assert_same(ours, theirs)
    assert list(ours.feature_names_in_) == ["x0", "x1", "x2", "x3"]
    assert_allclose(ours.score(X, y), theirs.score(local[ours.feature_names_in_].astype(float), local["target"]))
    prediction = ours.predict(X)
    assert isinstance(prediction, dd.Series)
    assert_allclose((y - prediction).compute().mean(), 0, atol=1e-9)


def test_unknown_chunks_that_lie_differently_are_measured(table):
    X, y = table
    X_dask = dd.from_pandas(frame_of(X, y), npartitions=3)[["x0", "x1", "x2", "x3"]].to_dask_array()
    ours = LinearRegression().fit(X_dask, da.from_array(y, 170))
    assert_same(ours, sklearn.linear_model.LinearRegression().fit(X, y))
    assert np.isnan(X_dask.shape[0]), "the caller's array is as it was"


def test_predict_is_lazy_for_dask_and_immediate_for_numpy(table):
    X, y = table
    model = LinearRegression().fit(X, y)
    expected = sklearn.linear_model.LinearRegression().fit(X, y).predict(X)
    lazy = model.predict(da.from_array(X, (300, 3)))
    assert isinstance(lazy, da.Array)
    assert_allclose(lazy.compute(), expected)
    assert_allclose(model.predict(X), expected)


def test_score_equals_scikit_learns_r2(table):
    X, y = table
    model = LinearRegression().fit(X, y)
    lazy = model.score(da.from_array(X, (300, 4)), da.from_array(y, 300))
    assert_allclose(lazy, model.score(X, y), rtol=1e-10)


def test_clone_and_set_params():
    model = clone(LinearRegression(alpha=2.0)).set_params(solver="gradient")
    assert model.get_params() == LinearRegression(alpha=2.0, solver="gradient").get_params()


@pytest.mark.parametrize("solver", ["normal", "gradient"])
class TestRefuses:
    """Each error names what is wrong."""

    def fit(self, X, y, solver):
        return LinearRegression(solver=solver, learning_rate=0.1, max_iter=3, tol=0).fit(X, y)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_column_with_nan(self, rng, solver, bad):
        X, y = rng.random((100, 3)), da.from_array(rng.random(100), 30)
        X[77, 1] = bad
        with pytest.raises(ValueError, match="column 1 of X contains NaN"):
            self.fit(da.from_array(X, (30, 3)), y, solver)
        ddf = dd.from_pandas(pd.DataFrame(X, columns=["rooms", "age", "income"]), npartitions=2)
        with pytest.raises(ValueError, match="column age of X contains NaN"):
            self.fit(ddf, ddf["rooms"], solver)
        with pytest.raises(ValueError, match="y contains NaN"):
            self.fit(ddf[["rooms"]], ddf["age"], solver)

    def test_lengths_that_differ(self, solver):
        X, y = da.ones((100, 2), chunks=(50, 2)), da.ones(90, chunks=45)
        with pytest.raises(ValueError, match="X has 100 rows and y has 90"):
            self.fit(X, y, solver)
        ddf = dd.from_pandas(pd.DataFrame({"a": np.arange(100.0)}), npartitions=2)
        with pytest.raises(ValueError, match="has 50 rows, and the block of y beside it 49"):
            self.fit(ddf, ddf["a"].map_partitions(lambda part: part[1:]), solver)

    def test_a_column_of_text(self, solver):
        ddf = dd.from_pandas(pd.DataFrame({"a": [1.0, 2.0], "borough": ["Queens", "Bronx"]}), npartitions=1)
        with pytest.raises(TypeError, match=r"X\['borough'\] is of type"):
            self.fit(ddf, ddf["a"], solver)

    def test_wrong_dimensions(self, solver):
        X = da.ones((10, 2))
        with pytest.raises(ValueError, match="y must have one dimension, not 2"):
            self.fit(X, X[:, :1], solver)

    def test_a_mix_of_dask_and_numpy(self, solver):
        with pytest.raises(TypeError, match="not Array and ndarray"):
            self.fit(da.ones((10, 2)), np.ones(10), solver)

    def test_no_rows(self, solver):
        with pytest.raises(ValueError, match="X has no rows"):
            self.fit(da.ones((0, 2)), da.ones(0), solver)


def test_refuses_other_columns_than_it_learned(table):
    X, y = table
    ddf = dd.from_pandas(frame_of(X, y), npartitions=2)
    model = LinearRegression().fit(ddf[["x0", "x1"]], ddf["target"])
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(ddf[["x0", "x2"]])


def test_refuses_parameters_that_make_no_sense(table):
    for parameters, message in [
        ({"solver": "newton"}, "solver must be 'normal' or 'gradient', not 'newton'"),
        ({"alpha": -1}, "alpha must be at least 0, not -1"),
        ({"max_iter": 0}, "max_iter must be at least 1, not 0"),
    ]:
        with pytest.raises(ValueError, match=message):
            LinearRegression(**parameters).fit(*table)


def gradient_descent(X, y, steps, rate, alpha):
    """The outline's pseudo-code, on one machine."""
    theta, loss = np.zeros(X.shape[1] + 1), []
    ones = np.column_stack([X, np.ones(len(X))])
    penalty = alpha * np.append(np.ones(X.shape[1]), 0)
    for _step in range(steps):
        residual = ones @ theta - y
        loss.append((residual @ residual + penalty @ theta**2) / (2 * len(X)))
        theta -= rate * (ones.T @ residual + penalty * theta) / len(X)
    return theta, loss


@pytest.mark.parametrize("alpha", [0.0, 50.0])
@pytest.mark.parametrize("on_a_cluster", [False, True])
def test_gradient_descent_takes_the_textbooks_steps(table, request, alpha, on_a_cluster):
    if on_a_cluster:
        request.getfixturevalue("client")
    X, y = StandardScaler().fit_transform(table[0]), table[1]
    ours = LinearRegression(solver="gradient", learning_rate=0.3, max_iter=20, tol=0, alpha=alpha)
    with dask.config.set(scheduler=None if on_a_cluster else "threads"):
        ours.fit(da.from_array(X, (130, 4)), da.from_array(y, 200))
    theta, loss = gradient_descent(X, y, steps=20, rate=0.3, alpha=alpha)
    assert_allclose(np.append(ours.coef_, ours.intercept_), theta)
    assert_allclose(ours.loss_curve_, loss)


def test_gradient_descent_converges_to_the_normal_equations(table):
    X, y = StandardScaler().fit_transform(table[0]), table[1]
    model = LinearRegression(solver="gradient", learning_rate=0.5, tol=1e-10).fit(X, y)
    assert_same(model, sklearn.linear_model.LinearRegression().fit(X, y))
    assert model.n_iter_ < model.max_iter


def test_gradient_descent_says_that_it_diverges_or_has_not_arrived(table):
    X, y = table
    with pytest.raises(ValueError, match="the loss rose .* learning_rate=0.1 is too long a step"):
        LinearRegression(solver="gradient").fit(X, y)
    with pytest.warns(ConvergenceWarning, match="after max_iter=3 steps"):
        LinearRegression(solver="gradient", max_iter=3).fit(StandardScaler().fit_transform(X), y)


def test_california_housing(client, course_data):
    X, y = fetch_california_housing(data_home=course_data, return_X_y=True, as_frame=True)
    theirs = sklearn.linear_model.LinearRegression().fit(X, y)
    ddf = dd.from_pandas(X.assign(target=y), npartitions=6).persist()
    ours = LinearRegression().fit(ddf[list(X)], ddf["target"])
    assert_same(ours, theirs)
    assert_allclose(ours.score(ddf[list(X)], ddf["target"]), theirs.score(X, y))


def test_persisted_data_stays_where_it_is(client):
    X = da.random.default_rng(1).standard_normal((40_000, 10), chunks=(5_000, 10)).persist()
    y = X.sum(axis=1).persist()
    sent = lambda: sum(client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total).values())  # noqa: E731
    before = sent()
    for solver in ("normal", "gradient"):
        LinearRegression(solver=solver, max_iter=5, tol=0).fit(X, y)
    assert sent() - before < X.nbytes / 100


def slow_block(block, seconds):
    time.sleep(seconds)
    return block


@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore")
class TestAWorkerDies:
    """It costs time and nothing else."""

    def test_in_the_normal_equations(self, client):
        X = da.random.default_rng(1).standard_normal((20_000, 5), chunks=(1_000, 5))
        y = (X @ np.arange(1.0, 6.0)).persist()
        undisturbed = LinearRegression().fit(X, y)
        with a_worker_killed(client, after=0.5):
            disturbed = LinearRegression().fit(X.map_blocks(slow_block, 0.1, dtype=float), y)
        assert_allclose(disturbed.coef_, undisturbed.coef_, rtol=1e-12)

    def test_in_gradient_descent(self, client):
        X = da.random.default_rng(2).standard_normal((20_000, 5), chunks=(5_000, 5)).persist()
        y = (X @ np.arange(5.0)).persist()
        model = LinearRegression(solver="gradient", learning_rate=0.01, max_iter=300, tol=0)
        undisturbed = clone(model).fit(X, y)
        with a_worker_killed(client, after=0.2):
            disturbed = clone(model).fit(X, y)
        assert_allclose(disturbed.loss_curve_, undisturbed.loss_curve_, rtol=1e-12)
