"""Linear regression side by side: this course's estimator, NumPy, scikit-learn, dask-ml and Spark MLlib.

Each peer runs in processes of its own that hold the same rows in memory before any clock starts. The runs are
interleaved, so that a slow minute of the machine falls on all of them.
"""

import argparse
import os
import platform
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import psutil
from threadpoolctl import threadpool_info, threadpool_limits

REPORT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
TITLE = "## Linear regression"
REFERENCE = "NumPy, whole XᵀX and Xᵀy"
OURS = "this course, normal equations"
OURS_DESCENT = "this course, gradient descent"
NUMPY_DESCENT = "NumPy in blocks on all cores, gradient descent"
CORES = os.cpu_count()
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


def serve(peer: str, rows: int, columns: int, iterations: int, pipe: Connection) -> None:
    """Load a peer's data, say what it can run, and run what is asked for until told to stop."""
    try:
        with PEERS[peer](rows, columns, iterations) as timed:
            pipe.send(list(timed))
            while name := pipe.recv():
                start = time.perf_counter()
                coef, intercept = timed[name]()
                pipe.send((time.perf_counter() - start, coef, float(intercept)))
    except (ImportError, RuntimeError) as error:
        pipe.send(f"{type(error).__name__}: {error}")


class Peer:
    """A process that serves one peer, and what it and its children use."""

    def __init__(self, name: str, *arguments: int):
        self.pipe, theirs = get_context("spawn").Pipe()
        self.process = get_context("spawn").Process(target=serve, args=(name, *arguments, theirs))
        self.process.start()
        theirs.close()
        try:
            answer = self.pipe.recv()
        except EOFError:
            answer = "its process ended while it loaded the data"
        self.missing = answer if isinstance(answer, str) else ""
        self.names = [] if self.missing else answer

    def run(self, name: str, watch_memory: bool = False) -> dict:
        """One timed run: seconds, coefficients, intercept, CPU time and, if watched, peak memory of all processes.

        To watch takes time from those who are watched, so a run that is timed for the report is not.
        """
        before = sum(map(cpu_seconds, self.tree()))
        self.pipe.send(name)
        peak = 0
        while watch_memory and not self.pipe.poll(0.05):
            peak = max(peak, sum(map(resident_bytes, self.tree())))
        seconds, coef, intercept = self.pipe.recv()
        cpu = sum(map(cpu_seconds, self.tree())) - before
        return {"seconds": seconds, "coef": coef, "intercept": intercept, "peak": peak, "cpu": cpu}

    def tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def close(self) -> None:
        if not self.missing:
            self.pipe.send("")
        self.process.join(60)


def resident_bytes(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


def cpu_seconds(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:2])
    except psutil.NoSuchProcess:
        return 0.0


def loss(coef: np.ndarray, intercept: float, rows: int, columns: int) -> float:
    """J = 1/(2m) Σ (x·w + b - y)², block by block."""
    total = 0.0
    for i, length in enumerate(block_lengths(rows)):
        X, y = make_block(i, length, columns)
        total += np.sum((X @ coef + intercept - y) ** 2)
    return total / (2 * rows)


def measure(rows: int, columns: int, iterations: int, repeats: int, peers: list[str]) -> tuple[dict, dict]:
    """Medians by name over interleaved runs, and by peer why it was not measured."""
    running = {name: Peer(name, rows, columns, iterations) for name in peers}
    missing = {name: peer.missing for name, peer in running.items() if peer.missing}
    timed = [(peer, name) for peer in running.values() for name in peer.names]
    # The first run warms up and measures memory; it is left out of the medians.
    runs = {name: [peer.run(name, watch_memory=True)] for peer, name in timed}
    for repeat in range(repeats):
        print(f"{rows:,} rows: run {repeat + 1} of {repeats}", file=sys.stderr)
        for peer, name in timed:
            runs[name].append(peer.run(name))
    for peer in running.values():
        peer.close()
    results = {}
    for name, each in runs.items():
        results[name] = {
            "seconds": statistics.median(run["seconds"] for run in each[1:]),
            "cpu": statistics.median(run["cpu"] for run in each[1:]),
            "peak": each[0]["peak"],
            "loss": loss(each[-1]["coef"], each[-1]["intercept"], rows, columns),
        }
    return results, missing


def table(rows: int, columns: int, results: dict, missing: dict, iterations: int) -> str:
    """One size as Markdown."""
    lines = [
        f"### {rows:,} rows, {columns} columns",
        "",
        "| | time, s | of NumPy's | CPU time, s | J | peak memory, GB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    descents = (NUMPY_DESCENT, OURS_DESCENT)
    for name, result in sorted(results.items(), key=lambda item: (item[0] in descents, item[1]["seconds"])):
        base = results.get(NUMPY_DESCENT if name in descents else REFERENCE)
        ratio = f"{result['seconds'] / base['seconds']:.2f}" if base else ""
        label = f"{name}, {iterations} steps" if name in descents else name
        lines.append(
            f"| {label} | {result['seconds']:.3f} | {ratio} | {result['cpu']:.2f} | {result['loss']:.6f} "
            f"| {result['peak'] / 1e9:.2f} |"
        )
    lines += [f"| {peer} | not measured: {reason} | | | | |" for peer, reason in missing.items()]
    return "\n".join([*lines, ""])


def machine() -> str:
    """What was measured on, in words that name no host."""
    cpu = platform.machine()
    if Path("/proc/cpuinfo").exists():
        cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()).group(1)
    blas = ", ".join(
        f"{pool['internal_api']} {pool['version']} for {pool['architecture']} with {pool['num_threads']} threads"
        for pool in threadpool_info()
        if pool["user_api"] == "blas" and "numpy" in pool["filepath"]
    )
    packages = []
    for package in ("numpy", "dask", "distributed", "scikit-learn", "dask-ml", "pyspark"):
        try:
            packages.append(f"{package} {version(package)}")
        except ImportError:
            packages.append(f"no {package}")
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{date.today()}, {CORES} cores of {cpu}, {memory:.0f} GiB of memory, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(packages)}; BLAS: {blas}."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[500_000, 1_000_000, 2_000_000, 4_000_000])
    parser.add_argument("--columns", type=int, default=30)
    parser.add_argument("--iterations", type=int, default=100, help="steps of gradient descent")
    parser.add_argument("--repeats", type=int, default=5, help="interleaved runs, after one to warm up")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS), help="groups of contenders")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    options = parser.parse_args()
    sections = [
        TITLE,
        "",
        f"`bench/linear_regression.py`, medians of {options.repeats} interleaved runs. {machine()}",
        "",
        "Data in memory on all sides before the clock starts: float64 arrays, Spark's as a cached table. Each peer has "
        "all cores. Memory is the highest sum of the resident memory of a peer's processes during a fit, data "
        "included; NumPy and scikit-learn share one process, this course and dask-ml one cluster.",
        "",
    ]
    for rows in options.rows:
        results, missing = measure(rows, options.columns, options.iterations, options.repeats, options.peers)
        sections.append(table(rows, options.columns, results, missing, options.iterations))
    report = "\n".join(sections)
    print(report)
    if options.write:
        write_section(report)


def write_section(report: str) -> None:
    """Replace this benchmark's section of the page, or add it."""
    page = REPORT.read_text(encoding="utf-8") if REPORT.exists() else "# Benchmarks\n\n"
    before, _title, rest = page.partition(TITLE)
    others = rest[rest.index("\n## ") + 1 :] if "\n## " in rest else ""
    REPORT.write_text(before + report.rstrip() + "\n" + ("\n" + others if others else ""), encoding="utf-8")


if __name__ == "__main__":
    main()
