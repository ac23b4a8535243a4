"""Resampled values are rounded once, at the end, and not at all if a floating type is asked for."""

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.io import MemoryFile
from rasterio.warp import Resampling, reproject

from landbridge.raster import filled_stack, lazy_stack, mosaic, read_image
from landbridge.raster.output.writer import download
from landbridge.raster.plan.arguments import BLENDING
from landbridge.raster.rescale import convert

TO_ONE = {"scaling": [(0, 100, 0, 1)], "data_type": "Float64"}


@pytest.fixture
def thirds(make_scene):
    """Make a third of all pixels 1, in every square of 3 by 3."""
    values = np.zeros((1, 90, 90), "uint8")
    values[0, :, ::3] = 1
    return make_scene("a", values)


def test_a_mask_averaged_as_float32_gives_its_share(thirds, grid, request_of):
    raster = read_image(
        thirds.source,
        request_of("b0", grid(0, 0, 30, 30, resolution=90), resampler="average", data_type="Float32"),
    )
    assert raster.data.dtype == "float32"
    assert np.allclose(raster.data, 1 / 3)


@pytest.mark.parametrize("name", BLENDING)
def test_no_interpolated_value_is_rounded_before_a_floating_type(make_scene, grid, request_of, name):
    values = np.random.default_rng(0).integers(0, 4, (1, 60, 60)).astype("int16")
    exact = make_scene("f", values.astype("float64"))
    context = grid(1.3, 2.7, 20, 20, resolution=70)
    expected = read_image(exact.source, request_of("b0", context, resampler=name)).data
    assert (expected != np.round(expected)).mean() > 0.9
    scene = make_scene("i", values)
    for data_type in ("Float32", "Float64"):
        raster = read_image(scene.source, request_of("b0", context, resampler=name, data_type=data_type))
        assert np.abs(raster.data - expected).max() < 1e-5


def test_scales_apply_to_unrounded_values(thirds, grid, request_of):
    context = grid(0, 0, 30, 30, resolution=90)
    request = request_of("b0", context, resampler="average", scaling=[(0, 1, 0, 300)], data_type="Int16")
    assert (read_image(thirds.source, request).data == 100).all()
    request = request_of("b0", context, resampler="average", **TO_ONE)
    assert np.allclose(read_image(thirds.source, request).data, 1 / 300)


def test_mosaics_stacks_lazy_arrays_and_files_round_as_late(make_scene, thirds, grid, request_of, tmp_path):
    other = make_scene("b", np.ones((1, 90, 90), "uint8"))
    context = grid(0, 0, 30, 30, resolution=90)
    request = request_of("b0", context, resampler="average", data_type="Float32")
    groups = [[thirds.source], [other.source]]
    for array in (
        lazy_stack(groups, request, {"y": 16, "x": 16})[0].compute(),
        filled_stack(groups, request)[0],
    ):
        assert np.allclose(array[0], 1 / 3)
        assert np.allclose(array[1], 1)
    for method, value in (("mean", 2 / 3), ("median", 2 / 3), ("min", 1 / 3), ("max", 1), ("first", 1 / 3)):
        asked = request_of("b0", context, resampler="average", data_type="Float32", method=method)
        raster = mosaic([thirds.source, other.source], asked)
        assert np.allclose(raster.data, value), method
    download(thirds.source, request, tmp_path / "out.tif")
    with rasterio.open(tmp_path / "out.tif") as dataset:
        assert np.allclose(dataset.read(1), 1 / 3)


def test_auto_scaling_takes_the_range_of_unrounded_values(make_scene, grid, request_of):
    values = np.zeros((1, 60, 60), "uint8")
    values[0, :, 30:] = np.tile([0, 1, 1], 10)
    scene = make_scene("a", values)
    request = request_of("b0", grid(0, 0, 20, 20, resolution=90), resampler="average", scaling="auto")
    data = read_image(scene.source, request).data
    assert data.min() == 0
    assert data.max() == 255


@given(st.integers(-3000, 3000))
def test_halves_go_up_as_gdals_warper_rounds(low):
    pairs = np.tile(np.array([low, low + 1], "int16"), (1, 8, 4))
    got = convert(np.array([low + 0.5], "float32"), np.dtype("int16"), halves_up=True)[0]
    # Whole numbers and halves, so that GDAL's own arithmetic is exact.
    transform = rasterio.Affine(1, 0, 16, 0, -1, 32)
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff", count=1, height=8, width=8, dtype="int16", crs="EPSG:32614", transform=transform
        ) as dataset:
            dataset.write(pairs)
        with memory.open() as dataset:
            expected = np.zeros((4, 4), "int16")
            reproject(
                rasterio.band(dataset, 1),
                expected,
                dst_crs="EPSG:32614",
                dst_transform=transform @ rasterio.Affine.scale(2),
                resampling=Resampling.average,
            )
    assert (expected == got).all()


def test_what_overshoots_a_type_is_cut_only_in_that_type(make_scene, grid, request_of):
    values = np.zeros((1, 60, 60), "uint8")
    values[0, :, 30:] = 255
    scene = make_scene("a", values)
    context = grid(0, 0.4, 50, 50)
    exact = read_image(scene.source, request_of("b0", context, resampler="cubic", data_type="Float32")).data
    assert exact.min() < -5
    assert exact.max() > 260
    cut = read_image(scene.source, request_of("b0", context, resampler="cubic")).data
    assert (cut == np.clip(np.floor(exact + 0.5), 0, 255)).all()
