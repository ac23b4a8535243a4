"""Reads of pgstac's `items`: pages of rows, counts, single items.

`pgstac.search()` builds its answer as JSON inside the database, which costs most of a page
(https://github.com/stac-utils/pgstac/issues/305). Here the database only selects rows; hydration, links and
serialization are done by the API. A test compares the results with `pgstac.search()`, so that an upgrade of
pgstac that changes either is noticed (tests/integration/test_server_search.py).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from landbridge.stac_api.access.rules import BLOB_COLLECTIONS, Access, Role
from landbridge.stac_api.core.blob_items import shown_geometry
from landbridge.stac_api.pgstac.dehydration import BASE_ITEM_ID, MARKER, hydrate
from landbridge.stac_api.pgstac.visibility import MOST_CONDITIONS, some_at_a_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import asyncpg

    from landbridge.stac_api.pgstac.sql_builder import Parameters

__all__ = [
    "count_items",
    "current_version",
    "exists",
    "expired_items",
    "fetch_few",
    "fetch_rows",
    "get_item",
    "get_item_version",
    "hydrate_rows",
    "in_collection",
    "matching_items",
    "visible_to",
]

# Numbers from 1e-8 on are written without exponent, so that all their 17 digits need 25 places.
_GEOJSON = "ST_AsGeoJSON(geometry, 25)::json"
_SAFE_GEOJSON = "landbridge.safe_geojson(geometry)"  # costs more
_ROWS = """
SELECT id, collection, {geometry} AS geometry, content::text AS content, {key} AS key{number}
FROM {source} ORDER BY {order} LIMIT {limit}
"""
_MATCHING = "SELECT * FROM items WHERE {condition}"
_PART = f"({_MATCHING} ORDER BY {{order}} LIMIT {{limit}})"
# The matches are read once, for the page and for their number.
_FEW = "WITH matching AS MATERIALIZED (SELECT * FROM ({matching}) AS items LIMIT {most} + 1) {rows}"
_OF_FEW = "(SELECT * FROM matching ORDER BY {order} LIMIT {limit}) AS items"
_NUMBER_OF_FEW = ", (SELECT count(*) FROM matching) AS matched"
_COUNT = "SELECT count(*) FROM items WHERE {condition}"
_BASE_ITEMS = """
SELECT c.id AS collection, NULL::int AS base_item_id, collection_base_item(c.id) AS base_item
FROM collections c WHERE c.id = ANY($1)
UNION ALL
SELECT b.collection, b.id, b.base_item FROM base_items b
WHERE (b.collection, b.id) IN (SELECT * FROM unnest($2::text[], $3::int[]))
"""
_ITEM = """
SELECT id, collection, landbridge.safe_geojson(geometry) AS geometry, content::text AS content,
       xmin::text AS version
FROM items WHERE collection = $1 AND id = $2
"""
_EXISTS = "SELECT EXISTS (SELECT FROM items WHERE collection = $1 AND id = $2)"
_EXPIRED = """
SELECT collection, id FROM items
WHERE collection = ANY($1) AND (content->'properties'->>'expires')::timestamptz <= now() LIMIT $2
"""
_FIRST = "SELECT collection, datetime FROM {source} ORDER BY {order} LIMIT {limit}"
# Conditions of the first of several statements; each next one has some times as many.
_FIRST_STEP, _GROWTH = 2, 3
_IN_COLLECTION = "SELECT EXISTS (SELECT FROM items WHERE collection = $1)"


async def fetch_rows(
    conn: asyncpg.Connection,
    conditions: Sequence[str],
    parameters: Parameters,
    *,
    order: str,
    key: str,
    limit: int,
    newest: Sequence[datetime] = (),
) -> list[asyncpg.Record]:
    """Return the first rows, in the given order, of the items that meet one of the conditions.

    Args:
        conn: of the read pool.
        conditions: SQL; no item may meet two of them.
        parameters: the values that the conditions name.
        order: the ORDER BY.
        key: SQL of the sort key, returned as `key` of each row.
        limit: how many rows.
        newest: if the newest items come first, the time of the newest item that meets each of the first
            conditions or one of those after it.
    """
    if len(conditions) > (_FIRST_STEP if newest else MOST_CONDITIONS):
        first = await _collections_of_first(
            conn, conditions, parameters, order=order, limit=limit, newest=newest
        )
        among = f"collection = ANY ({parameters.add(first, 'text[]')})"
        conditions = [f"({one}) AND {among}" for one in conditions]
    source = matching_items(conditions, order=order, limit=limit)
    query = _rows(source, parameters, order=order, key=key, limit=limit)
    query, values = parameters.bound(query)
    rows: list[asyncpg.Record] = await conn.fetch(query, *values)
    return rows


async def fetch_few(
    conn: asyncpg.Connection,
    conditions: Sequence[str],
    parameters: Parameters,
    *,
    order: str,
    key: str,
    limit: int,
    most: int,
) -> tuple[list[asyncpg.Record], int] | None:
    """Return the first rows as `fetch_rows`, and the number of matches; None if more than `most` match."""
    source = _OF_FEW.format(order=order, limit=limit)
    matching = " UNION ALL ".join(_MATCHING.format(condition=one) for one in conditions)
    page = _rows(source, parameters, order=order, key=key, limit=limit, number=_NUMBER_OF_FEW)
    query = _FEW.format(matching=matching, most=most, rows=page)
    query, values = parameters.bound(query)
    rows: list[asyncpg.Record] = await conn.fetch(query, *values)
    matched = rows[0]["matched"] if rows else 0
    return None if matched > most else (rows, matched)


def _rows(source: str, parameters: Parameters, *, order: str, key: str, limit: int, number: str = "") -> str:
    geometry = _SAFE_GEOJSON if parameters.tolerant else _GEOJSON
    return _ROWS.format(geometry=geometry, key=key, number=number, source=source, order=order, limit=limit)


async def _collections_of_first(
    conn: asyncpg.Connection,
    conditions: Sequence[str],
    parameters: Parameters,
    *,
    order: str,
    limit: int,
    newest: Sequence[datetime],
) -> list[str]:
    """Return collections that hold the first rows of all, by the first rows of some conditions at a time."""
    # Conditions without a newest time come first, since any row may meet them.
    conditions = [*conditions[len(newest) :], *conditions[: len(newest)]]
    unknown, done = len(conditions) - len(newest), 0
    step = _FIRST_STEP if newest else MOST_CONDITIONS
    rows: list[asyncpg.Record] = []
    while done < len(conditions):
        if done >= unknown and newest:
            # As many rows as needed are newer than each row of the remaining conditions.
            bound = newest[done - unknown]
            if sum(row["datetime"] > bound for row in rows) >= limit:
                break
        source = matching_items(conditions[done : done + step], order=order, limit=limit)
        query, values = parameters.bound(_FIRST.format(source=source, order=order, limit=limit))
        rows += await conn.fetch(query, *values)
        done, step = done + step, min(step * _GROWTH, MOST_CONDITIONS)
    return sorted({row["collection"] for row in rows})


def matching_items(conditions: Sequence[str], *, order: str, limit: int) -> str:
    """Return the FROM clause of the items that meet one of the conditions; no item may meet two of them.

    The caller orders and limits the rows. So does each part: a union stays small, and what the caller makes
    of a row, such as its text, is made for the rows of the page only, and not for all that are sorted.
    """
    parts = (_PART.format(condition=one, order=order, limit=limit) for one in conditions)
    return f"({' UNION ALL '.join(parts)}) AS items"


async def count_items(
    conn: asyncpg.Connection, conditions: Sequence[str], parameters: Parameters, seconds: float | None = None
) -> int:
    """Return the number of items that meet one of the conditions; no item may meet two of them.

    Raises:
        TimeoutError: if it takes longer than some seconds; the database stops counting.
    """
    matched = 0
    async with asyncio.timeout(seconds):
        for some in some_at_a_time(conditions):
            counts = " + ".join(f"({_COUNT.format(condition=one)})" for one in some)
            query, values = parameters.bound(f"SELECT {counts}")
            matched += await conn.fetchval(query, *values)
    return matched


def visible_to(access: Access, item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as the caller may see it: a blob's access lists may hide entries."""
    return access.visible_document(item) if item["collection"] in BLOB_COLLECTIONS else item


async def exists(db: asyncpg.Connection | asyncpg.Pool, collection: str, item: str) -> bool:
    """Return whether there is an item, visible or not."""
    found: bool = await db.fetchval(_EXISTS, collection, item)
    return found


async def in_collection(db: asyncpg.Connection | asyncpg.Pool, collection: str) -> bool:
    """Return whether a collection has items."""
    found: bool = await db.fetchval(_IN_COLLECTION, collection)
    return found


async def expired_items(
    db: asyncpg.Connection | asyncpg.Pool, collections: Sequence[str], limit: int
) -> list[tuple[str, str]]:
    """Return collection and id of items of some collections whose `expires` has passed."""
    return [(row["collection"], row["id"]) for row in await db.fetch(_EXPIRED, list(collections), limit)]


async def get_item(
    conn: asyncpg.Connection, collection: str, item: str, access: Access
) -> dict[str, Any] | None:
    """Return a whole item; None if there is no such item that the caller may see."""
    return (await get_item_version(conn, collection, item, access))[0]


async def get_item_version(
    conn: asyncpg.Connection, collection: str, item: str, access: Access
) -> tuple[dict[str, Any] | None, str]:
    """Return a whole item as `get_item`, and the version of its row, which every write changes."""
    if not access.reads(collection):
        return None, ""
    row = await conn.fetchrow(_ITEM, collection, item)
    if row is None:
        return None, ""
    (found,) = await hydrate_rows(conn, [row])
    if collection in BLOB_COLLECTIONS and access.role(found) < Role.READER:
        return None, ""
    # Base items in use never change, so an item changes only with its row.
    return visible_to(access, found), row["version"]


async def current_version(conn: asyncpg.Connection) -> str:
    """Return the version of the rows that the connection's transaction writes."""
    version: str = await conn.fetchval("SELECT pg_current_xact_id()::xid::text")
    return version


async def hydrate_rows(conn: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    """Return rows as whole items. The items share values with their base item: do not change those."""
    if not rows:
        return []
    contents = [orjson.loads(row["content"]) for row in rows]
    # Base items are fetched once per page, not once per item.
    keys = [
        (row["collection"], content.pop(BASE_ITEM_ID, None))
        for row, content in zip(rows, contents, strict=True)
    ]
    numbered = [(collection, number) for collection, number in set(keys) if number is not None]
    found = await conn.fetch(
        _BASE_ITEMS,
        [collection for collection, number in set(keys) if number is None],
        [collection for collection, _ in numbered],
        [number for _, number in numbered],
    )
    bases = {
        (base["collection"], base["base_item_id"]): {
            k: v for k, v in base["base_item"].items() if v is not None
        }
        for base in found
    }
    items = []
    for row, content, key in zip(rows, contents, keys, strict=True):
        item = {
            "type": "Feature",
            "id": row["id"],
            "collection": row["collection"],
            "geometry": shown_geometry(row["geometry"]),
            **content,
        }
        if item["geometry"] is None:
            item.pop("bbox", None)  # the stored geometry is missing or unreadable
        hydrate(bases[key], item, has_markers=MARKER in row["content"])
        items.append(item)
    return items
