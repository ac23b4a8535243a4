"""Deletes blobs: their items at once, their data by a job, which can be repeated."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from stac_fastapi.types.errors import NotFoundError
from starlette.exceptions import HTTPException

from landbridge.mappings import blob, ids
from landbridge.stac_api.access.rules import UNRESTRICTED
from landbridge.stac_api.assets import deletion_hold, quota
from landbridge.stac_api.blobs import records
from landbridge.stac_api.core import blob_items
from landbridge.stac_api.documents import links
from landbridge.stac_api.jobs.failures import RETRYABLE, user_message
from landbridge.stac_api.jobs.queue import JobKind
from landbridge.stac_api.pgstac import item_queries, writes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import asyncpg

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.assets.store import AssetStore
    from landbridge.stac_api.services import Services

logger = logging.getLogger(__name__)

NAME = "blob_deletion"
_BATCH = 500


async def delete(
    pool: asyncpg.Pool,
    wanted: Iterable[tuple[str, str]],
    access: Access,
    *,
    username: str | None = None,
    all_or_none: bool = False,
    expired: bool = False,
    check: writes.Check = None,
) -> asyncpg.Record:
    """Delete the items of existing blobs, and record their data for deletion by a job.

    The data has a path of its own, so a new blob of the same id never loses its data to this deletion. The
    caller queues the job for the returned record.

    Parameters
    ----------
    pool : asyncpg.Pool
        Write pool.
    wanted : iterable of tuple of str
        Collection and item id of each blob.
    access : Access
        Access of the caller; invisible blobs count as missing.
    username : str, optional
        User that may read the record of the deletion.
    all_or_none : bool
        Delete nothing if a blob is missing.
    expired : bool
        The service itself deletes expired blobs, of any storage type.
    check : callable, optional
        Checks the version of a stored item, such as its entity tag.

    Raises
    ------
    NotFoundError
        If a blob is missing and `all_or_none` is set.
    HTTPException
        403 if a blob is of a type that only the service writes, or has other owners.
    """
    asked = list(dict.fromkeys(wanted))
    made: list[asyncpg.Record] = []

    async def note(conn: asyncpg.Connection, deleted: Sequence[dict[str, Any]]) -> None:
        found = {(item["collection"], item["id"]) for item in deleted}
        missing = [key for key in asked if key not in found]
        if missing and all_or_none:
            raise NotFoundError(f"Blobs do not exist: {', '.join(_display_id(*key) for key in missing)}")
        if not expired:
            for collection, _ in found:
                check_writable(collection.removeprefix(ids.BLOB_COLLECTION_PREFIX))
        order = {key: position for position, key in enumerate(asked)}
        ordered = sorted(deleted, key=lambda item: order[item["collection"], item["id"]])
        paths = [path for item in ordered if (path := _data_path(item))]
        made[:] = [
            await records.start_deletion(
                conn, [blob_items.blob_id(item) for item in ordered], paths, username
            )
        ]

    await writes.delete_across(pool, asked, note, access, expired=expired, check=check)
    return made[0]


async def replace(
    conn: asyncpg.Connection, collection: str, item: str, access: Access, username: str | None
) -> int | None:
    """Delete the blob that another one of its id replaces in the same transaction; its lock must be held.

    Returns
    -------
    int or None
        Id of the deletion of its data, for a job after the transaction; None if there is nothing to delete.

    Raises
    ------
    HTTPException
        403 if the caller may see the blob but does not own it.
    """
    (old,) = await writes.delete_locked(conn, [(collection, item)], access) or (None,)
    path = None if old is None else _data_path(old)
    if old is None or path is None:
        return None
    record = await records.start_deletion(conn, [blob_items.blob_id(old)], [path], username)
    identifier: int = record["id"]
    return identifier


def check_writable(storage_type: str) -> None:
    """Refuse a write of a storage type that only the service writes.

    Raises
    ------
    HTTPException
        403.
    """
    if storage_type not in blob_items.WRITABLE:
        kinds = " and ".join(sorted(blob_items.WRITABLE))
        raise HTTPException(403, f"Blobs of type {storage_type!r} are read-only; {kinds} can be written.")


def _display_id(collection: str, item: str) -> str:
    try:
        return blob_items.blob_id({"collection": collection, "id": item})
    except ValueError:
        return f"{collection}/{item}"


def _data_path(item: dict[str, Any]) -> str | None:
    data = (item.get("assets") or {}).get(blob.DATA_ASSET) or {}
    return links.asset_path(str(data.get("href") or ""))


def kind(services: Services) -> JobKind:
    """Return the kind of jobs that delete the data of blobs."""

    async def run_job(deletion: int, *, last_try: bool) -> None:
        await run(services, deletion, last_try=last_try)

    async def unqueued(pool: asyncpg.Pool, older_than: float) -> list[dict[str, int]]:
        return [{"deletion": deletion} for deletion in await records.running_deletions(pool, older_than)]

    concurrency = services.settings.deletion_concurrency
    return JobKind(
        NAME, "blob-deletion-{deletion}", run_job, unqueued, queue="deletion", concurrency=concurrency
    )


async def run(services: Services, deletion_id: int, *, last_try: bool) -> None:
    """Run the job of one deletion; raise a retryable error unless this is the last try.

    While a backup holds deletions, the record stays as it is, and its job is queued again some seconds later.
    """
    pool = services.writepool
    record = await records.deletion(pool, deletion_id)
    if record["status"] != "RUNNING":
        return
    try:
        async with deletion_hold.deleting(pool) as conn:
            if conn is None:
                return
            await _delete_data(services.store, record["paths"])
            await quota.remove(conn, record["paths"])
    except Exception as error:
        if isinstance(error, RETRYABLE) and not last_try:
            raise
        logger.exception("Deleting the data of blobs failed (deletion %s)", deletion_id)
        await records.end_deletion(pool, deletion_id, user_message(error))
        return
    await records.end_deletion(pool, deletion_id)


async def _delete_data(store: AssetStore, paths: Iterable[str]) -> None:
    for path in paths:
        await store.delete_blob(path)


async def delete_expired(pool: asyncpg.Pool) -> list[int]:
    """Delete the items of expired blobs; return the ids of the deletions, each of which needs a job."""
    made = []
    collections = [ids.blob_collection_id(storage_type) for storage_type in sorted(blob_items.STORAGE_TYPES)]
    while found := await item_queries.expired_items(pool, collections, _BATCH):
        record = await delete(pool, found, UNRESTRICTED, expired=True)
        made.append(record["id"])
    return made


async def clean_up(pool: asyncpg.Pool, store: AssetStore) -> None:
    """Delete the data of uploads that never became blobs, and old records."""
    async with deletion_hold.deleting(pool) as conn:
        if conn is not None:
            await _delete_data(store, await records.delete_old_uploads(conn))
    await records.delete_old_deletions(pool)
