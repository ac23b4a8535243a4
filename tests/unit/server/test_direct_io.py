"""Blocks of a stream: none changes while an executor may still use it, and few buffers are used."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from typing import TYPE_CHECKING

import pytest

from landbridge.stac_api.assets.direct_io import BLOCK, into_blocks
from landbridge.stac_api.assets.ordered_executor import MAX_PENDING, OrderedExecutor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
@pytest.mark.parametrize("step", [1000, BLOCK - 1, BLOCK, 5 * BLOCK // 2])
def test_all_blocks_except_the_last_are_full(size: int, step: int) -> None:
    data = bytes(range(251)) * (size // 251 + 1)
    data = data[:size]

    async def run() -> list[bytes]:
        chunks = stream(b"", *(data[start : start + step] for start in range(0, size, step)), b"")
        return [bytes(block) async for block in into_blocks(chunks)]

    found = asyncio.run(run())
    assert b"".join(found) == data
    assert all(len(block) == BLOCK for block in found[:-1])
    assert all(found)


def test_executors_that_are_behind_get_every_block_unchanged() -> None:
    chunks = [bytes([number]) * BLOCK for number in range(20)]
    seen = [hashlib.sha256(), hashlib.sha256()]
    started = threading.Event()

    def slow(block: memoryview) -> None:
        started.wait()  # until the stream is as far ahead as possible
        seen[0].update(block)

    async def run() -> None:
        async with OrderedExecutor() as first, OrderedExecutor() as second:
            number = 0
            async for block in into_blocks(stream(*chunks)):
                if number == MAX_PENDING - 1:
                    asyncio.get_running_loop().call_soon(started.set)
                number += 1
                await first.submit(slow, block)
                await second.submit(seen[1].update, block)
            await first.finish()
            await second.finish()

    asyncio.run(run())
    expected = hashlib.sha256(b"".join(chunks)).digest()
    assert [digest.digest() for digest in seen] == [expected, expected]


def test_a_long_stream_uses_the_memory_of_a_short_one() -> None:
    async def run() -> set[int]:
        return {id(block.obj) async for block in into_blocks(stream(*[bytes(BLOCK)] * 50))}

    assert len(asyncio.run(run())) == MAX_PENDING + 1
