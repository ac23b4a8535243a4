"""Coordinate grids: positions of a target's pixels in another system and in a source's rows and columns."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.geo.grids.crs import grid_crs, same_crs, transformer
from landbridge.geo.grids.longitudes import wrap_near, x_period
from landbridge.raster.array_types import FloatArray, IntArray, Window

# A center on the border of two source pixels belongs to the right (lower) one. This is the tolerance for
# floating-point errors, in pixels.
TIE = 1e-6
# Largest error, in source pixels, of coordinates interpolated between the nodes of a coarse grid.
_TOLERANCE = 1e-4
_NODE_SPACINGS = (64, 16, 4)
# Weights of the neighboring nodes in the middle between two, by linear and cubic interpolation.
_MIDPOINT_WEIGHTS = {2: (1 / 2, 1 / 2), 4: (-1 / 16, 9 / 16, 9 / 16, -1 / 16)}


@dataclass(frozen=True, slots=True, eq=False)
class CoordinateGrid:
    """Positions of a target's pixels in another reference system: exact at nodes, interpolated between them.

    `x` and `y` are the coordinates of nodes that lie `step` pixels apart, the first one step before `first`
    (y, x). A pixel is interpolated from `taps` nodes in either direction, 2 or 4; with 1 every pixel is a
    node. Between two nodes, coordinates deviate from a straight line by at most `max_deviation` (y, x), in
    source pixels.
    """

    step: int
    first: tuple[int, int]
    taps: int
    x: FloatArray
    y: FloatArray
    max_deviation: tuple[float, float] = (0.0, 0.0)

    @property
    def nbytes(self) -> int:
        """Size of the nodes in bytes."""
        return self.x.nbytes + self.y.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class SourceCoordinates:
    """Coordinate grid in a source's pixels: fractional `rows` and `columns` of the nodes."""

    source: GeoBox
    coordinate_grid: CoordinateGrid
    rows: FloatArray
    columns: FloatArray

    def coordinates(self, part: Window) -> tuple[FloatArray, FloatArray]:
        """Return the fractional source rows and columns of the pixel centers of a part (y, x)."""
        coordinate_grid = self.coordinate_grid
        if coordinate_grid.taps == 1:
            return self.rows[part], self.columns[part]
        y, x = (
            np.arange(span.start, span.stop) - first
            for span, first in zip(part, coordinate_grid.first, strict=True)
        )
        rows, columns = (
            _interpolate(n, y, x, coordinate_grid.step, coordinate_grid.taps)
            for n in (self.rows, self.columns)
        )
        return rows, columns


def source_coordinates_of(source: GeoBox, coordinate_grid: CoordinateGrid) -> SourceCoordinates:
    """Return a coordinate grid in a source's pixels."""
    rows, columns = to_pixel_coordinates(source, coordinate_grid.x, coordinate_grid.y)
    return SourceCoordinates(source, coordinate_grid, rows, columns)


def coordinate_grid_of(source: GeoBox, target: GeoBox, origin: tuple[int, int]) -> CoordinateGrid:
    """Return the coarsest grid that is accurate for all sources of a system and resolution.

    `origin` is the corner (y, x) of the target in the output grid that it is a block of.
    """
    height, width = target.shape.yx
    middle = _center_x(source, target)
    for step in _NODE_SPACINGS:
        # Nodes lie on multiples of the step, counted in the whole output grid.
        first = (-(origin[0] % step), -(origin[1] % step))
        ys, xs = _node_positions(first[0], height, step), _node_positions(first[1], width, step)
        at_nodes = target_in_source_crs(source, target, ys, xs, middle)
        nodes = to_pixel_coordinates(source, *at_nodes)
        # The centers of the cells would hide errors: conformal projections are harmonic functions, whose
        # centers follow from the corners.
        beside = to_pixel_coordinates(
            source, *target_in_source_crs(source, target, ys, _midpoints(xs), middle)
        )
        below = to_pixel_coordinates(
            source, *target_in_source_crs(source, target, _midpoints(ys), xs, middle)
        )
        errors = {
            taps: [_interpolation_error(*three, taps) for three in zip(nodes, beside, below, strict=True)]
            for taps in _MIDPOINT_WEIGHTS
        }
        for taps, (row, column) in errors.items():
            # The comparison is also false for NaN.
            if row <= _TOLERANCE and column <= _TOLERANCE:
                deviation_y, deviation_x = errors[2]
                return CoordinateGrid(step, first, taps, *at_nodes, max_deviation=(deviation_y, deviation_x))
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    return CoordinateGrid(1, (0, 0), 1, *target_in_source_crs(source, target, rows, columns, middle))


def _interpolation_error(nodes: FloatArray, beside: FloatArray, below: FloatArray, taps: int) -> float:
    """Return the largest interpolation error between neighboring nodes, along rows and columns."""
    with np.errstate(invalid="ignore"):
        return _row_error(nodes, beside, taps) + _row_error(nodes.T, below.T, taps)


def _row_error(nodes: FloatArray, middles: FloatArray, taps: int) -> float:
    """Return the largest interpolation error in the middle between neighboring nodes of a row."""
    count = nodes.shape[1] - taps + 1
    guess = sum(weight * nodes[:, tap : tap + count] for tap, weight in enumerate(_MIDPOINT_WEIGHTS[taps]))
    skipped = taps // 2 - 1
    return float(np.abs(middles[:, skipped : skipped + count] - guess).max())


def target_in_source_crs(
    source: GeoBox, target: GeoBox, ys: FloatArray, xs: FloatArray, middle: float | None = None
) -> tuple[FloatArray, FloatArray]:
    """Transform positions (y by x) in a target's pixels to a source's reference system.

    If x is periodic there, the value nearest to `middle` is returned, so that x continues across the
    antimeridian.
    """
    t = target.transform
    x, y = t.a * xs + t.b * ys[:, None] + t.c, t.d * xs + t.e * ys[:, None] + t.f
    if not same_crs(grid_crs(source), grid_crs(target)):
        x, y = transformer(grid_crs(target), grid_crs(source)).transform(x, y)
        period = x_period(grid_crs(source))
        if period is not None and middle is not None and math.isfinite(middle):
            x = wrap_near(x, middle, period)
    return x, y


def _center_x(source: GeoBox, target: GeoBox) -> float | None:
    """Return the x of a target's center in a source's reference system if x is periodic there."""
    if x_period(grid_crs(source)) is None:
        return None
    rows, columns = target.shape.yx
    x, _ = target_in_source_crs(source, target, np.array([rows / 2]), np.array([columns / 2]))
    return float(x[0, 0])


def x_extent(
    source: GeoBox, target: GeoBox, coordinate_grid: Callable[[], CoordinateGrid]
) -> tuple[float, float] | None:
    """Return a target's extent along x in a source's reference system; None if it cannot be transformed."""
    if same_crs(grid_crs(source), grid_crs(target)):
        left, _, right, _ = target.boundingbox.bbox
        return (left, right)
    x = coordinate_grid().x
    found = x[np.isfinite(x)]
    return (float(found.min()), float(found.max())) if found.size else None


def to_pixel_coordinates(source: GeoBox, x: Any, y: Any) -> tuple[FloatArray, FloatArray]:
    """Return the fractional rows and columns of points in a source's reference system."""
    t = ~source.transform
    with np.errstate(invalid="ignore"):  # points that cannot be transformed are infinite
        rows, columns = t.d * x + t.e * y + t.f + TIE, t.a * x + t.b * y + t.c + TIE
    return rows, columns


def _node_positions(first: int, size: int, step: int) -> FloatArray:
    return np.arange(first - step, size + 2 * step, step) + 0.5


def _midpoints(nodes: FloatArray) -> FloatArray:
    return (nodes[:-1] + nodes[1:]) / 2


def _interpolate(nodes: FloatArray, y: IntArray, x: IntArray, step: int, taps: int) -> FloatArray:
    """Interpolate values at every pixel (y, x); pixels count from the second node."""
    top, bottom = int(y[0]) // step, int(y[-1]) // step
    # First node that contributes to a pixel: the one before the pixel, or the one before that.
    skipped = 2 - taps // 2
    i = x // step
    nodes = nodes[top + skipped : bottom + skipped + taps]
    across = _blend([nodes[:, i + skipped + tap] for tap in range(taps)], _weights(x / step - i, taps))
    out = np.empty((len(y), len(x)))
    # One strip between two rows of nodes at a time stays in the processor's cache.
    for j in range(bottom - top + 1):
        strip = slice(max(0, (top + j) * step - int(y[0])), (top + j + 1) * step - int(y[0]))
        weights = _weights(y[strip][:, None] / step - (top + j), taps)
        out[strip] = _blend([across[j + tap] for tap in range(taps)], weights)
    return out


def weights_of(coordinate_grid: CoordinateGrid) -> FloatArray:
    """Return the weights (tap, position) of the nodes around a pixel, by its position between them."""
    if coordinate_grid.taps == 1:
        return np.ones((1, 1))
    return np.ascontiguousarray(
        np.stack(_weights(np.arange(coordinate_grid.step) / coordinate_grid.step, coordinate_grid.taps))
    )


def _weights(place: FloatArray, taps: int) -> list[FloatArray]:
    """Return the weights of the neighboring nodes at positions from 0 to 1 between the inner two."""
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


CoordinateGrids = dict[tuple[Any, ...], CoordinateGrid]
"""Coordinate grids by reference system and resolution of the file, and by corner and size of the block."""
