"""Rows of pgstac's `items`, made from documents, so that every write path stores the same.

pgstac's own functions are not used: `create_item` and `update_item` lose values (see `dehydration`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import asyncpg

from landbridge.errors import LandbridgeError
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pgstac import dehydration

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "BASE_ITEM",
    "COLUMNS",
    "CREATE_PARTITIONS",
    "EMPTY_BASE_ITEM",
    "NoPartitionError",
    "Row",
    "create_partitions",
    "insert",
    "update",
]

COLUMNS = ("id", "collection", "datetime", "end_datetime", "geometry", "content")
BASE_ITEM = """
SELECT b.base_item, b.base_item_id FROM pgstac.collections c, pgstac.current_base_item(c.id) b WHERE c.id = {}
"""
EMPTY_BASE_ITEM = "SELECT landbridge.empty_base_item({})"
CREATE_PARTITIONS = "SELECT landbridge.create_partitions({}, {}::text[]::timestamptz[])"
_INSERT = """
INSERT INTO items (id, collection, datetime, end_datetime, geometry, content)
SELECT r.id, $1, r.datetime::timestamptz, r.end_datetime::timestamptz, r.geometry::geometry, r.content::jsonb
FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS r(id, datetime, end_datetime, geometry, content)
"""
_UPDATE = """
UPDATE items SET datetime = $3::text::timestamptz, end_datetime = $4::text::timestamptz,
    geometry = $5::text::geometry, content = $6::text::jsonb
WHERE collection = $1 AND id = $2
RETURNING xmin::text
"""
_DELETE = "DELETE FROM items WHERE collection = $1 AND id = ANY ($2)"


class NoPartitionError(LandbridgeError):
    """Error: no partition of a collection takes these items, because of its constraint or its period."""

    def __init__(self, collection: str, items: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(f"No partition of collection {collection} takes the items.")
        self.collection, self.items = collection, items


class Row(NamedTuple):
    """An item's values of `COLUMNS`; the content is None if the item has to be stored whole."""

    id: str
    collection: str
    datetime: str
    end_datetime: str
    geometry: str
    content: str | None

    @classmethod
    def of(cls, item: Mapping[str, Any], base: dehydration.Base) -> Row:
        """Return the row of a validated item.

        Raises:
            BadRequestError: if it has neither a time nor a range of times.
        """
        start, end = _times(item)
        content = base.dehydrate(item)
        return cls(item["id"], item["collection"], start, end, _ewkb(item["geometry"]), content)

    def whole(self, item: Mapping[str, Any], base_item: int) -> Row:
        """Return the row with the whole item; `base_item` is the id of an empty base item."""
        return self._replace(content=dehydration.whole(item, base_item))


def _times(item: Mapping[str, Any]) -> tuple[str, str]:
    properties = item["properties"]
    moment, start, end = (properties.get(name) for name in ("datetime", "start_datetime", "end_datetime"))
    if start is not None and end is not None:
        return start, end
    if moment is None:
        raise BadRequestError(
            f"Item {item['id']!r} needs a `datetime`, or a `start_datetime` and an `end_datetime`."
        )
    return moment, moment


def _ewkb(geometry: dict[str, Any]) -> str:
    import shapely  # not needed at the start
    from shapely.geometry import shape

    return str(shapely.to_wkb(shapely.set_srid(shape(geometry), 4326), hex=True, include_srid=True))


async def _rows(conn: asyncpg.Connection, collection: str, items: Sequence[Mapping[str, Any]]) -> list[Row]:
    found = await conn.fetchrow(BASE_ITEM.format("$1"), collection)
    base = dehydration.Base(found["base_item"], found["base_item_id"])
    made = await asyncio.to_thread(lambda: [Row.of(item, base) for item in items])
    if any(row.content is None for row in made):
        empty = await conn.fetchval(EMPTY_BASE_ITEM.format("$1"), collection)
        made = [
            row.whole(item, empty) if row.content is None else row
            for row, item in zip(made, items, strict=True)
        ]
    return made


async def insert(
    conn: asyncpg.Connection, collection: str, items: Sequence[Mapping[str, Any]], *, replace: bool = False
) -> None:
    """Store items of an existing collection; `replace` first deletes items of the same ids.

    Raises:
        NoPartitionError: if `create_partitions` is needed before.
    """
    made = await _rows(conn, collection, items)
    if replace:
        await conn.execute(_DELETE, collection, [row.id for row in made])
    names = [name for name in COLUMNS if name != "collection"]
    values = [[getattr(row, name) for row in made] for name in names]
    try:
        await conn.execute(_INSERT, collection, *values)
    except asyncpg.CheckViolationError as error:
        raise NoPartitionError(collection, items) from error


async def update(conn: asyncpg.Connection, item: Mapping[str, Any]) -> str:
    """Replace an item, and return the version of its row; raises as `insert`."""
    (row,) = await _rows(conn, item["collection"], [item])
    values = [row.collection, row.id, row.datetime, row.end_datetime, row.geometry, row.content]
    try:
        version: str = await conn.fetchval(_UPDATE, *values)
    except asyncpg.CheckViolationError as error:
        raise NoPartitionError(row.collection, [item]) from error
    return version


async def create_partitions(pool: asyncpg.Pool, collection: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Create partitions for items that none takes: the first of a year, or pgstac's Loader narrowed one."""
    await pool.execute(CREATE_PARTITIONS.format("$1", "$2"), collection, [_times(item)[0] for item in items])
