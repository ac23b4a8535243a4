"""Choice of the level from which a file is read: full resolution or one of its overviews."""

import math
from dataclasses import replace

from odc.geo.geobox import GeoBox

from landbridge.raster.grids.pixel_scales import curvature_of, scale_of
from landbridge.raster.grids.wrapped_grids import exceeds_native_range
from landbridge.raster.io.file_windows import OpenFile, ReadLevel, read_window, undeclared_alpha
from landbridge.raster.io.headers import Header, level_grid, tile_reader_for
from landbridge.raster.io.overviews import OverviewOrigin, is_average, overviews_fit
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.plan.arguments import INTERPOLATING
from landbridge.raster.plan.reads import FileRead

_SCALE_TOLERANCE = 1e-2
# Samples along an edge of a source pixel, and the fewest and most along an edge of an output pixel.
_SAMPLES_PER_PIXEL, _FEWEST_SAMPLES, _MOST_SAMPLES = 4, 4, 16
# Pixels of an overview that are compared, to either side of its center.
_PROBE_EDGE = 64


def can_use_overviews(header: Header, file: FileRead, resampler: str) -> bool:
    """Return whether a file's overviews may be read for a resampler."""
    if not header.overviews or max(file.indexes) > header.count:
        return False
    origins = header.overview_origins or (OverviewOrigin(),) * header.count
    alpha = undeclared_alpha(header, file)
    return overviews_fit(origins, header.nodata, file, resampler, alpha=alpha, mask=header.mask)


def probe_overviews(header: Header, file: FileRead, cache: TileCache) -> Header:
    """Return a header in which overviews of unknown methods are marked if central pixels are averages."""
    origins = list(header.overview_origins or (OverviewOrigin(),) * header.count)
    unknown = {index for index in file.indexes if index <= header.count and origins[index - 1].method is None}
    grid = level_grid(header, 1) if header.overviews else header.grid
    (rows, columns), (height, width) = grid.shape.yx, header.grid.shape.yx
    if not unknown or (2 * rows, 2 * columns) != (height, width):
        return header
    overview_file = OpenFile(header, ReadLevel(1, grid, (1.0, 1.0)), tile_reader_for(header, 1, cache))
    full_file = OpenFile(header, ReadLevel(0, header.grid, (1.0, 1.0)), tile_reader_for(header, 0, cache))
    (top, bottom), (left, right) = (
        (max(0, size // 2 - _PROBE_EDGE), min(size, size // 2 + _PROBE_EDGE)) for size in (rows, columns)
    )
    indexes = tuple(sorted(unknown))
    overviews = read_window(overview_file, indexes, (slice(top, bottom), slice(left, right)))
    below = read_window(full_file, indexes, (slice(2 * top, 2 * bottom), slice(2 * left, 2 * right)))
    for index, overview, pixels in zip(indexes, overviews, below, strict=True):
        if is_average(pixels, overview, header.nodata[index - 1]):
            origins[index - 1] = replace(origins[index - 1], method="AVERAGE")
    return replace(header, overview_origins=tuple(origins))


def choose_read_level(
    header: Header, target: GeoBox, resampler: str = "near", *, use_overviews: bool = True
) -> ReadLevel:
    """Return the level from which a file is read for an output grid; the same for all its blocks.

    The level is the coarsest that is nowhere coarser than the output.
    """
    x, y = scale_of(header.grid, target)
    coarser = header.overviews if use_overviews else ()
    # The curvature takes time for each image, so it is computed only if it can change the result.
    matters = resampler != "near" or (coarser and min(x, y) >= min(coarser) * (1 - _SCALE_TOLERANCE))
    curved = curvature_of(header.grid, target) if matters else None
    least = min(x, y) if curved is None else min(x, y, curved.least)
    overviews_fit = [
        level for level, times in enumerate(coarser, start=1) if least / times >= 1 - _SCALE_TOLERANCE
    ]
    level = overviews_fit[-1] if overviews_fit else 0
    grid = level_grid(header, level)
    rows, columns = (
        part / full_file for part, full_file in zip(grid.shape.yx, header.grid.shape.yx, strict=True)
    )
    strong = curved is not None and curved.strong and resampler != "near"
    if resampler not in ("near", *INTERPOLATING):
        # GDAL would place the corners of a pixel on two sides of the globe.
        strong = strong or (curved is not None and exceeds_native_range(header.grid))
    typical = curved.typical * max(columns, rows) if curved is not None and strong else 0
    samples = (
        min(_MOST_SAMPLES, max(_FEWEST_SAMPLES, math.ceil(_SAMPLES_PER_PIXEL * typical))) if typical else 0
    )
    return ReadLevel(level, grid, (x * columns, y * rows), samples)
