"""Processing levels computed from each image's coefficients: semantics 7.15 and 14.12."""

import math
import warnings
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landbridge.raster import (
    Band,
    RasterError,
    Source,
    download_mosaic,
    mosaic,
    read_image,
    scaling_parameters,
    stack,
    stacked,
)
from landbridge.raster.plan.calibration import Calibration, Linear, calibrate
from landbridge.raster.plan.plan import make_plan

RADIANCE = {"function": "gain_bias", "parameter": "radiance_gain_bias", "index": 0}
REFLECTANCE = {"function": "gain_bias", "parameter": "reflectance_gain_bias", "index": 0}
SUN = {"function": "solar_elevation", "parameter": "solar_elevation_angle"}
SCALE = {"function": "scale", "parameter": "reflectance_scale", "index": 0}
KELVIN = {"function": "brightness_temperature", "parameter": "brightness_temperature_k1_k2", "index": 0}
STORED = {"function": "dlsr", "parameter": "c6s_dlsr", "index": 0}
# As a Landsat 8 scene has them, rounded
LANDSAT = {
    "radiance_gain_bias": [[0.012, -60.0], [0.0099, 0.1]],
    "reflectance_gain_bias": [[2e-5, -0.1]],
    "reflectance_scale": [0.0016],
    "solar_elevation_angle": 30.0,
    "brightness_temperature_k1_k2": [[774.8853, 1321.0789]],
}

# A file that only GDAL reads; its strips have 64 rows.
UNTILED = {"tiled": False}


def with_levels(scene, levels, coefficients=LANDSAT, **fields):
    """A scene's image with these levels on its first band (or each of several), and its coefficients."""
    bands = dict(scene.source.bands)
    if not all(name in bands for name in levels):
        levels = {next(iter(bands)): levels}
    for name, own in levels.items():
        bands[name] = replace(bands[name], processing_levels=own, **fields)
    return replace(scene.source, bands=bands, coefficients=coefficients)


@pytest.fixture
def at_level(make_scene, request_of):
    """The pixels, as a list, of some stored ones at the level that these steps lead to."""

    def read(stored, *steps, dtype="uint16", coefficients=LANDSAT, **fields):
        scene = make_scene("scene", np.array([[stored]], dtype), nodata=0)
        source = with_levels(scene, {"default": list(steps)}, coefficients)
        return read_image(source, request_of("b0", scene.own, **fields))

    return read


@pytest.mark.parametrize(
    ("steps", "stored", "expected"),
    [
        ([RADIANCE], [5000, 10000], [0.0, 60.0]),
        ([REFLECTANCE], [5000, 30000], [0.0, 0.5]),
        ([REFLECTANCE, SUN], [5000, 30000], [0.0, 1.0]),
        ([RADIANCE, SCALE], [5000, 10000], [0.0, 0.096]),
        ([RADIANCE, SCALE, SUN], [5000, 10000], [0.0, 0.192]),
        ([STORED, REFLECTANCE], [5000, 30000], [0.0, 0.5]),
        # 1321.0789 / ln(77.48853 + 1) at a radiance of 10: the scene's temperature on a warm day
        ([{**RADIANCE, "index": 1}, KELVIN], [1000], [302.7947]),
    ],
)
def test_14_12_levels_are_computed_by_the_steps_functions(at_level, steps, stored, expected):
    raster = at_level(stored, *steps)
    assert raster.data.dtype == "float64"
    assert raster.data[0, 0] == pytest.approx(expected, abs=1e-4)
    assert not raster.mask.any()


def test_14_12_a_levels_type_rounds_and_clips(at_level):
    rescale_values = {**REFLECTANCE, "data_type": "UInt16"}
    coefficients = {"reflectance_gain_bias": [[0.2, -1000]]}
    raster = at_level([4000, 5002, 5003, 65535], rescale_values, coefficients=coefficients)
    assert raster.data.dtype == "uint16"
    assert raster.data.tolist() == [[[0, 0, 1, 12107]]]
    byte = at_level([5005, 65535], {**REFLECTANCE, "data_type": "Byte"}, coefficients=coefficients)
    assert byte.data.tolist() == [[[1, 255]]]
    single = at_level([30000], {**REFLECTANCE, "data_type": "Float32"})
    assert single.data.dtype == "float32"
    assert single.data[0, 0, 0] == np.float32(0.5)


def test_14_12_only_the_last_steps_type_counts(at_level):
    whole = {**RADIANCE, "data_type": "Byte"}
    raster = at_level([5050], whole, {**SCALE, "data_type": "Float64"})
    assert raster.data[0, 0, 0] == pytest.approx(0.6 * 0.0016)


def test_14_12_masked_pixels_stay_masked_and_computed_ones_are_not_nodata(at_level):
    raster = at_level([0, 5000, 10000], RADIANCE)
    assert raster.array().tolist() == [[[None, 0.0, 60.0]]]
    assert raster.data[0, 0, 0] == 0


def test_14_12_without_a_mask_missing_pixels_show_nodata(make_scene, grid, request_of):
    scene = make_scene("a", np.array([[[7, 5000, 6000]]], "uint16"), nodata=7)
    source = with_levels(scene, {"default": [RADIANCE]})
    raster = read_image(source, request_of("b0", grid(0, -1, 1, 4), mask_nodata=False))
    assert raster.mask is None
    assert raster.data[0, 0] == pytest.approx([7, 7, 0, 12])


def test_14_12_radiance_below_zero_has_no_temperature(make_scene, grid, request_of):
    scene = make_scene("a", np.array([[[4000, 5000, 10000, 10000]]], "uint16"), nodata=0)
    older = make_scene("b", np.array([[[10000, 10000, 10000, 0]]], "uint16"), nodata=0)
    steps = {"default": [RADIANCE, {**KELVIN, "data_type": "UInt16"}]}
    wanted = request_of("b0", scene.own)
    assert read_image(with_levels(scene, steps), wanted).array().tolist() == [[[None, None, 502, 502]]]
    sources = [with_levels(older, steps), with_levels(scene, steps)]
    assert mosaic(sources, wanted).array().tolist() == [[[502, 502, 502, 502]]]


def test_7_15_the_level_called_default_is_taken_by_default(make_scene, request_of):
    scene = make_scene("a", np.array([[[30000]]], "uint16"))
    levels = {"default": "toa", "toa": "toa_reflectance", "toa_reflectance": [REFLECTANCE], "raw": []}
    source = with_levels(scene, {**levels, "toa_radiance": [RADIANCE], "surface": [STORED]})

    def read(level):
        return read_image(source, request_of("b0", scene.own, processing_level=level)).data[0, 0, 0]

    assert [read(level) for level in (None, "default", "toa")] == pytest.approx([0.5] * 3)
    assert read("toa_radiance") == pytest.approx(300)
    assert [read(level) for level in ("raw", "surface", "unknown")] == [30000] * 3
    assert read("surface").dtype == read("unknown").dtype == "uint16"


def test_7_15_levels_with_no_default_leave_the_stored_pixels(make_scene, request_of):
    scene = make_scene("a", np.array([[[30000]]], "uint16"))
    source = with_levels(scene, {"toa_radiance": [RADIANCE]}, coefficients={})
    assert read_image(source, request_of("b0", scene.own)).data.tolist() == [[[30000]]]


@pytest.mark.parametrize(
    ("coefficients", "said"),
    [
        ({}, r"'scene' has no gain and bias .*'b0'.* radiance_gain_bias\[2\] is not set"),
        ({"radiance_gain_bias": []}, r"radiance_gain_bias\[2\] is not set"),
        ({"radiance_gain_bias": [[1, 2], [1, 2]]}, r"radiance_gain_bias\[2\] is not set"),
        ({"radiance_gain_bias": [None, None, None]}, r"radiance_gain_bias\[2\] is not set"),
        ({"radiance_gain_bias": [[1, 2], [1, 2], [1]]}, r"radiance_gain_bias\[2\] is \[1\]"),
        ({"radiance_gain_bias": [1.0, 2.0, 3.0]}, r"radiance_gain_bias\[2\] is 3.0"),
        ({"radiance_gain_bias": [[1, 2], [1, 2], [1, math.nan]]}, r"\[1, nan\]"),
        ({"radiance_gain_bias": 2.0}, "radiance_gain_bias is 2.0"),
        ({"radiance_gain_bias": "text"}, "radiance_gain_bias"),
        ({"radiance_gain_bias": {"gain": 1}}, "radiance_gain_bias is {'gain': 1}"),
    ],
)
def test_14_12_missing_coefficients_are_named_before_anything_is_opened(request_of, grid, coefficients, said):
    band = Band("b0", processing_levels={"default": [{**RADIANCE, "index": 2}]})
    source = Source("scene", ("/nowhere.tif",), {"b0": band}, coefficients=coefficients)
    with pytest.raises(RasterError, match=said) as raised:
        read_image(source, request_of("b0", grid(0, 0, 1, 1)))
    assert (raised.value.image_id, raised.value.bands) == ("scene", ("b0",))


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({**RADIANCE, "function": "gain"}, "'b0'.* unknown function 'gain': .*gain_bias, .*dlsr"),
        ({"parameter": "radiance_gain_bias"}, "unknown function None"),
        ({"function": "gain_bias"}, "'b0' names no parameter"),
        ({**RADIANCE, "index": -1}, "'b0' has the index -1"),
        ({**RADIANCE, "index": "0"}, "'b0' has the index '0'"),
        ({**RADIANCE, "index": None}, "'b0' has no index, but image 'scene' has 2 .*radiance_gain_bias"),
    ],
)
def test_14_12_steps_that_say_nothing_to_compute_are_refused(at_level, step, said):
    with pytest.raises(ValueError, match=said):
        at_level([1], step)


@pytest.mark.parametrize(
    ("steps", "coefficients", "said"),
    [
        ([REFLECTANCE, SUN], {"solar_elevation_angle": 0.0}, "solar_elevation_angle is 0.0, the sun"),
        ([REFLECTANCE, SUN], {"solar_elevation_angle": -12.0}, "above 0"),
        ([KELVIN], {"brightness_temperature_k1_k2": [[0.0, 1.0]]}, r"k1_k2\[0\] is .*positive"),
    ],
)
def test_14_12_coefficients_that_no_formula_takes_are_refused(at_level, steps, coefficients, said):
    with pytest.raises(RasterError, match=said):
        at_level([1], *steps, coefficients={**LANDSAT, **coefficients})


def test_14_12_a_list_of_one_entry_needs_no_index(at_level):
    step = {name: REFLECTANCE[name] for name in ("function", "parameter")}
    assert at_level([30000], step).data[0, 0, 0] == pytest.approx(0.5)


def test_14_12_a_mosaic_computes_each_image_by_its_own_coefficients(make_scene, grid, request_of):
    older = make_scene("older", np.array([[[10, 20, 30]]], "uint16"), nodata=0)
    newer = make_scene("newer", np.array([[[0, 20, 30]]], "uint16"), nodata=0, place=(0, 1))
    levels = {"default": [RADIANCE]}
    sources = [
        with_levels(older, levels, {"radiance_gain_bias": [[2.0, 1.0]]}),
        with_levels(newer, levels, {"radiance_gain_bias": [[10.0, -1.0]]}),
    ]
    wanted = request_of("b0", grid(0, -1, 1, 6))
    assert mosaic(sources, wanted).array().tolist() == [[[None, 21.0, 41.0, 199.0, 299.0, None]]]
    assert mosaic(sources[::-1], wanted).array().tolist() == [[[None, 21.0, 41.0, 61.0, 299.0, None]]]
    layers = stacked(stack([[source] for source in sources], wanted))
    assert layers[:, 0, 0].tolist() == [
        [None, 21.0, 41.0, 61.0, None, None],
        [None, None, None, 199.0, 299.0, None],
    ]


def test_14_12_products_may_have_different_levels(make_scene, grid, request_of):
    computed = make_scene("a", np.array([[[10, 20]]], "uint16"), nodata=0, product="computed")
    stored = make_scene("b", np.array([[[0, 7]]], "uint16"), nodata=0, product="stored")
    sources = [
        with_levels(
            computed, {"default": [{**RADIANCE, "data_type": "Int16"}]}, {"radiance_gain_bias": [[-3, 0]]}
        ),
        stored.source,
    ]
    raster = mosaic(sources, request_of("b0", grid(0, 0, 1, 2)))
    assert raster.data.dtype == "int32"
    assert raster.data.tolist() == [[[-30, 7]]]


@pytest.mark.parametrize("split", [False, True], ids=["one file", "file per band"])
@pytest.mark.parametrize("tiled", [False, True], ids=["by GDAL", "by tiles"])
def test_14_12_bands_of_a_file_have_levels_of_their_own(make_scene, request_of, split, tiled):
    values = np.array([[[0, 1, 2]], [[0, 1, 2]], [[1, 1, 0]]], "uint16")
    names = ["red", "nir", "alpha"]
    options = {} if tiled else UNTILED
    scene = make_scene("a", values, bands=names, split=split, nodata=0, **options)
    step = {**RADIANCE, "index": 1, "data_type": "Int16"}
    source = with_levels(scene, {"nir": {"default": [step]}}, {"radiance_gain_bias": [[0, 0], [-10, 5]]})
    raster = read_image(source, request_of("red nir", scene.own))
    assert raster.data.dtype == "int32"
    assert raster.array().tolist() == [[[None, 1, None]], [[None, -5, None]]]
    alone = read_image(source, request_of("nir", scene.own))
    assert alone.data.dtype == "int16"
    assert alone.array().tolist() == [[[None, -5, None]]]
    whole = read_image(source, request_of("nir alpha", scene.own))
    assert whole.array().tolist() == [[[None, -5, None]], [[1, 1, None]]]


def test_14_12_alpha_hides_by_its_stored_pixels(make_scene, request_of):
    values = np.array([[[5, 5]], [[1, 0]]], "uint8")
    scene = make_scene("a", values, bands=["red", "alpha"])
    source = with_levels(scene, {"alpha": {"default": [RADIANCE]}}, {"radiance_gain_bias": [[-1, 1]]})
    raster = read_image(source, request_of("red alpha", scene.own))
    assert raster.mask.tolist() == [[[False, True]], [[False, True]]]
    assert raster.data[1, 0, 0] == 0


def test_14_12_the_stored_type_counts_only_where_it_is_read(make_scene, request_of):
    scene = make_scene("a", np.array([[[70000, 2]], [[3, 4]]], "uint32"))
    levels = {"default": [{**RADIANCE, "data_type": "Byte"}], "stored": []}
    bands = {
        name: replace(band, data_type="Byte", processing_levels=levels)
        for name, band in scene.source.bands.items()
    }
    source = replace(scene.source, bands=bands, coefficients={"radiance_gain_bias": [[0.001, 0]]})
    assert read_image(source, request_of("b0 b1", scene.own)).data.tolist() == [[[70, 0]], [[0, 0]]]
    with warnings.catch_warnings(record=True) as caught:
        warnings.filterwarnings("always", "a file holds uint32", UserWarning)
        raster = read_image(source, request_of("b0", scene.own, processing_level="stored"))
    assert "reading as UInt32" in str(caught[0].message)
    assert raster.data.tolist() == [[[70000, 2]]]


def test_14_12_bands_read_in_a_common_type_take_their_own():
    values = np.array([[[0.5, 90.0]], [[7.0, 255.0]]], "float32")
    how = (Calibration((Linear(2.0, 0.0),), "Byte"), None)
    out, valid = calibrate(values, np.ones(values.shape, bool), how, np.dtype("uint8"))
    assert out.dtype == "uint8"
    assert out.tolist() == [[[1, 180]], [[7, 255]]]
    assert valid.all()


@pytest.mark.parametrize(
    ("scaling", "data_type", "scale", "pixels"),
    [
        (None, None, None, [0.1, 0.2, 0.4]),
        ("raw", None, None, [0.1, 0.2, 0.4]),
        ("display", None, (0, 0.4, 0, 255), [64, 128, 255]),
        ("physical", None, (0, 2, 0, 200), [10, 20, 40]),
        ("auto", None, (), [0, 85, 255]),
        ([(0.1, 0.3)], None, (0.1, 0.3, 0, 255), [0, 128, 255]),
        ([("25%", "75%")], None, (0.1, 0.3, 0, 255), [0, 128, 255]),
        (None, "Float32", None, [0.1, 0.2, 0.4]),
        ([(0, 0.4, 0, 10000)], "UInt16", (0, 0.4, 0, 10000), [2500, 5000, 10000]),
    ],
)
def test_7_15_scaling_goes_from_the_ranges_of_the_last_step(
    make_scene, request_of, scaling, data_type, scale, pixels
):
    scene = make_scene("a", np.array([[[0, 10000, 15000, 25000]]], "uint16"), nodata=0)
    ranges = {"data_range": (0, 2), "display_range": (0, 0.4), "physical_range": (0, 200)}
    source = with_levels(
        scene, {"default": [RADIANCE, {**REFLECTANCE, **ranges}]}, {**LANDSAT, "radiance_gain_bias": [[1, 0]]}
    )
    scales, output = scaling_parameters([source.bands["b0"]], None, scaling, data_type)
    assert (scales is None) == (scale is None)
    if scale is not None:
        assert scales[0] == pytest.approx(scale)
    raster = read_image(source, request_of("b0", scene.own, scaling=scaling, data_type=data_type))
    assert raster.array()[0, 0, 1:].tolist() == pytest.approx(pixels)
    assert raster.mask.tolist() == [[[True, False, False, False]]]
    assert make_plan([source], request_of("b0", scene.own, scaling=scaling)).data_type == "Float64"
    assert (
        output
        == {"uint8": "Byte", "uint16": "UInt16", "float32": "Float32", "float64": "Float64"}[
            raster.data.dtype.name
        ]
    )


def test_14_12_resampled_pixels_are_computed_from_resampled_stored_ones(make_scene, grid, request_of):
    values = np.arange(64, dtype="float32").reshape(1, 8, 8) + 1
    scene = make_scene("a", values, nodata=0)
    source = with_levels(scene, {"default": [RADIANCE], "stored": []}, {"radiance_gain_bias": [[2, 10]]})
    coarse = grid(0, 0, 4, 4, resolution=60)
    level = read_image(source, request_of("b0", coarse, resampler="average"))
    stored = read_image(source, request_of("b0", coarse, resampler="average", processing_level="stored"))
    assert level.data == pytest.approx(stored.data * 2.0 + 10)


def test_14_12_large_rasters_are_computed_like_small_ones(make_scene, request_of):
    values = np.random.default_rng(0).integers(0, 65535, (1, 300, 300)).astype("uint16")
    scene = make_scene("a", values, nodata=0)
    source = with_levels(scene, {"default": [RADIANCE, KELVIN], "radiance": [RADIANCE]})
    radiance = 0.012 * values.astype(float) - 60
    raster = read_image(source, request_of("b0", scene.own, processing_level="radiance"))
    assert raster.data[values != 0] == pytest.approx(radiance[values != 0])
    assert (raster.mask == (values == 0)).all()
    raster = read_image(source, request_of("b0", scene.own))
    positive = radiance > 0
    assert (raster.mask == ~(positive & (values != 0))).all()
    assert raster.data[positive] == pytest.approx(1321.0789 / np.log(774.8853 / radiance[positive] + 1))


def test_14_12_downloads_are_computed_too(make_scene, grid, request_of, tmp_path):
    scenes = [
        make_scene(name, np.full((1, 20, 20), 1000 * n, "uint16"), nodata=0, place=(0, 10 * n))
        for n, name in enumerate("abc", start=1)
    ]
    sources = [
        with_levels(scene, {"default": [RADIANCE]}, {"radiance_gain_bias": [[n, 1]]})
        for n, scene in enumerate(scenes)
    ]
    wanted = request_of("b0", grid(0, 0, 20, 60))
    path = download_mosaic(sources, wanted, tmp_path / "m.tif", nodata=-1)
    with rasterio.open(path) as dataset:
        assert dataset.dtypes == ("float64",)
        assert (dataset.read() == mosaic(sources, wanted).array().filled(-1)).all()  # type: ignore[attr-defined]
        assert dataset.read(1)[0, [0, 10, 20, 30, 59]].tolist() == [-1, 1, 2001, 6001, -1]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_14_12_mosaics_at_a_level_are_stored_ones_computed_image_by_image(make_scene, grid, request_of, data):
    dtype = data.draw(st.sampled_from(["uint8", "uint16", "int16", "int32", "float32"]))
    data_type = data.draw(st.sampled_from([None, "Byte", "Int16", "Float32"]))
    level_type = {None: "float64", "Byte": "uint8", "Int16": "int16", "Float32": "float32"}[data_type]
    step = {**RADIANCE, "data_type": data_type}
    expected = np.zeros((30, 30), level_type)
    missing = np.ones((30, 30), bool)
    ways = {True: [], False: []}
    for number in range(data.draw(st.integers(1, 3))):
        rows, columns = data.draw(st.tuples(st.integers(1, 20), st.integers(1, 20)))
        place = data.draw(st.tuples(st.integers(0, 10), st.integers(0, 10)))
        seed = data.draw(st.integers(0, 99))
        gain, bias = data.draw(st.tuples(st.floats(-3, 3), st.floats(-300, 300)))
        values = np.random.default_rng(seed).integers(0, 100, (1, rows, columns)).astype(dtype)
        values[values < 30] = 0
        for tiled, sources in ways.items():
            options = {} if tiled else UNTILED
            scene = make_scene(f"s{number}-{tiled}", values, nodata=0, place=place, **options)
            coefficients = {"radiance_gain_bias": [[gain, bias]]}
            sources.append(with_levels(scene, {"default": [step]}, coefficients))
        exact = values[0].astype("float64") * gain + bias
        if data_type in ("Byte", "Int16"):
            limits = np.iinfo(level_type)
            exact = np.clip(np.rint(exact), limits.min, limits.max)
        window = (slice(place[0], place[0] + rows), slice(place[1], place[1] + columns))
        valid = values[0] != 0
        expected[window][valid] = exact.astype(level_type)[valid]
        missing[window] &= ~valid
    by_tiles, by_gdal = (mosaic(ways[tiled], request_of("b0", grid(0, 0, 30, 30))) for tiled in (True, False))
    assert by_tiles.data.dtype == level_type
    assert (by_tiles.data[0] == expected).all()
    assert (by_tiles.mask[0] == missing).all()
    assert np.array_equal(by_gdal.data, by_tiles.data)
    assert np.array_equal(by_gdal.mask, by_tiles.mask)
