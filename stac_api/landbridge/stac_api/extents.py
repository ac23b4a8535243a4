"""The extents of collections, kept by the database as items come and go, shown in place of what is stored.

The box is always that of the items, where there are any. Of the interval, what a product says itself stays;
a bound that it leaves open is that of its items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import times
from landbridge.mappings.schema import is_ours
from landbridge.stac_api.access.rules import CONTAINERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import asyncpg
    from starlette.requests import Request

    from landbridge.stac_api.access.rules import Access

__all__ = ["covered", "kept", "shown"]

_FIND = """
SELECT c.id, e.collection AS key, e.stale, e.west, e.south, e.east, e.north, e.start_datetime, e.end_datetime
FROM landbridge.extents e JOIN collections c ON c.key = e.collection
WHERE c.id = ANY ($1)
"""
_REFRESH = "SELECT landbridge.refresh_extent($1)"


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
    if is_ours(collection) or whole == [None, None]:
        bounds = (cover["start_datetime"], cover["end_datetime"])
        whole = [
            said if said is not None else times.write(bound)
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
