"""Tiles of web maps: those that cover an area at some zooms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapely.geometry.base import BaseGeometry

__all__ = ["Bounds", "Tile", "TileRange"]

Bounds: TypeAlias = tuple[float, float, float, float]
Tile: TypeAlias = tuple[int, int, int]
"""Zoom, column and row."""

LAST_ZOOM: Final = 26  # tiles of less than a metre; PMTiles ends at 31
_MAX_LATITUDE: Final = 85.0511287798066  # where web maps end
_SLIVER: Final = 1e-9  # columns and rows that an area only touches are left out


@dataclass(frozen=True, slots=True)
class TileRange:
    """Tiles of `WebMercatorQuad` that cover an area at all zooms from `first` to `last`.

    Attributes
    ----------
    first, last : int
        Zooms.
    boxes : tuple of tuple of float
        West, south, east and north of the area in degrees; two boxes if it crosses the antimeridian.
    area : geometry, optional
        Shape in longitude and latitude; tiles that it does not intersect are left out.
    """

    first: int
    last: int
    boxes: tuple[Bounds, ...]
    area: BaseGeometry | None = None

    @classmethod
    def of_bounds(cls, first: int, last: int, bounds: Bounds, area: BaseGeometry | None = None) -> TileRange:
        """Return the tiles of a bounding box, whose west may exceed its east, or its longitudes 180.

        Raises
        ------
        ValueError
            If the zooms or the bounds are invalid.
        """
        if not 0 <= first <= last <= LAST_ZOOM:
            raise ValueError(f"The zooms are {first} to {last}; they must be from 0 to {LAST_ZOOM}.")
        west, south, east, north = bounds
        if east < west:
            east += 360
        is_box = -180 <= west <= 360 and west < east <= west + 360 and south < north
        if not (is_box and all(map(math.isfinite, bounds))):
            raise ValueError(f"The bounds {list(bounds)} are not west, south, east and north in degrees.")
        south, north = max(south, -_MAX_LATITUDE), min(north, _MAX_LATITUDE)
        if south >= north:
            raise ValueError(f"The bounds {list(bounds)} are beyond the ends of web maps at ±85.05°.")
        if west >= 180:
            west, east = west - 360, east - 360
        if east <= 180:
            return cls(first, last, ((west, south, east, north),), area)
        return cls(first, last, ((west, south, 180.0, north), (-180.0, south, east - 360, north)), area)

    @property
    def bounds(self) -> Bounds:
        """Bounding box of all tiles; the whole belt if the area crosses the antimeridian."""
        return (
            min(box[0] for box in self.boxes),
            min(box[1] for box in self.boxes),
            max(box[2] for box in self.boxes),
            max(box[3] for box in self.boxes),
        )

    def count(self) -> int:
        """Return the number of tiles, without regard to the shape of the area."""
        return sum(
            len(columns) * len(rows)
            for zoom in range(self.first, self.last + 1)
            for columns, rows in self._spans(zoom)
        )

    def __iter__(self) -> Iterator[Tile]:
        """Yield the tiles, zoom by zoom and row by row."""
        for zoom in range(self.first, self.last + 1):
            for columns, rows in self._spans(zoom):
                for row in rows:
                    for column in columns:
                        if self._is_wanted(zoom, column, row):
                            yield zoom, column, row

    def _spans(self, zoom: int) -> list[tuple[range, range]]:
        """Return the columns and rows of each box, without a tile twice."""
        found: list[tuple[range, range]] = []
        for west, south, east, north in self.boxes:
            columns = _span(_column(west, zoom), _column(east, zoom), zoom)
            rows = _span(_row(north, zoom), _row(south, zoom), zoom)
            if found and columns.stop > found[0][0].start:
                # At low zooms both sides of the antimeridian are in one tile.
                columns = range(columns.start, min(columns.stop, found[0][0].start))
            found.append((columns, rows))
        return found

    def _is_wanted(self, zoom: int, column: int, row: int) -> bool:
        if self.area is None:
            return True
        from shapely import box

        west, south, east, north = tile_bounds(zoom, column, row)
        # An area across the antimeridian goes on beyond 180.
        return any(self.area.intersects(box(west + turn, south, east + turn, north)) for turn in (0, 360))


def tile_bounds(zoom: int, column: int, row: int) -> Bounds:
    """Return west, south, east and north of a tile in degrees."""
    size = 1 << zoom
    west, east = (360 * one / size - 180 for one in (column, column + 1))
    north, south = (
        math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * one / size)))) for one in (row, row + 1)
    )
    return west, south, east, north


def _column(longitude: float, zoom: int) -> float:
    return (longitude + 180) / 360 * (1 << zoom)


def _row(latitude: float, zoom: int) -> float:
    latitude = max(-_MAX_LATITUDE, min(_MAX_LATITUDE, latitude))
    return (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * (1 << zoom)


def _span(low: float, high: float, zoom: int) -> range:
    first = min(max(math.floor(low + _SLIVER), 0), (1 << zoom) - 1)
    return range(first, min(max(math.ceil(high - _SLIVER), first + 1), 1 << zoom))
