"""Downloads and the cache, against a local server that also misbehaves. Nothing here leaves the machine."""

import functools
import hashlib
import shutil
import socket
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from helpers.data import download as module
from helpers.data.download import DownloadError, Unreachable, download, room_for
from helpers.data.places import keep, obtain

BODY = np.random.default_rng(0).bytes(1_000_000)
MD5 = "md5:" + hashlib.md5(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `BODY`; the path says how. `requests` counts what was asked, `over` ends the stalls."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self.requests = Counter()
        self.ranges = []
        self.over = threading.Event()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        how = self.path.strip("/")
        self.server.requests[how] += 1
        first = self.server.requests[how] == 1
        if how.isdigit():
            return self.answer(int(how))
        if how == "503-once" and first:
            return self.answer(503)
        if how == "no-length":
            return self.answer(200, BODY)
        start = 0
        if (range_asked := self.headers.get("Range")) and how != "truncate-once-no-resume":
            self.server.ranges.append(range_asked)
            start = int(range_asked.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(BODY) - start))
        self.send_header("ETag", '"one"')
        self.end_headers()
        breaks = how == "truncate-always" or (first and how.startswith(("truncate-once", "stall-once")))
        self.wfile.write(BODY[start : start + 300_000] if breaks else BODY[start:])
        if how == "stall-once" and first:
            self.wfile.flush()
            self.server.over.wait(30)

    def answer(self, status: int, body: bytes = b""):
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(module, "PAUSE", 0)
    monkeypatch.setattr(module, "STALL_TIMEOUT", 0.5)
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "downloads"
    folder.mkdir()
    return folder / "data.bin"


def assert_nothing_kept(target):
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    "how, requests",
    [
        ("whole", 1),
        ("no-length", 1),
        ("503-once", 2),
        ("truncate-once", 2),
        ("truncate-once-no-resume", 2),
        ("stall-once", 2),
    ],
)
def test_the_file_arrives_whole(server, target, how, requests):
    download(server.url + how, target, MD5)
    assert target.read_bytes() == BODY
    assert [path.name for path in target.parent.iterdir()] == ["data.bin"]
    assert server.requests[how] == requests


def test_a_broken_off_download_goes_on_where_it_stopped(server, target):
    download(server.url + "truncate-once", target)
    assert len(server.ranges) == 1
    assert 0 < int(server.ranges[0].removeprefix("bytes=").removesuffix("-")) <= 300_000
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("how, words", [("truncate-always", "broke off"), ("503", "503")])
def test_a_server_that_never_delivers_is_an_error_after_three_attempts(server, target, how, words):
    with pytest.raises(DownloadError, match=f"3 attempts.*{words}.*COURSE_OFFLINE") as caught:
        download(server.url + how, target)
    assert not isinstance(caught.value, Unreachable)
    assert server.requests[how] == 3
    assert_nothing_kept(target)


def test_a_file_that_is_not_there_is_an_error_at_once(server, target):
    with pytest.raises(DownloadError, match=f"404 Not Found to {server.url}404.*COURSE_DATA"):
        download(server.url + "404", target)
    assert server.requests["404"] == 1
    assert_nothing_kept(target)


def test_a_wrong_checksum_is_an_error_that_names_both_sums(server, target):
    with pytest.raises(DownloadError, match=f"md5 checksum {MD5[4:]}, but upstream publishes {'0' * 32}"):
        download(server.url + "whole", target, "md5:" + "0" * 32)
    assert_nothing_kept(target)


def test_a_refused_connection_is_unreachable(target):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="127.0.0.1 cannot be reached"):
        download(f"http://127.0.0.1:{port}/", target)


def test_an_unknown_host_is_unreachable(target):
    with pytest.raises(Unreachable, match="nowhere.invalid cannot be reached"):
        download("http://nowhere.invalid/", target)


def test_offline_by_choice_asks_nobody(server, target, monkeypatch):
    monkeypatch.setenv("COURSE_OFFLINE", "1")
    with pytest.raises(Unreachable, match="COURSE_OFFLINE"):
        download(server.url + "whole", target)
    assert not server.requests


def test_too_little_room_is_refused_before_writing(server, target, monkeypatch):
    usage = shutil.disk_usage(target.parent)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _folder: usage._replace(free=1_000))
    with pytest.raises(DownloadError, match="needs 1,000,000 bytes.*1,000 are free.*COURSE_CACHE") as caught:
        download(server.url + "whole", target)
    assert "data.bin" in str(caught.value) and str(target.parent) in str(caught.value)
    assert_nothing_kept(target)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 256 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_up_while_writing_is_a_clear_error(server, small_disk):
    """The server announces no length, so that only the disk itself can notice."""
    with pytest.raises(DownloadError, match="The disk is full: data.bin.*COURSE_CACHE"):
        download(server.url + "no-length", small_disk / "data.bin")
    assert list(small_disk.iterdir()) == []


def test_room_for_leaves_other_errors_alone(tmp_path):
    with pytest.raises(FileNotFoundError), room_for(1, tmp_path / "x"):
        (tmp_path / "missing").read_bytes()


@pytest.fixture
def get(server, tmp_path, monkeypatch):
    """`get(how)`: the bytes of `data.bin`, by way of the classroom's folder and the cache."""
    monkeypatch.delenv("COURSE_DATA", raising=False)

    def read(path):
        content = path.read_bytes()
        if content[:1] == b"<":
            raise ValueError("not data")
        return content

    return lambda how: obtain("data.bin", read, functools.partial(download, server.url + how))


def test_the_cache_answers_the_second_time(server, get):
    assert get("whole")[0] == get("whole")[0] == BODY
    assert server.requests["whole"] == 1


def test_the_classrooms_folder_comes_first(server, get, tmp_path, monkeypatch):
    (tmp_path / "data.bin").write_bytes(b"theirs")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert get("whole")[0] == b"theirs"
    assert not server.requests


def test_a_classrooms_folder_that_does_not_exist_is_an_error(get, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "/no/such/folder")
    with pytest.raises(NotADirectoryError, match="/no/such/folder"):
        get("whole")


@pytest.mark.parametrize("how", ["truncate-always", "404"])
def test_a_failed_download_leaves_the_cache_ready_for_the_next_try(get, how):
    with pytest.raises(DownloadError):
        get(how)
    assert get("whole")[0] == BODY


def test_what_cannot_be_read_does_not_enter_the_cache(server, get, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "BODY", b"<html>Please log in</html>")
    with pytest.raises(ValueError, match="not data"):
        get("no-length")
    monkeypatch.undo()


def test_a_process_that_died_in_the_middle_is_cleaned_up_after(tmp_path):
    path = tmp_path / "data.bin"
    leftover = tmp_path / ".data.bin.staging"
    leftover.mkdir()
    (leftover / "data.bin.part").write_bytes(b"half")
    keep(path, lambda target: target.write_bytes(BODY))
    assert path.read_bytes() == BODY
    assert not leftover.exists()


def test_processes_that_load_at_once_download_once(server, tmp_path):
    code = (
        "import functools, pathlib, sys\n"
        "from helpers.data.download import download\n"
        "from helpers.data.places import obtain\n"
        "fetch = functools.partial(download, sys.argv[1])\n"
        "assert len(obtain('data.bin', pathlib.Path.read_bytes, fetch)[0]) == 1_000_000\n"
    )
    command = [sys.executable, "-c", code, server.url + "whole"]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    for process in processes:
        _out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
    assert server.requests["whole"] == 1
