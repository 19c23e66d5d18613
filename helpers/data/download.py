"""Fetch one file over HTTP, whole and right, or not at all: progress bar, time-outs, resume, checksum, full disk.

Two kinds of failure: `Unreachable`, where there is no network (a loader then makes its stand-in), and any other
`DownloadError`, which a reader should see.
"""

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError, ProxyError

from helpers.words import _

CONNECT_TIMEOUT = 5  # seconds until a server that does not answer counts as unreachable
STALL_TIMEOUT = 15  # seconds without a byte
ATTEMPTS = 3
PAUSE = 1.0  # seconds before the second attempt, twice that before the third
CHUNK = 1 << 18  # bytes


class DownloadError(RuntimeError):
    """A file could not be fetched; the message says why and what to do."""


class Unreachable(DownloadError):
    """There is no way to the server: no network, no such host, connection refused."""


class _Interrupted(Exception):
    """An attempt that is worth repeating."""


def download(url: str, target: Path, checksum: str | None = None) -> None:
    """Fetch `url` into the file `target`, which appears only once it is complete.

    `checksum` is "md5:..." or "sha256:..." where upstream publishes one. An attempt that breaks off is resumed
    where it stopped, if the server can. Raises `Unreachable` or `DownloadError`; nothing stays behind then.
    """
    host = urlsplit(url).hostname
    if os.environ.get("COURSE_OFFLINE"):
        raise Unreachable(_("COURSE_OFFLINE is set, so {host} was not asked.").format(host=host))
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        _receive_with_retries(url, part)
        if checksum:
            _verify(part, checksum, url)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def room_for(needed: int, path: Path) -> Iterator[None]:
    """Around code that writes `needed` bytes (0: unknown) to `path`: a full disk becomes a clear `DownloadError`."""
    try:
        if shutil.disk_usage(path.parent).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free = shutil.disk_usage(path.parent).free
        message = _(
            "The disk is full: {name} needs {needed} bytes in the folder {folder}, where {free:,} are free. "
            "Make room, or set COURSE_CACHE to a folder on a bigger disk."
        )
        amount = f"{needed:,}" if needed else _("an unknown number of")
        raise DownloadError(message.format(name=path.name, needed=amount, folder=path.parent, free=free)) from error


def _receive_with_retries(url: str, part: Path) -> None:
    etag = None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            response = _open(url, part, etag)
            etag = response.headers.get("ETag")
            _receive(response, part)
            return
        except _Interrupted as interruption:
            if attempt == ATTEMPTS:
                message = _(
                    "{url} could not be downloaded in {attempts} attempts; the last one ended so: {reason}. "
                    "Try again later, or set COURSE_OFFLINE=1 to work on stand-in data."
                )
                raise DownloadError(message.format(url=url, attempts=ATTEMPTS, reason=interruption)) from interruption
            time.sleep(PAUSE * attempt)


def _open(url: str, part: Path, etag: str | None) -> requests.Response:
    """The server's answer, asked to go on behind what `part` already holds."""
    headers = {"Accept-Encoding": "identity"}
    # Without an ETag nobody could tell whether the rest still belongs to the same file: start again then.
    if etag and part.exists():
        headers |= {"Range": f"bytes={part.stat().st_size}-", "If-Range": etag}
    try:
        response = requests.get(url, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT, STALL_TIMEOUT))
    except requests.RequestException as error:
        if _never_connected(error):
            host = urlsplit(url).hostname
            raise Unreachable(_("{host} cannot be reached from here.").format(host=host)) from error
        raise _Interrupted(_("no answer ({error})").format(error=type(error).__name__)) from error
    if response.status_code == 429 or response.status_code >= 500:
        raise _Interrupted(_("the server answered {status}").format(status=response.status_code))
    if not response.ok:
        message = _(
            "The server answered {status} {reason} to {url}: the file is not there (any more). Look for it on the "
            "data set's page and put it into the folder that COURSE_DATA names."
        )
        raise DownloadError(message.format(status=response.status_code, reason=response.reason, url=url))
    return response


def _never_connected(error: requests.RequestException) -> bool:
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    return isinstance(reason, (NewConnectionError, ConnectTimeoutError, ProxyError))


def _receive(response: requests.Response, part: Path) -> None:
    """Write the body of `response` to `part`: behind what is there if the server resumes (206), else from the start."""
    from tqdm.auto import tqdm

    have = part.stat().st_size if response.status_code == 206 else 0
    length = int(response.headers.get("Content-Length", 0))
    with (
        response,
        room_for(length, part),
        part.open("ab" if have else "wb") as file,
        tqdm(
            total=have + length or None,
            initial=have,
            unit="B",
            unit_scale=True,
            desc=part.stem,
            leave=False,
        ) as bar,
    ):
        chunks = response.iter_content(CHUNK)
        while chunk := _next_chunk(chunks):
            file.write(chunk)
            bar.update(len(chunk))


def _next_chunk(chunks: Iterator[bytes]) -> bytes:
    """The next bytes, or none at the end. urllib3 itself compares the body's length with the one announced."""
    try:
        return next(chunks, b"")
    except requests.RequestException as error:
        raise _Interrupted(
            _("the connection broke off or stalled ({error})").format(error=type(error).__name__)
        ) from error


def _verify(path: Path, checksum: str, url: str) -> None:
    algorithm, _colon, expected = checksum.partition(":")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, algorithm).hexdigest()
    if found != expected:
        message = _(
            "{url} arrived with the {algorithm} checksum {found}, but upstream publishes {expected}. It was thrown "
            "away. Try again; if that happens again, something between you and the server changes files."
        )
        raise DownloadError(message.format(url=url, algorithm=algorithm, found=found, expected=expected))
