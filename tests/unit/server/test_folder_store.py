"""Folder store: files appear when they are complete, and a failed attempt leaves none."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import fcntl
import hashlib
import mmap
import os
from typing import TYPE_CHECKING, Any

import obstore
import pytest
from obstore.store import LocalStore

from landbridge.stac_api.assets import folder_store
from landbridge.stac_api.assets.direct_io import BLOCK, into_blocks
from landbridge.stac_api.assets.ordered_executor import OrderedExecutor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


async def pieces(*sizes: int) -> AsyncIterator[bytes]:
    for number, size in enumerate(sizes):
        yield bytes([number % 256]) * size


def joined(*sizes: int) -> bytes:
    return b"".join(bytes([number % 256]) * size for number, size in enumerate(sizes))


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("sizes", [(), (0,), (1,), (7, 0, 2**20, 3), (2**16,) * 1100, (1,) * 1500])
def test_a_stream_becomes_a_file(tmp_path: Path, sizes: tuple[int, ...], direct: bool) -> None:
    target = tmp_path / "a" / "b" / "data"
    assert asyncio.run(folder_store.write(target, into_blocks(pieces(*sizes)), direct=direct)) == sum(sizes)
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(joined(*sizes)).digest()
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 9 * BLOCK + 5000])
def test_a_file_is_read_once_from_its_start_to_its_end(tmp_path: Path, size: int) -> None:
    target = tmp_path / "data"
    target.write_bytes(data := os.urandom(size))

    async def run() -> tuple[bytes, int]:
        digest, most = hashlib.sha256(), 0
        async with OrderedExecutor() as behind:
            async for block in folder_store.read_once(target.open("rb", buffering=0)):
                most = max(most, len(block))
                await behind.submit(digest.update, block)
            await behind.finish()
        return digest.digest(), most

    assert asyncio.run(run()) == (hashlib.sha256(data).digest(), min(size, BLOCK))


def test_the_file_does_not_exist_before_the_last_byte(tmp_path: Path) -> None:
    target = tmp_path / "data"

    async def watched() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield bytes(2**20)
            assert not target.exists()
            assert not [entry for chunk in obstore.list(LocalStore(tmp_path)) for entry in chunk]

    assert asyncio.run(folder_store.write(target, into_blocks(watched()))) == 3 * 2**20


def test_an_interrupted_stream_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "data"
    target.write_bytes(b"before")

    async def broken() -> AsyncIterator[bytes]:
        yield bytes(2**21)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        asyncio.run(folder_store.write(target, into_blocks(broken())))
    assert target.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_cancelled_write_leaves_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        begun = asyncio.Event()

        async def endless() -> AsyncIterator[bytes]:
            while True:
                begun.set()
                yield bytes(2**20)

        writing = asyncio.create_task(folder_store.write(tmp_path / "data", into_blocks(endless())))
        await begun.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing

    asyncio.run(run())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("direct", [False, True])
def test_a_full_disk_is_an_error_and_leaves_nothing(small_disk: Path, direct: bool) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        asyncio.run(
            folder_store.write(small_disk / "data", into_blocks(pieces(*[2**20] * 20)), direct=direct)
        )
    assert caught.value.errno == errno.ENOSPC
    assert list(small_disk.iterdir()) == []


@pytest.mark.parametrize("direct", [False, True])
def test_a_partial_write_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, direct: bool) -> None:
    whole = os.write
    # No disk accepts such parts of a block by direct I/O.
    monkeypatch.setattr(os, "write", lambda file, block: whole(file, block[: len(block) // 2 + 1]))
    sizes = (2**20, 5, 1, 300, 2**20, 7)
    asyncio.run(folder_store.write(tmp_path / "data", into_blocks(pieces(*sizes)), direct=direct))
    assert (tmp_path / "data").read_bytes() == joined(*sizes)


def test_a_partial_read_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = os.preadv
    monkeypatch.setattr(
        os, "preadv", lambda file, buffers, start: whole(file, [buffers[0][: BLOCK // 2 + 1]], start)
    )
    (tmp_path / "data").write_bytes(data := os.urandom(3 * BLOCK + 7))

    async def run() -> bytes:
        scanned = folder_store.read_once((tmp_path / "data").open("rb", buffering=0))
        return b"".join([bytes(block) async for block in scanned])

    assert asyncio.run(run()) == data


async def size_by_scan(path: Path) -> int:
    return sum([len(block) async for block in folder_store.read_once(path.open("rb", buffering=0))])


@pytest.mark.skipif(not hasattr(os, "O_DIRECT"), reason="the system has no direct writes")
def test_without_direct_io_files_are_written_by_the_page_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control = fcntl.fcntl
    refused = []

    def refusing(file: int, command: int, argument: int = 0) -> int:
        if command == fcntl.F_SETFL and argument & os.O_DIRECT:
            refused.append(argument)
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return control(file, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", refusing)
    sizes = (2**20,) * 5 + (3,)
    asyncio.run(folder_store.write(tmp_path / "data", into_blocks(pieces(*sizes)), direct=True))
    assert (tmp_path / "data").read_bytes() == joined(*sizes)
    assert len(refused) == 1
    assert asyncio.run(size_by_scan(tmp_path / "data")) == sum(sizes)
    assert len(refused) == 2


def is_cached(path: Path) -> bool:
    """Return whether the start of a file is in the page cache (mincore(2)).

    A read with `RWF_NOWAIT` is no measure: it starts the reading, and on a fast disk finds the data
    that it asked for.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as pages:
        start = ctypes.c_char.from_buffer(pages)
        resident = ctypes.c_ubyte()
        failed = ctypes.CDLL(None, use_errno=True).mincore(
            ctypes.c_void_p(ctypes.addressof(start)), ctypes.c_size_t(mmap.PAGESIZE), ctypes.byref(resident)
        )
        del start
    assert not failed, os.strerror(ctypes.get_errno())
    return bool(resident.value & 1)


@pytest.fixture
def direct_disk(tmp_path: Path) -> Path:
    """Folder on a disk that supports direct I/O; most do."""
    try:
        descriptor = os.open(tmp_path / "probe", os.O_WRONLY | os.O_CREAT | os.O_DIRECT)
        os.write(descriptor, mmap.mmap(-1, 2**16))
        os.close(descriptor)
        if not is_cached(tmp_path / "probe"):
            return tmp_path
    except (AttributeError, OSError) as error:
        pytest.skip(f"no direct writes here: {error!r}")
    pytest.skip("no direct writes here: the files are kept in memory")


@pytest.mark.parametrize("direct", [False, True])
def test_direct_writes_do_not_fill_the_page_cache(direct_disk: Path, direct: bool) -> None:
    target = direct_disk / "data"
    asyncio.run(folder_store.write(target, into_blocks(pieces(2**21, 5)), direct=direct))
    assert is_cached(target) is not direct


def test_direct_reads_do_not_fill_the_page_cache(direct_disk: Path) -> None:
    target = direct_disk / "data"
    asyncio.run(folder_store.write(target, into_blocks(pieces(2**21, 5)), direct=True))
    assert asyncio.run(size_by_scan(target)) == 2**21 + 5
    assert not is_cached(target)


@pytest.mark.parametrize("way", ["move", "write"])
def test_a_file_appears_in_a_folder_that_is_removed_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """The store removes a folder with its last file, while another file is on its way into it."""
    (file := tmp_path / "file").write_bytes(b"12345")
    target = tmp_path / "images" / "p" / "file"
    make, removed = type(target).mkdir, []

    def make_and_remove(folder: Path, *args: Any, **options: Any) -> None:
        make(folder, *args, **options)
        if len(removed) < 4:
            folder.rmdir()
            removed.append(folder)

    monkeypatch.setattr(type(target), "mkdir", make_and_remove)
    if way == "move":
        assert folder_store.move(file, target)
    else:
        asyncio.run(folder_store.write(target, into_blocks(pieces(5)), direct=False))
    assert target.stat().st_size == 5
    assert removed == [target.parent.parent] * 4
    with pytest.raises(FileNotFoundError):
        folder_store.move(tmp_path / "none", target)


def test_a_file_is_moved_on_the_same_disk_only(tmp_path: Path, small_disk: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"x")
    assert not folder_store.move(file, small_disk / "a" / "file")
    assert folder_store.move(file, tmp_path / "a" / "file")
    assert (tmp_path / "a" / "file").read_bytes() == b"x"
    assert not file.exists()
