"""Byte-range reads over HTTP and S3."""

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock

from landbridge.raster.errors import GdalOnlyError, StaleHeaderError
from landbridge.raster.io.address_key import address_key
from landbridge.raster.io.connection import LOGIN_PAGE, Connection, Version, is_web_page
from landbridge.raster.io.file_protocol import ByteRange, FileChangedError, RangeReader
from landbridge.raster.io.read_ahead import Answer, Budget, ReadAhead

# Largest gap in bytes between ranges that share a request: on most connections the extra bytes take less time
# than a round trip.
_MERGE_GAP = 64 * 2**10


# Size in bytes of the first request; holds the directory of most COGs.
_HEAD_BYTES = 32 * 2**10


# Largest number of concurrent range requests of one process: for what is needed now, and for what will be.
_MAX_REQUESTS, _MAX_REQUESTS_AHEAD = 32, 32


# Byte that is asked for if nothing but the version of a file is needed.
CONFIRMING: ByteRange = (0, 1)


class Confirmation:
    """State of a file that was opened by a kept header: not known yet, the current version, or another one.

    Threads share it. As soon as one of them has got data of the version, the header was the current one, and
    a later change is a change during the call.
    """

    def __init__(self) -> None:
        self._is_current: bool | None = None
        self._lock = Lock()

    @property
    def is_pending(self) -> bool:
        """True if no answer of the server has been compared yet."""
        return self._is_current is None

    def accept(self) -> None:
        """Note that data of the version was received. StaleHeaderError if other data was received before."""
        with self._lock:
            if self._is_current is False:
                raise StaleHeaderError
            self._is_current = True

    def check(self) -> None:
        """Raise StaleHeaderError if the file has another version."""
        if self._is_current is False:
            raise StaleHeaderError

    def reject(self) -> None:
        """Note that the file has another version. StaleHeaderError if no data was received before."""
        with self._lock:
            if not self._is_current:
                self._is_current = False
                raise StaleHeaderError


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """File behind HTTP or in S3; `head` are its first bytes.

    If it was opened by a kept header, the first read gives the `confirmation` that the header is still right.
    The address may be signed, so `repr` omits it.
    """

    address: str = field(repr=False)
    connection: Connection = field(repr=False)
    version: Version
    head: bytes = field(repr=False)
    confirmation: Confirmation | None = field(default=None, repr=False, compare=False)
    ahead: ReadAhead = field(default_factory=ReadAhead, repr=False, compare=False)
    remote: bool = True
    place: str = ""

    @property
    def key(self) -> tuple[object, ...]:
        """Digest of the address without its signature, and version of the file."""
        return (self.place, self.version)

    @property
    def is_settled(self) -> bool:
        """True if the version has an ETag that tells each byte."""
        return bool(self.version.condition)

    @property
    def is_unconfirmed(self) -> bool:
        """True if the file was opened by a kept header that no read has confirmed yet."""
        return self.confirmation is not None and self.confirmation.is_pending

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.version.size

    def read(self, ranges: Sequence[ByteRange]) -> Iterator[tuple[ByteRange, memoryview]]:
        """Yield the bytes of ranges; adjacent ranges share a request, and all requests run concurrently."""
        ahead, others = self.ahead.take(ranges)
        merged = _merge_ranges(others)
        if len(merged) == 1 and not ahead:
            yield from self._get_merged(*merged)
            return
        sent = [_pool(os.getpid()).submit(self._get_merged, merged_range) for merged_range in merged]
        try:
            for answer in as_completed([*sent, *ahead]):
                yield from self._wanted(answer, ahead.get(answer))
        finally:
            for answer in sent:
                answer.cancel()

    def read_ahead(self, ranges: Iterable[ByteRange], budget: Budget) -> None:
        """Request ranges that `read` will be asked for, and return at once."""
        self.ahead.start(ranges, budget, self._send)

    def _send(self, ranges: Sequence[ByteRange]) -> list[tuple[Answer, list[ByteRange]]]:
        pool = _ahead_pool(os.getpid())
        return [(pool.submit(self._get_merged, merged), merged.ranges) for merged in _merge_ranges(ranges)]

    def _wanted(self, answer: Answer, wanted: set[ByteRange] | None) -> list[tuple[ByteRange, memoryview]]:
        """Return the ranges of an answer that are wanted; None: all."""
        try:
            pairs = answer.result()
        except CancelledError:
            # Another call that had read ahead has ended.
            return [pair for merged in _merge_ranges(list(wanted or ())) for pair in self._get_merged(merged)]
        return pairs if wanted is None else [pair for pair in pairs if pair[0] in wanted]

    def _get_merged(self, merged_range: "_MergedRange") -> list[tuple[ByteRange, memoryview]]:
        data = self._get_current((merged_range.start, merged_range.stop))
        return [
            ((offset, length), data[offset - merged_range.start : offset - merged_range.start + length])
            for offset, length in merged_range.ranges
        ]

    def confirm(self) -> None:
        """Ask for a byte if the file was opened by a kept header that no read has confirmed yet."""
        if self.confirmation is None:
            return
        if self.confirmation.is_pending:
            # It may be on its way already.
            for _ in self.read([CONFIRMING]):
                pass
        else:
            self.confirmation.check()

    def check_current(self) -> None:
        """Ask for a byte; raise FileChangedError or StaleHeaderError if the file has another version."""
        self._get_current((0, 1))

    def _get_current(self, span: tuple[int, int]) -> memoryview:
        """Return the bytes of a span of this version of the file.

        Raises:
            StaleHeaderError: if the file was opened by a kept header, and has another version.
            FileChangedError: if the file has changed since it was opened.
        """
        try:
            version, data = self._get(span)
        except FileChangedError:
            version = None
        except OSError as error:
            # Shorter than the range, for a server that does not support conditions.
            if self.confirmation is None or "416" not in str(error):
                raise
            version = None
        # Not all servers support conditional requests.
        if version != self.version:
            if self.confirmation is not None:
                self.confirmation.reject()
            raise FileChangedError
        if self.confirmation is not None:
            self.confirmation.accept()
        return data

    def _get(self, span: tuple[int, int]) -> tuple[Version, memoryview]:
        try:
            return self.connection.get(span, self.version.condition)
        except GdalOnlyError:
            # The server answered the first request otherwise.
            raise OSError("the server does not answer requests for ranges any more") from None

    def reader(self) -> AbstractContextManager[RangeReader]:
        """Return a context with `read`; the store keeps its connections."""
        return nullcontext(self.read)


def open_remote(address: str) -> RemoteFile | None:
    """Open a file behind HTTP or in S3 or Azure; return None if GDAL has to read it.

    Raises:
        OSError: if the server lacks the file, denies access or does not answer.
    """
    connection = Connection(address)
    try:
        version, head = connection.get((0, _HEAD_BYTES), {})
    except GdalOnlyError:
        return None
    if is_web_page(bytes(head[:64])):
        raise PermissionError(LOGIN_PAGE)
    return RemoteFile(address, connection, version, bytes(head), place=address_key(address))


@lru_cache(maxsize=1)
def _pool(_process: int) -> ThreadPoolExecutor:
    """Return the pool of request threads; keyed by process id, as a forked child has no threads."""
    return ThreadPoolExecutor(_MAX_REQUESTS, thread_name_prefix="landbridge-fetch")


@lru_cache(maxsize=1)
def _ahead_pool(_process: int) -> ThreadPoolExecutor:
    """Return the pool of threads that read ahead, so that requests for what is needed now need not wait."""
    return ThreadPoolExecutor(_MAX_REQUESTS_AHEAD, thread_name_prefix="landbridge-ahead")


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
