"""Find an exercise's reference solution in `solutions/NN_topic.py`, and run as much of a notebook as it needs.

`solutions/` stands beside `helpers/`. An edition for a class comes without it: then there is no reference.
"""

import ast
import functools
import linecache
import re
import symtable
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from helpers.judging import chapter_of

FOLDER = Path(__file__).resolve().parent.parent / "solutions"
_MARKER = re.compile(r"^# %%(.*)$", re.MULTILINE)
_REGION = re.compile(r"^\s*### (BEGIN|END) SOLUTION\s*\n", re.MULTILINE)


def chapter_source(chapter: str) -> str:
    """Text of the chapter's source. Raises LookupError where this edition has none."""
    found = sorted(FOLDER.glob(f"{chapter}_*.py"))
    if not found:
        raise LookupError(f"no solutions/{chapter}_*.py in this edition of the course")
    return found[0].read_text(encoding="utf-8")


def code_cells(source: str) -> Iterable[tuple[str, str]]:
    """(marker, code) of each code cell of a py:percent source; the marker is what follows `# %%`."""
    pieces = _MARKER.split(source)[1:]
    for marker, body in zip(pieces[::2], pieces[1::2], strict=True):
        if "[markdown]" not in marker:
            yield marker.strip(), _REGION.sub("", body).strip("\n")


def solution_source(exercise_id: str) -> str:
    """The reference solution of an exercise, as its author wrote it. Raises LookupError where there is none."""
    wanted = f'exercise="{exercise_id}"'
    for marker, code in code_cells(chapter_source(chapter_of(exercise_id))):
        if wanted in marker:
            return code
    raise LookupError(f"no cell of the chapter's source is marked {wanted}")


def run_source(code: str, name: str, namespace: dict[str, Any]) -> None:
    """Execute `code` in `namespace`; tracebacks and `inspect` find its lines under `<name>`."""
    file = f"<{name}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    exec(compile(code, file, "exec"), namespace)


def needed_source(source: str, names: Iterable[str]) -> str:
    """The top-level statements of `source` that bind `names`, and all that those depend on, in their order.

    The last binding of a name counts for definitions; imports and assignments are all kept.
    """
    statements = ast.parse(source).body
    bound = [_bound_names(statement) for statement in statements]
    wanted, kept = list(names), set()
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in seen:
            continue
        seen.add(name)
        binding = [i for i, names_bound in enumerate(bound) if name in names_bound]
        definitions = [i for i in binding if isinstance(statements[i], ast.FunctionDef | ast.ClassDef)]
        for i in definitions[-1:] or binding:
            if i not in kept:
                kept.add(i)
                wanted += _free_names(symtable.symtable(ast.unparse(statements[i]), "statement", "exec"))
    return "\n\n".join(ast.get_source_segment(source, _with_decorators(statements[i])) for i in sorted(kept))


def _free_names(scope: symtable.SymbolTable) -> set[str]:
    """Names that code in `scope` looks up among the globals; what a function calls its own is left out."""
    top = scope.get_type() == "module"
    own = {name.get_name() for name in scope.get_symbols() if (name.is_referenced() if top else name.is_global())}
    return own.union(*map(_free_names, scope.get_children()))


def _with_decorators(statement: ast.stmt) -> ast.stmt:
    if decorators := getattr(statement, "decorator_list", None):
        statement.lineno = decorators[0].lineno
        statement.col_offset = 0
    return statement


def _bound_names(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.FunctionDef() | ast.ClassDef():
            return {statement.name}
        case ast.Import() | ast.ImportFrom():
            return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            return {
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
    return set()


def surroundings(exercise_id: str) -> dict[str, Any]:
    """A fresh namespace with the reference solution of an exercise and what it needs of the other cells.

    Raises LookupError where there is none.
    """
    everything = "\n\n".join(code for _marker, code in code_cells(chapter_source(chapter_of(exercise_id))))
    namespace: dict[str, Any] = {"__name__": f"reference_{exercise_id.replace('.', '_')}"}
    run_source(needed_source(everything, defined_by(exercise_id)), f"reference {exercise_id}", namespace)
    return namespace


def defined_by(exercise_id: str) -> set[str]:
    """The names that an exercise's cell defines."""
    return set().union(*map(_bound_names, ast.parse(solution_source(exercise_id)).body))


@functools.cache
def reference(exercise_id: str) -> SimpleNamespace:
    """The names that the reference solution of an exercise defines. Raises LookupError where there is none."""
    namespace = surroundings(exercise_id)
    return SimpleNamespace(**{name: namespace[name] for name in defined_by(exercise_id)})
