"""Interpolating and aggregating resamplers, by GDAL's warper."""

import math
import warnings

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.geo.grids.crs import grid_crs, same_crs
from landbridge.geo.grids.longitudes import native_x_range, period_shifts
from landbridge.raster.array_types import Array, BoolArray, Window
from landbridge.raster.grids.wrapped_grids import shift_x, wraps_around
from landbridge.raster.io.gdal_settings import enter_deferred_env
from landbridge.raster.plan.arguments import BLENDING, RESAMPLERS
from landbridge.raster.rescale import convert

# Largest error, in source pixels, of GDAL's interpolated coordinates. With its default of 0.125, pixels would
# depend on the division of the output into blocks.
_TOLERANCE = 1e-4
# If GDAL 3.10 makes an image smaller, and a target pixel's center is exactly that of a source pixel, then
# Lanczos is off by up to a fifth of the range, and the pixels that the cubic spline takes depend on rounding.
# A shift by this many target pixels ends both. It changes values by a ten-millionth of the range.
_SHIFTED = ("cubicspline", "lanczos")
_SHIFT = 1e-7
# A scale within this distance of an integer is rounded to it, as in GDAL.
_WHOLE_TOLERANCE = 0.05
# The widest kernel, lanczos, reaches 3 pixels of the coarser grid; one more covers rounding.
_KERNEL_REACH = 4
# Larger integers are not all representable as 64-bit floats.
_MAX_EXACT_INTEGER = 2**53


def widened_window(window: Window, scale: tuple[float, float], source: GeoBox) -> Window:
    """Return a window (y, x) of a source with the margin that kernels need, clipped to the source.

    The columns of a source that surrounds the globe are not clipped: the window wraps around.
    """
    margins = [math.ceil(_KERNEL_REACH * max(1, factor)) + 1 for factor in reversed(scale)]
    y, x = (
        slice(max(0, part.start - margin), min(size, part.stop + margin))
        for part, size, margin in zip(window, source.shape.yx, margins, strict=True)
    )
    if wraps_around(source):
        x = slice(window[1].start - margins[1], window[1].stop + margins[1])
    return (y, x)


def warp_by_gdal(
    values: Array,
    valid: BoolArray,
    source: GeoBox,
    target: GeoBox,
    scale: tuple[float, float],
    resampler: str,
) -> tuple[Array, BoolArray]:
    """Resample pixels (band, y, x) of a source to a target grid; return values and validity.

    Each band uses its own valid pixels only; pixels that are not valid are 0. Blended values have a floating
    type and are neither rounded nor clipped. `scale` (x, y) is the number of source pixels per target pixel,
    by which kernels grow, the same for all blocks of a grid.
    """
    # In a floating type that holds all values of the file, NaN marks pixels that are not valid.
    work = (
        values.dtype if values.dtype.kind == "f" else np.dtype(f"f{4 if values.dtype.itemsize <= 2 else 8}")
    )
    pixels = values.astype(work)
    is_wide = values.dtype.kind in "iu" and values.dtype.itemsize == 8
    if is_wide and (np.abs(pixels[valid]) > _MAX_EXACT_INTEGER).any():
        warnings.warn(
            f"integers beyond 2**53 are rounded by the resampler {resampler!r}; 'near' leaves them alone",
            UserWarning,
            stacklevel=2,
        )
    all_valid = bool(valid.all())
    if not all_valid:
        pixels[~valid] = math.nan
    out: Array | None = None
    for shifted_source, shifted_target in _at_native_x(source, target):
        warped = _warp_once(pixels, all_valid, shifted_source, shifted_target, scale, resampler)
        # GDAL finds each pixel in one period of x only and leaves it empty in the others.
        out = warped if out is None else np.where(np.isnan(out), warped, out)
    assert out is not None
    good = ~np.isnan(out)
    out[~good] = 0
    if resampler in BLENDING:
        return out, good
    # Picked values have the type of the pixels.
    if is_wide:
        return convert(out, values.dtype), good
    return out.astype(values.dtype, copy=False), good


def _at_native_x(source: GeoBox, target: GeoBox) -> list[tuple[GeoBox, GeoBox]]:
    """Return pairs of source and target, one per period of x, shifted so that GDAL finds them."""
    native_range = native_x_range(grid_crs(source))
    if native_range is None:
        return [(source, target)]
    low, high = native_range
    turn = high - low
    if same_crs(grid_crs(source), grid_crs(target)):
        middle, _ = target.transform @ (target.shape.x / 2, target.shape.y / 2)
        x = -turn * math.floor((middle - low) / turn)
        return [(shift_x(source, x), shift_x(target, x))]
    left, _, right, _ = source.boundingbox.bbox
    turns = period_shifts(low, high, left, right, turn)
    return [(shift_x(source, number * turn), target) for number in turns] or [(source, target)]


def _warp_once(
    pixels: Array, all_valid: bool, source: GeoBox, target: GeoBox, scale: tuple[float, float], resampler: str
) -> Array:
    """Return pixels (band, y, x) on a target grid; NaN marks pixels that are not valid."""
    from rasterio.enums import Resampling
    from rasterio.io import MemoryFile
    from rasterio.vrt import WarpedVRT

    enter_deferred_env()
    # With identical texts of equal systems GDAL skips the transformation.
    crs = grid_crs(source if same_crs(grid_crs(source), grid_crs(target)) else target)
    profile = {
        "driver": "GTiff",
        "count": len(pixels),
        "dtype": pixels.dtype,
        "height": source.shape.y,
        "width": source.shape.x,
        "crs": grid_crs(source).to_wkt(),
        "transform": source.transform,
    }
    transform = target.transform
    if resampler in _SHIFTED:
        transform = transform @ Affine.translation(_SHIFT, _SHIFT)
    with MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(pixels)
        with (
            memory.open() as dataset,
            WarpedVRT(
                dataset,
                crs=crs.to_wkt(),
                transform=transform,
                height=target.shape.y,
                width=target.shape.x,
                src_nodata=None if all_valid else math.nan,
                nodata=math.nan,
                resampling=Resampling[RESAMPLERS[resampler]],
                tolerance=_TOLERANCE,
                UNIFIED_SRC_NODATA="NO",
                XSCALE=1 / _snap_to_whole(scale[0]),
                YSCALE=1 / _snap_to_whole(scale[1]),
            ) as warped,
        ):
            return np.asarray(warped.read())


def _snap_to_whole(factor: float) -> float:
    return float(round(factor)) if factor >= 1 and abs(factor - round(factor)) < _WHOLE_TOLERANCE else factor
