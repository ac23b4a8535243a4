"""Sampling by the nearest pixel: the source pixel that each output pixel is nearest to, exactly."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.raster.grids.coordinate_grid import TIE, FloatArray, IntArray, Lattice
from landbridge.raster.grids.crs import crs_on, same_crs
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.windows import Window, extent, extent_along, within


@dataclass(frozen=True, slots=True)
class Sample:
    """Output pixels `roi` (y, x) take source pixels of `window`.

    If the grids are parallel, `rows` and `columns`, counted from the window's corner, are those of each
    output row and column, and every pixel of `roi` is inside the source. Else `index` (y, x) is each pixel's
    place in the flattened window, and `inside` tells whether it has one (None: all have).
    """

    roi: Window
    window: Window
    rows: IntArray | None = None
    columns: IntArray | None = None
    index: IntArray | None = None
    inside: BoolArray | None = None

    @property
    def pixels(self) -> int:
        """Number of source pixels in the window."""
        rows, columns = self.window
        return (rows.stop - rows.start) * (columns.stop - columns.start)  # type: ignore[no-any-return]  # slices are untyped

    def take(self, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Return the output pixels (..., y, x) of `roi` from the window's (..., y, x)."""
        if self.index is not None:
            # Clipped rather than checked: the index lies inside.
            return np.take(pixels.reshape(*pixels.shape[:-2], -1), self.index, axis=-1, mode="clip")
        assert self.rows is not None
        assert self.columns is not None
        if _is_run(self.rows) and _is_run(self.columns):
            return pixels
        return pixels[..., self.rows[:, None], self.columns[None, :]]


class Nearest:
    """Sampling of a source grid by a target grid, by the nearest pixel.

    Either `parallel` tells it, None if the grids do not meet, or else `lattice`. Pixels do not depend on
    how a grid is cut into blocks.
    """

    def __init__(self, source: GeoBox, target: GeoBox, lattice: "Callable[[], Lattice]") -> None:
        """Take the grids, and how to get the lattice if there is need for one."""
        self._shape = target.shape.yx
        self._whole: Sample | None = None
        self.lattice: Lattice | None = None
        if same_crs(crs_on(source), crs_on(target)):
            affine = ~source.transform @ target.transform
            if affine.b == 0 and affine.d == 0:
                self._whole = self.parallel = _parallel(source, target, affine)
                return
        self.parallel = None
        self.lattice = lattice()

    def whole(self) -> Sample | None:
        """Return the whole target's sample; None if the grids do not meet."""
        if self._whole is None and self.lattice is not None:
            height, width = self._shape
            self._whole = _sampled(self.lattice, (slice(0, height), slice(0, width)))
        return self._whole


def _parallel(source: GeoBox, target: GeoBox, affine: Affine) -> Sample | None:
    height, width = target.shape.yx
    rows = np.floor(affine.e * (np.arange(height) + 0.5) + affine.f + TIE).astype(np.intp)
    columns = np.floor(affine.a * (np.arange(width) + 0.5) + affine.c + TIE).astype(np.intp)
    y, x = _run_inside(rows, source.shape.y), _run_inside(columns, source.shape.x)
    if y is None or x is None:
        return None
    rows, columns = rows[y], columns[x]
    window = (_span(rows), _span(columns))
    return Sample((y, x), window, rows=rows - window[0].start, columns=columns - window[1].start)


def _sampled(lattice: "Lattice", part: Window) -> Sample | None:
    """Return the sample of a part (y, x) of a target that lies otherwise than its source."""
    rows, columns = lattice.coordinates(part)
    height, width = lattice.source.shape.yx
    roi = part
    inside: BoolArray | None = None
    # False as well if a coordinate is not a number.
    if not (rows.min() >= 0 and rows.max() < height and columns.min() >= 0 and columns.max() < width):
        with np.errstate(invalid="ignore"):
            inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        found = extent(inside)
        if found is None:
            return None
        roi, inside = within(part, found), inside[found]
        rows, columns = rows[found], columns[found]
        if inside.all():
            inside = None
        else:
            # Pixels outside take any pixel: they are not valid.
            first = np.unravel_index(int(inside.argmax()), inside.shape)
            rows, columns = np.where(inside, rows, rows[first]), np.where(inside, columns, columns[first])
    window = (_floored_span(rows), _floored_span(columns))
    index = _flattened(rows.astype(np.intp), columns.astype(np.intp), window)
    return Sample(roi, window, index=index, inside=inside)


def runs(indexes: IntArray, tile: int) -> Iterator[tuple[int, slice]]:
    """Yield the runs of indexes that lie in the same tile: its number, and their slice."""
    edges = [0, *(np.flatnonzero(np.diff(indexes // tile)) + 1), len(indexes)]
    for start, stop in pairwise(map(int, edges)):
        yield int(indexes[start]) // tile, slice(start, stop)


def _flattened(row: IntArray, column: IntArray, window: Window) -> IntArray:
    """Return the place in a flattened window of each pixel; `row` is used up."""
    y, x = window
    row -= y.start
    row *= x.stop - x.start
    row += column
    row -= x.start
    return row


def _run_inside(indexes: IntArray, size: int) -> slice | None:
    return extent_along((indexes >= 0) & (indexes < size))


def _span(indexes: IntArray) -> slice:
    return slice(int(indexes.min()), int(indexes.max()) + 1)


def _floored_span(coordinates: FloatArray) -> slice:
    return slice(int(coordinates.min()), int(coordinates.max()) + 1)


def _is_run(indexes: IntArray) -> bool:
    return bool(indexes[-1] - indexes[0] == len(indexes) - 1) and bool((np.diff(indexes) == 1).all())
