"""Methods of mosaics beyond the last valid pixel: equal to numpy on the stack of the images."""

import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from landbridge.raster import Source, mosaic, stack, stacked
from landbridge.raster.composite.reducers import REDUCERS
from landbridge.raster.rescale import convert

METHODS = ("first", "last", *REDUCERS)
DTYPES = ["uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"]


def of_stack(layers, method):
    """Return the result of a method for layers (image, band, y, x) by NumPy, masked."""
    layers = np.ma.masked_array(layers, np.broadcast_to(np.ma.getmaskarray(layers), layers.shape))
    if method in ("first", "last"):
        out = layers[0].copy()
        for layer in layers if method == "last" else layers[::-1]:
            valid = ~layer.mask
            out[valid] = layer[valid]
        return out
    if method == "count":
        count = layers.count(axis=0)
        return np.ma.masked_array(count.astype("uint16"), count == 0)
    if method in ("mean", "median"):
        function = {"mean": np.ma.mean, "median": np.ma.median}[method]
        return np.ma.masked_array(function(layers.astype("float64"), axis=0))  # type: ignore[operator]
    return getattr(layers, method)(axis=0)


def random_scenes(make_scene, count, dtype="uint16", seed=0, **options):
    random = np.random.default_rng(seed)
    scenes = []
    for number in range(count):
        low, high = (0, 250) if dtype == "uint8" else (0, 30000)
        values = random.integers(low, high, (2, 40, 50)).astype(dtype)
        values[random.random(values.shape) < 0.4] = 7
        place = tuple(map(int, random.integers(-8, 12, 2)))
        scenes.append(make_scene(f"s{number}", values, nodata=7, place=place, **options))
    return [scene.source for scene in scenes]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_method_is_that_of_numpy_over_the_stack(make_scene, grid, request_of, method, dtype):
    sources = random_scenes(make_scene, 5, dtype)
    context = grid(-3, -2, 61, 70)
    layers = stacked(stack([[source] for source in sources], request_of("b1 b0", context)))
    expected = of_stack(layers, method)
    raster = mosaic(sources, request_of("b1 b0", context, method=method))
    assert raster.data.dtype == ("uint16" if method == "count" else dtype)
    assert (raster.mask == np.ma.getmaskarray(expected)).all()
    assert not raster.data[raster.mask].any()
    filled = convert(np.asarray(expected.filled(0)), raster.data.dtype)
    if raster.data.dtype.kind == "f":
        np.testing.assert_allclose(raster.data, filled, rtol=1e-6 if dtype == "float32" else 1e-13)
    else:
        assert (raster.data == filled).all()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_methods_of_any_values_alpha_and_places(make_scene, grid, request_of, data):
    dtype = data.draw(st.sampled_from(["uint8", "int16", "float32"]))
    with_alpha = data.draw(st.booleans())
    method = data.draw(st.sampled_from(METHODS))
    names = ["b0", "alpha"] if with_alpha else ["b0", "b1"]
    sources = []
    for index in range(data.draw(st.integers(1, 5))):
        rows, columns = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 6)))
        values = data.draw(
            st.lists(st.integers(0, 4), min_size=rows * columns * 2, max_size=rows * columns * 2)
        )
        place = data.draw(st.tuples(st.integers(-3, 4), st.integers(-3, 4)))
        array = np.array(values, dtype).reshape(2, rows, columns)
        sources.append(make_scene(f"s{index}", array, bands=names, nodata=0, place=place).source)
    context = grid(0, 0, 6, 7)
    layers = stacked(stack([[source] for source in sources], request_of("b0", context)))
    expected = of_stack(layers, method)
    got = mosaic(sources, request_of("b0", context, method=method, data_type="Float64")).array()
    assert (got.mask == np.ma.getmaskarray(expected)).all()  # type: ignore[attr-defined]
    np.testing.assert_allclose(got.filled(0), expected.astype("float64").filled(0), rtol=1e-12)  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", METHODS)
def test_memory_for_few_pixels_at_once_gives_the_same(make_scene, grid, request_of, monkeypatch, method):
    sources = random_scenes(make_scene, 6)
    wanted = request_of("b0 b1", grid(-5, -5, 70, 70), method=method)
    whole = mosaic(sources, wanted)
    monkeypatch.setattr("landbridge.raster.composite.render_reduction._WORKING_BYTES", 0)
    monkeypatch.setattr("landbridge.raster.composite.render_reduction._MIN_THREAD_BYTES", 30_000)
    parts = mosaic(sources, wanted)
    assert (parts.data == whole.data).all()
    assert (parts.mask == whole.mask).all()


def test_the_parts_of_a_median_shrink_with_the_number_of_images(make_scene, grid, request_of, monkeypatch):
    sizes = []
    median = REDUCERS["median"]

    def spied(shape, dtype, images):
        sizes.append((images, images * np.prod(shape) * dtype.itemsize))
        return median(shape, dtype, images)

    monkeypatch.setattr("landbridge.raster.composite.render_reduction.REDUCERS", {"median": spied})
    monkeypatch.setattr("landbridge.raster.composite.render_reduction._WORKING_BYTES", 0)
    monkeypatch.setattr("landbridge.raster.composite.render_reduction._MIN_THREAD_BYTES", 200_000)
    source = random_scenes(make_scene, 1)[0]
    for count in (1, 30, 300):
        mosaic([source] * count, request_of("b0 b1", grid(0, 0, 40, 50), method="median"))
    assert {images for images, _ in sizes} == {1, 30, 300}
    assert max(size for _, size in sizes) <= 200_000


@given(data=st.data())
def test_medians_of_few_and_many_images_are_those_of_numpy(data):
    images = data.draw(st.integers(1, 40))
    dtype = np.dtype(data.draw(st.sampled_from(["uint8", "int16", "float32"])))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    values = random.integers(0, 200, (images, 1, 3, 5)).astype(dtype)
    valid = random.random(values.shape) < data.draw(st.floats(0, 1))
    median = REDUCERS["median"](values.shape[1:], dtype, images)
    for layer, good in zip(values, valid, strict=True):
        median.image[:], median.missing[:] = layer, ~good
        median.add_image()
    found, missing = median.result()
    expected = np.ma.median(np.ma.masked_array(values.astype("float64"), ~valid), axis=0)
    assert (missing == np.ma.getmaskarray(expected)).all()
    assert (found == np.ma.filled(expected, 0)).all()


def test_means_round_half_to_even_and_float64_keeps_the_fraction(make_scene, grid, request_of):
    values = [[[1, 2, 3]], [[2, 3, 4]]]
    sources = [make_scene(f"s{n}", np.array([v], "uint8")).source for n, v in enumerate(values)]
    for method in ("mean", "median"):
        wanted = {"bands": "b0", "context": grid(0, 0, 1, 3), "method": method}
        assert mosaic(sources, request_of(**wanted)).data.tolist() == [[[2, 2, 4]]]
        exact = mosaic(sources, request_of(**wanted, data_type="Float64")).data
        assert exact.tolist() == [[[1.5, 2.5, 3.5]]]


def test_values_are_scaled_after_the_arithmetic(make_scene, grid, request_of):
    values = [[[0, 1]], [[1, 2]]]
    sources = [make_scene(f"s{n}", np.array([v], "uint16")).source for n, v in enumerate(values)]

    def pixels(**fields):
        return mosaic(sources, request_of("b0", grid(0, 0, 1, 2), method="mean", **fields)).array().tolist()

    assert pixels(scaling=[(0, 2, 0, 200)], data_type="UInt16") == [[[50, 150]]]
    assert pixels(scaling=[(0, 2, 0.0, 1.0)], data_type="Float32") == [[[0.25, 0.75]]]
    assert pixels(scaling="auto") == [[[0, 255]]]


def test_min_and_max_stop_at_the_utmost_of_the_type(make_scene, grid, request_of):
    top = make_scene("top", np.full((1, 4, 4), 255, "uint8"))
    gone = Source("gone", ("/nowhere.tif",), top.source.bands)
    wanted = {"bands": "b0", "context": grid(0, 0, 4, 4)}
    assert (mosaic([gone, top.source], request_of(**wanted, method="max")).data == 255).all()
    with pytest.raises(Exception, match="'gone'"):
        mosaic([gone, top.source], request_of(**wanted, method="min"))


def test_counts_are_of_images_that_are_valid_and_take_no_scaling(make_scene, grid, request_of):
    low = make_scene("low", np.array([[[0, 5, 0]], [[9, 0, 0]]], "uint8"), nodata=0)
    wanted = request_of("b0 b1", grid(0, 0, 1, 3), method="count")
    raster = mosaic([low.source] * 300, wanted)
    assert raster.data.tolist() == [[[0, 300, 0]], [[300, 0, 0]]]
    assert raster.mask.tolist() == [[[True, False, True]], [[False, True, True]]]
    plain = mosaic([low.source], request_of("b0", grid(0, 0, 1, 3), method="count", mask_nodata=False))
    assert plain.array().tolist() == [[[0, 1, 0]]]
    as_byte = mosaic([low.source] * 300, request_of("b0", grid(0, 0, 1, 3), method="count", data_type="Byte"))
    assert as_byte.data.tolist() == [[[0, 255, 0]]]
    with pytest.raises(ValueError, match="no scaling"):
        mosaic([low.source], request_of("b0", grid(0, 0, 1, 3), method="count", scaling="raw"))


@pytest.mark.parametrize("method", ["mode", "Mean", None, 1])
def test_other_methods_are_refused_with_those_there_are(make_scene, grid, request_of, method):
    source = random_scenes(make_scene, 1)[0]
    with pytest.raises(ValueError, match="last, first, mean, median, min, max, count"):
        mosaic([source], request_of("b0", grid(0, 0, 4, 4), method=method))


@pytest.mark.parametrize("method", ["mean", "median", "min", "max", "first"])
def test_without_masks_what_no_image_has_shows_as_nodata(make_scene, grid, request_of, method):
    scenes = [make_scene(f"s{n}", np.array([[[-9999, 4]]], "int16"), nodata=-9999) for n in range(2)]
    wanted = request_of("b0", grid(0, 0, 1, 3), mask_nodata=False, method=method)
    assert mosaic([scene.source for scene in scenes], wanted).array().tolist() == [[[-9999, 4, -9999]]]


def test_alpha_alone_masks_only_where_no_image_is_seen(make_scene, grid, request_of):
    one = make_scene("o", np.array([[[0, 4, 9]], [[1, 1, 0]]], "uint8"), bands=["red", "alpha"], nodata=0)
    two = make_scene("t", np.array([[[0, 8, 9]], [[1, 1, 0]]], "uint8"), bands=["red", "alpha"], nodata=0)
    wanted = request_of("red", grid(0, 0, 1, 4), mask_nodata=False, method="mean")
    raster = mosaic([one.source, two.source], wanted)
    assert raster.data.tolist() == [[[0, 6, 0, 0]]]
    assert raster.mask.tolist() == [[[False, False, True, True]]]


def test_a_cutline_masks_the_outside(make_scene, grid, request_of):
    sources = random_scenes(make_scene, 3)
    whole = mosaic(sources, request_of("b0", grid(0, 0, 40, 50), method="mean"))
    west, south, east, north = -99.0, 37.94, -98.995, 38.0
    context = grid(0, 0, 40, 50, geometry=box(west, south, east, north))
    last = mosaic(sources, request_of("b0", context, method="count", mask_nodata=False))
    raster = mosaic(sources, request_of("b0", context, method="mean"))
    inside = ~mosaic(sources, request_of("b0", context)).mask
    assert inside.any()
    assert not inside.all()
    assert (raster.mask == (whole.mask | ~inside)).all()
    assert (raster.data[inside] == whole.data[inside]).all()
    assert (last.data[~inside] == 0).all()


def test_a_file_of_a_wider_type_than_its_band_says_is_trusted(make_scene, request_of):
    scene = make_scene("a", np.array([[[300]]], "uint16"), data_type="Byte")
    for method, value in (("mean", 300), ("median", 300), ("count", 1)):
        with warnings.catch_warnings(record=True) as caught:
            warnings.filterwarnings("always", "a file holds uint16", UserWarning)
            raster = mosaic([scene.source], request_of("b0", scene.own, method=method))
        assert "reading as UInt16" in str(caught[0].message)
        assert raster.data.dtype == "uint16"
        assert raster.data.tolist() == [[[value]]]


def test_infinities_count_and_nan_does_not(make_scene, grid, request_of):
    rows = ([np.inf, np.nan, 1.0], [1.0, 2.0, -np.inf])
    sources = [make_scene(f"s{n}", np.array([[row]], "float32")).source for n, row in enumerate(rows)]
    expected = {"mean": [np.inf, 2, -np.inf], "median": [np.inf, 2, -np.inf], "min": [1, 2, -np.inf]}
    for method, values in expected.items():
        raster = mosaic(sources, request_of("b0", grid(0, 0, 1, 3), method=method))
        assert raster.data.tolist() == [[values]]
        assert not raster.mask.any()


def test_images_elsewhere_and_absent_bands_count_for_nothing(make_scene, grid, request_of):
    here = make_scene("h", np.full((2, 4, 4), 6, "uint8"), split=True)
    lacking = Source("l", (here.source.files[0], ""), here.source.bands)
    far = Source("f", ("/nowhere.tif", "/nowhere.tif"), here.source.bands, box(20, 20, 21, 21))
    wanted = request_of("b0 b1", grid(0, 0, 4, 4), method="count")
    raster = mosaic([here.source, lacking, far], wanted)
    assert (raster.data[0] == 2).all()
    assert (raster.data[1] == 1).all()
    only = mosaic([far], wanted)
    assert only.mask.all()
    median = mosaic([far], request_of("b0", grid(0, 0, 4, 4), method="median"))
    assert median.mask.all()
