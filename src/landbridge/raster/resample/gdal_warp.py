"""Interpolating and counting resamplers, by GDAL's warper."""

import math
import warnings
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.vrt import WarpedVRT

from landbridge.raster.grids.coordinate_grid import moved
from landbridge.raster.grids.crs import crs_on, same_crs
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.longitudes import home_of, turn_of, turns_between
from landbridge.raster.grids.windows import Window
from landbridge.raster.output.rescale import convert
from landbridge.raster.plan.arguments import BLENDING, RESAMPLERS

Array = np.ndarray[Any, Any]

# GDAL interpolates coordinates along a row up to this error, in source pixels; its own default of 0.125 would
# make pixels depend on how the output is cut into blocks.
_TOLERANCE = 1e-4
# A factor this near to a whole number is taken for it, as GDAL does.
_WHOLE = 0.05
# The widest kernel, lanczos, reaches 3 pixels of the coarser of the two grids; one more for rounding.
_REACH = 4
# A grid whose width is this near to a turn of longitudes, in pixels, goes all around.
_ONE_TURN = 1e-3
# Beyond, not all whole numbers are floats of 64 bits.
_EXACT = 2**53


def widened_window(window: Window, scale: tuple[float, float], source: GeoBox) -> Window:
    """Return a window (y, x) of a source with the margin that kernels need, as far as the source goes.

    A source that goes all around the Earth has no first and last column: there the window goes on.
    """
    margins = [math.ceil(_REACH * max(1, factor)) + 1 for factor in reversed(scale)]
    y, x = (
        slice(max(0, part.start - margin), min(size, part.stop + margin))
        for part, size, margin in zip(window, source.shape.yx, margins, strict=True)
    )
    if is_around(source):
        x = slice(window[1].start - margins[1], window[1].stop + margins[1])
    return (y, x)


def is_around(grid: GeoBox) -> bool:
    """Return whether the last column of a grid is beside its first one, on the Earth."""
    turn, t = turn_of(crs_on(grid)), grid.transform
    if turn is None or t.b or t.d:
        return False
    return abs(abs(t.a) * grid.shape.x - turn) < _ONE_TURN * abs(t.a)


def is_beyond_home(grid: GeoBox) -> bool:
    """Return whether a grid goes on beyond the longitudes that transformations give."""
    home = home_of(crs_on(grid))
    left, _, right, _ = grid.boundingbox.bbox
    slack = _ONE_TURN * abs(grid.transform.a)
    return home is not None and (left < home[0] - slack or right > home[1] + slack)


def window_grid(grid: GeoBox, window: Window) -> GeoBox:
    """Return the grid of a window (y, x) of a grid, which may go on beyond its edges."""
    y, x = window
    affine = grid.transform @ Affine.translation(x.start, y.start)
    return GeoBox((y.stop - y.start, x.stop - x.start), affine, grid.crs)


def columns_of(x: slice, width: int) -> list[slice]:
    """Return the columns of a window that may go on beyond a grid's edges, at its other edge, as runs."""
    runs, start = [], x.start
    while start < x.stop:
        first = start % width
        length = min(width - first, x.stop - start)
        runs.append(slice(first, first + length))
        start += length
    return runs


def warp(
    values: Array,
    valid: BoolArray,
    source: GeoBox,
    target: GeoBox,
    scale: tuple[float, float],
    resampler: str,
) -> tuple[Array, BoolArray]:
    """Return pixels (band, y, x) of a source on a target grid, and which are valid; the others are 0.

    Each band is made of its own valid pixels only. What is made of several pixels is in a floating type, and
    neither rounded nor cut. `scale` (x, y) is how many source pixels a target pixel
    spans: kernels grow by it, in all blocks of a grid alike.
    """
    # In a floating type that holds all values of the file's, NaN can stand for "not valid".
    work = (
        values.dtype if values.dtype.kind == "f" else np.dtype(f"f{4 if values.dtype.itemsize <= 2 else 8}")
    )
    pixels = values.astype(work)
    is_wide = values.dtype.kind in "iu" and values.dtype.itemsize == 8
    if is_wide and (np.abs(pixels[valid]) > _EXACT).any():
        warnings.warn(
            f"integers beyond 2**53 are rounded by the resampler {resampler!r}; 'near' leaves them alone",
            UserWarning,
            stacklevel=2,
        )
    complete = bool(valid.all())
    if not complete:
        pixels[~valid] = math.nan
    out: Array | None = None
    for here, there in _at_home(source, target):
        warped = _warped(pixels, complete, here, there, scale, resampler)
        # GDAL knows each place at one turn of longitudes only: there the others are nowhere.
        out = warped if out is None else np.where(np.isnan(out), warped, out)
    assert out is not None
    good = ~np.isnan(out)
    out[~good] = 0
    if resampler in BLENDING:
        return out, good
    # What is picked among pixels is of their type.
    if is_wide:
        return convert(out, values.dtype), good
    return out.astype(values.dtype, copy=False), good


def _at_home(source: GeoBox, target: GeoBox) -> list[tuple[GeoBox, GeoBox]]:
    """Return a source and a target as GDAL finds one in the other, turn by turn if that repeats."""
    home = home_of(crs_on(source))
    if home is None:
        return [(source, target)]
    low, high = home
    turn = high - low
    if same_crs(crs_on(source), crs_on(target)):
        middle, _ = target.transform @ (target.shape.x / 2, target.shape.y / 2)
        x = -turn * math.floor((middle - low) / turn)
        return [(moved(source, x), moved(target, x))]
    left, _, right, _ = source.boundingbox.bbox
    turns = turns_between(low, high, left, right, turn)
    return [(moved(source, number * turn), target) for number in turns] or [(source, target)]


def _warped(
    pixels: Array, complete: bool, source: GeoBox, target: GeoBox, scale: tuple[float, float], resampler: str
) -> Array:
    """Return pixels (band, y, x) on a target grid; NaN marks those that are not valid."""
    # If only the text of the system differs GDAL need not transform.
    crs = crs_on(source if same_crs(crs_on(source), crs_on(target)) else target)
    profile = {
        "driver": "GTiff",
        "count": len(pixels),
        "dtype": pixels.dtype,
        "height": source.shape.y,
        "width": source.shape.x,
        "crs": crs_on(source).to_wkt(),
        "transform": source.transform,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(pixels)
        with (
            memory.open() as dataset,
            WarpedVRT(
                dataset,
                crs=crs.to_wkt(),
                transform=target.transform,
                height=target.shape.y,
                width=target.shape.x,
                src_nodata=None if complete else math.nan,
                nodata=math.nan,
                resampling=Resampling[RESAMPLERS[resampler]],
                tolerance=_TOLERANCE,
                UNIFIED_SRC_NODATA="NO",
                XSCALE=1 / _whole(scale[0]),
                YSCALE=1 / _whole(scale[1]),
            ) as warped,
        ):
            return np.asarray(warped.read())


def _whole(factor: float) -> float:
    return float(round(factor)) if factor >= 1 and abs(factor - round(factor)) < _WHOLE else factor
