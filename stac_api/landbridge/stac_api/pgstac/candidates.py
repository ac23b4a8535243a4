"""Collections that may hold items of a search, found without the partitions of pgstac's `items`.

Each collection is a partition. PostgreSQL plans and locks each one that a query could read: that takes 5
locks and about 0.3 ms. Extents and `item_stats` tell much cheaper which collections cannot hold a match.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from landbridge.stac_api.pgstac.sql_builder import Parameters

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import asyncpg

__all__ = ["ids_if_many", "may_match", "newest_first"]

_MOST_IDS: Final = 20  # each is looked up in each collection
_MAY_MATCH = "SELECT c.id FROM collections c WHERE c.id = ANY ({among}) AND {conditions} ORDER BY 1"
# The extent has every item with a geometry; after a deletion it may be too large.
_PLACE = """
EXISTS (SELECT FROM landbridge.extents e WHERE e.collection_key = c.key
        AND e.west <= ST_XMax({geometry}) AND e.east >= ST_XMin({geometry})
        AND e.south <= ST_YMax({geometry}) AND e.north >= ST_YMin({geometry}))
"""
_TIME = "EXISTS (SELECT FROM landbridge.item_stats s WHERE s.collection_key = c.key AND {times})"
# Items with a period may begin before the time that is asked for.
_PERIODS = """
EXISTS (SELECT FROM landbridge.item_counts p
        WHERE p.period = 'all' AND p.collection_key = c.key AND p.periods <> 0)
OR EXISTS (SELECT FROM landbridge.item_count_changes p WHERE p.collection_key = c.key AND p.periods <> 0)
"""
_ID = "EXISTS (SELECT FROM landbridge.item_stats s WHERE s.collection_key = c.key AND s.id = ANY ({ids}))"
_NEWEST_FIRST = """
SELECT c.id, s.datetime
FROM collections c CROSS JOIN LATERAL (
    SELECT datetime FROM landbridge.item_stats WHERE collection_key = c.key ORDER BY datetime DESC LIMIT 1
) AS s
WHERE c.id = ANY ($1) ORDER BY s.datetime DESC
"""
_IDS_IF_MANY = "SELECT array_agg(id ORDER BY id) FROM collections HAVING count(*) > $1"


async def may_match(
    conn: asyncpg.Connection,
    among: Sequence[str],
    *,
    geometries: Sequence[str] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    ids: Sequence[str] | None = None,
) -> list[str]:
    """Return the collections that may hold items of a search; all others hold none.

    Args:
        conn: of the read pool.
        among: ids of collections.
        geometries: GeoJSON texts, one of which an item has to intersect; empty for any place.
        start, end: time that an item has to touch; None for an open end.
        ids: one of which an item has to have; None for any.
    """
    parameters = Parameters()
    parts = []
    if geometries:
        placed = (f"ST_GeomFromGeoJSON({parameters.add(one, 'text')})" for one in geometries)
        places = [_PLACE.format(geometry=one) for one in placed]
        parts.append(" OR ".join(places))
    if start is not None or end is not None:
        times = [] if start is None else [f"s.datetime >= {parameters.add_timestamp(start)}"]
        times += [] if end is None else [f"s.datetime <= {parameters.add_timestamp(end)}"]
        inside = _TIME.format(times=" AND ".join(times))
        parts.append(inside if start is None else f"{inside} OR {_PERIODS}")
    if ids is not None and len(ids) <= _MOST_IDS:
        parts.append(_ID.format(ids=parameters.add(list(ids), "text[]")))
    if not parts:
        return list(among)
    query = _MAY_MATCH.format(
        among=parameters.add(list(among), "text[]"), conditions=" AND ".join(f"({one})" for one in parts)
    )
    query, values = parameters.bound(query)
    return [row["id"] for row in await conn.fetch(query, *values)]


async def newest_first(conn: asyncpg.Connection, among: Sequence[str]) -> dict[str, datetime]:
    """Return the times of the newest item of collections with items, the newest first."""
    return {row["id"]: row["datetime"] for row in await conn.fetch(_NEWEST_FIRST, list(among))}


async def ids_if_many(conn: asyncpg.Connection, most: int) -> list[str] | None:
    """Return the ids of all collections if there are more than `most`, else None."""
    ids: list[str] | None = await conn.fetchval(_IDS_IF_MANY, most)
    return ids
