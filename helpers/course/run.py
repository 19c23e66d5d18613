"""Run a notebook in a room of its own, and say what it left behind.

The room is a private working folder, TMPDIR, progress file and IPython profile. Whatever runs in it carries a mark
in its environment; by that mark every process is found when the run ends, detached ones too. No function here
raises because of what a notebook does: that comes back as problems.
"""

import contextlib
import copy
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from helpers.course.outputs import Problem, plain, problem

_MARK = "COURSE_RUN"
_SESSION = uuid.uuid4().hex
_PATIENCE = 5.0
_AUDIT_START, _AUDIT_REPORT = "course-audit-start", "course-audit-report"
_TERMINAL = 2
_FOREIGN = ("DASK_SCHEDULER_ADDRESS", "NBGRADER_EXECUTION", "PYTEST_ADDOPTS")


@dataclass(frozen=True)
class Run:
    """What came of a run: the notebook with its new outputs, and what went wrong.

    `room` is where it ran, a folder that is gone; `differences` are the cells whose output is not the stored one.
    """

    notebook: NotebookNode
    seconds: float
    room: Path
    problems: Sequence[Problem]
    differences: Sequence[Problem] = ()


@dataclass
class Outcome:
    """How a command ended: its exit code, None after a timeout; what it printed; the processes that outlived it."""

    code: int | None
    log: str
    seconds: float
    survivors: list[str] = field(default_factory=list)


def execute(
    notebook: NotebookNode,
    parameters: Mapping[str, Any],
    *,
    timeout: float,
    allow_errors: bool = False,
    progress: str | None = None,
) -> Run:
    """Execute `notebook` with papermill, within `timeout` seconds; `progress` names the progress bar to show."""
    with _room() as room:
        given, done = room / "given.ipynb", room / "done.ipynb"
        nbformat.write(_audited(notebook, parameters), given)
        arguments = {
            "input_path": str(given),
            "output_path": str(done),
            "allow_errors": allow_errors,
            "progress_bar": {"desc": progress} if progress else False,
            "kernel_name": "python3",
            "coalesce_streams": True,
        }
        command = [sys.executable, "-m", "helpers.course.run", json.dumps(arguments)]
        outcome = run_command(command, room, room / "work", timeout=timeout, show=progress is not None)
        cells = nbformat.read(done, as_version=4).cells if done.exists() else []
        outputs = {
            cell.id: cell.outputs
            for cell in cells
            if cell.cell_type == "code" and cell.metadata.get("papermill", {}).get("start_time")
        }
        errors = []
        if not allow_errors:
            raised = ((id, output) for id, shown in outputs.items() for output in shown)
            errors = [(id, "\n".join(output.traceback)) for id, output in raised if output.output_type == "error"]
        return _finish(notebook, outputs, errors, [], outcome, room, timeout)


def validate(notebook: NotebookNode, parameters: Mapping[str, Any], *, timeout: float) -> Run:
    """Run `notebook` through nbval, which compares the stored output of each cell tagged `nbval-check-output`."""
    with _room() as room:
        path, record = room / "work" / "notebook.ipynb", room / "record.jsonl"
        audited = _audited(notebook, parameters)
        nbformat.write(audited, path)
        options = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={timeout:.0f}", "--color=no"]
        plugins = ["-p", "helpers.course.recorder", "-p", "nbval.plugin", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", *options, *plugins, f"--rootdir={path.parent}", str(path)]
        extra = {"COURSE_RECORD": str(record), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        outcome = run_command(command, room, room / "work", timeout=timeout, extra=extra)
        path.unlink()
        lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
        records = {line["id"]: line for line in map(json.loads, lines)}
        outputs = {id: nbformat.from_dict(line["outputs"]) for id, line in records.items()}
        failed = [(id, line["failure"], line["differs"]) for id, line in records.items() if line["failure"]]
        errors = [(id, failure) for id, failure, differs in failed if not differs]
        differences = [(id, failure) for id, failure, differs in failed if differs]
        # A cell is recorded when it ends: the next one is where a killed run was.
        pending = (cell.id for cell in audited.cells if cell.cell_type == "code" and cell.id not in records)
        outputs |= {id: [] for id in itertools.islice(pending, 1)}
        # What fails after the first error fails because of it.
        return _finish(notebook, outputs, errors[:1], differences, outcome, room, timeout)


def run_tests(root: Path, chapter: str, *, timeout: float) -> Outcome:
    """Run the exercises of a chapter (`"05"`) against their solution, their stub and their wrong answers.

    That a solution passes whatever the seed takes longer, and is left to the test suite.
    """
    with _room() as room:
        command = [sys.executable, "-m", "pytest", "-v", "--color=no", "-p", "no:cacheprovider"]
        command += ["tests/test_exercises.py", "-k", f"ch{chapter} and not seed"]
        return run_command(command, room, root, timeout=timeout)


def run_command(
    command: Sequence[str],
    room: Path,
    folder: Path,
    *,
    timeout: float,
    show: bool = False,
    extra: Mapping[str, str] | None = None,
) -> Outcome:
    """Run `command` in `folder`, with the private places of `room`; afterwards nothing that it started is alive."""
    mark = f"{_SESSION}-{uuid.uuid4().hex}"
    environment = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    environment |= {
        _MARK: mark,
        "COURSE_DASHBOARD_PORT": "0",
        "COURSE_LANGUAGE": environment.get("COURSE_LANGUAGE", "en"),
        "COURSE_STATE": str(room / "state" / "progress.json"),
        "IPYTHONDIR": str(room / "ipython"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "JUPYTER_RUNTIME_DIR": str(room / "jupyter"),
        "TMPDIR": str(room / "tmp"),
        # An empty folder that every optimiser of PyTorch makes, else in the temporary folder.
        "TORCHINDUCTOR_CACHE_DIR": str(room / "torch"),
        **(extra or {}),
    }
    began = time.monotonic()
    log = room / "log"
    survivors: list[psutil.Process] = []
    try:
        with log.open("wb") as file:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=_TERMINAL if show else file,
                stderr=file,
                start_new_session=True,
            )
        code = process.wait(timeout)
        _gone, survivors = psutil.wait_procs(_marked(mark), timeout=_PATIENCE)
    except subprocess.TimeoutExpired:
        code = None
    finally:
        # Said before they are killed: a dead process has no command line.
        names = [name for name in map(_describe, survivors) if name]
        _kill(mark)
    seconds = time.monotonic() - began
    return Outcome(code, plain(log.read_text(encoding="utf-8", errors="replace")), seconds, names)


def kill_all() -> None:
    """End every process that any run of this session started: for an interrupt in the middle of several."""
    _kill(_SESSION)


@contextlib.contextmanager
def _room() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as folder:
        room = Path(folder)
        for name in ("work", "tmp", "state", "ipython", "jupyter"):
            (room / name).mkdir()
        yield room


def _audited(notebook: NotebookNode, parameters: Mapping[str, Any]) -> NotebookNode:
    """A copy of `notebook` with its parameters injected, between the two halves of the audit."""
    given = papermill.execute_notebook(notebook, None, parameters=dict(parameters), prepare_only=True)
    audit = "import helpers.course.audit; helpers.course.audit"
    given.cells.insert(0, new_code_cell(f"{audit}.start()", id=_AUDIT_START))
    given.cells.append(new_code_cell(f"{audit}.report()", id=_AUDIT_REPORT))
    return given


def _finish(
    notebook: NotebookNode,
    outputs: Mapping[str, list[NotebookNode]],
    errors: Sequence[tuple[str, str]],
    differences: Sequence[tuple[str, str]],
    outcome: Outcome,
    room: Path,
    timeout: float,
) -> Run:
    """Put `outputs`, by cell id in the order of execution, into a copy of `notebook`, and judge how the run ended."""
    fresh = copy.deepcopy(notebook)
    code = [cell for cell in fresh.cells if cell.cell_type == "code"]
    for count, cell in enumerate(code, 1):
        cell.outputs = outputs.get(cell.id, [])
        cell.execution_count = count if cell.id in outputs else None
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count

    def located(id: str, error: str) -> Problem:
        cell = next((cell for cell in code if cell.id == id), None)
        return problem(fresh, cell, error) if cell else Problem(plain(error))

    problems = [located(id, error) for id, error in errors]
    audit = "".join(output.text for output in outputs.get(_AUDIT_REPORT, []) if output.get("name") == "stdout")
    last = next(reversed(outputs), "")
    if outcome.code is None:
        problems.append(located(last, f"still running after {timeout:.0f} seconds: killed, with all that it started"))
    elif not audit and not problems:
        log = "\n".join(outcome.log.strip().splitlines()[-5:])
        problems.append(located(last, f"the kernel died, or never started:\n{log}"))
    if not problems:  # a notebook that broke off had no chance to clean up
        problems += [Problem(f"still held at the notebook's end: {what}") for what in json.loads(audit)]
        problems += [Problem(f"alive after the notebook's end: {name}") for name in outcome.survivors]
        problems += [Problem(f"left behind: {name}") for name in _left_behind(room)]
    return Run(fresh, outcome.seconds, room, problems, [located(id, error) for id, error in differences])


def _left_behind(room: Path) -> list[str]:
    """Files in the working and the temporary folder. Dask keeps an empty scratch folder with its locks."""
    found = []
    for folder, name in ((room / "work", "the working folder"), (room / "tmp", "the temporary folder")):
        for path in sorted(folder.rglob("*")):
            kept_by_dask = path.relative_to(folder).parts[0] == "dask-scratch-space" and (
                path.is_dir() or path.suffix == ".lock"
            )
            if not kept_by_dask:
                found.append(f"{path.relative_to(folder)} in {name}")
    return found


def _marked(mark: str) -> list[psutil.Process]:
    """The living processes whose environment carries a mark that begins with `mark`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(_MARK, "").startswith(mark):
                found.append(process)
    return found


def _describe(process: psutil.Process) -> str | None:
    with contextlib.suppress(psutil.Error):
        return f"process {process.pid} ({' '.join(process.cmdline())[:80]})"
    return None


def _kill(mark: str) -> None:
    """Again and again, since a process may start another while it is being killed."""
    while marked := _marked(mark):
        for process in marked:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(marked, timeout=_PATIENCE)


if __name__ == "__main__":
    # The child of `execute`: papermill saves the notebook after each cell, so a kill loses no output.
    arguments = json.loads(sys.argv[1])
    if bar := arguments["progress_bar"]:
        bar["file"] = sys.stdout  # stderr goes to the log, with what a kernel says while it starts
    papermill.execute_notebook(**arguments)
