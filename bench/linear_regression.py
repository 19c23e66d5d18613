"""Linear regression side by side: this course's estimator, NumPy, scikit-learn, dask-ml and Spark MLlib.

Each peer runs in processes of its own that hold the same rows in memory before any clock starts. The runs are
interleaved, so that a slow minute of the machine falls on all of them.
"""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
from peers import CORES, Run, machine, measure, parser, publish, rows_of
from threadpoolctl import threadpool_limits

REFERENCE = "NumPy, whole XᵀX and Xᵀy"
OURS = "this course, normal equations"
OURS_DESCENT = "this course, gradient descent"
NUMPY_DESCENT = "NumPy in blocks on all cores, gradient descent"
CACHE_ROWS = 8192
BLOCK_ROWS = 500_000  # 120 MB at 30 columns, the size that Dask's documentation recommends

Fit = Callable[[], tuple[np.ndarray, float]]  # returns the coefficients and the intercept


def make_block(index: int, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Block `index` of the data: X, standard normal, and y = X w + noise of standard deviation 1."""
    rng = np.random.default_rng([2026, index])
    X = rng.standard_normal((rows, columns))
    return X, X @ np.linspace(-1, 1, columns) + rng.standard_normal(rows)


def make_X(index: int, rows: int, columns: int) -> np.ndarray:
    """X of block `index`."""
    return make_block(index, rows, columns)[0]


def make_y(index: int, rows: int, columns: int) -> np.ndarray:
    """y of block `index`."""
    return make_block(index, rows, columns)[1]


def block_lengths(rows: int) -> list[int]:
    count = max(CORES, -(-rows // BLOCK_ROWS))
    return [len(part) for part in np.array_split(np.empty(rows, dtype=bool), count)]


def make_all(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    blocks = [make_block(i, length, columns) for i, length in enumerate(block_lengths(rows))]
    return np.concatenate([X for X, _y in blocks]), np.concatenate([y for _X, y in blocks])


# Each peer below is a context that loads the data and yields what can be timed, by name.


@contextmanager
def numpy_and_scikit_learn(rows: int, columns: int, iterations: int) -> Iterator[dict[str, Fit]]:
    from sklearn.linear_model import LinearRegression

    X, y = make_all(rows, columns)
    halves = np.array_split(np.arange(rows), CORES)
    parts = [(X[half[0] : half[-1] + 1], y[half[0] : half[-1] + 1]) for half in halves]
    pool = ThreadPoolExecutor(CORES)

    def solve(products, moments):
        # The true intercept is 0, and these set a price: the least that a solver has to add up.
        return np.linalg.solve(products, moments), 0.0

    def whole():
        return solve(X.T @ X, X.T @ y)

    def whole_one_thread():
        with threadpool_limits(1, "blas"):
            return whole()

    def in_blocks(X=X, y=y):
        products, moments = np.zeros((columns, columns)), np.zeros(columns)
        for start in range(0, len(X), CACHE_ROWS):
            block = X[start : start + CACHE_ROWS]
            products += block.T @ block
            moments += block.T @ y[start : start + CACHE_ROWS]
        return products, moments

    def in_blocks_one_thread():
        with threadpool_limits(1, "blas"):
            return solve(*in_blocks())

    def floor():
        with threadpool_limits(1, "blas"):
            sums = pool.map(lambda part: (part[0].T @ part[0], part[0].T @ part[1]), parts)
            return solve(*map(sum, zip(*sums, strict=True)))

    def scikit_learn():
        model = LinearRegression().fit(X, y)
        return model.coef_, model.intercept_

    def gradient(part, theta):
        sums = np.zeros(columns + 1)
        for start in range(0, len(part[0]), CACHE_ROWS):
            block = part[0][start : start + CACHE_ROWS]
            residual = block @ theta[:-1]
            residual += theta[-1] - part[1][start : start + CACHE_ROWS]
            sums[:-1] += residual @ block
            sums[-1] += residual.sum()
        return sums

    def descent():
        theta = np.zeros(columns + 1)
        with threadpool_limits(1, "blas"):
            for _step in range(iterations):
                theta -= 0.1 * sum(pool.map(gradient, parts, [theta] * CORES)) / rows
        return theta[:-1], theta[-1]

    yield {
        REFERENCE: whole,
        "NumPy, the same with one BLAS thread": whole_one_thread,
        "NumPy, the same in blocks of 8,192 rows, one thread": in_blocks_one_thread,
        "floor: the same on all cores, one BLAS thread each": floor,
        "scikit-learn": scikit_learn,
        NUMPY_DESCENT: descent,
    }


@contextmanager
def dask_cluster(rows: int, columns: int, iterations: int) -> Iterator[dict[str, Fit]]:
    import dask
    import dask.array as da
    from distributed import wait

    from helpers.cluster import start_cluster
    from helpers.ml import LinearRegression

    with start_cluster(n_workers=CORES, dashboard_port=0):
        lengths = list(enumerate(block_lengths(rows)))
        # X and y are made by a task each: taken out of one pair, X might cross to another worker and lie misaligned.
        X_blocks = [da.from_delayed(dask.delayed(make_X)(i, n, columns), (n, columns), float) for i, n in lengths]
        y_blocks = [da.from_delayed(dask.delayed(make_y)(i, n, columns), (n,), float) for i, n in lengths]
        X, y = da.concatenate(X_blocks), da.concatenate(y_blocks)
        X, y = dask.persist(X, y)
        wait([X, y])

        def fit(model):
            model.fit(X, y)
            return np.ravel(model.coef_), float(model.intercept_)

        timed = {
            OURS: lambda: fit(LinearRegression()),
            OURS_DESCENT: lambda: fit(LinearRegression(solver="gradient", max_iter=iterations, tol=0)),
        }
        from dask_ml.linear_model import LinearRegression as DaskML

        for solver in ("newton", "lbfgs", "admm"):
            timed[f"dask-ml, {solver}"] = lambda solver=solver: fit(DaskML(solver=solver, C=1e9))
        yield timed


@contextmanager
def spark(rows: int, columns: int, iterations: int) -> Iterator[dict[str, Fit]]:
    if not shutil.which("java"):
        raise RuntimeError("no Java on the path")
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression
    from pyspark.sql import SparkSession

    names = [f"x{i}" for i in range(columns)]
    session = (
        SparkSession.builder.master(f"local[{CORES}]")
        .config("spark.driver.memory", "6g")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        for i, length in enumerate(block_lengths(rows)):
            X, y = make_block(i, length, columns)
            pq.write_table(pa.table([*X.T, y], names=[*names, "label"]), f"{folder}/{i}.parquet")
        table = VectorAssembler(inputCols=names, outputCol="features").transform(session.read.parquet(folder))
        table = table.select("features", "label").cache()
        table.count()

    def fit(solver):
        model = LinearRegression(solver=solver).fit(table)
        return model.coefficients.toArray(), model.intercept

    yield {f"Spark MLlib, {solver}": lambda solver=solver: fit(solver) for solver in ("normal", "l-bfgs")}
    session.stop()


PEERS = {"numpy": numpy_and_scikit_learn, "dask": dask_cluster, "spark": spark}


def loss(coef: np.ndarray, intercept: float, rows: int, columns: int) -> float:
    """J = 1/(2m) Σ (x·w + b - y)², block by block."""
    total = 0.0
    for i, length in enumerate(block_lengths(rows)):
        X, y = make_block(i, length, columns)
        total += np.sum((X @ coef + intercept - y) ** 2)
    return total / (2 * rows)


def table(rows: int, columns: int, iterations: int, results: dict[str, Run], missing: dict[str, str]) -> str:
    """One size as Markdown."""
    descents = (NUMPY_DESCENT, OURS_DESCENT)
    lines = [["", "time, s", "of NumPy's", "CPU time, s", "J", "peak memory, GB"]]
    for name, run in sorted(results.items(), key=lambda item: (item[0] in descents, item[1].seconds)):
        base = results.get(NUMPY_DESCENT if name in descents else REFERENCE)
        lines.append(
            [
                f"{name}, {iterations} steps" if name in descents else name,
                f"{run.seconds:.3f}",
                f"{run.seconds / base.seconds:.2f}" if base else "",
                f"{run.cpu:.2f}",
                f"{loss(*run.value, rows, columns):.6f}",
                f"{run.peak / 1e9:.2f}",
            ]
        )
    lines += [[peer, f"not measured: {reason}", "", "", "", ""] for peer, reason in missing.items()]
    return "\n".join([f"### {rows:,} rows, {columns} columns", "", *rows_of(lines), ""])


def main() -> None:
    arguments = parser(__doc__, PEERS)
    arguments.add_argument("--rows", type=int, nargs="+", default=[500_000, 1_000_000, 2_000_000, 4_000_000])
    arguments.add_argument("--columns", type=int, default=30)
    arguments.add_argument("--iterations", type=int, default=100, help="steps of gradient descent")
    options = arguments.parse_args()
    sections = [
        f"`bench/linear_regression.py`, medians of {options.repeats} interleaved runs. "
        + machine(["numpy", "dask", "distributed", "scikit-learn", "dask-ml", "pyspark"]),
        "",
        "Data in memory on all sides before the clock starts: float64 arrays, Spark's as a cached table. Each peer has "
        "all cores. Memory is the highest sum of the resident memory of a peer's processes during a fit, data "
        "included; NumPy and scikit-learn share one process, this course and dask-ml one cluster.",
        "",
    ]
    for rows in options.rows:
        size = (rows, options.columns, options.iterations)
        sections.append(table(*size, *measure({name: PEERS[name] for name in options.peers}, size, options.repeats)))
    publish("Linear regression", "\n".join(sections), options.write)


if __name__ == "__main__":
    main()
