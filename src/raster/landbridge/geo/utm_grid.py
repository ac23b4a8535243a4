"""Arithmetic of DLTile: square tiles that are counted from the origin of each UTM zone.

Every zone is the northern one (EPSG:326zz), in the southern hemisphere too, with negative northings there.
Tile (path, row) of a zone starts at (500000 + path · tilesize · resolution, row · tilesize · resolution).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shapely.geometry import Polygon, box

from landbridge.geo.errors import InvalidLatLonError, InvalidRowColError, InvalidTileError
from landbridge.geo.shapes import MAX_LAT, MAX_LON

if TYPE_CHECKING:
    from pyproj import Transformer

FALSE_EASTING = 500000
ZONES = range(1, 61)
GRID_PATTERN = r"(?P<tilesize>\d+):(?P<pad>-?\d+):(?P<resolution>\d+.?\d+)"
TILE_PATTERN = GRID_PATTERN + r":(?P<zone>\d+):(?P<path>-?\d+):(?P<row>-?\d+)"
_GRID_KEY = re.compile(GRID_PATTERN)
_TILE_KEY = re.compile(TILE_PATTERN)
_MAX_RATIO_ERROR = 1e-9


@lru_cache(maxsize=2 * len(ZONES))
def utm_transformer(zone: int) -> "Transformer":
    """Return the transformer from longitude and latitude to a zone's easting and northing."""
    from pyproj import Transformer

    return Transformer.from_crs(4326, 32600 + zone, always_xy=True)


@dataclass(frozen=True, slots=True)
class UtmGrid:
    """Grid of all tiles with one resolution (meters), tile size and padding (pixels)."""

    resolution: float
    tilesize: int
    pad: int

    def __post_init__(self) -> None:
        if not self.resolution > 0:
            raise InvalidTileError(f"resolution must be greater than 0; got {self.resolution}.")
        if self.tilesize <= 0 or self.tilesize != int(self.tilesize):
            raise InvalidTileError(f"tilesize must be a positive integer; got {self.tilesize}.")
        if self.pad < 0 or self.pad != int(self.pad):
            raise InvalidTileError(f"pad must be a non-negative integer; got {self.pad}.")
        object.__setattr__(self, "resolution", float(self.resolution))
        object.__setattr__(self, "tilesize", int(self.tilesize))
        object.__setattr__(self, "pad", int(self.pad))

    @classmethod
    def from_key(cls, key: str) -> "UtmGrid":
        """Return the grid of a key `tilesize:pad:resolution`; following text is ignored.

        Raises
        ------
        InvalidTileError
            If the key has another form.
        """
        match = _GRID_KEY.match(key)
        if match is None:
            raise InvalidTileError(f"A grid key is tilesize:pad:resolution; got {key!r}.")
        return _parse_grid(match, key)

    @property
    def tile_extent(self) -> int:
        """Side of a tile with its padding, in pixels."""
        return self.tilesize + 2 * self.pad

    @property
    def utm_tilesize(self) -> float:
        """Side of a tile without its padding, in meters."""
        return self.tilesize * self.resolution

    @property
    def utm_tile_extent(self) -> float:
        """Side of a tile with its padding, in meters."""
        return self.tile_extent * self.resolution

    def tile_from_lonlat(self, lon: float, lat: float) -> "UtmTile":
        """Return the tile that contains a point, in the UTM zone of its longitude.

        Raises
        ------
        InvalidLatLonError
            If the point is beyond ±180 or ±90 degrees.
        InvalidTileError
            If the longitude is 180, east of the last zone.
        """
        if not (-MAX_LON <= lon <= MAX_LON and -MAX_LAT <= lat <= MAX_LAT):
            raise InvalidLatLonError(
                f"The longitude must be within ±180 and the latitude within ±90; got ({lon}, {lat})."
            )
        zone = utm_zone(lon)
        if zone not in ZONES:
            raise InvalidTileError(f"The longitude {lon} is in no UTM zone; zones 1 to 60 end before 180.")
        x, y = utm_transformer(zone).transform(lon, lat)
        return UtmTile(
            self, zone, math.floor((x - FALSE_EASTING) / self.utm_tilesize), math.floor(y / self.utm_tilesize)
        )


@dataclass(frozen=True, slots=True)
class UtmTile:
    """Tile of a grid in a UTM zone, with its path (column) and row from the zone's origin."""

    grid: UtmGrid
    zone: int
    path: int
    row: int

    def __post_init__(self) -> None:
        if self.zone not in ZONES:
            raise InvalidTileError(f"UTM zones are 1 to 60; got {self.zone}.")

    @classmethod
    def from_key(cls, key: str) -> "UtmTile":
        """Return the tile of a key `tilesize:pad:resolution:zone:ti:tj`; following text is ignored.

        Raises
        ------
        InvalidTileError
            If the key has another form (a resolution has at least two characters), or if its zone or a size
            is out of range.
        """
        match = _TILE_KEY.match(key) if isinstance(key, str) else None
        if match is None:
            raise InvalidTileError(f"A tile key is tilesize:pad:resolution:zone:ti:tj; got {key!r}.")
        return cls(_parse_grid(match, key), int(match["zone"]), int(match["path"]), int(match["row"]))

    @property
    def key(self) -> str:
        """Key of the form `tilesize:pad:resolution:zone:ti:tj`."""
        return f"{self.tilesize}:{self.pad}:{self.resolution}:{self.zone:02d}:{self.path}:{self.row}"

    @property
    def tilesize(self) -> int:
        """Side without padding, in pixels."""
        return self.grid.tilesize

    @property
    def pad(self) -> int:
        """Padding on each side, in pixels."""
        return self.grid.pad

    @property
    def resolution(self) -> float:
        """Side of a pixel, in meters."""
        return self.grid.resolution

    @property
    def tile_extent(self) -> int:
        """Side with padding, in pixels."""
        return self.grid.tile_extent

    @property
    def utm_tilesize(self) -> float:
        """Side without padding, in meters."""
        return self.grid.utm_tilesize

    @property
    def utm_tile_extent(self) -> float:
        """Side with padding, in meters."""
        return self.grid.utm_tile_extent

    @property
    def epsg(self) -> int:
        """EPSG code of the northern UTM zone."""
        return 32600 + self.zone

    @property
    def srs(self) -> str:
        """Coordinate reference system, `EPSG:326zz`."""
        return f"EPSG:{self.epsg}"

    @property
    def proj4(self) -> str:
        """Coordinate reference system as a PROJ string."""
        return f"+proj=utm +zone={self.zone} +datum=WGS84 +units=m +no_defs "

    @property
    def wkt(self) -> str:
        """Coordinate reference system as WKT."""
        from pyproj import CRS

        return CRS.from_epsg(self.epsg).to_wkt(version="WKT1_GDAL")

    @property
    def utm_bounds_unpadded(self) -> tuple[float, float, float, float]:
        """(min x, min y, max x, max y) without padding, in meters."""
        side = self.utm_tilesize
        left, bottom = FALSE_EASTING + self.path * side, self.row * side
        return (left, bottom, left + side, bottom + side)

    @property
    def utm_bounds(self) -> tuple[float, float, float, float]:
        """(min x, min y, max x, max y) with padding, in meters."""
        margin = self.pad * self.resolution
        left, bottom, right, top = self.utm_bounds_unpadded
        return (left - margin, bottom - margin, right + margin, top + margin)

    @property
    def utm_polygon(self) -> Polygon:
        """Outline with padding, in meters."""
        return box(*self.utm_bounds)

    @property
    def polygon(self) -> Polygon:
        """Outline with padding, in longitude and latitude."""
        return self._lonlat(self.utm_polygon)

    @property
    def geotransform(self) -> tuple[float, float, float, float, float, float]:
        """Affine transformation of the padded tile, in GDAL's order."""
        left, _, _, top = self.utm_bounds
        return (left, self.resolution, 0, top, 0, -self.resolution)

    def subtile(
        self,
        subdivide: int,
        new_resolution: float | None = None,
        new_pad: int | None = None,
    ) -> "list[UtmTile]":
        """Return the `subdivide`² tiles that this tile divides into, row by row from the top left.

        Raises
        ------
        InvalidTileError
            If `subdivide` does not divide the tile into whole pixels.
        """
        grid = subdivide_grid(self.grid, subdivide, new_resolution, new_pad)
        left, top = self.path * subdivide, (self.row + 1) * subdivide - 1
        places = [(left + column, top - row) for row in range(subdivide) for column in range(subdivide)]
        return [UtmTile(grid, self.zone, path, row) for path, row in places]

    def rowcol_to_lonlat(self, row: Any, col: Any) -> list[tuple[float, ...]]:
        """Return (longitudes), (latitudes) of pixel centers of the padded tile.

        Raises
        ------
        InvalidRowColError
            If row and col are not two numbers, or two sequences of the same type and length.
        """
        rows, columns = _to_float_lists(row, col, InvalidRowColError, "row", "col")
        left, _, _, top = self.utm_bounds
        lons, lats = utm_transformer(self.zone).transform(
            [left + (c + 0.5) * self.resolution for c in columns],
            [top - (r + 0.5) * self.resolution for r in rows],
            direction="INVERSE",
        )
        return [tuple(lons), tuple(lats)]

    def lonlat_to_rowcol(self, lon: Any, lat: Any) -> list[tuple[int, ...]]:
        """Return (rows), (columns) of the pixels that contain points; they may lie outside the tile.

        Raises
        ------
        InvalidLatLonError
            If lon and lat are not two numbers, or two sequences of the same type and length.
        """
        lons, lats = _to_float_lists(lon, lat, InvalidLatLonError, "lon", "lat")
        left, _, _, top = self.utm_bounds
        xs, ys = utm_transformer(self.zone).transform(lons, lats)
        rows = tuple(math.floor((top - y) / self.resolution) for y in ys)
        return [rows, tuple(math.floor((x - left) / self.resolution) for x in xs)]

    def _lonlat(self, polygon: Polygon) -> Polygon:
        xs, ys = polygon.exterior.xy
        lons, lats = utm_transformer(self.zone).transform(list(xs), list(ys), direction="INVERSE")
        # Longitudes continue beyond ±180 in the zones beside the antimeridian.
        meridian = 6 * self.zone - 183
        lons = [lon + 360 * round((meridian - lon) / 360) for lon in lons]
        return Polygon(zip(lons, lats, strict=True))


def utm_zone(lon: float) -> int:
    """Return the UTM zone of a longitude, by six-degree strips alone; 180 gives 61."""
    return math.floor((lon + MAX_LON) / 6) + 1


def subdivide_grid(grid: UtmGrid, subdivide: int, resolution: float | None, pad: int | None) -> UtmGrid:
    """Return the grid of tiles that are `subdivide` times smaller than a grid's."""
    if isinstance(subdivide, bool) or subdivide != int(subdivide) or subdivide < 1:
        raise InvalidTileError(f"subdivide must be a positive integer; got {subdivide!r}.")
    if grid.tilesize % subdivide:
        raise InvalidTileError(f"A tile of {grid.tilesize} pixels cannot be divided by {subdivide}.")
    new = grid.resolution if resolution is None else resolution
    tilesize = grid.utm_tilesize / subdivide / new
    if abs(tilesize - round(tilesize)) > _MAX_RATIO_ERROR * tilesize or round(tilesize) < 1:
        raise InvalidTileError(
            f"Tiles of resolution {new} would be {tilesize} pixels wide if divided by {subdivide}; "
            "that must be an integer."
        )
    return UtmGrid(new, round(tilesize), grid.pad if pad is None else pad)


def _parse_grid(match: re.Match[str], key: str) -> UtmGrid:
    try:
        return UtmGrid(float(match["resolution"]), int(match["tilesize"]), int(match["pad"]))
    except InvalidTileError:
        raise
    except ValueError as error:
        raise InvalidTileError(
            f"The resolution {match['resolution']!r} of {key!r} is not a number."
        ) from error


def _to_float_lists(
    first: Any, second: Any, error: type[ValueError], a: str, b: str
) -> tuple[list[Any], list[Any]]:
    """Two sequences of equal length from two scalars or two sequences of one type."""
    if type(first) is not type(second):
        raise error(
            f"{a} and {b} must be of the same type; got {type(first).__name__} and {type(second).__name__}."
        )
    if not isinstance(first, Sequence) and not hasattr(first, "__array__"):
        firsts, seconds = [first], [second]
    elif getattr(first, "ndim", 1) == 0:
        firsts, seconds = [first.item()], [second.item()]
    else:
        firsts, seconds = list(first), list(second)
    if len(firsts) != len(seconds):
        raise error(f"{a} and {b} must be of equal length; got {len(firsts)} and {len(seconds)}.")
    try:
        return [float(value) for value in firsts], [float(value) for value in seconds]
    except (TypeError, ValueError) as problem:
        raise error(f"{a} and {b} must be numbers; got {first!r} and {second!r}.") from problem
