"""Layers of areas: their outlines in longitude and latitude."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.maps.layers import Footprints

if TYPE_CHECKING:
    from landbridge.geo import GeoContext

__all__ = ["area_layer"]

# Number of points along an edge of a box that is transformed.
_DENSIFY = 16


def area_layer(context: GeoContext) -> Footprints:
    """Return the outline of a GeoContext as a layer.

    Raises:
        ValueError: if the area has neither a geometry nor bounds.
    """
    names = {name: getattr(context, name, None) for name in ("key", "crs", "resolution")}
    shown = {name: None if value is None else f"{value}" for name, value in names.items()}
    return Footprints("Areas", [{"type": "Feature", "geometry": _outline(context), "properties": shown}])


def _outline(context: GeoContext) -> dict[str, Any]:
    geometry = getattr(context, "geometry", None)
    if geometry is not None:
        return dict(geometry.__geo_interface__)
    bounds: Any = getattr(context, "bounds", None)
    crs: Any = getattr(context, "bounds_crs", None)
    if bounds is None or crs is None:
        raise ValueError("The area has neither a geometry nor bounds: set one of them to show it on a map.")
    import shapely
    from shapely.geometry import box

    from landbridge.geo.grids.crs import WGS84, parse_crs, reproject

    left, bottom, right, top = bounds
    edges = shapely.segmentize(box(*bounds), max(right - left, top - bottom) / _DENSIFY)
    return dict(reproject(edges, parse_crs(crs), parse_crs(WGS84)).__geo_interface__)
