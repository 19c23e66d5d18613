"""Count what is read from storage: put `counted+` before an address, and `Reads` says how many bytes came.

`counted+file:///data/trips` is the folder `file:///data/trips`, `counted+s3://bucket/trips` the same with an object
store; whatever takes an fsspec address (Dask, pandas, Zarr) takes these, also on the workers. Bytes are counted where
they leave the store and not in the operating system, so that the numbers are the same on every machine.
"""

import io
import uuid
from collections.abc import Callable
from threading import Lock
from typing import Any, ClassVar, NamedTuple, Self

import fsspec
from distributed import Client
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

PREFIX = "counted+"


class Read(NamedTuple):
    """What one call returned, and what it read; the fields are those of `Reads`."""

    result: Any
    bytes: int
    requests: int


class Reads:
    """Counts what is read from addresses that begin with `counted+` while a `with` block runs.

    - `bytes`: bytes that came from the store, compressed where the file is.
    - `requests`: times that the store was asked for some of them; an object store answers each by a round trip.

    Both cover this process and the workers of `client`, by default of the client that is current when the block begins;
    without one, this process alone. What others read meanwhile on the same workers counts too, what a worker read
    before it was restarted does not. Listing a folder and asking for a file's size are not counted.
    """

    def __init__(self, client: Client | None = None) -> None:
        self._client = client
        self._before: dict[str, tuple[int, int]] = {}
        self._after: dict[str, tuple[int, int]] | None = None

    def __enter__(self) -> Self:
        self._client = self._client or _current_client()
        self._before, self._after = self._totals(), None
        return self

    def __exit__(self, *exception: object) -> None:
        self._after = self._totals()

    @property
    def bytes(self) -> int:
        return self._since(0)

    @property
    def requests(self) -> int:
        return self._since(1)

    def of(self, function: Callable, /, *args: Any, **kwargs: Any) -> Read:
        """Call `function(*args, **kwargs)`, return its result and what this one call read."""
        with Reads(self._client) as reads:
            result = function(*args, **kwargs)
        return Read(result, reads.bytes, reads.requests)

    def _since(self, place: int) -> int:
        after = self._totals() if self._after is None else self._after
        return sum(
            max(0, totals[place] - self._before.get(process, (0, 0))[place]) for process, totals in after.items()
        )

    def _totals(self) -> dict[str, tuple[int, int]]:
        """{process: (bytes, requests)} since each process began; workers in this process count once."""
        totals = dict([_tally.read()])
        if self._client is not None:
            totals |= dict(self._client.run(_read_tally).values())
        return totals


class _Tally:
    """Bytes and requests of one process."""

    def __init__(self) -> None:
        self.process = uuid.uuid4().hex
        self.lock = Lock()
        self.bytes = 0
        self.requests = 0

    def add(self, size: int) -> None:
        with self.lock:
            self.bytes += size
            self.requests += 1

    def read(self) -> tuple[str, tuple[int, int]]:
        return self.process, (self.bytes, self.requests)


_tally = _Tally()


def _read_tally() -> tuple[str, tuple[int, int]]:
    return _tally.read()


def _current_client() -> Client | None:
    try:
        client = Client.current()
    except ValueError:
        return None
    return client if client.status == "running" else None


class CountedFileSystem(AbstractFileSystem):
    """Another file system, whose reads are counted. A subclass for each protocol; options go to the one inside."""

    target: ClassVar[str]

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.fs = fsspec.filesystem(self.target, **options)

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list | tuple):
            return [cls._strip_protocol(one) for one in path]
        inside = fsspec.get_filesystem_class(cls.target)
        return inside._strip_protocol(fsspec.utils.stringify_path(path).removeprefix(PREFIX))

    def unstrip_protocol(self, name: str) -> str:
        return PREFIX + self.fs.unstrip_protocol(self._strip_protocol(name))

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        file = self.fs.open(path, mode, **{name: value for name, value in kwargs.items() if value is not None})
        if mode != "rb":
            return file
        if isinstance(file, AbstractBufferedFile):  # it reads ahead: what the cache fetches is what the store sends
            file.cache.fetcher = _counted(file.cache.fetcher)
            return file
        return _CountedFile(file)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        return _counted(self.fs.cat_file)(self._strip_protocol(path), start=start, end=end, **kwargs)

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list:
        return self.fs.ls(self._strip_protocol(path), detail=detail, **kwargs)

    def info(self, path: str, **kwargs: Any) -> dict:
        return self.fs.info(self._strip_protocol(path), **kwargs)

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:
        self.fs.mkdir(self._strip_protocol(path), create_parents=create_parents, **kwargs)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        self.fs.makedirs(self._strip_protocol(path), exist_ok=exist_ok)

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        self.fs.rm(self._strip_protocol(path), recursive=recursive, maxdepth=maxdepth)

    def created(self, path: str) -> Any:
        return self.fs.created(self._strip_protocol(path))

    def modified(self, path: str) -> Any:
        return self.fs.modified(self._strip_protocol(path))

    def checksum(self, path: str) -> Any:
        return self.fs.checksum(self._strip_protocol(path))

    def invalidate_cache(self, path: str | None = None) -> None:
        self.fs.invalidate_cache(path)


class CountedLocal(CountedFileSystem):
    target = "file"
    protocol = PREFIX + target

    def __init__(self, auto_mkdir: bool = True, **options: Any) -> None:  # Zarr expects folders to make themselves
        super().__init__(auto_mkdir=auto_mkdir, **options)


class CountedS3(CountedFileSystem):
    target = "s3"
    protocol = PREFIX + target


for _kind in (CountedLocal, CountedS3):
    fsspec.register_implementation(_kind.protocol, _kind, clobber=True)


def _counted(read: Callable[..., bytes]) -> Callable[..., bytes]:
    def counted(*args: Any, **kwargs: Any) -> bytes:
        data = read(*args, **kwargs)
        _tally.add(len(data))
        return data

    return counted


class _CountedFile(io.RawIOBase):
    """A file opened for reading, whose `read` is counted."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.size = getattr(file, "size", None)
        self.read = _counted(file.read)

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()

    def close(self) -> None:
        self.file.close()
        super().close()
