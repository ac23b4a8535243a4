"""Reads of `items` for map tiles: one narrow query finds the images of a tile, the first of them whole.

A page of a search hydrates all its items, writes their geometries as GeoJSON and counts all matches, which
takes longer than the pixels of a tile. Here each row has an id, a fingerprint and the part of the tile that
the item's envelope covers. Only the first rows, which most tiles do not go beyond, have their content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from landbridge.stac_api.pgstac.item_queries import hydrate_rows, matching_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    import asyncpg

    from landbridge.stac_api.pgstac.sql_builder import Parameters

__all__ = ["Found", "collection_states", "count_up_to", "find", "footprints", "whole_items"]

# The content of the whole row: every change of an item that could change its pixels changes this.
_FINGERPRINT: Final = "md5(concat(content::text, geometry::text))"
_FIND: Final = """
SELECT id, collection, {fingerprint} AS fingerprint, {share} AS share,
       CASE WHEN number <= {first} THEN {geometry} END AS geometry,
       CASE WHEN number <= {first} THEN content::text END AS content
FROM (SELECT *, row_number() OVER () AS number
      FROM (SELECT * FROM {source} ORDER BY {order} LIMIT {limit}) AS matching) AS found
ORDER BY number
"""
_GEOJSON: Final = "ST_AsGeoJSON(geometry, 15)::json"
_SAFE_GEOJSON: Final = "landbridge.safe_geojson(geometry)"
_SHARE: Final = "ST_Area(ST_Intersection(ST_Envelope(geometry), {tile})) / nullif(ST_Area({tile}), 0)"
_SAFE_SHARE: Final = "1.0::double precision"
_WHOLE: Final = """
SELECT id, collection, landbridge.safe_geojson(geometry) AS geometry, content::text AS content
FROM items WHERE collection = ANY ($1) AND (collection, id) IN (SELECT * FROM unnest($2::text[], $3::text[]))
"""
_COUNT: Final = "SELECT count(*) FROM (SELECT FROM {source} LIMIT {limit}) AS matching"
_STATES: Final = """
SELECT c.id, c.xmin::text AS version, e.west, e.south, e.east, e.north
FROM collections c LEFT JOIN landbridge.extents e ON e.collection_key = c.key WHERE c.id = ANY ($1)
"""
_FOOTPRINTS: Final = """
SELECT ST_XMin(geometry) AS west, ST_YMin(geometry) AS south, ST_XMax(geometry) AS east,
       ST_YMax(geometry) AS north
FROM (SELECT geometry FROM {source} ORDER BY {order} LIMIT {limit}) AS matching
"""


@dataclass(frozen=True, slots=True)
class Found:
    """An image of a tile, in the order of the search.

    Args:
        collection, id: of its item.
        fingerprint: hash of the row.
        share: part of the tile that the envelope of the footprint covers, from 0 to 1; never too small.
        item: the whole item of the first images; do not change it. None for the others.
    """

    collection: str
    id: str
    fingerprint: str
    share: float
    item: dict[str, Any] | None


async def find(
    conn: asyncpg.Connection,
    conditions: Sequence[str],
    parameters: Parameters,
    *,
    order: str,
    bbox: tuple[float, float, float, float] | None,
    first: int,
    limit: int,
) -> list[Found]:
    """Return at most `limit` of the images that meet one of the conditions, the first of them whole.

    Args:
        conn: of the read pool.
        conditions: SQL; no item may meet two of them.
        parameters: the values that the conditions name.
        order: the ORDER BY.
        bbox: longitudes and latitudes of a tile that does not cross the antimeridian, of which each image
            covers a part; None if the parts are not needed.
        first: number of images to return whole.
        limit: maximum number of images.
    """
    share = _SAFE_SHARE
    if bbox is not None and not parameters.tolerant:
        corners = ", ".join(parameters.add(float(each), "double precision") for each in bbox)
        share = _SHARE.format(tile=f"ST_MakeEnvelope({corners}, 4326)")
    query = _FIND.format(
        fingerprint=_FINGERPRINT,
        share=share,
        geometry=_SAFE_GEOJSON if parameters.tolerant else _GEOJSON,
        first=int(first),
        source=matching_items(conditions, order=order, limit=limit),
        order=order,
        limit=int(limit),
    )
    query, values = parameters.bound(query)
    rows = await conn.fetch(query, *values)
    items = await hydrate_rows(conn, [row for row in rows if row["content"] is not None])
    whole = dict(enumerate(items))
    return [
        Found(row["collection"], row["id"], row["fingerprint"], _at_most_one(row["share"]), whole.get(number))
        for number, row in enumerate(rows)
    ]


def _at_most_one(share: float | None) -> float:
    return 1.0 if share is None else min(1.0, share)


async def whole_items(conn: asyncpg.Connection, wanted: Sequence[Found]) -> list[dict[str, Any]]:
    """Return the whole items of some images in the same order, without those deleted meanwhile."""
    collections, ids = [one.collection for one in wanted], [one.id for one in wanted]
    rows = await conn.fetch(_WHOLE, sorted(set(collections)), collections, ids)
    items = await hydrate_rows(conn, rows)
    known = {(item["collection"], item["id"]): item for item in items}
    return [known[key] for one in wanted if (key := (one.collection, one.id)) in known]


async def count_up_to(
    conn: asyncpg.Connection, conditions: Sequence[str], parameters: Parameters, limit: int
) -> int:
    """Return the number of items that meet one of the conditions, but at most `limit`."""
    source = matching_items(conditions, order="id", limit=limit)
    query, values = parameters.bound(_COUNT.format(source=source, limit=int(limit)))
    counted: int = await conn.fetchval(query, *values)
    return counted


async def footprints(
    conn: asyncpg.Connection, conditions: Sequence[str], parameters: Parameters, *, order: str, limit: int
) -> list[tuple[float, float, float, float]]:
    """Return the bounding boxes of the first items that meet one of the conditions."""
    source = matching_items(conditions, order=order, limit=limit)
    query, values = parameters.bound(_FOOTPRINTS.format(source=source, order=order, limit=int(limit)))
    return [
        (row["west"], row["south"], row["east"], row["north"])
        for row in await conn.fetch(query, *values)
        if row["west"] is not None
    ]


async def collection_states(
    conn: asyncpg.Connection, collections: Sequence[str]
) -> dict[str, tuple[str, tuple[float, float, float, float] | None]]:
    """Return the version of the row of each collection, and the bounding box of its items, by id.

    The box is None without items; after the deletion of an item it may be too large.
    """
    return {
        row["id"]: (
            row["version"],
            None if row["west"] is None else (row["west"], row["south"], row["east"], row["north"]),
        )
        for row in await conn.fetch(_STATES, list(collections))
    }
