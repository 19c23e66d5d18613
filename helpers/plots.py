"""The picture at the head of every chapter. (The style of figures is `helpers/figures.mplstyle`.)"""

import html

from helpers.words import _


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
