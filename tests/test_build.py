"""Building a chapter: from a source to the learner's and the solved edition. See `tests/fixtures/toy`."""

import ast
import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from helpers.course.build import build, edition, read_built, stale, text_of
from helpers.course.fingerprint import helpers_code
from helpers.course.outputs import big_figures, depersonalise, noise, traces
from helpers.course.source import SourceError, find_chapters, read_chapter

TOY = Path(__file__).parent / "fixtures" / "toy"


def points(chapter: str) -> dict[str, float]:
    return {"5.1": 2}


@pytest.fixture
def toy(tmp_path) -> Path:
    """A course of one chapter, not built yet."""
    return Path(shutil.copytree(TOY, tmp_path / "toy"))


@pytest.fixture(scope="module")
def built_once(tmp_path_factory) -> Path:
    root = Path(shutil.copytree(TOY, tmp_path_factory.mktemp("built") / "toy"))
    assert build(root, points_of=points) == 0
    return root


@pytest.fixture
def built(built_once, tmp_path) -> Path:
    """The same course, built."""
    return Path(shutil.copytree(built_once, tmp_path / "built"))


def source(root: Path) -> Path:
    return root / "solutions" / "05_toy.py"


def solved(root: Path) -> Path:
    return root / "solutions" / "05_toy.ipynb"


def learner(root: Path) -> Path:
    return root / "notebooks" / "05_toy.ipynb"


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def cell_with(notebook, text):
    return next(cell for cell in notebook.cells if text in cell.source)


# The source


def faults(toy: Path) -> str:
    with pytest.raises(SourceError) as caught:
        read_chapter(source(toy), points)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("    ### END SOLUTION\n", "", "### BEGIN SOLUTION without its ### END SOLUTION"),
        ("    ### BEGIN SOLUTION\n", "", "### END SOLUTION without its ### BEGIN SOLUTION"),
        ('exercise="5.1"', 'exercise="5.7"', "ch05 knows no exercise 5.7; it has: 5.1"),
        ('# %% check="5.1"\ncheck("5.1")\n', "", "exercise 5.1 has no check cell"),
        ('check("5.1")', "pass", 'does not call check("5.1")'),
        ("sum([1, 2, 3]) / 3", "!pip install dask", "not plain Python"),
        ("sum([1, 2, 3]) / 3", "%time 1", "not plain Python"),
        ("sum([1, 2, 3]) / 3", 'open("/home/ada/data.csv")', "absolute path '/home/ada/data.csv'"),
        ("tiny: 10", "tiny: ten", "tiny: ten is not a plain value"),
        ("n_rows = 1_000  #", "#", "`tiny:` stands beside no assignment"),
    ],
)
def test_a_fault_in_a_source_is_told_with_its_place(toy, old, new, fault):
    replace(source(toy), old, new)
    told = faults(toy)
    assert fault in told
    line = int(told.partition("solutions/05_toy.py:")[2].partition(":")[0])
    assert 1 <= line <= len(source(toy).read_text().splitlines())


def test_a_fault_is_told_on_its_line(toy):
    replace(source(toy), "sum([1, 2, 3]) / 3", '1\n"/home/ada/data.csv"')
    line = source(toy).read_text().splitlines().index('"/home/ada/data.csv"') + 1
    assert f"solutions/05_toy.py:{line}: absolute path" in faults(toy)


def test_a_check_comes_after_its_exercise(toy):
    text = source(toy).read_text()
    cell = '# %% check="5.1"\ncheck("5.1")\n'
    source(toy).write_text(cell + text.replace(cell, ""))
    assert "solutions/05_toy.py:1: check 5.1 comes before exercise 5.1" in faults(toy)


def test_a_name_belongs_to_one_exercise(toy):
    with source(toy).open("a") as file:
        file.write(
            '\n\n# %% exercise="5.2"\ndef mean(values):\n    ### BEGIN SOLUTION\n    return 0\n    ### END SOLUTION\n'
            '\n\n# %% check="5.2"\ncheck("5.2")\n'
        )
    with pytest.raises(SourceError, match=r"exercises 5\.1 and 5\.2 both define mean"):
        read_chapter(source(toy), lambda _chapter: {"5.1": 2, "5.2": 2})


def test_an_exercise_that_no_cell_asks_is_told(toy):
    with pytest.raises(SourceError, match=r"ch05 has exercise 5\.9, but no cell asks it"):
        read_chapter(source(toy), lambda _chapter: {"5.1": 2, "5.9": 2})


def test_an_unknown_chapter_is_told_with_those_that_exist(toy):
    with pytest.raises(SourceError, match="no chapter 99; there are: 05"):
        find_chapters(toy, ["5", "99"])


def test_scales_stand_beside_the_sizes(toy):
    assert read_chapter(source(toy), points).scales == {"tiny": {"n_rows": 10}, "full": {"n_rows": 100_000}}


# The learner's edition


def test_a_learner_gets_the_stub_and_not_the_solution(toy):
    notebook = edition(read_chapter(source(toy), points), "learner")
    nbformat.validate(notebook)
    assert "sum(values)" not in text_of(notebook)
    stub = cell_with(notebook, "def mean")
    assert stub.source.endswith('    """Mean of `values`."""\n    raise Unsolved("5.1")')
    assert stub.metadata.course == {"exercise": "5.1"}
    assert stub.metadata.nbgrader == {
        "grade": False,
        "grade_id": "ex-05-1",
        "locked": False,
        "schema_version": 3,
        "solution": True,
        "task": False,
    }
    judged = next(cell for cell in notebook.cells if cell.metadata.get("course") == {"check": "5.1"})
    assert judged.metadata.nbgrader.grade_id == "check-05-1"
    assert (judged.metadata.nbgrader.points, judged.metadata.nbgrader.locked) == (2, True)
    assert cell_with(notebook, "n_rows = ").metadata.course.scales.tiny == {"n_rows": 10}


def test_both_editions_name_their_cells_alike(toy):
    chapter = read_chapter(source(toy), points)
    ids = [[cell.id for cell in edition(chapter, name).cells] for name in ("learner", "solved")]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0])


def test_a_build_is_the_same_in_every_process(toy):
    program = (
        "import sys; from pathlib import Path; from helpers.course.build import *; "
        "chapter = read_chapter(Path(sys.argv[1]), lambda number: {'5.1': 2}); "
        "print(text_of(edition(chapter, 'learner')), inputs(chapter, Path(sys.argv[2]), 'laptop'))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program, str(source(toy)), str(toy)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


def test_a_picture_travels_inside_the_notebook(toy):
    add_picture(toy, b"a picture")
    notebook = edition(read_chapter(source(toy), points), "learner")
    nbformat.validate(notebook)
    cell = cell_with(notebook, "![A picture](attachment:toy.png)")
    assert base64.b64decode(cell.attachments["toy.png"]["image/png"]) == b"a picture"


def test_a_picture_that_is_missing_or_large_is_a_fault(toy):
    add_picture(toy, b"0" * 60_000)
    assert "pictures/toy.png has 60 kB; a picture stays under 60 kB" in faults(toy)
    (toy / "solutions" / "pictures" / "toy.png").unlink()
    assert "solutions/pictures/toy.png does not exist" in faults(toy)


def test_a_picture_that_changes_changes_both_editions(built):
    add_picture(built, b"before")
    build(built, points_of=points)
    before = solved(built).read_bytes(), learner(built).read_bytes()
    (built / "solutions" / "pictures" / "toy.png").write_bytes(b"after")
    build(built, points_of=points)
    assert solved(built).read_bytes() != before[0] and learner(built).read_bytes() != before[1]


def add_picture(root: Path, content: bytes) -> None:
    (root / "solutions" / "pictures").mkdir()
    (root / "solutions" / "pictures" / "toy.png").write_bytes(content)
    with source(root).open("a") as file:
        file.write("\n# %% [markdown]\n# ![A picture](pictures/toy.png)\n")


# The solved edition


def test_the_solved_edition_is_executed_and_says_on_what(built):
    notebook = read_built(solved(built))
    nbformat.validate(notebook)
    assert cell_with(notebook, "def mean").source.endswith("return sum(values) / len(values)")
    assert cell_with(notebook, "sum([1, 2, 3])").outputs[0].data == {"text/plain": "2.0"}
    assert notebook.metadata.course.data == {"toy": {"kind": "upstream", "rows": 1000}}
    assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == list(range(1, 8))
    assert "papermill" not in solved(built).read_text()


def test_a_second_build_changes_nothing(built, capsys):
    before = solved(built).read_bytes(), learner(built).read_bytes()
    assert build(built, points_of=points) == 0
    assert "up to date" in capsys.readouterr().out
    assert before == (solved(built).read_bytes(), learner(built).read_bytes())


def test_new_prose_keeps_the_outputs(built, capsys):
    replace(source(built), "As small as a chapter can be.", "Another first sentence.")
    assert build(built, points_of=points) == 0
    assert "outputs carried over" in capsys.readouterr().out
    notebook = read_built(solved(built))
    assert cell_with(notebook, "Another first sentence.")
    assert cell_with(notebook, "sum([1, 2, 3])").outputs


@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("solutions/05_toy.py", "sum([1, 2, 3]) / 3", "sum([1, 2, 3]) / 2", "code changed"),
        ("helpers/checks/ch05.py", '"5.1": 2', '"5.1": 3', "helpers changed"),
        ("helpers/figures.mplstyle", "True", "False", "helpers changed"),
        ("requirements.txt", "nothing", "little", "lock changed"),
    ],
)
def test_what_an_output_depends_on_makes_it_stale(built, file, old, new, reason):
    replace(built / file, old, new)
    chapter = read_chapter(source(built), points)
    assert stale(read_built(solved(built)), chapter, built, "laptop") == [reason]


def test_comments_and_layout_of_helpers_do_not_count(built):
    module = built / "helpers" / "checks" / "ch05.py"
    module.write_text(module.read_text().replace("POINTS", "# a comment\n\n\nPOINTS"))
    chapter = read_chapter(source(built), points)
    assert stale(read_built(solved(built)), chapter, built, "laptop") == []
    assert stale(read_built(solved(built)), chapter, built, "tiny") == ["scale changed"]


def test_helpers_are_followed_through_their_imports(tmp_path):
    package = tmp_path / "helpers" / "ml"
    package.mkdir(parents=True)
    (tmp_path / "helpers" / "__init__.py").touch()
    (package / "__init__.py").write_text("from .linear import Regression\n")
    (package / "linear.py").write_text("import numpy\n\ndef fit():\n    from helpers import blocks\n")
    (tmp_path / "helpers" / "blocks.py").write_text("SIZE = 3\n")
    (tmp_path / "helpers" / "plots.py").write_text("unrelated = True\n")
    found = helpers_code([ast.parse("from helpers.ml import Regression")], [], tmp_path)
    assert sorted(found) == ["helpers", "helpers.blocks", "helpers.ml", "helpers.ml.linear"]


def test_a_notebook_edited_by_hand_stops_the_build(built, capsys):
    notebook = read_built(learner(built))
    cell_with(notebook, "def mean").source += "  # my answer"
    nbformat.write(notebook, learner(built))
    replace(source(built), "As small as", "Smaller than")
    before = learner(built).read_bytes(), solved(built).read_bytes()
    with pytest.raises(SourceError, match=r"notebooks/05_toy\.ipynb was edited by hand(.|\n)*--force"):
        build(built, points_of=points)
    assert before == (learner(built).read_bytes(), solved(built).read_bytes())


def test_stand_in_data_does_not_replace_real_data(built, monkeypatch, capsys):
    before = solved(built).read_bytes()
    replace(source(built), "sum([1, 2, 3]) / 3", "4")
    monkeypatch.setenv("TOY_KIND", "stand-in")
    assert build(built, points_of=points) == 1
    assert "would replace an edition made on real data" in capsys.readouterr().err
    assert solved(built).read_bytes() == before


def test_a_warning_stops_the_build_unless_the_prose_explains_it(toy, capsys):
    replace(source(toy), "sum([1, 2, 3]) / 3", 'import warnings\nwarnings.warn("slow", UserWarning)')
    assert build(toy, points_of=points) == 1
    told = capsys.readouterr().err
    assert "writes to stderr" in told
    assert 'warnings.warn("slow", UserWarning)' in told
    assert not solved(toy).exists()
    replace(source(toy), '"nbval-check-output"', '"shows-warning"')
    assert build(toy, points_of=points) == 0
    stored = cell_with(read_built(solved(toy)), "warnings.warn").outputs[0].text
    assert stored.startswith("notebook-cell.py:2: UserWarning: slow")


# Outputs


def shown(**output):
    """A notebook of one cell with one output."""
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output(**output)])
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("saved to /home/ada/course/out.csv", "saved to course-folder/out.csv"),
        ("<Client: 'tcp://127.0.0.1:41233' processes=2>", "<Client: 'tcp://127.0.0.1:PORT' processes=2>"),
        ("http://localhost:8787/status", "http://127.0.0.1:PORT/status"),
        ("<a href='/proxy/8787/status'>", "<a href='/proxy/PORT/status'>"),
        ("/tmp/ipykernel_123/456.py:1: note", "notebook-cell.py:1: note"),
    ],
)
def test_a_built_notebook_tells_nothing_of_its_builder(text, fixed):
    notebook = shown(output_type="stream", name="stdout", text=text)
    assert list(traces(notebook)) or "ipykernel" in text
    depersonalise(notebook, {"/home/ada/course": "course-folder"})
    assert notebook.cells[0].outputs[0].text == fixed
    assert not list(traces(notebook))


def test_what_is_no_path_is_left_alone():
    text = "5 km/h, 1/2, </div>, https://docs.dask.org/en/stable/home/page.html, numpy 2.4.6, ~/work"
    notebook = shown(output_type="display_data", data={"text/html": text})
    depersonalise(notebook, {})
    assert notebook.cells[0].outputs[0].data["text/html"] == text
    assert not list(traces(notebook))


def test_figures_stay_small():
    picture = "iVBO" * 20_001  # base64 of 60,003 bytes
    notebook = shown(output_type="display_data", data={"image/png": picture})
    assert [(found.cell, "60 kB" in found.error) for found in big_figures(notebook)] == [(1, True)]
    notebook.cells[0].outputs[0].data["image/png"] = picture[:-8]
    assert not list(big_figures(notebook))


def test_a_warning_is_noise_wherever_it_shows():
    html = "<pre>FutureWarning: this will change</pre>"
    notebook = shown(output_type="display_data", data={"text/html": html})
    assert "FutureWarning" in next(noise(notebook)).error
    notebook.cells[0].metadata.tags = ["shows-warning"]
    assert not list(noise(notebook))
