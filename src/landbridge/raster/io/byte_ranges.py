"""The bytes of files that are read here rather than by GDAL: on this machine, over HTTP, in S3."""

import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from landbridge.raster.errors import raise_alone
from landbridge.raster.runtime.thread_pools import memory

if TYPE_CHECKING:
    from obstore.store import ObjectStore

Place = tuple[int, int]
"""Offset and length of a run of bytes."""
Read = Callable[[Sequence[Place]], Iterable[tuple[Place, "bytes | memoryview"]]]
"""Gives the bytes at places."""

TIMEOUT_VARIABLE = "LANDBRIDGE_HTTP_TIMEOUT"
_TIMEOUT = 30.0
_CONNECT_TIMEOUT = 10.0
RETRIES = 3
# Places this near to each other come in one request: less than a round trip takes on most lines.
_GAP = 64 * 2**10
# As much of a file's start as one request brings, and of what is read there beyond: a COG's whole
# directory, mostly.
_HEAD = 32 * 2**10
# Requests of one process for parts of files that are under way at the same time.
_AT_ONCE = 32
# What only GDAL knows how to send along.
_GDAL_ONLY = (
    "GDAL_HTTP_AUTH",
    "GDAL_HTTP_USERPWD",
    "GDAL_HTTP_HEADERS",
    "GDAL_HTTP_HEADER_FILE",
    "GDAL_HTTP_COOKIE",
)
_UNCHANGING = "the file was changed while it was being read"
# What obstore writes of an answer, and of a request that had none.
_STATUS = re.compile(r"status code: (\d{3}[^:\n]*)")
_ASIDE = re.compile(r"Error performing \w+ \S+ in .*? - ")
_OTHER_REGION = "redirect without LOCATION"
_ADDRESS = re.compile(r"\w+://\S+")
# What of the environment is told to object_store as it is.
_S3_SETTINGS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_REQUEST_PAYER",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
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

    def read(self, places: Sequence[Place]) -> Iterable[tuple[Place, "bytes | memoryview"]]:
        """The bytes at places, each as soon as they are there, to be used before this thread reads the next
        of any file.

        Raises:
            OSError: the file cannot be read, or is not the one any more that was opened.
        """
        ...

    def reading(self) -> AbstractContextManager[Read]:
        """`read` for many calls on one thread."""
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

    def read(self, places: Sequence[Place]) -> Iterable[tuple[Place, "bytes | memoryview"]]:
        """The bytes at places, in their order."""
        with self.reading() as read:
            return read(places)

    @contextmanager
    def reading(self) -> Iterator[Read]:
        """`read` of a file that is opened once, and looked at for changes each time."""
        file = os.open(self.path, os.O_RDONLY)
        try:
            yield partial(self.read_open, file)
        finally:
            os.close(file)

    def read_open(self, file: int, places: Sequence[Place]) -> list[tuple[Place, memoryview]]:
        """`read` by the number under which the file is open."""
        status = os.fstat(file)
        if status.st_nlink == 0:
            # It was deleted, or another took its place; or the file system does not count names.
            status = os.stat(self.path)  # noqa: PTH116 - as it was opened
        if _stamp(status) != self.stamp:
            raise OSError(_UNCHANGING)
        # Into memory that is there already: for new memory the system takes as long as for the reading.
        buffer = memory("stored", sum(length for _, length in places))
        parts, start = [], 0
        for offset, length in places:
            got = os.preadv(file, [buffer[start : start + length]], offset)
            parts.append(((offset, length), buffer[start : start + got]))
            start += length
        return parts

    def open(self) -> str:
        """The path."""
        return self.path


@dataclass(frozen=True, slots=True)
class Version:
    """What a server says of a file's content, in every answer: `modified` only where it has no ETag."""

    size: int
    etag: str | None
    modified: object

    @property
    def condition(self) -> dict[str, Any]:
        """What a request says to get this version or an error; weak tags are no condition by RFC 9110."""
        return {} if self.etag is None or self.etag.startswith("W/") else {"if_match": self.etag}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file behind HTTP or in S3; `head` are its first bytes.

    Its address may be signed: it is not shown.
    """

    address: str = field(repr=False)
    store: "ObjectStore" = field(repr=False)
    path: str = field(repr=False)
    version: Version
    head: bytes = field(repr=False)
    remote: bool = True

    @property
    def key(self) -> tuple[object, ...]:
        """The address and the version that the server names."""
        return (self.address, self.version)

    def read(self, places: Sequence[Place]) -> Iterator[tuple[Place, memoryview]]:
        """The bytes at places, those near to each other by one request, all requests at once."""
        runs = _runs(places)
        if len(runs) == 1:
            yield from self._get(*runs)
            return
        answers = [_pool(os.getpid()).submit(self._get, run) for run in runs]
        try:
            for answer in as_completed(answers):
                yield from answer.result()
        finally:
            for answer in answers:
                answer.cancel()

    def _get(self, run: "_Run") -> list[tuple[Place, memoryview]]:
        with _as_os_error():
            version, data = _asked(self.store, self.path, (run.start, run.stop), self.version.condition)
        # Not all servers know conditions.
        if version != self.version:
            raise OSError(_UNCHANGING)
        return [
            ((offset, length), data[offset - run.start : offset - run.start + length])
            for offset, length in run.places
        ]

    def reading(self) -> AbstractContextManager[Read]:
        """`read`: connections are kept anyway."""
        return nullcontext(self.read)

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
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.version.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        length = min(len(buffer), self._file.version.size - self._position)
        if length <= 0:
            return 0
        end = self._position + length
        if end <= len(self._file.head):
            data: bytes | memoryview = self._file.head[self._position : end]
        else:
            ((_, data),) = self._file.read([(self._position, length)])
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def open_file(address: str) -> File | None:
    """A file that is read here; None for what is left to GDAL.

    Raises:
        OSError: a server does not have it, refuses it or does not answer.
    """
    parts = urlsplit(address)
    if parts.scheme in ("http", "https") and not _only_by_gdal():
        return _open_remote(address, *_http_store(address))
    if parts.scheme == "s3" and (settings := _s3_settings()) is not None:
        store = _s3_store(parts.netloc, timeout(), settings)
        return _open_remote(address, store, parts.path.lstrip("/"))
    try:
        status = os.stat(address)  # noqa: PTH116 - an address, which need not be a path
    except (OSError, ValueError):
        return None
    return LocalFile(address, _stamp(status))


def _only_by_gdal() -> bool:
    """Whether the environment, or an Env of rasterio, has what only GDAL sends along."""
    from rasterio._env import get_gdal_config

    return any(get_gdal_config(name, normalize=False) for name in _GDAL_ONLY)


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
    from obstore.exceptions import GenericError, NotSupportedError

    with _as_os_error():
        try:
            version, head = _asked(store, path, (0, _HEAD), {})
        except NotSupportedError:
            # A server without ranges: GDAL takes the whole file.
            return None
        except GenericError as error:
            if _OTHER_REGION in str(error):
                # GDAL asks where the bucket is.
                return None
            raise
        return RemoteFile(address, store, path, version, bytes(head))


def _asked(
    store: "ObjectStore", path: str, span: tuple[int, int], condition: Mapping[str, Any]
) -> tuple[Version, memoryview]:
    """The bytes from a place up to another as far as the file goes, and of which version they are."""
    import obstore
    from obstore.exceptions import BaseError

    options: Any = {"range": span, **condition}
    for attempt in (1, 2):
        result = obstore.get(store, path, options=options)
        meta = result.meta
        try:
            data = memoryview(result.bytes())
        except BaseError:
            # The connection broke in mid-answer: by itself the store goes on only where there is an ETag.
            if attempt == 2:
                raise
        else:
            etag = meta.get("e_tag")
            return Version(int(meta["size"]), etag, None if etag else meta.get("last_modified")), data
    raise AssertionError("unreachable")


@lru_cache(maxsize=1)
def _pool(_process: int) -> ThreadPoolExecutor:
    """The threads of this process that wait for answers: a child has none of its parent's."""
    return ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="landbridge-fetch")


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


def _s3_settings() -> tuple[tuple[str, str], ...] | None:
    """The environment's settings for S3, as object_store takes them; None where only GDAL knows how."""
    found = {name: value for name, value in os.environ.items() if name.startswith("AWS_") and value}
    unsigned = found.pop("AWS_NO_SIGN_REQUEST", "").upper() in ("YES", "TRUE", "1", "ON")
    if not (unsigned or {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= found.keys()):
        return None
    if "AWS_S3_ENDPOINT" in found and s3_endpoint() is None:
        # GDAL's own word for it, with more of them beside it.
        return None
    settings = {name: found[name] for name in _S3_SETTINGS if name in found}
    settings.setdefault("AWS_REGION", found.get("AWS_DEFAULT_REGION", "us-east-1"))
    if (endpoint := s3_endpoint()) is not None:
        settings["AWS_ENDPOINT_URL"] = endpoint
    if unsigned:
        settings["AWS_SKIP_SIGNATURE"] = "true"
    return tuple(sorted(settings.items()))


def s3_endpoint() -> str | None:
    """The address of the service that stands in for AWS, if the environment names one as AWS's tools do."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


@lru_cache(maxsize=64)
def _s3_store(bucket: str, seconds: float, settings: tuple[tuple[str, str], ...]) -> "ObjectStore":
    from obstore.store import S3Store

    config: Any = {name.lower(): value for name, value in settings}
    return S3Store(
        bucket, config=config, client_options=_client_options(seconds), retry_config=_retries(seconds)
    )


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


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Turn obstore's errors into OSErrors without the address, which may be signed, and the server's text."""
    from obstore.exceptions import BaseError, PreconditionError

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        raise_alone(OSError(_UNCHANGING if isinstance(error, PreconditionError) else _said(error)))


def _said(error: Exception) -> str:
    """What an error of obstore comes down to."""
    text, _, details = str(error).partition("\n\nDebug source:")
    if (status := _STATUS.search(text)) is not None:
        return f"the server answered {status[1].strip()}"
    if "kind: Timeout" in details:
        return f"the server sent nothing for {timeout():g} s ({TIMEOUT_VARIABLE})"
    if "kind: Connect" in details:
        return "the server cannot be reached"
    if "body error" in text:
        return "the connection broke before all was there"
    return _ADDRESS.sub("…", _ASIDE.sub("", text.strip()))


@dataclass(slots=True)
class _Run:
    """Bytes that one request brings, and the places in them that are wanted."""

    start: int
    stop: int
    places: list[Place]


def _runs(places: Sequence[Place]) -> list[_Run]:
    """The places in order, those near to each other as one."""
    runs: list[_Run] = []
    for offset, length in sorted(places):
        if runs and offset <= runs[-1].stop + _GAP:
            runs[-1].stop = max(runs[-1].stop, offset + length)
            runs[-1].places.append((offset, length))
        else:
            runs.append(_Run(offset, offset + length, [(offset, length)]))
    return runs


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
