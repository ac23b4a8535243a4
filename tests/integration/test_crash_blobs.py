"""Blobs survive a killed API and a killed PostgreSQL: each is complete, or missing."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from landbridge.mappings import blob
from landbridge.stac_api.assets.store import AssetStore
from landbridge.stac_api.blobs import deletion
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.embedded.stack import up
from landbridge.stac_api.pgstac import pools

from .test_crash_uploads import Caller, call, kill_api, kill_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from landbridge.stac_api.embedded.home_directory import Home
    from landbridge.stac_api.embedded.stack import Stack

pytestmark = pytest.mark.usefixtures("installation")
__all__ = ["call"]

DATA = bytes(range(256)) * 2**15


async def _clean_up(stack: Stack) -> None:
    """Run the cleanup of days after the last upload."""
    settings = Settings(database_url=stack.database, store_url=stack.store.as_uri())
    read, write = await pools.open_pools(settings)
    try:
        await write.execute("UPDATE landbridge.blob_uploads SET modified = now() - interval '2 days'")
        store = AssetStore(settings.store_url)
        await deletion.clean_up(write, store)
    finally:
        await read.close()
        await write.close()


@pytest.mark.parametrize("kill", [kill_api, kill_postgres])
def test_a_kill_during_a_blobs_upload_leaves_no_partial_blob(
    call: Caller, kill: Callable[[Home], None]
) -> None:
    item = blob.to_stac({"storage_type": "data", "namespace": "local:crash", "name": kill.__name__})
    place = f"/collections/{item['collection']}/items/{item['id']}"
    upload = call("POST", "/blobs", json={"item": item}).json()["id"]
    half = len(DATA) // 2

    def breaking() -> Iterator[bytes]:
        yield DATA[:half]
        kill(call.home)
        yield DATA[half:]

    stack = up(call.home)
    headers = {"Authorization": f"Bearer {stack.token}"}
    try:
        first: Any = httpx.put(f"{stack.url}/blobs/uploads/{upload}", content=breaking(), headers=headers)
    except httpx.TransportError:
        first = None
    if first is None or first.status_code != 201:
        assert call("GET", place).status_code == 404
    again = call("PUT", f"/blobs/uploads/{upload}", content=DATA)
    assert again.status_code in (200, 201), again.text

    data = call("GET", f"/blobs/data/{item['id']}/data")
    assert hashlib.sha256(data.content).digest() == hashlib.sha256(DATA).digest()
    asyncio.run(_clean_up(up(call.home)))
    held = again.json()["assets"]["data"]["href"].split("/assets/")[1]
    left = {
        str(file.relative_to(stack.store)) for file in (stack.store / "blobs").rglob("*") if file.is_file()
    }
    assert left == {held}
    assert call("DELETE", place).status_code == 204


def test_the_hash_of_a_large_blob_is_computed_after_a_kill(call: Caller) -> None:
    data = DATA * (blob.DEFERRED_HASH_BYTES // len(DATA) + 1)
    item = blob.to_stac({"storage_type": "data", "namespace": "local:crash", "name": "large"})
    announced = {"item": item, "size": len(data)}
    upload = call("POST", "/blobs", json=announced).json()["id"]
    made = call("PUT", f"/blobs/uploads/{upload}", content=data)
    kill_api(call.home)
    assert made.status_code == 201
    assert "file:checksum" not in made.json()["assets"]["data"]
    known = call("GET", f"/blobs/data/{item['id']}/hash", params={"wait": 50}).json()
    assert known == {"hash": hashlib.md5(data, usedforsecurity=False).hexdigest(), "pending": False}
    assert call("DELETE", f"/collections/{item['collection']}/items/{item['id']}").status_code == 204


def test_a_deletion_continues_after_a_kill(call: Caller) -> None:
    stack = up(call.home)
    ids, files = [], []
    for number in range(20):
        named = {"storage_type": "data", "namespace": "local:crash", "name": f"many-{number}"}
        upload = call("POST", "/blobs", json={"item": blob.to_stac(named)}).json()["id"]
        made = call("PUT", f"/blobs/uploads/{upload}", content=b"x")
        assert made.status_code == 201
        files.append(stack.store / made.json()["assets"]["data"]["href"].split("/assets/")[1])
        ids.append(f"data/local:crash/many-{number}")
    assert all(file.is_file() for file in files)
    record = call("POST", "/blobs/deletions", json={"ids": ids}).json()
    assert record["ids"] == ids
    kill_api(call.home)
    while record["status"] == "RUNNING":
        record = call("GET", f"/blobs/deletions/{record['id']}").json()
    assert record["status"] == "SUCCESS"
    assert not [file for file in files if file.exists()]
