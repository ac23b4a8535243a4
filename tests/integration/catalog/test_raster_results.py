"""Semantics section 6, the results of rasters: axes, masks, layers, types and descriptions, live."""

import numpy as np
import pytest

from landbridge.catalog import Image, ImageCollection, MaskBand, SpectralBand
from landbridge.raster import scaling_parameters
from landbridge.raster.plan.band_attributes import engine_band

SHAPE = (40, 60)


# Axes
def test_results_have_three_axes_and_stacks_four_6_5(images, frame):
    image = images[0]
    assert image.ndarray("red").shape == (1, *SHAPE)
    shapes = {axis: image.ndarray("red nir", bands_axis=axis).shape for axis in range(-2, 3)}
    first, middle, last = (2, 40, 60), (40, 2, 60), (40, 60, 2)
    assert shapes == {0: first, 1: middle, 2: last, -1: last, -2: middle}
    turned = image.ndarray("red nir", bands_axis=-1)
    assert (turned[..., 1] == 200).all()
    assert turned.mask.shape == last
    assert images.mosaic("red nir", geocontext=frame, bands_axis=2).shape == (40, 80, 2)
    for axis in (-4, -3, 3, 4):
        with pytest.raises(ValueError, match="bands_axis"):
            image.ndarray("red", bands_axis=axis)
        with pytest.raises(ValueError, match="bands_axis"):
            images.mosaic("red", geocontext=frame, bands_axis=axis)
    assert images.stack("red", geocontext=frame).shape == (2, 1, 40, 80)
    shapes = {axis: images.stack("red nir", frame, bands_axis=axis).shape for axis in (1, 2, 3, -1, -2)}
    first, middle, last = (2, 2, 40, 80), (2, 40, 2, 80), (2, 40, 80, 2)
    assert shapes == {1: first, 2: middle, 3: last, -1: last, -2: middle}
    for axis in (0, -4):
        with pytest.raises(NotImplementedError):
            images.stack("red", geocontext=frame, bands_axis=axis)
    for axis in (-3, -5, 4, 5):
        with pytest.raises(ValueError, match="bands_axis"):
            images.stack("red", geocontext=frame, bands_axis=axis)


# Masks
def test_nodata_masks_its_band_only_6_6(banded, uploaded):
    values = np.full((2, *SHAPE), 5, "uint16")
    values[0, :, :10] = 0
    values[1, :10] = 0
    image = uploaded(banded, "i", values)
    mask = image.ndarray("red nir").mask
    assert np.array_equal(mask, values == 0)
    assert np.array_equal(image.ndarray("nir").mask, values[1:] == 0)
    assert np.array_equal(image.ndarray("red nir", mask_nodata=False), values)


def test_alpha_masks_if_every_product_has_it_6_6(product_of, uploaded, frame):
    with_alpha, without = product_of("red", "alpha"), product_of("red", "valid")
    values = np.full((2, *SHAPE), 5, "uint16")
    values[1] = 1
    values[1, :, :10] = 0
    one, other = uploaded(with_alpha, "one", values), uploaded(without, "other", values + 0)
    assert np.array_equal(one.ndarray("red").mask[0], values[1] == 0)
    assert np.array_equal(one.ndarray("red", mask_alpha=True).mask[0], values[1] == 0)
    assert np.array_equal(one.ndarray("red", mask_alpha="alpha").mask[0], values[1] == 0)
    assert not one.ndarray("red", mask_alpha=False).mask.any()
    assert not other.ndarray("red").mask.any()
    assert np.array_equal(other.ndarray("red", mask_alpha="valid").mask[0], values[1] == 0)
    mixed = ImageCollection([one, other], geocontext=one.geocontext.assign(geometry=None))
    assert not mixed.mosaic("red").mask.any()
    assert not ImageCollection([other, one], mixed.geocontext).mosaic("red").mask.any()
    layers = mixed.stack("red")
    assert [layer.mask[0, 0, :11].sum() for layer in layers] == [10, 0]
    for images in (mixed, ImageCollection([other], mixed.geocontext)):
        for mask_alpha in (True, "cloud"):
            for call in (images.mosaic, images.stack, images.download_mosaic):
                with pytest.raises(ValueError, match="there is no band"):
                    call("red", mask_alpha=mask_alpha)
    with pytest.raises(ValueError, match="there is no band 'alpha'"):
        other.ndarray("red", mask_alpha=True)
    for mask_alpha in (1, 0, 1.5, ["alpha"]):
        with pytest.raises(ValueError, match="must be None, a band name, or a bool"):
            one.ndarray("red", mask_alpha=mask_alpha)


def test_alpha_masks_all_bands_and_is_dropped_unless_asked_for_6_7(masked, uploaded):
    values = np.full((3, *SHAPE), 500, "uint16")
    values[2] = 3
    values[2, :, :30] = 0
    image = uploaded(masked, "i", values)
    raster = image.ndarray("red nir")
    assert raster.shape == (2, *SHAPE)
    assert raster.mask[:, :, :30].all()
    assert not raster.mask[:, :, 30:].any()
    asked = image.ndarray("red alpha")
    assert asked.shape == (2, *SHAPE)
    assert asked.mask[:, :, :30].all()
    assert (asked[1, :, 30:] == 3).all()
    assert image.ndarray("alpha").shape == (1, *SHAPE)
    for bands in ("alpha red", "red alpha nir"):
        with pytest.raises(ValueError, match="last"):
            image.ndarray(bands)
    assert image.ndarray("alpha red", mask_alpha=False).shape == (2, *SHAPE)


def test_a_result_is_masked_exactly_if_something_masks_6_8(masked, banded, uploaded, frame):
    values = np.full((3, *SHAPE), 5, "uint16")
    values[0, :4] = 0
    values[2, :, :30] = 0
    image = uploaded(masked, "i", values)
    for arguments, hidden in (
        ({}, (values[0] == 0) | (values[2] == 0)),
        ({"mask_alpha": False}, values[0] == 0),
        ({"mask_nodata": False}, values[2] == 0),
    ):
        array = image.ndarray("red nir", **arguments)
        assert isinstance(array, np.ma.MaskedArray)
        assert array.mask.shape == array.shape
        assert array.mask.dtype == bool
        assert np.array_equal(array.mask[0], hidden)  # type: ignore[index]
        assert (array.data[array.mask] == 0).all()
    plain = image.ndarray("red nir", mask_nodata=False, mask_alpha=False)
    assert type(plain) is np.ndarray
    assert not hasattr(plain, "mask")
    assert np.array_equal(plain, values[:2])
    images = ImageCollection([image, image])
    assert type(images.mosaic("red", frame, mask_nodata=False, mask_alpha=False)) is np.ndarray
    assert type(images.stack("red", frame, mask_nodata=False, mask_alpha=False)) is np.ndarray
    # The mask exists although it hides no pixel
    shown = image.ndarray("nir", mask_alpha=False)
    assert shown.mask.shape == shown.shape
    assert not shown.mask.any()


# Mosaics and stacks
def test_the_last_valid_pixel_wins_6_9(images, frame):
    mosaic = images.mosaic("red nir", geocontext=frame)
    expected = np.zeros((40, 80), "uint16")
    expected[:, :60] = 100
    expected[10:, 20:] = 1000
    assert np.array_equal(mosaic[0].filled(0), expected)
    assert np.array_equal(mosaic.mask[0], expected == 0)
    assert np.array_equal(mosaic[1].filled(0), expected * 2)
    reverse = images.sort("acquired", ascending=False).mosaic("red", geocontext=frame)
    assert reverse[0, 20, 30] == 100
    assert reverse[0, 20, 70] == 1000


def test_the_alpha_of_images_is_combined_6_9(masked, uploaded, frame):
    older, newer = np.full((2, 3, *SHAPE), 1, "uint16")
    older[:2], newer[:2] = 100, 200
    older[2, :, :5] = 0
    newer[2, :, :30] = 0
    # Nodata pixels show the older image, band by band, also if alpha is set
    newer[0, :10] = 0
    images = ImageCollection([uploaded(masked, "older", older), uploaded(masked, "newer", newer)])
    mosaic = images.mosaic("red nir alpha", geocontext=images[0].geocontext.assign(geometry=None))
    mask = np.ma.getmaskarray(mosaic)
    assert mask[:, :, :5].all()
    assert not mask[:, :, 5:].any()
    assert (mosaic[0, :, 5:30] == 100).all()
    assert (mosaic[0, :10, 30:] == 100).all()
    assert (mosaic[0, 10:, 30:] == 200).all()
    assert (mosaic[1, :, 30:] == 200).all()
    assert (mosaic[2, :, 5:] == 1).all()


def test_a_stack_has_a_layer_for_each_image_or_group_6_10(images, frame):
    stack = images.stack("red nir", geocontext=frame)
    assert stack.shape == (2, 2, 40, 80)
    assert stack[0, 0, 0, 0] == 100
    assert stack[1, 0].mask[0, 0]
    reverse = ImageCollection(reversed(list(images))).stack("red nir", geocontext=frame)
    assert np.ma.allequal(reverse, stack[::-1])
    assert np.array_equal(reverse.mask, stack.mask[::-1])
    many = ImageCollection([images[number % 2] for number in range(9)]).stack("red", geocontext=frame)
    assert many[:, 0, 20, 40].tolist() == [100, 1000] * 4 + [100]
    flat, infos = images.stack("red", geocontext=frame, flatten="acquired.year", raster_info=True)
    assert flat.shape == (1, 1, 40, 80)
    mosaic = images.mosaic("red", geocontext=frame)
    assert np.array_equal(flat[0].filled(0), mosaic.filled(0))
    assert np.array_equal(flat[0].mask, mosaic.mask)
    assert [info["size"] for info in infos] == [[80, 40]]


def test_layers_of_groups_are_in_the_order_of_their_keys_6_10(images, frame):
    assert images.stack("red", frame, flatten="acquired.month")[:, 0, 20, 40].tolist() == [100, 1000]
    months, infos = images.stack("red", frame, flatten=lambda image: -image.acquired.month, raster_info=True)
    assert months[:, 0, 20, 40].tolist() == [1000, 100]
    assert [len(info["files"]) for info in infos] == [1, 1]
    assert infos[0]["files"] != infos[1]["files"]
    both = images.stack("red", frame, flatten=["acquired.year", lambda image: image.name == "early"])
    assert both[:, 0, 20, 40].tolist() == [1000, 100]
    # The order of the collection applies in a group
    reverse = images.sort("acquired", ascending=False)
    assert reverse.stack("red", frame, flatten="acquired.year")[0, 0, 20, 40] == 100


def test_all_methods_refuse_an_empty_collection_6_10(frame):
    empty = ImageCollection()
    for raster in (empty.stack, empty.mosaic, empty.download, empty.download_mosaic):
        with pytest.raises(ValueError, match="no images"):
            raster("red", geocontext=frame)
    with pytest.raises(ValueError, match="no images"):
        empty.scaling_parameters("red")


def test_raster_info_describes_the_raster_and_uploads_it_6_11(images, frame, banded):
    array, info = images[0].ndarray("red nir", geocontext=frame, raster_info=True)
    mosaic, other = images.mosaic("red nir", geocontext=frame, raster_info=True)
    assert array.shape == mosaic.shape
    assert info["geoTransform"] == [600000, 30, 0, 7000000, 0, -30]
    assert info["size"] == [80, 40]
    assert {"wkt", "proj4", "epsg"} <= set(info["coordinateSystem"])
    assert info["coordinateSystem"]["epsg"] == 32621
    assert info["cornerCoordinates"]["upperLeft"] == [600000, 7000000]
    assert info["cornerCoordinates"]["lowerRight"] == [602400, 6998800]
    assert info["wgs84Extent"]["type"] == "Polygon"
    assert [band["band"] for band in info["bands"]] == [1, 2]
    assert [band["type"] for band in info["bands"]] == ["UInt16", "UInt16"]
    assert [band["description"]["name"] for band in info["bands"]] == ["red", "nir"]
    assert info["bands"][0]["colorInterpretation"] == "Red"
    assert {"metadata", "driverShortName", "files"} <= set(info)
    assert len(info["files"]) == 1
    assert len(other["files"]) == 2
    for name in ("geoTransform", "coordinateSystem", "size", "wgs84Extent", "bands"):
        assert other[name] == info[name]
    copy = Image(product=banded, name="copy", acquired="2020-03-01")
    upload = copy.upload_ndarray(mosaic.filled(0), raster_meta=other)
    upload.wait_for_completion(timeout=60)
    assert upload.status == "success", upload.events
    assert (copy.cs_code, copy.geotrans) == ("EPSG:32621", (600000, 30, 0, 7000000, 0, -30))
    assert np.ma.allequal(copy.ndarray("red nir"), mosaic)


# Types
FITS = {
    "Byte": {"UInt16", "Int16", "UInt32", "Int32", "Float32", "Float64"},
    "UInt16": {"UInt32", "Int32", "Float32", "Float64"},
    "Int16": {"Int32", "Float32", "Float64"},
    "UInt32": {"Float64"},
    "Int32": {"Float32", "Float64"},
    "Float32": {"Float64"},
    "Float64": set(),
}


@pytest.fixture
def typed(product_of, remote):
    """An image with a band of each data type, named after it."""
    product = product_of()
    for index, data_type in enumerate(FITS):
        SpectralBand(
            name=data_type,
            product=product,
            data_type=data_type,
            band_index=index,
            data_range=(0, 1),
            display_range=(0, 1),
        ).save()
    return remote(product, "i")


def test_the_type_is_the_smallest_common_one_6_16(typed, product_of, uploaded):
    order = list(FITS)
    for first in order:
        for second in order:
            both = [
                kind for kind in order if {first, second} <= {kind} | {k for k in FITS if kind in FITS[k]}
            ]
            assert typed.scaling_parameters([first, second]) == (None, both[0]), (first, second)
    assert typed.scaling_parameters("UInt16 Int16")[1] == "Int32"
    assert typed.scaling_parameters("Byte Int16")[1] == "Int16"
    assert typed.scaling_parameters("Int32 Float32")[1] == "Float32"
    assert typed.scaling_parameters("Byte UInt16 Int16")[1] == "Int32"
    signed = uploaded(product_of("a", data_type="Int16"), "i", np.full((1, *SHAPE), -3, "int16"))
    unsigned = uploaded(product_of("a"), "i", np.full((1, *SHAPE), 9, "uint16"))
    for images in ([signed, unsigned], [unsigned, signed]):
        stack = ImageCollection(images).stack("a", geocontext=signed.geocontext)
        assert stack.dtype == np.int32
    assert signed.ndarray("a").dtype == np.int16


def test_unsigned_and_floating_types_meet_in_float64_6_17(typed):
    for other in ("Int16", "Int32", "Float32"):
        for bands in (f"UInt32 {other}", f"{other} UInt32"):
            assert typed.scaling_parameters(bands) == (None, "Float64")
            assert ImageCollection([typed]).scaling_parameters(bands) == (None, "Float64")


def test_an_alpha_fetched_to_mask_does_not_widen_the_type_6_17(product_of, uploaded):
    product = product_of()
    ranges = {"data_range": (0, 255), "display_range": (0, 255)}
    SpectralBand(name="red", product=product, data_type="Byte", band_index=0, **ranges).save()
    MaskBand(name="alpha", product=product, data_type="UInt16", band_index=0, file_index=1).save()
    image = Image(product=product, name="i", acquired="2020-01-01", cs_code="EPSG:32621")
    image.geotrans = (600000, 30, 0, 7000000, 0, -30)
    upload = image.upload_ndarray([np.full((1, *SHAPE), 9, "uint8"), np.full((1, *SHAPE), 1, "uint16")])
    upload.wait_for_completion(timeout=60)
    assert upload.status == "success", upload.events
    images = ImageCollection([image], geocontext=image.geocontext)
    assert image.ndarray("red").dtype == np.uint8
    assert images.mosaic("red").dtype == np.uint8
    assert images.stack("red").dtype == np.uint8
    assert images.mosaic("red alpha").dtype == np.uint16


def test_bands_that_say_little_have_defaults_6_18():
    # As other programs may write them: the Landbridge server requires types and ranges.
    bare = engine_band({"name": "bare"})
    assert scaling_parameters([bare]) == (None, "UInt16")
    assert scaling_parameters([bare], scaling="display") == ([(0, 10000, 0, 255)], "Byte")
    assert scaling_parameters([bare], scaling="physical") == (None, "Float64")
    ranged = engine_band({"name": "ranged", "data_type": "Byte", "data_range": [0, 200]})
    assert scaling_parameters([ranged], scaling="display")[0] == [(0, 200, 0, 255)]
    assert scaling_parameters([ranged], scaling="physical")[0] is None
    physical = engine_band({"name": "physical", "physical_range": [0, 1]})
    assert scaling_parameters([physical], scaling="physical")[0] == [(0, 10000, 0, 1)]
