"""Interpolation with a scale per pixel, compared with a loop over pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import LONG
from landbridge import kernels
from unit.kernels import reference

pytestmark = pytest.mark.usefixtures("instruction_set")
KERNELS = ("bilinear", "cubic", "cubicspline", "lanczos")


@settings(max_examples=2000 if LONG else 30)
@given(
    dtype=st.sampled_from(["float32", "float64"]),
    kernel=st.sampled_from(KERNELS),
    shape=st.tuples(st.integers(1, 2), st.integers(1, 20), st.integers(1, 20)),
    fraction=st.sampled_from([0.5, 0.95, 1.0]),
    random=st.integers(0, 2**32 - 1).map(np.random.default_rng),
)
def test_each_pixel_is_the_weighted_mean_of_the_valid_ones_around_it(dtype, kernel, shape, fraction, random):
    values = (random.random(shape) * 100).astype(dtype)
    valid = (random.random(shape) < fraction).astype(np.uint8)
    size = tuple(random.integers(1, 5, 2))
    rows, columns = random.uniform(-2, shape[1] + 2, size), random.uniform(-2, shape[2] + 2, size)
    tall, wide = scales = random.uniform(0.1, 4, (2, *size))
    out, good = np.full((shape[0], *size), -1, dtype), np.zeros((shape[0], *size), np.uint8)
    kernels.interpolate_locally(values, valid, rows, columns, tall, wide, KERNELS.index(kernel), out, good)
    for band, y, x in np.ndindex(out.shape):
        place = (rows[y, x], columns[y, x])
        expected = np.nan
        if all(-0.5 < at < length + 0.5 for at, length in zip(place, shape[1:], strict=True)):
            expected = reference.interpolate_point(values[band], valid[band], place, scales[:, y, x], kernel)
        assert good[band, y, x] == (not np.isnan(expected))
        # Weights of both signs may nearly cancel.
        wanted = -1 if np.isnan(expected) else expected
        np.testing.assert_allclose(out[band, y, x], wanted, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_points_and_scales_that_are_no_numbers_of_pixels_are_harmless(value):
    values, valid = np.ones((1, 5, 5)), np.ones((1, 5, 5), np.uint8)
    inside, scale, odd = np.full((1, 1), 2.5), np.ones((1, 1)), np.full((1, 1), value)
    out, good = np.zeros((1, 1, 1)), np.zeros((1, 1, 1), np.uint8)
    kernels.interpolate_locally(values, valid, odd, inside, scale, scale, 1, out, good)
    assert not good.any()
    kernels.interpolate_locally(values, valid, inside, inside, odd, scale, 0, out, good)
    assert out[0, 0, 0] == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"values": np.ones((1, 5, 5), "uint8")},
        {"valid": np.ones((1, 5, 4), np.uint8)},
        {"valid": np.full((1, 5, 5), 256, np.uint16)},
        {"rows": np.ones((2, 1))},
        {"row_scales": np.ones((1, 2))},
        {"kernel": 4},
        {"kernel": -1},
        {"out": np.zeros((2, 1, 1))},
        {"out": np.zeros((1, 1, 1), "float32")},
        {"out": np.broadcast_to(0.0, (1, 1, 1))},
        {"out_valid": np.zeros((1, 1, 1), bool)},
    ],
)
def test_arguments_that_do_not_fit_are_refused(changes):
    one = np.ones((1, 1))
    arguments = {
        "values": np.ones((1, 5, 5)), "valid": np.ones((1, 5, 5), np.uint8), "rows": one, "columns": one,
        "row_scales": one, "column_scales": one, "kernel": 0, "out": np.zeros((1, 1, 1)),
        "out_valid": np.zeros((1, 1, 1), np.uint8),
    }  # fmt: skip
    kernels.interpolate_locally(**arguments)
    with pytest.raises((TypeError, ValueError)):
        kernels.interpolate_locally(**{**arguments, **changes})
