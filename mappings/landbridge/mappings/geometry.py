"""GeoJSON geometries: their box, and a check of their form.

A database that holds one open ring answers no search near it, so none may get in.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from landbridge.mappings.errors import InvalidDocument

__all__ = ["bbox", "check_geometry"]

# How deep the positions lie, and of how many a line or ring of the type consists at least.
_DEPTHS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}


def check_geometry(geometry: Any) -> None:
    """Raises `InvalidDocument` for what is not a GeoJSON geometry (RFC 7946)."""
    if not isinstance(geometry, Mapping):
        raise _bad(f"{geometry!r} is not an object")
    kind = geometry.get("type")
    if kind == "GeometryCollection":
        parts = geometry.get("geometries")
        if not isinstance(parts, list):
            raise _bad("a GeometryCollection has an array of geometries")
        for part in parts:
            check_geometry(part)
        return
    if not isinstance(kind, str) or kind not in _DEPTHS:
        raise _bad(f"{kind!r} is not a type of geometry")
    _check_level(geometry.get("coordinates"), _DEPTHS[kind], kind)


def _check_level(level: Any, depth: int, kind: str) -> None:
    if not isinstance(level, list | tuple) or not level:
        raise _bad(f"the coordinates of a {kind} are no array with {'numbers' if depth == 0 else 'elements'}")
    if depth == 0:
        if len(level) < 2 or not all(_is_coordinate(number) for number in level):
            raise _bad(f"{level!r} is no position of longitude and latitude")
        return
    for inner in level:
        _check_level(inner, depth - 1, kind)
    if depth == 1 and kind.endswith("LineString") and len(level) < 2:
        raise _bad("a line has at least two positions")
    if depth == 1 and kind.endswith("Polygon"):
        if len(level) < 4:
            raise _bad(f"a ring has at least four positions, and one has {len(level)}")
        if list(level[0]) != list(level[-1]):
            raise _bad(f"a ring begins at {list(level[0])} but ends at {list(level[-1])}; it must be closed")


def _is_coordinate(number: Any) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)


def _bad(why: str) -> InvalidDocument:
    return InvalidDocument("geometry", why)


def bbox(geometry: Mapping[str, Any]) -> list[float]:
    """West, south, east and north of a GeoJSON geometry. Raises `InvalidDocument`.

    If the geometry is cut at the antimeridian, west is greater than east, as in RFC 7946, section 5.2.
    """
    try:
        parts = _parts(geometry)
        longitudes = [[point[0] for point in part] for part in parts]
        latitudes = [point[1] for part in parts for point in part]
        west, east = _span([(min(part), max(part)) for part in longitudes])
        return [west, min(latitudes), east, max(latitudes)]
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise InvalidDocument("geometry", f"is no GeoJSON geometry with coordinates: {error}") from error


def _span(parts: list[tuple[float, float]]) -> tuple[float, float]:
    """The westernmost and easternmost longitude of parts, which may lie on both sides of the antimeridian.

    They do so if some touch it from either side: then the widest gap between them is what they leave out.
    """
    west, east = min(part[0] for part in parts), max(part[1] for part in parts)
    if (west, east) != (-180, 180):
        return west, east
    parts, reached, gaps = sorted(parts), -180.0, []
    for start, stop in parts:
        if start > reached:
            gaps.append((start - reached, start, reached))
        reached = max(reached, stop)
    if not gaps:
        return west, east
    _, west, east = max(gaps)
    return west, east


def _parts(geometry: Mapping[str, Any]) -> list[list[Sequence[float]]]:
    """The positions of each part of a geometry."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        return [found for part in geometry["geometries"] for found in _parts(part)]
    level: Any = geometry["coordinates"]
    if kind == "Point":
        return [[level]]
    if kind == "MultiPoint":
        return [[point] for point in level]
    if kind == "MultiPolygon":
        return [[point for ring in polygon for point in ring] for polygon in level]
    if kind == "MultiLineString":
        return [list(line) for line in level]
    return [[point for ring in level for point in ring] if kind == "Polygon" else list(level)]
