"""Members of Items that images and blobs write in the same way."""

from __future__ import annotations

from typing import Any

from landbridge.mappings import compiled_table, extra_properties
from landbridge.mappings.geometry import bbox

__all__ = ["STAC_VERSION", "geometry_patch", "write_extra_properties", "write_geometry"]

STAC_VERSION = "1.1.0"


def write_geometry(item: dict[str, Any], value: Any) -> None:
    """Set the geometry of an Item, and its bbox; None removes both."""
    item["geometry"] = value
    item.pop("bbox", None)
    if value is not None:
        item["bbox"] = bbox(value)


def geometry_patch(geometry: dict[str, Any]) -> dict[str, Any]:
    """Return a merge patch that replaces the geometry, with the members of any other geometry type."""
    return {"geometry": {"coordinates": None, "geometries": None, **geometry}, "bbox": bbox(geometry)}


def write_extra_properties(item: dict[str, Any], value: Any, kind: str) -> None:
    """Set the ``extra_properties`` of an Item of a kind (``"image"`` or ``"blob"``)."""
    unmapped: dict[str, Any] = {}
    compiled_table.for_kind(kind).read(item["properties"], {}, unmapped)
    extra_properties.write(item["properties"], unmapped, value)
