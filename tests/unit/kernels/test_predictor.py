"""TIFF's horizontal predictor, compared with numpy's sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge import kernels

pytestmark = pytest.mark.usefixtures("instruction_set")
TYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")


@given(
    dtype=st.sampled_from(TYPES),
    shape=st.tuples(st.integers(0, 5), st.integers(0, 150), st.integers(0, 6)),
    bounds=st.tuples(st.integers(0, 5), st.integers(0, 5)),
    seed=st.integers(0, 2**32 - 1),
)
def test_differences_are_undone_as_sums_that_wrap(dtype, shape, bounds, seed):
    first, last = sorted(min(bound, shape[0]) for bound in bounds)
    limits = np.iinfo(dtype)
    tile = np.random.default_rng(seed).integers(limits.min, limits.max, shape, dtype, endpoint=True)
    expected = tile.copy()
    expected[first:last] = np.cumsum(tile[first:last], axis=1, dtype=dtype)
    kernels.undo_differences(tile, first, last)
    assert (tile == expected).all()


@pytest.mark.parametrize(("first", "last"), [(-1, 2), (0, 4), (2, 1)])
def test_rows_outside_the_tile_are_refused(first, last):
    with pytest.raises(ValueError, match=f"Rows {first} to {last} are not in a tile of 3 rows"):
        kernels.undo_differences(np.zeros((3, 4, 1), "uint8"), first, last)


@pytest.mark.parametrize(
    "tile",
    [
        np.zeros((3, 8, 1), "uint8")[:, ::2],
        np.zeros((3, 4, 2), "uint8")[:, :, :1],
        np.zeros((3, 4), "uint8"),
        np.zeros((3, 4, 1), "float32"),
        np.zeros((3, 4, 1), ">u2"),
        np.broadcast_to(np.uint8(1), (3, 4, 1)),
    ],
    ids=["strided", "one of two samples", "two axes", "float", "big-endian", "read-only"],
)
def test_a_tile_that_would_be_copied_or_misread_is_refused(tile):
    with pytest.raises((TypeError, ValueError)):
        kernels.undo_differences(tile, 0, 3)
