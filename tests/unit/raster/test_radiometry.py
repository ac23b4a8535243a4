"""Images with their own scale and offset, and masks that are computed from stored values."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landbridge.geo import AOI
from landbridge.raster import Band, Request, Source, mosaic, read_image, scaling_parameters, stack
from landbridge.raster.model import StoredPixels
from landbridge.raster.output.lazy import lazy_stack
from landbridge.raster.plan.physical_values import agrees, declared_scaling
from landbridge.raster.plan.plan import make_plan

from .conftest import UTM14, write_tiff

NEW, OLD = (1e-4, -0.1), (1e-4, 0.0)
REFLECTANCE = {
    "data_range": (0.0, 65535.0),
    "physical_range": (-0.1, 6.4535),
    "display_range": (1000.0, 5000.0),
    "processing_levels": {
        "surface_reflectance": [
            {"function": "physical", "data_type": "Float64", "data_range": (0.0, 1.0)},
        ]
    },
}
# Pixels of a scene of the new offset on the left, and of one without an offset on the right.
LEFT = np.array([[[0, 1000, 2000, 0, 0, 0]]] * 2, "uint16").reshape(1, 2, 6)
RIGHT = np.array([[[0, 0, 0, 1000, 2000, 9000]]] * 2, "uint16").reshape(1, 2, 6)


@pytest.fixture
def baselines(make_scene):
    """Return two images of one product: with the offset of the product, and with none."""
    first = make_scene("new", LEFT, bands=["red"], nodata=0)
    second = make_scene("old", RIGHT, bands=["red"], nodata=0)
    bands = {"red": replace(first.source.bands["red"], **REFLECTANCE)}
    return (
        replace(first.source, bands=bands),
        replace(second.source, bands=bands, radiometry={"red": OLD}),
        first.own,
    )


def row(raster):
    return raster.array()[0, 0]


def test_physical_values_of_a_mosaic_are_those_of_each_image_7_19(baselines, request_of):
    *sources, context = baselines
    for order in (sources, sources[::-1]):
        raster = mosaic(order, request_of("red", context, scaling="physical"))
        assert raster.data.dtype == np.float64
        assert row(raster).mask.tolist() == [True, False, False, False, False, False]
        assert row(raster).data[1:] == pytest.approx([0, 0.1, 0.1, 0.2, 0.9], abs=1e-12)


def test_surface_reflectance_needs_no_scaling(baselines, request_of):
    *sources, context = baselines
    request = request_of("red", context, processing_level="surface_reflectance")
    raster = mosaic(sources, request)
    assert row(raster).compressed() == pytest.approx([0, 0.1, 0.1, 0.2, 0.9], abs=1e-12)
    assert scaling_parameters([sources[0].bands["red"]], "surface_reflectance") == (None, "Float64")


def test_a_single_image_has_its_own_physical_values(baselines, request_of):
    new, old, context = baselines
    request = request_of("red", context, scaling="physical")
    assert row(read_image(new, request)).compressed() == pytest.approx([0, 0.1], abs=1e-12)
    assert row(read_image(old, request)).compressed() == pytest.approx([0.1, 0.2, 0.9], abs=1e-12)


def test_stored_values_and_explicit_bounds_are_as_in_the_files_7_19(baselines, request_of):
    *sources, context = baselines
    raster = mosaic(sources, request_of("red", context))
    assert raster.data.dtype == np.uint16
    assert row(raster).compressed().tolist() == [1000, 2000, 1000, 2000, 9000]
    raster = mosaic(sources, request_of("red", context, scaling=[(0, 10000, 0, 100)]))
    assert row(raster).compressed().tolist() == pytest.approx([10, 20, 10, 20, 90])


@pytest.mark.parametrize("scaling", ["display", [("0%", "100%")]])
def test_images_of_different_offsets_are_displayed_alike_7_19(baselines, request_of, scaling):
    *sources, context = baselines
    raster = mosaic(sources, request_of("red", context, scaling=scaling, data_type="Byte"))
    # Reflectances 0, 0.1, 0.1, 0.2 and 0.9 of a range from 0 to 0.4.
    assert row(raster).compressed().tolist() == [0, 64, 64, 128, 255]


def test_auto_finds_the_range_of_harmonized_values(baselines, request_of):
    *sources, context = baselines
    raster = mosaic(sources, request_of("red", context, scaling="auto"))
    assert row(raster).compressed().tolist() == [0, 28, 28, 57, 255]


def test_without_a_scaling_of_the_product_its_first_image_is_the_reference(baselines, request_of):
    new, old, context = baselines
    bands = {"red": Band("red", nodata=0, display_range=(1000.0, 5000.0))}
    new = replace(new, bands=bands, radiometry={"red": NEW})
    old = replace(old, bands=bands)
    raster = mosaic([new, old], request_of("red", context, scaling="display"))
    assert row(raster).compressed().tolist() == [0, 64, 64, 128, 255]
    raster = mosaic([new, old], request_of("red", context, scaling="physical"))
    assert row(raster).compressed() == pytest.approx([0, 0.1, 0.1, 0.2, 0.9], abs=1e-12)


@pytest.mark.parametrize(
    ("method", "expected"), [("mean", 0.2), ("median", 0.2), ("min", 0.1), ("max", 0.3), ("first", 0.1)]
)
def test_methods_reduce_physical_values(make_scene, request_of, method, expected):
    scene = make_scene("a", np.full((1, 2, 2), 2000, "uint16"), bands=["red"], nodata=0)
    other = make_scene("b", np.full((1, 2, 2), 3000, "uint16"), bands=["red"], nodata=0)
    bands = {"red": replace(scene.source.bands["red"], **REFLECTANCE)}
    images = [replace(scene.source, bands=bands), replace(other.source, bands=bands, radiometry={"red": OLD})]
    raster = mosaic(images, request_of("red", scene.own, scaling="physical", method=method))
    assert raster.data == pytest.approx(np.full((1, 2, 2), expected), abs=1e-12)


def test_a_data_type_is_given_once_after_the_conversion(baselines, request_of):
    *sources, context = baselines
    raster = mosaic(sources, request_of("red", context, scaling="physical", data_type="Float32"))
    assert raster.data.dtype == np.float32
    assert row(raster).compressed() == pytest.approx([0, 0.1, 0.1, 0.2, 0.9], abs=1e-6)
    raster = mosaic(sources, request_of("red", context, scaling="physical", data_type="Byte"))
    assert row(raster).compressed().tolist() == [0, 0, 0, 0, 1]


def test_lazy_stacks_and_stacks_are_equal(baselines, request_of):
    *sources, context = baselines
    request = request_of("red", context, scaling="physical")
    lazy, _, _ = lazy_stack([[source] for source in sources], request, 2)
    eager = stack([[source] for source in sources], request)
    found = np.asarray(lazy.compute())
    for layer, raster in zip(found, eager, strict=True):
        assert np.array_equal(layer, np.ma.filled(raster.array(), np.nan), equal_nan=True)
    assert found.dtype == lazy.dtype == np.float64


def test_images_without_own_numbers_are_read_as_before(baselines, request_of):
    new, old, context = baselines
    plain = make_plan([new, replace(old, radiometry={})], request_of("red", context, scaling="physical"))
    assert not any(file.calibrated for source in plain.sources for file in source.files)
    assert plain.scales is not None
    # Nor are the images of the product's own numbers converted for display.
    shown = make_plan([new, old], request_of("red", context, scaling="display"))
    assert [file.calibrated for source in shown.sources for file in source.files] == [False, True]
    # Numbers of bands that are not read cost nothing.
    other = make_plan([replace(old, radiometry={"nir": OLD})], request_of("red", context, scaling="physical"))
    assert not any(file.calibrated for source in other.sources for file in source.files)


def test_declared_scalings_follow_from_ranges():
    band = Band("red", data_range=(0, 65535), physical_range=(-0.1, 6.4535))
    assert agrees(declared_scaling(band), NEW)
    assert not agrees(NEW, OLD)
    assert not agrees((2.75e-5, -0.2), (2.75e-5, -0.1))
    assert declared_scaling(Band("red")) is declared_scaling(Band("r", data_range=(1, 1))) is None
    assert declared_scaling(replace(band, data_range=(1, 1))) is None


scalings = st.tuples(
    st.floats(1e-5, 10).flatmap(lambda size: st.sampled_from([size, -size])), st.floats(-100, 100)
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=scalings,
    second=scalings,
    resampler=st.sampled_from(["near", "bilinear", "average", "max"]),
    method=st.sampled_from(["last", "first", "mean", "min", "max"]),
    data_type=st.sampled_from(["Float64", "Float32", "Int16"]),
    seed=st.integers(0, 1000),
)
def test_any_numbers_resampler_method_and_type(
    tmp_path_factory, first, second, resampler, method, data_type, seed
):
    values = np.random.default_rng(seed).integers(1, 10000, (2, 1, 8, 8)).astype("uint16")
    folder = tmp_path_factory.mktemp("pairs")
    bands = {"red": Band("red", "UInt16", 0, data_range=(0.0, 10000.0), physical_range=(0.0, 1.0))}
    sources = [
        Source(f"i{n}", (write_tiff(folder / f"{n}.tif", layer),), bands, radiometry={"red": numbers})
        for n, (layer, numbers) in enumerate(zip(values, (first, second), strict=True))
    ]
    context = square(4 if resampler in ("average", "max") else 8)
    request = Request(
        ("red",), context, resampler=resampler, scaling="physical", data_type=data_type, method=method
    )
    raster = mosaic(sources, request)
    layers = [layer[0].astype(float) for layer in values]
    if resampler in ("average", "max"):
        blocks = [layer.reshape(4, 2, 4, 2) for layer in layers]
        layers = [block.mean((1, 3)) if resampler == "average" else block.max((1, 3)) for block in blocks]
    physical = [
        layer * scale + offset for layer, (scale, offset) in zip(layers, (first, second), strict=True)
    ]
    reduced = {
        "last": physical[1],
        "first": physical[0],
        "mean": (physical[0] + physical[1]) / 2,
        "min": np.minimum(*physical),
        "max": np.maximum(*physical),
    }[method]
    if data_type == "Int16":
        limits = np.iinfo("int16")
        assert np.abs(raster.data[0] - np.clip(reduced, limits.min, limits.max)).max() <= 0.5 + 1e-6
    else:
        # Averages and interpolations are computed in 32 bits, in units of the stored values.
        tolerance = 1e-2 * max(abs(first[0]), abs(second[0])) if resampler in ("bilinear", "average") else 0
        relative = 1e-6 if data_type == "Float32" else 1e-12
        assert np.allclose(raster.data[0], reduced, rtol=relative, atol=tolerance + relative * 1e3)
    assert raster.data.dtype == np.dtype({"Int16": "int16", "Float32": "f4", "Float64": "f8"}[data_type])


@settings(max_examples=40, deadline=None)
@given(
    own=st.tuples(st.floats(1e-5, 1e-3), st.floats(-0.5, 0.5)),
    declared=st.tuples(st.floats(1e-5, 1e-3), st.floats(-0.5, 0.5)),
    seed=st.integers(0, 1000),
)
def test_any_image_is_displayed_by_its_physical_values(tmp_path_factory, own, declared, seed):
    values = np.random.default_rng(seed).integers(1, 10000, (1, 8, 8)).astype("uint16")
    path = write_tiff(tmp_path_factory.mktemp("display") / "a.tif", values)
    scale, offset = declared
    physical_range = (offset, 65535 * scale + offset)
    band = Band(
        "red", data_range=(0.0, 65535.0), physical_range=physical_range, display_range=(1000.0, 5000.0)
    )
    source = Source("a", (path,), {"red": band}, radiometry={"red": own})
    request = Request(("red",), square(8), scaling="display")
    found = read_image(source, request).data
    stored = (values * own[0] + own[1] - offset) / scale
    wanted = np.clip((np.clip(stored, 0, 65535) - 1000) / 4000 * 255, 0, 255)
    # One stored value is a sixteenth of a shade.
    assert np.abs(found.astype(float) - wanted).max() <= 0.5 + 255 / 4000
    assert found.dtype == np.uint8


def square(pixels):
    """Return the area of eight pixels along each edge, in so many pixels."""
    bounds = (500_000.0, 4_200_000.0 - 240, 500_240.0, 4_200_000.0)
    return AOI(bounds=bounds, bounds_crs=UTM14, crs=UTM14, shape=(pixels, pixels))


# Masks
@settings(max_examples=40, deadline=None)
@given(
    dtype=st.sampled_from(["uint8", "uint16", "int16"]),
    by_bits=st.booleans(),
    marked=st.sets(st.integers(0, 14), min_size=1, max_size=5),
    nodata=st.none() | st.integers(0, 20),
    resampler=st.sampled_from(["near", "bilinear", "cubic", "average", "mode", "med"]),
    masked=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_any_mask_of_values_and_bits(
    tmp_path_factory, dtype, by_bits, marked, nodata, resampler, masked, seed
):
    limit = 256 if dtype == "uint8" else 32768
    some = np.random.default_rng(seed).integers(0, 21 if seed % 2 else limit, (1, 8, 8)).astype(dtype)
    path = write_tiff(tmp_path_factory.mktemp("masks") / "a.tif", some)
    step = {} if nodata is None else {"nodata": nodata}
    band = mask_band("m", Band("m"), "any_bits" if by_bits else "any_of", sorted(marked), **step)
    request = Request(("m",), square(8), resampler=resampler, mask_nodata=masked)
    found = read_image(Source("a", (path,), {"m": band}), request)
    if by_bits:
        wanted = (some.astype(int) & sum(1 << bit for bit in marked)) != 0
    else:
        wanted = np.isin(some, sorted(marked))
    missing = np.zeros(some.shape, bool) if nodata is None else some == nodata
    assert found.data.dtype == np.uint8
    if masked:
        assert np.array_equal(found.mask, missing)
        assert np.array_equal(found.data[~missing], wanted[~missing])
    else:
        assert np.array_equal(found.data, np.where(missing, 255, wanted))


def mask_band(name, band, function, values, **step):
    level = [{"function": function, "values": values, "data_type": "Byte", "data_range": (0, 1), **step}]
    return replace(
        band,
        name=name,
        type="mask",
        data_type="Byte",
        nodata=255,
        data_range=(0, 1),
        processing_levels={"default": level},
    )


@pytest.fixture
def classes(make_scene):
    """Return an image of classes and of bits, and its context; 0 is nodata of the classes, 1 of the bits."""
    scl = np.array([[0, 1, 3, 8, 9, 10, 4, 6]] * 8, "uint8")[None]
    qa = np.array([[1, 0, 2, 4, 8, 16, 32, 0b1000000000010]] * 8, "uint16")[None]
    first, second = make_scene("scl", scl, bands=["scl"]), make_scene("qa", qa, bands=["qa"])
    bands = {
        "scl": replace(first.source.bands["scl"], nodata=0, type="class"),
        "cloud_mask": mask_band("cloud_mask", first.source.bands["scl"], "any_of", [3, 8, 9, 10], nodata=0),
        "qa_mask": replace(
            mask_band("qa_mask", second.source.bands["qa"], "any_bits", [1, 2, 3, 4], nodata=1), file_index=1
        ),
    }
    return replace(first.source, bands=bands, files=(*first.source.files, *second.source.files)), first.own


def test_masks_are_0_and_1_and_keep_nodata_masked_7_20(classes, request_of):
    source, context = classes
    raster = read_image(source, request_of("cloud_mask qa_mask scl", context))
    assert raster.data.dtype == np.uint8
    found = raster.array()
    assert found[0, 0].filled(9).tolist() == [9, 0, 1, 1, 1, 1, 0, 0]
    assert found[1, 0].filled(9).tolist() == [9, 0, 1, 1, 1, 1, 0, 1]
    assert found[2, 0].filled(99).tolist() == [99, 1, 3, 8, 9, 10, 4, 6]


@pytest.mark.parametrize(
    "fields", [{"scaling": "physical"}, {"scaling": "display"}, {"processing_level": "toa"}]
)
def test_scaling_modes_and_levels_leave_masks_unchanged(classes, request_of, fields):
    source, context = classes
    raster = read_image(source, request_of("cloud_mask", context, **fields))
    assert raster.array()[0, 0].filled(9).tolist() == [9, 0, 1, 1, 1, 1, 0, 0]


def test_masks_are_not_interpolated_while_other_bands_are_7_20(classes, request_of):
    source, context = classes
    half = context.assign(shape=(4, 4))
    near = read_image(source, request_of("cloud_mask", half)).array()
    for resampler in ("bilinear", "cubic", "average", "mode", "max"):
        raster = read_image(source, request_of("cloud_mask scl", half, resampler=resampler))
        assert np.array_equal(raster.array()[0].filled(9), near[0].filled(9)), resampler
        assert set(np.unique(raster.array()[0].compressed())) <= {0, 1}


def test_missing_pixels_of_a_mask_are_255_without_a_mask_7_20(classes, request_of):
    source, context = classes
    raster = read_image(source, request_of("cloud_mask", context, mask_nodata=False))
    assert raster.mask is None
    assert raster.data[0, 0].tolist() == [255, 0, 1, 1, 1, 1, 0, 0]
    lazy, _, fill = lazy_stack([[source]], request_of("cloud_mask", context), 4)
    assert fill == 255
    assert np.asarray(lazy.compute())[0, 0, 0].tolist() == [255, 0, 1, 1, 1, 1, 0, 0]


def test_the_nodata_of_an_image_takes_precedence_over_its_mask_s(classes, request_of):
    source, context = classes
    source = replace(source, stored={"cloud_mask": StoredPixels(nodata=6)})
    raster = read_image(source, request_of("cloud_mask", context))
    assert raster.array()[0, 0].filled(9).tolist() == [0, 0, 1, 1, 1, 1, 0, 9]


def test_a_computed_mask_is_no_alpha_band_7_20(classes, request_of):
    source, context = classes
    with pytest.raises(ValueError, match="'cloud_mask' of product 'p' cannot be mask_alpha"):
        read_image(source, request_of("scl", context, mask_alpha="cloud_mask"))


@pytest.mark.parametrize("values", [None, [], ["3"], 3, [True], [1.5]])
def test_a_mask_without_values_is_refused(classes, request_of, values):
    source, context = classes
    bands = {"m": mask_band("m", source.bands["scl"], "any_of", values)}
    with pytest.raises(ValueError, match="must have a list of whole numbers as its values"):
        read_image(replace(source, bands=bands), request_of("m", context))


@pytest.mark.parametrize("bits", [[-1], [63]])
def test_bits_are_those_of_whole_numbers(classes, request_of, bits):
    source, context = classes
    bands = {"m": mask_band("m", source.bands["scl"], "any_bits", bits)}
    with pytest.raises(ValueError, match="bits from 0 to 62"):
        read_image(replace(source, bands=bands), request_of("m", context))


# Data types and nodata of single images
def test_the_type_of_a_wider_image_is_known_before_it_is_read(make_scene, request_of, recwarn):
    narrow = make_scene("a", np.full((1, 2, 2), 7, "uint8"), bands=["b"])
    wide = make_scene("b", np.full((1, 2, 2), 700, "int16"), bands=["b"], place=(0, 2))
    source = replace(wide.source, bands=narrow.source.bands, stored={"b": StoredPixels("Int16")})
    lazy, _, _ = lazy_stack([[narrow.source], [source]], request_of("b", wide.own), 2)
    assert lazy.dtype == np.int16
    assert np.asarray(lazy.compute())[1].tolist() == [[[700, 700], [700, 700]]]
    assert not [warning for warning in recwarn if "data type" in str(warning.message)]


def test_the_nodata_of_an_image_masks_its_pixels_only(make_scene, request_of):
    values = np.array([[[7, 9]]], "uint8")
    first = make_scene("a", values, bands=["b"], nodata=9)
    second = replace(first.source, stored={"b": StoredPixels(nodata=7)})
    request = request_of("b", first.own)
    assert read_image(first.source, request).mask.tolist() == [[[False, True]]]
    assert read_image(second, request).mask.tolist() == [[[True, False]]]
    assert math.isfinite(read_image(second, request).data.sum())


@pytest.mark.parametrize("tiled", [True, False])
@pytest.mark.parametrize("resampler", ["near", "bilinear"])
def test_a_certain_nodata_value_takes_precedence_over_the_file_s(make_scene, request_of, tiled, resampler):
    values = np.array([[[0, 50, 255, 100]] * 4], "uint8")
    scene = make_scene("a", values, bands=["b"], nodata=255, file_nodata=0, tiled=tiled)
    request = request_of("b", scene.own, resampler=resampler)
    assert read_image(scene.source, request).mask[0, 0].tolist() == [True, False, False, False]
    certain = replace(scene.source, stored={"b": StoredPixels(nodata=255, is_certain=True)})
    raster = read_image(certain, request)
    assert raster.mask[0, 0].tolist() == [False, False, True, False]
    assert raster.data[0, 0].tolist() == [0, 50, 0, 100]
