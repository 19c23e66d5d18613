"""The README is true: its map shows every chapter as it is, its commands and its files exist."""

import re
from pathlib import Path

import pytest

from helpers.course.source import find_chapters, read_chapter
from tests.conftest import ROOT

CODE = r"```.*?```|`[^`]+`"
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", find_chapters(), ids=lambda path: path.stem)
def test_the_map_shows_the_chapter(path):
    chapter = read_chapter(path)
    (row,) = re.findall(rf"^\| \[.*\]\(solutions/{path.stem}\.ipynb\) \|.*$", README, re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[-2:] == [str(len(chapter.points)), f"{sum(chapter.points.values()):g}"]
    title = next(line for line in chapter.cells[0].source.splitlines() if line.startswith("# "))
    assert title.removeprefix("# ").replace(" ·", "") in cells[0]


@pytest.mark.parametrize(
    "document", ["README.md", *sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("docs/*.md"))]
)
def test_links_lead_somewhere(document):
    text = re.sub(CODE, "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", text):
        assert (ROOT / document).parent.joinpath(target).exists(), target


def test_commands_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in [ROOT / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")]:
        named = set(re.findall(r"\bmake ([a-z]+)\b(?! sure)", "\n".join(code_of(document))))
        assert named <= targets, document


def code_of(document: Path) -> list[str]:
    text = document.read_text(encoding="utf-8")
    return re.findall(CODE, text, re.DOTALL)


def test_pictures_have_words():
    pictures = re.findall(r"!\[([^]]*)\]\(([^)]+)\)", README)
    assert len(pictures) >= 3
    assert all(len(words) > 20 for words, _file in pictures)
