"""K-means where the data lies: Lloyd's iterations over blocks that stay on their workers, and starts for them.

To a block go the centres, and from it come for each cluster the sum and the number of its rows, never rows.
"""

import warnings
from collections.abc import Callable
from numbers import Integral
from typing import NamedTuple, Self

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import sklearn.cluster
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from helpers.ml.actors import keep_blocks
from helpers.ml.blocks import as_matrix, check_lengths, delayed_blocks, float_type, row_blocks, row_chunks
from helpers.ml.nearest import cluster_sums, nearest
from helpers.words import _

ROUNDS = 2  # of k-means||: more make a better start and, after some iterations, no better end
SAMPLE_ROWS = 10_000  # of which k-means++ makes a start, or 100 for each cluster if that is more
WEIGHED_ROWS = 20_000  # of a block, by which the candidates of k-means|| get their weights
BLOCK_ROWS = 65_536  # an array in memory is cut into such blocks, one for a thread at a time
INITS = ("k-means||", "k-means++", "random")


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """K-means by Lloyd's algorithm, on Dask or in-memory arrays and frames.

    Minimises the inertia Σ wᵢ ‖xᵢ - c(xᵢ)‖², where c(x) is the centre nearest to x and the weights are 1 unless given.
    From the same start it takes the steps of scikit-learn's `KMeans`, on any chunking: means of clusters; a cluster
    left empty moves to the row farthest from its centre; the end is when no row changes its cluster, or when the
    squared distances that the centres moved add up to at most `tol` times the mean variance of the columns.

    Float32 data stays float32, with sums in float64; other types become float64. The data is held in the workers'
    memory while `fit` runs.

    Parameters
    ----------
    n_clusters : k, at most the number of rows.
    init : the start. "k-means||" draws candidates from all rows in two rounds, the second with probabilities in
        proportion to the squared distance from the candidates so far, and clusters them, weighted by how many of
        some 20,000 rows of each block are nearest to each (Bahmani et al., Scalable K-Means++, VLDB 2012).
        "k-means++" is scikit-learn's `kmeans_plusplus` on a sample of at most 10,000 rows, or 100 k if that is more,
        which travels to this process. "random" takes k rows. An array (n_clusters, n_features) is the start itself.
    n_init : runs from different starts, of which the one of least inertia counts; from an array there is one.
    max_iter : most iterations of a run.
    tol : see above; 0 goes on until no row changes its cluster.
    oversampling_factor : candidates that a round of "k-means||" draws, in multiples of k.
    random_state : seed, or `RandomState`, of the starts. The same seed and the same chunks give the same start.

    Attributes
    ----------
    cluster_centers_ : shape (n_clusters, n_features), in the type of the data.
    labels_ : for each row of the data the index of its nearest centre, as `predict` gives it: lazy for Dask data.
    inertia_ : the inertia of `cluster_centers_`, which is -score(X).
    inertia_curve_ : the inertia at the start of each iteration, before its centres move.
    n_iter_ : number of iterations.
    n_features_in_, feature_names_in_ : as in scikit-learn.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: str | np.ndarray = "k-means||",
        n_init: int = 1,
        max_iter: int = 300,
        tol: float = 1e-4,
        oversampling_factor: float = 2.0,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.oversampling_factor = oversampling_factor
        self.random_state = random_state

    def fit(self, X, y=None, sample_weight=None) -> Self:
        """Learn from `X` (n_samples, n_features) and weights (n_samples,), both Dask or both in memory; y is ignored.

        Persisted data is read where it lies. Raises ValueError or TypeError that names the parameter, the column or
        the lengths at fault.
        """
        self._check_parameters()
        X, columns = self._columns(X, sample_weight, reset=True)
        dtype = float_type(X)
        ask = keep_blocks(_Rows, *columns)
        count, origin, tol, spread = self._survey(ask, dtype)
        if count < self.n_clusters:
            raise ValueError(
                _("n_samples={n} should be >= n_clusters={k}: X has fewer rows than clusters asked for").format(
                    n=count, k=self.n_clusters
                )
            )
        random_state = check_random_state(self.random_state)
        best = None
        for _run in range(self.n_init if isinstance(self.init, str) else 1):
            start = self._start(ask, random_state, dtype) - origin
            run = self._lloyd(ask, start, origin, tol, spread)
            centers = (run.centers + origin).astype(dtype)
            inertia, sizes = map(sum, zip(*ask("quality", centers), strict=True))
            if best is None or inertia < best:
                best, best_sizes = inertia, sizes
                self.cluster_centers_, self.inertia_ = centers, float(inertia)
                self.inertia_curve_, self.n_iter_ = run.curve, len(run.curve)
        if (distinct := np.count_nonzero(best_sizes)) < self.n_clusters:
            warnings.warn(
                _("{distinct} distinct clusters found, fewer than n_clusters={k}: X may hold duplicate rows").format(
                    distinct=distinct, k=self.n_clusters
                ),
                ConvergenceWarning,
                stacklevel=2,
            )
        self.labels_ = self._labels(X)
        return self

    def predict(self, X):
        """Index of the centre nearest to each row, int32, shape (n_samples,).

        A lazy Dask array or series for Dask input, else a NumPy array.
        """
        check_is_fitted(self)
        return self._labels(self._checked(X))

    def transform(self, X):
        """Distance of each row to each centre, shape (n_samples, n_clusters): lazy for Dask input, else NumPy."""
        check_is_fitted(self)
        X = self._checked(X)
        if not dask.is_dask_collection(X):
            return _distances(X, self.cluster_centers_)
        matrix = as_matrix(X)
        return matrix.map_blocks(
            _distances,
            self.cluster_centers_,
            chunks=(matrix.chunks[0], (self._n_features_out,)),
            meta=np.empty((0, 0), float_type(X)),
        )

    def score(self, X, y=None, sample_weight=None) -> float:
        """Minus the inertia of `X` (n_samples, n_features), computed at once, block by block; y is ignored."""
        check_is_fitted(self)
        X, columns = self._columns(X, sample_weight, reset=False)
        inertia_of = dask.delayed(_block_inertia) if dask.is_dask_collection(X) else _block_inertia
        parts = [inertia_of(self.cluster_centers_, *row) for row in zip(*columns, strict=True)]
        return -sum(dask.compute(*parts))

    @property
    def _n_features_out(self) -> int:
        return len(self.cluster_centers_)

    def _check_parameters(self) -> None:
        for name in ("n_clusters", "n_init", "max_iter"):
            value = getattr(self, name)
            if not isinstance(value, Integral) or value < 1:
                raise ValueError(_("{name} must be a whole number of at least 1, not {x!r}").format(name=name, x=value))
        if self.tol < 0:
            raise ValueError(_("tol must be at least 0, not {x}").format(x=self.tol))
        if self.oversampling_factor <= 0:
            raise ValueError(_("oversampling_factor must be above 0, not {x}").format(x=self.oversampling_factor))
        if isinstance(self.init, str) and self.init not in INITS:
            raise ValueError(
                _("init must be one of {names} or an array of centres, not {x!r}").format(
                    names=", ".join(map(repr, INITS)), x=self.init
                )
            )

    def _checked(self, X, reset: bool = False):
        """`X`, whose columns are remembered or compared; in memory it becomes an array of floats."""
        if dask.is_dask_collection(X):
            columns = X._meta if isinstance(X, dd.DataFrame) else X
            validate_data(self, columns, reset=reset, skip_check_array=True)
            return X
        return validate_data(self, X, reset=reset, dtype=[np.float64, np.float32], order="C")

    def _columns(self, X, sample_weight, reset: bool) -> tuple:
        """`X` as checked, and its blocks with those of the weights beside them, if there are any."""
        if dask.is_dask_collection(X) or dask.is_dask_collection(sample_weight):
            if sample_weight is None:
                columns = (delayed_blocks(as_matrix(X)),)
            else:
                columns = row_blocks(X, sample_weight, "sample_weight")
            return self._checked(X, reset), columns
        X = self._checked(X, reset)
        columns = [X]
        if sample_weight is not None:
            weights = check_array(sample_weight, ensure_2d=False, dtype=float, input_name="sample_weight")
            if weights.ndim != 1:
                raise ValueError(_("sample_weight must have one dimension, not {x}").format(x=weights.ndim))
            check_lengths(X, weights, "sample_weight")
            columns.append(weights)
        cuts = range(0, len(X), BLOCK_ROWS)
        return X, tuple([column[start : start + BLOCK_ROWS] for start in cuts] for column in columns)

    def _survey(self, ask: Callable[..., list], dtype: np.dtype) -> tuple[int, np.ndarray, float, float]:
        """Number of rows, mean row, tolerance of a shift, and Σ w ‖x - mean‖², where the data is fit to be clustered.

        From the mean row everything is counted: squares of numbers far from zero would lose digits.
        """
        counts, weights, sums = map(sum, zip(*ask("totals"), strict=True))
        if counts == 0:
            raise ValueError(_("X has no rows: every block is empty"))
        origin = (sums / counts).astype(dtype).astype(float)
        squares, spread = map(sum, zip(*ask("spread", origin), strict=True))
        with np.errstate(over="ignore"):
            bad = np.flatnonzero(~np.isfinite(squares.astype(dtype)))
        if bad.size:
            names = getattr(self, "feature_names_in_", range(self.n_features_in_))
            raise ValueError(
                _(
                    "column {name} of X contains NaN, infinity or numbers too large to square in {dtype}: "
                    "drop or fill those rows"
                ).format(name=names[bad[0]], dtype=np.dtype(dtype).name)
            )
        if weights == 0:
            raise ValueError(_("sample_weight is zero for every row: at least one has to count"))
        variances = squares / counts - (sums / counts - origin) ** 2
        return int(counts), origin, self.tol * variances.mean(), spread

    def _start(self, ask: Callable[..., list], random_state: np.random.RandomState, dtype: np.dtype) -> np.ndarray:
        """Centres to start from, shape (n_clusters, n_features)."""
        if not isinstance(self.init, str):
            centers = check_array(self.init, dtype=dtype, input_name="init")
            expected = (self.n_clusters, self.n_features_in_)
            if centers.shape != expected:
                raise ValueError(
                    _("init has shape {shape} and should have (n_clusters, n_features) = {expected}").format(
                        shape=centers.shape, expected=expected
                    )
                )
            return centers
        draw = _Draw(ask, random_state.randint(2**31 - 1))
        if self.init == "random":
            return draw(self.n_clusters)[0]
        if self.init == "k-means++":
            count = max(SAMPLE_ROWS, 100 * self.n_clusters)
            rows, weights = draw(count)
            # Rows were drawn by their weights; where all of them came, the weights still have to count.
            weights = weights if len(rows) < count else None
            return sklearn.cluster.kmeans_plusplus(
                rows, self.n_clusters, sample_weight=weights, random_state=random_state
            )[0]
        return self._draw_scalable(ask, draw, random_state, dtype)

    def _draw_scalable(
        self, ask: Callable[..., list], draw: "_Draw", random_state: np.random.RandomState, dtype: np.dtype
    ) -> np.ndarray:
        """The start of "k-means||".

        The paper's first round looks at distances from a single row, which tell little: here it takes rows by their
        weight and saves that pass. A round draws exactly l = oversampling_factor k candidates, which in the paper is
        their expectation. scikit-learn clusters them, weighted, from three k-means++ starts.
        """
        k, per_round = self.n_clusters, max(1, round(self.oversampling_factor * self.n_clusters))
        candidates, own_weights = np.empty((0, self.n_features_in_), dtype), np.empty(0)
        rounds = 0
        while rounds < ROUNDS or len(candidates) < k:
            rows, weights = draw(per_round, candidates)
            if len(rows) == 0:  # every row is one of the candidates
                break
            rows, first = np.unique(rows, axis=0, return_index=True)
            candidates, own_weights = np.append(candidates, rows, axis=0), np.append(own_weights, weights[first])
            rounds += 1
        if len(candidates) <= k:
            return np.resize(candidates, (k, candidates.shape[1]))
        # Each stands at least for itself, also where none of the rows that were looked at is near.
        weights = np.maximum(sum(ask("candidate_weights", candidates, draw.seed)), own_weights)
        reduced = sklearn.cluster.KMeans(k, n_init=3, random_state=random_state)
        return reduced.fit(candidates, sample_weight=weights).cluster_centers_

    def _lloyd(self, ask, centers: np.ndarray, origin: np.ndarray, tol: float, spread: float) -> "_Run":
        """Lloyd's iterations from `centers`, counted from `origin`."""
        curve, before = [], None
        for _iteration in range(self.max_iter):
            sums = sum(ask("sums", centers, origin))
            # Σ w ‖x - c‖² of a cluster is Σ w ‖x‖² - 2 c·Σ w x + ‖c‖² Σ w.
            curve.append(max(0.0, float(spread) - _gain(centers, sums)))
            moved = _means(_relocated(ask, sums, centers, origin))
            shift = ((moved - centers) ** 2).sum()
            centers = moved
            # Added up in the order of the blocks, sums are equal where no row changed its cluster.
            if shift <= tol or np.array_equal(sums, before):
                break
            before = sums
        return _Run(centers, curve)

    def _labels(self, X):
        if not dask.is_dask_collection(X):
            return _labels(X, self.cluster_centers_)
        if isinstance(X, dd.DataFrame):
            return X.map_partitions(_frame_labels, self.cluster_centers_, meta=(None, np.int32))
        return as_matrix(X).map_blocks(_labels, self.cluster_centers_, drop_axis=1, meta=np.empty(0, np.int32))


def initial_centers(X, n_clusters: int, *, sample_weight=None, **options) -> np.ndarray:
    """The centres (n_clusters, n_features) from which `KMeans(n_clusters, **options)` starts its first run.

    `X` is what `fit` would accept: its values are not checked.
    """
    model = KMeans(n_clusters, **options)
    model._check_parameters()
    X, columns = model._columns(X, sample_weight, reset=True)
    return model._start(keep_blocks(_Rows, *columns), check_random_state(model.random_state), float_type(X))


class _Run(NamedTuple):
    """Centres counted from the origin, and the inertia at the start of each iteration."""

    centers: np.ndarray
    curve: list[float]


class _Draw:
    """Rows drawn at random without replacement, over all blocks."""

    def __init__(self, ask: Callable[..., list], seed: int):
        self.ask, self.seed, self.calls = ask, seed, 0

    def __call__(self, count: int, candidates: np.ndarray | tuple = ()) -> tuple[np.ndarray, np.ndarray]:
        """At most `count` rows and their weights: those of the earliest clocks, see `_Rows.draw`."""
        self.calls += 1
        answers = self.ask("draw", count, self.seed, self.calls, candidates)
        clocks, rows, weights = map(np.concatenate, zip(*answers, strict=True))
        first = np.argsort(clocks, kind="stable")[:count]
        return rows[first], weights[first]


class _Rows:
    """One block of rows on its worker."""

    def __init__(self, number: int, x: np.ndarray, weights: np.ndarray | None = None):
        self.number = number
        # Arrays that came over the wire lie misaligned, which costs a copy now or one in every iteration.
        self.x = np.require(x, dtype=float_type(x), requirements="CA")
        self.weights = weights
        if weights is not None:
            check_lengths(x, weights, "sample_weight")
            self.weights = np.require(weights, dtype=float, requirements="CA")
            bad = ~(np.isfinite(self.weights) & (self.weights >= 0))
            if bad.any():
                raise ValueError(
                    _("sample_weight holds {x}: weights are numbers of at least 0").format(x=self.weights[bad][0])
                )
        self.seed, self.seen = None, 0

    # A NaN or an infinity reaches the sums, where the estimator finds it and says which column holds it.
    @np.errstate(invalid="ignore", over="ignore")
    def totals(self) -> tuple[int, float, np.ndarray]:
        """Number of rows, Σ w, and Σ x over the rows."""
        sums = np.zeros(self.x.shape[1])
        for rows in row_chunks(len(self.x)):
            sums += np.ones(len(self.x[rows]), self.x.dtype) @ self.x[rows]
        return len(self.x), len(self.x) if self.weights is None else self.weights.sum(), sums

    @np.errstate(invalid="ignore", over="ignore")
    def spread(self, origin: np.ndarray) -> tuple[np.ndarray, float]:
        """Σ (x - origin)² of each column, and Σ w ‖x - origin‖²."""
        squares, spread = np.zeros(self.x.shape[1]), 0.0
        for rows in row_chunks(len(self.x)):
            shifted = self.x[rows] - origin
            np.square(shifted, out=shifted)
            squares += np.ones(len(shifted)) @ shifted
            if self.weights is not None:
                spread += (self.weights[rows] @ shifted).sum()
        return squares, squares.sum() if self.weights is None else spread

    def sums(self, centers: np.ndarray, origin: np.ndarray) -> np.ndarray:
        """[Σ w (x - origin) | Σ w] of each cluster."""
        return cluster_sums(self.x, self.weights, centers, origin)

    def quality(self, centers: np.ndarray) -> tuple[float, np.ndarray]:
        """Inertia of these rows, and how many of them belong to each of the centres."""
        labels, distances = _search(self.x, centers)
        return _weighted_sum(distances, self.weights), np.bincount(labels, minlength=len(centers))

    def farthest(self, centers: np.ndarray, origin: np.ndarray, count: int) -> tuple:
        """The at most `count` rows with a weight that are farthest from their centres.

        Their squared distances, labels, weights and positions counted from `origin`, farthest first.
        """
        labels, distances = nearest(self.x, centers, origin)
        weights = self._weights()
        first = _smallest(np.where(weights > 0, -distances, np.inf), count)
        return distances[first], labels[first], weights[first], self.x[first] - origin

    def draw(self, count: int, seed: int, call: int, candidates: np.ndarray | tuple) -> tuple:
        """At most `count` rows drawn without replacement, with their clocks and weights.

        Each row rings once, after a time that is exponential with a rate of w, or with candidates w times the squared
        distance from the nearest of them: the first to ring are a sample in proportion to the rates (Efraimidis and
        Spirakis, 2006), of one block or of all together.
        """
        rates = self._weights()
        if len(candidates):
            self._meet(candidates, seed)
            rates = rates * self.distances
        random = np.random.default_rng([seed, call, self.number])
        with np.errstate(divide="ignore"):
            clocks = random.standard_exponential(len(self.x)) / rates
        first = _smallest(clocks, count)
        return clocks[first], self.x[first], self._weights()[first]

    def candidate_weights(self, candidates: np.ndarray, seed: int) -> np.ndarray:
        """Σ w of the rows nearest to each candidate, estimated from some `WEIGHED_ROWS` rows."""
        step = max(1, len(self.x) // WEIGHED_ROWS)
        starts = np.arange(0, len(self.x) - step + 1, step)
        # One of every `step` rows, at random: rows in a fixed rhythm might all be of one kind.
        some = starts + np.random.default_rng([seed, self.number]).integers(step, size=len(starts))
        labels, _distances = _search(self.x[some], candidates)
        return step * np.bincount(labels, weights=self._weights()[some], minlength=len(candidates))

    def _meet(self, candidates: np.ndarray, seed: int) -> None:
        """Bring the distances up to date, for which only the candidates that are new are looked at."""
        if seed != self.seed:
            self.seed, self.seen = seed, 0
        new = candidates[self.seen :]
        if len(new):
            distances = _search(self.x, new)[1]
            self.distances = np.minimum(distances, self.distances) if self.seen else distances
            self.seen = len(candidates)

    def _weights(self) -> np.ndarray:
        return np.ones(len(self.x)) if self.weights is None else self.weights


def _search(x: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Index of the nearest centre and squared distance to it, for each row; ValueError for rows that hold NaN."""
    origin = centers.mean(axis=0, dtype=float).astype(x.dtype)
    labels, distances = nearest(x, centers.astype(float) - origin, origin)
    if not np.isfinite(distances.sum()):
        raise ValueError(_("X contains NaN, infinity or numbers too large to square: drop or fill those rows"))
    return labels, distances


def _smallest(values: np.ndarray, count: int) -> np.ndarray:
    """Positions of the at most `count` smallest of the finite `values`, smallest first."""
    # The count-th smallest of every 16th bounds that of all, and few are left to sort: 5 times as fast as argpartition.
    some = values[::16]
    bound = np.partition(some, count - 1)[count - 1] if count <= len(some) else np.inf
    near = np.flatnonzero((values <= bound) & np.isfinite(values))
    return near[np.argsort(values[near], kind="stable")[:count]]


def _block_inertia(centers: np.ndarray, x: np.ndarray, weights: np.ndarray | None = None) -> float:
    return _Rows(0, x, weights).quality(centers)[0]


def _weighted_sum(values: np.ndarray, weights: np.ndarray | None) -> float:
    return float(values.sum(dtype=float) if weights is None else weights @ values)


def _labels(x: np.ndarray, centers: np.ndarray) -> np.ndarray:
    return _search(np.require(x, dtype=float_type(x), requirements="CA"), centers)[0]


def _frame_labels(frame: pd.DataFrame, centers: np.ndarray) -> pd.Series:
    return pd.Series(_labels(frame.to_numpy(dtype=float_type(frame)), centers), index=frame.index)


def _distances(x: np.ndarray, centers: np.ndarray) -> np.ndarray:
    # scikit-learn's euclidean_distances refuses an empty block.
    return cdist(x, centers).astype(float_type(x), copy=False)


def _gain(centers: np.ndarray, sums: np.ndarray) -> float:
    """How much less the inertia is than with all centres at the origin."""
    return float(2 * (centers * sums[:, :-1]).sum() - (centers**2).sum(axis=1) @ sums[:, -1])


def _relocated(ask: Callable[..., list], sums: np.ndarray, centers: np.ndarray, origin: np.ndarray) -> np.ndarray:
    """`sums` in which each empty cluster has taken one of the rows that are farthest from their centres."""
    empty = np.flatnonzero(sums[:, -1] == 0)
    if empty.size == 0:
        return sums
    answers = ask("farthest", centers, origin, len(empty))
    distances, labels, weights, rows = map(np.concatenate, zip(*answers, strict=True))
    far = np.argsort(-distances, kind="stable")[: len(empty)]
    sums = sums.copy()
    for cluster, row in zip(empty, far[distances[far] > 0], strict=False):
        taken = weights[row] * np.append(rows[row], 1)
        sums[cluster] = taken
        sums[labels[row]] -= taken
        if sums[labels[row], -1] < 1e-12 * taken[-1]:  # what rounding leaves of 0.3 - 0.1 - 0.2
            sums[labels[row]] = 0
    return sums


def _means(sums: np.ndarray) -> np.ndarray:
    """Centres from the sums; a cluster that is still empty is put where the heaviest is, as in scikit-learn."""
    weights = sums[:, -1:].copy()
    heaviest = weights.argmax()
    means = sums[:, :-1] / np.where(weights > 0, weights, 1)
    return np.where(weights > 0, means, means[heaviest])
