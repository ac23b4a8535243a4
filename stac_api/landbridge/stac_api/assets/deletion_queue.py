"""Deleting from the store what no item needs, whatever dies meanwhile.

A row of `landbridge.discards` names what is to be deleted, and from when on. It is there before an object
that may turn out superfluous is put, and it is made in the transaction that makes an object superfluous.
Objects that an item needs are kept by taking their row back in the item's transaction.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias

from landbridge.stac_api.assets import quota
from landbridge.stac_api.assets.store import FAILURES, image_path, own_paths

if TYPE_CHECKING:
    from collections.abc import Iterable

    import asyncpg

    from landbridge.stac_api.core.services import Services

    Executor: TypeAlias = asyncpg.Pool | asyncpg.Connection

logger = logging.getLogger(__name__)

_BATCH = 50  # rows locked while their objects are deleted
_EXPECT = """
INSERT INTO landbridge.discards (path, upload_id, due) VALUES ($1, $2, now() + interval '1 day')
ON CONFLICT (path) DO UPDATE SET due = excluded.due
"""
_KEEP = "DELETE FROM landbridge.discards WHERE path = $1"
_DISCARD = """
INSERT INTO landbridge.discards (path, due)
SELECT DISTINCT unnest($1::text[]), now() + make_interval(secs => $2)
ON CONFLICT (path) DO UPDATE SET due = least(discards.due, excluded.due)
"""
# Of an image only what was overwritten: what an upload has put, or will, is that upload's.
_DISCARD_OVERWRITTEN = """
UPDATE landbridge.discards SET due = now()
WHERE due > now() AND upload_id IS NULL
  AND split_part(path, '/', 1) || '/' || split_part(path, '/', 2) || '/' || split_part(path, '/', 3) = ANY($1)
"""
_DISCARD_UPLOAD = "UPDATE landbridge.discards SET due = now() WHERE upload_id = $1"
# The row is locked while its objects are deleted: of several sweepers each takes others.
_DUE = """
SELECT path FROM landbridge.discards WHERE due <= now() AND emptied IS NULL AND path > $2
ORDER BY path LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_DONE = "DELETE FROM landbridge.discards WHERE path = ANY($1) AND upload_id IS NULL"
_EMPTIED = "UPDATE landbridge.discards SET emptied = now() WHERE path = ANY($1)"
_ONCE_MORE = "SELECT path FROM landbridge.discards WHERE emptied IS NOT NULL"
_FORGET = "DELETE FROM landbridge.discards WHERE path = ANY($1) AND emptied < now() - interval '1 hour'"


async def expect(db: Executor, path: str, upload: int | None = None) -> None:
    """Have what will be put under a path deleted in a day, unless it is kept."""
    await db.execute(_EXPECT, path, upload)


async def keep(db: Executor, path: str) -> None:
    """Take a path back: an item needs what is there."""
    await db.execute(_KEEP, path)


async def discard(db: Executor, paths: Iterable[str], *, after: float = 0) -> None:
    """Have what lies under paths deleted by the first `empty` after some seconds."""
    if wanted := list(paths):
        await db.execute(_DISCARD, wanted, after)


async def discard_items(db: Executor, items: Iterable[dict[str, Any]]) -> None:
    """Have the files of deleted items deleted by the next `empty`, those that were overwritten among them."""
    deleted = list(items)
    await discard(db, [path for item in deleted for path in own_paths(item)])
    places = [image_path(item["collection"], item["id"], "", "").rstrip("/") for item in deleted]
    await db.execute(_DISCARD_OVERWRITTEN, places)


async def discard_upload(db: Executor, upload: int) -> None:
    """Have all that was expected of an upload, and not kept, deleted by the next `empty`."""
    await db.execute(_DISCARD_UPLOAD, upload)


async def empty(services: Services) -> int:
    """Delete what is due; what the store does not let go of stays noted. Returns how much is gone."""
    gone, last = 0, ""
    while True:
        async with services.writepool.acquire() as conn, conn.transaction():
            paths: list[Any] = [row["path"] for row in await conn.fetch(_DUE, _BATCH, last)]
            done = [path for path in paths if await _deleted(services, path)]
            await conn.execute(_DONE, done)
            await conn.execute(_EMPTIED, done)
            await quota.gone(conn, done)
        gone += len(done)
        if len(paths) < _BATCH:
            return gone
        last = paths[-1]


async def empty_again(services: Services) -> None:
    """Delete what has arrived, in the last hour, where an attempt at an upload was cleared away."""
    rows = await services.writepool.fetch(_ONCE_MORE)
    done = [row["path"] for row in rows if await _deleted(services, row["path"])]
    await services.writepool.execute(_FORGET, done)


async def try_to_empty(services: Services) -> None:
    """`empty`, as far as it goes: the sweeper comes back to what is left."""
    try:
        await empty(services)
    except Exception:
        logger.warning("What is superfluous in the store could not be deleted yet", exc_info=True)


async def _deleted(services: Services, path: str) -> bool:
    try:
        if path.endswith("/"):
            await services.store.delete_under(path)
        else:
            await services.store.delete(path)
    except FAILURES:
        logger.warning("%s could not be deleted yet", path, exc_info=True)
        return False
    return True
