"""Where data sets lie: the classroom's folder, the cache, and the way from a download into the cache."""

import os
import shutil
import zipfile
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from helpers.data.download import room_for
from helpers.words import _

Value = TypeVar("Value")


def classroom() -> Path | None:
    """The folder that COURSE_DATA names, or None where that is not set. Raises if there is no such folder."""
    name = os.environ.get("COURSE_DATA")
    if not name:
        return None
    if not Path(name).is_dir():
        message = _("COURSE_DATA is {name!r}, which is no folder. Name the folder with the data sets, or unset it.")
        raise NotADirectoryError(message.format(name=name))
    return Path(name)


def cache() -> Path:
    """The folder that keeps downloads, created if need be: $COURSE_CACHE, or the user's cache folder."""
    name = os.environ.get("COURSE_CACHE")
    folder = Path(name) if name else user_cache_path("dask-ml-course")
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def obtain(name: str, read: Callable[[Path], Value], fetch: Callable[[Path], None]) -> tuple[Value, Path, str]:
    """`read(path)` of the file or folder `name`, the path, and a sentence on where it came from.

    It is looked for in the classroom's folder, then in the cache; if it is in neither, `fetch(target)` downloads
    it to `target`, which bears its name in a folder that is empty. Only what `read` accepts moves on into the
    cache, in one step. Raises what `fetch` and `read` raise.
    """
    folder = classroom()
    if folder and (folder / name).exists():
        where = _("Read from the folder that COURSE_DATA names; layout checked, checksum not.")
        return read(folder / name), (folder / name).resolve(), where
    path = cache() / name
    keep(path, lambda target: (fetch(target), read(target)))
    return read(path), path, _("Downloaded from the source.")


def keep(path: Path, make: Callable[[Path], object]) -> None:
    """Unless `path` exists: let `make(target)` write it in an empty folder, then move it to its place in one step.

    Two notebooks that want the same file at once take turns, and the second finds what the first made.
    """
    staging = path.with_name(f".{path.name}.staging")
    with _turn(path.with_name(f".{path.name}.lock")):
        if path.exists():
            return
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        try:
            with room_for(0, path):
                make(staging / path.name)
            (staging / path.name).replace(path)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _turn(lock_file: Path) -> AbstractContextManager:
    lock = FileLock(lock_file)
    try:
        return lock.acquire(timeout=3)
    except Timeout:
        print(_("Another notebook is fetching the same data; waiting for it."))
        return lock.acquire()


def unzip(archive: Path, members: Iterable[str]) -> None:
    """Unpack `members` of a ZIP file into its folder."""
    with zipfile.ZipFile(archive) as file:
        infos = [file.getinfo(member) for member in members]
        with room_for(sum(info.file_size for info in infos), archive):
            file.extractall(archive.parent, infos)
