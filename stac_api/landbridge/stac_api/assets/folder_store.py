"""Atomic, durable writes into a store that is a folder.

obstore's own put does not flush to the disk, so an item could survive a power failure without its data.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import mmap
import os
import secrets
from typing import IO, TYPE_CHECKING, TypeVar

from landbridge.stac_api.assets.direct_io import BLOCK, BlockReader, BlockWriter
from landbridge.stac_api.assets.ordered_executor import MAX_PENDING, OrderedExecutor
from landbridge.stac_api.core.files import Replacement, sync

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

CHUNK = 2**20  # bytes that are read at once
_FLUSHED = 32 * 2**20  # bytes between flushes, which run while more bytes arrive
_TRIES = 10
T = TypeVar("T")
_sync_data = getattr(os, "fdatasync", os.fsync)


async def write(target: Path, content: AsyncIterator[memoryview], *, direct: bool = False) -> int:
    """Write blocks into a file that appears when it is complete; return its size in bytes.

    With `direct` they go past the page cache, for files that are not read soon.
    """
    replacement = Replacement(target, temporary_path(target))
    file = await asyncio.to_thread(_in_folder, target.parent, replacement.open)
    size = flushed = 0
    try:
        with file:
            writer = BlockWriter(file.fileno(), direct=direct)
            # Both executors end before their file is closed.
            async with OrderedExecutor() as writing, OrderedExecutor() as flushing:
                async for block in content:
                    await writing.submit(writer.write, block)
                    size += len(block)
                    if size - flushed >= _FLUSHED:
                        flushed = size
                        await flushing.submit(_flush, file.fileno(), writer)
                await writing.finish()
                await flushing.submit(os.fsync, file.fileno())
                await flushing.finish()
        await asyncio.to_thread(replacement.commit, durable=True)
    except BaseException:
        replacement.discard()
        raise
    return size


def temporary_path(target: Path) -> Path:
    """Return a path for an incomplete file, as obstore names its own: it does not list them."""
    return target.with_name(f"{target.name}#{secrets.randbelow(10**12)}")


async def read(file: IO[bytes], start: int, end: int) -> AsyncIterator[bytes]:
    """Yield the bytes of a file from `start` up to `end` in chunks, then close it."""
    with file:
        file.seek(start)
        while start < end and (chunk := await asyncio.to_thread(file.read, min(CHUNK, end - start))):
            start += len(chunk)
            yield chunk


async def read_once(file: IO[bytes]) -> AsyncIterator[memoryview]:
    """Yield all bytes of a file in blocks past the page cache, for reading them once, then close the file.

    The buffer of a block is reused after `MAX_PENDING` more.
    """
    with file:
        reader = BlockReader(file.fileno())
        buffers = [memoryview(mmap.mmap(-1, BLOCK)) for _ in range(MAX_PENDING + 1)]
        for buffer in itertools.cycle(buffers):
            if not (size := await asyncio.to_thread(reader.read, buffer)):
                return
            yield buffer[:size]


def move(file: Path, target: Path) -> bool:
    """Move a file into the folder; return False if it is on another disk."""
    try:
        _in_folder(target.parent, lambda: file.replace(target))
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    for path in (target, target.parent):
        sync(path)
    return True


def _in_folder(folder: Path, make: Callable[[], T]) -> T:
    """Make a file in a folder; try again if another call removes the folder, which is empty, meanwhile."""
    for _ in range(_TRIES - 1):
        with contextlib.suppress(FileNotFoundError):
            folder.mkdir(parents=True, exist_ok=True)
            return make()
    folder.mkdir(parents=True, exist_ok=True)
    return make()


def _flush(descriptor: int, writer: BlockWriter) -> None:
    if not writer.direct:
        _sync_data(descriptor)
