"""Putting files into a store that is a folder: whole or not at all, and on the disk before that is told.

obstore's own put leaves it to the system when the bytes get to the disk, so that an item could survive a loss
of power and its data not.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import mmap
import os
import secrets
from typing import IO, TYPE_CHECKING

from landbridge.stac_api.assets.direct_io import BLOCK, BlockReader, BlockWriter
from landbridge.stac_api.assets.ordered_executor import MAX_PENDING, OrderedExecutor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CHUNK = 2**20  # bytes that are read at once
_FLUSHED = 32 * 2**20  # bytes after which the disk is set to work, while more arrive
_TRIES = 10
_sync_data = getattr(os, "fdatasync", os.fsync)


async def write(target: Path, content: AsyncIterator[memoryview], *, direct: bool = False) -> int:
    """Write blocks into a file that appears with the last of them; gives its size.

    With `direct` they go past the page cache: for what is not read soon.
    """
    # obstore lists no file whose name ends in a number sign and digits: such are its own on the way.
    fresh = target.with_name(f"{target.name}#{secrets.randbelow(10**12)}")
    file = await asyncio.to_thread(_opened, fresh)
    size = flushed = 0
    try:
        with file:
            writer = BlockWriter(file.fileno(), direct=direct)
            # Both end before their file is closed.
            async with OrderedExecutor() as writing, OrderedExecutor() as flushing:
                async for block in content:
                    await writing.add(writer.write, block)
                    size += len(block)
                    if size - flushed >= _FLUSHED:
                        flushed = size
                        await flushing.add(_flush, file.fileno(), writer)
                await writing.done()
                await flushing.add(os.fsync, file.fileno())
                await flushing.done()
        await asyncio.to_thread(_place, fresh, target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return size


async def read(file: IO[bytes], start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes of a file from `start` up to `end`, in chunks; it is closed afterwards."""
    with file:
        file.seek(start)
        while start < end and (chunk := await asyncio.to_thread(file.read, min(CHUNK, end - start))):
            start += len(chunk)
            yield chunk


async def scan(file: IO[bytes]) -> AsyncIterator[memoryview]:
    """All bytes of a file, in blocks past the page cache: for who reads them once. It is closed afterwards.

    A block stays as it is while `MAX_PENDING` more are taken.
    """
    with file:
        reader = BlockReader(file.fileno())
        buffers = [memoryview(mmap.mmap(-1, BLOCK)) for _ in range(MAX_PENDING + 1)]
        for buffer in itertools.cycle(buffers):
            if not (size := await asyncio.to_thread(reader.read, buffer)):
                return
            yield buffer[:size]


def move(file: Path, target: Path) -> bool:
    """Move a file to its place; whether that could be done, which it can't be from another disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    for path in (target, target.parent):
        _sync(path)
    return True


def _opened(path: Path) -> IO[bytes]:
    for attempt in range(_TRIES):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return path.open("xb", buffering=0)
        except FileNotFoundError:  # the folder was empty, and somebody has cleared it away
            if attempt == _TRIES - 1:
                raise
    raise AssertionError  # the loop returns or raises


def _flush(descriptor: int, writer: BlockWriter) -> None:
    if not writer.direct:
        _sync_data(descriptor)


def _place(fresh: Path, target: Path) -> None:
    fresh.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
