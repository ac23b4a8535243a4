"""Data of blobs is stored completely and as announced, or not at all, in a store other than a folder."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from starlette.exceptions import HTTPException

from landbridge.mappings import InvalidDocument, blob
from landbridge.stac_api.assets.store import AssetStore, is_served
from landbridge.stac_api.blobs import checksums, data_upload
from landbridge.stac_api.errors import BadRequestError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DATA = [b"a" * 1000, b"", b"b" * 500]
MD5 = hashlib.md5(b"".join(DATA), usedforsecurity=False).hexdigest()


async def chunks() -> AsyncIterator[bytes]:
    for chunk in DATA:
        yield chunk


def received(
    store: AssetStore, wanted: data_upload.DataProperties, limit: int = 10**6, data: Any = None
) -> Any:
    async def run() -> tuple[Any, list[str]]:
        path = store.new_blob("data")
        try:
            outcome: Any = await data_upload.receive(
                store, path, data or chunks(), wanted, limit, store.delete_blob
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be left
            outcome = error
        return outcome, list(await store.sizes("blobs/"))

    return asyncio.run(run())


@pytest.fixture(params=["memory", "folder"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> AssetStore:
    return AssetStore("memory:///" if request.param == "memory" else tmp_path.as_uri())


@pytest.mark.parametrize("wanted", [(None, None), (1500, None), (1500, MD5), (None, MD5)])
def test_announced_data_is_stored(store, wanted):
    outcome, paths = received(store, data_upload.DataProperties(*wanted))
    assert outcome == data_upload.DataProperties(1500, MD5)
    assert len(paths) == 1
    asyncio.run(store.delete_blob(paths[0]))
    assert asyncio.run(store.sizes("blobs/")) == {}


@pytest.mark.parametrize(
    ("wanted", "md5"), [((1500, None), None), ((1500, MD5), MD5), ((None, MD5), MD5), ((None, None), MD5)]
)
def test_large_data_without_an_announced_md5_is_not_hashed(store, monkeypatch, wanted, md5):
    monkeypatch.setattr(blob, "DEFERRED_HASH_BYTES", 1499)
    assert received(store, data_upload.DataProperties(*wanted))[0] == data_upload.DataProperties(1500, md5)


@pytest.mark.parametrize("size", [1450, 1600])
def test_large_data_of_another_size_leaves_nothing(store, monkeypatch, size):
    monkeypatch.setattr(blob, "DEFERRED_HASH_BYTES", 1400)
    outcome, paths = received(store, data_upload.DataProperties(size, None))
    assert isinstance(outcome, BadRequestError)
    assert paths == []


@pytest.mark.parametrize("size", [1499, 1500, 1501])
def test_the_hash_of_an_object_covers_all_its_data(store, size):
    async def run() -> Any:
        path = store.new_blob("data")
        gone = await checksums.digest(store, path, size)
        await store.put(path, chunks())
        return gone, await checksums.digest(store, path, size)

    # An object of another size is not the stored one.
    assert asyncio.run(run()) == (None, MD5 if size == 1500 else None)


@pytest.mark.parametrize(
    ("wanted", "limit", "error"),
    [
        ((1499, None), 10**6, BadRequestError),
        ((1501, None), 10**6, BadRequestError),
        ((None, "0" * 32), 10**6, BadRequestError),
        ((None, None), 1200, HTTPException),
    ],
)
def test_data_other_than_announced_is_deleted(store, wanted, limit, error):
    outcome, paths = received(store, data_upload.DataProperties(*wanted), limit)
    assert isinstance(outcome, error)
    assert paths == []


def test_interrupted_data_leaves_nothing(store):
    async def broken() -> AsyncIterator[bytes]:
        yield b"a" * 1000
        raise ConnectionResetError

    outcome, paths = received(store, data_upload.DataProperties(None, None), data=broken())
    assert isinstance(outcome, Exception)
    assert paths == []


def test_an_error_of_the_store_is_reported(tmp_path):
    store = AssetStore(tmp_path.as_uri())
    (tmp_path / "blobs").write_text("no folder")

    async def run() -> None:
        path = store.new_blob("data")
        await data_upload.receive(
            store, path, chunks(), data_upload.DataProperties(None, None), 10**6, store.delete_blob
        )

    with pytest.raises(UnavailableError, match="store"):
        asyncio.run(run())


@pytest.mark.parametrize("asset", [{"file:size": -1}, {"file:size": True}, {"catalog:hash": "zz"}, []])
def test_an_invalid_size_or_hash_is_reported(asset):
    with pytest.raises(InvalidDocument):
        data_upload.expected({"assets": {"data": asset or "x"}})


def test_the_announced_size_is_compared_with_the_items():
    item: dict[str, Any] = {"assets": {"data": {"file:size": 5}}}
    with pytest.raises(BadRequestError, match="size_bytes"):
        data_upload.announce(item, 6, 100)
    with pytest.raises(BadRequestError, match="size"):
        data_upload.announce(item, "5", 100)
    with pytest.raises(HTTPException):
        data_upload.announce({}, 101, 100)
    item = {}
    data_upload.announce(item, 7, 100)
    assert data_upload.expected(item).size == 7


def test_only_files_of_items_are_served():
    assert is_served(AssetStore("memory:///").new_blob("data"))
    for path in ("blobs", "uploads/1/0", "blobs/../uploads/1/0", "blobs//x", "x/blobs/y"):
        assert not is_served(path)
