"""Reading one file's bands onto a block of the output grid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import rasterio
from odc.geo.geobox import GeoBox
from odc.geo.overlap import compute_reproject_roi
from odc.loader import RasterBandMetadata, RasterLoadParams, RasterSource, RioDriver
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterioWindow

from landbridge.raster.files import Header
from landbridge.raster.grid import BoolArray
from landbridge.raster.plan import FileRead
from landbridge.raster.sample import Sample, Window, nearest, within
from landbridge.raster.warp import warp, widened_window

Array = np.ndarray[Any, Any]

# These rank the pixels themselves: an overview no longer has them.
_RANKING = ("mode", "max", "min", "med", "q1", "q3")
# A block whose source window is larger is read in parts.
_MAX_WINDOW = 32 * 2**20
_OVERVIEW_SLACK = 1e-2

_DRIVER = RioDriver()


@dataclass(frozen=True, slots=True)
class Pixels:
    """Pixels (band, y, x) of output rows and columns `roi`, with which of them are valid by each band.

    `covered` (y, x) tells where the file has pixels at all; None: everywhere in `roi`.
    """

    roi: Window
    values: Array
    valid: BoolArray
    covered: BoolArray | None


@dataclass(frozen=True, slots=True)
class View:
    """How a grid looks at a file: by which of the file's levels, and how many of its pixels per output
    pixel.
    """

    level: int
    scale: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Block:
    """A part of the output grid, with the place (y, x) of its corner there."""

    grid: GeoBox
    origin: tuple[int, int]

    def part(self, window: Window) -> "Block":
        """A window (y, x) of the block as a block."""
        y, x = window
        return Block(self.grid[y, x], (self.origin[0] + y.start, self.origin[1] + x.start))


class Samples:
    """How a block samples the grids of files: worked out once for all files of one grid, as those of bands
    are.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._known: dict[tuple[GeoBox, Block], Sample | None] = {}

    def get(self, source: GeoBox, block: Block) -> Sample | None:
        """How a block samples a file's grid by the nearest pixel; None where they do not meet."""
        key = (source, block)
        if key not in self._known:
            self._known[key] = nearest(source, block.grid, block.origin)
        return self._known[key]


def view_of(header: Header, target: GeoBox, resampler: str) -> View:
    """Which level of a file a whole output grid is read from, so that all its blocks agree.

    The level is the coarsest that is no coarser than the output; ranking resamplers read full resolution.
    """
    factors = [_factors(level, target) for level in header.levels[: 1 if resampler in _RANKING else None]]
    fit = [index for index, factor in enumerate(factors) if min(factor) >= 1 - _OVERVIEW_SLACK]
    level = fit[-1] if fit else 0
    return View(level, factors[level])


def _factors(source: GeoBox, target: GeoBox) -> tuple[float, float]:
    """(x, y): how many source pixels an output pixel spans, in the middle of where the grids meet."""
    scale = compute_reproject_roi(source, target).scale2
    return (abs(scale.x) or 1.0, abs(scale.y) or 1.0)


def read_block(
    header: Header, file: FileRead, block: Block, view: View, resampler: str, samples: Samples
) -> Pixels | None:
    """The bands of a file on a block of the output grid; None where the block misses the file.

    Raises:
        RasterioError: the file lacks a band, or cannot be read.
    """
    if max(file.indexes) > header.count:
        raise RasterioError(f"band_index {max(file.indexes) - 1} of a file with {header.count} bands")
    sample = samples.get(header.levels[view.level], block)
    if sample is None:
        return None
    if sample.pixels > _MAX_WINDOW and max(block.grid.shape.yx) > 1:
        return _in_parts(header, file, block, view, resampler)
    if resampler != "near":
        return _warped(header, file, block, view, resampler, sample)
    values = sample.take(_window(header, file.indexes, view.level, sample.window))
    return _judged(header, file, values, sample.window, sample, view)


def _in_parts(header: Header, file: FileRead, block: Block, view: View, resampler: str) -> Pixels | None:
    """A block read by halves, so that what is in memory at once stays bounded."""
    height, width = block.grid.shape.yx
    count = len(file.indexes)
    values = np.zeros((count, height, width), _dtype_of(header, file.indexes))
    valid = np.zeros((count, height, width), bool)
    covered = np.zeros((height, width), bool)
    y, x = slice(0, height), slice(0, width)
    halves = (
        [(slice(0, height // 2), x), (slice(height // 2, height), x)]
        if height >= width
        else [(y, slice(0, width // 2)), (y, slice(width // 2, width))]
    )
    for half in halves:
        part = read_block(header, file, block.part(half), view, resampler, Samples())
        if part is not None:
            roi = within(half, part.roi)
            values[(slice(None), *roi)] = part.values
            valid[(slice(None), *roi)] = part.valid
            covered[roi] = True if part.covered is None else part.covered
    return Pixels((y, x), values, valid, covered) if covered.any() else None


def _dtype_of(header: Header, indexes: Sequence[int]) -> np.dtype[Any]:
    return np.result_type(*(header.dtypes[index - 1] for index in indexes))


def _window(header: Header, indexes: Sequence[int], level: int, window: Window) -> Array:
    """Pixels (band, y, x) of a window of one of a file's levels, all bands by one read."""
    if level == 0:
        with _DRIVER.restore_env({}, _DRIVER.new_load(header.levels[0])) as context:
            dtype = _dtype_of(header, indexes)
            meta = RasterBandMetadata(str(dtype), dims=("band", "y", "x"))
            reader = _DRIVER.open(RasterSource(header.href, band=0, meta=meta), context)
            params = RasterLoadParams(
                str(dtype),
                fill_value=_kept_nodata(header, indexes[0], dtype),
                use_overviews=False,
                dims=meta.dims,
                meta=meta,
            )
            _, pixels = reader.read(params, header.levels[0][window], selection=list(indexes))
            return np.asarray(pixels)
    # odc-loader resamples overviews and does not hand out their own pixels.
    with rasterio.open(header.href, sharing=False, overview_level=level - 1) as dataset:
        return np.asarray(dataset.read(list(indexes), window=RasterioWindow.from_slices(*window)))


def _kept_nodata(header: Header, index: int, dtype: np.dtype[Any]) -> float | None:
    """The fill value with which odc-loader leaves nodata as it is: it would make NaN of a floating file's."""
    nodata = header.nodata[index - 1]
    if nodata is None:
        return None
    held = held_nodata(dtype, nodata)
    return 0 if held is None else held


def _judged(
    header: Header, file: FileRead, values: Array, window: Window, sample: Sample | None, view: View
) -> Pixels:
    """Pixels with their validity: by the file's nodata, else the Band's, and by a mask the file brings along.

    They are those of a window of the file, or what a sample took of it.
    """
    valid = np.empty(values.shape, bool)
    for band, nodata in enumerate(effective_nodata(header, file)):
        not_nodata(values[band], nodata, valid[band])
    mask = _file_mask(header, file, window, view)
    if mask is not None:
        valid &= mask if sample is None else sample.take(mask)
    if sample is None:
        return Pixels(window, values, valid, None)
    if sample.inside is not None:
        valid &= sample.inside
    return Pixels(sample.roi, values, valid, sample.inside)


def effective_nodata(header: Header, file: FileRead) -> list[float | None]:
    """The nodata of each band that is read: what the file says, and where it says nothing, what the Band
    says.
    """
    return [
        own if (own := header.nodata[index - 1]) is not None else declared
        for index, declared in zip(file.indexes, file.nodata, strict=True)
    ]


def not_nodata(values: Array, nodata: float | None, out: BoolArray) -> None:
    """Which values are not nodata, into `out`. NaN never is valid; a nodata the type cannot hold masks
    nothing.
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


def held_nodata(dtype: np.dtype[Any], nodata: float | None) -> float | None:
    """A nodata value if the type can hold it, else None."""
    if nodata is None:
        return None
    if dtype.kind == "f":
        return float(nodata)
    if not math.isfinite(nodata) or nodata != int(nodata):
        return None
    limits = np.iinfo(dtype)
    return int(nodata) if limits.min <= nodata <= limits.max else None


def _file_mask(header: Header, file: FileRead, window: Window, view: View) -> BoolArray | None:
    """Where a file's own mask lets a window's pixels through: an internal mask, or an undeclared alpha
    band.
    """
    alpha = header.alpha if header.alpha not in file.declared else 0
    if not (header.mask or alpha):
        return None
    if alpha:
        shown = _window(header, (alpha,), view.level, window)[0]
    else:
        level = {} if view.level == 0 else {"overview_level": view.level - 1}
        with rasterio.open(header.href, sharing=False, **level) as dataset:
            shown = dataset.dataset_mask(window=RasterioWindow.from_slices(*window))
    mask: BoolArray = shown != 0
    return mask


def _warped(
    header: Header, file: FileRead, block: Block, view: View, resampler: str, sample: Sample
) -> Pixels:
    """A block by an interpolating or counting resampler, from the window that its kernel can reach.

    A pixel is covered where its center lies in the file: interpolation does not reach beyond.
    """
    source = header.levels[view.level]
    grid = block.grid[sample.roi]
    window = widened_window(sample.window, view.scale, source)
    raw = _judged(header, file, _window(header, file.indexes, view.level, window), window, None, view)
    values, valid = warp(raw.values, raw.valid, source[window], grid, view.scale, resampler)
    if sample.inside is not None:
        valid &= sample.inside
    return Pixels(sample.roi, values, valid, sample.inside)
