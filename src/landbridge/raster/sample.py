"""Which source pixel each output pixel is nearest to, exactly."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.raster.grid import BoolArray, crs_on, remembered, same_crs, transformer
from landbridge.raster.wrapping import near, turn_of

IntArray = np.ndarray[Any, np.dtype[np.intp]]
FloatArray = np.ndarray[Any, np.dtype[Any]]
Window = tuple[slice, slice]

# A center that lies on the border of two source pixels belongs to the right (lower) one; this much, in
# pixels, is what floating-point arithmetic may be off.
_TIE = 1e-6
# Coordinates between the nodes of a coarse grid are interpolated where that is this exact, in source pixels.
_TOLERANCE = 1e-4
_STEPS = (64, 16, 4)
# At how many places along an edge scales are looked at, by steps of so many pixels; by how much they may
# differ, and pixels be turned (sine).
_PLACES, _STEP = 6, 0.1
_STRETCHED, _TURNED = 1.1, 0.15
# What the neighboring nodes count in the middle between two: linear and cubic interpolation.
_MIDDLE = {2: (1 / 2, 1 / 2), 4: (-1 / 16, 9 / 16, 9 / 16, -1 / 16)}


@dataclass(frozen=True, slots=True)
class Sample:
    """Output pixels `roi` (y, x) take source pixels of `window`.

    Where the grids are parallel, `rows` and `columns`, counted from the window's corner, are those of each
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
        """How many source pixels the window has."""
        rows, columns = self.window
        return (rows.stop - rows.start) * (columns.stop - columns.start)  # type: ignore[no-any-return]  # slices are untyped

    def take(self, pixels: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """The output pixels (..., y, x) of `roi` from the window's (..., y, x)."""
        if self.index is not None:
            # Clipped rather than checked: the index lies inside.
            return np.take(pixels.reshape(*pixels.shape[:-2], -1), self.index, axis=-1, mode="clip")
        assert self.rows is not None
        assert self.columns is not None
        if _is_run(self.rows) and _is_run(self.columns):
            return pixels
        return pixels[..., self.rows[:, None], self.columns[None, :]]


class Nearest:
    """How a target grid samples a source grid by the nearest pixel.

    Either `parallel` tells it, None where the grids do not meet, or else `lattice`. Pixels do not depend on
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
        """The whole target's sample; None where the grids do not meet."""
        if self._whole is None and self.lattice is not None:
            height, width = self._shape
            self._whole = _sampled(self.lattice, (slice(0, height), slice(0, width)))
        return self._whole


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


def _sampled(lattice: "Lattice", part: Window) -> Sample | None:
    """The sample of a part (y, x) of a target that lies otherwise than its source."""
    rows, columns = lattice.coordinates(part)
    height, width = lattice.source.shape.yx
    roi = part
    inside: BoolArray | None = None
    # False as well where a coordinate is none (NaN).
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
    """The runs of indexes that lie in the same tile: its number, and where they stand."""
    edges = [0, *(np.flatnonzero(np.diff(indexes // tile)) + 1), len(indexes)]
    for start, stop in pairwise(map(int, edges)):
        yield int(indexes[start]) // tile, slice(start, stop)


def _flattened(row: IntArray, column: IntArray, window: Window) -> IntArray:
    """The place in a flattened window of each pixel; `row` is used up."""
    y, x = window
    row -= y.start
    row *= x.stop - x.start
    row += column
    row -= x.start
    return row


@dataclass(frozen=True, slots=True, eq=False)
class Net:
    """Where a target's pixels lie in another reference system: exact at nodes, between which they are
    interpolated.

    `x` and `y` are those of the nodes, `step` apart, the first one step before `first` (y, x). A pixel is
    interpolated from `taps` of them in either direction, 2 or 4; with 1 every pixel is a node. Between two
    nodes coordinates are off a straight line by no more than `bend` (y, x), in source pixels.
    """

    step: int
    first: tuple[int, int]
    taps: int
    x: FloatArray
    y: FloatArray
    bend: tuple[float, float] = (0.0, 0.0)

    @property
    def nbytes(self) -> int:
        """Bytes of its nodes."""
        return self.x.nbytes + self.y.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """A net in the pixels of a source: `rows` and `columns` of its nodes, with fractions."""

    source: GeoBox
    net: Net
    rows: FloatArray
    columns: FloatArray

    def coordinates(self, part: Window) -> tuple[FloatArray, FloatArray]:
        """The source rows and columns, with fractions, of the centers of a part's pixels (y, x)."""
        net = self.net
        if net.taps == 1:
            return self.rows[part], self.columns[part]
        y, x = (np.arange(span.start, span.stop) - first for span, first in zip(part, net.first, strict=True))
        rows, columns = (_interpolate(n, y, x, net.step, net.taps) for n in (self.rows, self.columns))
        return rows, columns


def lattice_of(source: GeoBox, net: Net) -> Lattice:
    """A net in a source's pixels."""
    rows, columns = _pixels(source, net.x, net.y)
    return Lattice(source, net, rows, columns)


def net_of(source: GeoBox, target: GeoBox, origin: tuple[int, int]) -> Net:
    """The coarsest net that is as good as exact for a source, and all others of its system and resolution.

    `origin` is the place (y, x) of the target in the grid it is a block of.
    """
    height, width = target.shape.yx
    middle = _middle_of(source, target)
    for step in _STEPS:
        # Nodes lie on multiples of the step counted in the whole grid.
        first = (-(origin[0] % step), -(origin[1] % step))
        ys, xs = _nodes(first[0], height, step), _nodes(first[1], width, step)
        at_nodes = _ground(source, target, ys, xs, middle)
        nodes = _pixels(source, *at_nodes)
        # Not the middles of the cells: conformal projections are harmonic, where four corners tell the
        # middle.
        beside = _pixels(source, *_ground(source, target, ys, _middles(xs), middle))
        below = _pixels(source, *_ground(source, target, _middles(ys), xs, middle))
        errors = {
            taps: [_errors(*three, taps) for three in zip(nodes, beside, below, strict=True)]
            for taps in _MIDDLE
        }
        for taps, (row, column) in errors.items():
            # False as well where a coordinate is none (NaN).
            if row <= _TOLERANCE and column <= _TOLERANCE:
                bend_y, bend_x = errors[2]
                return Net(step, first, taps, *at_nodes, bend=(bend_y, bend_x))
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    return Net(1, (0, 0), 1, *_ground(source, target, rows, columns, middle))


@remembered
def scale_of(source: GeoBox, target: GeoBox) -> tuple[float, float]:
    """(x, y): how many source pixels an output pixel spans, in the middle of where the grids meet; 1 where
    systems differ and the grids don't meet.
    """
    if same_crs(crs_on(source), crs_on(target)):
        affine = ~source.transform @ target.transform
        return _span_of(affine.a, affine.b, affine.d, affine.e)
    rows, columns = source.shape.yx
    ys, xs = np.arange(3) * rows / 2, np.arange(3) * columns / 2
    # The source at the turn of longitudes at which the target is.
    middle = None
    if turn_of(crs_on(target)) is not None:
        middle, _ = target.transform @ (target.shape.x / 2, target.shape.y / 2)
    down, across = _pixels(target, *_ground(target, source, ys, xs, middle))
    found = np.isfinite(down) & np.isfinite(across)
    if not found.any():
        return (1.0, 1.0)
    (top, bottom), (left, right) = (
        (max(0.0, place[found].min()), min(float(size), place[found].max()))
        for place, size in zip((down, across), target.shape.yx, strict=True)
    )
    if top >= bottom or left >= right:
        return (1.0, 1.0)
    around = np.arange(-1, 2)
    at = ((top + bottom) / 2 + around, (left + right) / 2 + around)
    x, _ = _ground(source, target, *at)
    row, column = _pixels(source, *_ground(source, target, *at, float(x[1, 1])))
    with np.errstate(invalid="ignore"):
        a, d = (column[1, 2] - column[1, 0]) / 2, (row[1, 2] - row[1, 0]) / 2
        b, e = (column[2, 1] - column[0, 1]) / 2, (row[2, 1] - row[0, 1]) / 2
    return _span_of(a, b, d, e)


@dataclass(frozen=True, slots=True)
class Curvature:
    """Range of a target's scales in a source.

    `least` is the least number of source pixels, along x or y, that a pixel spans anywhere, `usual` the usual
    one. It is `strong` if pixels are stretched too differently, or turned too much, for one scale to do.
    """

    least: float
    usual: float
    strong: bool


@remembered
def curvature_of(source: GeoBox, target: GeoBox) -> Curvature | None:
    """Return how a target is curved where it meets a source; None if it is parallel, or does not meet it."""
    if same_crs(crs_on(source), crs_on(target)):
        affine = ~source.transform @ target.transform
        if affine.b == 0 and affine.d == 0:
            return None
    rows, columns = target.shape.yx
    ys, xs = (
        np.ravel(np.linspace(0.5, size - 0.5, min(_PLACES, size))[:, None] + [-_STEP, 0, _STEP])
        for size in (rows, columns)
    )
    # At the turn of longitudes at which the source is.
    middle, _ = source.transform @ (source.shape.x / 2, source.shape.y / 2)
    down, across = _pixels(source, *_ground(source, target, ys, xs, middle))
    # Each place has one to its left, right, top and bottom.
    at = (slice(1, None, 3), slice(1, None, 3))
    inside = (down[at] >= 0) & (down[at] < source.shape.y) & (across[at] >= 0) & (across[at] < source.shape.x)
    with np.errstate(invalid="ignore"):
        a, d = ((place[1::3, 2::3] - place[1::3, ::3]) / (2 * _STEP) for place in (across, down))
        b, e = ((place[2::3, 1::3] - place[::3, 1::3]) / (2 * _STEP) for place in (across, down))
        x, y = np.hypot(a, b), np.hypot(d, e)
    found = inside & np.isfinite(x) & np.isfinite(y) & (x > 0) & (y > 0)
    if not found.any():
        return None
    turned = np.abs(b / x)[found].max() > _TURNED or np.abs(d / y)[found].max() > _TURNED
    spans = [np.maximum(1.0, span[found]) for span in (x, y)]
    stretched = any(span.max() > _STRETCHED * span.min() for span in spans)
    usual = float(np.quantile(np.maximum(x, y)[found], 0.75))
    return Curvature(float(min(x[found].min(), y[found].min())), usual, bool(turned or stretched))


def _span_of(a: float, b: float, d: float, e: float) -> tuple[float, float]:
    """How many source columns and rows an output pixel spans whose edges are (a, d) and (b, e) long."""
    x, y = math.hypot(a, b), math.hypot(d, e)
    return (x if math.isfinite(x) and x else 1.0, y if math.isfinite(y) and y else 1.0)


def _errors(nodes: FloatArray, beside: FloatArray, below: FloatArray, taps: int) -> float:
    """By how much interpolation misses what lies between two nodes, beside or below one another."""
    with np.errstate(invalid="ignore"):
        return _error(nodes, beside, taps) + _error(nodes.T, below.T, taps)


def _error(nodes: FloatArray, middles: FloatArray, taps: int) -> float:
    """By how much interpolation between the nodes of a row misses the middles at most."""
    count = nodes.shape[1] - taps + 1
    guess = sum(weight * nodes[:, tap : tap + count] for tap, weight in enumerate(_MIDDLE[taps]))
    skipped = taps // 2 - 1
    return float(np.abs(middles[:, skipped : skipped + count] - guess).max())


def _ground(
    source: GeoBox, target: GeoBox, ys: FloatArray, xs: FloatArray, middle: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """Where a target's places (y by x) lie in a source's reference system.

    If that repeats, as longitudes do, x is that nearest to `middle`: so it goes on across the antimeridian.
    """
    t = target.transform
    x, y = t.a * xs + t.b * ys[:, None] + t.c, t.d * xs + t.e * ys[:, None] + t.f
    if not same_crs(crs_on(source), crs_on(target)):
        x, y = transformer(crs_on(target), crs_on(source)).transform(x, y)
        turn = turn_of(crs_on(source))
        if turn is not None and middle is not None and math.isfinite(middle):
            x = near(x, middle, turn)
    return x, y


def _middle_of(source: GeoBox, target: GeoBox) -> float | None:
    """The x of a target's middle in a source's reference system, if that repeats."""
    if turn_of(crs_on(source)) is None:
        return None
    rows, columns = target.shape.yx
    x, _ = _ground(source, target, np.array([rows / 2]), np.array([columns / 2]))
    return float(x[0, 0])


def moved(grid: GeoBox, x: float) -> GeoBox:
    """A grid moved along x."""
    return GeoBox(grid.shape, Affine.translation(x, 0) @ grid.transform, grid.crs) if x else grid


def extent_in(source: GeoBox, target: GeoBox, net: Callable[[], Net]) -> tuple[float, float] | None:
    """From where to where along x of a source's reference system a target lies; None if nowhere."""
    if same_crs(crs_on(source), crs_on(target)):
        left, _, right, _ = target.boundingbox.bbox
        return (left, right)
    x = net().x
    found = x[np.isfinite(x)]
    return (float(found.min()), float(found.max())) if found.size else None


def _pixels(source: GeoBox, x: Any, y: Any) -> tuple[FloatArray, FloatArray]:
    """The rows and columns, with fractions, of places in a source's reference system."""
    t = ~source.transform
    with np.errstate(invalid="ignore"):  # infinite is what has no place there
        rows, columns = t.d * x + t.e * y + t.f + _TIE, t.a * x + t.b * y + t.c + _TIE
    return rows, columns


def _nodes(first: int, size: int, step: int) -> FloatArray:
    return np.arange(first - step, size + 2 * step, step) + 0.5


def _middles(nodes: FloatArray) -> FloatArray:
    return (nodes[:-1] + nodes[1:]) / 2


def _interpolate(nodes: FloatArray, y: IntArray, x: IntArray, step: int, taps: int) -> FloatArray:
    """The values at every pixel (y, x), counted from the node after the first."""
    top, bottom = int(y[0]) // step, int(y[-1]) // step
    # The first of the nodes that a pixel is made of: the one before it, or the one before that.
    skipped = 2 - taps // 2
    i = x // step
    nodes = nodes[top + skipped : bottom + skipped + taps]
    across = _blend([nodes[:, i + skipped + tap] for tap in range(taps)], _weights(x / step - i, taps))
    out = np.empty((len(y), len(x)))
    # Strip by strip between two rows of nodes, so that a strip stays in the processor's cache.
    for j in range(bottom - top + 1):
        strip = slice(max(0, (top + j) * step - int(y[0])), (top + j + 1) * step - int(y[0]))
        weights = _weights(y[strip][:, None] / step - (top + j), taps)
        out[strip] = _blend([across[j + tap] for tap in range(taps)], weights)
    return out


def weights_of(net: Net) -> FloatArray:
    """What each of the nodes around a pixel counts in it, by the pixel's place between them: (tap, place)."""
    if net.taps == 1:
        return np.ones((1, 1))
    return np.ascontiguousarray(np.stack(_weights(np.arange(net.step) / net.step, net.taps)))


def _weights(place: FloatArray, taps: int) -> list[FloatArray]:
    """What each of the neighboring nodes counts at places from 0 to 1 between the inner two."""
    if taps == 2:
        return [1 - place, place]
    before, after, far = place + 1, place - 1, place - 2
    return [
        -place * after * far / 6,
        before * after * far / 2,
        -before * place * far / 2,
        before * place * after / 6,
    ]


def _blend(values: list[FloatArray], weights: list[FloatArray]) -> FloatArray:
    total = values[0] * weights[0]
    for value, weight in zip(values[1:], weights[1:], strict=True):
        total += value * weight
    return total


def any_along(flags: BoolArray, axis: int) -> BoolArray:
    """Whether anything is true along an axis."""
    result: BoolArray = np.any(flags, axis=axis)
    return result


def _extent(flags: BoolArray) -> slice | None:
    """The smallest slice that holds all that is true."""
    where = np.flatnonzero(flags)
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else None


def extent(flags: BoolArray) -> Window | None:
    """The smallest window that holds all of (y, x) that is true; None if nothing is."""
    y = _extent(any_along(flags, 1))
    if y is None:
        return None
    x = _extent(any_along(flags[y], 0))
    assert x is not None
    return (y, x)


def _run_inside(indexes: IntArray, size: int) -> slice | None:
    return _extent((indexes >= 0) & (indexes < size))


def _span(indexes: IntArray) -> slice:
    return slice(int(indexes.min()), int(indexes.max()) + 1)


def _floored_span(coordinates: FloatArray) -> slice:
    return slice(int(coordinates.min()), int(coordinates.max()) + 1)


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
