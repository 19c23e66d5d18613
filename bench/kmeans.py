"""K-means side by side: this course's estimator, scikit-learn, dask-ml and Spark MLlib, from the same centres.

Each peer runs in processes of its own that hold the same rows in memory before any clock starts. The runs are
interleaved, so that a slow minute of the machine falls on all of them. Inertia is computed here, from the centres that
a peer returns; what a peer reports itself stands beside it.
"""

import os
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from peers import CORES, Run, machine, measure, parser, publish, rows_of
from threadpoolctl import threadpool_limits

REFERENCE = "scikit-learn"
FLOOR = "floor: the products X Cᵀ alone, on all cores"
STARTS = "start: "  # what begins with this makes a start, the others iterate
REFERENCE_START = f"{STARTS}scikit-learn, k-means++"
CACHE_ROWS = 8192
BLOCK_ROWS = 500_000  # 80 MB at 20 columns of float64


class Size(NamedTuple):
    """What the data is, and how many iterations are timed."""

    rows: int
    columns: int
    clusters: int
    iterations: int
    dtype: str


class Fit(NamedTuple):
    """Centres (clusters, columns) and the inertia that their maker reports."""

    centers: np.ndarray
    reported: float


Timed = dict[str, Callable[[], Fit | list[np.ndarray]]]


def make_block(index: int, rows: int, size: Size) -> np.ndarray:
    """Block `index` of the data: heaps of standard deviation 1 around middles of 0.6, so that they overlap."""
    rng = np.random.default_rng([2026, index])
    middles = 0.6 * np.random.default_rng(2026).standard_normal((size.clusters, size.columns))
    return (middles[rng.integers(0, len(middles), rows)] + rng.standard_normal((rows, size.columns))).astype(size.dtype)


def block_lengths(rows: int) -> list[int]:
    count = max(CORES, -(-rows // BLOCK_ROWS))
    return [len(part) for part in np.array_split(np.empty(rows, dtype=bool), count)]


def make_all(size: Size) -> np.ndarray:
    return np.concatenate([make_block(i, n, size) for i, n in enumerate(block_lengths(size.rows))])


def first_centers(size: Size) -> np.ndarray:
    """The centres that all start from: the first rows."""
    return make_block(0, block_lengths(size.rows)[0], size)[: size.clusters]


def each_seed(make: Callable[[int], np.ndarray]) -> Callable[[], list[np.ndarray]]:
    """Starts from one more seed with every call; returns all so far."""
    starts = []

    def another() -> list[np.ndarray]:
        starts.append(make(len(starts)))
        return starts

    return another


# Each peer below is a context that loads the data and yields what can be timed, by name.


@contextmanager
def numpy_and_scikit_learn(size: Size) -> Iterator[Timed]:
    from sklearn.cluster import KMeans, kmeans_plusplus

    X, start = make_all(size), first_centers(size)
    pool = ThreadPoolExecutor(CORES)

    def products(part):
        buffer, turned = np.empty((CACHE_ROWS, len(start)), X.dtype), np.ascontiguousarray(start.T)
        for _iteration in range(size.iterations):
            for first in range(0, len(part), CACHE_ROWS):
                rows = part[first : first + CACHE_ROWS]
                np.matmul(rows, turned, out=buffer[: len(rows)])

    def floor():
        with threadpool_limits(1, "blas"):
            list(pool.map(products, np.array_split(X, CORES)))
        return Fit(start, np.nan)

    def scikit_learn():
        model = KMeans(len(start), init=start, n_init=1, max_iter=size.iterations, tol=0).fit(X)
        return Fit(model.cluster_centers_, model.inertia_)

    yield {
        REFERENCE: scikit_learn,
        FLOOR: floor,
        REFERENCE_START: each_seed(lambda seed: kmeans_plusplus(X, len(start), random_state=seed)[0]),
    }


@contextmanager
def dask_cluster(size: Size) -> Iterator[Timed]:
    import dask
    import dask.array as da
    import dask_ml.cluster
    from dask_ml.cluster.k_means import k_init
    from distributed import wait

    from helpers.cluster import start_cluster
    from helpers.ml import KMeans
    from helpers.ml.kmeans import initial_centers

    start, k = first_centers(size), size.clusters
    with start_cluster(n_workers=CORES, dashboard_port=0):
        make = dask.delayed(make_block)
        blocks = [
            da.from_delayed(make(i, n, size), (n, size.columns), size.dtype)
            for i, n in enumerate(block_lengths(size.rows))
        ]
        X = da.concatenate(blocks).persist()
        wait(X)

        def fit(estimator):
            model = estimator(k, init=start, max_iter=size.iterations, tol=0).fit(X)
            wait(model.labels_.persist())  # scikit-learn has them too
            return Fit(model.cluster_centers_, model.inertia_)

        timed = {"this course": lambda: fit(KMeans), "dask-ml": lambda: fit(dask_ml.cluster.KMeans)}
        for init in ("k-means||", "k-means++"):
            timed[f"{STARTS}this course, {init.replace('||', '‖')}"] = each_seed(
                lambda seed, init=init: initial_centers(X, k, init=init, random_state=seed)
            )
        timed[f"{STARTS}dask-ml, k-means‖"] = each_seed(lambda seed: k_init(X, k, random_state=seed))
        yield timed


@contextmanager
def spark(size: Size) -> Iterator[Timed]:
    if not shutil.which("java"):
        raise RuntimeError("no Java on the path")
    from pyspark.mllib.common import _py2java, callMLlibFunc
    from pyspark.mllib.linalg import Vectors
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master(f"local[{CORES}]")
        .config("spark.driver.memory", "6g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    context = session.sparkContext
    context.setLogLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        lengths = block_lengths(size.rows)
        for i, length in enumerate(lengths):
            np.save(f"{folder}/{i}.npy", make_block(i, length, size))
        numbers = context.parallelize(range(len(lengths)), len(lengths))
        vectors = numbers.flatMap(lambda i: map(Vectors.dense, np.load(os.path.join(folder, f"{i}.npy"))))
        # pyspark's KMeans.train, which alone takes centres to start from, would send all rows from Python to Java with
        # every call. This is what it calls, with rows that are there already; it wants to mark them as cached itself,
        # hence a view of them.
        kept = _py2java(context, vectors).cache()
        kept.count()
        rows = kept.coalesce(len(lengths))

    def train(iterations, start=(), seed=None):
        start = [Vectors.dense(center) for center in start]
        model = callMLlibFunc(
            "trainKMeansModel", rows, size.clusters, iterations, "k-means||", seed, 2, 0.0, start, "euclidean"
        )
        return np.array([center.toArray() for center in model.clusterCenters()]), model.trainingCost()

    start = first_centers(size)
    yield {
        "Spark MLlib": lambda: Fit(*train(size.iterations, start)),
        f"{STARTS}Spark MLlib, k-means‖": each_seed(lambda seed: train(0, seed=seed)[0]),
    }
    session.stop()


PEERS = {"numpy": numpy_and_scikit_learn, "dask": dask_cluster, "spark": spark}


def inertia(centers: np.ndarray, X: np.ndarray) -> float:
    """Σ ‖x - c(x)‖² over all rows, in float64."""
    total, centers = 0.0, centers.astype(float)
    for first in range(0, len(X), CACHE_ROWS):
        rows = X[first : first + CACHE_ROWS].astype(float)
        nearest = ((centers**2).sum(axis=1) - 2 * rows @ centers.T).argmin(axis=1)
        total += ((rows - centers[nearest]) ** 2).sum()
    return total


def table_of_fits(size: Size, results: dict[str, Run], missing: dict[str, str], X: np.ndarray) -> Iterator[str]:
    base = results.get(REFERENCE)
    lines = [["", "time, s", "of scikit-learn's", "CPU time, s", "inertia", "as reported", "peak memory, GB"]]
    for name, run in sorted(results.items(), key=lambda item: item[1].seconds):
        lines.append(
            [
                name,
                f"{run.seconds:.3f}",
                f"{run.seconds / base.seconds:.2f}" if base else "",
                f"{run.cpu:.2f}",
                "" if name == FLOOR else f"{inertia(run.value.centers, X):.7g}",
                "" if name == FLOOR else f"{run.value.reported:.7g}",
                f"{run.peak / 1e9:.2f}",
            ]
        )
    lines += [[peer, f"not measured: {reason}", "", "", "", "", ""] for peer, reason in missing.items()]
    return rows_of(lines)


def table_of_starts(size: Size, results: dict[str, Run], X: np.ndarray) -> Iterator[str]:
    from sklearn.cluster import KMeans

    def after_iterations(start: np.ndarray) -> float:
        model = KMeans(size.clusters, init=start, n_init=1, max_iter=size.iterations, tol=0).fit(X)
        return inertia(model.cluster_centers_, X)

    base = results.get(REFERENCE_START)
    lines = [["", "time, s", "of k-means++", "inertia of the start", f"after {size.iterations} iterations", "worst"]]
    for name, run in sorted(results.items(), key=lambda item: item[1].seconds):
        ends = [after_iterations(start) for start in run.value]
        lines.append(
            [
                name.removeprefix(STARTS),
                f"{run.seconds:.3f}",
                f"{run.seconds / base.seconds:.3f}" if base else "",
                f"{statistics.median(inertia(start, X) for start in run.value):.5g}",
                f"{statistics.median(ends):.5g}",
                f"{max(ends):.5g}",
            ]
        )
    return rows_of(lines)


def section(size: Size, results: dict[str, Run], missing: dict[str, str]) -> str:
    """One type of number as Markdown."""
    X = make_all(size)
    starts = {name: run for name, run in results.items() if name.startswith(STARTS)}
    fits = {name: run for name, run in results.items() if name not in starts}
    seeds = min((len(run.value) for run in starts.values()), default=0)
    return "\n".join(
        [
            f"### {size.rows:,} rows, {size.columns} columns, k = {size.clusters}, {size.dtype}",
            "",
            f"{size.iterations} iterations from the same rows:",
            "",
            *table_of_fits(size, fits, missing, X),
            "",
            f"Starts, medians over {seeds} seeds:",
            "",
            *table_of_starts(size, starts, X),
            "",
        ]
    )


def main() -> None:
    arguments = parser(__doc__, PEERS)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--columns", type=int, default=20)
    arguments.add_argument("--clusters", type=int, default=20)
    arguments.add_argument("--iterations", type=int, default=20)
    arguments.add_argument("--dtypes", nargs="+", choices=["float64", "float32"], default=["float64", "float32"])
    options = arguments.parse_args()
    sections = [
        f"`bench/kmeans.py`, medians of {options.repeats} interleaved runs. "
        + machine(["numpy", "numba", "dask", "distributed", "scikit-learn", "dask-ml", "pyspark"]),
        "",
        "Data in memory on all sides before the clock starts; Spark's vectors are of doubles whatever the data. Each "
        "peer has all cores. A fit ends with centres, inertia and, but for Spark, a label for each row. Memory is the "
        "highest sum of the resident memory of a peer's processes during a fit, data included; this course and dask-ml "
        "share one cluster. dask-ml reports the sum of distances that are not squared.",
        "",
    ]
    for dtype in options.dtypes:
        size = Size(options.rows, options.columns, options.clusters, options.iterations, dtype)
        peers = {name: PEERS[name] for name in options.peers}
        sections.append(section(size, *measure(peers, (size,), options.repeats)))
    publish("K-means", "\n".join(sections), options.write)


if __name__ == "__main__":
    main()
