"""GeoContext of a web map tile."""

import math
from collections.abc import Iterator
from typing import Any

from shapely.geometry import Polygon, box

from landbridge.geo.context import GeoContext

EARTH_RADIUS = 6378137.0
_HALF_WORLD = math.pi * EARTH_RADIUS
TILESIZE = 256


class XYZTile(GeoContext):
    """Tile of the web map scheme: 256 by 256 pixels in EPSG:3857.

    Parameters
    ----------
    x : int
        Column, from the west.
    y : int
        Row, from the north.
    z : int
        Zoom level; level 0 is one tile for the world.
    all_touched : bool, default False
        True keeps each pixel that the geometry touches, False each pixel whose center it contains.

    Examples
    --------
    >>> from landbridge.geo import XYZTile
    >>> tile = XYZTile(x=1, y=2, z=3)
    >>> [round(degrees, 2) for degrees in tile.geometry.bounds]
    [-135.0, 40.98, -90.0, 66.51]
    """

    __slots__ = ("_x", "_y", "_z")
    _fields = ("x", "y", "z")

    def __init__(self, x: int, y: int, z: int, all_touched: bool = False) -> None:
        """Store the indices."""
        super().__init__(all_touched=all_touched)
        self._x, self._y, self._z = x, y, z

    @property
    def x(self) -> int:
        """Column, from the west."""
        return self._x

    @property
    def y(self) -> int:
        """Row, from the north."""
        return self._y

    @property
    def z(self) -> int:
        """Zoom level; level 0 is one tile for the world."""
        return self._z

    @property
    def tilesize(self) -> int:
        """Side in pixels: 256."""
        return TILESIZE

    @property
    def crs(self) -> str:
        """Coordinate reference system of the pixels: EPSG:3857."""
        return "EPSG:3857"

    @property
    def bounds_crs(self) -> str:
        """Coordinate reference system of the bounds: EPSG:3857."""
        return "EPSG:3857"

    @property
    def resolution(self) -> float:
        """Side of a pixel in meters of EPSG:3857."""
        return _side(self._z) / TILESIZE

    @property
    def align_pixels(self) -> bool:
        """False, because the tile's own corner is the origin of the grid."""
        return False

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(min x, min y, max x, max y) in EPSG:3857."""
        side = _side(self._z)
        left, top = -_HALF_WORLD + self._x * side, _HALF_WORLD - self._y * side
        return (left, top - side, left + side, top)

    @property
    def geometry(self) -> Polygon:
        """Outline in longitude and latitude."""
        min_x, min_y, max_x, max_y = self.bounds
        return box(_lon(min_x), _lat(min_y), _lon(max_x), _lat(max_y))

    def parent(self) -> "XYZTile":
        """Return the tile one zoom level above that contains this tile.

        Returns
        -------
        XYZTile
            Tile with the default `all_touched`.

        Raises
        ------
        TypeError
            If the zoom level is 0.

        Examples
        --------
        >>> tuple(XYZTile(1, 2, 3).parent())
        (0, 1, 2)
        """
        if self._z == 0:
            raise TypeError("The tile of zoom level 0 has no parent.")
        return XYZTile(self._x // 2, self._y // 2, self._z - 1)

    def children(self) -> list["XYZTile"]:
        """Return the four tiles one zoom level below.

        Returns
        -------
        list of XYZTile
            Tiles clockwise from the north-west, with the default `all_touched`.

        Examples
        --------
        >>> [tuple(child) for child in XYZTile(0, 0, 0).children()]
        [(0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]
        """
        x, y, z = 2 * self._x, 2 * self._y, self._z + 1
        return [XYZTile(x + dx, y + dy, z) for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1))]

    @property
    def raster_params(self) -> dict[str, Any]:
        """Parameters that describe the grid to a raster service, as a dict; the outline masks no pixels."""
        return {
            **super().raster_params,
            "bounds": self.bounds,
            "bounds_srs": self.bounds_crs,
            "srs": self.crs,
            "resolution": self.resolution,
            "align_pixels": self.align_pixels,
        }

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        return self.geometry.__geo_interface__

    def __iter__(self) -> Iterator[int]:
        return iter((self._x, self._y, self._z))


def _side(z: int) -> float:
    return 2 * _HALF_WORLD / float(2**z)


def _lon(x: float) -> float:
    return math.degrees(x / EARTH_RADIUS)


def _lat(y: float) -> float:
    return math.degrees(2 * math.atan(math.exp(y / EARTH_RADIUS)) - math.pi / 2)
