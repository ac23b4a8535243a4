"""Semantics section 7, the grammar of scaling and its numbers, by the object API on the live stack.

`tests/unit/raster/test_scaling.py` has the same numbers for the raster engine.
"""

import numpy as np
import pytest

from landbridge.catalog import ClassBand, GenericBand, Image, ImageCollection, MaskBand, SpectralBand

SHAPE = (40, 60)
MASKED = None


@pytest.fixture
def mixed(product):
    """Bands of every kind: red with a physical range, green without one, temperature with floats."""
    optical = {"data_type": "UInt16", "data_range": (0, 10000), "display_range": (0, 4000), "nodata": 0}
    bands = (
        SpectralBand(name="red", physical_range=(0, 1), **optical),
        SpectralBand(name="green", **optical),
        MaskBand(name="cloud", data_type="Byte"),
        ClassBand(name="cover", data_type="Byte", data_range=(0, 9), display_range=(0, 9)),
        GenericBand(name="temperature", data_type="Float32", data_range=(0, 1), display_range=(0, 0.4)),
        GenericBand(name="height", data_type="Int16", data_range=(-500, 500), display_range=(0, 100)),
    )
    for index, band in enumerate(bands):
        band.product = product
        band.band_index = index
        band.save()
    return product


@pytest.fixture
def image(mixed, remote):
    return remote(mixed, "remote")


@pytest.fixture
def scales_of(image):
    """Return the scales and type of an image; a collection of the image must have the same."""
    images = ImageCollection([image])

    def ask(bands, scaling=None, data_type=None, processing_level=None):
        scales, output = image.scaling_parameters(bands, processing_level, scaling, data_type)
        others, same = images.scaling_parameters(bands, processing_level, scaling, data_type)
        assert same == output
        # 7.1: without scaled bands, a collection has None for each band, or None without a scaling
        nothing = [None] * len(bands.split())
        assert others == (scales or (None if scaling is None else nothing))
        return scales, output

    return ask


def test_scales_are_none_empty_or_four_bounds_7_1(image, scales_of):
    assert scales_of("red green") == (None, "UInt16")
    scales, output = scales_of("red green cloud", ["display", "auto", None])
    assert (scales, output) == ([(0, 4000, 0, 255), (), None], "Byte")
    assert isinstance(scales, list)
    assert [type(scale) for scale in scales[:2]] == [tuple, tuple]
    assert image.scaling_parameters("red green", scaling="raw") == (None, "UInt16")
    assert ImageCollection([image]).scaling_parameters("red green", scaling="raw") == ([None, None], "UInt16")


def test_without_scaling_the_data_type_is_common_or_given_7_2(scales_of):
    assert scales_of("red") == (None, "UInt16")
    assert scales_of("red height") == (None, "Int32")
    for data_type in ("Byte", "UInt16", "Int16", "UInt32", "Int32", "Int8", "Float16", "Float32", "Float64"):
        assert scales_of("red", None, data_type) == (None, data_type)
    for data_type in ("byte", "uint8", "UINT16", "Int128", "Float128", "CFloat32", "", 1):
        with pytest.raises(ValueError, match="data_type must be one of Byte, UInt16"):
            scales_of("red", None, data_type)


def test_modes_do_not_scale_masks_and_classes_7_3(scales_of):
    for band in ("cloud", "cover"):
        assert scales_of(f"red {band}", "display") == ([(0, 4000, 0, 255), None], "Byte")
        assert scales_of(f"red {band}", ["physical", "display"]) == ([(0, 10000, 0, 1), None], "Float64")
        assert scales_of(f"red {band}", ["raw", "auto"]) == (None, "UInt16")
        # A weak mode decides if there is no other
        assert scales_of(band, "display") == (None, "Byte")
        assert scales_of(band, "physical") == (None, "Float64")
        # Explicit bounds scale these too
        assert scales_of(band, [(0, 1)]) == ([(0, 1, 0, 255)], "Byte")


def test_mappings_give_bands_their_scaling_by_name_7_3(scales_of):
    assert scales_of("red cloud cover", {"default_": "display"})[0] == [(0, 4000, 0, 255), None, None]
    assert scales_of("red cloud", {"cloud": (0, 1), "red": "display"})[0] == [
        (0, 4000, 0, 255),
        (0, 1, 0, 255),
    ]
    assert scales_of("red green", {"green": "display"})[0] == [None, (0, 4000, 0, 255)]
    explicit = {"red": None, "default_": "display"}
    assert scales_of("red green", explicit)[0] == [None, (0, 4000, 0, 255)]
    assert scales_of("green", {"green": "display", "no_band": "nonsense", "red": 5})[0] == [(0, 4000, 0, 255)]


def test_modes_must_agree_but_auto_and_display_mix_7_4(scales_of):
    for modes in (["raw", "display"], ["physical", "display"], ["auto", "raw"], ["physical", "auto"]):
        with pytest.raises(ValueError, match="Conflicting modes"):
            scales_of("red green", modes)
    assert scales_of("red green", ["auto", "display"]) == ([(), (0, 4000, 0, 255)], "Byte")
    # A mix counts as display: a pair has the output range of display
    assert scales_of("red green", ["auto", (0, 3000)]) == ([(), (0, 3000, 0, 255)], "Byte")
    for mode in ("raw", "auto", "display", "physical"):
        assert scales_of("red green", [None, mode])


@pytest.mark.parametrize(
    ("scaling", "data_type", "output"),
    [
        ("raw", None, "UInt16"),
        ("auto", None, "Byte"),
        ("display", None, "Byte"),
        ("physical", None, "Float64"),
    ],
)
def test_the_mode_decides_the_type_7_5(scales_of, scaling, data_type, output):
    assert scales_of("red", scaling)[1] == output
    for given in ("Byte", "Int32", "Float32"):
        assert scales_of("red", scaling, given)[1] == given


def test_the_type_decides_the_mode_7_5(scales_of):
    pair = [(0, 4000)]
    assert scales_of("red", pair, "Byte") == ([(0, 4000, 0, 255)], "Byte")
    assert scales_of("red", pair, "Float32") == ([(0, 4000, 0, 1)], "Float32")
    assert scales_of("red", pair, "Float64") == ([(0, 4000, 0, 1)], "Float64")
    assert scales_of("red", pair, "UInt16") == ([(0, 4000, 0, 65535)], "UInt16")
    assert scales_of("red", pair, "Int16") == ([(0, 4000, -32768, 32767)], "Int16")
    assert scales_of("red", pair, "UInt32") == ([(0, 4000, 0, 4294967295)], "UInt32")
    assert scales_of("red", pair, "Int32") == ([(0, 4000, -2147483648, 2147483647)], "Int32")


def test_the_scales_of_modes_7_6(scales_of):
    assert scales_of("red", "display") == ([(0, 4000, 0, 255)], "Byte")
    for data_type in ("Byte", "UInt16", "Int16", "UInt32", "Int32"):
        assert scales_of("red", "display", data_type) == ([(0, 4000, 0, 255)], data_type)
    for data_type in ("Float32", "Float64"):
        assert scales_of("red", "display", data_type) == ([(0, 4000, 0, 255.99)], data_type)
    assert scales_of("red", "auto") == ([()], "Byte")
    assert scales_of("red", "physical") == ([(0, 10000, 0, 1)], "Float64")
    assert scales_of("green", "physical") == (None, "Float64")
    assert scales_of("red green", "physical") == ([(0, 10000, 0, 1), None], "Float64")


@pytest.mark.parametrize(
    ("scaling", "data_type", "scales"),
    [
        (["display", (0, 3000)], None, [(0, 4000, 0, 255), (0, 3000, 0, 255)]),
        (["auto", (0, 3000)], "Float32", [(), (0, 3000, 0, 255.99)]),
        ([(0, 3000), "physical"], None, [(0, 3000, 0, 1), None]),
        ([(0, 4000), None], "UInt16", [(0, 4000, 0, 65535), None]),
        ([(0, 4000), None], "Int16", [(0, 4000, -32768, 32767), None]),
        ([(0, 4000), None], "Float64", [(0, 4000, 0.0, 1.0), None]),
        ([(0, 4000), "raw"], None, [(0, 4000, 0, 65535), None]),
    ],
)
def test_pairs_have_the_output_range_of_the_mode_7_7(scales_of, scaling, data_type, scales):
    assert scales_of("red green", scaling, data_type)[0] == scales


def test_percentages_are_of_the_range_of_the_mode_7_8(scales_of):
    assert scales_of("red", [("25%", "75%")]) == ([(1000, 3000, 0, 255)], "Byte")
    assert scales_of("red green", [("2%", "98%", "2%", "98%"), "display"]) == (
        [(80, 3920, 5, 250), (0, 4000, 0, 255)],
        "Byte",
    )
    assert scales_of("red green", [("0%", "50%", "0%", "50%"), "physical"])[0] == [(0, 5000, 0, 0.5), None]
    assert scales_of("red green", [("0%", "50%", "0%", "100%"), "raw"])[0] == [(0, 32767, 0, 65535), None]
    assert scales_of("red", [("-10%", "150%")]) == ([(-400, 6000, 0, 255)], "Byte")
    # Of a range that does not start at 0, and mixed with numbers
    assert scales_of("height green", [("10%", 300), "physical"])[0][0] == (-400, 300, -500, 500)


def test_bounds_are_cut_to_integers_7_9(scales_of):
    assert scales_of("red", [(0, 0.4)]) == ([(0, 0, 0, 255)], "Byte")
    assert scales_of("temperature", [(0, 0.4)]) == ([(0, 0.4, 0, 255)], "Byte")
    assert scales_of("red", [(0.9, 99.9, 0.9, 99.9)], "Int16") == ([(0, 99, 0, 99)], "Int16")
    assert scales_of("red", [(0.9, 99.9, -0.9, 99.9)], "Float32") == ([(0, 99, -0.9, 99.9)], "Float32")


@pytest.mark.parametrize(
    ("scaling", "scales", "data_type"),
    [
        ([(), None], [(), None], "Byte"),
        ([(0, 4000), None], [(0, 4000, 0, 255), None], "Byte"),
        ([(0, 4000, 0, 255), None], [(0, 4000, 0, 255), None], "Float64"),
        ([(0, 4000, "0%", 255), None], [(0, 4000, 0, 255), None], "Float64"),
        ([(0, 4000, 0, 255), (0, 4000)], [(0, 4000, 0, 255), (0, 4000, 0, 255)], "Byte"),
        ([(0, 4000, 0, 10000), (0, 4000)], [(0, 4000, 0, 10000), (0, 4000, 0, 65535)], "UInt16"),
        ([(0, 4000, -1, 255), (0, 4000)], [(0, 4000, -1, 255), (0, 4000, -32768, 32767)], "Int16"),
        ([(0, 4000, 0, 255.0), (0, 4000)], [(0, 4000, 0, 255), (0, 4000, 0, 10000)], "Float64"),
        ([(), (0, 4000)], [(), (0, 4000, 0, 255)], "Byte"),
    ],
)
def test_bounds_imply_a_mode_7_10(scales_of, scaling, scales, data_type):
    assert scales_of("red green", scaling) == (scales, data_type)


def test_percentages_do_not_imply_a_mode_7_10(scales_of):
    for bands, scaling in (
        ("red", [("2%", "98%", "2%", "98%")]),
        ("red green", [("2%", "9%", "2%", "9%"), None]),
    ):
        with pytest.raises(ValueError, match="cannot determine output data type or mode"):
            scales_of(bands, scaling)


def test_nothing_to_scale_keeps_the_common_type_7_11(scales_of):
    assert scales_of("red green", [None, None]) == (None, "UInt16")
    assert scales_of("red green", {}) == (None, "UInt16")
    assert scales_of("red height", {"other": "display"}) == (None, "Int32")


@pytest.mark.parametrize(
    ("bands", "scaling"),
    [
        *(("red", mode) for mode in ("Display", "RAW", "nonsense", "")),
        *(("red", [mode]) for mode in ("Display", "nonsense", "")),
        *(("red", [bounds]) for bounds in ((0,), (0, 1, 2), (0, 1, 2, 3, 4), (None, 1), (0, None), (0, "5"))),
        *(("red", [bounds]) for bounds in (("5", "6"), ("a%", "6%"), ("%", 1), (True, False), (0, [1]))),
        *(("red green", scaling) for scaling in (["display"], ["display"] * 3, [(0, 4000)])),
        *(("red", scaling) for scaling in ([], [5], [{}], 5, 5.0, {"display"}, object(), b"raw")),
        ("red", {"red": "nonsense"}),
        ("red", {"default_": (1, 2, 3)}),
    ],
)
def test_invalid_scalings_are_refused_7_12(scales_of, bands, scaling):
    with pytest.raises(ValueError, match=r"scaling|bounds?"):
        scales_of(bands, scaling)


def test_a_band_must_have_the_same_scale_in_all_products_7_13(image, product_of, remote, tmp_path):
    same, other = product_of("red", "green"), product_of("red", "green")
    band = other.get_band("red")
    band.display_range = (0, 3000)
    band.save()
    alike = ImageCollection([image, remote(same, "same")])
    unlike = ImageCollection([image, remote(other, "other")])
    for bands in ("red", "green red"):
        count = len(bands.split())
        assert alike.scaling_parameters(bands, scaling="display") == ([(0, 4000, 0, 255)] * count, "Byte")
        context = image.geocontext.assign(crs="EPSG:4326", resolution=0.1)
        for call in (unlike.mosaic, unlike.stack, unlike.download, unlike.download_mosaic):
            with pytest.raises(ValueError, match="'red' have incompatible scales"):
                call(bands, geocontext=context, scaling="display")
        with pytest.raises(ValueError, match="'red' have incompatible scales"):
            unlike.scaling_parameters(bands, scaling="display")
    assert unlike.scaling_parameters("green", scaling="display")[0] == [(0, 4000, 0, 255)]
    assert unlike.scaling_parameters("red", scaling=[(0, 5000)])[0] == [(0, 5000, 0, 255)]


def test_pixels_are_scaled_linearly_and_clipped_to_the_type_7_14(banded, uploaded):
    values = np.zeros((2, *SHAPE), "uint16")
    values[0, 0, :5] = [1, 1000, 2000, 4000, 8000]
    image = uploaded(banded, "i", values)

    def read(scaling, data_type=None):
        array = image.ndarray("red", scaling=scaling, data_type=data_type)
        assert array.mask.sum() == array.size - 5
        assert (array.data[array.mask] == 0).all()
        return array.dtype.name, array[0, 0, :6].tolist()

    assert read([(0, 4000)]) == ("uint8", [0, 64, 128, 255, 255, MASKED])
    assert read([(0, 4000, 0, 100)], "Byte") == ("uint8", [0, 25, 50, 100, 200, MASKED])
    assert read([(1000, 2000, 10, 20)], "Int16") == ("int16", [0, 10, 20, 40, 80, MASKED])
    assert read([(1000, 2000, 10, 20)], "Byte") == ("uint8", [0, 10, 20, 40, 80, MASKED])
    assert read([(0, 4000, 255, 0)], "Int16") == ("int16", [255, 191, 128, 0, -255, MASKED])
    assert read([(0, 10000, 0, 1)])[1][:5] == pytest.approx([0.0001, 0.1, 0.2, 0.4, 0.8])
    # The actual minimum and maximum, of the pixels that are not masked
    assert read("auto") == ("uint8", [0, 32, 64, 127, 255, MASKED])
    assert read([()], "UInt16") == ("uint16", [0, 32, 64, 127, 255, MASKED])
    assert read(None, "Byte") == ("uint8", [1, 255, 255, 255, 255, MASKED])


# Processing levels: see test_levels.py too
def with_levels(product, levels):
    band = product.get_band("red")
    band.processing_levels = levels
    band.save()


def test_a_level_is_looked_up_and_gives_type_and_ranges_7_15(mixed, scales_of):
    step = {"function": "gain_bias", "parameter": "radiance_gain_bias", "index": 0}
    ranged = {"data_range": (0, 2), "display_range": (0, 0.4), "physical_range": (0, 200)}
    with_levels(
        mixed,
        {
            "default": "toa",
            "toa": "reflectance",
            "reflectance": [{**step, "data_type": "UInt16"}, {**step, **ranged}],
            "plain": [step],
            "whole": [{**step, "data_type": "Int16"}],
            "range": [{**step, "data_type": "Float32", "data_range": (0, 5)}],
            "stored": [{**step, "function": "dlsr", "data_type": "Float64", "data_range": (0, 7)}],
            "raw": [],
        },
    )
    for level in (None, "default", "toa", "reflectance"):
        assert scales_of("red", None, None, level) == (None, "Float64")
        assert scales_of("red", "display", None, level) == ([(0, 0.4, 0, 255)], "Byte")
        assert scales_of("red", "physical", None, level) == ([(0, 2, 0, 200)], "Float64")
    assert scales_of("red", "display", None, "plain") == ([(0, 1, 0, 255)], "Byte")
    assert scales_of("red", "physical", None, "plain") == (None, "Float64")
    assert scales_of("red", None, None, "whole") == (None, "Int16")
    assert scales_of("red", "display", None, "whole") == ([(-32768, 32767, 0, 255)], "Byte")
    assert scales_of("red", None, None, "range") == (None, "Float32")
    assert scales_of("red", "display", None, "range") == ([(0, 5, 0, 255)], "Byte")
    assert scales_of("red", "physical", None, "range") == (None, "Float64")
    for level in ("raw", "stored", "no such level"):
        assert scales_of("red", None, None, level) == (None, "UInt16")
        assert scales_of("red", "display", None, level) == ([(0, 4000, 0, 255)], "Byte")
        assert scales_of("red", "physical", None, level) == ([(0, 10000, 0, 1)], "Float64")


def test_aliases_end_within_ten_hops_7_15(mixed, image):
    hops = {f"a{hop}": f"a{hop - 1}" for hop in range(1, 12)}
    with_levels(mixed, {**hops, "a0": [], "b": "c", "c": "b", "d": "nowhere"})
    assert image.scaling_parameters("red", "a9") == (None, "UInt16")
    for level in ("a10", "a11", "b"):
        with pytest.raises(ValueError, match="infinite loop"):
            image.scaling_parameters("red", level)
    with pytest.raises(ValueError, match="'d' of band 'red' is an alias of 'nowhere'"):
        image.scaling_parameters("red", "d")


def test_bands_without_levels_take_the_usual_names_7_16(scales_of):
    for level in (None, "default", "toa", "surface"):
        assert scales_of("red", None, None, level) == (None, "UInt16")
    for level in ("toa_reflectance", "raw", "Default", "x"):
        with pytest.raises(ValueError, match=f"band 'red' has no processing level '{level}'"):
            scales_of("red", None, None, level)
        assert scales_of("cloud cover", None, None, level) == (None, "Byte")


def test_levels_do_not_forbid_the_auto_mode_7_17(banded, uploaded):
    step = {"function": "gain_bias", "parameter": "radiance_gain_bias", "index": 0}
    with_levels(banded, {"default": [step]})
    values = np.full((2, *SHAPE), 10, "uint16")
    values[0, 0, :3] = [0, 20, 30]
    image = uploaded(banded, "i", values, radiance_gain_bias=[[-0.5, 7]])
    assert image.scaling_parameters("red", scaling="auto") == ([()], "Byte")
    array = image.ndarray("red", scaling="auto")
    assert array.dtype == np.uint8
    assert array[0, 0, :4].tolist() == [MASKED, 128, 0, 255]


def test_derived_parameters_compute_nothing_7_18(banded, uploaded):
    band = banded.get_band("red")
    band.derived_params = {"function": "ndvi", "bands": ["nir", "red"]}
    band.save()
    image = uploaded(banded, "i", np.full((2, *SHAPE), 9, "uint16"))
    assert (image.ndarray("red") == 9).all()
    for name in ("ndvi", "derived:ndvi"):
        with pytest.raises(ValueError, match="not available"):
            image.ndarray(name)


def test_alpha_is_the_band_marked_so_or_named_so_7_18_13_7(product_of, uploaded):
    values = np.full((2, *SHAPE), 9, "uint16")
    values[1, :, :10] = 0
    named, marked, plain = product_of("red", "alpha"), product_of("red"), product_of("red")
    for product, is_alpha in ((marked, True), (plain, False)):
        MaskBand(name="valid", product=product, data_type="UInt16", band_index=1, is_alpha=is_alpha).save()
    hidden = {
        product.id: uploaded(product, "i", values).ndarray("red").mask.sum()
        for product in (named, marked, plain)
    }
    assert list(hidden.values()) == [400, 400, 0]
    assert Image.get(f"{plain.id}:i").ndarray("red", mask_alpha="valid").mask.sum() == 400
