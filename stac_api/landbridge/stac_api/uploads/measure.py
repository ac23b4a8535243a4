"""Footprint and statistics of a COG, in one pass over its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

from landbridge.stac_api.uploads.footprint import cell_of, footprint
from landbridge.stac_api.uploads.nodata import exact_nodata, nodata_as_type

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rasterio.io import DatasetReader
    from shapely.geometry.base import BaseGeometry

    from landbridge.stac_api.uploads.nodata import Nodata

_BLOCK = 512
_WINDOW_BYTES = 24 * 2**20
_DIGITS = 7  # significant digits of means


@dataclass(frozen=True, slots=True)
class Measurements:
    """Measurements of one file.

    Attributes
    ----------
    grid : mapping
        Attributes of the image that describe its grid.
    pixel_area : float
        Area of a pixel, in squared units of the reference system.
    footprint : shapely geometry
        Footprint in longitude and latitude; empty if no pixel is valid.
    statistics : sequence
        For each band, the statistics of its valid pixels by STAC's names; None if no pixel is valid.
    """

    grid: Mapping[str, Any]
    pixel_area: float
    footprint: BaseGeometry
    statistics: Sequence[dict[str, Any] | None]


def measure(cog: DatasetReader) -> Measurements:
    """Measure a COG, reading it once from its first row to its last."""
    cell = cell_of(max(cog.height, cog.width))
    valid = np.zeros((-(-cog.height // cell), -(-cog.width // cell)), bool)
    running = [_RunningStatistics(dtype) for dtype in cog.dtypes]
    nodata = exact_nodata(cog)
    alpha = [i for i, kind in enumerate(cog.colorinterp) if kind == ColorInterp.alpha]
    for window in _windows(cog, cell):
        data = cog.read(window=window)
        masks = _masks(cog, data, window, nodata)
        visible: np.ndarray = np.any(masks[alpha] if alpha else masks, axis=0)
        first_row, first_column = window.row_off // cell, window.col_off // cell
        cells = _any_of_cells(visible, cell)
        valid[first_row : first_row + cells.shape[0], first_column : first_column + cells.shape[1]] = cells
        for index, band in enumerate(running):
            band.add(data[index], masks[index])
    authority = cog.crs.to_authority()
    system = {"cs_code": ":".join(authority)} if authority else {"projection": cog.crs.to_wkt()}
    grid = {
        **system,
        "geotrans": list(cog.transform.to_gdal()),
        "x_pixels": cog.width,
        "y_pixels": cog.height,
    }
    pixels = cog.width * cog.height
    return Measurements(
        grid,
        abs(cog.transform.determinant),
        footprint(cog.crs, cog.transform, (cog.width, cog.height), valid, cell),
        [band.result(pixels) for band in running],
    )


def item_size(dtype: str) -> int:
    """Return the bytes of one pixel of a band, by rasterio's name of its data type."""
    return {"complex_int16": 4, "complex_int32": 8}.get(dtype) or np.dtype(dtype).itemsize


def _windows(cog: DatasetReader, cell: int) -> Iterator[Window]:
    """Yield windows of whole tiles and cells, row by row, each of at most `_WINDOW_BYTES`."""
    side = max(_BLOCK, cell)
    deep = sum(map(item_size, cog.dtypes)) + cog.count
    rows = side
    while rows > cell and rows > cog.block_shapes[0][0] and rows * side * deep > _WINDOW_BYTES:
        rows //= 2
    columns = side * max(1, _WINDOW_BYTES // (rows * side * deep))
    for top in range(0, cog.height, rows):
        for left in range(0, cog.width, columns):
            yield Window(left, top, min(columns, cog.width - left), min(rows, cog.height - top))


def _masks(cog: DatasetReader, data: np.ndarray, window: Window, nodata: Nodata) -> np.ndarray:
    """Return the validity of pixels: bool, (bands, rows, columns). NaN is never valid."""
    flags = cog.mask_flag_enums
    if all(MaskFlags.all_valid in flag for flag in flags):
        masks = np.ones(data.shape, bool)
    elif all(flag == [MaskFlags.nodata] for flag in flags) and len(set(cog.nodatavals)) == 1:
        value = nodata_as_type(data.dtype.name, nodata)
        masks = np.ones(data.shape, bool)
        if value is not None and not math.isnan(value):
            np.not_equal(data, data.dtype.type(value), out=masks)
    else:
        masks = cog.read_masks(window=window) != 0
    if data.dtype.kind == "f":
        masks &= ~np.isnan(data)
    return masks


def _any_of_cells(shown: np.ndarray, cell: int) -> np.ndarray:
    """Return which squares of `cell` x `cell` pixels hold a valid pixel."""
    if cell == 1:
        return shown
    rows, columns = -(-shown.shape[0] // cell), -(-shown.shape[1] // cell)
    if shown.all():
        return np.ones((rows, columns), bool)
    if shown.shape != (rows * cell, columns * cell):
        padded = np.zeros((rows * cell, columns * cell), bool)
        padded[: shown.shape[0], : shown.shape[1]] = shown
        shown = padded
    by_rows = np.logical_or.reduce(shown.reshape(rows, cell, columns * cell), axis=1)
    cells: np.ndarray = np.logical_or.reduce(by_rows.reshape(rows, columns, cell), axis=2)
    return cells


class _RunningStatistics:
    """Minimum, maximum, mean and standard deviation of values that arrive in parts."""

    def __init__(self, dtype: str) -> None:
        self._kind = np.dtype(dtype).kind
        self._count = 0
        self._low: Any = None
        self._high: Any = None
        self._mean = 0.0
        self._squares = 0.0  # of the distances from the mean

    def add(self, data: np.ndarray, mask: np.ndarray) -> None:
        """Add the valid pixels of a window."""
        values = data.reshape(-1) if mask.all() else data[mask]
        if self._kind == "f" and values.size and not np.isfinite(values).all():
            values = values[np.isfinite(values)]
        if not values.size:
            return
        low, high = values.min(), values.max()
        self._low = low if self._low is None else min(self._low, low)
        self._high = high if self._high is None else max(self._high, high)
        # Chan, Golub and LeVeque's pairwise update: https://doi.org/10.1007/978-3-642-51461-6_3
        count = int(values.size)
        with np.errstate(over="ignore"):
            mean = float(values.mean(dtype=np.float64))
            centered = values.astype(np.float64)
            centered -= mean
            squares = float(np.dot(centered, centered))
            shift, total = mean - self._mean, self._count + count
            self._squares += squares + shift * shift * (self._count * count / total)
            self._mean += shift * (count / total)
        self._count = total

    def result(self, pixels: int) -> dict[str, Any] | None:
        """Return STAC's statistics object; None if no pixel was valid."""
        if not self._count:
            return None
        found = {
            "minimum": self._low.item(),
            "maximum": self._high.item(),
            "mean": self._mean,
            "stddev": math.sqrt(max(0.0, self._squares / self._count)) if self._squares < math.inf else None,
            "count": self._count,
            "valid_percent": 100.0 * self._count / pixels,
        }
        rounded = ("mean", "stddev", "valid_percent")
        return {
            name: float(f"{value:.{_DIGITS}g}") if name in rounded else value
            for name, value in found.items()
            if value is not None and math.isfinite(value)
        }
