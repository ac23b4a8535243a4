"""Values are scaled by blocks to what they are as a whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conftest import LONG
from landbridge.raster import rescale
from landbridge.raster.rescale import map_values, rescale_values

TYPES = ["uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"]


def whole(values, scale, dtype):
    return rescale._linear(values.astype(np.float64), scale, dtype)


@settings(max_examples=500 if LONG else 40, deadline=None)
@given(
    values=st.sampled_from(TYPES).flatmap(
        lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=40))
    ),
    block=st.sampled_from([1, 7, 100, 2**15]),
    scale=st.sampled_from([(0, 100, 0, 255), (-5, 7, 255, 0), (3, 3, 0, 1), (0, 10_000, 0, 1)]),
    target=st.sampled_from(["uint8", "uint16", "float64"]),
)
def test_blocks_give_what_the_whole_gives(values, block, scale, target):
    with pytest.MonkeyPatch.context() as patch, np.errstate(all="ignore"):
        patch.setattr(rescale, "_BLOCK_VALUES", block)
        for view in (values, values.T, values[::-1] if values.ndim else values):
            found = rescale_values(view, scale, np.dtype(target))
            np.testing.assert_array_equal(found, whole(view, scale, np.dtype(target)))
            assert found.shape == view.shape
            assert found.dtype == target


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_a_lookup_table_gives_the_same(dtype):
    values = np.random.default_rng(1).integers(0, np.iinfo(dtype).max + 1, (3, 300, 301)).astype(dtype)
    for view in (values, values[:, ::2, ::-3], values.T):
        np.testing.assert_array_equal(
            rescale_values(view, (10, 200, 5, 250), np.dtype("uint8")),
            whole(view, (10, 200, 5, 250), np.dtype("uint8")),
        )


def test_the_values_stay_as_they_are():
    values = np.arange(100_000, dtype=np.float64)

    def spoil(block):
        block *= 0
        return block

    assert not map_values(values, spoil).any()
    assert (values == np.arange(100_000)).all()
