"""A store that is a folder: files appear whole, and an attempt that fails leaves none."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
from typing import TYPE_CHECKING

import obstore
import pytest
from obstore.store import LocalStore

from landbridge.stac_api.assets import folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


async def pieces(*sizes: int) -> AsyncIterator[bytes]:
    for number, size in enumerate(sizes):
        yield bytes([number % 256]) * size


@pytest.mark.parametrize("sizes", [(), (0,), (1,), (7, 0, 2**20, 3), (2**16,) * 1100, (1,) * 1500])
def test_a_stream_becomes_a_file(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    target = tmp_path / "a" / "b" / "data"
    assert asyncio.run(folder.write(target, pieces(*sizes))) == sum(sizes)
    expected = b"".join(bytes([number % 256]) * size for number, size in enumerate(sizes))
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(expected).digest()
    assert list(target.parent.iterdir()) == [target]


def test_nothing_is_there_before_the_last_byte(tmp_path: Path) -> None:
    target = tmp_path / "data"

    async def watched() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(2**20)
            assert not target.exists()
            assert not [entry for chunk in obstore.list(LocalStore(tmp_path)) for entry in chunk]

    assert asyncio.run(folder.write(target, watched())) == 3 * 2**20


def test_a_stream_that_breaks_off_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "data"
    target.write_bytes(b"before")

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(2**21)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        asyncio.run(folder.write(target, broken()))
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_that_is_canceled_leaves_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        begun = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            while True:
                begun.set()
                yield bytes(2**20)

        writing = asyncio.create_task(folder.write(tmp_path / "data", endless()))
        await begun.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_and_leaves_nothing(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        asyncio.run(folder.write(small_disk / "data", pieces(*[2**20] * 20)))
    assert caught.value.errno == errno.ENOSPC
    assert list(small_disk.iterdir()) == []


def test_a_write_cut_short_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.writev
    monkeypatch.setattr(
        folder.os, "writev", lambda file, parts: whole(file, [memoryview(parts[0])[: len(parts[0]) // 2 + 1]])
    )
    sizes = (5, 1, 300, 7)
    asyncio.run(folder.write(tmp_path / "data", pieces(*sizes)))
    expected = b"".join(bytes([number]) * size for number, size in enumerate(sizes))
    assert (tmp_path / "data").read_bytes() == expected


def test_a_file_is_moved_on_its_own_disk_and_left_on_another(tmp_path: Path, small_disk: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    assert not folder.move(file, small_disk / "a" / "file")
    assert folder.move(file, tmp_path / "a" / "file")
    assert (tmp_path / "a" / "file").read_bytes() == b"x"
    assert not file.exists()
