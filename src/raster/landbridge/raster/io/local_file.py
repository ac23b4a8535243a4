"""Byte-range reads of local files."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from landbridge.raster.io.file_protocol import ByteRange, FileChangedError, RangeReader
from landbridge.raster.runtime.thread_pools import scratch_buffer

# Coarsest step in nanoseconds of the times of changes (FAT).
_SETTLED_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class LocalFile:
    """Local file."""

    path: str
    stamp: tuple[int, ...]
    status_changed_ns: int = field(default=0, compare=False)
    remote: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """Path and file stamp of this version, and the time of its last change of any kind."""
        return (self.path, *self.stamp, self.status_changed_ns)

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.stamp[2]

    @property
    def is_settled(self) -> bool:
        """True if a later change of the file is sure to have another time: the clock has moved on since."""
        return time.time_ns() - max(self.stamp[3], self.status_changed_ns) > _SETTLED_NS

    @property
    def head(self) -> bytes:
        """Nothing: no byte was read yet."""
        return b""

    def read(self, ranges: Sequence[ByteRange]) -> Iterable[tuple[ByteRange, "bytes | memoryview"]]:
        """Return the bytes of ranges, in order."""
        with self.reader() as read:
            return read(ranges)

    def confirm(self) -> None:
        """Do nothing: the header was read just now."""

    def check_current(self) -> None:
        """Raise FileChangedError if the file has another stamp."""
        if file_stamp(os.stat(self.path)) != self.stamp:  # noqa: PTH116 - as it was opened
            raise FileChangedError

    @contextmanager
    def reader(self) -> Iterator[RangeReader]:
        """Open the file once; each read checks that it is unchanged."""
        file = os.open(self.path, os.O_RDONLY)
        try:
            yield partial(self.read_open, file)
        finally:
            os.close(file)

    def read_open(self, file: int, ranges: Sequence[ByteRange]) -> list[tuple[ByteRange, memoryview]]:
        """Read ranges by a file descriptor."""
        status = os.fstat(file)
        if status.st_nlink == 0:
            # The file was deleted or replaced, or the file system does not count links.
            status = os.stat(self.path)  # noqa: PTH116 - as it was opened
        if file_stamp(status) != self.stamp:
            raise FileChangedError
        # Page faults of new memory take as long as the read itself.
        buffer = scratch_buffer("stored", sum(length for _, length in ranges))
        parts, start = [], 0
        for offset, length in ranges:
            got = os.preadv(file, [buffer[start : start + length]], offset)
            parts.append(((offset, length), buffer[start : start + got]))
            start += length
        return parts


def file_stamp(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
