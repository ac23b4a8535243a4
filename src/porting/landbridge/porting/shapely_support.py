"""Conversions of geometries that the old module `common.shapely_support` had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.geo.shapes import to_shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry import Polygon
    from shapely.geometry.base import BaseGeometry

__all__ = [
    "as_geojson_geometry",
    "check_valid_bounds",
    "geometry_like_to_shapely",
    "polygon_from_bounds",
    "shapely_to_geojson",
]


def geometry_like_to_shapely(geometry: Any) -> BaseGeometry:
    """Return the shapely geometry of GeoJSON, a shapely geometry or an object with `__geo_interface__`.

    Raises
    ------
    TypeError, ValueError
        If the value is not a geometry.

    Examples
    --------
    >>> from descarteslabs.common.shapely_support import geometry_like_to_shapely
    >>> geometry_like_to_shapely({"type": "Point", "coordinates": [9, 50]}).wkt
    'POINT (9 50)'
    """
    return to_shapely(geometry)


def shapely_to_geojson(geometry: BaseGeometry) -> dict[str, Any]:
    """Return a shapely geometry as a GeoJSON dict."""
    from shapely.geometry import mapping

    return dict(mapping(geometry))


def as_geojson_geometry(geometry: Any) -> dict[str, Any]:
    """Return GeoJSON, a shapely geometry or an object with `__geo_interface__` as a GeoJSON geometry.

    Examples
    --------
    >>> from descarteslabs.common.shapely_support import as_geojson_geometry
    >>> point = {"type": "Point", "coordinates": [9, 50]}
    >>> as_geojson_geometry({"type": "Feature", "properties": {}, "geometry": point})
    {'type': 'Point', 'coordinates': (9.0, 50.0)}
    """
    return shapely_to_geojson(to_shapely(geometry))


def check_valid_bounds(bounds: Sequence[float]) -> None:
    """Raise an error if bounds are not (min x, min y, max x, max y).

    Raises
    ------
    TypeError
        If they are not a list or tuple.
    ValueError
        If they are not four numbers, or if a minimum is not less than its maximum.
    """
    if not isinstance(bounds, (list, tuple)):
        raise TypeError(f"Bounds must be a list or tuple of four numbers; got {bounds!r}.")
    if len(bounds) != 4:
        raise ValueError(f"Bounds are (min x, min y, max x, max y); got {len(bounds)} values.")
    if bounds[0] >= bounds[2] or bounds[1] >= bounds[3]:
        raise ValueError(f"Each minimum must be less than its maximum; got {tuple(bounds)}.")


def polygon_from_bounds(bounds: Sequence[float]) -> Polygon:
    """Return the rectangle of bounds (min x, min y, max x, max y).

    Examples
    --------
    >>> from descarteslabs.common.shapely_support import polygon_from_bounds
    >>> polygon_from_bounds((0, 1, 2, 3)).bounds
    (0.0, 1.0, 2.0, 3.0)
    """
    from shapely.geometry import box

    check_valid_bounds(bounds)
    left, bottom, right, top = bounds
    return box(left, bottom, right, top)
