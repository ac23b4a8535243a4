"""Reads of all items for `landbridge-server doctor`, and repairs of damaged ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import asyncpg

__all__ = [
    "DamagedItem",
    "asset",
    "assets_after",
    "damaged_items",
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


class DamagedItem(NamedTuple):
    """An item whose row has lost values, or has a geometry that cannot be read."""

    collection: str
    id: str
    repairable: bool


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
