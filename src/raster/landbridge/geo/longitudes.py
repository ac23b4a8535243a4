"""Geometries across the antimeridian: in one piece, or cut as RFC 7946 asks."""

import math
from typing import Any

import numpy as np
import shapely
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from landbridge.geo.shapes import MAX_LAT, MAX_LON

FULL_CIRCLE = 360.0
# Degrees from the antimeridian within which a coordinate counts as on it.
_SNAP = 1e-9


def join_at_antimeridian(geometry: BaseGeometry) -> BaseGeometry:
    """Return a geometry that is cut at the antimeridian in one piece, with longitudes beyond 180.

    A geometry counts as cut there if its parts touch both -180 and 180 and leave a gap between. It is then
    joined so that its widest gap stays outside. Any other geometry is returned unchanged.
    """
    west, _, east, _ = geometry.bounds if not geometry.is_empty else (0.0, 0.0, 0.0, 0.0)
    if west > _SNAP - MAX_LON or east < MAX_LON - _SNAP or west < -MAX_LON - _SNAP or east > MAX_LON + _SNAP:
        return geometry
    parts = _parts(geometry)
    bounds = shapely.bounds(parts)
    order = np.argsort(bounds[:, 0])
    starts, stops = bounds[order, 0], np.maximum.accumulate(bounds[order, 2])
    gaps = starts[1:] - stops[:-1]
    if not (gaps > 0).any():
        return geometry
    first = starts[1:][int(np.argmax(gaps))]
    moved = [
        shift_east(part, FULL_CIRCLE) if start < first else part
        for part, start in zip(parts, bounds[:, 0], strict=True)
    ]
    return shapely.union_all(moved)


def cut_at_antimeridian(geometry: BaseGeometry) -> BaseGeometry:
    """Return a geometry within ±180 and ±90 degrees, cut at the antimeridian if it crosses it."""
    if geometry.is_empty:
        return geometry
    west, south, east, north = geometry.bounds
    if west >= -MAX_LON and east <= MAX_LON and south >= -MAX_LAT and north <= MAX_LAT:
        return geometry
    if not geometry.is_valid:
        geometry = shapely.make_valid(geometry)
    dimension = shapely.get_dimensions(geometry)
    found: list[BaseGeometry] = []
    for turn in range(
        math.floor((west + MAX_LON) / FULL_CIRCLE), math.floor((east + MAX_LON) / FULL_CIRCLE) + 1
    ):
        middle = turn * FULL_CIRCLE
        inside = geometry.intersection(box(middle - MAX_LON, -MAX_LAT, middle + MAX_LON, MAX_LAT))
        # Drop the points and lines that a geometry leaves where it only touches the antimeridian.
        inner = [part for part in _parts(inside) if shapely.get_dimensions(part) == dimension]
        found += [shift_east(part, -middle) for part in inner]
    return shapely.union_all(found)


def shift_east(geometry: BaseGeometry, distance: float) -> BaseGeometry:
    """Return a geometry moved east, by a distance in units of its x."""
    moved: BaseGeometry = shapely.transform(geometry, lambda points: points + np.array([distance, 0.0]))
    return moved


def _parts(geometry: BaseGeometry) -> Any:
    """Return the simple parts of a geometry, as an array."""
    parts = shapely.get_parts(np.array([geometry], object))
    while (shapely.get_num_geometries(parts) > 1).any():
        parts = shapely.get_parts(parts)
    return parts
