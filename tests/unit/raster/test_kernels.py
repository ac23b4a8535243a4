"""The compiled loops: what the tile path's own tests do not reach."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge import kernels
from landbridge.kernels import Canvas, Layer
from landbridge.raster.composite.compositor import any_visible

TYPES = ("uint8", "int16", "uint16", "int32", "uint32", "int64")


@given(
    dtype=st.sampled_from(TYPES),
    shape=st.tuples(st.integers(1, 5), st.integers(1, 70), st.integers(1, 5)),
    seed=st.integers(0, 2**32 - 1),
)
def test_differences_are_undone_as_sums_that_wrap(dtype, shape, seed):
    limits = np.iinfo(dtype)
    tile = np.random.default_rng(seed).integers(limits.min, limits.max, shape, dtype, endpoint=True)
    wanted = np.cumsum(tile, axis=1, dtype=dtype)
    undone = tile.copy()
    kernels.undo_differences(undone.view(f"u{tile.itemsize}"), 1, shape[0])
    assert (undone[1:] == wanted[1:]).all()
    assert (undone[:1] == tile[:1]).all()


@given(
    dtype=st.sampled_from(TYPES),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 70), st.integers(1, 5)),
    part=st.tuples(st.integers(0, 69), st.integers(1, 70)),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_tile_is_laid_with_its_differences_undone_from_any_column_on(dtype, shape, part, seed):
    (height, width, samples), limits = shape, np.iinfo(dtype)
    tile = np.random.default_rng(seed).integers(limits.min, limits.max, shape, dtype, endpoint=True)
    wanted = np.cumsum(tile, axis=1, dtype=dtype)
    low = min(part[0], width - 1)
    columns = np.arange(low, min(width, low + part[1]))
    values = np.full((samples, height, len(columns)), 7, dtype)
    state = np.full(values.shape, 9, np.uint8)
    canvas = Canvas(values, state)
    which = [*range(samples)][::-1]
    layer = Layer(which, range(samples), np.zeros(samples, dtype), [False] * samples)
    kernels.composite_aligned_tile(tile, True, np.arange(height), columns, (0, 0), layer, canvas)
    assert (values == np.moveaxis(wanted[:, columns][:, :, which], 2, 0)).all()
    assert canvas.is_full
    assert (state == kernels.VALID).all()


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 130, 300), (3, 128, 128)])
def test_a_canvas_counts_what_is_left_whether_its_states_are_written_yet_or_not(shape):
    values, state = np.zeros(shape, "uint16"), np.zeros(shape, np.uint8)
    canvas = Canvas(values, state)
    assert canvas.remaining.sum() == values.size
    assert not canvas.is_full
    canvas.initialise()
    assert (state == kernels.MISSING).all()
    assert not any_visible(state).any()
    state[0] = kernels.VALID
    canvas.update_remaining([0], (0, shape[1], 0, shape[2]))
    assert canvas.remaining.sum() == values.size - values[0].size


def test_a_box_is_needed_where_a_visible_pixel_is_missing():
    state = np.zeros((2, 200, 200), np.uint8)
    state[1, 150, 10] = kernels.MISSING
    canvas = Canvas(np.zeros(state.shape, "uint8"), state, initialised=True)
    first, both = [0], [0, 1]
    around, beside = (140, 160, 0, 20), (140, 150, 0, 20)
    assert canvas.has_missing_pixels(both, around)
    assert not canvas.has_missing_pixels(both, beside)
    assert not canvas.has_missing_pixels(first, around)
    visible = np.ones(state.shape[1:], np.uint8)
    assert canvas.has_missing_pixels(both, around, visible)
    visible[150, 10] = 0
    assert not canvas.has_missing_pixels(both, around, visible)


def test_a_canvas_takes_blocks_of_a_larger_array():
    values, state = np.zeros((3, 60, 90), "int16"), np.zeros((3, 60, 90), np.uint8)
    block = np.s_[:, 10:40, 20:75]
    canvas = Canvas(values[block], state[block])
    canvas.initialise()
    assert (state[block] == kernels.MISSING).all()
    assert np.count_nonzero(state) == state[block].size


@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 400)),
    parts=st.lists(st.sampled_from([1, 2, -1]), min_size=1, max_size=6),
    raw=st.booleans(),
    hidden=st.booleans(),
    ground=st.integers(0, 9),
    seed=st.integers(0, 2**32 - 1),
)
def test_tiles_laid_one_under_the_other_leave_of_each_pixel_what_came_first(
    size, parts, raw, hidden, ground, seed
):
    """The memory's earlier content and the division of cells by tiles have no influence."""
    random = np.random.default_rng(seed)
    rubbish = random.integers(0, 200, (2, *size), np.uint8)
    values, state = rubbish.astype("uint16"), rubbish.copy()
    canvas = Canvas(values, state, fill_values=np.full(2, ground, "uint16"))
    wanted = np.full(values.shape, ground, "uint16")
    states = np.full(values.shape, kernels.MISSING)
    visible = (random.random(size) < 0.7).astype(np.uint8) if hidden else None
    nodata, known = np.array([3, 3], "uint16"), [True, False]
    for step in parts:
        (y, x) = random.integers(0, size)
        height, width = random.integers(1, np.subtract(size, (y, x)) + 1)
        # Here and there a row of which nothing is valid, or all.
        high = random.choice([4, 6, 1000], height)[:, None, None]
        tile = (random.integers(0, 1000, (height, width * abs(step), 3)) % high).astype("uint16")
        rows, columns = np.arange(height), np.arange(width) * abs(step)
        if step < 0:
            columns = columns[::-1].copy()
        layer = Layer([2, 0], [1, 0], nodata, known, visible=visible, show_invalid=raw)
        kernels.composite_aligned_tile(tile, False, rows, columns, (y, x), layer, canvas)
        where = np.s_[y : y + height, x : x + width]
        for band, sample, masks in ((1, 2, True), (0, 0, False)):
            laid, was = tile[:, columns, sample], states[band][where]
            seen = visible[where] != 0 if hidden else np.ones(laid.shape, bool)
            take = seen & (was != kernels.VALID) & ((laid != 3) | (not masks))
            show = seen & (was == kernels.MISSING) & raw & ~take
            wanted[band][where][take | show] = laid[take | show]
            was[show], was[take] = kernels.INVALID, kernels.VALID
    left = canvas.remaining.copy()
    canvas.initialise()
    assert (state == states).all()
    assert (values == wanted).all()
    canvas.update_remaining([0, 1], (0, size[0], 0, size[1]))
    assert (left == canvas.remaining).all()
