"""The bytes of files that are read here rather than by GDAL: on this machine, over HTTP, in S3."""

import asyncio
import io
import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from obstore.store import ObjectStore

Place = tuple[int, int]
"""Offset and length of a run of bytes."""

TIMEOUT_VARIABLE = "LANDBRIDGE_HTTP_TIMEOUT"
_TIMEOUT = 30.0
_CONNECT_TIMEOUT = 10.0
RETRIES = 3
# Places this near to each other come in one request: less than a round trip takes on most lines.
_GAP = 64 * 2**10
# As much of a file's start as one request brings, and of what is read there beyond: a COG's whole
# directory, mostly.
_HEAD = 32 * 2**10
# What only GDAL knows how to send along.
_GDAL_ONLY = (
    "GDAL_HTTP_AUTH",
    "GDAL_HTTP_USERPWD",
    "GDAL_HTTP_HEADERS",
    "GDAL_HTTP_HEADER_FILE",
    "GDAL_HTTP_COOKIE",
)
# A path that stays as it is when it is put together again.
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_.:/-]+")


class File(Protocol):
    """A file whose bytes can be had; it fails rather than mix two versions of itself."""

    @property
    def key(self) -> tuple[object, ...]:
        """What tells this version of the file from all others."""
        ...

    @property
    def remote(self) -> bool:
        """Whether reading takes a request."""
        ...

    def read(self, places: Sequence[Place]) -> Sequence["bytes | memoryview"]:
        """The bytes at places, to be used before this thread reads the next of any file.

        Raises:
            OSError: the file cannot be read, or is not the one any more that was opened.
        """
        ...

    def open(self) -> Any:
        """The file to read from its start, as a path or a file object."""
        ...


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file on this machine."""

    path: str
    stamp: tuple[int, ...]
    remote: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """The path and what the file system says of the version."""
        return (self.path, *self.stamp)

    def read(self, places: Sequence[Place]) -> list[memoryview]:
        """The bytes at places."""
        file = os.open(self.path, os.O_RDONLY)
        try:
            if _stamp(os.fstat(file)) != self.stamp:
                raise OSError("the file was changed while it was being read")
            # Into memory that is there already: for new memory the system takes as long as for the reading.
            memory = _memory(sum(length for _, length in places))
            parts, start = [], 0
            for offset, length in places:
                got = os.preadv(file, [memory[start : start + length]], offset)
                parts.append(memory[start : start + got])
                start += length
            return parts
        finally:
            os.close(file)

    def open(self) -> str:
        """The path."""
        return self.path


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file behind HTTP or in S3; `head` are its first bytes."""

    address: str
    store: "ObjectStore"
    path: str
    size: int
    etag: str | None
    head: bytes
    remote: bool = True

    @property
    def key(self) -> tuple[object, ...]:
        """The address and the version that the server names."""
        return (self.address, self.size, self.etag)

    def read(self, places: Sequence[Place]) -> list[bytes]:
        """The bytes at places, those near to each other by one request, all requests at once."""
        runs = _runs(places)
        with _as_os_error():
            if len(runs) == 1:
                found = [_bytes(self._get(_obstore().get, runs[0]))]
            else:
                found = asyncio.run(self._all(runs))
        parts = []
        for offset, length in places:
            start, part = next(
                (start, data)
                for (start, size), data in zip(runs, found, strict=True)
                if start <= offset < start + size
            )
            parts.append(part[offset - start : offset - start + length])
        return parts

    async def _all(self, runs: Sequence[Place]) -> list[bytes]:
        async def one(run: Place) -> bytes:
            result = await self._get(_obstore().get_async, run)
            return bytes(await result.bytes_async())

        return await asyncio.gather(*map(one, runs))

    def _get(self, get: Callable[..., Any], run: Place) -> Any:
        options: dict[str, Any] = {"range": (run[0], run[0] + run[1])}
        if self.etag is not None:
            options["if_match"] = self.etag
        return get(self.store, self.path, options=options)

    def open(self) -> io.BufferedReader:
        """A file object whose reads beyond the head are requests."""
        return io.BufferedReader(_Reader(self), _HEAD)


class _Reader(io.RawIOBase):
    """A remote file read from its start, for the parser of its directory."""

    def __init__(self, file: RemoteFile) -> None:
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._file.size - self._position)
        if length <= 0:
            return 0
        end = self._position + length
        if end <= len(self._file.head):
            data = self._file.head[self._position : end]
        else:
            (data,) = self._file.read([(self._position, length)])
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def open_file(address: str) -> File | None:
    """A file that is read here; None for what is left to GDAL.

    Raises:
        OSError: a server does not have it, refuses it or does not answer.
    """
    scheme = urlsplit(address).scheme
    if scheme in ("http", "https") and not any(os.environ.get(name) for name in _GDAL_ONLY):
        return _open_remote(address, *_http_store(address))
    if scheme == "s3" and (os.environ.get("AWS_ACCESS_KEY_ID") or os.environ.get("AWS_NO_SIGN_REQUEST")):
        parts = urlsplit(address)
        return _open_remote(address, _s3_store(parts.netloc, timeout()), parts.path.lstrip("/"))
    try:
        status = os.stat(address)  # noqa: PTH116 - an address, which need not be a path
    except (OSError, ValueError):
        return None
    return LocalFile(address, _stamp(status))


def is_remote(address: str) -> bool:
    """Whether reading an address takes requests."""
    return "://" in address or address.startswith("/vsi")


def timeout() -> float:
    """The seconds after which a server that sends nothing has failed.

    Raises:
        ValueError: the environment variable for it is not a positive number.
    """
    text = os.environ.get(TIMEOUT_VARIABLE)
    try:
        seconds = float(text) if text else _TIMEOUT
    except ValueError:
        seconds = 0
    if not seconds > 0:
        raise ValueError(f"{TIMEOUT_VARIABLE} must be a number of seconds greater than 0, got {text!r}")
    return seconds


def _open_remote(address: str, store: "ObjectStore", path: str) -> RemoteFile | None:
    from obstore.exceptions import NotSupportedError

    with _as_os_error():
        try:
            result = _obstore().get(store, path, options={"range": (0, _HEAD)})
        except NotSupportedError:
            # A server without ranges: GDAL takes the whole file.
            return None
        head = _bytes(result)
    return RemoteFile(address, store, path, int(result.meta["size"]), result.meta.get("e_tag"), head)


def _http_store(address: str) -> tuple["ObjectStore", str]:
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    if not parts.query and _PLAIN_PATH.fullmatch(parts.path):
        return _http_store_of(origin, timeout()), parts.path.lstrip("/")
    # The store would write the path in its own way, and has no word for a query: it gets all as its root.
    return _http_store_of(address, timeout()), ""


@lru_cache(maxsize=64)
def _http_store_of(url: str, seconds: float) -> "ObjectStore":
    from obstore.store import HTTPStore

    return HTTPStore.from_url(url, client_options=_client_options(seconds), retry_config=_retries(seconds))


@lru_cache(maxsize=64)
def _s3_store(bucket: str, seconds: float) -> "ObjectStore":
    from obstore.store import S3Store

    return S3Store(bucket, client_options=_client_options(seconds), retry_config=_retries(seconds))


def _client_options(seconds: float) -> Any:
    return {
        "allow_http": True,
        "connect_timeout": timedelta(seconds=min(seconds, _CONNECT_TIMEOUT)),
        "read_timeout": timedelta(seconds=seconds),
        # Whole tiles of a slow line may take longer than any fixed time.
        "timeout": timedelta(days=1),
    }


def _retries(seconds: float) -> Any:
    # A server that stalls is asked once more, one that fails at once a few times.
    return {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=1.5 * seconds)}


def _obstore() -> Any:
    import obstore

    return obstore


def _bytes(result: Any) -> bytes:
    return bytes(result.bytes())


@contextmanager
def _as_os_error() -> Iterator[None]:
    from obstore.exceptions import BaseError, PreconditionError

    try:
        yield
    except PreconditionError as error:
        raise OSError("the file was changed while it was being read") from error
    except BaseError as error:
        raise OSError(str(error)) from error


def _runs(places: Sequence[Place]) -> list[Place]:
    """The places in order, those near to each other as one."""
    runs: list[Place] = []
    for offset, length in sorted(places):
        if runs and offset <= runs[-1][0] + runs[-1][1] + _GAP:
            start, size = runs[-1]
            runs[-1] = (start, max(size, offset + length - start))
        else:
            runs.append((offset, length))
    return runs


_memories = threading.local()


def _memory(size: int) -> memoryview:
    """Memory of this thread, to be used until it next asks."""
    memory = getattr(_memories, "memory", None)
    if memory is None or len(memory) < size:
        memory = _memories.memory = bytearray(size)
    return memoryview(memory)[:size]


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
