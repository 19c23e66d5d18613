"""`helpers.ml.KMeans` against scikit-learn's from the same start, on any chunking, with and without a cluster."""

import warnings

import dask
import dask.array as da
import dask.dataframe as dd
import dask_ml.cluster
import numpy as np
import pandas as pd
import pytest
import sklearn.cluster
from distributed import Client, LocalCluster, wait
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from helpers.ml import KMeans
from helpers.ml.kmeans import initial_centers
from helpers.ml.nearest import cluster_sums, nearest
from tests.deaths import a_worker_killed

CHUNKINGS = [(1200, 5), (500, 5), (7, 5), ((1, 0, 1198, 1), 5), (250, (3, 2))]


@pytest.fixture(scope="module")
def client():
    """Two worker processes, as on a learner's machine."""
    with (
        # Otherwise a worker that is missing 15 s after it was killed, for having been killed again, is given up.
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 hour"}),
        LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def rng():
    return np.random.default_rng(6)


@pytest.fixture
def heaps(rng):
    """1,200 rows of five columns in six heaps that overlap."""
    middles = 2 * rng.standard_normal((6, 5))
    return middles[rng.integers(0, 6, 1200)] + rng.standard_normal((1200, 5))


def peer(start, X, sample_weight=None, **options):
    """scikit-learn's KMeans from `start`."""
    model = sklearn.cluster.KMeans(len(start), init=start, n_init=1, **options)
    return model.fit(X, sample_weight=sample_weight)


def assert_same(ours, theirs, rtol=1e-9):
    assert ours.n_iter_ == theirs.n_iter_ == len(ours.inertia_curve_)
    assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=rtol, atol=rtol)
    assert_allclose(ours.inertia_, theirs.inertia_, rtol=rtol)
    assert_array_equal(np.asarray(ours.labels_), theirs.labels_)


def sorted_rows(table):
    return table[np.lexsort(table.T)]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [KMeans(), KMeans(init="random")],
    expected_failed_checks=lambda _estimator: {
        "check_sample_weight_equivalence_on_dense_data": "other rows, other draws: as with scikit-learn"
    },
)
def test_keeps_scikit_learns_contract(estimator, check):
    check(estimator)


class TestNearest:
    """The compiled search, on its own."""

    @pytest.mark.parametrize("dtype, rtol", [("float64", 1e-12), ("float32", 1e-4)])
    @pytest.mark.parametrize("rows, columns, k", [(1, 1, 1), (64, 4, 4), (200, 5, 7), (65, 30, 13), (0, 3, 2)])
    def test_equals_all_distances_compared(self, rng, rows, columns, k, dtype, rtol):
        x = (100 + rng.standard_normal((rows, columns))).astype(dtype)
        centers, origin = rng.standard_normal((k, columns)), np.full(columns, 100.0)
        distances = cdist(x - origin, centers, "sqeuclidean")
        labels, least = nearest(x, centers, origin)
        assert labels.dtype == np.int32 and least.dtype == dtype
        assert_allclose(least, distances.min(axis=1), rtol=rtol, atol=rtol)
        assert_allclose(distances[np.arange(rows), labels], distances.min(axis=1), rtol=rtol, atol=rtol)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_sums_count_each_row_once(self, rng, weighted):
        """On a grid many rows are as near to one centre as to another: such a row goes to the first."""
        x = rng.integers(0, 3, (1000, 2)).astype(float)
        centers, weights = np.array([[0.0, 0], [2, 0], [0, 2], [2, 2], [2, 2]]), rng.random(1000)
        sums = cluster_sums(x, weights if weighted else None, centers, np.zeros(2))
        labels = cdist(x, centers, "sqeuclidean").argmin(axis=1)
        counted = weights if weighted else np.ones(1000)
        expected = [
            [*np.average(x[labels == j], axis=0, weights=counted[labels == j]) * total, total]
            for j, total in enumerate(np.bincount(labels, counted)) if total
        ]  # fmt: skip
        assert_allclose(sums[:4], expected)
        assert_array_equal(sums[4], 0)


@pytest.mark.parametrize("chunks", CHUNKINGS)
@pytest.mark.parametrize("options", [{}, {"tol": 0}, {"max_iter": 4}, {"tol": 0.01}], ids=str)
def test_equals_scikit_learn_on_any_chunking(heaps, chunks, options):
    start = heaps[:7]
    ours = KMeans(7, init=start, **options).fit(da.from_array(heaps, chunks))
    assert_same(ours, peer(start, heaps, **options))


@pytest.mark.parametrize("chunks", CHUNKINGS)
def test_weights_count_as_in_scikit_learn(heaps, rng, chunks):
    start, weights = heaps[:7], rng.integers(0, 4, 1200) * 0.3
    ours = KMeans(7, init=start).fit(da.from_array(heaps, chunks), sample_weight=da.from_array(weights, 170))
    theirs = peer(start, heaps, weights)
    assert_same(ours, theirs)
    assert_allclose(ours.score(heaps, sample_weight=weights), theirs.score(heaps, sample_weight=weights))


def test_float32_stays_and_is_summed_in_float64(rng):
    """scikit-learn's own float32 sums are off in the fifth digit here, so that its float64 is what we compare with."""
    X = (rng.standard_normal((200_000, 3)) + 3 * rng.integers(0, 2, (200_000, 1))).astype(np.float32)
    start = X[:4]
    ours = KMeans(4, init=start, max_iter=10, tol=0).fit(da.from_array(X, (100_000, 3)))
    theirs = peer(start.astype(float), X.astype(float), max_iter=10, tol=0)
    assert ours.cluster_centers_.dtype == np.float32
    assert_allclose(ours.cluster_centers_, theirs.cluster_centers_, rtol=1e-6, atol=1e-6)
    assert_allclose(ours.inertia_, theirs.inertia_, rtol=1e-6)
    assert_allclose(ours.inertia_curve_[-1], ours.inertia_, rtol=1e-2)


@pytest.mark.parametrize("dtype", ["int16", "uint8", "bool", "float16"])
def test_other_types_become_float64(rng, dtype):
    X = (200 * rng.random((1000, 4))).astype(dtype)
    start = np.unique(X, axis=0)[::2][:5].astype(float)
    ours = KMeans(len(start), init=start, max_iter=5).fit(da.from_array(X, (300, 4)))
    assert_same(ours, peer(start, X.astype(float), max_iter=5))


@pytest.mark.parametrize("dtype, offset, rtol", [("float64", 1e8, 1e-7), ("float32", 4096.0, 1e-5)])
def test_large_offsets_cost_no_digits(heaps, dtype, offset, rtol):
    """Halves and quarters survive the addition exactly, so that the clusters have to be the same, moved."""
    X = np.round(heaps * 64) / 64
    moved = (X + offset).astype(dtype)
    assert_array_equal(moved - offset, X)
    ours = KMeans(6, init=moved[:6]).fit(da.from_array(moved, (300, 5)))
    theirs = peer(X[:6], X)
    assert_array_equal(ours.labels_.compute(), theirs.labels_)
    assert_allclose(ours.inertia_curve_[-1], theirs.inertia_, rtol=1e-3)
    assert_allclose(ours.inertia_, theirs.inertia_, rtol=rtol)
    assert_allclose(ours.transform(moved), theirs.transform(X), rtol=1e-3)


@pytest.mark.parametrize("chunks", CHUNKINGS)
@pytest.mark.parametrize("lost", [1, 3])
def test_an_empty_cluster_moves_to_the_farthest_row(heaps, chunks, lost):
    """Start with centres where there are no rows; which empty cluster gets which of the far rows is arbitrary."""
    start = np.concatenate([heaps[:4], np.full((lost, 5), 1e3) + np.arange(lost)[:, None]])
    for max_iter in (1, 300):
        ours = KMeans(4 + lost, init=start, max_iter=max_iter).fit(da.from_array(heaps, chunks))
        theirs = peer(start, heaps, max_iter=max_iter)
        assert ours.n_iter_ == theirs.n_iter_
        assert_allclose(sorted_rows(ours.cluster_centers_), sorted_rows(theirs.cluster_centers_))
        assert_allclose(ours.inertia_, theirs.inertia_)


def test_a_row_without_weight_attracts_no_empty_cluster(rng):
    X = np.concatenate([rng.standard_normal((50, 2)), [[100.0, 100.0]]])
    start, weights = np.array([[0.0, 0.0], [999.0, 999.0]]), np.append(np.ones(50), 0)
    model = KMeans(2, init=start, max_iter=1).fit(X, sample_weight=weights)
    assert_allclose(model.cluster_centers_[1], X[np.linalg.norm(X[:50], axis=1).argmax()])


def test_a_cluster_that_gives_all_its_rows_away_leaves_no_rounding_behind():
    """Both rows of the second cluster, of weights 0.1 and 0.2, are the farthest from their centres."""
    X = np.array([[0.0], [0.1], [10.0], [30.0]])
    start = np.array([[0.0], [19.0], [1e6], [2e6]])
    with pytest.warns(ConvergenceWarning):
        model = KMeans(4, init=start, max_iter=1).fit(X, sample_weight=[1, 1, 0.1, 0.2])
    assert_allclose(np.sort(model.cluster_centers_.ravel()), [0.05, 0.05, 10, 30])


def test_fewer_distinct_rows_than_clusters(rng):
    X = np.repeat(rng.standard_normal((3, 2)), 40, axis=0)
    for init in ("k-means||", "k-means++", "random", X[:5]):
        with pytest.warns(ConvergenceWarning, match=r"\d distinct clusters found, fewer than n_clusters=5"):
            model = KMeans(5, init=init, random_state=1).fit(da.from_array(X, (50, 2)))
        assert np.isfinite(model.cluster_centers_).all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert KMeans(3, random_state=1).fit(X).inertia_ < 1e-20


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_duplicate_rows_come_to_an_end(rng):
    """Rounding sets rows apart from centres that equal them, and empty clusters go from one to the other."""
    for _case in range(10):
        X = rng.permutation(np.repeat(rng.standard_normal((4, 1)), 20, axis=0))
        assert KMeans(7, init=X[:7], tol=0).fit(X).n_iter_ < 10


def test_inertia_is_of_squared_distances(heaps):
    X = da.from_array(heaps, (500, 5))
    model = KMeans(6, init=heaps[:6], max_iter=5, tol=0).fit(X)
    squared = cdist(heaps, model.cluster_centers_, "sqeuclidean").min(axis=1)
    assert_allclose(model.inertia_, squared.sum())
    assert model.score(X) == model.score(heaps) == -model.inertia_
    assert_allclose(model.inertia_curve_[0], cdist(heaps, heaps[:6], "sqeuclidean").min(axis=1).sum())
    assert_array_equal(model.inertia_curve_, sorted(model.inertia_curve_, reverse=True))


def test_dask_ml_finds_the_same_centres_and_reports_unsquared_distances(heaps):
    """What chapter 06 and the benchmark say of dask-ml 2025.1.0's `inertia_`."""
    X = da.from_array(heaps, (500, 5))
    ours = KMeans(6, init=heaps[:6], max_iter=5, tol=0).fit(X)
    theirs = dask_ml.cluster.KMeans(6, init=heaps[:6], max_iter=5, tol=0).fit(X)
    assert_allclose(ours.cluster_centers_, theirs.cluster_centers_)
    assert_allclose(theirs.inertia_, cdist(heaps, ours.cluster_centers_).min(axis=1).sum())


def test_predict_and_transform_are_lazy_for_dask_and_immediate_for_numpy(heaps):
    model, theirs = KMeans(6, init=heaps[:6]).fit(heaps), peer(heaps[:6], heaps)
    assert isinstance(model.labels_, np.ndarray)
    X = da.from_array(heaps, (500, 3))
    for method in ("predict", "transform"):
        lazy, expected = getattr(model, method)(X), getattr(theirs, method)(heaps)
        assert isinstance(lazy, da.Array) and lazy.shape == expected.shape
        assert_allclose(lazy.compute(), expected)
        assert_allclose(getattr(model, method)(heaps), expected)
        assert lazy.dtype == lazy.compute().dtype
    assert_array_equal(clone(model).fit_predict(X), theirs.labels_)
    assert_allclose(clone(model).fit_transform(X), theirs.transform(heaps))


def test_dask_frames_of_unknown_lengths_with_empty_partitions(heaps):
    frame = pd.DataFrame(heaps, columns=list("abcde")).assign(e=heaps[:, 4].round()).astype({"e": "Int64"})
    ddf = dd.from_pandas(frame, npartitions=5)
    ddf = ddf[ddf.a > ddf.a.partitions[0].min()]  # lengths are now unknown
    ddf = dd.concat([ddf[ddf.a > np.inf], ddf, ddf[ddf.a > np.inf]])
    local = ddf.compute().astype(float)
    weights = (local["a"] > 0) + 0.5
    start = local.to_numpy()[:6]
    ours = KMeans(6, init=start).fit(ddf, sample_weight=(ddf["a"] > 0) + 0.5)
    theirs = peer(start, local, weights)
    assert isinstance(ours.labels_, dd.Series)
    assert_array_equal(ours.labels_.compute().index, local.index)
    assert_same(ours, theirs)
    assert list(ours.feature_names_in_) == list("abcde")
    assert_allclose(ours.transform(ddf).compute(), theirs.transform(local))
    assert_allclose(ours.score(ddf), theirs.score(local))


def test_a_frame_of_float32_stays_float32(heaps):
    ddf = dd.from_pandas(pd.DataFrame(heaps.astype(np.float32), columns=list("abcde")), npartitions=3)
    assert KMeans(6, random_state=0).fit(ddf).cluster_centers_.dtype == np.float32


class TestStarts:
    """Centres to begin with."""

    @pytest.mark.parametrize("init", ["k-means||", "k-means++", "random"])
    def test_a_seed_and_the_chunks_decide(self, client, heaps, init):
        X = da.from_array(heaps, (250, 5))
        start = initial_centers(X, 6, init=init, random_state=3)
        with dask.config.set(scheduler="threads"):
            assert_array_equal(initial_centers(X, 6, init=init, random_state=3), start)
        assert_array_equal(KMeans(6, init=init, random_state=3, max_iter=1).fit(X).inertia_curve_[0],
                           KMeans(6, init=start, max_iter=1).fit(X).inertia_curve_[0])  # fmt: skip
        assert (initial_centers(X, 6, init=init, random_state=4) != start).any()

    @pytest.mark.parametrize("init, allowed", [("k-means||", (1.0, 1.0)), ("k-means++", (1.1, 1.02))])
    def test_is_as_good_as_scikit_learns_k_means_plus_plus(self, rng, init, allowed):
        """The medians over seeds of the inertia at the start and after 20 iterations, for heaps of different sizes."""
        sizes = np.geomspace(1, 0.02, 20)
        X = (6 * rng.standard_normal((20, 8)))[rng.choice(20, 20_000, p=sizes / sizes.sum())]
        X += rng.standard_normal(X.shape)
        chunked, seeds = da.from_array(X, (3_000, 8)), range(9)

        def inertias(start):
            model = KMeans(20, init=start, max_iter=20, tol=0).fit(X)
            return model.inertia_curve_[0], model.inertia_

        ours = np.median([inertias(initial_centers(chunked, 20, init=init, random_state=s)) for s in seeds], axis=0)
        theirs = [inertias(sklearn.cluster.kmeans_plusplus(X, 20, random_state=s)[0]) for s in seeds]
        assert (ours <= allowed * np.median(theirs, axis=0)).all()

    def test_scalable_finds_a_few_rows_far_away(self, rng):
        """Four rows of 40,000: a sample would miss them."""
        X = np.concatenate([rng.standard_normal((40_000, 3)), 100 + rng.standard_normal((4, 3))])
        for seed in range(5):
            start = initial_centers(da.from_array(X, (9_000, 3)), 3, random_state=seed)
            assert (np.abs(start - 100).max(axis=1) < 10).sum() == 1

    def test_random_rows_come_as_often_as_they_weigh(self, monkeypatch):
        """Of rows 0 to 3 the first drawn is i with a probability of w_i, whichever block holds it."""
        monkeypatch.setattr("helpers.ml.kmeans.BLOCK_ROWS", 3)
        X, weights = np.arange(4.0)[:, None], np.array([0.1, 0.2, 0.0, 0.7])
        starts = [
            initial_centers(X, 1, sample_weight=weights, init="random", random_state=seed) for seed in range(1000)
        ]
        assert_allclose(np.bincount(np.int64(starts).ravel(), minlength=4) / 1000, weights, atol=0.04)

    def test_random_takes_different_rows(self):
        X = np.arange(10.0)[:, None]
        for seed in range(20):
            start = initial_centers(da.from_array(X, (3, 1)), 10, init="random", random_state=seed)
            assert_array_equal(np.sort(start, axis=0), X)

    @pytest.mark.parametrize("init", ["k-means||", "k-means++", "random"])
    def test_rows_without_weight_are_no_start(self, rng, init):
        X, weights = rng.standard_normal((500, 2)), np.ones(500)
        X[::2], weights[::2] = 1e3 + X[::2], 0
        start = initial_centers(X, 3, sample_weight=weights, init=init, random_state=0)
        assert np.abs(start).max() < 100

    @pytest.mark.parametrize("init", ["k-means||", "k-means++", "random"])
    def test_light_rows_far_away_are_no_start(self, rng, init):
        X = rng.standard_normal((205, 2)) + np.repeat([0, 8, 1000], [100, 100, 5])[:, None]
        weights = np.repeat([1, 1e-9], [200, 5])
        for seed in range(5):
            assert initial_centers(X, 2, sample_weight=weights, init=init, random_state=seed).max() < 20

    @pytest.mark.parametrize("init", ["k-means||", "k-means++", "random"])
    def test_the_unit_of_the_weights_does_not_matter(self, heaps, rng, init):
        weights = rng.random(1200)
        small, large = (
            initial_centers(heaps, 6, sample_weight=weights * unit, init=init, random_state=0) for unit in (2**-20, 1)
        )
        assert_allclose(small, large)

    def test_few_candidates_are_made_up_for(self, heaps):
        start = initial_centers(heaps, 40, oversampling_factor=0.1, random_state=0)
        assert len(np.unique(start, axis=0)) == 40

    @pytest.mark.parametrize("init", ["k-means||", "random"])
    def test_the_best_of_n_init_counts(self, heaps, init):
        X, random_state = da.from_array(heaps, (250, 5)), np.random.RandomState(3)
        single = [KMeans(9, init=init, random_state=random_state).fit(X) for _run in range(3)]
        best = KMeans(9, init=init, random_state=3, n_init=3).fit(X)
        assert best.inertia_ == min(model.inertia_ for model in single) < single[0].inertia_
        assert best.score(X) == -best.inertia_ and len(best.inertia_curve_) == best.n_iter_


class TestRefuses:
    """Each error names what is wrong."""

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_a_column_with_nan(self, heaps, bad):
        heaps[777, 1] = bad
        with pytest.raises(ValueError, match="column 1 of X contains NaN"):
            KMeans(3).fit(da.from_array(heaps, (300, 5)))
        ddf = dd.from_pandas(pd.DataFrame(heaps[:, :3], columns=["rooms", "age", "income"]), npartitions=2)
        with pytest.raises(ValueError, match="column age of X contains NaN"):
            KMeans(3).fit(ddf)
        with pytest.raises(ValueError, match="X contains NaN"):
            KMeans(3).fit(heaps[:700]).predict(da.from_array(heaps, (300, 5))).compute()

    def test_numbers_too_large_to_square(self, heaps):
        X = (heaps * 1e20).astype(np.float32)
        with pytest.raises(ValueError, match="column 0 of X contains .* too large to square in float32"):
            KMeans(3).fit(da.from_array(X, (300, 5)))

    def test_more_clusters_than_rows(self):
        for X in (np.eye(3), da.from_array(np.eye(3), (1, 3))):
            with pytest.raises(ValueError, match="n_samples=3 should be >= n_clusters=4"):
                KMeans(4).fit(X)

    def test_no_rows(self):
        with pytest.raises(ValueError, match="X has no rows"):
            KMeans(2).fit(da.ones((0, 2)))

    def test_weights_that_make_no_sense(self, heaps):
        X, weights = da.from_array(heaps, (300, 5)), np.ones(1200)
        with pytest.raises(ValueError, match="sample_weight is zero for every row"):
            KMeans(2).fit(X, sample_weight=da.zeros(1200, chunks=300))
        for bad in (-0.5, np.nan):
            weights[700] = bad
            with pytest.raises(ValueError, match=f"sample_weight holds {bad}: weights are numbers of at least 0"):
                KMeans(2).fit(X, sample_weight=da.from_array(weights, 300))
        with pytest.raises(ValueError, match="X has 1200 rows and sample_weight has 1199"):
            KMeans(2).fit(X, sample_weight=da.ones(1199, chunks=300))
        with pytest.raises(ValueError, match="a block of X has 1200 rows, and the block of sample_weight beside it 3"):
            KMeans(2).fit(heaps, sample_weight=[1, 1, 1])
        with pytest.raises(TypeError, match="sample_weight a Dask array or Series, not Array and ndarray"):
            KMeans(2).fit(X, sample_weight=np.ones(1200))

    def test_what_is_not_a_number(self):
        ddf = dd.from_pandas(pd.DataFrame({"a": [1.0, 2.0], "borough": ["Queens", "Bronx"]}), npartitions=1)
        with pytest.raises(TypeError, match=r"X\['borough'\] is of type"):
            KMeans(2).fit(ddf)
        with pytest.raises(TypeError, match="X is of type complex128"):
            KMeans(2).fit(da.ones((10, 2), dtype=complex))

    def test_wrong_dimensions(self):
        with pytest.raises(ValueError, match="X must have two dimensions, not 1"):
            KMeans(2).fit(da.ones(10))

    def test_other_columns_than_it_learned(self, heaps):
        ddf = dd.from_pandas(pd.DataFrame(heaps, columns=list("abcde")), npartitions=2)
        with pytest.raises(ValueError, match="feature names should match"):
            KMeans(2).fit(ddf[["a", "b"]]).predict(ddf[["a", "c"]])
        with pytest.raises(ValueError, match="expecting 4 features"):
            KMeans(2).fit(heaps[:, :4]).transform(da.from_array(heaps))

    @pytest.mark.parametrize(
        "parameters, message",
        [
            ({"n_clusters": 0}, "n_clusters must be a whole number of at least 1, not 0"),
            ({"n_clusters": 2.5}, "n_clusters must be a whole number of at least 1, not 2.5"),
            ({"n_init": 0}, "n_init must be a whole number"),
            ({"max_iter": 0}, "max_iter must be a whole number"),
            ({"tol": -1}, "tol must be at least 0, not -1"),
            ({"oversampling_factor": 0}, "oversampling_factor must be above 0, not 0"),
            ({"init": "k-means"}, r"init must be one of 'k-means\|\|', 'k-means\+\+', 'random' or an array"),
            ({"init": np.ones((2, 4))}, r"init has shape \(2, 4\) and should have .* = \(8, 5\)"),
            ({"init": np.full((8, 5), np.nan)}, "init contains NaN"),
        ],
        ids=str,
    )
    def test_parameters_that_make_no_sense(self, heaps, parameters, message):
        with pytest.raises(ValueError, match=message):
            KMeans(**parameters).fit(da.from_array(heaps, (300, 5)))


@pytest.mark.parametrize("threads", [False, True])
def test_on_a_cluster_as_without_one(client, heaps, threads):
    X = da.from_array(heaps, (170, 5))
    with dask.config.set(scheduler="threads" if threads else None):
        model = KMeans(6, init=heaps[:6]).fit(X)
    assert_same(model, peer(heaps[:6], heaps))


def test_persisted_data_stays_where_it_is(client):
    X = da.random.default_rng(1).standard_normal((40_000, 10), chunks=(5_000, 10)).persist()
    wait(X)
    sent = lambda: sum(client.run(lambda dask_worker: dask_worker.transfer_outgoing_bytes_total).values())  # noqa: E731
    before = sent()
    model = KMeans(8, max_iter=5, tol=0, random_state=0).fit(X)
    model.score(X)
    wait(model.labels_.persist())
    assert sent() - before < X.nbytes / 100


@pytest.mark.timeout(60)
@pytest.mark.filterwarnings("ignore")
class TestAWorkerDies:
    """It costs time and nothing else."""

    def test_in_lloyds_iterations(self, client):
        X = da.random.default_rng(2).standard_normal((200_000, 10), chunks=(25_000, 10)).persist()
        wait(X)
        model = KMeans(30, init="random", random_state=1, max_iter=250, tol=0)
        undisturbed = clone(model).fit(X)
        with a_worker_killed(client, after=0.2):
            disturbed = clone(model).fit(X)
        assert_array_equal(disturbed.inertia_curve_, undisturbed.inertia_curve_)
        assert_array_equal(disturbed.cluster_centers_, undisturbed.cluster_centers_)

    def test_in_the_start(self, client):
        X = da.random.default_rng(3).standard_normal((200_000, 10), chunks=(25_000, 10)).persist()
        wait(X)
        starts = lambda: [initial_centers(X, 40, random_state=seed) for seed in range(8)]  # noqa: E731
        undisturbed = starts()
        with a_worker_killed(client, after=0.1):
            disturbed = starts()
        assert_array_equal(disturbed, undisturbed)
