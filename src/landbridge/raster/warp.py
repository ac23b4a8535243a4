"""Interpolating and counting resamplers, by GDAL's warper."""

import math
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.vrt import WarpedVRT

from landbridge.raster.arguments import BLENDING, RESAMPLERS
from landbridge.raster.grid import BoolArray, crs_on, same_crs
from landbridge.raster.sample import Window

Array = np.ndarray[Any, Any]

# GDAL interpolates coordinates along a row up to this error, in source pixels; its own default of 0.125 would
# make pixels depend on how the output is cut into blocks.
_TOLERANCE = 1e-4
# A factor this near to a whole number is taken for it, as GDAL does.
_WHOLE = 0.05
# The widest kernel, lanczos, reaches 3 pixels of the coarser of the two grids; one more for rounding.
_REACH = 4


def widened_window(window: Window, scale: tuple[float, float], source: GeoBox) -> Window:
    """A window (y, x) of a source with the margin that kernels need, as far as the source goes."""
    y, x = (
        slice(max(0, part.start - margin), min(size, part.stop + margin))
        for part, size, margin in zip(
            window,
            source.shape.yx,
            (math.ceil(_REACH * max(1, factor)) + 1 for factor in reversed(scale)),
            strict=True,
        )
    )
    return (y, x)


def warp(
    values: Array,
    valid: BoolArray,
    source: GeoBox,
    target: GeoBox,
    scale: tuple[float, float],
    resampler: str,
) -> tuple[Array, BoolArray]:
    """Pixels (band, y, x) of a source on a target grid, and which of them are valid; the others are 0.

    Each band is made of its own valid pixels only. What is made of several pixels is in a floating type, and
    neither rounded nor cut. `scale` (x, y) is how many source pixels a target pixel
    spans: kernels grow by it, in all blocks of a grid alike.
    """
    # In a floating type that holds all values of the file's, NaN can stand for "not valid".
    work = (
        values.dtype if values.dtype.kind == "f" else np.dtype(f"f{4 if values.dtype.itemsize <= 2 else 8}")
    )
    pixels = values.astype(work)
    complete = bool(valid.all())
    if not complete:
        pixels[~valid] = math.nan
    # Where only the text of the system differs GDAL need not transform.
    crs = crs_on(source if same_crs(crs_on(source), crs_on(target)) else target)
    profile = {
        "driver": "GTiff",
        "count": len(pixels),
        "dtype": work,
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
            out = np.asarray(warped.read())
    good = ~np.isnan(out)
    out[~good] = 0
    if resampler in BLENDING:
        return out, good
    # What is picked among pixels is of their type.
    return out.astype(values.dtype, copy=False), good


def _whole(factor: float) -> float:
    return float(round(factor)) if factor >= 1 and abs(factor - round(factor)) < _WHOLE else factor
