"""The bytes of a stream in blocks, and blocks to and from a file: past the page cache where that is wanted.

For each page the system's cache finds and clears memory, which can cost more than all else that is done with
the bytes. Those written directly ("O_DIRECT") go from their buffer to the disk, and those read so come
back the same way.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from typing import TYPE_CHECKING

from landbridge.stac_api.assets.ordered_executor import DEPTH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["BLOCK", "BlockReader", "BlockWriter", "blocks"]

# Of direct writes the place in memory and in the file, and the size, are multiples of the disk's own blocks.
# Of half the size, to hand them to threads costs a tenth more; larger ones gain little and take more memory.
BLOCK = 2 * 2**20
_DIRECT: int = getattr(os, "O_DIRECT", 0)  # macOS has none


async def blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[memoryview]:
    """The stream in blocks of `BLOCK` bytes, of which the last may be shorter.

    A block stays as it is while `DEPTH` more are taken, which is how far lanes are behind; then its buffer is
    used again. A body comes in many small chunks: what is done with each costs more than to copy them.
    """
    buffers: list[memoryview] = []
    number = filled = 0
    async for chunk in chunks:
        rest = memoryview(chunk)
        while rest:
            if number == len(buffers):
                buffers.append(memoryview(mmap.mmap(-1, BLOCK)))
            taken = min(len(rest), BLOCK - filled)
            buffers[number][filled : filled + taken] = rest[:taken]
            rest = rest[taken:]
            filled += taken
            if filled == BLOCK:
                yield buffers[number]
                number = (number + 1) % (DEPTH + 1)
                filled = 0
    if filled:
        yield buffers[number][:filled]


class BlockWriter:
    """Writes blocks to the end of a new file, whole ones directly where that is wanted and can be done."""

    def __init__(self, descriptor: int, *, direct: bool) -> None:
        self._descriptor = descriptor
        self._wanted = direct and _DIRECT != 0
        self.direct = False
        """Whether the last write was one."""

    def write(self, block: memoryview) -> None:
        self._set_direct(self._wanted and len(block) == BLOCK)
        while block:
            try:
                block = block[os.write(self._descriptor, block) :]
            except OSError as error:
                if error.errno != errno.EINVAL or not self.direct:
                    raise
                # The disk's blocks are larger than a page, or a write ended within one.
                self._wanted = False
                self._set_direct(False)

    def _set_direct(self, direct: bool) -> None:
        if direct == self.direct:
            return
        if _switch(self._descriptor, direct=direct):
            self.direct = direct
        else:
            self._wanted = False


class BlockReader:
    """Reads a file from its start in blocks, directly where that can be done."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._offset = 0
        self._direct = _DIRECT != 0 and _switch(descriptor, direct=True)

    def read(self, block: memoryview) -> int:
        """Fill a block of `BLOCK` bytes, at the end less of it; gives the number of bytes."""
        try:
            size = os.preadv(self._descriptor, [block], self._offset)
        except OSError as error:
            if error.errno != errno.EINVAL or not self._direct:
                raise
            # The disk's blocks are larger than a page, or a read ended within one, as at the file's end.
            self._direct = False
            _switch(self._descriptor, direct=False)
            size = os.preadv(self._descriptor, [block], self._offset)
        self._offset += size
        return size


def _switch(descriptor: int, *, direct: bool) -> bool:
    """Turn direct reads and writes on or off; whether the file system has them."""
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | _DIRECT if direct else flags & ~_DIRECT)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return False
    return True
