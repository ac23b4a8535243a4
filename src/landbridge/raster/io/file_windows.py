"""Windows of a file's pixels, with which of them are valid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterioWindow

from landbridge.raster.dtypes import held_nodata
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.windows import Window
from landbridge.raster.io.gdal import Header, dataset_of
from landbridge.raster.io.tile_reader import Tiles
from landbridge.raster.plan.plan import FileRead
from landbridge.raster.resample.nearest import Sample

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Pixels:
    """Pixels (band, y, x) of output rows and columns `roi`, with which of them are valid by each band.

    `covered` (y, x) are those that the file has at all; None: all of `roi`. `seen` (y, x) are those that the
    band that hides pixels shows, if there is one.
    """

    roi: Window
    values: Array
    valid: BoolArray
    covered: BoolArray | None
    seen: BoolArray | None = None


@dataclass(frozen=True, slots=True)
class View:
    """View of a file by an output grid: the level of the file, its grid, and how many of its pixels (x, y) an
    output pixel spans.

    With `times` the scale differs too much from pixel to pixel: each has its own, or is made of so many
    samples along either edge.
    """

    level: int
    grid: GeoBox
    scale: tuple[float, float]
    times: int = 0


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file as it is read for a grid; with `tiles` its pixels are decoded here, else GDAL gives them."""

    header: Header
    view: View
    tiles: Tiles | None = None


def check_bands(header: Header, file: FileRead) -> None:
    """Raise RasterioError if a file lacks a band."""
    if max(file.indexes) > header.count:
        raise RasterioError(f"band_index {max(file.indexes) - 1} of a file with {header.count} bands")


def read_window(opened: OpenFile, indexes: Sequence[int], window: Window) -> Array:
    """Return pixels (band, y, x) of a window of the level a file is read from, not to be written to."""
    if opened.tiles is not None:
        pixels = opened.tiles.read(indexes, window)
        if pixels is not None:
            return pixels
    return read_by_gdal(opened, indexes, window)


def read_by_gdal(opened: OpenFile, indexes: Sequence[int], window: Window) -> Array:
    """Read pixels (band, y, x) of a window of the level a file is read from, by GDAL."""
    if opened.view.level == 0:
        return _loaded(opened.header, indexes, window)
    # odc-loader resamples overviews and does not hand out their own pixels.
    with dataset_of(opened.header.address, opened.view.level) as dataset:
        return np.asarray(dataset.read(list(indexes), window=RasterioWindow.from_slices(*window)))


def _dtype_of(header: Header, indexes: Sequence[int]) -> np.dtype[Any]:
    return np.result_type(*(header.dtypes[index - 1] for index in indexes))


def _loaded(header: Header, indexes: Sequence[int], window: Window) -> Array:
    """Read pixels (band, y, x) of a window of a file by odc-loader, all bands by one read."""
    # Its import takes longer than most reads.
    from odc.loader import RasterBandMetadata, RasterLoadParams, RasterSource

    driver = _driver()
    with driver.restore_env({}, driver.new_load(header.grid)) as context:
        dtype = _dtype_of(header, indexes)
        meta = RasterBandMetadata(str(dtype), dims=("band", "y", "x"))
        reader = driver.open(RasterSource(header.address, band=0, meta=meta), context)
        params = RasterLoadParams(
            str(dtype),
            fill_value=_kept_nodata(header, indexes[0], dtype),
            use_overviews=False,
            dims=meta.dims,
            meta=meta,
        )
        _, pixels = reader.read(params, header.grid[window], selection=list(indexes))
        return np.asarray(pixels)


@cache
def _driver() -> Any:
    from odc.loader import RioDriver

    return RioDriver()


def _kept_nodata(header: Header, index: int, dtype: np.dtype[Any]) -> float | None:
    """Return the fill value with which odc-loader keeps nodata: it would make NaN of a floating file's."""
    nodata = header.nodata[index - 1]
    if nodata is None:
        return None
    held = held_nodata(dtype, nodata)
    return 0 if held is None else held


def with_validity(
    opened: OpenFile, file: FileRead, values: Array, window: Window, sample: Sample | None
) -> Pixels:
    """Return pixels with their validity: by the file's nodata, else the Band's, and by the file's own mask.

    The pixels are those of a window of the file, or those that a sample took of it.
    """
    valid = np.empty(values.shape, bool)
    for band, nodata in enumerate(effective_nodata(opened.header, file)):
        not_nodata(values[band], nodata, valid[band])
    mask = _file_mask(opened, file, window)
    if mask is not None:
        valid &= mask if sample is None else sample.take(mask)
    if sample is None:
        return Pixels(window, values, valid, None)
    if sample.inside is not None:
        valid &= sample.inside
    return Pixels(sample.roi, values, valid, sample.inside)


def effective_nodata(header: Header, file: FileRead) -> list[float | None]:
    """Return the nodata of each band that is read: the file's, or the Band's if the file has none."""
    return [
        own if (own := header.nodata[index - 1]) is not None else declared
        for index, declared in zip(file.indexes, file.nodata, strict=True)
    ]


def not_nodata(values: Array, nodata: float | None, out: BoolArray) -> None:
    """Write into `out` which values are not nodata.

    NaN never is valid; a nodata the type cannot hold masks nothing.
    """
    held = held_nodata(values.dtype, nodata)
    if held is None or math.isnan(held):
        if values.dtype.kind == "f":
            np.logical_not(np.isnan(values), out=out)
        else:
            out.fill(True)
        return
    np.not_equal(values, values.dtype.type(held), out=out)
    if values.dtype.kind == "f":
        np.logical_and(out, ~np.isnan(values), out=out)


def has_mask(header: Header, file: FileRead) -> bool:
    """Return whether a file hides pixels by itself: by an internal mask, or an undeclared alpha band."""
    return header.mask or undeclared_alpha(header, file) > 0


def undeclared_alpha(header: Header, file: FileRead) -> int:
    """Return the number of a file's alpha band that the product does not know; 0 if there is none."""
    return header.alpha if header.alpha not in file.declared else 0


def _file_mask(opened: OpenFile, file: FileRead, window: Window) -> BoolArray | None:
    """Return the pixels of a window that a file's own mask shows; None if it has no mask."""
    header = opened.header
    if not has_mask(header, file):
        return None
    alpha = undeclared_alpha(header, file)
    if alpha:
        seen = read_window(opened, (alpha,), window)[0]
    else:
        with dataset_of(opened.header.address, opened.view.level) as dataset:
            seen = dataset.dataset_mask(window=RasterioWindow.from_slices(*window))
    mask: BoolArray = seen != 0
    return mask
