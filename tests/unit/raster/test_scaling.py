"""Section 7 of the semantics, by statement."""

import numpy as np
import pytest

from landbridge.raster import Band, collection_scaling_parameters, scaling_parameters
from landbridge.raster.rescale import actual_scale, rescale_values

RED = Band("red", "UInt16", display_range=(0.0, 4000.0), data_range=(0.0, 10000.0), physical_range=(0.0, 1.0))
GREEN = Band("green", "UInt16", display_range=(0.0, 4000.0), data_range=(0.0, 10000.0))
MASK = Band("cloud", "Byte", type="mask", data_range=(0.0, 1.0))
FLOAT = Band("temp", "Float32", display_range=(0.0, 0.4))


def test_7_1_no_band_scaled_gives_no_scales():
    assert scaling_parameters([RED, GREEN]) == (None, "UInt16")
    assert scaling_parameters([RED], scaling="raw") == (None, "UInt16")
    assert scaling_parameters([RED, GREEN], scaling=["display", None]) == ([(0, 4000, 0, 255), None], "Byte")


def test_7_1_raw_of_collections_gives_one_none_per_band():
    assert collection_scaling_parameters([[RED, GREEN]], scaling="raw") == ([None, None], "UInt16")
    assert collection_scaling_parameters([[RED, GREEN]]) == (None, "UInt16")


def test_7_2_without_scaling_the_data_type_is_common_or_given():
    assert scaling_parameters([RED, MASK]) == (None, "UInt16")
    assert scaling_parameters([RED], data_type="Float32") == (None, "Float32")
    for data_type in ("byte", "uint16", "Int128", "", 8):
        with pytest.raises(ValueError, match="data_type"):
            scaling_parameters([RED], data_type=data_type)


def test_7_3_modes_leave_masks_alone():
    assert scaling_parameters([RED, MASK], scaling="display") == ([(0, 4000, 0, 255), None], "Byte")
    assert scaling_parameters([RED, MASK], scaling=["physical", "display"])[1] == "Float64"
    assert scaling_parameters([MASK], scaling="display") == (None, "Byte")
    assert scaling_parameters([MASK], scaling="physical") == (None, "Float64")


def test_7_3_mappings():
    by_default = {"default_": "display"}
    assert scaling_parameters([RED, MASK], scaling=by_default)[0] == [(0, 4000, 0, 255), None]
    explicit = {"red": None, "default_": "display", "unknown": "no matter"}
    assert scaling_parameters([RED, GREEN], scaling=explicit)[0] == [None, (0, 4000, 0, 255)]
    assert scaling_parameters([RED, GREEN], scaling={"red": "display"})[0] == [(0, 4000, 0, 255), None]


def test_7_4_modes_must_agree_but_auto_and_display_mix():
    with pytest.raises(ValueError, match="Conflicting modes"):
        scaling_parameters([RED, GREEN], scaling=["raw", "display"])
    assert scaling_parameters([RED, GREEN], scaling=["auto", "display"]) == ([(), (0, 4000, 0, 255)], "Byte")


@pytest.mark.parametrize(
    ("scaling", "data_type", "output"),
    [
        ("raw", None, "UInt16"),
        ("auto", None, "Byte"),
        ("display", None, "Byte"),
        ("physical", None, "Float64"),
        ("display", "UInt16", "UInt16"),
    ],
)
def test_7_5_output_type_by_mode(scaling, data_type, output):
    assert scaling_parameters([RED], scaling=scaling, data_type=data_type)[1] == output


@pytest.mark.parametrize(
    ("data_type", "scale"),
    [
        ("Byte", (0, 4000, 0, 255)),
        ("Float32", (0, 4000, 0, 1)),
        ("UInt16", (0, 4000, 0, 65535)),
    ],
)
def test_7_5_mode_by_data_type(data_type, scale):
    assert scaling_parameters([RED], scaling=[(0, 4000)], data_type=data_type) == ([scale], data_type)


def test_7_6_scales_of_modes():
    assert scaling_parameters([RED], scaling="display")[0] == [(0, 4000, 0, 255)]
    assert scaling_parameters([RED], scaling="display", data_type="Float32")[0] == [(0, 4000, 0, 255.99)]
    assert scaling_parameters([RED], scaling="auto")[0] == [()]
    assert scaling_parameters([RED], scaling="physical")[0] == [(0, 10000, 0, 1)]
    assert scaling_parameters([RED, GREEN], scaling="physical")[0] == [(0, 10000, 0, 1), None]


def test_7_6_physical_ranges_cut_for_an_integer_type():
    band = Band("t", "UInt16", data_range=(0.0, 1000.0), physical_range=(-10.5, 20.5))
    assert scaling_parameters([band], scaling="physical", data_type="Int16")[0] == [(0, 1000, -10, 20)]


@pytest.mark.parametrize(
    ("scaling", "data_type", "scales"),
    [
        (["display", (0, 3000)], None, [(0, 4000, 0, 255), (0, 3000, 0, 255)]),
        (["display", (0, 3000)], "Float64", [(0, 4000, 0, 255.99), (0, 3000, 0, 255.99)]),
        (["physical", (0, 3000)], None, [(0, 10000, 0, 1), (0, 3000, 0, 10000)]),
        ([(0, 4000), None], "UInt16", [(0, 4000, 0, 65535), None]),
        ([(0, 4000), None], "Int16", [(0, 4000, -32768, 32767), None]),
        ([(0, 4000), None], "Float64", [(0, 4000, 0.0, 1.0), None]),
    ],
)
def test_7_7_output_ranges_of_pairs(scaling, data_type, scales):
    assert scaling_parameters([RED, GREEN], scaling=scaling, data_type=data_type)[0] == scales


def test_7_8_percentages():
    assert scaling_parameters([RED], scaling=[("25%", "75%")])[0] == [(1000, 3000, 0, 255)]
    four = [("2%", "98%", "2%", "98%"), "display"]
    assert scaling_parameters([RED, GREEN], scaling=four)[0] == [(80, 3920, 5, 250), (0, 4000, 0, 255)]
    assert scaling_parameters([RED, GREEN], scaling=[("0%", "110%"), "physical"])[0][0][:2] == (0, 11000)
    assert scaling_parameters([RED, GREEN], scaling=[("0%", "50%"), "raw"])[0][0] == (0, 32767, 0, 65535)
    assert scaling_parameters([RED], scaling=[("-10%", "150%")])[0] == [(-400, 6000, 0, 255)]


def test_7_9_bounds_are_cut_to_integers():
    assert scaling_parameters([RED], scaling=[(0, 0.4)])[0] == [(0, 0, 0, 255)]
    assert scaling_parameters([FLOAT], scaling=[(0, 0.4)])[0] == [(0, 0.4, 0, 255)]
    assert scaling_parameters([FLOAT], scaling="display") == ([(0.0, 0.4, 0, 255)], "Byte")


@pytest.mark.parametrize(
    ("scaling", "scales", "data_type"),
    [
        ([(), None], [(), None], "Byte"),
        ([(0, 4000), None], [(0, 4000, 0, 255), None], "Byte"),
        ([(0, 4000, 0, 255), None], [(0, 4000, 0, 255), None], "Float64"),
        ([(0, 4000, 0, 255), (0, 4000)], [(0, 4000, 0, 255), (0, 4000, 0, 255)], "Byte"),
        ([(0, 4000, 0, 10000), (0, 4000)], [(0, 4000, 0, 10000), (0, 4000, 0, 65535)], "UInt16"),
        ([(0, 4000, -5, 255), (0, 4000)], [(0, 4000, -5, 255), (0, 4000, -32768, 32767)], "Int16"),
        ([(), (0, 4000)], [(), (0, 4000, 0, 255)], "Byte"),
    ],
)
def test_7_10_implied_modes(scaling, scales, data_type):
    assert scaling_parameters([RED, GREEN], scaling=scaling) == (scales, data_type)


def test_7_10_a_float_among_mixed_outputs_gives_float64():
    assert scaling_parameters([RED, GREEN], scaling=[(0, 4000, 0, 255.0), (0, 4000)])[1] == "Float64"


def test_7_10_percentages_alone_decide_nothing():
    with pytest.raises(ValueError, match="cannot determine output data type or mode"):
        scaling_parameters([RED], scaling=[("2%", "98%", "2%", "98%")])


def test_7_11_nothing_to_scale_keeps_the_common_type():
    assert scaling_parameters([RED, GREEN], scaling=[None, None]) == (None, "UInt16")
    assert scaling_parameters([RED], scaling={"other": "display"}) == (None, "UInt16")


@pytest.mark.parametrize(
    "scaling",
    [
        "Display",
        "",
        ["display"],
        ["display"] * 3,
        [(0,), None],
        [(0, 1, 2), None],
        [("5", "6"), None],
        [("a%", "6%"), None],
        [(None, 1), None],
        [5, None],
        5,
        [],
        {"display", "raw"},
    ],
)
def test_7_12_invalid_scalings(scaling):
    with pytest.raises(ValueError):  # noqa: PT011 - that each is refused is the statement
        scaling_parameters([RED, GREEN], scaling=scaling)


def test_7_13_products_must_scale_a_band_alike():
    other = Band("red", "UInt16", display_range=(0.0, 3000.0))
    assert collection_scaling_parameters([[RED], [RED]], scaling="display")[0] == [(0, 4000, 0, 255)]
    for products in ([[RED, GREEN], [other, GREEN]], [[RED], [other]]):
        with pytest.raises(ValueError, match="incompatible"):
            collection_scaling_parameters(products, scaling="display")
    with pytest.raises(ValueError, match="no products"):
        collection_scaling_parameters([])


def test_7_14_application_is_linear_and_clips_to_the_type_only():
    values = np.array([0, 1000, 2000, 4000, 8000], "uint16")
    byte = np.dtype("uint8")
    assert rescale_values(values, (0, 4000, 0, 255), byte).tolist() == [0, 64, 128, 255, 255]
    assert rescale_values(values, (0, 4000, 0, 100), byte).tolist() == [0, 25, 50, 100, 200]
    assert rescale_values(values, (1000, 2000, 10, 20), np.dtype("int16")).tolist() == [0, 10, 20, 40, 80]
    assert rescale_values(values, (0, 10000, 0, 1), np.dtype("float64")).tolist() == [0, 0.1, 0.2, 0.4, 0.8]
    many = np.resize(values, 100_000)
    assert (rescale_values(many, (0, 4000, 0, 255), byte) == np.resize([0, 64, 128, 255, 255], 100_000)).all()


def test_7_14_auto_runs_from_the_actual_minimum_to_the_maximum():
    values = np.array([[10, 20], [30, 0]], "uint16")
    mask = np.array([[False, False], [False, True]])
    assert actual_scale(values, mask) == (10, 30, 0, 255)
    assert actual_scale(values, np.ones((2, 2), bool)) is None


def test_7_15_levels_give_the_type_and_ranges():
    levels = {
        "default": "toa",
        "toa": "reflectance",
        "reflectance": [
            {"function": "gain_bias", "data_type": "UInt16"},
            {"function": "x", "data_type": "Float64", "data_range": [0, 2], "display_range": [0, 0.4]},
        ],
        "plain": [{"function": "x"}],
        "stored": [{"function": "dlsr", "data_type": "Float64"}],
        "raw": [],
    }
    band = Band("red", "UInt16", data_range=(0.0, 10000.0), processing_levels=levels)
    assert scaling_parameters([band], "toa", "display") == ([(0, 0.4, 0, 255)], "Byte")
    assert scaling_parameters([band])[1] == "Float64"
    assert scaling_parameters([band], "plain", "display")[0] == [(0, 1, 0, 255)]
    assert scaling_parameters([band], "stored") == (None, "UInt16")
    assert scaling_parameters([band], "raw") == (None, "UInt16")
    assert scaling_parameters([band], "unknown") == (None, "UInt16")


def test_7_15_aliases_must_lead_somewhere():
    circle = Band("red", processing_levels={"a": "b", "b": "a"})
    with pytest.raises(ValueError, match="infinite loop"):
        scaling_parameters([circle], "a")
    with pytest.raises(ValueError, match="alias"):
        scaling_parameters([Band("red", processing_levels={"a": "b"})], "a")


def test_7_16_bands_without_levels():
    for level in (None, "default", "toa", "surface"):
        assert scaling_parameters([RED], level) == (None, "UInt16")
    with pytest.raises(ValueError, match="processing level"):
        scaling_parameters([RED], "toa_reflectance")
    assert scaling_parameters([MASK], "toa_reflectance") == (None, "Byte")


@pytest.mark.parametrize("strange", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("masked", [True, False])
def test_7_3_the_actual_range_is_that_of_finite_pixels(make_scene, strange, masked):
    from landbridge.raster import Request, read_image

    values = np.linspace(-3, 5, 64 * 64, dtype="float32").reshape(1, 64, 64)
    values[0, 10, 10:20] = strange
    scene = make_scene("i", values)
    raster = read_image(scene.source, Request(("b0",), scene.own, scaling="auto", mask_nodata=masked))
    assert raster.data.dtype == np.uint8
    assert (raster.data.min(), raster.data.max()) == (0, 255)
    finite = np.isfinite(values)
    exact = (values[finite] + 3) * (255 / 8)
    assert np.abs(raster.data[finite] - exact).max() <= 0.51
    if strange == float("inf"):
        assert (raster.data[~finite] == 255).all()
    elif strange == float("-inf"):
        assert (raster.data[~finite] == 0).all()


def test_7_3_a_band_without_finite_pixels_has_no_actual_range(make_scene):
    from landbridge.raster import Request, read_image

    scene = make_scene("i", np.full((1, 64, 64), np.inf, "float32"))
    raster = read_image(scene.source, Request(("b0",), scene.own, scaling="auto"))
    assert (raster.data == 255).all()
