"""Compositing of tiles, compared with numpy references: aligned tiles and nearest-neighbor warps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import LONG
from landbridge import kernels
from landbridge.kernels import CELL, MISSING, VALID, Canvas, Layer, NodeGrid
from unit.kernels import reference

pytestmark = pytest.mark.usefixtures("instruction_set")
TYPES = (
    *("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
    *("float32", "float64"),
)
cases = settings(max_examples=5000 if LONG else 60)


def random_pixels(random, dtype, shape):
    """Return pixels of few different values, so that nodata is among them."""
    pixels = random.integers(0, random.choice([2, 5, 120]), shape).astype(dtype)
    if np.dtype(dtype).kind == "i":
        pixels -= np.dtype(dtype).type(3)
    if np.dtype(dtype).kind == "f":
        for value in (np.nan, np.inf, -0.0):
            pixels[random.random(shape) < 0.05] = value
    return pixels


def part_of(random, size):
    """Return a random part (slices y, x) of a block, not empty."""
    y, x = random.integers(0, size)
    height, width = random.integers(1, np.subtract(size, (y, x)) + 1)
    return slice(int(y), int(y + height)), slice(int(x), int(x + width))


def box_of(part):
    return (part[0].start, part[0].stop, part[1].start, part[1].stop)


class Case:
    """A canvas inside larger arrays, and what it is expected to become."""

    def __init__(self, random, dtype, size):
        self.random, self.dtype, self.size = random, np.dtype(dtype), size
        self.bands, padding = int(random.integers(1, 4)), random.integers(0, 4, 3)
        whole = (self.bands + padding[0], size[0] + padding[1], size[1] + padding[2])
        self.whole = random_pixels(random, dtype, whole), random.integers(0, 3, whole).astype(np.uint8)
        self.inside = np.s_[: self.bands, : size[0], : size[1]]
        values, state = (array[self.inside] for array in self.whole)
        initialised = bool(random.integers(0, 2))
        fill = random_pixels(random, dtype, self.bands) if random.integers(0, 2) else None
        self.before = [array.copy() for array in self.whole]
        self.canvas = Canvas(values, state, fill_values=fill, initialised=initialised)
        self.values, self.states = values.copy(), state.copy()
        if not initialised:
            self.states[:] = MISSING
            self.values[:] = 0 if fill is None else fill[:, None, None]

    def random_layer(self, samples):
        """Return a layer and its description."""
        random, count = self.random, int(self.random.integers(1, min(samples, self.bands) + 1))
        visible = None
        if random.random() < 0.3:
            # Rows of a larger array.
            visible = (random.random((self.size[0], self.size[1] + 2)) < 0.8).astype(np.uint8)
            visible = visible[:, : self.size[1]] * np.uint8(random.choice([1, 255]))
        layer = {
            "samples": random.permutation(samples)[:count].tolist(),
            "bands": random.permutation(self.bands)[:count].tolist(),
            "nodata": random_pixels(random, self.dtype, count),
            "has_nodata": random.integers(0, 2, count).astype(bool).tolist(),
            "alpha": int(random.integers(0, samples)) if random.random() < 0.3 else -1,
            "visible": visible,
            "show_invalid": bool(random.integers(0, 2)),
        }
        return Layer(**layer), layer

    def check_missing(self, layer):
        """Check a random box for missing pixels, and the number of missing pixels per cell."""
        part, bands, visible = part_of(self.random, self.size), layer["bands"], layer["visible"]
        missing = (self.states[bands][(slice(None), *part)] != VALID).any(axis=0)
        assert self.canvas.has_missing_pixels(bands, box_of(part)) == missing.any()
        shown = missing if visible is None else missing & (visible[part] != 0)
        assert self.canvas.has_missing_pixels(bands, box_of(part), visible) == shown.any()
        assert self.canvas.is_full == (self.states == VALID).all()
        assert (self.canvas.remaining == reference.remaining(self.states, CELL)).all()

    def check(self):
        """Check all values and states, and that nothing around them is written."""
        self.canvas.initialise()
        for found, before, expected in zip(self.whole, self.before, (self.values, self.states), strict=True):
            np.testing.assert_array_equal(found[self.inside], expected)
            outside = np.ones(found.shape, bool)
            outside[self.inside] = False
            np.testing.assert_array_equal(found[outside], before[outside])


sizes = st.tuples(st.integers(1, 200), st.integers(1, 280))
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def aligned_indexes(random, size, count):
    """Return rows or columns of a tile: neighbors, or repeated and skipped ones, perhaps reversed."""
    if count <= size and random.random() < 0.6:
        start = int(random.integers(0, size - count + 1))
        indexes = np.arange(start, start + count)
    else:
        indexes = np.sort(random.integers(0, size, count))
    return indexes[::-1] if random.random() < 0.3 else indexes


@cases
@given(dtype=st.sampled_from(TYPES), samples=st.integers(1, 5), size=sizes, random=seeds)
def test_aligned_tiles_fill_what_is_not_valid_yet(dtype, samples, size, random):
    case = Case(random, dtype, size)
    for _ in range(random.integers(1, 5)):
        layer, description = case.random_layer(samples)
        part = part_of(random, size)
        shape = (int(random.integers(1, 50)), int(random.integers(1, 300)), samples)
        tile = random_pixels(random, dtype, shape)
        differences = case.dtype.kind != "f" and bool(random.integers(0, 2))
        decoded = np.cumsum(tile, axis=1, dtype=dtype) if differences else tile
        rows, columns = (
            aligned_indexes(random, shape[axis], part[axis].stop - part[axis].start) for axis in (0, 1)
        )
        pixels, shown = np.zeros((*size, samples), dtype), np.zeros(size, bool)
        pixels[part], shown[part] = decoded[np.ix_(rows, columns)], True
        place = (part[0].start, part[1].start)
        kernels.composite_aligned_tile(tile, differences, rows, columns, place, layer, case.canvas)
        reference.composite(case.values, case.states, pixels, shown, description)
        case.check_missing(description)
    case.check()


def random_grid(random, size):
    """Return a coordinate grid and the source coordinates of the pixel centers."""
    taps = int(random.choice([1, 2, 4]))
    step = 1 if taps == 1 else int(random.choice([4, 16, 64]))
    first = (0, 0) if taps == 1 else tuple((-random.integers(0, step, 2)).tolist())
    ys, xs = (reference.node_positions(size[axis], step, first[axis], taps) + 0.5 for axis in (0, 1))
    angle, scale = random.uniform(0, 2 * np.pi), random.choice([0.2, 1, 3])
    rows = scale * (np.cos(angle) * ys[:, None] + np.sin(angle) * xs) + random.uniform(-50, 150)
    columns = scale * (-np.sin(angle) * ys[:, None] + np.cos(angle) * xs) + random.uniform(-50, 150)
    # Smooth deviations from straight lines, which cubic interpolation follows.
    bend = random.uniform(-1, 1) if taps != 2 else 0.0
    rows += bend * (ys[:, None] / 90) ** 2
    columns += bend * (xs / 90) ** 2
    weights = reference.interpolation_weights(step, taps)
    deviation = 0.3 * abs(bend) + 1e-3
    grid = NodeGrid(rows, columns, step, first, taps, weights, (deviation, deviation))
    return grid, *(reference.interpolate_nodes(each, size, step, first, taps) for each in (rows, columns))


@cases
@given(
    dtype=st.sampled_from(TYPES),
    samples=st.integers(1, 5),
    size=st.tuples(st.integers(1, 150), st.integers(1, 150)),
    random=seeds,
)
def test_warped_tiles_fill_what_is_not_valid_yet(dtype, samples, size, random):
    case = Case(random, dtype, size)
    for _ in range(random.integers(1, 3)):
        layer, description = case.random_layer(samples)
        grid, rows, columns = random_grid(random, size)
        edges = tuple(random.integers(10, 90, 2).tolist())
        source = tuple(random.integers(1, 250, 2).tolist())
        boxes = kernels.tile_boxes(grid, size, edges, source)
        whole = random_pixels(random, dtype, (*source, samples))
        # Centers close to the border of two source pixels depend on rounding.
        near = [np.abs(each - np.rint(each)) < 1e-9 for each in (rows, columns)]
        if np.logical_or(*near).any():
            return
        inside = (rows >= 0) & (rows < source[0]) & (columns >= 0) & (columns < source[1])
        y, x = (np.where(inside, each, 0).astype(int) for each in (rows, columns))
        for row, column in np.ndindex(boxes.shape[:2]):
            corner = (row * edges[0], column * edges[1])
            extent = tuple(min(edges[axis], source[axis] - corner[axis]) for axis in (0, 1))
            here = inside & (y // edges[0] == row) & (x // edges[1] == column)
            y0, y1, x0, x1 = box = boxes[row, column].tolist()
            within = np.zeros(size, bool)
            within[y0:y1, x0:x1] = True
            assert not (here & ~within).any(), "a box leaves out a pixel of its tile"
            missing = (case.states[description["bands"]] != VALID).any(axis=0) & here
            if description["visible"] is not None:
                missing &= description["visible"] != 0
            touches = kernels.touches_missing_pixels(corner, extent, grid, box, layer, case.canvas)
            assert touches == missing.any()
            tile = np.zeros((*edges, samples), dtype)
            tile[: extent[0], : extent[1]] = whole[
                corner[0] : corner[0] + extent[0], corner[1] : corner[1] + extent[1]
            ]
            kernels.composite_warped_tile(tile, corner, extent, grid, box, layer, case.canvas)
            pixels = whole[y, x]
            reference.composite(case.values, case.states, pixels, here, description)
        case.check_missing(description)
    case.check()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1e300, 2.0**31, 2.0**63])
def test_nodes_that_cannot_be_transformed_have_no_pixels(value):
    """Numbers that fit no integer are compared before they are converted."""
    nodes = np.full((4, 4), value)
    grid = NodeGrid(nodes, nodes, 16, (0, 0), 2, reference.interpolation_weights(16, 2), (1.0, 1.0))
    state = np.zeros((1, 16, 16), np.uint8)
    canvas = Canvas(np.zeros(state.shape, "uint8"), state)
    layer = Layer([0], [0], np.zeros(1, "uint8"), [False])
    assert not kernels.tile_boxes(grid, (16, 16), (8, 8), (20, 20)).any()
    place = ((0, 0), (20, 20), grid, (0, 16, 0, 16), layer, canvas)
    assert not kernels.touches_missing_pixels(*place)
    kernels.composite_warped_tile(np.ones((20, 20, 1), "uint8"), *place)
    canvas.initialise()
    assert (state == MISSING).all()


def test_positions_of_a_cell_between_a_finite_and_an_infinite_node_are_not_pixels():
    nodes = np.full((4, 4), 3.0)
    nodes[:, 2] = np.inf
    grid = NodeGrid(nodes, nodes, 16, (0, 0), 2, reference.interpolation_weights(16, 2), (1.0, 1.0))
    canvas = Canvas(np.zeros((1, 16, 16), "uint8"), np.zeros((1, 16, 16), np.uint8))
    layer = Layer([0], [0], np.zeros(1, "uint8"), [False])
    kernels.composite_warped_tile(
        np.ones((20, 20, 1), "uint8"), (0, 0), (20, 20), grid, (0, 16, 0, 16), layer, canvas
    )
    # 0 times infinity is NaN in the first column, too.
    assert canvas.remaining.sum() == 16 * 16
