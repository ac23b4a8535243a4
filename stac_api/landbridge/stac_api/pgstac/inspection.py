"""Reads of all items for `landbridge-server doctor`, and repairs of damaged ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import asyncpg

__all__ = [
    "DamagedItem",
    "asset",
    "assets_after",
    "catalog_state",
    "damaged_items",
    "pgstac_version",
    "repair_items",
    "unreadable_items",
]

_ASSETS_AFTER = """
SELECT id, content->'assets' AS assets FROM items WHERE collection = $1 AND id > $2 ORDER BY id LIMIT $3
"""
_ASSET = "SELECT content->'assets'->$3 FROM items WHERE collection = $1 AND id = $2"
_DAMAGED = """
SELECT collection, id, assets IS NOT NULL AS repairable FROM landbridge.damaged_items()
ORDER BY collection, id
"""
_UNREADABLE = "SELECT collection, id, repairable FROM landbridge.unreadable_items() ORDER BY collection, id"
_REPAIR = "SELECT landbridge.repair_damaged_items(), landbridge.repair_unreadable_items()"


_VERSION = "SELECT pgstac.get_version()"
# The planner's estimate: counting all items would read all of them.
_STATE = """
SELECT pgstac.get_version() AS version, (SELECT count(*) FROM pgstac.collections) AS collections,
    coalesce(sum(greatest(leaf.reltuples, 0)), 0)::float AS items, count(leaf.oid) AS partitions
FROM pg_partition_tree('pgstac.items') AS part JOIN pg_class AS leaf ON leaf.oid = part.relid
WHERE part.isleaf
"""


class DamagedItem(NamedTuple):
    """An item whose row has lost values, or has a geometry that cannot be read."""

    collection: str
    id: str
    repairable: bool


async def pgstac_version(db: asyncpg.Pool) -> str:
    """Return the version of pgstac in the database."""
    version: str = await db.fetchval(_VERSION)
    return version


async def catalog_state(db: asyncpg.Connection) -> dict[str, Any]:
    """Return `version` of pgstac, and numbers of `collections`, `items` (an estimate) and `partitions`."""
    return dict(await db.fetchrow(_STATE))


async def assets_after(
    db: asyncpg.Pool, collection: str, item: str, limit: int
) -> list[tuple[str, dict[str, Any]]]:
    """Return id and stored assets of the items of a collection that come after an id."""
    rows = await db.fetch(_ASSETS_AFTER, collection, item, limit)
    return [(row["id"], row["assets"] or {}) for row in rows]


async def asset(db: asyncpg.Pool, collection: str, item: str, key: str) -> Any:
    """Return an asset of an item as stored; None if it does not exist."""
    return await db.fetchval(_ASSET, collection, item, key)


async def damaged_items(db: asyncpg.Pool) -> list[DamagedItem]:
    """Return the items that have lost values in lists of their assets."""
    return [DamagedItem(*row) for row in await db.fetch(_DAMAGED)]


async def unreadable_items(db: asyncpg.Pool) -> list[DamagedItem]:
    """Return the items whose geometry cannot be written as GeoJSON or compared."""
    return [DamagedItem(*row) for row in await db.fetch(_UNREADABLE)]


async def repair_items(db: asyncpg.Pool) -> None:
    """Repair all items that can be repaired."""
    await db.execute(_REPAIR)
