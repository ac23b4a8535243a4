"""Horizontal part of the reference systems of uploaded files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rasterio.crs import CRS

from landbridge.stac_api.uploads.gdal_errors import GDAL_ERRORS
from landbridge.stac_api.uploads.messages import IngestError

if TYPE_CHECKING:
    from collections.abc import Mapping

_HORIZONTAL = ("GeographicCRS", "ProjectedCRS")
_KINDS = {
    "GeodeticCRS": "geocentric",
    "VerticalCRS": "vertical",
    "EngineeringCRS": "local",
    "DerivedVerticalCRS": "vertical",
    "ParametricCRS": "parametric",
    "TemporalCRS": "temporal",
}
# Members that identify a system; without its height it is another system.
_IDENTITY = ("id", "ids", "scope", "area", "bbox", "usages", "remarks")


def horizontal_crs(crs: CRS, name: str) -> tuple[CRS, str | None]:
    """Return the horizontal part of a reference system, and the name of the height that was removed.

    Raises
    ------
    IngestError
        If the system has no horizontal part.
    """
    described = _projjson(crs)
    if described is None:
        return crs, None  # PROJ cannot describe it; keep it
    kind, height = described.get("type"), None
    if kind == "CompoundCRS":
        described, *others = described["components"]
        height = ", ".join(str(other.get("name")) for other in others)
        kind = described.get("type")
    bound = described
    while kind == "BoundCRS":
        bound = bound["source_crs"]
        kind = bound.get("type")
    if kind not in _HORIZONTAL and not str(kind).startswith("Derived"):
        raise IngestError(
            f"{name}: its reference system {described.get('name')!r} is {_KINDS.get(str(kind), kind)}, so it "
            f"places no pixels on a map. Warp the file to a projected or geographic system "
            f"(gdalwarp -t_srs EPSG:…), and upload that."
        )
    flat = _without_height(bound)
    if flat is None and height is None:
        return crs, None
    document = described if flat is None else flat
    try:
        part = CRS.from_user_input(json.dumps(document))
        code = part.to_epsg(confidence_threshold=100)
        found = CRS.from_epsg(code) if code else part
    except (*GDAL_ERRORS, ValueError) as error:
        raise IngestError(
            f"{name}: the horizontal part of its reference system {described.get('name')!r} can't be used "
            f"({error}). Warp the file to a system of two dimensions, and upload that."
        ) from error
    return found, height or "ellipsoidal height"


def _projjson(crs: CRS) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = crs.to_dict(projjson=True)
    except (*GDAL_ERRORS, ValueError):
        return None
    return found or None


def _without_height(described: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a system (PROJJSON) without its third axis; None if it has none."""
    system = described.get("coordinate_system") or {}
    base = described.get("base_crs")
    flat_base = None if base is None else _without_height(base)
    if len(system.get("axis", ())) < 3 and flat_base is None:
        return None
    flat = {key: value for key, value in described.items() if key not in _IDENTITY}
    if system:
        flat["coordinate_system"] = {**system, "axis": system["axis"][:2]}
    if flat_base is not None:
        flat["base_crs"] = flat_base
    return flat
