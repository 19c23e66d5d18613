"""Fixtures for the whole suite. Real data comes from `COURSE_DATA`; without it the tests that need it are skipped."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def course_data() -> Path:
    """Folder with the real data sets, in their upstream layouts."""
    folder = os.environ.get("COURSE_DATA")
    if not folder:
        pytest.skip("needs real data: set COURSE_DATA to a folder that holds it")
    return Path(folder)


@pytest.fixture(autouse=True)
def private_state(tmp_path, monkeypatch):
    """No test reads or writes the progress or the downloads of whoever runs it."""
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "progress.json"))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
