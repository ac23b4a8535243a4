"""Queue of objects to delete from the store, safe against crashes.

A row of `landbridge.deletion_queue` names a path and the time from which on it is deleted. The row of an
upload's objects is committed before the first of them is stored; the transaction that makes the item cancels
it. The row of an object that is no longer needed is made in the transaction that drops its item.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias

from landbridge.stac_api.assets import deletion_hold, quota
from landbridge.stac_api.assets.store import STORE_ERRORS, image_path, own_paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    import asyncpg

    from landbridge.stac_api.assets.store import AssetStore

    Executor: TypeAlias = asyncpg.Pool | asyncpg.Connection

logger = logging.getLogger(__name__)

_BATCH = 50  # rows locked while their objects are deleted
_SCHEDULE_UNLESS_KEPT = """
INSERT INTO landbridge.deletion_queue (path, upload_id, due) VALUES ($1, $2, now() + interval '1 day')
ON CONFLICT (path) DO UPDATE SET due = excluded.due
"""
_CANCEL = "DELETE FROM landbridge.deletion_queue WHERE path = $1"
_SCHEDULE = """
INSERT INTO landbridge.deletion_queue (path, due)
SELECT DISTINCT unnest($1::text[]), now() + make_interval(secs => $2)
ON CONFLICT (path) DO UPDATE SET due = least(deletion_queue.due, excluded.due)
"""
# Only overwritten files of an image: rows with an upload belong to that upload.
_SCHEDULE_OVERWRITTEN = """
UPDATE landbridge.deletion_queue SET due = now()
WHERE due > now() AND upload_id IS NULL
  AND split_part(path, '/', 1) || '/' || split_part(path, '/', 2) || '/' || split_part(path, '/', 3) = ANY($1)
"""
_SCHEDULE_UPLOAD = "UPDATE landbridge.deletion_queue SET due = now() WHERE upload_id = $1"
# A row is locked while its objects are deleted, so that several workers delete different ones.
_DUE = """
SELECT path FROM landbridge.deletion_queue WHERE due <= now() AND emptied IS NULL AND path > $2
ORDER BY path LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_DONE = "DELETE FROM landbridge.deletion_queue WHERE path = ANY($1) AND upload_id IS NULL"
_EMPTIED = "UPDATE landbridge.deletion_queue SET emptied = now() WHERE path = ANY($1)"
_DELETED_LATELY = "SELECT path FROM landbridge.deletion_queue WHERE emptied IS NOT NULL"
_FORGET = "DELETE FROM landbridge.deletion_queue WHERE path = ANY($1) AND emptied < now() - interval '1 hour'"


async def schedule_unless_kept(db: Executor, path: str, upload: int | None = None) -> None:
    """Schedule a path for deletion in a day, unless `cancel` is called before."""
    await db.execute(_SCHEDULE_UNLESS_KEPT, path, upload)


async def cancel(db: Executor, path: str) -> None:
    """Cancel the deletion of a path that an item now refers to."""
    await db.execute(_CANCEL, path)


async def schedule(db: Executor, paths: Iterable[str], *, after: float = 0) -> None:
    """Schedule paths for deletion by the first `delete_due` after some seconds."""
    if wanted := list(paths):
        await db.execute(_SCHEDULE, wanted, after)


async def schedule_items(db: Executor, items: Iterable[dict[str, Any]]) -> None:
    """Schedule the files of deleted items for deletion, including files that were overwritten earlier."""
    deleted = list(items)
    await schedule(db, [path for item in deleted for path in own_paths(item)])
    places = [image_path(item["collection"], item["id"], "", "").rstrip("/") for item in deleted]
    await db.execute(_SCHEDULE_OVERWRITTEN, places)


async def schedule_upload(db: Executor, upload: int) -> None:
    """Schedule all objects of an upload's attempts for deletion, except cancelled ones."""
    await db.execute(_SCHEDULE_UPLOAD, upload)


async def delete_due(pool: asyncpg.Pool, store: AssetStore) -> int:
    """Delete the objects that are due and return their number.

    If the store fails, or a backup holds deletions, they stay in the queue.
    """
    deleted, last = 0, ""
    while True:
        async with pool.acquire() as conn, conn.transaction():
            if not await deletion_hold.may_delete(conn):
                return deleted
            paths: list[Any] = [row["path"] for row in await conn.fetch(_DUE, _BATCH, last)]
            done = [path for path in paths if await _delete(store, path)]
            await conn.execute(_DONE, done)
            await conn.execute(_EMPTIED, done)
            await quota.remove(conn, done)
        deleted += len(done)
        if len(paths) < _BATCH:
            return deleted
        last = paths[-1]


async def delete_late_arrivals(pool: asyncpg.Pool, store: AssetStore) -> None:
    """Delete objects that an attempt at an upload stored after its path was deleted, for an hour."""
    async with deletion_hold.deleting(pool) as conn:
        if conn is not None:
            rows = await conn.fetch(_DELETED_LATELY)
            done = [row["path"] for row in rows if await _delete(store, row["path"])]
            await conn.execute(_FORGET, done)


async def try_to_delete_due(pool: asyncpg.Pool, store: AssetStore) -> None:
    """Run `delete_due`; if it fails, the periodic cleanup tries again."""
    try:
        await delete_due(pool, store)
    except Exception:
        logger.warning("Objects that are due could not be deleted from the store yet", exc_info=True)


async def try_to_delete(pool: asyncpg.Pool, store: AssetStore, path: str) -> None:
    """Delete an object, or all below a path that ends in a slash, which the periodic cleanup knows too.

    If a backup holds deletions, or the database or the store fails, the cleanup does it later.
    """
    try:
        async with deletion_hold.deleting(pool) as conn:
            if conn is not None:
                await _delete(store, path)
    except Exception:
        logger.warning("%s could not be deleted yet", path, exc_info=True)


async def _delete(store: AssetStore, path: str) -> bool:
    """Delete an object, or all below a path that ends in a slash; return False if the store fails."""
    try:
        if path.endswith("/"):
            await store.delete_under(path)
        else:
            await store.delete(path)
    except STORE_ERRORS:
        logger.warning("%s could not be deleted yet", path, exc_info=True)
        return False
    return True
