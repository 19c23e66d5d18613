"""Read a chapter's source, `solutions/NN_topic.py`, and refuse one that breaks the rules, by file and line.

A source is jupytext's py:percent text (https://jupytext.readthedocs.io/en/latest/formats-scripts.html), plain
Python throughout: no `!`, no `%` magics. What is our own in it:

    # %% tags=["parameters"]
    n_rows = 200_000  # rows; tiny: 20_000; full: 4_000_000
    n_iterations = 50  # tiny: 5

    # %% exercise="5.2"
    def mse_gradient(X, y, theta):
        ### BEGIN SOLUTION
        return (X.T @ (X @ theta - y) / len(X)).compute()
        ### END SOLUTION

    # %% check="5.2"
    check("5.2")

The parameters cell holds the sizes at laptop scale, and beside a size, where it differs, those of the other scales.
An exercise cell defines functions or classes; each solution region in it is the learner's to write. Its check cell
comes later. Tags that the course gives a meaning to:

    nbval-check-output  the output is the same at every scale, and `make check` compares it
    shows-warning       the cell shows a warning on purpose, which the prose explains

A picture in prose, `![what it shows](pictures/NAME.png)`, is `solutions/pictures/NAME.png`; notebooks carry it along.
"""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import jupytext

from helpers.course.outputs import FIGURE_LIMIT
from helpers.judging import chapter_of, load_exercises

ROOT = Path(__file__).resolve().parents[2]
SCALES = ("tiny", "laptop", "full")

_FORMAT = {"extension": ".py", "format_name": "percent", "comment_magics": False}
_CELL = re.compile(r"# %%(\s|$)")
_REGION = re.compile(r"^([ \t]*)### BEGIN SOLUTION[ \t]*\n(?:.*\n)*?[ \t]*### END SOLUTION[ \t]*$", re.MULTILINE)
_REGION_MARK = re.compile(r"^[ \t]*### (BEGIN|END) SOLUTION[ \t]*(?:\n|$)", re.MULTILINE)
_SCALE = re.compile(r"\s*(tiny|laptop|full):(.+)")
_PICTURE = re.compile(r"\]\(pictures/([\w.-]+\.png)\)")
_ABSOLUTE = re.compile(r"~|[A-Za-z]:[\\/]|/(home|root|Users|tmp|var|usr|etc|opt|mnt|media|srv|data|work)(/|$)")


class SourceError(ValueError):
    """A chapter that does not exist, or a source that breaks the rules: one line per fault."""


@dataclass(frozen=True)
class Cell:
    """One cell of a source; `line` is where its marker stands."""

    kind: str
    source: str
    metadata: Mapping[str, Any]
    line: int

    @property
    def exercise(self) -> str | None:
        return self.metadata.get("exercise")

    @property
    def check(self) -> str | None:
        return self.metadata.get("check")

    @property
    def tags(self) -> Sequence[str]:
        return self.metadata.get("tags", [])

    @property
    def pictures(self) -> Sequence[str]:
        """The names of the pictures in the cell's prose."""
        return _PICTURE.findall(self.source) if self.kind == "markdown" else []

    @cached_property
    def tree(self) -> ast.Module:
        """Raises SyntaxError where the cell is not plain Python."""
        return compile(self.source, "", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    @property
    def solved(self) -> str:
        """The cell's text without the marks around its solution."""
        return _REGION_MARK.sub("", self.source).rstrip()

    @property
    def unsolved(self) -> str:
        """The cell's text with `raise Unsolved(...)` where its solution stands."""
        return _REGION.sub(rf'\1raise Unsolved("{self.exercise}")', self.source)


@dataclass(frozen=True)
class Chapter:
    """A source without faults. `points` is by exercise; `scales` maps "tiny" and "full" to their parameters."""

    path: Path
    text: str
    cells: Sequence[Cell]
    points: Mapping[str, float]
    scales: Mapping[str, Mapping[str, Any]]

    @property
    def number(self) -> str:
        return _number(self.path)

    def notebook(self, edition: str) -> Path:
        """Where an edition, `"learner"` or `"solved"`, is built."""
        folder = {"learner": "notebooks", "solved": "solutions"}[edition]
        return self.path.parents[1] / folder / f"{self.path.stem}.ipynb"


def find_chapters(root: Path = ROOT, wanted: Sequence[str] = ()) -> list[Path]:
    """The sources of the chapters `wanted` (`["05", "B"]`), by default all, in the course's order.

    Raises SourceError for a chapter that does not exist.
    """
    known = {_number(path): path for path in sorted((root / "solutions").glob("*_*.py"))}
    numbers = [chapter_of(name) for name in wanted]
    if unknown := [name for name, number in zip(wanted, numbers, strict=True) if number not in known]:
        raise SourceError(f"no chapter {', '.join(unknown)}; there are: {', '.join(known) or 'none'}")
    return [path for number, path in known.items() if not wanted or number in numbers]


def declared_points(chapter: str) -> dict[str, float]:
    """Points by exercise id, as `helpers.checks` declares them for a chapter; empty where it has no exercises."""
    try:
        return {exercise.id: exercise.points for exercise in load_exercises(chapter).values()}
    except LookupError:
        return {}


def read_chapter(path: Path, points_of: Callable[[str], Mapping[str, float]] = declared_points) -> Chapter:
    """Parse the source at `path`. Raises SourceError, with every fault that it has."""
    text = path.read_text(encoding="utf-8")
    points = points_of(_number(path))
    cells = _cells(path, text)
    faults = [*_plain_python_faults(cells)] or [*_exercise_faults(cells, _number(path), points), *_path_faults(cells)]
    faults += _picture_faults(cells, path.parent)
    scales: dict[str, dict[str, Any]] = {}
    try:
        scales = _scales(cells)
    except _Fault as fault:
        faults.append(fault.args)
    if faults:
        raise SourceError("\n".join(f"{_place(path, line)}: {what}" for line, what in sorted(faults)))
    return Chapter(path, text, cells, points, scales)


class _Fault(Exception):
    """(line, what is wrong)."""


def _number(path: Path) -> str:
    return path.stem.partition("_")[0]


def _place(path: Path, line: int) -> str:
    return f"{path.parent.name}/{path.name}:{line}"


def _cells(path: Path, text: str) -> list[Cell]:
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _CELL.match(line)]
    cells = jupytext.reads(text, fmt=_FORMAT).cells
    if len(cells) != len(lines):
        raise SourceError(f"{_place(path, 1)}: everything but the header belongs under a `# %%` line")
    found = []
    for cell, line in zip(cells, lines, strict=True):
        metadata = {key: value for key, value in cell.metadata.items() if key != "lines_to_next_cell"}
        found.append(Cell(cell.cell_type, cell.source, metadata, line))
    return found


def _plain_python_faults(cells: Sequence[Cell]) -> Iterator[tuple[int, str]]:
    for cell in cells:
        if cell.kind != "code":
            continue
        try:
            cell.tree  # noqa: B018
        except SyntaxError as error:
            line = cell.line + (error.lineno or 0)
            yield line, f"not plain Python ({error.msg}); `!` and `%` magics have no place here"


def _exercise_faults(cells: Sequence[Cell], chapter: str, points: Mapping[str, float]) -> Iterator[tuple[int, str]]:
    asked: dict[str, int] = {}
    checked: set[str] = set()
    owner: dict[str, str] = {}
    for cell in cells:
        yield from _region_faults(cell)
        for id in filter(None, (cell.exercise, cell.check)):
            if id not in points:
                known = ", ".join(points) or "none"
                yield cell.line, f"helpers.checks.ch{chapter} knows no exercise {id}; it has: {known}"
        if id := cell.exercise:
            if id in asked:
                yield cell.line, f"exercise {id} was asked before, at line {asked[id]}: one cell per exercise"
            asked.setdefault(id, cell.line)
            names = [
                node.name
                for node in cell.tree.body
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            ]
            if not names:
                yield cell.line, f"exercise {id} defines neither a function nor a class"
            for name in names:
                if owner.setdefault(name, id) != id:
                    yield cell.line, f"exercises {owner[name]} and {id} both define {name}: a name has one exercise"
        if id := cell.check:
            if id not in asked:
                yield cell.line, f"check {id} comes before exercise {id}"
            if id in checked:
                yield cell.line, f"exercise {id} was checked before: one check cell per exercise"
            if f'check("{id}")' not in cell.source:
                yield cell.line, f'the check cell of {id} does not call check("{id}")'
            checked.add(id)
    for id, line in asked.items():
        if id not in checked:
            yield line, f'exercise {id} has no check cell (`# %% check="{id}"`)'
    for id in points:
        if id not in asked:
            yield 1, f"helpers.checks.ch{chapter} has exercise {id}, but no cell asks it"


def _region_faults(cell: Cell) -> Iterator[tuple[int, str]]:
    marks = list(_REGION_MARK.finditer(cell.source))
    if marks and not cell.exercise:
        yield cell.line, 'a solution outside an exercise: the cell needs a mark such as `# %% exercise="5.2"`'
        return
    if cell.exercise and not marks:
        yield cell.line, f"exercise {cell.exercise} has no ### BEGIN SOLUTION: there is nothing to solve"
    for position, mark in enumerate(marks):
        expected = ("BEGIN", "END")[position % 2]
        if mark[1] != expected or (position == len(marks) - 1 and mark[1] == "BEGIN"):
            line = cell.line + 1 + cell.source.count("\n", 0, mark.start())
            yield line, f"### {mark[1]} SOLUTION without its ### {'END' if mark[1] == 'BEGIN' else 'BEGIN'} SOLUTION"
            return
    try:
        ast.parse(cell.unsolved if cell.exercise else "")
    except SyntaxError as error:
        yield cell.line, f"without its solution, exercise {cell.exercise} is no longer Python: {error.msg}"


def _path_faults(cells: Sequence[Cell]) -> Iterator[tuple[int, str]]:
    for cell in cells:
        for node in ast.walk(cell.tree) if cell.kind == "code" else ():
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _ABSOLUTE.match(node.value):
                yield cell.line + node.lineno, f"absolute path {node.value!r}: it exists on one machine only"


def _picture_faults(cells: Sequence[Cell], folder: Path) -> Iterator[tuple[int, str]]:
    for cell in cells:
        for name in cell.pictures:
            file = folder / "pictures" / name
            if not file.exists():
                yield cell.line, f"{folder.name}/pictures/{name} does not exist"
            elif file.stat().st_size >= FIGURE_LIMIT:
                size = file.stat().st_size / 1000
                yield (
                    cell.line,
                    f"pictures/{name} has {size:.0f} kB; a picture stays under {FIGURE_LIMIT / 1000:.0f} kB",
                )


def _scales(cells: Sequence[Cell]) -> dict[str, dict[str, Any]]:
    """{"tiny": {name: value}, "full": {...}} from the comments of the parameters cell."""
    scales: dict[str, dict[str, Any]] = {"tiny": {}, "full": {}}
    tagged = [cell for cell in cells if "parameters" in cell.tags]
    if len(tagged) > 1:
        raise _Fault(tagged[1].line, "a second parameters cell: sizes stand together in one")
    for cell in tagged:
        names = {
            node.end_lineno: node.targets[0].id
            for node in cell.tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for token in tokenize.generate_tokens(io.StringIO(cell.source).readline):
            if token.type != tokenize.COMMENT:
                continue
            row = token.start[0]
            for scale, value in filter(None, map(_scale, token.string[1:].split(";"))):
                if scale not in scales:
                    raise _Fault(cell.line + row, "the assignment itself is the size at laptop scale")
                if row not in names:
                    raise _Fault(cell.line + row, f"`{scale}:` stands beside no assignment such as `n_rows = 1000`")
                try:
                    scales[scale][names[row]] = ast.literal_eval(value)
                except (ValueError, SyntaxError):
                    raise _Fault(cell.line + row, f"{scale}: {value} is not a plain value such as 20_000") from None
    return scales


def _scale(comment: str) -> tuple[str, str] | None:
    match = _SCALE.fullmatch(comment)
    return match and (match[1], match[2].strip())
