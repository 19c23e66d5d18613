"""Pictures that many chapters draw: where in the pipeline we are, a task graph, what each worker did when.

The style of figures is `helpers/figures.mplstyle`.
"""

import html
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from itertools import pairwise
from statistics import fmean
from typing import Any

import matplotlib.pyplot as plt
from dask.base import collections_to_expr, is_dask_collection
from dask.core import get_dependencies
from dask.order import order
from dask.utils import key_split
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from helpers.words import _

MOST_TASKS = 60  # of a graph that can still be read
_HATCHES = {"transfer": "//////", "disk-read": "......", "disk-write": "xxxxxx"}
_BOX, _LINE = 34, 12  # pixels of height that a task takes, and an arrow that passes a column of tasks


class Picture:
    """An SVG that a notebook shows inline, with a sentence for readers who cannot see it."""

    def __init__(self, svg: str, description: str):
        self.svg, self.description = svg, description

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.svg, "text/plain": self.description}


def pipeline(stage: str) -> Picture:
    """The course's five stages as a row of boxes, with `stage` lit.

    `stage` is one of "framework", "preprocessing", "resources", "algorithm", "results". Colours follow the
    page's own text colour, so that the picture reads on light and on dark.
    """
    stages = {
        "framework": _("framework"),
        "preprocessing": _("preprocessing"),
        "resources": _("the cluster's|resources"),
        "algorithm": _("the algorithm,|distributed"),
        "results": _("collecting and|optimising results"),
    }
    if stage not in stages:
        raise ValueError(f"stage {stage!r} is none of {', '.join(stages)}")
    width, height, gap, top = 128, 50, 22, 18
    parts = []
    for position, (name, words) in enumerate(stages.items()):
        left = position * (width + gap) + 1
        lit = name == stage
        style = "fill='#0072B2' stroke='#0072B2'" if lit else "fill='none' stroke='currentColor' stroke-opacity='0.6'"
        parts.append(f"<rect x='{left}' y='{top}' width='{width}' height='{height}' rx='8' {style}/>")
        lines = words.split("|")
        for row, line in enumerate(lines):
            y = top + height / 2 + 4.5 + (row - (len(lines) - 1) / 2) * 15
            ink = "fill='white' font-weight='bold'" if lit else "fill='currentColor'"
            parts.append(f"<text x='{left + width / 2}' y='{y}' text-anchor='middle' {ink}>{html.escape(line)}</text>")
        if lit:
            here = html.escape(_("you are here"))
            parts.append(f"<text x='{left + width / 2}' y='12' text-anchor='middle' fill='currentColor'>{here}</text>")
        if position:
            y = top + height / 2
            parts.append(
                f"<path d='M{left - gap + 3} {y} H{left - 5} m-5 -4 l5 4 l-5 4' stroke='currentColor' fill='none'/>"
            )
    names = [words.replace("|", " ") for words in stages.values()]
    description = _("The course's pipeline: {stages}. This chapter's stage: {stage}.").format(
        stages=" → ".join(names), stage=stages[stage].replace("|", " ")
    )
    total = len(stages) * (width + gap) - gap + 2
    svg = (
        f"<svg viewBox='0 0 {total} {top + height + 2}' role='img' aria-label='{html.escape(description)}' "
        f"style='max-width:{total}px;width:100%' font-family='sans-serif' font-size='13'>{''.join(parts)}</svg>"
    )
    return Picture(svg, description)


def draw_graph(*collections: Any, optimize: bool = False, numbers: bool = False) -> Picture:
    """The task graph of Dask collections, or a plain graph `{key: task}`, from its inputs on the left to its results.

    A box is a task, with its name and below it which block it makes; an arrow is data that one task hands to another.
    Data that is in the graph itself has a dashed edge. `optimize=True` draws what `compute()` would run. `numbers=True`
    writes before each name its place in `dask.order`, the order in which Dask would like to run the tasks.

    Raises `TypeError` for what is neither a collection nor a graph, `ValueError` for more than 60 tasks.
    """
    graph = _graph_of(collections, optimize)
    needs = _without_aliases({key: get_dependencies(graph, key) for key in graph}, graph)
    if len(needs) > MOST_TASKS:
        raise ValueError(
            _("this graph has {n} tasks, and more than {most} cannot be read: draw one of fewer blocks").format(
                n=len(needs), most=MOST_TASKS
            )
        )
    columns, arrows = _columns(needs)
    places = order(graph) if numbers else {}
    rank = {key: place for place, key in enumerate(sorted(needs, key=lambda key: places.get(key, 0)))}
    width, across, gap = 118, 166, 10
    heights = [sum(_BOX if key in needs else _LINE for key in keys) + gap * (len(keys) - 1) for keys in columns]
    at = {}
    for column, keys in enumerate(columns):
        top = 1 + (max(heights) - heights[column]) / 2
        for key in keys:
            height = _BOX if key in needs else _LINE
            at[key] = (1 + column * across, top + height / 2)
            top += height + gap
    parts = []
    for stops in arrows:
        x, y = at[stops[0]][0] + width, at[stops[0]][1]
        path = f"M{x} {y}"
        for stop in stops[1:]:
            to_x, to_y = at[stop]
            bend = (to_x - x) / 2
            path += f" C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"
            if stop not in needs:
                to_x += width
                path += f" H{to_x}"
            x, y = to_x, to_y
        parts.append(f"<path d='{path} m-6 -4 l6 4 l-6 4' stroke='currentColor' stroke-opacity='0.5' fill='none'/>")
    colours = dict(zip(dict.fromkeys(map(key_split, needs)), _endless_colours(), strict=False))
    for key, (x, y) in ((key, at[key]) for key in needs):
        is_data = not needs[key] and _is_data(graph[key])
        edge = f"stroke='{colours[key_split(key)]}' stroke-width='2'" + " stroke-dasharray='5 3'" * is_data
        number = f"{rank[key]} · " if numbers else ""
        lines = [_short(number + key_split(key)), *_block(key)]
        words = "".join(
            f"<text x='{x + width / 2}' y='{y + 4 + (row - (len(lines) - 1) / 2) * 13}' "
            f"text-anchor='middle' fill='currentColor'>{html.escape(line)}</text>"
            for row, line in enumerate(lines)
        )
        box = f"<rect x='{x}' y='{y - _BOX / 2}' width='{width}' height='{_BOX}' rx='8' fill='none' {edge}/>"
        parts.append(f"<g><title>{html.escape(str(key))}</title>{box}{words}</g>")
    names = ", ".join(f"{count} {name}" for name, count in Counter(map(key_split, needs)).items())
    description = _("A graph of {n} tasks ({names}) in {columns} columns.").format(
        n=len(needs), names=names, columns=len(columns)
    )
    total, tall = (len(columns) - 1) * across + width + 2, max(heights) + 2
    return Picture(
        f"<svg viewBox='0 0 {total} {tall}' role='img' aria-label='{html.escape(description, quote=True)}' "
        f"style='max-width:{total}px;width:100%' font-family='sans-serif' font-size='11'>{''.join(parts)}</svg>",
        description,
    )


def draw_task_stream(records: Iterable[Mapping[str, Any]], title: str, ax: Axes | None = None) -> Axes:
    """Who did what when, from the records of a `dask.distributed.get_task_stream`: one row per thread of a worker.

    Time is in seconds from the first start. Each task name has a colour; data on its way is hatched.
    Raises `ValueError` where nothing was recorded.
    """
    records = [record for record in records if record["startstops"]]
    if not records:
        raise ValueError(_("the task stream is empty: nothing ran while it was recorded, or all was there already"))
    begin = min(span["start"] for record in records for span in record["startstops"])
    rows = sorted({(record["worker"], record["thread"]) for record in records})
    workers = list(dict.fromkeys(worker for worker, _thread in rows))
    names = list(dict.fromkeys(key_split(record["key"]) for record in sorted(records, key=_first_start)))
    colours = dict(zip(names, _endless_colours(), strict=False))
    if ax is None:
        ax = plt.subplots(figsize=(7, 1.2 + 0.45 * len(rows)))[1]
    moves = {
        "transfer": _("data from another worker"),
        "disk-read": _("data from disk"),
        "disk-write": _("data to disk"),
    }
    seen: dict[str, dict] = {}
    for record in records:
        row = rows.index((record["worker"], record["thread"]))
        for span in record["startstops"]:
            look = {"facecolor": colours[key_split(record["key"])], "edgecolor": "white", "zorder": 2}
            if action := moves.get(span["action"]):
                look = seen[action] = {
                    "facecolor": "white",
                    "edgecolor": "black",
                    "hatch": _HATCHES[span["action"]],
                    "zorder": 1.5,  # a worker computes while data travels
                }
            bar = [(span["start"] - begin, span["stop"] - span["start"])]
            ax.broken_barh(bar, (row - 0.4, 0.8), linewidth=0.4, **look)
    threads = Counter(worker for worker, _thread in rows)
    labels = []
    for worker, thread in rows:
        label = _("worker {n}").format(n=workers.index(worker))
        if threads[worker] > 1:
            label += _(", thread {n}").format(n=[row for row in rows if row[0] == worker].index((worker, thread)))
        labels.append(label)
    ax.set_yticks(range(len(rows)), labels)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel=_("seconds since the first task began"), title=title)
    patches = [Patch(color=colours[name], label=_short(name, 24)) for name in names]
    patches += [Patch(label=action, **look) for action, look in seen.items()]
    ax.legend(handles=patches, loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    return ax


def _graph_of(collections: tuple, optimize: bool) -> dict[Hashable, Any]:
    if len(collections) == 1 and isinstance(collections[0], Mapping):
        return dict(collections[0])
    for collection in collections:
        if not is_dask_collection(collection):
            raise TypeError(
                _("draw_graph draws Dask collections or one graph {{key: task}}, not a {kind}").format(
                    kind=type(collection).__name__
                )
            )
    if optimize:
        ready = [each.optimize() if hasattr(type(each), "optimize") else each for each in collections]
        return dict(collections_to_expr(ready, optimize_graph=True).optimize().__dask_graph__())
    graph: dict[Hashable, Any] = {}
    for collection in collections:
        graph |= dict(collection.__dask_graph__())
    return graph


def _without_aliases(needs: dict[Hashable, set], graph: Mapping[Hashable, Any]) -> dict[Hashable, list]:
    """`needs` without the keys that only give another key a second name; each list in the graph's own order."""
    same = {key: next(iter(inputs)) for key, inputs in needs.items() if type(graph[key]).__name__ == "Alias"}

    def target(key: Hashable) -> Hashable:
        while key in same:
            key = same[key]
        return key

    position = {key: place for place, key in enumerate(needs)}
    return {
        key: sorted({target(needed) for needed in inputs}, key=position.get)
        for key, inputs in needs.items()
        if key not in same
    }


def _columns(needs: Mapping[Hashable, list]) -> tuple[list[list], list[list]]:
    """The keys in columns, each right of all that it needs and near them in height; and for each arrow its stops.

    An arrow that passes a column has a stop of its own in it, so that it crosses no box. The order in a column is found
    by the barycentre heuristic of Sugiyama, Tagawa and Toda, 1981, https://doi.org/10.1109/TSMC.1981.4308636.
    """
    users: dict[Hashable, list] = {key: [] for key in needs}
    column: dict[Hashable, int] = {}
    for key in _inputs_first(needs):
        column[key] = max((column[needed] + 1 for needed in needs[key]), default=0)
        for needed in needs[key]:
            users[needed].append(key)
    for key, inputs in needs.items():  # an input that is needed late stands beside who needs it
        if not inputs and users[key]:
            column[key] = min(column[user] for user in users[key]) - 1
    columns: list[list] = [[] for _column in range(max(column.values(), default=-1) + 1)]
    for key in sorted(needs, key=_natural):
        columns[column[key]].append(key)
    arrows, before, after = [], {}, {}
    for key, inputs in needs.items():
        for needed in inputs:
            passing = [("passes", needed, key, between) for between in range(column[needed] + 1, column[key])]
            for stop in passing:
                columns[stop[-1]].append(stop)
            arrows.append([needed, *passing, key])
            for left, right in pairwise(arrows[-1]):
                after.setdefault(left, []).append(right)
                before.setdefault(right, []).append(left)
    for _sweep in range(4):
        for neighbours, one_after_the_other in ((before, columns), (after, columns[::-1])):
            height = {key: row - len(keys) / 2 for keys in columns for row, key in enumerate(keys)}
            for keys in one_after_the_other:
                keys.sort(key=lambda key: fmean(height[other] for other in neighbours.get(key, [key])))
                height |= {key: row - len(keys) / 2 for row, key in enumerate(keys)}
    return columns, arrows


def _natural(key: Hashable) -> tuple:
    """Sorts keys by the name and then the block that they make."""
    return key_split(key), [str(part).zfill(9) for part in key[1:]] if isinstance(key, tuple) else []


def _inputs_first(needs: Mapping[Hashable, list]) -> list:
    """The keys, each after all that it needs."""
    done: dict[Hashable, None] = {}
    stack = list(reversed(needs))
    while stack:
        key = stack[-1]
        missing = [needed for needed in needs[key] if needed not in done]
        if missing:
            stack += missing
        else:
            done[stack.pop()] = None
    return list(done)


def _is_data(task: Any) -> bool:
    return type(task).__name__ == "DataNode" or not (isinstance(task, tuple | list) or callable(task))


def _block(key: Hashable) -> list[str]:
    """Which block a task makes, as its key says: `["(0, 1)"]` of `("sum", 0, 1)`, `["3"]` of "read-3", or nothing."""
    if isinstance(key, tuple):
        return [str(key[1:]).replace(",)", ")")] if len(key) > 1 else []
    last = str(key).rpartition("-")[2]
    return [last] if last.isdecimal() and last not in key_split(key) else []


def _short(text: str, most: int = 16) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _endless_colours() -> Iterable[str]:
    """The palette of the figures, again and again."""
    while True:
        yield from ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999")


def _first_start(record: Mapping[str, Any]) -> float:
    return min(span["start"] for span in record["startstops"])
