"""Nothing is deleted from the object store while a backup holds deletions."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest

from integration.test_server_blobs import announced, identifier
from integration.test_server_uploads import announce, upload
from landbridge.stac_api.__main__ import doctor
from landbridge.stac_api.assets import deletion_hold
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.errors import UnavailableError
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path


@asynccontextmanager
async def opened(stack: Any) -> AsyncIterator[asyncpg.Pool]:
    async with asyncpg.create_pool(stack.database, min_size=1, max_size=4) as pool:
        yield pool


@contextmanager
def held(stack: Any) -> Iterator[None]:
    """Hold deletions inside the `with` block."""

    async def place() -> Any:
        async with opened(stack) as pool:
            return await deletion_hold.place(pool, "a test")

    async def release(hold: Any) -> None:
        async with opened(stack) as pool:
            await deletion_hold.release(pool, hold)

    hold = asyncio.run(place())
    try:
        yield
    finally:
        asyncio.run(release(hold))


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def store(stack: Any) -> Path:
    folder: Path = stack.store
    return folder


def test_images_that_are_deleted_leave_their_files_until_the_end_of_the_hold(
    stack: Any, http: httpx.Client, store: Path, collection: str, geotiff: Callable[..., Path]
) -> None:
    assert upload(http, collection, "a", geotiff())["status"] == "success"
    folder = store / "images" / collection
    before = files(folder)
    assert before
    with held(stack):
        http.delete(f"/collections/{collection}/items/a").raise_for_status()
        settings = Settings(
            database_url=stack.database, store_url=store.as_uri(), token=stack.token, worker=False
        )
        stray = folder / "b" / "1" / "0.tif"
        stray.parent.mkdir(parents=True)
        stray.write_bytes(b"x")
        asyncio.run(doctor(settings, repair=True))
        assert files(folder) == {*before, stray}
    asyncio.run(doctor(settings, repair=True))
    wait_until(lambda: not files(folder))


def test_data_of_deleted_blobs_stays_until_the_end_of_the_hold(
    stack: Any, http: httpx.Client, store: Path
) -> None:
    answer = http.post("/blobs", json={"item": announced()}).json()
    before = files(store / "blobs")
    item = http.put(answer["url"], content=b"data").raise_for_status().json()
    (data,) = files(store / "blobs") - before
    with held(stack):
        deletion = http.post("/blobs/deletions", json={"ids": [identifier(item)]}).json()
        path = f"/blobs/deletions/{deletion['id']}"
        assert http.get(f"/collections/{item['collection']}/items/{item['id']}").status_code == 404
        # Its job runs, and leaves the record for a later one.
        wait_until(lambda: _finished_jobs(stack, f"blob-deletion-{deletion['id']}"))
        assert http.get(path).json()["status"] == "RUNNING"
        assert data.exists()
    wait_until(lambda: http.get(path).json()["status"] == "SUCCESS")
    assert not data.exists()


def _finished_jobs(stack: Any, lock: str) -> bool:
    """Return whether no job of a lock waits or runs."""

    async def count() -> int:
        async with opened(stack) as pool:
            query = "SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE lock = $1"
            found: int = await pool.fetchval(query, lock)
            return found

    return asyncio.run(count()) == 0


def test_data_that_is_refused_stays_until_the_end_of_the_hold(
    stack: Any, http: httpx.Client, store: Path, collection: str, geotiff: Callable[..., Path]
) -> None:
    before = files(store / "blobs")
    with held(stack):
        announcement = http.post("/blobs", json={"item": announced(size_bytes=3)}).json()
        assert http.put(announcement["url"], content=b"da").status_code == 400
        (data,) = files(store / "blobs") - before
        record = announce(http, collection, "a", geotiff()).json()
        assert httpx.put(record["resumable_urls"][0], content=b"x").status_code == 400
        assert files(store / "uploads" / record["id"])
    # Without a hold the same requests leave nothing.
    assert http.put(announcement["url"], content=b"da").status_code == 400
    assert files(store / "blobs") - before == {data}
    assert httpx.put(record["resumable_urls"][0], content=b"x").status_code == 400
    assert not files(store / "uploads" / record["id"])


def test_a_hold_waits_for_deletions_under_way_and_refuses_new_ones(stack: Any) -> None:
    async def run() -> None:
        async with opened(stack) as pool:
            async with deletion_hold.deleting(pool) as first:
                assert first is not None
                placing = asyncio.create_task(deletion_hold.place(pool, "a test"))
                while await _may_delete(pool):
                    continue
                assert not placing.done()
            hold = await placing
            assert not await _may_delete(pool)
            await deletion_hold.renew(pool, hold)
            await deletion_hold.release(pool, hold)
            assert await _may_delete(pool)

    asyncio.run(run())


async def _may_delete(pool: asyncpg.Pool) -> bool:
    async with deletion_hold.deleting(pool) as conn:
        return conn is not None


def test_the_hold_of_a_backup_that_died_ends_by_itself(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion_hold, "HOLD_SECONDS", 0.1)

    async def run() -> None:
        async with opened(stack) as pool:
            hold = await deletion_hold.place(pool, "a test")
            while not await _may_delete(pool):
                continue
            with pytest.raises(UnavailableError, match="was not renewed"):
                await deletion_hold.renew(pool, hold)

    asyncio.run(run())
