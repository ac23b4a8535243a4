"""The GeoContext of a tile in a UTM zone."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, overload

from shapely.geometry import Polygon

from landbridge.geo.aoi import UNCHANGED
from landbridge.geo.context import GeoContext
from landbridge.geo.covering import covering_tiles, estimate_tile_count, to_polygons
from landbridge.geo.errors import InvalidTileError
from landbridge.geo.utm_grid import UtmGrid, UtmTile, subdivide_grid

_MANY_TILES = 50_000


class DLTile(GeoContext):
    """A square tile in a UTM zone, with padding: the same shape everywhere, and neighbors that fit."""

    __slots__ = ("_tile",)
    _fields = ("key",)

    def __init__(self, dltile_dict: Mapping[str, Any], all_touched: bool = False) -> None:
        """Take the tile's GeoJSON Feature, of whose properties the `key` counts.

        Raises:
            InvalidTileError: no valid key in it.
        """
        super().__init__(all_touched=all_touched)
        properties = dltile_dict.get("properties", dltile_dict)
        if "key" not in properties:
            raise InvalidTileError("a tile's Feature needs the property 'key'")
        self._tile = UtmTile.from_key(properties["key"])

    @classmethod
    def _of(cls, tile: UtmTile, all_touched: bool = False) -> "DLTile":
        return cls({"key": tile.key}, all_touched=all_touched)

    @classmethod
    def from_key(cls, dltile_key: str, all_touched: bool = False) -> "DLTile":
        """The tile of a key `tilesize:pad:resolution:zone:ti:tj`.

        Raises:
            InvalidTileError: not such a key, or a zone or size out of range.
        """
        return cls._of(UtmTile.from_key(dltile_key), all_touched)

    @classmethod
    def from_latlon(
        cls, lat: float, lon: float, resolution: float, tilesize: int, pad: int, all_touched: bool = False
    ) -> "DLTile":
        """The tile that holds a point.

        Raises:
            InvalidLatLonError: the point is beyond ±90 or ±180 degrees.
            InvalidTileError: a size is out of range, or the longitude is 180.
        """
        return cls._of(UtmGrid(resolution, tilesize, pad).tile_from_lonlat(lon, lat), all_touched)

    @overload
    @classmethod
    def from_shape(
        cls,
        shape: Any,
        resolution: float,
        tilesize: int,
        pad: int,
        keys_only: Literal[False] = False,
        all_touched: bool = False,
    ) -> list["DLTile"]: ...

    @overload
    @classmethod
    def from_shape(
        cls,
        shape: Any,
        resolution: float,
        tilesize: int,
        pad: int,
        keys_only: Literal[True],
        all_touched: bool = False,
    ) -> list[str]: ...

    @classmethod
    def from_shape(
        cls,
        shape: Any,
        resolution: float,
        tilesize: int,
        pad: int,
        keys_only: bool = False,
        all_touched: bool = False,
    ) -> "list[DLTile] | list[str]":
        """All tiles that intersect a shape (see `iter_from_shape`), or their keys, as a list.

        Raises:
            InvalidShapeError: the shape is no polygon, or beyond ±180 or ±90 degrees.
        """
        many = estimate_tile_count(UtmGrid(resolution, tilesize, pad), to_polygons(shape))
        if many > _MANY_TILES:
            warnings.warn(
                f"the shape needs about {many:,.0f} tiles: iter_from_shape makes them one by one",
                UserWarning,
                stacklevel=2,
            )
        return list(cls.iter_from_shape(shape, resolution, tilesize, pad, keys_only, all_touched))  # type: ignore[return-value]  # tiles or keys by keys_only

    @classmethod
    def iter_from_shape(
        cls,
        shape: Any,
        resolution: float,
        tilesize: int,
        pad: int,
        keys_only: bool = False,
        all_touched: bool = False,
    ) -> "Iterator[DLTile | str]":
        """Every tile that intersects a shape, once each, or its key.

        The shape is a Polygon or MultiPolygon, a Feature or FeatureCollection of them, a list of these, their
        JSON text, or anything with `__geo_interface__`, in longitude and latitude. Tiles are taken in each
        UTM zone that it crosses, so they overlap at the border of two zones.

        Raises:
            InvalidShapeError: the shape is of another kind, or beyond ±180 or ±90 degrees.
        """
        for tile in covering_tiles(UtmGrid(resolution, tilesize, pad), shape):
            yield tile.key if keys_only else cls._of(tile, all_touched)

    def subtile(
        self, subdivide: int, resolution: float | None = None, pad: int | None = None, keys_only: bool = False
    ) -> "Iterator[DLTile | str]":
        """The `subdivide`² tiles this one falls into, row by row from the top left, or their keys.

        Raises:
            InvalidTileError: `subdivide` does not divide the tile size, or the new tile size is no integer.
        """
        subdivide_grid(self._tile.grid, subdivide, resolution, pad)
        for tile in self._tile.subtile(subdivide, new_resolution=resolution, new_pad=pad):
            yield tile.key if keys_only else self._of(tile, self._all_touched)

    def assign(self, pad: Any = UNCHANGED, all_touched: Any = UNCHANGED) -> "DLTile":
        """A copy with another padding or `all_touched`."""
        tile = self._tile
        if pad != UNCHANGED:
            tile = replace(tile, grid=replace(tile.grid, pad=pad))
        return self._of(tile, self._all_touched if all_touched == UNCHANGED else all_touched)

    def rowcol_to_latlon(self, row: Any, col: Any) -> list[tuple[float, ...]]:
        """[(latitudes), (longitudes)] of pixel centers.

        Raises:
            InvalidRowColError: row and col are not two numbers, or two sequences of equal length, of one
            type.
        """
        lons, lats = self._tile.rowcol_to_lonlat(row, col)
        return [lats, lons]

    def latlon_to_rowcol(self, lat: Any, lon: Any) -> list[tuple[int, ...]]:
        """[(rows), (columns)] of the pixels that hold points; they may lie outside the tile.

        Raises:
            InvalidLatLonError: lat and lon are not two numbers, or two sequences of equal length, of one
            type.
        """
        return self._tile.lonlat_to_rowcol(lon, lat)

    @property
    def key(self) -> str:
        """The tile as text, `tilesize:pad:resolution:zone:ti:tj`."""
        return self._tile.key

    @property
    def resolution(self) -> float:
        """Meters per pixel."""
        return self._tile.resolution

    @property
    def tilesize(self) -> int:
        """The side without padding, in pixels."""
        return self._tile.tilesize

    @property
    def pad(self) -> int:
        """The padding on each side, in pixels."""
        return self._tile.pad

    @property
    def tile_extent(self) -> int:
        """The side with padding, in pixels."""
        return self._tile.tile_extent

    @property
    def zone(self) -> int:
        """The UTM zone, 1 to 60; the northern one on both hemispheres."""
        return self._tile.zone

    @property
    def ti(self) -> int:
        """The column, counted from the zone's central meridian."""
        return self._tile.path

    @property
    def tj(self) -> int:
        """The row, counted from the equator."""
        return self._tile.row

    @property
    def crs(self) -> str:
        """The zone's coordinate reference system, `EPSG:326zz`."""
        return self._tile.srs

    @property
    def bounds_crs(self) -> str:
        """The coordinate reference system of the bounds: the tile's own."""
        return self._tile.srs

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(min x, min y, max x, max y) with padding, in meters of `crs`."""
        return self._tile.utm_bounds

    @property
    def geometry(self) -> Polygon:
        """The outline with padding, in longitude and latitude."""
        return self._tile.polygon

    @property
    def geotrans(self) -> tuple[float, float, float, float, float, float]:
        """The affine of the padded tile, in GDAL's order."""
        return self._tile.geotransform

    @property
    def proj4(self) -> str:
        """The coordinate reference system as a PROJ string."""
        return self._tile.proj4

    @property
    def wkt(self) -> str:
        """The coordinate reference system as WKT."""
        return self._tile.wkt

    @property
    def raster_params(self) -> dict[str, Any]:
        """The grid as a raster service's parameters; the tile's outline is no cutline."""
        return {**super().raster_params, "dltile": self.key, "align_pixels": False}

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        return self.geometry.__geo_interface__

    def _field_texts(self) -> dict[str, str]:
        names = (
            "key",
            "resolution",
            "tilesize",
            "pad",
            "crs",
            "bounds",
            "bounds_crs",
            "zone",
            "ti",
            "tj",
            "all_touched",
        )
        return {name: repr(getattr(self, name)) for name in names}
