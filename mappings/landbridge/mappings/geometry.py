"""Bounding box and validation of GeoJSON geometries.

A single open ring in the database makes every search near it fail, and a nested collection every page that
contains it. So neither may be stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landbridge.mappings.errors import InvalidDocument

__all__ = ["MAX_COORDINATE", "bbox", "check_geometry"]

MAX_COORDINATE = 1e6  # longitudes and latitudes are smaller, and so is the height of a footprint in metres

# Nesting depth of the positions.
_DEPTHS = {
    "Point": 0,
    "MultiPoint": 1,
    "LineString": 1,
    "MultiLineString": 2,
    "Polygon": 2,
    "MultiPolygon": 3,
}
_COLLECTION = "GeometryCollection"


def check_geometry(geometry: Any) -> None:
    """Check that a value is a GeoJSON geometry (RFC 7946) that the database can store and search.

    Raises
    ------
    InvalidDocument
        If the geometry is invalid, a collection contains a collection, positions have different numbers of
        coordinates, or a coordinate exceeds `MAX_COORDINATE`. The message names the member and its value.
    """
    _Check().geometry(geometry, "", within=False)


class _Check:
    """Recursive check of one geometry. `size`: numbers in each position; 0 before the first position."""

    size = 0

    def geometry(self, geometry: Any, path: str, *, within: bool) -> None:
        if not isinstance(geometry, Mapping):
            raise _bad(path, geometry, "an object")
        kind = geometry.get("type")
        if not isinstance(kind, str) or (kind not in _DEPTHS and kind != _COLLECTION):
            raise _bad(f"{path}type", kind, f"one of {', '.join(_DEPTHS)} and {_COLLECTION}")
        own, other = ("geometries", "coordinates")[:: 1 if kind == _COLLECTION else -1]
        if geometry.get(other) is not None:
            raise _bad(f"{path}{other}", geometry[other], f"no member of a {kind}")
        if geometry.get("crs") is not None:
            raise _bad(
                f"{path}crs", geometry["crs"], "left out: coordinates are longitude and latitude (WGS 84)"
            )
        if kind != _COLLECTION:
            self._level(geometry.get(own), _DEPTHS[kind], kind, f"{path}{own}")
            return
        if within:
            raise _bad(
                f"{path}type",
                kind,
                "another type: collections hold no collections; use their parts instead",
            )
        parts = geometry.get(own)
        if not isinstance(parts, list | tuple) or not parts:
            raise _bad(f"{path}{own}", parts, "an array of geometries")
        for n, part in enumerate(parts):
            self.geometry(part, f"{path}{own}[{n}].", within=True)

    def _level(self, level: Any, depth: int, kind: str, path: str) -> None:
        if depth == 0:
            self._position(level, path)
            return
        if not isinstance(level, list | tuple) or not level:
            raise _bad(path, level, f"an array of {'positions' if depth == 1 else 'arrays'} in a {kind}")
        if depth > 1:
            for n, inner in enumerate(level):
                self._level(inner, depth - 1, kind, f"{path}[{n}]")
            return
        self._positions(level, path)
        if kind.endswith("LineString") and len(level) < 2:
            raise _bad(path, level, "a line of at least two positions")
        if kind.endswith("Polygon"):
            _check_ring(level, path)

    def _positions(self, level: Sequence[Any], path: str) -> None:
        size = self.size
        for n, position in enumerate(level):
            # Fast path: most positions are valid. `_position` checks the first, and makes the error.
            if not (
                isinstance(position, list | tuple)
                and len(position) == size
                and all(
                    type(one) in _NUMBERS and -MAX_COORDINATE <= one <= MAX_COORDINATE for one in position
                )
            ):
                self._position(position, f"{path}[{n}]")
                size = self.size

    def _position(self, position: Any, path: str) -> None:
        if not isinstance(position, list | tuple) or len(position) not in (2, 3):
            raise _bad(path, position, "a position: longitude, latitude and optionally a height")
        for n, number in enumerate(position):
            if type(number) not in _NUMBERS or not -MAX_COORDINATE <= number <= MAX_COORDINATE:
                raise _bad(
                    f"{path}[{n}]",
                    number,
                    f"a number between {-MAX_COORDINATE:,.0f} and {MAX_COORDINATE:,.0f}",
                )
        if self.size not in (0, len(position)):
            raise _bad(path, position, f"a position of {self.size} numbers, like the positions before it")
        self.size = len(position)


_NUMBERS = (int, float)  # compared by type, because a bool is an instance of int


def _check_ring(ring: Sequence[Any], path: str) -> None:
    if len(ring) < 4:
        raise _bad(path, ring, "a ring of at least four positions")
    if list(ring[0]) != list(ring[-1]):
        ends = f"it begins at {list(ring[0])} and ends at {list(ring[-1])}"
        raise InvalidDocument("geometry", f"{path} is a ring, which must be closed, but {ends}")


def _bad(path: str, value: Any, expected: str) -> InvalidDocument:
    name = path.removesuffix(".")
    return InvalidDocument(
        "geometry", f"{name + ' ' if name else ''}is {value!r:.100}; it must be {expected}"
    )


def bbox(geometry: Mapping[str, Any]) -> list[float]:
    """Return west, south, east and north of a GeoJSON geometry. Raises `InvalidDocument`.

    If the geometry is cut at the antimeridian, west is greater than east, as in RFC 7946, section 5.2.
    """
    try:
        parts = _parts(geometry)
        longitudes = [[point[0] for point in part] for part in parts]
        latitudes = [point[1] for part in parts for point in part]
        west, east = _span([(min(part), max(part)) for part in longitudes])
        return [west, min(latitudes), east, max(latitudes)]
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise InvalidDocument("geometry", f"is not a GeoJSON geometry with coordinates: {error}") from error


def _span(parts: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the western and eastern end of parts, which may lie on both sides of the antimeridian.

    If parts touch the antimeridian from both sides, the box leaves out the widest gap between the parts.
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
    """Return the positions of each part of a geometry."""
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
