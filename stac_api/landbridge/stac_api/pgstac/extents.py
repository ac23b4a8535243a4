"""The extents of collections, kept by the database as items come and go, shown in place of what is stored.

The box is always that of the items, where there are any. Of the interval, what a product says itself stays;
a bound that it leaves open is that of its items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import InvalidDocument, times
from landbridge.mappings.schema import is_catalog_document
from landbridge.stac_api.access.rules import CONTAINERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg
    from starlette.requests import Request

    from landbridge.stac_api.access.rules import Access

__all__ = ["BOX_LENGTHS", "check_extent", "covered", "kept", "shown"]

BOX_LENGTHS = (4, 6)

_FIND = """
SELECT c.id, c.key, e.stale, e.west, e.south, e.east, e.north, e.start_datetime, e.end_datetime
FROM landbridge.extents e JOIN collections c ON c.key = e.collection_key
WHERE c.id = ANY ($1)
"""
_REFRESH = "SELECT landbridge.refresh_extent($1)"


def check_extent(collection: Mapping[str, Any]) -> None:
    """Check the boxes of a collection's extent, each for itself.

    Boxes besides the first may lie outside it, and a box crosses the antimeridian if its west is more than
    its east, as in published collections. A box of 0 to 360 degrees is one of longitudes too.

    Raises:
        InvalidDocument: if there is no box, or an invalid one.
    """
    extent = collection.get("extent")
    spatial = extent.get("spatial") if isinstance(extent, dict) else None
    boxes = spatial.get("bbox") if isinstance(spatial, dict) else None
    if not isinstance(boxes, list) or not boxes:
        raise InvalidDocument(
            "extent.spatial.bbox", f"{boxes!r} is not an array of boxes; it needs one at least"
        )
    for box in boxes:
        if not isinstance(box, list) or len(box) not in BOX_LENGTHS or not all(map(_is_number, box)):
            raise InvalidDocument("extent.spatial.bbox", f"{box!r} is not a box of 4 or 6 numbers")
        half = len(box) // 2
        if not all(abs(longitude) <= 360 for longitude in (box[0], box[half])):
            raise InvalidDocument("extent.spatial.bbox", f"{box} has longitudes beyond 360 degrees")
        if not all(abs(latitude) <= 90 for latitude in (box[1], box[1 + half])):
            raise InvalidDocument("extent.spatial.bbox", f"{box} has latitudes beyond 90 degrees")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


async def covered(request: Request, collections: Sequence[str], access: Access) -> dict[str, asyncpg.Record]:
    """What the items of collections that the caller may see cover, by id; those without items are left out.

    So are those of blobs for who may not see all that is in them.
    """
    if not access.everything:
        collections = [name for name in collections if name not in CONTAINERS]
    async with request.app.state.get_connection(request, "r") as conn:
        found = await conn.fetch(_FIND, list(collections))
    stale = [row["key"] for row in found if row["stale"]]
    if stale:
        # An item at the edge was deleted; whoever asks first has the edge found again.
        async with request.app.state.writepool.acquire() as conn:
            for key in sorted(stale):
                await conn.execute(_REFRESH, key)
            found = await conn.fetch(_FIND, list(collections))
    return {row["id"]: row for row in found}


def shown(collection: dict[str, Any], cover: Mapping[str, Any] | None) -> dict[str, Any]:
    """The collection with what its items cover; what is given stays as it is."""
    if cover is None:
        return collection
    extent = dict(collection.get("extent") or {})
    box = [cover["west"], cover["south"], cover["east"], cover["north"]]
    extent["spatial"] = {**(extent.get("spatial") or {}), "bbox": [box]}
    whole, *others = _intervals(extent)
    # An interval that others left open at its end goes on; ours says nothing of that.
    if is_catalog_document(collection) or whole == [None, None]:
        bounds = (cover["start_datetime"], cover["end_datetime"])
        whole = [
            said if said is not None else times.format_utc(bound)
            for said, bound in zip(whole, bounds, strict=True)
        ]
    extent["temporal"] = {**(extent.get("temporal") or {}), "interval": [whole, *others]}
    return {**collection, "extent": extent}


def kept(document: dict[str, Any], seen: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """A changed document with the extent as it is stored, where the change has left it as it was shown."""
    extent, before, after = document.get("extent"), seen.get("extent"), stored.get("extent")
    if not (isinstance(extent, dict) and isinstance(before, dict) and isinstance(after, dict)):
        return document
    extent = dict(extent)
    if extent.get("spatial") == before.get("spatial"):
        extent["spatial"] = after.get("spatial")
    temporal = extent.get("temporal")
    if isinstance(temporal, dict) and isinstance(temporal.get("interval"), list) and temporal["interval"]:
        whole, *others = temporal["interval"]
        if isinstance(whole, list) and len(whole) == 2:
            bounds = zip(whole, _intervals(before)[0], _intervals(after)[0], strict=True)
            whole = [old if new == there else new for new, there, old in bounds]
        extent["temporal"] = {**temporal, "interval": [whole, *others]}
    return {**document, "extent": extent}


def _intervals(extent: Mapping[str, Any]) -> list[Any]:
    temporal = extent.get("temporal")
    found = temporal.get("interval") if isinstance(temporal, dict) else None
    if not isinstance(found, list) or not found or not isinstance(found[0], list) or len(found[0]) != 2:
        return [[None, None]]
    return found
