"""Outlines of areas in longitude and latitude, for maps."""

from __future__ import annotations

from typing import Any

__all__ = ["outline"]

# Number of points along an edge of a box that is transformed.
_DENSIFY = 16


def outline(context: Any) -> dict[str, Any]:
    """Return the geometry of a GeoContext, or else its bounds, as GeoJSON in longitude and latitude.

    Raises:
        ValueError: if the area has neither.
    """
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
