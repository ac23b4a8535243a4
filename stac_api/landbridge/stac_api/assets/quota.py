"""Quota of an organization: the bytes of the files of its images and of its blobs.

The organization is the part of an id before the first colon: of the product's id, or of the blob's namespace.
Its quota is charged, regardless of the caller. Unfinished uploads count by their announced size, so that many
concurrent uploads cannot exceed the quota together.

The table `landbridge.stored_objects` has the size of each object as the service measured it, until it is
deleted from the store; sizes in items are not used, because their writers can change them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.exceptions import HTTPException

from landbridge.errors import LandbridgeError
from landbridge.mappings import blob, ids
from landbridge.stac_api.assets.store import image_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import asyncpg

__all__ = ["QuotaError", "add", "announced_bytes", "check", "organization", "remaining", "remove"]

# Of a whole organization; those that end meanwhile are waited for.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('landbridge quota ' || $1, 0))"
_KEPT = "SELECT coalesce(sum(bytes), 0)::bigint FROM landbridge.stored_objects WHERE org = $1"
# All below a path that ends in a slash: "0" comes next.
_BELOW = "path >= $1 AND path < left($1, -1) || '0'"
# Overwritten files stay in the store for some time, and count until they are deleted.
_REPLACED = f"""
SELECT coalesce(sum(bytes), 0)::bigint FROM landbridge.stored_objects AS object
WHERE {_BELOW} AND NOT EXISTS (SELECT FROM landbridge.deletion_queue WHERE path = object.path)
"""  # noqa: S608
_ADD = """
INSERT INTO landbridge.stored_objects (path, org, bytes)
SELECT path, $1, bytes FROM unnest($2::text[], $3::bigint[]) AS new (path, bytes)
ON CONFLICT (path) DO UPDATE SET org = excluded.org, bytes = excluded.bytes
"""
_REMOVE = "DELETE FROM landbridge.stored_objects WHERE path = ANY($1)"
_REMOVE_BELOW = f"DELETE FROM landbridge.stored_objects WHERE {_BELOW}"  # noqa: S608
_ARRIVING = """
SELECT coalesce(sum((file->>'size')::bigint), 0)::bigint
FROM landbridge.uploads AS upload, jsonb_array_elements(upload.files) AS file
WHERE upload.status IN ('transferring', 'pending', 'running')
  AND starts_with(upload.product_id, $1 || ':') AND upload.id IS DISTINCT FROM $2::bigint
"""
# Data that has not come in six hours can't be sent any more: its URL has expired.
_ARRIVING_BLOBS = """
SELECT coalesce(sum((item->'assets'->'data'->>'file:size')::numeric), 0)::bigint
FROM landbridge.blob_uploads
WHERE committed IS NULL AND modified > now() - interval '6 hours'
  AND split_part(item->'properties'->>'catalog:namespace', ':', 1) = $1
  AND id::text IS DISTINCT FROM $2::text
  AND jsonb_typeof(item->'assets'->'data'->'file:size') = 'number'
"""


class QuotaError(LandbridgeError, HTTPException):
    """The quota of the organization is exceeded; the text has the numbers."""

    def __init__(self, text: str) -> None:
        super().__init__(413, text)
        self.text = text

    def __str__(self) -> str:
        return self.text


def organization(item: Mapping[str, Any]) -> str | None:
    """Return the organization of an item; None if its id has no prefix."""
    name = str(item.get("collection") or "")
    if ids.is_blob_collection(name):
        properties = item.get("properties")
        name = str(properties.get("catalog:namespace") or "") if isinstance(properties, dict) else ""
        return name.partition(":")[0] or None
    prefix, colon, _ = name.partition(":")
    return prefix if colon and prefix else None


async def check(
    conn: asyncpg.Connection,
    quota: int,
    item: Mapping[str, Any],
    size: int,
    *,
    instead_of: int | str | None = None,
    replaces: bool = False,
) -> None:
    """Check that more bytes fit into the quota, and lock the quota until the end of the transaction.

    Parameters
    ----------
    conn : asyncpg.Connection
        Connection in a transaction that stores or announces the bytes.
    quota : int
        Bytes of each organization; 0 for no limit.
    item : mapping
        Item of the bytes.
    size : int
        Number of bytes.
    instead_of : int or str, optional
        Id of the upload whose announced size already counts them.
    replaces : bool
        The stored files of the item will be deleted.

    Raises
    ------
    QuotaError
    """
    org = organization(item)
    if not quota or org is None:
        return
    await conn.execute(_LOCK, org)
    stored, announced = await _used(conn, org, instead_of)
    if replaces:
        stored -= await conn.fetchval(_REPLACED, image_path(item["collection"], item["id"], "", "")[:-1])
    if stored + announced + size > quota:
        raise _refusal(org, quota, stored, announced, f"{size:,} bytes more are")


async def add(conn: asyncpg.Connection, item: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
    """Add objects of the store, by their paths, to the bytes of their item's organization."""
    if (org := organization(item)) is not None:
        await conn.execute(_ADD, org, list(sizes), list(sizes.values()))


async def remove(db: asyncpg.Connection | asyncpg.Pool, paths: Iterable[str]) -> None:
    """Remove deleted objects from the count; a path that ends in a slash means all below it."""
    whole = list(paths)
    await db.execute(_REMOVE, whole)
    for path in whole:
        if path.endswith("/"):
            await db.execute(_REMOVE_BELOW, path)


async def remaining(pool: asyncpg.Pool, quota: int, item: Mapping[str, Any], upload: str) -> int | None:
    """Return the bytes left for a blob of unknown size; None if there is no limit.

    Raises
    ------
    QuotaError
        If no bytes are left.
    """
    org = organization(item)
    if not quota or org is None:
        return None
    stored, announced = await _used(pool, org, upload)
    if stored + announced >= quota:
        raise _refusal(org, quota, stored, announced, "any more is")
    return quota - stored - announced


async def _used(
    db: asyncpg.Connection | asyncpg.Pool, org: str, instead_of: int | str | None
) -> tuple[int, int]:
    """Return stored bytes and announced bytes, without those of the upload `instead_of`."""
    image, data = (instead_of, None) if isinstance(instead_of, int) else (None, instead_of)
    stored: int = await db.fetchval(_KEPT, org)
    files: int = await db.fetchval(_ARRIVING, org, image)
    blobs: int = await db.fetchval(_ARRIVING_BLOBS, org, data)
    return stored, files + blobs


def _refusal(org: str, quota: int, stored: int, announced: int, more: str) -> QuotaError:
    return QuotaError(
        f"The organization {org!r} may keep {quota:,} bytes. It keeps {stored:,}, and {announced:,} are "
        f"being uploaded: {more} too much. Delete what is not needed, or ask the operator for more "
        f"(LANDBRIDGE_QUOTA_BYTES). Files of overwritten images count until they are deleted, some minutes "
        f"later."
    )


def announced_bytes(item: Mapping[str, Any]) -> int:
    """Return the size of a blob's data that its item states; 0 if it states none."""
    assets = item.get("assets")
    data = assets.get(blob.DATA_ASSET) if isinstance(assets, dict) else None
    size = data.get("file:size") if isinstance(data, dict) else None
    return size if isinstance(size, int) and not isinstance(size, bool) else 0
