"""Fingerprints of what a notebook was built from: any plain value, and the code of the helpers it imports."""

import ast
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def digest(value: Any) -> str:
    """SHA-256, in hexadecimal, of a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def helpers_code(trees: Iterable[ast.AST], modules: Iterable[str], root: Path) -> dict[str, Any]:
    """The code of `modules` and of each module of `helpers` that `trees` import, directly or not, as plain lists.

    Comments and layout are not part of it. `root` is the folder that holds `helpers`; what is not there is left out.
    """
    found: dict[str, Any] = {}
    wanted = set(modules).union(*(_imports(tree, "") for tree in trees))
    while wanted:
        name = wanted.pop()
        file = next((file for file in _candidates(root, name) if file.exists()), None)
        if name in found or file is None:
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found[name] = _plain_tree(tree)
        wanted |= _imports(tree, name if file.name == "__init__.py" else name.rpartition(".")[0])
    return found


def _candidates(root: Path, module: str) -> tuple[Path, Path]:
    place = root.joinpath(*module.split("."))
    return place.with_suffix(".py"), place / "__init__.py"


def _imports(tree: ast.AST, package: str) -> set[str]:
    """The modules of `helpers` that `tree`, which stands in `package`, may import, with the packages around them."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            around = package.split(".")[: -(node.level - 1) or None] if node.level else []
            module = ".".join(filter(None, [*around, node.module]))
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    parents = {name.rsplit(".", depth)[0] for name in names for depth in range(1, name.count(".") + 1)}
    return {name for name in names | parents if name.partition(".")[0] == "helpers"}


def _plain_tree(node: Any) -> Any:
    """As `ast.dump`, in a form that all our versions of Python agree on: empty fields are left out."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if value not in (None, []))
        return [type(node).__name__, *([name, _plain_tree(value)] for name, value in fields)]
    if isinstance(node, list):
        return [_plain_tree(item) for item in node]
    return repr(node)
