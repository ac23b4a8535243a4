"""GeoJSON geometries: their box, and a check of their form.

A database that holds one open ring answers no search near it, and one that holds a collection in a collection
no page with it; so none may get in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landbridge.mappings.errors import InvalidDocument

__all__ = ["MAX_COORDINATE", "bbox", "check_geometry"]

MAX_COORDINATE = 1e6  # of a coordinate: no longitude is larger, nor the height of a footprint in metres

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
    """Check that a value is a GeoJSON geometry (RFC 7946) which a database can store and answer for.

    Raises:
        InvalidDocument: if it is none; the message names the place and the value. Collections hold no
            collections, all positions have two numbers or all three, and none is beyond `LARGEST`.
    """
    _Check().geometry(geometry, "", within=False)


class _Check:
    """A walk through a geometry. `size` is how many numbers its positions have; 0 before the first."""

    size = 0

    def geometry(self, geometry: Any, place: str, *, within: bool) -> None:
        if not isinstance(geometry, Mapping):
            raise _bad(place, geometry, "an object")
        kind = geometry.get("type")
        if not isinstance(kind, str) or (kind not in _DEPTHS and kind != _COLLECTION):
            raise _bad(f"{place}type", kind, f"one of {', '.join(_DEPTHS)} and {_COLLECTION}")
        own, other = ("geometries", "coordinates")[:: 1 if kind == _COLLECTION else -1]
        if geometry.get(other) is not None:
            raise _bad(f"{place}{other}", geometry[other], f"no member of a {kind}")
        if geometry.get("crs") is not None:
            raise _bad(
                f"{place}crs", geometry["crs"], "left out: coordinates are longitude and latitude (WGS 84)"
            )
        if kind != _COLLECTION:
            self._level(geometry.get(own), _DEPTHS[kind], kind, f"{place}{own}")
            return
        if within:
            raise _bad(
                f"{place}type",
                kind,
                "another type: collections hold no collections; put its parts in their place",
            )
        parts = geometry.get(own)
        if not isinstance(parts, list | tuple) or not parts:
            raise _bad(f"{place}{own}", parts, "an array of geometries")
        for n, part in enumerate(parts):
            self.geometry(part, f"{place}{own}[{n}].", within=True)

    def _level(self, level: Any, depth: int, kind: str, place: str) -> None:
        if depth == 0:
            self._position(level, place)
            return
        if not isinstance(level, list | tuple) or not level:
            raise _bad(place, level, f"an array of {'positions' if depth == 1 else 'arrays'} in a {kind}")
        if depth > 1:
            for n, inner in enumerate(level):
                self._level(inner, depth - 1, kind, f"{place}[{n}]")
            return
        self._positions(level, place)
        if kind.endswith("LineString") and len(level) < 2:
            raise _bad(place, level, "a line of at least two positions")
        if kind.endswith("Polygon"):
            _check_ring(level, place)

    def _positions(self, level: Sequence[Any], place: str) -> None:
        size = self.size
        for n, position in enumerate(level):
            # Most are right; a closer look is for the others, and for the first.
            if not (
                isinstance(position, list | tuple)
                and len(position) == size
                and all(
                    type(one) in _NUMBERS and -MAX_COORDINATE <= one <= MAX_COORDINATE for one in position
                )
            ):
                self._position(position, f"{place}[{n}]")
                size = self.size

    def _position(self, position: Any, place: str) -> None:
        if not isinstance(position, list | tuple) or len(position) not in (2, 3):
            raise _bad(place, position, "a position: longitude, latitude and perhaps a height")
        for n, number in enumerate(position):
            if type(number) not in _NUMBERS or not -MAX_COORDINATE <= number <= MAX_COORDINATE:
                raise _bad(
                    f"{place}[{n}]",
                    number,
                    f"a number between {-MAX_COORDINATE:,.0f} and {MAX_COORDINATE:,.0f}",
                )
        if self.size not in (0, len(position)):
            raise _bad(place, position, f"a position of {self.size} numbers, as those before it")
        self.size = len(position)


_NUMBERS = (int, float)  # by type: a truth value is an int


def _check_ring(ring: Sequence[Any], place: str) -> None:
    if len(ring) < 4:
        raise _bad(place, ring, "a ring of at least four positions")
    if list(ring[0]) != list(ring[-1]):
        ends = f"it begins at {list(ring[0])} and ends at {list(ring[-1])}"
        raise InvalidDocument("geometry", f"{place} is a ring, which must be closed, but {ends}")


def _bad(place: str, value: Any, expected: str) -> InvalidDocument:
    name = place.removesuffix(".")
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
        raise InvalidDocument("geometry", f"is no GeoJSON geometry with coordinates: {error}") from error


def _span(parts: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the western and eastern end of parts, which may lie on both sides of the antimeridian.

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
