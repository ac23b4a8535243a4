"""Grids that continue across the antimeridian: detection, shifts and windows beyond an edge."""

from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.geo.grids.crs import grid_crs
from landbridge.geo.grids.longitudes import native_x_range, x_period
from landbridge.raster.array_types import Window

# Tolerance in pixels within which a grid's width equals the period of x.
_ONE_TURN = 1e-3


def wraps_around(grid: GeoBox) -> bool:
    """Return whether the last column of a grid is adjacent to its first one on the globe."""
    period, t = x_period(grid_crs(grid)), grid.transform
    if period is None or t.b or t.d:
        return False
    return abs(abs(t.a) * grid.shape.x - period) < _ONE_TURN * abs(t.a)


def exceeds_native_range(grid: GeoBox) -> bool:
    """Return whether a grid extends beyond the range of x that transformations produce."""
    home = native_x_range(grid_crs(grid))
    left, _, right, _ = grid.boundingbox.bbox
    slack = _ONE_TURN * abs(grid.transform.a)
    return home is not None and (left < home[0] - slack or right > home[1] + slack)


def window_grid(grid: GeoBox, window: Window) -> GeoBox:
    """Return the grid of a window (y, x), which may extend beyond the grid's edges."""
    y, x = window
    affine = grid.transform @ Affine.translation(x.start, y.start)
    return GeoBox((y.stop - y.start, x.stop - x.start), affine, grid.crs)


def wrapped_columns(x: slice, width: int) -> list[slice]:
    """Return the runs of columns of a window that may wrap around a grid's edges."""
    runs, start = [], x.start
    while start < x.stop:
        first = start % width
        length = min(width - first, x.stop - start)
        runs.append(slice(first, first + length))
        start += length
    return runs


def shift_x(grid: GeoBox, x: float) -> GeoBox:
    """Return a grid shifted along x."""
    return GeoBox(grid.shape, Affine.translation(x, 0) @ grid.transform, grid.crs) if x else grid
