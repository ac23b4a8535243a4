"""Grids and tiles of the old module `common.dltile`; `landbridge.geo.DLTile` is the geocontext of a tile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from landbridge.geo import DLTile
from landbridge.geo.utm_grid import GRID_PATTERN, TILE_PATTERN, UtmGrid, UtmTile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shapely.geometry import Polygon

    from landbridge.utils import DotDict

__all__ = ["Grid", "Tile"]


class Grid(UtmGrid):
    """Grid of all tiles with one resolution (meters), tile size and padding (pixels).

    Examples
    --------
    >>> from descarteslabs.common.dltile import Grid
    >>> Grid(resolution=30, tilesize=256, pad=0).tile_from_lonlat(-108.0, 38.9).key
    '256:0:30.0:13:-34:561'
    """

    __slots__ = ()
    gridkey_pattern: Final = GRID_PATTERN

    @classmethod
    def from_key(cls, key: str) -> Grid:
        """Return the grid of a key `tilesize:pad:resolution`; following text is ignored."""
        return _grid(super().from_key(key))

    def tile_from_lonlat(self, lon: float, lat: float) -> Tile:
        """Return the tile that contains a point."""
        return _tile(super().tile_from_lonlat(lon, lat))

    def tiles_from_shape(self, shape: Any, keys_only: bool = False) -> Iterator[Tile | str]:
        """Yield the tiles that intersect a shape in longitude and latitude, or their keys."""
        for key in DLTile.iter_from_shape(shape, self.resolution, self.tilesize, self.pad, keys_only=True):
            yield str(key) if keys_only else _tile(Tile.from_key(str(key)))


class Tile(UtmTile):
    """Tile of a grid in a UTM zone, with its path (column) and row from the zone's origin.

    Examples
    --------
    >>> from descarteslabs.common.dltile import Tile
    >>> tile = Tile.from_key("128:16:960.0:15:-1:37")
    >>> tile.utm_bounds_unpadded
    (377120.0, 4546560.0, 500000.0, 4669440.0)
    >>> tile.assign(pad=0).key
    '128:0:960.0:15:-1:37'
    """

    __slots__ = ()
    tilekey_pattern: Final = TILE_PATTERN

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "grid", _grid(self.grid))

    @property
    def geocontext(self) -> DLTile:
        """Tile as the geocontext of a raster."""
        return DLTile.from_key(self.key)

    @property
    def geometry(self) -> Polygon:
        """Outline with padding, in longitude and latitude."""
        return self.polygon

    @property
    def polygon_unpadded(self) -> Polygon:
        """Outline without padding, in longitude and latitude."""
        return self.assign(pad=0).polygon

    @property
    def utm_polygon_unpadded(self) -> Polygon:
        """Outline without padding, in meters."""
        return self.assign(pad=0).utm_polygon

    @property
    def center(self) -> tuple[float, float]:
        """Longitude and latitude of the middle."""
        # The center of the only pixel of a tile of the same extent
        whole = Grid(self.utm_tilesize, 1, 0)
        (lon,), (lat,) = Tile(whole, self.zone, self.path, self.row).rowcol_to_lonlat(0, 0)
        return lon, lat

    @property
    def feature(self) -> DotDict:
        """Tile as a GeoJSON Feature, with the properties that the Raster service gave."""
        from landbridge.porting.raster.tiles import tile_feature

        return tile_feature(self.geocontext)

    def assign(
        self, resolution: float | None = None, tilesize: int | None = None, pad: int | None = None
    ) -> Tile:
        """Return the tile with the same path and row of another grid; None keeps a value."""
        grid = Grid(
            self.resolution if resolution is None else resolution,
            self.tilesize if tilesize is None else tilesize,
            self.pad if pad is None else pad,
        )
        return Tile(grid, self.zone, self.path, self.row)

    def subtile(  # type: ignore[override] # the old order of the arguments
        self,
        subdivide: int,
        row: int | None = None,
        col: int | None = None,
        new_resolution: float | None = None,
        new_pad: int | None = None,
    ) -> list[Tile]:
        """Return the `subdivide`² tiles that this tile divides into, row by row from the top left.

        With `row`, `col` or both, only the tiles of that row, that column, or the one at both.
        """
        tiles = [_tile(tile) for tile in super().subtile(subdivide, new_resolution, new_pad)]
        return [
            tile
            for index, tile in enumerate(tiles)
            if row in (None, index // subdivide) and col in (None, index % subdivide)
        ]


def _grid(grid: UtmGrid) -> Grid:
    return Grid(grid.resolution, grid.tilesize, grid.pad)


def _tile(tile: UtmTile) -> Tile:
    return Tile(tile.grid, tile.zone, tile.path, tile.row)
