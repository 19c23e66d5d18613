"""Judge an exercise: run its checks on a set of names and say what came of each.

The same `judge` serves a notebook, where the names are the learner's own, and a grader, where they are
stand-ins for functions that live in another process.
"""

import hashlib
import importlib
import inspect
import linecache
import pkgutil
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from helpers.words import _

STATUSES = (
    "broken",
    "todo",
    "wrong",
    "wasteful",
    "ok",
)  # the worst first: a verdict takes the worst of its checks


class Unsolved(Exception):
    """Raised by an exercise that nobody has solved yet; `Unsolved("5.2")` names it."""

    def __init__(self, exercise_id: str):
        super().__init__(exercise_id)
        self.exercise_id = exercise_id

    def __str__(self) -> str:
        return _('exercise {id} is not solved yet; hint("{id}") helps').format(id=self.exercise_id)

    def _render_traceback_(self) -> list[str]:
        return [f"Unsolved: {self}"]


class LearnerError(Exception):
    """The learner's code failed where no traceback shows it: in a lazy value, or in another process."""


@dataclass(frozen=True)
class Check:
    """One function that refuses wrong answers. Its parameters name what it needs, its docstring what it asks."""

    function: Callable[..., None]

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def title(self) -> str:
        return inspect.getdoc(self.function).splitlines()[0]

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(inspect.signature(self.function).parameters)

    @property
    def measures_cost(self) -> bool:
        return "cost" in self.parameters


@dataclass
class Exercise:
    """An exercise as its author declares it; `@exercise.check` adds a check.

    Checks that measure cost share a quarter of `points`, the others share the rest; without a cost check
    the others share them all.
    """

    id: str
    title: str
    points: int
    minutes: int
    difficulty: int
    needs: str | None = None
    hints: Sequence[str] = ()
    checks: list[Check] = field(default_factory=list)

    def check(self, function: Callable[..., None]) -> Callable[..., None]:
        """Decorator: `function` becomes a check of this exercise."""
        if not inspect.getdoc(function):
            raise TypeError(f"check {function.__name__} of exercise {self.id} needs a docstring: it is its title")
        self.checks.append(Check(function))
        return function

    def points_of(self, check: Check) -> float:
        """What `check` is worth."""
        alike = sum(other.measures_cost == check.measures_cost for other in self.checks)
        share = 1.0
        if any(other.measures_cost for other in self.checks):
            share = 0.25 if check.measures_cost else 0.75
        return self.points * share / alike


@dataclass(frozen=True)
class CheckResult:
    """What came of one check; `status` is one of `STATUSES`."""

    name: str
    title: str
    status: str
    points: float
    message: str = ""


@dataclass(frozen=True)
class Verdict:
    """What came of an exercise's checks."""

    exercise: Exercise
    results: tuple[CheckResult, ...]

    @property
    def status(self) -> str:
        return min((result.status for result in self.results), key=STATUSES.index)

    @property
    def points(self) -> float:
        return round(sum(result.points for result in self.results), 2)


def load_exercises(chapter: str, package: str = "helpers.checks") -> dict[str, Exercise]:
    """The exercises of a chapter (`"05"`, `"B"`) by id, in the order of their declaration.

    Raises LookupError where the chapter has no check module.
    """
    name = f"{package}.ch{chapter}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        known = ", ".join(chapters(package)) or "none"
        raise LookupError(
            _("chapter {chapter} has no exercises; chapters with exercises: {known}").format(
                chapter=chapter, known=known
            )
        ) from None
    return exercises_in(module)


def exercises_in(module: ModuleType) -> dict[str, Exercise]:
    """Every `Exercise` that stands at the top level of `module`, by id."""
    return {value.id: value for value in vars(module).values() if isinstance(value, Exercise)}


def chapters(package: str = "helpers.checks") -> list[str]:
    """The chapters that have a check module, in the course's order: `["00", ..., "13", "B"]`."""
    folder = importlib.import_module(package).__path__
    return sorted(name[2:] for _finder, name, _is_package in pkgutil.iter_modules(folder) if name.startswith("ch"))


def chapter_of(exercise_id: str) -> str:
    """`"05"` for `"5.2"`, `"B"` for `"B.1"`."""
    head = exercise_id.partition(".")[0]
    return head.zfill(2) if head.isdigit() else head


def judge(
    exercise: Exercise,
    names: Mapping[str, Any],
    *,
    seed: bytes | None = None,
    fixtures: Mapping[str, Callable[[], Any]] | None = None,
) -> Verdict:
    """Run every check of `exercise` on `names`, the learner's functions and classes by name.

    `seed` (default: the exercise's id) seeds `rng`, for each check on its own, so that checks do not depend
    on their order. `fixtures` maps a parameter's name to a function that makes its value; it goes before
    `names`. Checks that measure cost run last, and only where every other check passed.
    """
    seed = exercise.id.encode() if seed is None else seed
    fixtures = fixtures or {}
    checks = sorted(exercise.checks, key=lambda check: check.measures_cost)
    results: list[CheckResult] = []
    for check in checks:
        if check.measures_cost and any(result.status not in ("ok", "wasteful") for result in results):
            break
        result = _run(exercise, check, names, seed, fixtures)
        results.append(result)
        if result.status == "todo":  # what is still to be done, in full
            rest = checks[len(results) :]
            results += [CheckResult(check.name, _(check.title), "todo", 0.0) for check in rest]
            break
    return Verdict(exercise, tuple(results))


def _run(exercise, check, names, seed, fixtures) -> CheckResult:
    def result(status: str, message: str = "") -> CheckResult:
        points = exercise.points_of(check) if status == "ok" else 0.0
        return CheckResult(check.name, _(check.title), status, points, message)

    arguments = {}
    for parameter in check.parameters:
        if parameter == "rng":
            digest = hashlib.sha256(seed + check.name.encode()).digest()
            arguments[parameter] = np.random.default_rng(int.from_bytes(digest))
        elif parameter in fixtures:
            arguments[parameter] = fixtures[parameter]()
            if parameter == "client" and arguments[parameter] is None:
                return result("todo", _("this check needs a running cluster: client = start_cluster()"))
        elif parameter in names:
            arguments[parameter] = names[parameter]
            if not callable(names[parameter]):
                kind = type(names[parameter]).__name__
                overwritten = _("`{name}` should be a function or a class, but it is a {kind}: define it again")
                return result("wrong", overwritten.format(name=parameter, kind=kind))
        else:
            missing = _("`{name}` is not defined yet: run the cell that defines it").format(name=parameter)
            return result("todo", missing)
    try:
        check.function(**arguments)
    except KeyboardInterrupt:
        raise
    except Unsolved as error:
        if error.exercise_id == exercise.id:
            return result("todo")
        needed = _("this one builds on exercise {id}: solve that first").format(id=error.exercise_id)
        return result("todo", needed)
    except LearnerError as error:
        return result("wrong", str(error))
    except BaseException as error:  # SystemExit too: a learner's exit() must not end the judge
        frame = _learners_frame(error, names, arguments)
        if frame is None and isinstance(error, AssertionError):
            status = "wasteful" if check.measures_cost else "wrong"
            return result(status, str(error) or _("not so: {title}").format(title=_(check.title)))
        if frame is None and (name := _called_in_vain(error, arguments)):
            stub = _("`{name}` cannot be called as its stub says ({error}): keep the parameters of the stub")
            return result("wrong", stub.format(name=name, error=error))
        if frame is None:
            return result("broken", _authors_fault(check, error))
        where = _("line {line} of `{function}`: {code}").format(
            line=frame.lineno - frame.first_line + 1, function=frame.name, code=frame.line
        )
        raised = "".join(traceback.format_exception_only(error)).strip()
        return result("wrong", _("your code raised {error}\n{where}").format(error=raised, where=where))
    return result("ok")


@dataclass(frozen=True)
class _Frame:
    name: str
    first_line: int
    lineno: int
    line: str


def _learners_frame(error: BaseException, names: Mapping[str, Any], arguments: Mapping[str, Any]) -> _Frame | None:
    """The innermost frame of `error` that ran the learner's code, or None where the check itself failed.

    A frame is the learner's when its globals are the notebook's, or when it comes from the file of a
    function under test (a traceback that crossed processes keeps files, not globals).
    """
    files = {value.__code__.co_filename for value in arguments.values() if inspect.isfunction(value)}
    found = None
    for frame, lineno in traceback.walk_tb(error.__traceback__):
        code = frame.f_code
        if frame.f_globals is names or code.co_filename in files:
            line = linecache.getline(code.co_filename, lineno).strip()
            found = _Frame(code.co_name, code.co_firstlineno, lineno, line)
    return found


def _called_in_vain(error: BaseException, arguments: Mapping[str, Any]) -> str | None:
    """The name of the learner's function whose parameters do not fit the call, as Python's message says it."""
    if isinstance(error, TypeError):
        for name, value in arguments.items():
            called = getattr(value, "__qualname__", name)
            if str(error).startswith((f"{called}() ", f"{called}.__init__() ")):
                return name
    return None


def _authors_fault(check: Check, error: BaseException) -> str:
    raised = "".join(traceback.format_exception_only(error)).strip()
    return _(
        "the check `{check}` itself failed ({error}). This is a fault of the course and says nothing about "
        "your answer: please report it."
    ).format(check=check.name, error=raised)
