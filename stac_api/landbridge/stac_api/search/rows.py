"""The one module that touches pgstac's internals: item rows, the SQL of a search, paging.

`pgstac.search()` assembles its answer as JSON inside the database, which costs most of a page
(https://github.com/stac-utils/pgstac/issues/305). Here the database only selects rows; hydration, links
and serialization happen in the API. A test compares this module with `pgstac.search()` itself, so that an
upgrade of pgstac that changes either is noticed (tests/integration/test_server_search.py).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from hydraters import DO_NOT_MERGE_MARKER, hydrate
from stac_fastapi.types.errors import NotFoundError

from landbridge.stac_api.blobs.items import shown_geometry
from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg

# The order pgstac gives a search without `sortby`.
_DEFAULT_SORT: tuple[dict[str, str], ...] = ({"field": "datetime", "direction": "desc"},)

_PLAN = """
SELECT stac_search_to_where($1) AS where,
       sort_sqlorderby($1, $2, '{collection,id}', $3::text[]) AS orderby,
       CASE WHEN $4::jsonb IS NOT NULL THEN get_token_filter(
           $1->'sortby', jsonb_populate_record(NULL::items, $4), $2, FALSE, $3::text[]
       ) END AS after
"""
_ROWS = """
SELECT id, collection, datetime, end_datetime, ST_AsGeoJSON(geometry, 20)::json AS geometry,
       content::text AS content
FROM search_rows($1, $2, NULL, $3)
"""
_COUNT = "SELECT count(*) FROM items WHERE {where}"
_BASE_ITEMS = """
SELECT c.id AS collection, NULL::int AS tag, collection_base_item(c.id) AS base_item
FROM collections c WHERE c.id = ANY($1)
UNION ALL
SELECT b.collection, b.id, b.base_item FROM base_items b
WHERE (b.collection, b.id) IN (SELECT * FROM unnest($2::text[], $3::int[]))
"""
_ITEM = """
SELECT id, collection, ST_AsGeoJSON(geometry, 20)::json AS geometry, content::text AS content
FROM items WHERE collection = $1 AND id = $2
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a search: whole items, the tokens of its neighbours, the exact number of matches."""

    items: list[dict[str, Any]]
    next: str | None
    prev: str | None
    matched: int


@dataclass(frozen=True, slots=True)
class _Token:
    """Where a page starts: the sort key of the row before it, so that row may be gone by now."""

    prev: bool
    row: dict[str, Any]

    def encode(self) -> str:
        raw = orjson.dumps(self.row)
        return f"{'prev' if self.prev else 'next'}:{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"

    @classmethod
    def decode(cls, text: str) -> _Token:
        direction, _, body = text.partition(":")
        try:
            row = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
            well_formed = (
                direction in ("next", "prev")
                and set(row) == {"id", "collection", "datetime", "end_datetime", "content"}
                and isinstance(row["content"], dict)
            )
        except (ValueError, TypeError, binascii.Error):
            well_formed = False
        if not well_formed:
            raise BadRequestError(
                f"token {text!r} is not one this API gave out; start the search again without it."
            )
        return cls(direction == "prev", row)


async def search(
    conn: asyncpg.Connection, query: Mapping[str, Any], limit: int, token: str | None = None
) -> Page:
    """Run a search.

    Args:
        conn: a read connection.
        query: the search as pgstac takes it (`collections`, `ids`, `bbox`, `intersects`, `datetime`,
            `filter`, `filter-lang`, `query`, `q`, `sortby`), without paging members.
        limit: the most items to return.
        token: a `next:` or `prev:` token of an earlier page.
    """
    start = _Token.decode(token) if token else None
    backwards = start is not None and start.prev
    collections = query.get("collections")
    plan = await conn.fetchrow(_PLAN, dict(query), backwards, collections, start.row if start else None)
    where = plan["where"]
    restricted = f"({where}) AND {plan['after']}" if plan["after"] else where
    rows = await conn.fetch(_ROWS, restricted, plan["orderby"], limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    if backwards:
        rows.reverse()

    # A first page that isn't full is the whole answer: no second query needed to count it.
    matched = len(rows) if start is None and not more else await conn.fetchval(_COUNT.format(where=where))
    has_next, has_prev = (True, more) if backwards else (more, start is not None)
    sort = query.get("sortby") or _DEFAULT_SORT
    return Page(
        items=await _hydrated(conn, rows),
        next=_Token(False, _key(rows[-1], sort)).encode() if has_next and rows else None,
        prev=_Token(True, _key(rows[0], sort)).encode() if has_prev and rows else None,
        matched=matched,
    )


async def find_collection(db: asyncpg.Connection | asyncpg.Pool, collection: str) -> dict[str, Any] | None:
    """One collection as stored, or None."""
    found: dict[str, Any] | None = await db.fetchval("SELECT get_collection($1)", collection)
    return found


async def get_collection(db: asyncpg.Connection | asyncpg.Pool, collection: str) -> dict[str, Any]:
    """One collection as stored.

    Raises:
        NotFoundError: there is none.
    """
    found = await find_collection(db, collection)
    if found is None:
        raise NotFoundError(f"Collection {collection} does not exist.")
    return found


async def get_item(conn: asyncpg.Connection, collection: str, item: str) -> dict[str, Any] | None:
    """One whole item, or None."""
    row = await conn.fetchrow(_ITEM, collection, item)
    return (await _hydrated(conn, [row]))[0] if row else None


def _key(row: asyncpg.Record, sort: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The members of a row that `get_token_filter` reads for this sort, and no others."""
    content: dict[str, Any] = {}
    stored = orjson.loads(row["content"])
    for entry in sort:
        path = _path(entry["field"])
        value: Any = stored
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            continue
        target = content
        for part in path[:-1]:
            target = target.setdefault(part, {})
        target[path[-1]] = value
    return {
        "id": row["id"],
        "collection": row["collection"],
        "datetime": row["datetime"].isoformat(),
        "end_datetime": row["end_datetime"].isoformat(),
        "content": content,
    }


def _path(field: str) -> list[str]:
    """Where pgstac looks for a property (its `queryable_path_elements`)."""
    parts = field.removeprefix("properties.").split(".")
    top = ("assets", "links", "bbox", "stac_version", "stac_extensions", "properties")
    return parts if parts[0] in top else ["properties", *parts]


async def _hydrated(conn: asyncpg.Connection, rows: Sequence[asyncpg.Record]) -> list[dict[str, Any]]:
    """The rows as whole items. They share what they have from their collection: to be read, not changed."""
    if not rows:
        return []
    contents = [orjson.loads(row["content"]) for row in rows]
    # Items are stored without what they share with their collection's base item; which version of it is
    # the item's tag, so bases are fetched once per page, not once per item.
    keys = [
        (row["collection"], int(tag) if (tag := content.pop("pgstac:base_item", None)) is not None else None)
        for row, content in zip(rows, contents, strict=True)
    ]
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
            "geometry": shown_geometry(row["collection"], row["geometry"]),
            **content,
        }
        if DO_NOT_MERGE_MARKER in row["content"]:
            hydrate(bases[key], item, strip_unmatched_markers=True)
        else:
            _merge(bases[key], item)
        items.append(item)
    return items


def _merge(base: Mapping[str, Any], into: dict[str, Any]) -> None:
    """Put in what only the base has, as `hydrate` does where no marker forbids it, but without copies.

    Most of a page is what its items share: copying that took longer than all the rest of the answer.
    """
    for key, value in base.items():
        if key not in into:
            into[key] = value
        elif isinstance(value, dict):
            if isinstance(mine := into[key], dict):
                _merge(value, mine)
        elif isinstance(value, list) and isinstance(mine := into[key], list) and len(mine) == len(value):
            for one, other in zip(value, mine, strict=True):
                if isinstance(one, dict) and isinstance(other, dict):
                    _merge(one, other)
