"""How many bytes an organization may keep: in the files of its images, and in its blobs.

An organization is what ids begin with: of a product the part before the first colon, of a blob that of its
namespace. It is whose prefix that is who pays for the bytes, whoever sends them. What is on its way counts by
what was announced, so that many uploads at once don't pass together.

What is kept is counted in `landbridge.stored`, where each object of the store has its size as the service
found it, until it is deleted from the store: what items say of their files is for their writers to change.
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
_KEPT = "SELECT coalesce(sum(bytes), 0)::bigint FROM landbridge.stored WHERE org = $1"
# All below a path that ends in a slash: "0" comes next.
_BELOW = "path >= $1 AND path < left($1, -1) || '0'"
# Overwritten files stay in the store for some time, and count until they are deleted.
_REPLACED = f"""
SELECT coalesce(sum(bytes), 0)::bigint FROM landbridge.stored AS object
WHERE {_BELOW} AND NOT EXISTS (SELECT FROM landbridge.discards WHERE path = object.path)
"""  # noqa: S608
_ADD = """
INSERT INTO landbridge.stored (path, org, bytes)
SELECT path, $1, bytes FROM unnest($2::text[], $3::bigint[]) AS new (path, bytes)
ON CONFLICT (path) DO UPDATE SET org = excluded.org, bytes = excluded.bytes
"""
_REMOVE = "DELETE FROM landbridge.stored WHERE path = ANY($1)"
_REMOVE_BELOW = f"DELETE FROM landbridge.stored WHERE {_BELOW}"  # noqa: S608
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
    """The organization may not keep so many bytes; the text has the numbers."""

    def __init__(self, text: str) -> None:
        super().__init__(413, text)
        self.text = text

    def __str__(self) -> str:
        return self.text


def organization(item: Mapping[str, Any]) -> str | None:
    """Whose bytes an item's are; None where its id is of nobody in particular."""
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
    """Check that an organization may keep so many bytes more; what follows in the transaction is alone in it.

    Args:
        conn: in a transaction, at whose end the bytes are kept, or on their way.
        quota: bytes that each organization may keep; 0 for no limit.
        item: what the bytes are of.
        size: how many they are.
        instead_of: the upload whose announcement already counts them.
        replaces: what is stored of the item now is going to be deleted.

    Raises:
        QuotaError
    """
    org = organization(item)
    if not quota or org is None:
        return
    await conn.execute(_LOCK, org)
    kept, arriving = await _used(conn, org, instead_of)
    if replaces:
        kept -= await conn.fetchval(_REPLACED, image_path(item["collection"], item["id"], "", "")[:-1])
    if kept + arriving + size > quota:
        raise _refusal(org, quota, kept, arriving, f"{size:,} bytes more are")


async def add(conn: asyncpg.Connection, item: Mapping[str, Any], sizes: Mapping[str, int]) -> None:
    """Count objects of the store, by their paths, as the organization's whose item has them from now on."""
    if (org := organization(item)) is not None:
        await conn.execute(_ADD, org, list(sizes), list(sizes.values()))


async def remove(db: asyncpg.Connection | asyncpg.Pool, paths: Iterable[str]) -> None:
    """Count what was deleted from the store no longer; a path that ends in a slash is all below it."""
    whole = list(paths)
    await db.execute(_REMOVE, whole)
    for path in whole:
        if path.endswith("/"):
            await db.execute(_REMOVE_BELOW, path)


async def remaining(pool: asyncpg.Pool, quota: int, item: Mapping[str, Any], upload: str) -> int | None:
    """How many bytes may be received for a blob whose size nobody announced; None for no limit.

    Raises:
        QuotaError: none.
    """
    org = organization(item)
    if not quota or org is None:
        return None
    kept, arriving = await _used(pool, org, upload)
    if kept + arriving >= quota:
        raise _refusal(org, quota, kept, arriving, "any more is")
    return quota - kept - arriving


async def _used(
    db: asyncpg.Connection | asyncpg.Pool, org: str, instead_of: int | str | None
) -> tuple[int, int]:
    """Bytes kept, and bytes on their way but for those of an upload."""
    image, data = (instead_of, None) if isinstance(instead_of, int) else (None, instead_of)
    kept: int = await db.fetchval(_KEPT, org)
    files: int = await db.fetchval(_ARRIVING, org, image)
    blobs: int = await db.fetchval(_ARRIVING_BLOBS, org, data)
    return kept, files + blobs


def _refusal(org: str, quota: int, kept: int, arriving: int, more: str) -> QuotaError:
    return QuotaError(
        f"The organization {org!r} may keep {quota:,} bytes. It keeps {kept:,}, and {arriving:,} are on "
        f"their way: {more} too much. Delete what is not needed, or ask the operator for more "
        f"(LANDBRIDGE_QUOTA_BYTES). Files of overwritten images count until they are deleted, some minutes "
        f"later."
    )


def announced_bytes(item: Mapping[str, Any]) -> int:
    """The bytes that a blob's item says its data has; 0 where it does not say."""
    assets = item.get("assets")
    data = assets.get(blob.DATA_ASSET) if isinstance(assets, dict) else None
    size = data.get("file:size") if isinstance(data, dict) else None
    return size if isinstance(size, int) and not isinstance(size, bool) else 0
