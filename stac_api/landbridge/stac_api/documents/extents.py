"""Extents of collections: checks, and the extent that the API shows.

The box is that of the items, if there are any. In the interval, a bound that the product sets itself stays;
an open bound becomes that of its items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import InvalidDocument, times
from landbridge.mappings.schema import is_catalog_document

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BOX_LENGTHS", "check_extent", "keep_stored_extent", "with_extent_of_items"]

BOX_LENGTHS = (4, 6)


def check_extent(collection: Mapping[str, Any]) -> None:
    """Check each box of a collection's extent.

    Boxes besides the first may lie outside it, and a box crosses the antimeridian if its west is more than
    its east, as in published collections. A box of 0 to 360 degrees is one of longitudes too.

    Raises:
        InvalidDocument: if there is no box, or one is invalid.
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


def with_extent_of_items(collection: dict[str, Any], cover: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a copy of the collection with the extent of its items, `cover`; None if it has no items."""
    if cover is None:
        return collection
    extent = dict(collection.get("extent") or {})
    box = [cover["west"], cover["south"], cover["east"], cover["north"]]
    extent["spatial"] = {**(extent.get("spatial") or {}), "bbox": [box]}
    whole, *others = _intervals(extent)
    # An open end in a collection of another publisher means that it continues; in ours it means nothing.
    if is_catalog_document(collection) or whole == [None, None]:
        bounds = (cover["start_datetime"], cover["end_datetime"])
        whole = [
            own if own is not None else times.format_utc(bound)
            for own, bound in zip(whole, bounds, strict=True)
        ]
    extent["temporal"] = {**(extent.get("temporal") or {}), "interval": [whole, *others]}
    return {**collection, "extent": extent}


def keep_stored_extent(
    document: dict[str, Any], seen: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a changed document with the stored extent, in so far as the change left it as it was shown.

    Args:
        document: the changed collection.
        seen: the collection as the API showed it.
        stored: the collection as it is stored.
    """
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
