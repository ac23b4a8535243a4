"""Reductions of images pixel by pixel, compared with NumPy's of the stack."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from conftest import LONG
from landbridge import kernels

pytestmark = pytest.mark.usefixtures("instruction_set")
INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
TYPES = (*INTEGERS, "float32", "float64")
FEW = settings(max_examples=1000 if LONG else 60, deadline=None)


def flags(mask):
    return mask.astype(np.uint8)


@st.composite
def stacks(draw, types=TYPES, most_images=20):
    """Pixels (image, pixel), with the greatest and least numbers of their type, and masks of missing ones."""
    dtype = np.dtype(draw(st.sampled_from(types)))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # Beside the lengths of vectors and of passes.
    pixels = draw(st.sampled_from([1, 3, 63, 64, 65, 1023, 1024, 1025, 2500]))
    shape = (draw(st.integers(1, most_images)), pixels)
    if dtype.kind == "f":
        values = random.normal(0, 1e3, shape).astype(dtype)
        values[random.random(shape) < 0.02] = np.inf
    else:
        limits = np.iinfo(dtype)
        values = random.integers(limits.min, limits.max, shape, dtype, endpoint=True)
        values[random.random(shape) < 0.1] = limits.max
    missing = random.random(shape) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    if dtype.kind == "f":
        values[missing & (random.random(shape) < 0.5)] = np.nan
    return values, missing


@FEW
@given(stacks(), st.integers(0, 20))
def test_sums_and_means_are_those_of_numpy(stack, half):
    values, missing = stack
    sums, counts = np.zeros(values.shape[1]), np.zeros(values.shape[1], np.uint32)
    kernels.add_to_sums(values[:half], flags(missing[:half]), sums, counts)
    kernels.add_to_sums(values[half:], flags(missing[half:]), sums, counts)
    wanted = np.zeros(values.shape[1])
    with np.errstate(all="ignore"):
        for image, lacking in zip(values, missing, strict=True):
            np.add(wanted, image, out=wanted, where=~lacking)
        np.testing.assert_array_equal(sums, wanted)
        np.testing.assert_array_equal(counts, (~missing).sum(axis=0))
        means = np.full(values.shape[1], 7.0)
        kernels.take_means(sums, counts, means)
        np.testing.assert_array_equal(means, wanted / np.maximum(counts, 1))


@FEW
@given(stacks(("uint8", "uint16", "int8", "int16")), st.integers(0, 20))
def test_sums_of_small_integers_are_exact_in_32_bits(stack, half):
    values, missing = stack
    dtype = np.int32 if values.dtype.kind == "i" else np.uint32
    sums, counts = np.zeros(values.shape[1], dtype), np.zeros(values.shape[1], np.uint32)
    kernels.add_to_sums(values[:half], flags(missing[:half]), sums, counts)
    kernels.add_to_sums(values[half:], flags(missing[half:]), sums, counts)
    wanted = np.where(missing, 0, values.astype(np.int64)).sum(axis=0)
    np.testing.assert_array_equal(sums, wanted)
    means = np.empty(values.shape[1])
    kernels.take_means(sums, counts, means)
    np.testing.assert_array_equal(means, wanted / np.maximum(counts, 1))


@pytest.mark.parametrize(("dtype", "total"), [("uint16", "uint32"), ("int16", "int32")])
def test_the_sum_of_as_many_images_as_are_allowed_fits(dtype, total):
    utmost = np.array([np.iinfo(dtype).max, np.iinfo(dtype).min], dtype)
    values, missing = np.tile(utmost, (2**16 - 1, 1)), np.zeros((2**16 - 1, 2), np.uint8)
    sums, counts = np.zeros(2, total), np.zeros(2, np.uint32)
    kernels.add_to_sums(values, missing, sums, counts)
    assert sums.tolist() == [int(number) * (2**16 - 1) for number in utmost]


@FEW
@given(stacks(), st.booleans())
def test_extremes_are_those_of_numpy(stack, greatest):
    values, missing = stack
    dtype = values.dtype
    limits = (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    worst, best = limits if greatest else limits[::-1]
    extremes, never = np.full(values.shape[1], worst, dtype), np.ones(values.shape[1], np.uint8)
    for image, lacking in zip(values, missing, strict=True):
        is_done = kernels.keep_extremes(
            image, flags(lacking), greatest, np.array([best], dtype), extremes, never
        )
        assert is_done == bool((extremes == best).all())
    filled = np.where(missing, np.array(worst, dtype), values)
    np.testing.assert_array_equal(extremes, filled.max(axis=0) if greatest else filled.min(axis=0))
    np.testing.assert_array_equal(never, missing.all(axis=0))


@FEW
@given(stacks(most_images=70))
def test_medians_are_the_middle_of_the_sorted_values(stack):
    values, missing = stack
    dtype = values.dtype
    highest = np.array([np.inf if dtype.kind == "f" else np.iinfo(dtype).max], dtype)
    filled, counts = values.copy(), np.zeros(values.shape[1], np.uint32)
    for image, lacking in zip(filled, missing, strict=True):
        kernels.fill_missing(image, flags(lacking), highest, counts)
    np.testing.assert_array_equal(filled, np.where(missing, highest, values))
    np.testing.assert_array_equal(counts, (~missing).sum(axis=0))
    medians = np.full(values.shape[1], 7.0)
    before = filled.copy()
    kernels.take_medians(filled, counts, medians)
    np.testing.assert_array_equal(filled, before)
    ordered = np.sort(filled, axis=0).astype(np.float64)
    pixels, valid = np.arange(values.shape[1]), counts.astype(int)
    with np.errstate(all="ignore"):
        middle = ordered[np.maximum(valid - 1, 0) // 2, pixels]
        other = ordered[np.minimum(valid // 2, len(values) - 1), pixels]
        wanted = np.where(valid > 0, (middle + other) / 2, 0)
    np.testing.assert_array_equal(medians, wanted)


def test_counts_grow_where_pixels_are_there():
    counts = np.array([0, 5, 2**32 - 2], np.uint32)
    kernels.count_pixels(np.array([0, 1, 0], np.uint8), counts)
    assert counts.tolist() == [1, 5, 2**32 - 1]


@FEW
@given(
    values=st.sampled_from(["float32", "float64"]).flatmap(
        lambda name: hnp.arrays(
            name,
            st.integers(0, 70),
            elements=st.floats(width=int(name[5:]))
            | st.integers(-300, 300).map(lambda number: number / 2)
            | st.sampled_from([np.nan, np.inf, -np.inf, 0.49999997, 2.0**31, -(2.0**31), 2.0**32 - 256]),
        )
    ),
    dtype=st.sampled_from(["uint8", "uint16", "uint32", "int8", "int16", "int32"]),
    halves_up=st.booleans(),
)
def test_floats_are_rounded_and_clipped_as_numpy_does(values, dtype, halves_up):
    out = np.empty(values.shape, dtype)
    kernels.round_floats(values, out, halves_up)
    limits = np.iinfo(dtype)
    with np.errstate(all="ignore"):
        known = np.where(np.isnan(values), values.dtype.type(0), values)
        rounded = np.floor(known + values.dtype.type(0.5)) if halves_up else np.rint(known)
        wanted = np.clip(rounded.astype(np.float64), limits.min, limits.max).astype(dtype)
    np.testing.assert_array_equal(out, wanted)


def arrays(**changes):
    small = np.zeros(3, np.uint16)
    return {
        "values": small, "missing": np.zeros(3, np.uint8), "counts": np.zeros(3, np.uint32),
        "stack": np.zeros((2, 3), np.uint16), "lacks": np.zeros((2, 3), np.uint8), "sums": np.zeros(3),
        "means": np.zeros(3), "number": small[:1], "extremes": small.copy(), "never": np.zeros(3, np.uint8),
        "floats": np.zeros(3), "out": np.zeros(3, np.uint8), **changes,
    }  # fmt: skip


def run_all(a):
    kernels.add_to_sums(a["stack"], a["lacks"], a["sums"], a["counts"])
    kernels.take_means(a["sums"], a["counts"], a["means"])
    kernels.count_pixels(a["missing"], a["counts"])
    kernels.keep_extremes(a["values"], a["missing"], True, a["number"], a["extremes"], a["never"])
    kernels.fill_missing(a["values"], a["missing"], a["number"], a["counts"])
    a["counts"][:] = np.minimum(a["counts"], 2)
    kernels.take_medians(a["stack"], a["counts"], a["means"])
    kernels.round_floats(a["floats"], a["out"])


@pytest.mark.parametrize(
    "changes",
    [
        {"values": np.zeros(4, np.uint16)},
        {"values": np.zeros(6, np.uint16)[::2]},
        {"values": np.zeros(3, ">u2")},
        {"values": np.zeros(3, bool)},
        {"missing": np.zeros(2, np.uint8)},
        {"missing": np.zeros(3, np.uint16)},
        {"counts": np.zeros(3, np.uint16)},
        {"counts": np.zeros(2, np.uint32)},
        {"sums": np.zeros(3, np.float32)},
        {"sums": np.zeros(3, np.int32)},
        {"sums": np.broadcast_to(0.0, 3)},
        {"means": np.zeros(3, np.float32)},
        {"means": np.zeros(6)[::2]},
        {"extremes": np.zeros(3, np.int16)},
        {"never": np.zeros(2, np.uint8)},
        {"number": np.zeros(1, np.uint8)},
        {"number": np.zeros(2, np.uint16)},
        {"stack": np.zeros((2, 4), np.uint16)},
        {"stack": np.zeros((2, 4), np.uint16), "lacks": np.zeros((2, 4), np.uint8)},
        {"lacks": np.zeros((1, 3), np.uint8)},
        {"lacks": np.zeros((2, 3), np.uint16)},
        {"stack": np.zeros((3, 2), np.uint16).T},
        {"floats": np.zeros(3, np.uint8)},
        {"floats": np.zeros(2)},
        {"out": np.zeros(3, np.uint64)},
        {"out": np.zeros(3)},
    ],
)
def test_arrays_that_do_not_fit_are_refused(changes):
    run_all(arrays())
    with pytest.raises((TypeError, ValueError)):
        run_all(arrays(**changes))


def test_integer_sums_of_wide_pixels_are_refused():
    for dtype in ("uint32", "float32", "int64"):
        with pytest.raises(TypeError, match="integers of 32 bits with their sign"):
            kernels.add_to_sums(
                np.zeros((1, 1), dtype),
                np.zeros((1, 1), np.uint8),
                np.zeros(1, np.int32),
                np.zeros(1, np.uint32),
            )


def test_more_values_than_images_are_refused():
    with pytest.raises(ValueError, match="A pixel has 3 values of 2 images"):
        kernels.take_medians(np.zeros((2, 1), np.uint8), np.array([3], np.uint32), np.zeros(1))
