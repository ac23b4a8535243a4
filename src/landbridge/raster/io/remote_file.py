"""Byte-range reads over HTTP and S3."""

import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from landbridge.raster.errors import raise_without_context
from landbridge.raster.io.file_protocol import FILE_CHANGED, ByteRange, RangeReader
from landbridge.raster.io.object_stores import TIMEOUT_VARIABLE, timeout

if TYPE_CHECKING:
    from obstore.store import ObjectStore


# Largest gap in bytes between ranges that share a request: on most connections the extra bytes take less time
# than a round trip.
_MERGE_GAP = 64 * 2**10


# Size in bytes of the first request, and of further reads of the directory; holds the directory of most COGs.
_HEAD_BYTES = 32 * 2**10


# Largest number of concurrent range requests of one process.
_MAX_REQUESTS = 32


# Parts of obstore's error texts: the status of a response, and the prefix of a failed request.
_STATUS = re.compile(r"status code: (\d{3}[^:\n]*)")


_REQUEST_PREFIX = re.compile(r"Error performing \w+ \S+ in .*? - ")


_OTHER_REGION = "redirect without LOCATION"


_ADDRESS = re.compile(r"\w+://\S+")


@dataclass(frozen=True, slots=True)
class Version:
    """Version of a file's content, as each response states it; `modified` only without an ETag."""

    size: int
    etag: str | None
    modified: object

    @property
    def condition(self) -> dict[str, Any]:
        """Request options that fetch this version or fail; RFC 9110 excludes weak tags from conditions."""
        return {} if self.etag is None or self.etag.startswith("W/") else {"if_match": self.etag}


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """File behind HTTP or in S3; `head` are its first bytes.

    The address may be signed, so `repr` omits it.
    """

    address: str = field(repr=False)
    store: "ObjectStore" = field(repr=False)
    path: str = field(repr=False)
    version: Version
    head: bytes = field(repr=False)
    remote: bool = True

    @property
    def key(self) -> tuple[object, ...]:
        """Address and version of the file."""
        return (self.address, self.version)

    def read(self, ranges: Sequence[ByteRange]) -> Iterator[tuple[ByteRange, memoryview]]:
        """Yield the bytes of ranges; adjacent ranges share a request, and all requests run concurrently."""
        merged = _merge_ranges(ranges)
        if len(merged) == 1:
            yield from self._get_merged(*merged)
            return
        answers = [_pool(os.getpid()).submit(self._get_merged, merged_range) for merged_range in merged]
        try:
            for answer in as_completed(answers):
                yield from answer.result()
        finally:
            for answer in answers:
                answer.cancel()

    def _get_merged(self, merged_range: "_MergedRange") -> list[tuple[ByteRange, memoryview]]:
        with _as_os_error():
            version, data = _get_range(
                self.store, self.path, (merged_range.start, merged_range.stop), self.version.condition
            )
        # Not all servers support conditional requests.
        if version != self.version:
            raise OSError(FILE_CHANGED)
        return [
            ((offset, length), data[offset - merged_range.start : offset - merged_range.start + length])
            for offset, length in merged_range.ranges
        ]

    def reader(self) -> AbstractContextManager[RangeReader]:
        """Return a context with `read`; the store keeps its connections."""
        return nullcontext(self.read)

    def open(self) -> io.BufferedReader:
        """Return a file object whose reads beyond the head send requests."""
        return io.BufferedReader(_Reader(self), _HEAD_BYTES)


class _Reader(io.RawIOBase):
    """File object over a remote file, for the TIFF parser."""

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


def open_remote(address: str, store: "ObjectStore", path: str) -> RemoteFile | None:
    from obstore.exceptions import GenericError, NotSupportedError

    with _as_os_error():
        try:
            version, head = _get_range(store, path, (0, _HEAD_BYTES), {})
        except NotSupportedError:
            # The server does not support ranges; GDAL downloads the whole file.
            return None
        except GenericError as error:
            if _OTHER_REGION in str(error):
                # GDAL looks up the region of the bucket.
                return None
            raise
        return RemoteFile(address, store, path, version, bytes(head))


def _get_range(
    store: "ObjectStore", path: str, span: tuple[int, int], condition: Mapping[str, Any]
) -> tuple[Version, memoryview]:
    """Return the version of a file and the bytes of a span, truncated at the end of the file."""
    import obstore
    from obstore.exceptions import BaseError

    options: Any = {"range": span, **condition}
    for attempt in (1, 2):
        result = obstore.get(store, path, options=options)
        meta = result.meta
        try:
            data = memoryview(result.bytes())
        except BaseError:
            # The connection broke during the response; the store resumes by itself only with an ETag.
            if attempt == 2:
                raise
        else:
            etag = meta.get("e_tag")
            return Version(int(meta["size"]), etag, None if etag else meta.get("last_modified")), data
    raise AssertionError("unreachable")


@lru_cache(maxsize=1)
def _pool(_process: int) -> ThreadPoolExecutor:
    """Return the pool of request threads; keyed by process id, as a forked child has no threads."""
    return ThreadPoolExecutor(_MAX_REQUESTS, thread_name_prefix="landbridge-fetch")


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Raise obstore's errors as OSErrors without the address, which may be signed, and the response text."""
    from obstore.exceptions import BaseError, PreconditionError

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        raise_without_context(
            OSError(FILE_CHANGED if isinstance(error, PreconditionError) else _short_message(error))
        )


def _short_message(error: Exception) -> str:
    """Return a short message of an error of obstore."""
    text, _, details = str(error).partition("\n\nDebug source:")
    if (status := _STATUS.search(text)) is not None:
        return f"the server answered {status[1].strip()}"
    if "kind: Timeout" in details:
        return f"the server sent nothing for {timeout():g} s ({TIMEOUT_VARIABLE})"
    if "kind: Connect" in details:
        return "the server cannot be reached"
    if "body error" in text:
        return "the connection broke before the response was complete"
    return _ADDRESS.sub("…", _REQUEST_PREFIX.sub("", text.strip()))


@dataclass(slots=True)
class _MergedRange:
    """Bytes of one request, and the requested ranges within them."""

    start: int
    stop: int
    ranges: list[ByteRange]


def _merge_ranges(ranges: Sequence[ByteRange]) -> list[_MergedRange]:
    """Return the ranges in order, with adjacent ones merged."""
    merged: list[_MergedRange] = []
    for offset, length in sorted(ranges):
        if merged and offset <= merged[-1].stop + _MERGE_GAP:
            merged[-1].stop = max(merged[-1].stop, offset + length)
            merged[-1].ranges.append((offset, length))
        else:
            merged.append(_MergedRange(offset, offset + length, [(offset, length)]))
    return merged
