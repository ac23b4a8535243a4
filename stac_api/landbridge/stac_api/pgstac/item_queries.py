"""The one module that touches pgstac's internals: item rows, the SQL of a search, paging.

`pgstac.search()` assembles its answer as JSON inside the database, which costs most of a page
(https://github.com/stac-utils/pgstac/issues/305). Here the database only selects rows; hydration, links
and serialization happen in the API. A test compares this module with `pgstac.search()` itself, so that an
upgrade of pgstac that changes either is noticed (tests/integration/test_server_search.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import orjson

from landbridge.stac_api.access import visibility
from landbridge.stac_api.access.rules import CONTAINERS, Role, missing_collection
from landbridge.stac_api.core.blob_items import shown_geometry
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pgstac import recent_items
from landbridge.stac_api.pgstac.dehydration import MARKER, TAG, hydrate
from landbridge.stac_api.search.conditions import of_collections, of_items
from landbridge.stac_api.search.order import Order, Token
from landbridge.stac_api.search.request import Sort
from landbridge.stac_api.search.sql import Parameters
from landbridge.stac_api.search.tolerance import tolerant

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.search.request import Search

_WRITTEN = "ST_AsGeoJSON(geometry, 20)::json"
_TOLERANTLY_WRITTEN = "landbridge.safe_geojson(geometry)"  # which costs more
_ROWS = """
SELECT id, collection, {geometry} AS geometry, content::text AS content, {key} AS key
FROM {source} ORDER BY {order} LIMIT {limit}
"""
_PART = "(SELECT * FROM items WHERE {where} ORDER BY {order} LIMIT {limit})"
# With what their items cover, which the stored extents do not know; but of blobs only for who sees all.
_COVERED = """
(SELECT a.id, a.collection, a.content, a.collectionjson,
        coalesce(ST_MakeEnvelope(e.west, e.south, e.east, e.north, 4326),
                 landbridge.extent_area(c.content->'extent')) AS geometry,
        coalesce(nullif(a.datetime, '-infinity'), e.start_datetime, '-infinity') AS datetime,
        coalesce(nullif(a.end_datetime, 'infinity'), e.end_datetime, 'infinity') AS end_datetime
 FROM collections_asitems a JOIN collections c ON c.id = a.id
 LEFT JOIN landbridge.extents e ON e.collection_key = c.key{but}) AS covered
"""
_COLLECTIONS = """
SELECT collectionjson AS document FROM {source}
WHERE {where} ORDER BY {order} LIMIT {limit} OFFSET {offset}
"""
_COUNT = "SELECT count(*) FROM {source} WHERE {where}"
_TITLES = """
SELECT id, coalesce(content->>'title', id) AS title FROM collections
WHERE {where} ORDER BY id LIMIT {limit}
"""
_BASE_ITEMS = """
SELECT c.id AS collection, NULL::int AS tag, collection_base_item(c.id) AS base_item
FROM collections c WHERE c.id = ANY($1)
UNION ALL
SELECT b.collection, b.id, b.base_item FROM base_items b
WHERE (b.collection, b.id) IN (SELECT * FROM unnest($2::text[], $3::int[]))
"""
_COLLECTION = "SELECT get_collection(id) AS document, xmin::text AS version FROM collections WHERE id = $1"
_ITEM = """
SELECT id, collection, landbridge.safe_geojson(geometry) AS geometry, content::text AS content,
       xmin::text AS version
FROM items WHERE collection = $1 AND id = $2
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search: whole items, the tokens of its neighbours, the exact number of matches."""

    items: list[dict[str, Any]]
    next: str | None
    prev: str | None
    matched: int


@tolerant
async def search(
    conn: asyncpg.Connection, asked: Search, limit: int, access: Access, *, most_sorted: int | None = None
) -> Page:
    """Run a search for at most `limit` of the items that the caller may see.

    Raises:
        BadRequestError: the search makes no sense, or more than `most_sorted` items would have to be sorted
            by what no index is on.
    """
    asked = await recent_items.everywhere(conn, asked, access)
    order = Order(asked.sortby)
    token = Token.decode(asked.token) if asked.token else None
    backwards = token is not None and token.backwards
    parameters = _parameters(access)
    matching = of_items(asked, parameters, access)
    matched: int | None = None
    if order.unindexed is not None and most_sorted is not None:
        matched = await _count(conn, "items", matching, parameters)
        if matched > most_sorted:
            raise BadRequestError(
                f"{matched} items would have to be sorted by {order.unindexed}, which has no index; at most "
                f"{most_sorted} are. Ask for fewer, or sort by datetime, id, collection or eo:cloud_cover."
            )
    restricted = matching
    if token:
        after = order.after(token, parameters)
        restricted = [f"({one}) AND {after}" for one in matching]
    if spread := recent_items.spread(asked, limit, access):
        # What the products hold is counted in the facts; of blobs those that may be read are few.
        _, containers = access.narrowed(asked.collections)
        page = [*await recent_items.products(conn, spread, limit + 1), *containers]
        restricted = of_items(replace(asked, collections=tuple(page)), parameters, access)
        matching = visibility.of_items(containers, access, parameters)
    by = order.by(backwards=backwards)
    source = _put_together(restricted, by, limit + 1)
    written = _TOLERANTLY_WRITTEN if parameters.tolerant else _WRITTEN
    query = _ROWS.format(geometry=written, key=order.key(), source=source, order=by, limit=limit + 1)
    query, values = parameters.bound(query)
    rows = await conn.fetch(query, *values)
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()

    # A first page that isn't full is the whole answer: no second query needed to count it.
    if matched is None:
        whole = token is None and not more
        matched = len(rows) if whole else await _count(conn, "items", matching, parameters)
        if spread and not whole:
            matched += await recent_items.count(conn, spread)
    has_next, has_prev = (True, more) if backwards else (more, token is not None)
    items = await _hydrated(conn, rows)
    return Page(
        items=items if access.everything else [_shown(item, access) for item in items],
        next=Token(False, rows[-1]["key"], order.name).encode() if has_next and rows else None,
        prev=Token(True, rows[0]["key"], order.name).encode() if has_prev and rows else None,
        matched=matched,
    )


def _parameters(access: Access) -> Parameters:
    return Parameters(subjects=None if access.everything else access.listed)


def _shown(item: dict[str, Any], access: Access) -> dict[str, Any]:
    return access.shown(item) if item["collection"] in CONTAINERS else item


def _put_together(conditions: Sequence[str], order: str, limit: int) -> str:
    """The items that meet one of some conditions, as far as the first of all may be among them."""
    if len(conditions) == 1:
        return f"items WHERE {conditions[0]}"
    parts = (_PART.format(where=one, order=order, limit=limit) for one in conditions)
    return f"({' UNION ALL '.join(parts)}) AS items"


async def _count(
    conn: asyncpg.Connection, source: str, conditions: Sequence[str], parameters: Parameters
) -> int:
    counts = [_COUNT.format(source=source, where=one) for one in conditions]
    query = counts[0] if len(counts) == 1 else f"SELECT {' + '.join(f'({one})' for one in counts)}"
    query, values = parameters.bound(query)
    matched: int = await conn.fetchval(query, *values)
    return matched


@tolerant
async def collections(
    conn: asyncpg.Connection, asked: Search, limit: int, access: Access
) -> tuple[list[dict[str, Any]], int]:
    """The collections of one page of a search, as the caller sees them, and the number of all that match."""
    order = Order(asked.sortby or (Sort("id"),), last=("id",), dehydrated=False)
    parameters = _parameters(access)
    parameters.dehydrated = False
    matching = of_collections(asked, parameters, access)
    but = ""
    if not access.everything:
        but = f" AND c.id <> ALL ({parameters.add(sorted(CONTAINERS), 'text[]')})"
    source = _COVERED.format(but=but)
    query = _COLLECTIONS.format(
        source=source, where=matching, order=order.by(), limit=limit, offset=asked.offset
    )
    query, values = parameters.bound(query)
    found = [access.shown(row["document"]) for row in await conn.fetch(query, *values)]
    if asked.offset == 0 and len(found) < limit:
        return found, len(found)
    return found, await _count(conn, source, [matching], parameters)


async def titles(conn: asyncpg.Connection, most: int, access: Access) -> list[tuple[str, str]]:
    """Id and title of collections that the caller may see."""
    parameters = Parameters()
    matching = visibility.of_collections(access, parameters)
    query, values = parameters.bound(_TITLES.format(where=matching, limit=parameters.add(most, "bigint")))
    return [(row["id"], row["title"]) for row in await conn.fetch(query, *values)]


async def find_collection(
    db: asyncpg.Connection | asyncpg.Pool, collection: str, access: Access
) -> dict[str, Any] | None:
    """One collection with its lists as stored, or None where there is none that the caller may see."""
    found: dict[str, Any] | None = await db.fetchval("SELECT get_collection($1)", collection)
    return found if found is not None and access.role(found) >= Role.READER else None


async def get_collection(
    db: asyncpg.Connection | asyncpg.Pool, collection: str, access: Access
) -> dict[str, Any]:
    """One collection with its lists as stored.

    Raises:
        NotFoundError: there is none that the caller may see.
    """
    found = await find_collection(db, collection, access)
    if found is None:
        raise missing_collection(collection)
    return found


async def get_collection_version(
    db: asyncpg.Connection | asyncpg.Pool, collection: str, access: Access
) -> tuple[dict[str, Any], str]:
    """Return a collection as `get_collection`, and the version of its row, which every write changes."""
    row = await db.fetchrow(_COLLECTION, collection)
    if row is None or access.role(row["document"]) < Role.READER:
        raise missing_collection(collection)
    return row["document"], row["version"]


async def get_item(
    conn: asyncpg.Connection, collection: str, item: str, access: Access
) -> dict[str, Any] | None:
    """One whole item, or None where there is none that the caller may see."""
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
    (found,) = await _hydrated(conn, [row])
    if collection in CONTAINERS and access.role(found) < Role.READER:
        return None, ""
    # No base item changes once items share it, so what an item is changes with its row.
    return _shown(found, access), row["version"]


async def current_version(conn: asyncpg.Connection) -> str:
    """Return the version of the rows that the connection's transaction writes."""
    version: str = await conn.fetchval("SELECT pg_current_xact_id()::xid::text")
    return version


async def collection_version(db: asyncpg.Connection | asyncpg.Pool, collection: str) -> str:
    """Return the version of a collection's row, which every write changes; empty if there is none."""
    return await db.fetchval("SELECT xmin::text FROM collections WHERE id = $1", collection) or ""


async def _hydrated(conn: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    """The rows as whole items. They share what they have from their collection: to be read, not changed."""
    if not rows:
        return []
    contents = [orjson.loads(row["content"]) for row in rows]
    # Items are stored without what they share with their collection's base item; which version of it is
    # the item's tag, so bases are fetched once per page, not once per item.
    keys = [(row["collection"], content.pop(TAG, None)) for row, content in zip(rows, contents, strict=True)]
    tagged = [(collection, tag) for collection, tag in set(keys) if tag is not None]
    found = await conn.fetch(
        _BASE_ITEMS,
        [collection for collection, tag in set(keys) if tag is None],
        [collection for collection, _ in tagged],
        [tag for _, tag in tagged],
    )
    bases = {
        (base["collection"], base["tag"]): {k: v for k, v in base["base_item"].items() if v is not None}
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
            item.pop("bbox", None)  # of one that can't be read
        hydrate(bases[key], item, marked=MARKER in row["content"])
        items.append(item)
    return items
