"""Outlines of geometries for a map sketch: joined at the antimeridian, near each other, and simplified."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from landbridge.geo.longitudes import FULL_CIRCLE, join_at_antimeridian, shift_east
from landbridge.geo.shapes import to_shapely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapely.geometry.base import BaseGeometry

__all__ = ["drawable", "simplified"]

_LARGEST = 2 * FULL_CIRCLE  # degrees of a coordinate that can be drawn
_MOST_PARTS = 60
_MOST_POINTS = 600


def drawable(geometries: Iterable[Any]) -> list[BaseGeometry]:
    """Return the geometries that can be drawn, each within half a turn of the first.

    Geometries that are missing, empty or not in degrees are left out.
    """
    import shapely

    found: list[BaseGeometry] = []
    for given in geometries:
        try:
            geometry = None if given is None else to_shapely(given)
        except (TypeError, ValueError):
            continue
        if geometry is None or geometry.is_empty:
            continue
        coordinates = shapely.get_coordinates(geometry)
        # NaN compares as False, so that it is left out too.
        if not bool((abs(coordinates) <= _LARGEST).all()):
            continue
        geometry = join_at_antimeridian(geometry)
        if found:
            turns = round((_middle(found[0]) - _middle(geometry)) / FULL_CIRCLE)
            geometry = shift_east(geometry, turns * FULL_CIRCLE) if turns else geometry
        found.append(geometry)
    return found


def _middle(geometry: BaseGeometry) -> float:
    west, _, east, _ = geometry.bounds
    return float(west + east) / 2


def simplified(geometry: BaseGeometry, tolerance: float) -> list[BaseGeometry]:
    """Return the simple parts of a geometry with few points: the largest ones, simplified to a tolerance."""
    import shapely

    parts = [geometry]
    while any(shapely.get_num_geometries(part) > 1 or hasattr(part, "geoms") for part in parts):
        parts = [each for part in parts for each in shapely.get_parts(part)]
    if len(parts) > _MOST_PARTS:
        parts = sorted(parts, key=_size, reverse=True)[:_MOST_PARTS]
    shown = []
    for part in parts:
        simple = part.simplify(tolerance)
        simple = part if simple.is_empty else simple
        shown.append(simple.envelope if shapely.get_num_coordinates(simple) > _MOST_POINTS else simple)
    return shown


def _size(geometry: BaseGeometry) -> float:
    west, south, east, north = geometry.bounds
    return math.hypot(east - west, north - south)
