"""GeoContext of a tile in a UTM zone."""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, overload

from landbridge.geo.aoi import UNCHANGED
from landbridge.geo.covering import covering_tiles, estimate_tile_count, to_polygons
from landbridge.geo.errors import InvalidTileError
from landbridge.geo.utm_context import UtmContext
from landbridge.geo.utm_grid import UtmGrid, UtmTile, subdivide_grid

_MANY_TILES = 50_000


class DLTile(UtmContext):
    """Square tile in a UTM zone, with padding.

    All tiles of the same resolution and tile size have the same shape, and neighbors in a zone fit together.
    Zones are the northern ones (EPSG:326zz), in the southern hemisphere too.

    Parameters
    ----------
    dltile_dict : dict
        GeoJSON Feature of the tile, of which the property `key` is used, or its properties.
    all_touched : bool, default False
        True keeps each pixel that the geometry touches, False each pixel whose center it contains.

    Raises
    ------
    InvalidTileError
        If there is no valid key.

    Examples
    --------
    >>> from landbridge.geo import DLTile
    >>> tile = DLTile.from_latlon(lat=38.9, lon=-108.0, resolution=30, tilesize=256, pad=0)
    >>> tile.key, tile.crs
    ('256:0:30.0:13:-34:561', 'EPSG:32613')
    """

    def __init__(self, dltile_dict: Mapping[str, Any], all_touched: bool = False) -> None:
        """Parse the key."""
        super().__init__(all_touched=all_touched)
        properties = dltile_dict.get("properties", dltile_dict)
        if "key" not in properties:
            raise InvalidTileError("The Feature of a tile has no property 'key'.")
        self._tile = UtmTile.from_key(properties["key"])

    @classmethod
    def _of(cls, tile: UtmTile, all_touched: bool = False) -> "DLTile":
        return cls({"key": tile.key}, all_touched=all_touched)

    @classmethod
    def from_key(cls, dltile_key: str, all_touched: bool = False) -> "DLTile":
        """Return the tile with a key.

        Parameters
        ----------
        dltile_key : str
            Key of the form `tilesize:pad:resolution:zone:ti:tj`.
        all_touched : bool, default False
            True keeps each pixel that the geometry touches, False each pixel whose center it contains.

        Returns
        -------
        DLTile
            Tile.

        Raises
        ------
        InvalidTileError
            If the key has another form, or if its zone or a size is out of range.

        Examples
        --------
        >>> DLTile.from_key("128:16:960.0:15:-1:37").bounds
        (361760.0, 4531200.0, 515360.0, 4684800.0)
        """
        return cls._of(UtmTile.from_key(dltile_key), all_touched)

    @classmethod
    def from_latlon(
        cls, lat: float, lon: float, resolution: float, tilesize: int, pad: int, all_touched: bool = False
    ) -> "DLTile":
        """Return the tile that contains a point.

        Parameters
        ----------
        lat : float
            Latitude in degrees.
        lon : float
            Longitude in degrees.
        resolution : float
            Side of a pixel in meters.
        tilesize : int
            Side of the tile without padding, in pixels.
        pad : int
            Padding on each side, in pixels.
        all_touched : bool, default False
            True keeps each pixel that the geometry touches, False each pixel whose center it contains.

        Returns
        -------
        DLTile
            Tile in the UTM zone of the longitude.

        Raises
        ------
        InvalidLatLonError
            If the point is beyond ±90 or ±180 degrees.
        InvalidTileError
            If a size is out of range, or if the longitude is 180.

        Examples
        --------
        >>> DLTile.from_latlon(0.5, 9.0, 100, 256, 0).key
        '256:0:100.0:32:0:2'
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
        """Return all tiles that intersect a shape, or their keys, as a list.

        A UserWarning is given for more than about 50,000 tiles; `iter_from_shape` makes them one by one.

        Parameters
        ----------
        shape : dict, str, list or shapely geometry
            Polygon or MultiPolygon in longitude and latitude, Feature or FeatureCollection of them, list of
            these, their JSON text, or an object with `__geo_interface__`.
        resolution : float
            Side of a pixel in meters.
        tilesize : int
            Side of a tile without padding, in pixels.
        pad : int
            Padding on each side, in pixels.
        keys_only : bool, default False
            Return keys in place of tiles.
        all_touched : bool, default False
            True keeps each pixel that the geometry touches, False each pixel whose center it contains.

        Returns
        -------
        list of DLTile or of str
            Each tile once. Tiles are taken in each UTM zone that the shape crosses and overlap between zones.

        Raises
        ------
        InvalidShapeError
            If the shape is not a polygon, or goes beyond ±180 or ±90 degrees.
        InvalidTileError
            If a size is out of range.

        Examples
        --------
        >>> from shapely.geometry import box
        >>> keys = DLTile.from_shape(box(0, 0, 1, 1), resolution=100, tilesize=256, pad=0, keys_only=True)
        >>> len(keys), keys[0]
        (36, '256:0:100.0:31:-11:-1')
        """
        many = estimate_tile_count(UtmGrid(resolution, tilesize, pad), to_polygons(shape))
        if many > _MANY_TILES:
            warnings.warn(
                f"The shape needs about {many:,.0f} tiles. iter_from_shape yields them one by one.",
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
        """Yield all tiles that intersect a shape, or their keys.

        Parameters
        ----------
        shape : dict, str, list or shapely geometry
            Polygon or MultiPolygon in longitude and latitude, Feature or FeatureCollection of them, list of
            these, their JSON text, or an object with `__geo_interface__`.
        resolution : float
            Side of a pixel in meters.
        tilesize : int
            Side of a tile without padding, in pixels.
        pad : int
            Padding on each side, in pixels.
        keys_only : bool, default False
            Yield keys in place of tiles.
        all_touched : bool, default False
            True keeps each pixel that the geometry touches, False each pixel whose center it contains.

        Yields
        ------
        DLTile or str
            Each tile once. Tiles are taken in each UTM zone that the shape crosses and overlap between zones.

        Raises
        ------
        InvalidShapeError
            If the shape is not a polygon, or goes beyond ±180 or ±90 degrees.
        InvalidTileError
            If a size is out of range.

        Examples
        --------
        >>> from shapely.geometry import box
        >>> next(DLTile.iter_from_shape(box(0, 0, 1, 1), 100, 256, 0)).key
        '256:0:100.0:31:-11:-1'
        """
        for tile in covering_tiles(UtmGrid(resolution, tilesize, pad), shape):
            yield tile.key if keys_only else cls._of(tile, all_touched)

    def subtile(
        self, subdivide: int, resolution: float | None = None, pad: int | None = None, keys_only: bool = False
    ) -> "Iterator[DLTile | str]":
        """Yield the smaller tiles that this tile divides into, or their keys.

        Parameters
        ----------
        subdivide : int
            Number of parts on each side; it must divide `tilesize`.
        resolution : float, optional
            Resolution of the parts in meters. By default that of the tile.
        pad : int, optional
            Padding of the parts in pixels. By default that of the tile.
        keys_only : bool, default False
            Yield keys in place of tiles.

        Yields
        ------
        DLTile or str
            `subdivide` times `subdivide` tiles, row by row from the top left.

        Raises
        ------
        InvalidTileError
            If `subdivide` does not divide the tile size, or if the new tile size is not an integer.

        Examples
        --------
        >>> tile = DLTile.from_key("256:0:30.0:13:0:560")
        >>> list(tile.subtile(2, keys_only=True))[0]
        '128:0:30.0:13:0:1121'
        """
        subdivide_grid(self._tile.grid, subdivide, resolution, pad)
        for tile in self._tile.subtile(subdivide, new_resolution=resolution, new_pad=pad):
            yield tile.key if keys_only else self._of(tile, self._all_touched)

    def assign(self, pad: Any = UNCHANGED, all_touched: Any = UNCHANGED) -> "DLTile":
        """Return a copy with another padding or another `all_touched`.

        Parameters
        ----------
        pad : int, optional
            New padding in pixels.
        all_touched : bool, optional
            New rule for pixels at the edge of a geometry.

        Returns
        -------
        DLTile
            Changed copy.

        Raises
        ------
        InvalidTileError
            If the padding is negative.

        Examples
        --------
        >>> DLTile.from_key("256:0:30.0:13:0:560").assign(pad=8).tile_extent
        272
        """
        tile = self._tile
        if pad != UNCHANGED:
            tile = replace(tile, grid=replace(tile.grid, pad=pad))
        return self._of(tile, self._all_touched if all_touched == UNCHANGED else all_touched)

    def rowcol_to_latlon(self, row: Any, col: Any) -> list[tuple[float, ...]]:
        """Return the positions of pixel centers.

        Parameters
        ----------
        row : float or sequence of float
            Rows of the padded tile, from the top.
        col : float or sequence of float
            Columns, of the same type and length as the rows.

        Returns
        -------
        list of tuple of float
            [latitudes, longitudes] in degrees.

        Raises
        ------
        InvalidRowColError
            If row and col are not two numbers, or two sequences of the same type and length.

        Examples
        --------
        >>> tile = DLTile.from_key("256:0:30.0:13:0:560")
        >>> [round(values[0], 3) for values in tile.rowcol_to_latlon(0, 0)]
        [38.925, -105.0]
        """
        lons, lats = self._tile.rowcol_to_lonlat(row, col)
        return [lats, lons]

    def latlon_to_rowcol(self, lat: Any, lon: Any) -> list[tuple[int, ...]]:
        """Return the pixels that contain points.

        Parameters
        ----------
        lat : float or sequence of float
            Latitudes in degrees.
        lon : float or sequence of float
            Longitudes in degrees, of the same type and length as the latitudes.

        Returns
        -------
        list of tuple of int
            [rows, columns] of the padded tile. They may lie outside it.

        Raises
        ------
        InvalidLatLonError
            If lat and lon are not two numbers, or two sequences of the same type and length.

        Examples
        --------
        >>> DLTile.from_key("256:0:30.0:13:0:560").latlon_to_rowcol(38.92, -104.98)
        [(19,), (57,)]
        """
        return self._tile.lonlat_to_rowcol(lon, lat)
