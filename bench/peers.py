"""What every benchmark here shares: peers in processes of their own, interleaved runs, the report's section.

A *peer* is a context manager that loads its data and yields, by name, the functions that can be timed.
"""

import argparse
import contextlib
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from threadpoolctl import threadpool_info

REPORT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
CORES = os.cpu_count()

Timed = dict[str, Callable[[], Any]]
Context = Callable[..., AbstractContextManager[Timed]]


class Run(NamedTuple):
    """One timed run: seconds, what the function returned, CPU seconds and peak bytes of all the peer's processes.

    A function that returns a `Measured` is believed on its seconds.
    """

    seconds: float
    value: Any
    cpu: float
    peak: int


class Measured(NamedTuple):
    """What a function returns that timed itself, for example without its first steps."""

    seconds: float
    value: Any


def _serve(context: Context, arguments: tuple, pipe: Connection) -> None:
    """Load a peer's data, say what it can run, and run what is asked for until told to stop."""
    try:
        with context(*arguments) as timed:
            pipe.send(list(timed))
            while name := pipe.recv():
                start = time.perf_counter()
                value = timed[name]()
                seconds = time.perf_counter() - start
                pipe.send(value if isinstance(value, Measured) else Measured(seconds, value))
    except (ImportError, RuntimeError) as error:
        pipe.send(f"{type(error).__name__}: {error}")


class Peer:
    """A process that serves one peer, and what it and its children use."""

    def __init__(self, context: Context, *arguments: Any):
        self.pipe, theirs = get_context("spawn").Pipe()
        self.process = get_context("spawn").Process(target=_serve, args=(context, arguments, theirs))
        self.process.start()
        theirs.close()
        answer = self._answer("its process ended while it loaded the data")
        self.missing = answer if isinstance(answer, str) else ""
        self.names = [] if self.missing else answer

    def run(self, name: str, watch_memory: bool = False) -> Run:
        """One timed run. To watch memory takes time from those who are watched: a run for the report is not."""
        before = sum(map(_cpu_seconds, self._tree()))
        self.pipe.send(name)
        peak = 0
        while watch_memory and (not peak or not self.pipe.poll(0.05)):
            peak = max(peak, sum(map(_resident_bytes, self._tree())))
        answer = self._answer(f"its process ended in {name}")
        if isinstance(answer, str):
            raise RuntimeError(f"{name}: {answer}")
        return Run(*answer, sum(map(_cpu_seconds, self._tree())) - before, peak)

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended, and said so elsewhere
            self.pipe.send("")
        self.process.join(60)

    def _answer(self, otherwise: str) -> Any:
        try:
            return self.pipe.recv()
        except EOFError:
            return otherwise

    def _tree(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]


def _resident_bytes(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        return sum(process.cpu_times()[:2])
    except psutil.NoSuchProcess:
        return 0.0


def measure(contexts: dict[str, Context], arguments: tuple, repeats: int) -> tuple[dict[str, Run], dict[str, str]]:
    """Medians of `repeats` interleaved runs by name, and by peer why it was not measured.

    A run before them warms up and measures memory. `value` is that of the last run.
    """
    running = {name: Peer(context, *arguments) for name, context in contexts.items()}
    try:
        timed = [(peer, name) for peer in running.values() for name in peer.names]
        runs = {name: [peer.run(name, watch_memory=True)] for peer, name in timed}
        for repeat in range(repeats):
            print(f"{', '.join(map(str, arguments))}: run {repeat + 1} of {repeats}", file=sys.stderr)
            for peer, name in timed:
                runs[name].append(peer.run(name))
    finally:
        for peer in running.values():
            peer.close()
    medians = {
        name: Run(
            statistics.median(run.seconds for run in each[1:]),
            each[-1].value,
            statistics.median(run.cpu for run in each[1:]),
            each[0].peak,
        )
        for name, each in runs.items()
    }
    return medians, {name: peer.missing for name, peer in running.items() if peer.missing}


def parser(description: str, contexts: dict[str, Context]) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    options.add_argument("--repeats", type=int, default=5, help="interleaved runs, after one to warm up")
    options.add_argument("--peers", nargs="+", choices=contexts, default=list(contexts), help="groups of contenders")
    options.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    return options


def rows_of(table: list[list[str]], text_columns: int = 1) -> Iterator[str]:
    """A Markdown table; its first row is the head, and numbers stand to the right."""
    for number, row in enumerate(table):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"| {' | '.join(['---'] * text_columns + ['---:'] * (len(row) - text_columns))} |"


def machine(packages: list[str]) -> str:
    """What was measured on, and with which versions of `packages`, in words that name no host."""
    cpu = platform.machine()
    if Path("/proc/cpuinfo").exists():
        cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text()).group(1)
    blas = ", ".join(
        f"{pool['internal_api']} {pool['version']} for {pool['architecture']} with {pool['num_threads']} threads"
        for pool in threadpool_info()
        if pool["user_api"] == "blas" and "numpy" in pool["filepath"]
    )
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{date.today()}, {CORES} cores of {cpu}, {memory:.0f} GiB of memory, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(map(_with_version, packages))}; BLAS: {blas}."
    )


def _with_version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"no {package}"


def publish(title: str, report: str, write: bool) -> None:
    """Print a section of the report, `title` being its heading; if `write`, put it into the page, or in its place."""
    report = f"## {title}\n\n{report.strip()}\n"
    print(report)
    if write:
        page = REPORT.read_text(encoding="utf-8")
        before, _title, rest = page.partition(f"## {title}\n")
        others = rest[rest.index("\n## ") + 1 :] if "\n## " in rest else ""
        REPORT.write_text(before.rstrip() + "\n\n" + report + ("\n" + others if others else ""), encoding="utf-8")
