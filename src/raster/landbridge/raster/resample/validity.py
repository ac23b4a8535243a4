"""Validity of pixels by nodata values and file masks."""

import math
from dataclasses import dataclass

import numpy as np

from landbridge.raster.array_types import Array, BoolArray, Window
from landbridge.raster.dtypes import representable_nodata
from landbridge.raster.io.file_windows import (
    OpenFile,
    effective_nodata,
    has_mask,
    read_window,
    undeclared_alpha,
)
from landbridge.raster.io.gdal import dataset_of
from landbridge.raster.plan.reads import FileRead
from landbridge.raster.resample.nearest import PixelMapping


@dataclass(frozen=True, slots=True)
class Pixels:
    """Pixels (band, y, x) of the window `roi` of a block, and their validity per band.

    `covered` (y, x) marks pixels inside the file; None if all of `roi` is. `visible` (y, x) marks pixels that
    the file's own alpha band shows, if it has one.
    """

    roi: Window
    values: Array
    valid: BoolArray
    covered: BoolArray | None
    visible: BoolArray | None = None


def with_validity(
    opened: OpenFile, file: FileRead, values: Array, window: Window, mapping: PixelMapping | None
) -> Pixels:
    """Return pixels with their validity by nodata (the file's, else the Band's) and by the file's mask.

    `values` are those of a window of the file, or those that a pixel mapping took from it.
    """
    valid = np.empty(values.shape, bool)
    for band, nodata in enumerate(effective_nodata(opened.header, file)):
        not_nodata(values[band], nodata, valid[band])
    mask = _file_mask(opened, file, window)
    if mask is not None:
        valid &= mask if mapping is None else mapping.take(mask)
    if mapping is None:
        return Pixels(window, values, valid, None)
    if mapping.inside is not None:
        valid &= mapping.inside
    return Pixels(mapping.roi, values, valid, mapping.inside)


def not_nodata(values: Array, nodata: float | None, out: BoolArray) -> None:
    """Write to `out` True for values that are not nodata.

    NaN is never valid; a nodata value that the type cannot hold masks nothing.
    """
    held = representable_nodata(values.dtype, nodata)
    if held is None or math.isnan(held):
        if values.dtype.kind == "f":
            np.logical_not(np.isnan(values), out=out)
        else:
            out.fill(True)
        return
    np.not_equal(values, values.dtype.type(held), out=out)
    if values.dtype.kind == "f":
        np.logical_and(out, ~np.isnan(values), out=out)


def _file_mask(opened: OpenFile, file: FileRead, window: Window) -> BoolArray | None:
    """Return True for pixels of a window that the file's own mask shows; None if it has no mask."""
    header = opened.header
    if not has_mask(header, file):
        return None
    alpha = undeclared_alpha(header, file)
    if alpha:
        visible = read_window(opened, (alpha,), window)[0]
    else:
        from rasterio.windows import Window as RasterioWindow

        with dataset_of(header.address, opened.read_level.level, header.file) as dataset:
            visible = dataset.dataset_mask(window=RasterioWindow.from_slices(*window))
    mask: BoolArray = visible != 0
    return mask
