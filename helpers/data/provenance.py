"""Which data a reader is looking at: `Provenance`, and how a notebook shows it.

The display carries the same facts as metadata, `{"course": {"data": {...}}}`: whoever executes a notebook reads
there which data it ran on.
"""

from dataclasses import dataclass, replace
from html import escape
from typing import Any, Literal, Self, TypeVar

from helpers.words import _

Result = TypeVar("Result")

# Colours are the page's own, so that the box reads in a light and in a dark theme; what is not the whole of
# the real data has a thick edge, and says so in words.
BOX = (
    '<div role="note" style="border: 1px solid currentColor; border-left-width: {edge}px; border-radius: 3px; '
    'padding: 0.3em 0.8em; margin: 0.3em 0; max-width: 60em"><strong>{heading}</strong><br>{detail}<br>'
    "<small>{terms}</small></div>"
)


@dataclass(frozen=True)
class Provenance:
    """What a loader returned. Each loader has one that describes upstream's data, and derives from it.

    `rows` counts `unit` ("trips", "images"); `source` is upstream's page; `detail` says where this copy is from.
    """

    dataset: str
    kind: Literal["upstream", "sample", "generated", "stand-in"]
    rows: int
    unit: str
    source: str
    licence: str
    citation: str
    detail: str = ""
    drawn_from: str = ""  # of generated rows: from how many real ones they were drawn

    def found(self, rows: int, detail: str) -> Self:
        """Real data of `rows` rows: a sample where that is fewer than upstream's own."""
        kind = "upstream" if rows >= self.rows else "sample"
        return replace(self, kind=kind, rows=rows, detail=detail)

    def stand_in(self, rows: int, detail: str) -> Self:
        """Made-up or borrowed data of `rows` rows; `detail` says what it is and why."""
        return replace(self, kind="stand-in", rows=rows, detail=detail)

    def generated(self, rows: int, detail: str) -> Self:
        """`rows` rows drawn from these; `detail` is added and says how. Drawn from a stand-in they stay one."""
        detail = f"{self.detail} {detail}".strip()
        if self.kind == "stand-in":
            return replace(self, rows=rows, detail=detail)
        there = _("a sample of {rows:,}") if self.kind == "sample" else "{rows:,}"
        return replace(self, kind="generated", rows=rows, detail=detail, drawn_from=there.format(rows=self.rows))

    @property
    def label(self) -> str:
        """For the title of a figure: empty for the whole of the real data."""
        if self.kind == "stand-in":
            return _("stand-in data, not {dataset}").format(dataset=self.dataset)
        if self.kind == "sample":
            return _("sample of {rows:,} {unit}").format(rows=self.rows, unit=self.unit)
        if self.kind == "generated":
            sentence = _("{rows:,} {unit} generated from {there}")
            return sentence.format(rows=self.rows, unit=self.unit, there=self.drawn_from)
        return ""

    def title(self, text: str) -> str:
        """`text` as the title of a figure made from this data, with `label` where there is one."""
        return f"{text} · {self.label}" if self.label else text

    def _heading(self) -> str:
        sentence = {
            "upstream": _("{dataset}: {rows:,} {unit}, the real data"),
            "sample": _("{dataset}: a sample of {rows:,} {unit} from the real data"),
            "generated": _("{dataset}: {rows:,} {unit}, generated from {there} real ones"),
            "stand-in": _("Stand-in data, not {dataset}: {rows:,} rows"),
        }[self.kind]
        return sentence.format(dataset=self.dataset, rows=self.rows, unit=self.unit, there=self.drawn_from)

    def _terms(self) -> str:
        sentence = _("Source of the real data: {source} · Licence: {licence} · Cite: {citation}")
        return sentence.format(source=self.source, licence=self.licence, citation=self.citation)

    def __str__(self) -> str:
        return f"{self._heading()}\n{self.detail}\n{self._terms()}"

    def _repr_mimebundle_(self, **_kwargs: Any) -> tuple[dict[str, str], dict[str, Any]]:
        edge = 1 if self.kind == "upstream" else 6
        html = BOX.format(
            edge=edge,
            heading=escape(self._heading()),
            detail=escape(self.detail),
            terms=escape(self._terms()),
        )
        facts = {"dataset": self.dataset, "kind": self.kind, "rows": self.rows}
        return {"text/plain": str(self), "text/html": html}, {"course": {"data": facts}}


def show(result: Result) -> Result:
    """Display `result.provenance`, in a notebook as a box and elsewhere as text, and hand `result` back."""
    from IPython.display import display

    display(result.provenance)
    return result
