"""The choice of the level that a file is read from: its own pixels, or one of its overviews."""

import math
from dataclasses import replace

from odc.geo.geobox import GeoBox

from landbridge.raster.grids.pixel_scales import curvature_of, scale_of
from landbridge.raster.io.file_windows import OpenFile, View, read_window, undeclared_alpha
from landbridge.raster.io.gdal import Header, find_tiles, level_grid
from landbridge.raster.io.overviews import Overviews, fit, is_average
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.plan.arguments import INTERPOLATING
from landbridge.raster.plan.plan import FileRead
from landbridge.raster.resample.gdal_warp import is_beyond_home

_OVERVIEW_SLACK = 1e-2
# Samples along an edge of a source's pixel; along one of an output pixel at least and at most.
_SAMPLES_PER_PIXEL, _FEWEST_SAMPLES, _MOST_SAMPLES = 4, 4, 16
# Pixels of an overview that are looked at, to either side of its middle.
_PROBED = 64


def fits(header: Header, file: FileRead, resampler: str) -> bool:
    """Return whether a file's overviews may be read for a resampler."""
    if not header.overviews or max(file.indexes) > header.count:
        return False
    known = header.overview_methods or (Overviews(),) * header.count
    alpha = undeclared_alpha(header, file)
    return fit(known, header.nodata, file, resampler, alpha=alpha, mask=header.mask)


def probed(header: Header, file: FileRead, cache: TileCache) -> Header:
    """Return a header that says which overviews of unknown methods are averages, by pixels in the middle."""
    known = list(header.overview_methods or (Overviews(),) * header.count)
    unknown = {index for index in file.indexes if index <= header.count and known[index - 1].method is None}
    grid = level_grid(header, 1) if header.overviews else header.grid
    (rows, columns), (height, width) = grid.shape.yx, header.grid.shape.yx
    if not unknown or (2 * rows, 2 * columns) != (height, width):
        return header
    over = OpenFile(header, View(1, grid, (1.0, 1.0)), find_tiles(header, 1, cache))
    whole = OpenFile(header, View(0, header.grid, (1.0, 1.0)), find_tiles(header, 0, cache))
    (top, bottom), (left, right) = (
        (max(0, size // 2 - _PROBED), min(size, size // 2 + _PROBED)) for size in (rows, columns)
    )
    indexes = tuple(sorted(unknown))
    overviews = read_window(over, indexes, (slice(top, bottom), slice(left, right)))
    below = read_window(whole, indexes, (slice(2 * top, 2 * bottom), slice(2 * left, 2 * right)))
    for index, overview, pixels in zip(indexes, overviews, below, strict=True):
        if is_average(pixels, overview, header.nodata[index - 1]):
            known[index - 1] = replace(known[index - 1], method="AVERAGE")
    return replace(header, overview_methods=tuple(known))


def view_of(header: Header, target: GeoBox, resampler: str = "near", *, use_overviews: bool = True) -> View:
    """Return the level of a file that a whole output grid is read from, so that all its blocks agree.

    The level is the coarsest that is no coarser than the output anywhere.
    """
    x, y = scale_of(header.grid, target)
    coarser = header.overviews if use_overviews else ()
    # It takes time: for each image, where there are many.
    matters = resampler != "near" or (coarser and min(x, y) >= min(coarser) * (1 - _OVERVIEW_SLACK))
    curved = curvature_of(header.grid, target) if matters else None
    least = min(x, y) if curved is None else min(x, y, curved.least)
    fit = [level for level, times in enumerate(coarser, start=1) if least / times >= 1 - _OVERVIEW_SLACK]
    level = fit[-1] if fit else 0
    grid = level_grid(header, level)
    rows, columns = (part / whole for part, whole in zip(grid.shape.yx, header.grid.shape.yx, strict=True))
    strong = curved is not None and curved.strong and resampler != "near"
    if resampler not in ("near", *INTERPOLATING):
        # GDAL has the corners of a pixel on two sides of the Earth.
        strong = strong or (curved is not None and is_beyond_home(header.grid))
    usual = curved.usual * max(columns, rows) if curved is not None and strong else 0
    samples = min(_MOST_SAMPLES, max(_FEWEST_SAMPLES, math.ceil(_SAMPLES_PER_PIXEL * usual))) if usual else 0
    return View(level, grid, (x * columns, y * rows), samples)
