"""Areas as plain lists: bounds, and outlines of polygons."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

__all__ = ["shape_of_list"]

_FULL_CIRCLE = 360
_BOUNDS = 4
_BOUNDS_WITH_HEIGHTS = 6
_CORNERS = 3  # that a polygon has at least


def shape_of_list(value: Any) -> BaseGeometry:
    """Return the geometry of bounds (west, south, east, north), or of a list of points of an outline.

    Raises ValueError if the numbers are neither.
    """
    # Arrays of NumPy become lists.
    entries = list(value.tolist() if hasattr(value, "tolist") else value)
    if entries and all(_is_number(each) for each in entries):
        return _box([float(each) for each in entries])
    points = [[float(part) for part in entry] for entry in entries if not isinstance(entry, str)]
    if len(points) < len(entries) or any(len(point) not in (2, 3) for point in points):
        raise ValueError("a list is (west, south, east, north), or has points (longitude, latitude)")
    if len(points) < _CORNERS:
        raise ValueError(f"the outline of a polygon has at least {_CORNERS} points")
    from shapely.geometry import Polygon

    return Polygon([point[:2] for point in points])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) or (hasattr(value, "__float__") and not hasattr(value, "__len__"))


def _box(numbers: list[float]) -> BaseGeometry:
    from shapely.geometry import box

    if len(numbers) == _BOUNDS_WITH_HEIGHTS:  # as in STAC documents, without the heights
        numbers = [numbers[index] for index in (0, 1, 3, 4)]
    if len(numbers) != _BOUNDS or not all(math.isfinite(each) for each in numbers):
        raise ValueError("bounds are four finite numbers: west, south, east, north")
    west, south, east, north = numbers
    if not -90 <= south <= north <= 90:
        raise ValueError(f"the latitudes {south:g} to {north:g} do not go north from -90 to 90")
    if west > east:  # across the antimeridian, as in RFC 7946
        east += _FULL_CIRCLE
    if not 0 <= east - west <= _FULL_CIRCLE:
        raise ValueError(f"the longitudes {numbers[0]:g} to {numbers[2]:g} are not within one turn")
    return box(west, south, east, north)
