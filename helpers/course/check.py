"""Check chapters: that each built file is what its source builds, that both editions run, that exercises judge well.

A chapter has four parts:

    files      both editions are in step with the source, and what is committed is clean
    solved     the solved edition runs under nbval; each exercise's verdict is ok; nothing leaks
    learner    the learner's edition runs to its end; it meets `Unsolved` and no other error; each verdict is todo
    exercises  checks pass on the solution, say todo on the stub, and refuse each wrong answer

Notebooks run in parallel on Dask. The tasks only wait for processes of their own, so one process with threads serves.
"""

import contextlib
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from dask.system import CPU_COUNT
from distributed import Client, LocalCluster, as_completed
from distributed.system import MEMORY_LIMIT
from nbformat import NotebookNode
from tqdm import tqdm

from helpers.course.build import SECONDS, carry_over, edited_by_hand, edition, is_stand_in, read_built, stale, text_of
from helpers.course.outputs import Problem, big_figures, data_used, failures, noise, problem, traces, verdict
from helpers.course.run import execute, kill_all, run_tests, validate
from helpers.course.source import ROOT, Chapter, SourceError, declared_points, find_chapters, read_chapter

MEMORY_PER_RUN = 3 * 2**30  # bytes: a kernel and its workers


@dataclass
class Result:
    """What came of one part of a chapter. `notes` say what could not be compared."""

    problems: list[Problem]
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


@dataclass
class Report:
    """A row of the table, and what is told above it."""

    number: str
    cells: int = 0
    seconds: float = 0.0
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def check(
    root: Path = ROOT,
    wanted: Sequence[str] = (),
    *,
    scale: str = "tiny",
    timeout: float | None = None,
    points_of: Callable[[str], Mapping[str, float]] = declared_points,
) -> int:
    """Check chapters, by default all, and print what failed and a table. Returns the number that failed.

    `timeout` is in seconds for each run, by default by scale. Raises SourceError for a chapter that does not exist.
    """
    timeout = timeout or SECONDS[scale]
    reports, jobs = {}, []
    for path in find_chapters(root, wanted):
        report = Report(path.stem.partition("_")[0])
        reports[report.number] = report
        try:
            chapter = read_chapter(path, points_of)
        except SourceError as error:
            report.problems.append(("source", Problem(str(error))))
            continue
        report.cells = sum(cell.kind == "code" for cell in chapter.cells)
        report.problems += [("files", problem) for problem in files(chapter, root)]
        jobs += [
            (report.number, part, function, (chapter, root, scale, timeout))
            for part, function in {"solved": solved, "learner": learner, "exercises": exercises}.items()
        ]
    for number, part, result in _in_parallel(jobs):
        report = reports[number]
        report.seconds += result.seconds
        report.problems += [(part, problem) for problem in result.problems]
        report.notes += result.notes
    _print(reports.values())
    return sum(bool(report.problems) for report in reports.values())


def files(chapter: Chapter, root: Path) -> Iterator[Problem]:
    """What is wrong with the chapter's built files as they stand."""
    committed = {name: read_built(chapter.notebook(name)) for name in ("learner", "solved")}
    for name, notebook in committed.items():
        path, built = chapter.notebook(name), edition(chapter, name)
        place = f"{path.parent.name}/{path.name}"
        reasons = stale(notebook, chapter, root, "laptop") if notebook and name == "solved" else []
        if notebook is None:
            yield Problem(f"{place} is missing, or is not a notebook: run `make build`")
        elif edited_by_hand(notebook):
            yield Problem(f"{place} was edited by hand: change its source instead, then run `make build`")
        elif reasons:
            yield Problem(f"{place} is out of date ({', '.join(reasons)}): run `make build`")
        else:
            if name == "solved":
                carry_over(notebook, built)
            if path.read_text(encoding="utf-8") != text_of(built):
                yield Problem(f"{place} is not what its source builds: run `make build`")
    if notebook := committed["solved"]:
        if is_stand_in(notebook.metadata.get("course", {}).get("data", {})):
            yield Problem("the executed edition ran on stand-in data: run `make build` where the real data is")
        try:
            nbformat.validate(notebook)
        except nbformat.ValidationError as error:
            yield Problem(f"the executed edition is not valid nbformat: {error.message}")
        for cell, output in failures(notebook):
            yield problem(notebook, cell, f"its stored output is an error: {output.ename}: {output.evalue}")
        for found in (noise, big_figures, traces):
            yield from found(notebook)


def solved(chapter: Chapter, root: Path, scale: str, timeout: float) -> Result:
    """Run the committed solved edition under nbval."""
    notebook = read_built(chapter.notebook("solved"))
    if notebook is None:
        return Result([])  # `files` says so
    run = validate(notebook, _parameters(chapter, scale), timeout=timeout)
    result = Result([*run.problems, *noise(run.notebook)], run.seconds)
    if not run.problems:
        result.problems += _verdicts(run.notebook, "ok")
    stored, fresh = (
        {name: facts["kind"] for name, facts in data.items()}
        for data in (notebook.metadata.get("course", {}).get("data", {}), data_used(run.notebook))
    )
    if stored == fresh:
        result.problems += run.differences
    else:
        result.notes.append(f"outputs were not compared: stored on {stored}, this run on {fresh}")
    return result


def learner(chapter: Chapter, root: Path, scale: str, timeout: float) -> Result:
    """Run the learner's edition, as its source builds it, past its errors."""
    notebook = edition(chapter, "learner")
    run = execute(notebook, _parameters(chapter, scale), timeout=timeout, allow_errors=True)
    result = Result([*run.problems, *noise(run.notebook)], run.seconds)
    for cell, output in failures(run.notebook):
        if output.ename != "Unsolved":
            result.problems.append(problem(run.notebook, cell, "\n".join(output.traceback)))
    if not run.problems:
        result.problems += _verdicts(run.notebook, "todo")
    return result


def exercises(chapter: Chapter, root: Path, scale: str, timeout: float) -> Result:
    """Run each exercise's checks on its solution, its stub and its wrong answers."""
    if not chapter.points:
        return Result([])
    outcome = run_tests(root, chapter.number, timeout=timeout)
    if outcome.code is None:
        return Result([Problem(f"still running after {timeout:.0f} seconds\n{outcome.log}")], outcome.seconds)
    leaks = [Problem(f"alive after the tests' end: {name}") for name in outcome.survivors]
    return Result([Problem(outcome.log)] * (outcome.code != 0) + leaks, outcome.seconds)


def _parameters(chapter: Chapter, scale: str) -> Mapping[str, Any]:
    return chapter.scales.get(scale, {})


def _verdicts(notebook: NotebookNode, expected: str) -> Iterator[Problem]:
    for cell in notebook.cells:
        if exercise := cell.metadata.get("course", {}).get("check"):
            shown = verdict(cell)
            if shown != expected:
                yield problem(notebook, cell, f"exercise {exercise}: the verdict is {shown}, not {expected}")


def _in_parallel(jobs: Sequence[tuple[str, str, Callable[..., Result], tuple]]) -> Iterator[tuple[str, str, Result]]:
    """(chapter, part, result) of each job as it ends; a job that raises comes back as a problem."""
    at_once = max(1, min(CPU_COUNT, int(MEMORY_LIMIT // MEMORY_PER_RUN), len(jobs)))
    with contextlib.ExitStack() as stack:
        stack.callback(kill_all)
        local = {"host": "127.0.0.1", "protocol": "tcp", "dashboard_address": "127.0.0.1:0"}
        cluster = stack.enter_context(LocalCluster(n_workers=1, threads_per_worker=at_once, processes=False, **local))
        client = stack.enter_context(Client(cluster))
        # An interrupt ends the runs first: the cluster, which closes next, waits for its tasks.
        stack.callback(kill_all)
        futures = {
            client.submit(function, *arguments, key=f"{number} {part}"): (number, part)
            for number, part, function, arguments in jobs
        }
        bar = stack.enter_context(tqdm(total=len(jobs), unit="run", desc="checking"))
        for future in as_completed(futures):
            number, part = futures[future]
            if error := future.exception():
                result = Result([Problem("".join(traceback.format_exception(error)))])
            else:
                result = future.result()
            bar.set_postfix_str(f"{number} {part} {'failed' if result.problems else 'ok'}")
            bar.update()
            yield number, part, result


def _print(reports: Sequence[Report]) -> None:
    sys.stderr.flush()
    for report in reports:
        for part, found in report.problems:
            print(f"\n{report.number} {part}: {textwrap.indent(str(found), '  ').lstrip()}")
    for report in reports:
        for note in report.notes:
            print(f"\n{report.number} note: {note}")
    print(f"\n{'chapter':<8} {'cells':>5} {'seconds':>8}  verdict")
    for report in reports:
        parts = dict.fromkeys(part for part, _problem in report.problems)
        text = f"FAILED: {', '.join(parts)}" if parts else "ok"
        print(f"{report.number:<8} {report.cells:>5} {report.seconds:>8.1f}  {text}")
