"""Open JupyterLab on `work/`, the learner's own copy of the course, which is never overwritten."""

import json
import os
import sys
from pathlib import Path

from helpers.words import _

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
WORK = ROOT / "work"


def main(argv: list[str]) -> None:
    """Bring `work/` up to date and become JupyterLab; `argv` goes to JupyterLab."""
    first_time = not any(WORK.glob("*.ipynb"))
    arrived = prepare(NOTEBOOKS, WORK)
    if first_time:
        print(_("Your own copy of the course is in {folder}.").format(folder=WORK))
    else:
        announce(arrived)
    # Later on JupyterLab itself restores what the learner had open.
    start = [f"--LabApp.default_url=/lab/tree/{arrived[0].name}"] if first_time else []
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={WORK}", *start, *argv])


def prepare(notebooks: Path = NOTEBOOKS, work: Path = WORK) -> list[Path]:
    """Copy to `work` what it lacks of the chapters in `notebooks`; returns the new files, in chapter order.

    A chapter that is not in `work` is copied. One that came from another edition stays as it is, and the newer
    edition is laid beside it as `NAME.new-HASH.ipynb`, once: deleted, it does not come back.
    """
    chapters = sorted(notebooks.glob("*.ipynb"))
    if not chapters:
        raise SystemExit(_("There are no notebooks in {folder}: run make build.").format(folder=notebooks))
    work.mkdir(exist_ok=True)
    record = work / ".arrived"
    arrived = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    new = []
    for chapter in chapters:
        target = work / chapter.name
        edition = edition_of(chapter)
        if edition is None:
            raise SystemExit(_("{chapter} names no edition: run make build.").format(chapter=chapter))
        if target.exists() and edition_of(target) != edition:
            target = work / f"{chapter.stem}.new-{edition[:8]}.ipynb"
        if target.exists() or target.name in arrived:
            continue
        copy(chapter, target)
        new.append(target)
        if target.name != chapter.name:
            with record.open("a", encoding="utf-8") as file:
                file.write(target.name + "\n")
    return new


def edition_of(notebook: Path) -> str | None:
    """Hash of the edition that `notebook` was built as, or None where it doesn't say, for example as it is damaged."""
    try:
        return json.loads(notebook.read_text(encoding="utf-8"))["metadata"]["course"]["built"]
    except (ValueError, LookupError, TypeError):
        return None


def copy(source: Path, target: Path) -> None:
    """Copy the contents only, so that the copy of a write-protected file can be written, and at one stroke."""
    partial = target.with_name(f".{target.name}.part")
    partial.write_bytes(source.read_bytes())
    os.replace(partial, target)


def announce(arrived: list[Path]) -> None:
    """Tell the learner what is new in `work/`."""
    for file in arrived:
        chapter, _new, edition = file.stem.partition(".new-")
        if edition:
            message = _("A newer edition of {chapter} is here: {file}. Your own copy is as you left it.")
        else:
            message = _("A new chapter is here: {file}.")
        print(message.format(chapter=chapter, file=file.name))
