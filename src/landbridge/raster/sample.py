"""Which source pixel each output pixel is nearest to, exactly."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.raster.grid import BoolArray, crs_on, same_crs, transformer

IntArray = np.ndarray[Any, np.dtype[np.intp]]
FloatArray = np.ndarray[Any, np.dtype[Any]]
Window = tuple[slice, slice]

# A center that lies on the border of two source pixels belongs to the right (lower) one; this much, in
# pixels, is what floating-point arithmetic may be off.
_TIE = 1e-6
# Coordinates between the nodes of a coarse grid are interpolated where that is this exact, in source pixels.
_TOLERANCE = 1e-4
_STEPS = (64, 16, 4)


@dataclass(frozen=True, slots=True)
class Sample:
    """Output pixels `roi` (y, x) take source pixels of `window`.

    Where the grids are parallel, `rows` and `columns`, counted from the window's corner, are those of each
    output row and column, and every pixel of `roi` is inside the source. Else `index` (y, x) is each pixel's
    place in the flattened window, and `inside` tells whether it has one.
    """

    roi: Window
    window: Window
    rows: IntArray | None = None
    columns: IntArray | None = None
    index: IntArray | None = None
    inside: BoolArray | None = None

    @property
    def pixels(self) -> int:
        """How many source pixels the window has."""
        rows, columns = self.window
        return (rows.stop - rows.start) * (columns.stop - columns.start)  # type: ignore[no-any-return]  # slices are untyped

    def take(self, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The output pixels (..., y, x) of `roi` from the window's (..., y, x)."""
        if self.index is not None:
            return np.take(pixels.reshape(*pixels.shape[:-2], -1), self.index, axis=-1)
        assert self.rows is not None
        assert self.columns is not None
        if _is_run(self.rows) and _is_run(self.columns):
            return pixels
        return pixels[..., self.rows[:, None], self.columns[None, :]]


def nearest(source: GeoBox, target: GeoBox, origin: tuple[int, int] = (0, 0)) -> Sample | None:
    """How a target grid samples a source grid by the nearest pixel; None where they do not meet.

    `origin` is the place (y, x) of the target in the grid it is a block of: pixels do not depend on how a
    grid is cut into blocks.
    """
    if same_crs(crs_on(source), crs_on(target)):
        affine = ~source.transform @ target.transform
        if affine.b == 0 and affine.d == 0:
            return _parallel(source, target, affine)
    return _general(source, target, origin)


def _parallel(source: GeoBox, target: GeoBox, affine: Affine) -> Sample | None:
    height, width = target.shape.yx
    rows = np.floor(affine.e * (np.arange(height) + 0.5) + affine.f + _TIE).astype(np.intp)
    columns = np.floor(affine.a * (np.arange(width) + 0.5) + affine.c + _TIE).astype(np.intp)
    y, x = _run_inside(rows, source.shape.y), _run_inside(columns, source.shape.x)
    if y is None or x is None:
        return None
    rows, columns = rows[y], columns[x]
    window = (_span(rows), _span(columns))
    return Sample((y, x), window, rows=rows - window[0].start, columns=columns - window[1].start)


def _general(source: GeoBox, target: GeoBox, origin: tuple[int, int]) -> Sample | None:
    rows, columns = _coordinates(source, target, origin)
    height, width = source.shape.yx
    with np.errstate(invalid="ignore"):
        inside: BoolArray = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    y, x = _extent(any_along(inside, 1)), _extent(any_along(inside, 0))
    if y is None or x is None:
        return None
    roi = (y, x)
    if inside.all():
        row, column = rows.astype(np.intp), columns.astype(np.intp)
        window = (_span(row), _span(column))
        return Sample(roi, window, index=_flattened(row, column, window))
    inside = inside[roi]
    row = np.where(inside, rows[roi], 0).astype(np.intp)
    column = np.where(inside, columns[roi], 0).astype(np.intp)
    window = (_span(row[inside]), _span(column[inside]))
    index = _flattened(row, column, window)
    # Pixels outside take the window's first pixel: they are not valid.
    index[~inside] = 0
    return Sample(roi, window, index=index, inside=inside)


def _flattened(row: IntArray, column: IntArray, window: Window) -> IntArray:
    """The place in a flattened window of each pixel; `row` is used up."""
    y, x = window
    row -= y.start
    row *= x.stop - x.start
    row += column
    row -= x.start
    return row


def _coordinates(source: GeoBox, target: GeoBox, origin: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """The source rows and columns, with fractions, of the centers of the target's pixels (y, x)."""
    height, width = target.shape.yx
    y, x = np.arange(height), np.arange(width)
    for step in _STEPS:
        # Nodes lie on multiples of the step counted in the whole grid.
        first_y, first_x = -(origin[0] % step), -(origin[1] % step)
        ys, xs = _nodes(first_y, height, step), _nodes(first_x, width, step)
        nodes = _exact(source, target, ys, xs)
        # Not the middles of the cells: conformal projections are harmonic, where four corners tell the
        # middle.
        beside = _exact(source, target, ys, _middles(xs))
        below = _exact(source, target, _middles(ys), xs)
        if all(_flat(*three) for three in zip(nodes, beside, below, strict=True)):
            rows, columns = (_interpolate(n, y - first_y, x - first_x, step) for n in nodes)
            return rows, columns
    rows, columns = _exact(source, target, y + 0.5, x + 0.5)
    return rows, columns


def _flat(nodes: FloatArray, beside: FloatArray, below: FloatArray) -> bool:
    """Whether what lies between two nodes, beside or below one another, is as exact by interpolation."""
    with np.errstate(invalid="ignore"):
        across = np.abs(beside - (nodes[:, :-1] + nodes[:, 1:]) / 2).max()
        along = np.abs(below - (nodes[:-1] + nodes[1:]) / 2).max()
        return bool(across + along <= _TOLERANCE)


def _exact(source: GeoBox, target: GeoBox, ys: FloatArray, xs: FloatArray) -> tuple[FloatArray, FloatArray]:
    x: Any
    y: Any
    x, y = target.transform @ tuple(np.meshgrid(xs, ys))  # type: ignore[operator]  # typed for scalars only
    if not same_crs(crs_on(source), crs_on(target)):
        x, y = transformer(crs_on(target), crs_on(source)).transform(x, y)
    columns, rows = ~source.transform @ (x, y)
    return rows + _TIE, columns + _TIE


def _nodes(first: int, size: int, step: int) -> FloatArray:
    return np.arange(first, size + step, step) + 0.5


def _middles(nodes: FloatArray) -> FloatArray:
    return (nodes[:-1] + nodes[1:]) / 2


def _interpolate(nodes: FloatArray, y: IntArray, x: IntArray, step: int) -> FloatArray:
    """The values at every pixel (y, x), counted from the first node, bilinearly between the nodes."""
    i = x // step
    fraction = (x - i * step) / step
    across = nodes[:, i] + (nodes[:, i + 1] - nodes[:, i]) * fraction
    out = np.empty((len(y), len(x)))
    # Strip by strip between two rows of nodes, so that a strip stays in the processor's cache.
    for j in range(int(y[0]) // step, int(y[-1]) // step + 1):
        strip = slice(max(0, j * step - int(y[0])), (j + 1) * step - int(y[0]))
        down = (y[strip] - j * step) / step
        np.multiply(down[:, None], across[j + 1] - across[j], out=out[strip])
        out[strip] += across[j]
    return out


def any_along(flags: BoolArray, axis: int) -> BoolArray:
    """Whether anything is true along an axis."""
    result: BoolArray = np.any(flags, axis=axis)
    return result


def _extent(flags: BoolArray) -> slice | None:
    """The smallest slice that holds all that is true."""
    where = np.flatnonzero(flags)
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else None


def _run_inside(indexes: IntArray, size: int) -> slice | None:
    return _extent((indexes >= 0) & (indexes < size))


def _span(indexes: IntArray) -> slice:
    return slice(int(indexes.min()), int(indexes.max()) + 1)


def _is_run(indexes: IntArray) -> bool:
    return bool(indexes[-1] - indexes[0] == len(indexes) - 1) and bool((np.diff(indexes) == 1).all())


def within(outer: Window, inner: Window) -> Window:
    """A window given relative to another one, in that one's own frame."""
    y, x = (slice(a.start + b.start, a.start + b.stop) for a, b in zip(outer, inner, strict=True))
    return (y, x)


def shape_of(window: Window) -> tuple[int, int]:
    """(rows, columns) of a window."""
    y, x = window
    return (y.stop - y.start, x.stop - x.start)
