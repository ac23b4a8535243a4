"""Blocks of the output grid, and mappings from their pixels to those of files."""

from dataclasses import dataclass

from odc.geo.geobox import GeoBox

from landbridge.geo.grids.crs import grid_crs
from landbridge.geo.grids.geobox import GridKey, grid_key
from landbridge.geo.grids.longitudes import period_shifts, x_period
from landbridge.raster.array_types import Window
from landbridge.raster.grids.coordinate_grid import (
    CoordinateGrid,
    CoordinateGrids,
    SourceCoordinates,
    coordinate_grid_of,
    source_coordinates_of,
    x_extent,
)
from landbridge.raster.resample.nearest import NearestMapping

# Distance in pixels from a file's edge within which a point may belong to its opposite edge, a period
# further.
_EDGE_SLACK = 1e-3
# Largest coordinate grid in bytes, and largest number of them, that are shared with later blocks.
_MAX_SHARED_BYTES, _MAX_SHARED_GRIDS = 64 * 2**10, 512


@dataclass(frozen=True, slots=True)
class Block:
    """Part of an output grid of `whole` (rows, columns), with its corner at `origin` (y, x)."""

    grid: GeoBox
    origin: tuple[int, int]
    whole: tuple[int, int]

    def part(self, window: Window) -> "Block":
        """Return a window (y, x) of the block as a block of its own."""
        y, x = window
        if (y.stop - y.start, x.stop - x.start) == self.grid.shape.yx:
            return self
        origin = (self.origin[0] + y.start, self.origin[1] + x.start)
        return Block(self.grid[y, x], origin, self.whole)

    @property
    def open_sides(self) -> tuple[bool, bool, bool, bool]:
        """Sides (top, bottom, left, right) at which the output grid continues."""
        (top, left), (height, width) = self.origin, self.grid.shape.yx
        return (top > 0, top + height < self.whole[0], left > 0, left + width < self.whole[1])


class BlockMappings:
    """Mappings from a block's pixels to the grids of files.

    Files that share a grid, as the bands of an image do, share a mapping. Files that share a reference system
    and resolution share a coordinate grid.
    """

    def __init__(self, block: Block, coordinate_grids: CoordinateGrids | None = None) -> None:
        """Create the mappings of a block, with coordinate grids shared by blocks of the same output grid."""
        self.block = block
        self._known: dict[GridKey, NearestMapping] = {}
        self._coordinate_grids: CoordinateGrids = {}
        self._shared_grids: CoordinateGrids = {} if coordinate_grids is None else coordinate_grids

    def get(self, source: GeoBox) -> NearestMapping:
        """Return the mapping from the block's pixels to the nearest pixels of a file's grid."""
        key = grid_key(source)
        mapping = self._known.get(key)
        if mapping is None:
            mapping = self._known[key] = NearestMapping(
                source, self.block.grid, lambda: self._source_coordinates(source)
            )
        return mapping

    def x_shifts(self, source: GeoBox) -> list[float]:
        """Return the shifts along x, multiples of the period, by which a file's grid overlaps the block."""
        period = x_period(grid_crs(source))
        if period is None:
            return [0.0]
        extent = x_extent(source, self.block.grid, lambda: self._coordinate_grid(source))
        if extent is None:
            return []
        slack = abs(source.resolution.x) * _EDGE_SLACK
        left, _, right, _ = source.boundingbox.bbox
        x_shifts = period_shifts(extent[0] - slack, extent[1] + slack, left, right, period)
        return [number * period for number in x_shifts]

    def _source_coordinates(self, source: GeoBox) -> SourceCoordinates:
        return source_coordinates_of(source, self._coordinate_grid(source))

    def _coordinate_grid(self, source: GeoBox) -> CoordinateGrid:
        transform = source.transform
        key = (str(grid_crs(source)), transform.a, transform.b, transform.d, transform.e)
        coordinate_grid = self._coordinate_grids.get(key)
        if coordinate_grid is None:
            here = (*key, self.block.origin, self.block.grid.shape.yx)
            coordinate_grid = self._shared_grids.get(here)
            if coordinate_grid is None:
                coordinate_grid = coordinate_grid_of(source, self.block.grid, self.block.origin)
                if (
                    coordinate_grid.nbytes <= _MAX_SHARED_BYTES
                    and len(self._shared_grids) < _MAX_SHARED_GRIDS
                ):
                    self._shared_grids[here] = coordinate_grid
            self._coordinate_grids[key] = coordinate_grid
        return coordinate_grid
