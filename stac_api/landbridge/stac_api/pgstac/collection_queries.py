"""Reads of pgstac's `collections`: single collections, and pages of a collection search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.stac_api.access.rules import BLOB_COLLECTIONS, Access, Role, collection_not_found
from landbridge.stac_api.pgstac import visibility
from landbridge.stac_api.pgstac.sql_builder import Parameters

if TYPE_CHECKING:
    import asyncpg

__all__ = [
    "collection_ids",
    "collection_titles",
    "collection_version",
    "count_collections",
    "exists",
    "fetch_collections",
    "find_collection",
    "get_collection",
    "get_collection_version",
]

# The area and the times are those of the items, which the stored extents do not know. A caller with limited
# access must not learn the places of other blobs, so collections of blobs keep their stored extent.
_WITH_EXTENTS = """
(SELECT a.id, a.collection, a.content, a.collectionjson,
        coalesce(ST_MakeEnvelope(e.west, e.south, e.east, e.north, 4326),
                 landbridge.extent_area(c.content->'extent')) AS geometry,
        coalesce(nullif(a.datetime, '-infinity'), e.start_datetime, '-infinity') AS datetime,
        coalesce(nullif(a.end_datetime, 'infinity'), e.end_datetime, 'infinity') AS end_datetime
 FROM collections_asitems a JOIN collections c ON c.id = a.id
 LEFT JOIN landbridge.extents e ON e.collection_key = c.key{except_blobs}) AS collections_with_extents
"""
_COLLECTIONS = """
SELECT collectionjson AS document FROM {source}
WHERE {condition} ORDER BY {order} LIMIT {limit} OFFSET {offset}
"""
_COUNT = "SELECT count(*) FROM {source} WHERE {condition}"
_TITLES = """
SELECT id, coalesce(content->>'title', id) AS title FROM collections
WHERE {condition} ORDER BY id LIMIT {limit}
"""
_COLLECTION = "SELECT get_collection(id) AS document, xmin::text AS version FROM collections WHERE id = $1"


def _source(parameters: Parameters, access: Access) -> str:
    if access.unrestricted:
        return _WITH_EXTENTS.format(except_blobs="")
    blobs = parameters.add(sorted(BLOB_COLLECTIONS), "text[]")
    return _WITH_EXTENTS.format(except_blobs=f" AND c.id <> ALL ({blobs})")


async def fetch_collections(
    conn: asyncpg.Connection,
    condition: str,
    parameters: Parameters,
    access: Access,
    *,
    order: str,
    limit: int,
    offset: int,
) -> list[dict[str, Any]]:
    """Return a page of the collections that meet a condition, as the caller may see them."""
    query = _COLLECTIONS.format(
        source=_source(parameters, access), condition=condition, order=order, limit=limit, offset=offset
    )
    query, values = parameters.bound(query)
    return [access.visible_document(row["document"]) for row in await conn.fetch(query, *values)]


async def count_collections(
    conn: asyncpg.Connection, condition: str, parameters: Parameters, access: Access
) -> int:
    """Return the number of collections that meet a condition."""
    query = _COUNT.format(source=_source(parameters, access), condition=condition)
    query, values = parameters.bound(query)
    matched: int = await conn.fetchval(query, *values)
    return matched


async def collection_titles(conn: asyncpg.Connection, limit: int, access: Access) -> list[tuple[str, str]]:
    """Return id and title of collections that the caller may see."""
    parameters = Parameters()
    condition = visibility.of_collections(access, parameters)
    query = _TITLES.format(condition=condition, limit=parameters.add(limit, "bigint"))
    query, values = parameters.bound(query)
    return [(row["id"], row["title"]) for row in await conn.fetch(query, *values)]


async def collection_ids(db: asyncpg.Connection | asyncpg.Pool) -> list[str]:
    """Return the ids of all collections."""
    return [row["id"] for row in await db.fetch("SELECT id FROM collections ORDER BY id")]


async def exists(db: asyncpg.Connection | asyncpg.Pool, collection: str) -> bool:
    """Return whether there is a collection, visible or not."""
    found: bool = await db.fetchval("SELECT EXISTS (SELECT FROM collections WHERE id = $1)", collection)
    return found


async def find_collection(
    db: asyncpg.Connection | asyncpg.Pool, collection: str, access: Access
) -> dict[str, Any] | None:
    """Return a collection with its access lists as stored; None if there is none that the caller may see."""
    found: dict[str, Any] | None = await db.fetchval("SELECT get_collection($1)", collection)
    return found if found is not None and access.role(found) >= Role.READER else None


async def get_collection(
    db: asyncpg.Connection | asyncpg.Pool, collection: str, access: Access
) -> dict[str, Any]:
    """Return a collection with its access lists as stored.

    Raises:
        NotFoundError: if there is no such collection that the caller may see.
    """
    found = await find_collection(db, collection, access)
    if found is None:
        raise collection_not_found(collection)
    return found


async def get_collection_version(
    db: asyncpg.Connection | asyncpg.Pool, collection: str, access: Access
) -> tuple[dict[str, Any], str]:
    """Return a collection as `get_collection`, and the version of its row, which every write changes."""
    row = await db.fetchrow(_COLLECTION, collection)
    if row is None or access.role(row["document"]) < Role.READER:
        raise collection_not_found(collection)
    return row["document"], row["version"]


async def collection_version(db: asyncpg.Connection | asyncpg.Pool, collection: str) -> str:
    """Return the version of a collection's row, which every write changes; empty if it does not exist."""
    return await db.fetchval("SELECT xmin::text FROM collections WHERE id = $1", collection) or ""
