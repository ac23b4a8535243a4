"""Coordinate grids: a target's pixels in another system, and in a source's rows and columns."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from affine import Affine
from odc.geo.geobox import GeoBox

from landbridge.raster.grids.crs import crs_on, same_crs, transformer
from landbridge.raster.grids.longitudes import near, turn_of
from landbridge.raster.grids.windows import Window

IntArray = np.ndarray[Any, np.dtype[np.intp]]
FloatArray = np.ndarray[Any, np.dtype[Any]]
# A center that lies on the border of two source pixels belongs to the right (lower) one; this much, in
# pixels, is what floating-point arithmetic may be off.
TIE = 1e-6
# Coordinates between the nodes of a coarse grid are interpolated if that is this exact, in source pixels.
_TOLERANCE = 1e-4
_STEPS = (64, 16, 4)
# What the neighboring nodes count in the middle between two: linear and cubic interpolation.
_MIDDLE = {2: (1 / 2, 1 / 2), 4: (-1 / 16, 9 / 16, 9 / 16, -1 / 16)}


@dataclass(frozen=True, slots=True, eq=False)
class Net:
    """Places of a target's pixels in another reference system: exact at nodes, interpolated between them.

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
        """Return the source rows and columns, with fractions, of the centers of a part's pixels (y, x)."""
        net = self.net
        if net.taps == 1:
            return self.rows[part], self.columns[part]
        y, x = (np.arange(span.start, span.stop) - first for span, first in zip(part, net.first, strict=True))
        rows, columns = (_interpolate(n, y, x, net.step, net.taps) for n in (self.rows, self.columns))
        return rows, columns


def lattice_of(source: GeoBox, net: Net) -> Lattice:
    """Return a net in a source's pixels."""
    rows, columns = pixels_at(source, net.x, net.y)
    return Lattice(source, net, rows, columns)


def net_of(source: GeoBox, target: GeoBox, origin: tuple[int, int]) -> Net:
    """Return the coarsest net that is as good as exact for all sources of a system and resolution.

    `origin` is the place (y, x) of the target in the grid it is a block of.
    """
    height, width = target.shape.yx
    middle = _middle_of(source, target)
    for step in _STEPS:
        # Nodes lie on multiples of the step counted in the whole grid.
        first = (-(origin[0] % step), -(origin[1] % step))
        ys, xs = _nodes(first[0], height, step), _nodes(first[1], width, step)
        at_nodes = places_in(source, target, ys, xs, middle)
        nodes = pixels_at(source, *at_nodes)
        # Not the middles of the cells: conformal projections are harmonic, where four corners tell the
        # middle.
        beside = pixels_at(source, *places_in(source, target, ys, _middles(xs), middle))
        below = pixels_at(source, *places_in(source, target, _middles(ys), xs, middle))
        errors = {
            taps: [_errors(*three, taps) for three in zip(nodes, beside, below, strict=True)]
            for taps in _MIDDLE
        }
        for taps, (row, column) in errors.items():
            # False as well if a coordinate is not a number.
            if row <= _TOLERANCE and column <= _TOLERANCE:
                bend_y, bend_x = errors[2]
                return Net(step, first, taps, *at_nodes, bend=(bend_y, bend_x))
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    return Net(1, (0, 0), 1, *places_in(source, target, rows, columns, middle))


def _errors(nodes: FloatArray, beside: FloatArray, below: FloatArray, taps: int) -> float:
    """Return the error of interpolation between two nodes, beside or below one another."""
    with np.errstate(invalid="ignore"):
        return _error(nodes, beside, taps) + _error(nodes.T, below.T, taps)


def _error(nodes: FloatArray, middles: FloatArray, taps: int) -> float:
    """Return the greatest error of interpolation in the middles between the nodes of a row."""
    count = nodes.shape[1] - taps + 1
    guess = sum(weight * nodes[:, tap : tap + count] for tap, weight in enumerate(_MIDDLE[taps]))
    skipped = taps // 2 - 1
    return float(np.abs(middles[:, skipped : skipped + count] - guess).max())


def places_in(
    source: GeoBox, target: GeoBox, ys: FloatArray, xs: FloatArray, middle: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return a target's places (y by x) in a source's reference system.

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
    """Return the x of a target's middle in a source's reference system, if that repeats."""
    if turn_of(crs_on(source)) is None:
        return None
    rows, columns = target.shape.yx
    x, _ = places_in(source, target, np.array([rows / 2]), np.array([columns / 2]))
    return float(x[0, 0])


def moved(grid: GeoBox, x: float) -> GeoBox:
    """Return a grid moved along x."""
    return GeoBox(grid.shape, Affine.translation(x, 0) @ grid.transform, grid.crs) if x else grid


def extent_in(source: GeoBox, target: GeoBox, net: Callable[[], Net]) -> tuple[float, float] | None:
    """Return the extent of a target along x of a source's reference system; None if it has no place there."""
    if same_crs(crs_on(source), crs_on(target)):
        left, _, right, _ = target.boundingbox.bbox
        return (left, right)
    x = net().x
    found = x[np.isfinite(x)]
    return (float(found.min()), float(found.max())) if found.size else None


def pixels_at(source: GeoBox, x: Any, y: Any) -> tuple[FloatArray, FloatArray]:
    """Return the rows and columns, with fractions, of places in a source's reference system."""
    t = ~source.transform
    with np.errstate(invalid="ignore"):  # infinite is what has no place there
        rows, columns = t.d * x + t.e * y + t.f + TIE, t.a * x + t.b * y + t.c + TIE
    return rows, columns


def _nodes(first: int, size: int, step: int) -> FloatArray:
    return np.arange(first - step, size + 2 * step, step) + 0.5


def _middles(nodes: FloatArray) -> FloatArray:
    return (nodes[:-1] + nodes[1:]) / 2


def _interpolate(nodes: FloatArray, y: IntArray, x: IntArray, step: int, taps: int) -> FloatArray:
    """Return the values at every pixel (y, x), counted from the node after the first."""
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
    """Return the weights of the nodes around a pixel, by the pixel's place between them: (tap, place)."""
    if net.taps == 1:
        return np.ones((1, 1))
    return np.ascontiguousarray(np.stack(_weights(np.arange(net.step) / net.step, net.taps)))


def _weights(place: FloatArray, taps: int) -> list[FloatArray]:
    """Return the weights of the neighboring nodes at places from 0 to 1 between the inner two."""
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
