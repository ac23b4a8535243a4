"""Putting files into a store that is a folder: whole or not at all, and on the disk before that is told.

obstore's own put leaves it to the system when the bytes get to the disk, so that an item could survive a loss
of power and its data not.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

BLOCK = 2**20
_FLUSHED = 32 * 2**20  # bytes after which the disk is set to work, while more arrive
_TRIES = 10
_flush = getattr(os, "fdatasync", os.fsync)


async def blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of about a mebibyte: a body comes in many small ones."""
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size >= BLOCK:
            yield b"".join(parts)
            parts, size = [], 0
    if size:
        yield b"".join(parts)


async def write(target: Path, chunks: AsyncIterator[bytes]) -> int:
    """Write a stream into a file that appears with its last byte; gives its size."""
    # obstore lists no file whose name ends in a number sign and digits: such are its own on the way.
    fresh = target.with_name(f"{target.name}#{secrets.randbelow(10**12)}")
    file = await asyncio.to_thread(_opened, fresh)
    size = flushed = 0
    flushing = _nothing()
    try:
        with file:
            try:
                async for block in blocks(chunks):
                    await _finished(_start(_write, file, block))
                    size += len(block)
                    if size - flushed >= _FLUSHED:
                        await flushing
                        flushed, flushing = size, _start(_flush, file.fileno())
                await flushing
                await _finished(_start(os.fsync, file.fileno()))
            finally:
                await asyncio.wait({flushing})  # before its file is closed
        await asyncio.to_thread(_place, fresh, target)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    return size


def _start(call: Callable[..., None], *arguments: Any) -> asyncio.Future[None]:
    return asyncio.get_running_loop().run_in_executor(None, call, *arguments)


def _nothing() -> asyncio.Future[None]:
    done = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


async def _finished(call: asyncio.Future[None]) -> None:
    """Wait for what a thread does, even if nobody wants it any more: its file must not be closed under it."""
    try:
        await asyncio.shield(call)
    except asyncio.CancelledError:
        await asyncio.wait({call})
        raise


async def read(file: IO[bytes], start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes of a file from `start` up to `end`, in blocks; it is closed afterwards."""
    with file:
        file.seek(start)
        while start < end and (block := await asyncio.to_thread(file.read, min(BLOCK, end - start))):
            start += len(block)
            yield block


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


def _write(file: IO[bytes], block: bytes) -> None:
    left = memoryview(block)
    while left:
        left = left[file.write(left) :]


def _place(fresh: Path, target: Path) -> None:
    fresh.replace(target)
    _sync(target.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
