"""The learner's `work/`: chapters are copied once, never overwritten, and newer editions arrive beside them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
import requests
from jupyter_server.serverapp import list_running_servers

from helpers.course import lab


def edition(path: Path, built: str, code: str = "1 + 1") -> None:
    """Write a notebook at `path` as `make build` leaves it; `built` is the hash of its cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata.course = {"chapter": path.stem, "edition": "learner", "source": "0" * 64, "built": built}
    nbformat.write(notebook, path)


FIRST, SECOND, THIRD = "1" * 64, "2" * 64, "3" * 64


@pytest.fixture
def notebooks(tmp_path) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    edition(folder / "00_start_here.ipynb", FIRST)
    edition(folder / "05_linear_regression.ipynb", FIRST)
    return folder


@pytest.fixture
def work(tmp_path) -> Path:
    return tmp_path / "work"


def names(files: list[Path]) -> list[str]:
    return [file.name for file in files]


def test_every_chapter_is_copied_on_first_opening(notebooks, work):
    assert names(lab.prepare(notebooks, work)) == ["00_start_here.ipynb", "05_linear_regression.ipynb"]
    assert (work / "00_start_here.ipynb").read_bytes() == (notebooks / "00_start_here.ipynb").read_bytes()


def test_a_copy_of_a_write_protected_chapter_can_be_written(notebooks, work):
    (notebooks / "00_start_here.ipynb").chmod(0o444)
    lab.prepare(notebooks, work)
    assert (work / "00_start_here.ipynb").stat().st_mode & 0o200


def test_a_chapter_that_the_learner_has_worked_on_stays(notebooks, work):
    lab.prepare(notebooks, work)
    edition(work / "05_linear_regression.ipynb", FIRST, code="my_answer = 42")
    assert lab.prepare(notebooks, work) == []
    assert "my_answer" in (work / "05_linear_regression.ipynb").read_text()


def test_a_newer_edition_arrives_beside_the_learners_copy(notebooks, work):
    lab.prepare(notebooks, work)
    edition(work / "05_linear_regression.ipynb", FIRST, code="my_answer = 42")
    edition(notebooks / "05_linear_regression.ipynb", SECOND)
    assert names(lab.prepare(notebooks, work)) == ["05_linear_regression.new-22222222.ipynb"]
    assert "my_answer" in (work / "05_linear_regression.ipynb").read_text()


def test_a_newer_edition_arrives_once_whatever_the_learner_does_with_it(notebooks, work):
    lab.prepare(notebooks, work)
    edition(notebooks / "05_linear_regression.ipynb", SECOND)
    [arrived] = lab.prepare(notebooks, work)

    edition(arrived, SECOND, code="worked_here = True")
    assert lab.prepare(notebooks, work) == []
    assert "worked_here" in arrived.read_text()

    arrived.unlink()
    assert lab.prepare(notebooks, work) == []

    edition(notebooks / "05_linear_regression.ipynb", THIRD)
    assert names(lab.prepare(notebooks, work)) == ["05_linear_regression.new-33333333.ipynb"]


def test_a_newer_edition_that_took_the_old_ones_place_is_the_learners_copy(notebooks, work):
    lab.prepare(notebooks, work)
    edition(notebooks / "05_linear_regression.ipynb", SECOND)
    [arrived] = lab.prepare(notebooks, work)
    arrived.replace(work / "05_linear_regression.ipynb")
    assert lab.prepare(notebooks, work) == []


def test_a_chapter_that_the_learner_deleted_to_start_over_is_copied_again(notebooks, work):
    lab.prepare(notebooks, work)
    (work / "05_linear_regression.ipynb").unlink()
    assert names(lab.prepare(notebooks, work)) == ["05_linear_regression.ipynb"]


def test_a_damaged_copy_is_left_alone_and_a_sound_one_arrives_beside_it(notebooks, work):
    lab.prepare(notebooks, work)
    (work / "05_linear_regression.ipynb").write_text('{"cells": [')
    assert names(lab.prepare(notebooks, work)) == ["05_linear_regression.new-11111111.ipynb"]
    assert (work / "05_linear_regression.ipynb").read_text() == '{"cells": ['


def test_an_interrupted_copy_leaves_no_half_written_chapter(notebooks, work, monkeypatch):
    def full_disk(self, data):
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full_disk)
        with pytest.raises(OSError, match="No space left"):
            lab.prepare(notebooks, work)
    assert list(work.glob("*.ipynb")) == []
    assert len(lab.prepare(notebooks, work)) == 2


def test_without_notebooks_the_error_names_the_remedy(work, tmp_path):
    with pytest.raises(SystemExit, match="make build"):
        lab.prepare(tmp_path, work)


def test_a_notebook_that_make_build_did_not_write_is_refused(notebooks, work):
    nbformat.write(nbformat.v4.new_notebook(), notebooks / "06_kmeans.ipynb")
    with pytest.raises(SystemExit, match="06_kmeans.ipynb names no edition: run make build"):
        lab.prepare(notebooks, work)


@pytest.fixture
def jupyterlab(notebooks, work, monkeypatch) -> list[list[str]]:
    """The command lines with which `lab.main` became JupyterLab."""
    started = []
    monkeypatch.setattr(lab, "NOTEBOOKS", notebooks)
    monkeypatch.setattr(lab, "WORK", work)
    monkeypatch.setattr(os, "execv", lambda program, arguments: started.append(arguments))
    return started


def test_the_first_opening_shows_the_first_chapter_and_later_ones_what_was_open(jupyterlab, capsys):
    lab.main([])
    assert "--LabApp.default_url=/lab/tree/00_start_here.ipynb" in jupyterlab[0]
    assert "Your own copy of the course is in" in capsys.readouterr().out
    lab.main([])
    assert not any("default_url" in argument for argument in jupyterlab[1])
    assert capsys.readouterr().out == ""


def test_the_learner_is_told_what_arrived(jupyterlab, notebooks, capsys):
    lab.main([])
    edition(notebooks / "05_linear_regression.ipynb", SECOND)
    edition(notebooks / "06_kmeans.ipynb", FIRST)
    capsys.readouterr()
    lab.main([])
    assert capsys.readouterr().out.splitlines() == [
        "A newer edition of 05_linear_regression is here: 05_linear_regression.new-22222222.ipynb. "
        "Your own copy is as you left it.",
        "A new chapter is here: 06_kmeans.ipynb.",
    ]


def test_jupyterlab_serves_the_learners_copy_and_takes_further_options(notebooks, work, tmp_path):
    start = (
        f"from pathlib import Path; from helpers.course import lab; lab.NOTEBOOKS = Path({str(notebooks)!r}); "
        f"lab.WORK = Path({str(work)!r}); lab.main({['--no-browser', '--allow-root', '--port=0']})"
    )
    environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-c", start], env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not (servers := list(list_running_servers(str(tmp_path)))):
            assert process.poll() is None and time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
        [server] = servers
        token = {"Authorization": f"token {server['token']}"}
        listing = requests.get(server["url"] + "api/contents", headers=token, timeout=30).json()
        assert {entry["name"] for entry in listing["content"]} == set(names(list(notebooks.iterdir())))
        page = requests.get(server["url"], headers=token, timeout=30, allow_redirects=False)
        assert page.headers["Location"].startswith("/lab/tree/00_start_here.ipynb")
    finally:
        process.terminate()
        process.wait(timeout=30)
