"""Begin a chapter: its source, its checks and its wrong answers, which build and pass as they are."""

from pathlib import Path

from helpers.course.source import ROOT, SourceError
from helpers.judging import chapter_of

SOURCE = '''\
# %% [markdown]
# # {number} · {title}
#
# **After this chapter you can**
#
# - ...
#
# **Time** 60 minutes of reading and exercises, two minutes of computing. **Needs** ... **Data** ...

# %% tags=["parameters"]
n_rows = 10_000  # rows; tiny: 100; full: 1_000_000

# %%
import matplotlib.pyplot as plt
import numpy as np

from helpers.cluster import start_cluster
from helpers.exercise import Unsolved, check, hint, progress, reset, solution
from helpers.plots import pipeline

plt.style.use("helpers.figures")
pipeline("algorithm")

# %%
client = start_cluster()
client

# %% [markdown]
# ## 1 ...
#
# ### Exercise {id} · Double it
#
# What the reader finds out by solving it.
#
# Difficulty 1 of 5 · 5 minutes · needs nothing · 2 points · for 3 it gives `6`


# %% exercise="{id}"
def double(number: float) -> float:
    """Twice `number`."""
    ### BEGIN SOLUTION
    return 2 * number
    ### END SOLUTION


# %% check="{id}"
check("{id}")

# %%
client.close()
progress()

# %% [markdown]
# ## Summary
#
# - ...
#
# **Explain aloud**
#
# 1. ...
#
# **An open problem.** ...
#
# **Next**: ...
'''

CHECKS = '''\
"""Chapter {number}, {title}: its exercises and their checks."""

from helpers.expect import expect_close
from helpers.judging import Exercise
from helpers.words import _

first = Exercise("{id}", "Double it", points=2, minutes=5, difficulty=1, hints=["Add it to itself.", "Two times it."])


@first.check
def doubles(double, rng):
    """It doubles any number."""
    number = rng.normal()
    mistakes = {{
        _("this is the number itself"): number,
        _("this is its square"): number**2,
        _("the sign is turned round"): -2 * number,
    }}
    expect_close(double(number), 2 * number, _("the double"), mistakes=mistakes)
'''

WRONG = '''\
"""Wrong answers to the exercises of chapter {number}."""

from tests.wrong_answers import Wrong

WRONG = {{
    "{id}": [
        Wrong("unchanged", "def double(number):\\n    return number\\n", "the number itself"),
        Wrong("squared", "def double(number):\\n    return number**2\\n", "its square"),
        Wrong("negative", "def double(number):\\n    return -2 * number\\n", "turned round"),
    ]
}}
'''


def new(name: str, title: str, root: Path = ROOT) -> list[Path]:
    """Write the three files of chapter `name` (`"06_k_means"`) and return their paths.

    Raises SourceError for a name without a number, and where a file of that chapter is there already.
    """
    number, _underscore, topic = name.partition("_")
    if not topic.isidentifier() or chapter_of(number) != number or not (number.isdigit() or number in ("A", "B")):
        raise SourceError(f"{name!r} is no name for a chapter: it looks like 06_k_means or B_algorithms")
    words = {"number": number, "title": title, "id": f"{int(number) if number.isdigit() else number}.1"}
    if there := [*(root / "solutions").glob(f"{number}_*.py")]:
        raise SourceError(f"chapter {number} is there already: {there[0].parent.name}/{there[0].name}")
    files = {
        root / "solutions" / f"{name}.py": SOURCE,
        root / "helpers" / "checks" / f"ch{number}.py": CHECKS,
        root / "tests" / "wrong_answers" / f"ch{number}.py": WRONG,
    }
    for path, text in files.items():
        with path.open("x", encoding="utf-8") as file:
            file.write(text.format(**words))
    return list(files)
