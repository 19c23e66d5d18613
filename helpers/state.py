"""A learner's progress: one JSON file in the user's data folder, or where `COURSE_STATE` says.

    {"version": 1, "exercises": {"5.2": {"status": "ok", "points": 4.0, "hints": 1, "revealed": false}}}

Every change takes a lock, reads, changes and replaces the file at once, so that two open notebooks and a kernel
that is killed lose nothing.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock
from platformdirs import user_data_path

from helpers.words import _

NOTHING: dict[str, Any] = {"status": "todo", "points": 0.0, "hints": 0, "revealed": False}


def state_file() -> Path:
    """Where the progress is kept."""
    chosen = os.environ.get("COURSE_STATE")
    return Path(chosen) if chosen else user_data_path("dask-ml-course") / "progress.json"


def entries() -> dict[str, dict[str, Any]]:
    """What is known of each exercise, by id.

    A file that cannot be read is set aside as `*.unreadable`, which is said, and progress begins anew.
    """
    file = state_file()
    try:
        return json.loads(file.read_text(encoding="utf-8"))["exercises"]
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError):
        aside = file.with_suffix(".unreadable")
        os.replace(file, aside)
        print(_("Your progress file could not be read; it is set aside as {aside}.").format(aside=aside))
        return {}


def entry(exercise_id: str) -> dict[str, Any]:
    """What is known of one exercise."""
    return NOTHING | entries().get(exercise_id, {})


def update(exercise_id: str, change: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Replace the entry of an exercise by `change(entry)`; None forgets it."""
    file = state_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_suffix(".lock")):
        exercises = entries()
        changed = change(NOTHING | exercises.get(exercise_id, {}))
        if changed is None:
            exercises.pop(exercise_id, None)
        else:
            exercises[exercise_id] = changed
        partial = file.with_suffix(f".{os.getpid()}")
        partial.write_text(json.dumps({"version": 1, "exercises": exercises}, indent=1), encoding="utf-8")
        os.replace(partial, file)
