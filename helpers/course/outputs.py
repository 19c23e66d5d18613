"""What the outputs of an executed notebook hold, and what they may not: noise, big figures, traces of the builder."""

import base64
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbformat import NotebookNode

FIGURE_LIMIT = 60_000
WARNING_TAG = "shows-warning"

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_WARNING = re.compile(r"\b\w*Warning\b|\bWARNING\b")
_WIDGET = "application/vnd.jupyter.widget-view+json"
# Forms that differ from run to run on one machine; the places of that machine are named by whoever runs it.
_FIXED_FORMS = (
    (re.compile(r"[^\s\"'<>()]*ipykernel_\d+/\d+\.py"), "notebook-cell.py"),
    (re.compile(r"\b(?:\d{1,3}(?:\.\d{1,3}){3}|localhost):\d{2,5}\b"), "127.0.0.1:PORT"),
    (re.compile(r"/proxy/\d+/"), "/proxy/PORT/"),
    (re.compile(r"dask-scratch-space/worker-\w+"), "dask-scratch-space/worker"),
)
_TRACES = (
    ("an absolute path", re.compile(r"(?<![\w/:.<~-])/(?:home|root|Users|tmp|private|mnt|media|workspace)/[\w.@+-]+")),
    ("an absolute path", re.compile(r"\b[A-Z]:\\{1,2}\w[\w.\\-]*")),
    ("a host and port", re.compile(r"\b(?:\d{1,3}(?:\.\d{1,3}){3}|localhost):\d{2,5}\b")),
    ("a port", re.compile(r"/proxy/\d+/")),
)


@dataclass(frozen=True)
class Problem:
    """What is wrong, and in which cell: its position in the notebook, from 1, and its source."""

    error: str
    cell: int | None = None
    source: str = ""

    def __str__(self) -> str:
        if self.cell is None:
            return self.error
        return f"cell {self.cell}:\n{textwrap.indent(self.source, '    | ')}\n{self.error}"


def problem(notebook: NotebookNode, cell: NotebookNode, error: str) -> Problem:
    """`error` in one cell of `notebook`."""
    return Problem(plain(error), notebook.cells.index(cell) + 1, cell.source)


def plain(text: str) -> str:
    """`text` without terminal colours."""
    return _COLOUR.sub("", text)


def failures(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    """(cell, output) of each exception that reached a cell's outputs."""
    for cell, output in _outputs(notebook):
        if output.output_type == "error":
            yield cell, output


def noise(notebook: NotebookNode) -> Iterator[Problem]:
    """stderr and warnings in cells that are not tagged `shows-warning`. Errors are left to `failures`."""
    for cell, output in _outputs(notebook):
        if WARNING_TAG in cell.metadata.get("tags", []) or output.output_type == "error":
            continue
        text = "\n".join(_texts(output))
        if output.get("name") == "stderr":
            yield problem(notebook, cell, f"writes to stderr: {_shorten(text)}")
        elif warning := _WARNING.search(text):
            line = text[text.rfind("\n", 0, warning.start()) + 1 :].partition("\n")[0]
            remedy = f"remove its cause, or tag the cell `{WARNING_TAG}` and explain it in prose"
            yield problem(notebook, cell, f"shows a warning: {_shorten(line)}\n{remedy}")


def big_figures(notebook: NotebookNode) -> Iterator[Problem]:
    """Pictures of 60 kB and more."""
    for cell, output in _outputs(notebook):
        for kind, content in output.get("data", {}).items():
            if kind.startswith("image/"):
                size = len(content.encode()) if kind == "image/svg+xml" else len(base64.b64decode(content))
                if size >= FIGURE_LIMIT:
                    what = f"{kind} of {size / 1000:.0f} kB; a figure stays under {FIGURE_LIMIT / 1000:.0f} kB"
                    yield problem(notebook, cell, what)


def traces(notebook: NotebookNode) -> Iterator[Problem]:
    """Paths, hosts and ports of the machine that executed the notebook."""
    for cell, output in _outputs(notebook):
        for text in _texts(output):
            for what, pattern in _TRACES:
                if found := pattern.search(text):
                    yield problem(notebook, cell, f"its output holds {what} of its builder: {found[0]}")


def depersonalise(notebook: NotebookNode, places: Mapping[str, str]) -> None:
    """Replace what differs from machine to machine by fixed forms, in place.

    `places` maps this machine's folders and names to what stands for them. Widgets go: without a kernel they
    show nothing.
    """
    for _cell, output in _outputs(notebook):
        if output.get("data", {}).pop(_WIDGET, None):
            output.metadata.pop(_WIDGET, None)
        for holder, key in _text_places(output):
            holder[key] = _depersonalised(holder[key], places)


def data_used(notebook: NotebookNode) -> dict[str, dict[str, Any]]:
    """{data set: {"kind": "upstream", "sample" or "stand-in", "rows": n}}, as the loaders showed it."""
    used: dict[str, dict[str, Any]] = {}
    for _cell, output in _outputs(notebook):
        facts = output.get("metadata", {}).get("course", {}).get("data")
        if facts and used.get(facts["dataset"], {}).get("kind") != "stand-in":
            used[facts["dataset"]] = {"kind": facts["kind"], "rows": facts["rows"]}
    return used


def verdict(cell: NotebookNode) -> str | None:
    """The status that a check cell showed: "ok", "todo", ...; None where it showed no verdict."""
    for output in cell.outputs:
        if shown := output.get("metadata", {}).get("course", {}).get("verdict"):
            return shown["status"]
    return None


def _outputs(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, NotebookNode]]:
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            yield cell, output


def _text_places(output: NotebookNode) -> Iterator[tuple[Any, Any]]:
    """(holder, key) of each text in an output, pictures in base64 left out."""
    if "text" in output:
        yield output, "text"
    if output.output_type == "error":
        yield output, "evalue"
        yield from ((output.traceback, position) for position in range(len(output.traceback)))
    for kind in output.get("data", {}):
        if isinstance(output.data[kind], str) and (not kind.startswith("image/") or kind == "image/svg+xml"):
            yield output.data, kind


def _texts(output: NotebookNode) -> list[str]:
    return [holder[key] for holder, key in _text_places(output)]


def _depersonalised(text: str, places: Mapping[str, str]) -> str:
    for pattern, form in _FIXED_FORMS:
        text = pattern.sub(form, text)
    for place in sorted(places, key=len, reverse=True):
        start = "" if place.startswith("/") else r"(?<![\w-])"
        text = re.sub(rf"{start}{re.escape(place)}(?![\w-])", lambda _match, name=places[place]: name, text)
    return text


def _shorten(text: str) -> str:
    return textwrap.shorten(plain(text), 400, placeholder=" …")
