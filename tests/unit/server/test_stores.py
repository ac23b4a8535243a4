"""All kinds of stores behave alike: folder, S3, Google, and Azure if Azurite is installed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from landbridge.stac_api.assets.store import AssetStore
from support import object_stores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

MIB = 2**20
run = asyncio.run


@pytest.fixture(scope="module", params=["folder", "s3", "google", "azure"])
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if request.param == "azure" and object_stores.AZURITE is None:
        pytest.skip("Azurite is not installed (npm install --global azurite)")
    folder = {"LANDBRIDGE_STORE_URL": tmp_path_factory.mktemp("store").as_uri()}
    makers = {"google": object_stores.google, "azure": object_stores.azure}
    if request.param == "s3":
        folder = request.getfixturevalue("s3_server").environment()
    with makers.get(request.param, lambda: contextlib.nullcontext(folder))() as found:
        yield found


@pytest.fixture
def store(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[AssetStore]:
    """Empty store."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    made = AssetStore(environment["LANDBRIDGE_STORE_URL"])
    yield made
    for prefix in ("blobs/", "images/", "uploads/"):
        run(made.delete_under(prefix))
    assert run(made.sizes("")) == {}


async def mebibytes(count: int) -> AsyncIterator[bytes]:
    for number in range(count):
        yield bytes([number]) * MIB


def read(store: AssetStore, path: str, start: int, end: int) -> bytes:
    async def joined() -> bytes:
        return b"".join([bytes(chunk) async for chunk in await store.stream(path, start, end)])

    return run(joined())


def read_once(store: AssetStore, path: str) -> bytes:
    async def joined() -> bytes:
        return b"".join([bytes(piece) async for piece in await store.read_once(path)])

    return run(joined())


@pytest.mark.parametrize("count", [0, 1, 20])
def test_a_stream_is_read_back_whole_and_in_ranges(store: AssetStore, count: int) -> None:
    path = store.new_blob("data")
    seen: list[int] = []
    assert run(store.put(path, mebibytes(count), lambda block: seen.append(len(block)))) == count * MIB
    assert sum(seen) == count * MIB
    assert run(store.sizes("blobs/")) == {path: count * MIB}
    if count:
        assert read(store, path, 0, count * MIB) == b"".join(bytes([n]) * MIB for n in range(count))
        assert read(store, path, MIB - 2, MIB) == bytes([0, 0])
        assert read_once(store, path) == read(store, path, 0, count * MIB)


def test_an_interrupted_stream_leaves_nothing(store: AssetStore) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(20 * MIB)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        run(store.put(store.new_blob("data"), broken()))
    assert run(store.sizes("")) == {}


def test_files_are_stored_and_read(store: AssetStore, tmp_path: Path) -> None:
    file, scratch = tmp_path / "file.tif", tmp_path / "scratch"
    scratch.mkdir()
    file.write_bytes(b"pixels")
    paths = ["images/a b/c:ä/1/0.tif", "uploads/1/0"]
    run(store.put(paths[0], file))
    run(store.move_in(paths[1], file))
    assert run(store.sizes("")) == dict.fromkeys(paths, 6)
    assert [run(store.local_file(path, scratch)).read_bytes() for path in paths] == [b"pixels"] * 2


def test_a_deleted_object_is_missing_and_can_be_deleted_again(store: AssetStore, tmp_path: Path) -> None:
    path = store.new_blob("data")
    run(store.put(path, mebibytes(1)))
    run(store.delete(path, path))
    run(store.delete_blob(path))
    with pytest.raises(FileNotFoundError):
        read(store, path, 0, 1)
    with pytest.raises(FileNotFoundError):
        read_once(store, path)


def test_a_signed_url_suffices_for_reading_and_writing(store: AssetStore, tmp_path: Path) -> None:
    if not store.can_sign or store.url.startswith("gs:"):
        pytest.skip("the store or its test double cannot sign URLs")
    path = "uploads/1/0"
    run(store.put(path, mebibytes(1)))
    part = httpx.get(run(store.sign("GET", path, 600)), headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.content) == (206, bytes(10))
    if store.can_sign_uploads:
        httpx.put(run(store.sign("PUT", path, 600)), content=b"new").raise_for_status()
        assert run(store.sizes("uploads/")) == {path: 3}


def test_google_urls_are_signed_with_the_key_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = {"private_key": key.decode(), "private_key_id": "1", "client_email": "me@example.com"}
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT_KEY", json.dumps(account))
    store = AssetStore("gs://bucket/objects")
    url = httpx.URL(run(store.sign("PUT", "uploads/1/0", 600)))
    assert (url.host, url.path) == ("storage.googleapis.com", "/bucket/objects/uploads/1/0")
    assert url.params["X-Goog-Expires"] == "600"
    assert url.params["X-Goog-Credential"].startswith("me@example.com/")
    assert store.can_sign_uploads
