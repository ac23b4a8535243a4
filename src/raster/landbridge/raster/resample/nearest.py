"""Nearest-neighbor resampling: mappings from output pixels to source pixels, exact at pixel borders."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.geo.grids.crs import grid_crs, same_crs
from landbridge.raster.array_types import BoolArray, FloatArray, IntArray, Window
from landbridge.raster.grids.coordinate_grid import TIE, SourceCoordinates
from landbridge.raster.grids.windows import extent, extent_along, within

TilePlace = tuple[tuple[int, int], tuple[int, int, int, int]]
"""Row and column of a tile, and the box (y0, y1, x0, x1) of the target's pixels in it."""


@dataclass(frozen=True, slots=True)
class PixelMapping:
    """Mapping from output pixels `roi` (y, x) to source pixels of `window`.

    If the grids are aligned, `rows` and `columns`, relative to the window's corner, are those of each output
    row and column, and every pixel of `roi` is inside the source. Otherwise `index` (y, x) is the position of
    each pixel in the flattened window, and `inside` is False for pixels outside the source (None: all are
    inside).
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
            # The mode "clip" skips bounds checks: all indexes are inside.
            return np.take(pixels.reshape(*pixels.shape[:-2], -1), self.index, axis=-1, mode="clip")
        assert self.rows is not None
        assert self.columns is not None
        if _is_run(self.rows) and _is_run(self.columns):
            return pixels
        return pixels[..., self.rows[:, None], self.columns[None, :]]


class NearestMapping:
    """Nearest-neighbor mapping from a target grid to a source grid.

    Grids with parallel axes have the mapping `aligned`, None if they do not overlap; others have
    `source_coordinates`. The result does not depend on the division of a grid into blocks.
    """

    def __init__(
        self, source: GeoBox, target: GeoBox, source_coordinates: Callable[[], SourceCoordinates]
    ) -> None:
        """Store the grids; `source_coordinates` is called if they are not aligned."""
        self._shape = target.shape.yx
        self._full: PixelMapping | None = None
        self._tiles: dict[tuple[int, int], tuple[TilePlace, ...]] = {}
        self.source_coordinates: SourceCoordinates | None = None
        if same_crs(grid_crs(source), grid_crs(target)):
            affine = ~source.transform @ target.transform
            if affine.b == 0 and affine.d == 0:
                self._full = self.aligned = _aligned_mapping(source, target, affine)
                return
        self.aligned = None
        self.source_coordinates = source_coordinates()

    def full(self) -> PixelMapping | None:
        """Return the mapping of the whole target; None if the grids do not overlap."""
        if self._full is None and self.source_coordinates is not None:
            height, width = self._shape
            self._full = _mapping_of_part(self.source_coordinates, (slice(0, height), slice(0, width)))
        return self._full

    @cached_property
    def aligned_pixels(self) -> tuple[IntArray, IntArray]:
        """Rows and columns of the whole source for those of `roi`, if the grids are aligned and overlap."""
        found = self.aligned
        assert found is not None
        assert found.rows is not None
        assert found.columns is not None
        return found.rows + found.window[0].start, found.columns + found.window[1].start

    def aligned_tiles(self, tile: tuple[int, int]) -> tuple[TilePlace, ...]:
        """Return the tiles of a size (y, x) that the target touches, if the grids are aligned and overlap.

        A mosaic asks for them again before each of its images.
        """
        if tile not in self._tiles:
            assert self.aligned is not None
            (y, x), (rows, columns) = self.aligned.roi, self.aligned_pixels
            across = [*_runs_by_tile(columns, tile[1])]
            self._tiles[tile] = tuple(
                (
                    (row, column),
                    (y.start + ys.start, y.start + ys.stop, x.start + xs.start, x.start + xs.stop),
                )
                for row, ys in _runs_by_tile(rows, tile[0])
                for column, xs in across
            )
        return self._tiles[tile]


def _aligned_mapping(source: GeoBox, target: GeoBox, affine: Affine) -> PixelMapping | None:
    height, width = target.shape.yx
    rows = np.floor(affine.e * (np.arange(height) + 0.5) + affine.f + TIE).astype(np.intp)
    columns = np.floor(affine.a * (np.arange(width) + 0.5) + affine.c + TIE).astype(np.intp)
    y, x = _run_inside(rows, source.shape.y), _run_inside(columns, source.shape.x)
    if y is None or x is None:
        return None
    rows, columns = rows[y], columns[x]
    window = (_span(rows), _span(columns))
    return PixelMapping((y, x), window, rows=rows - window[0].start, columns=columns - window[1].start)


def _mapping_of_part(source_coordinates: SourceCoordinates, part: Window) -> PixelMapping | None:
    """Return the mapping of a part (y, x) of a target that is not aligned with its source."""
    rows, columns = source_coordinates.coordinates(part)
    height, width = source_coordinates.source.shape.yx
    roi = part
    inside: BoolArray | None = None
    # The comparison is also false for NaN.
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
            # Pixels outside take an arbitrary pixel and are not valid.
            first = np.unravel_index(int(inside.argmax()), inside.shape)
            rows, columns = np.where(inside, rows, rows[first]), np.where(inside, columns, columns[first])
    window = (_floored_span(rows), _floored_span(columns))
    index = _flattened(rows.astype(np.intp), columns.astype(np.intp), window)
    return PixelMapping(roi, window, index=index, inside=inside)


def _runs_by_tile(indexes: IntArray, tile: int) -> Iterator[tuple[int, slice]]:
    """Yield the number of each tile, and the slice of the indexes that lie in it."""
    edges = [0, *(np.flatnonzero(np.diff(indexes // tile)) + 1), len(indexes)]
    for start, stop in pairwise(map(int, edges)):
        yield int(indexes[start]) // tile, slice(start, stop)


def _flattened(row: IntArray, column: IntArray, window: Window) -> IntArray:
    """Return the position of each pixel in a flattened window; `row` is overwritten."""
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
