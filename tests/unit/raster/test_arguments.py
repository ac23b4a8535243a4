"""The arguments of section 6 and 8 that need no pixels."""

from pathlib import Path

import numpy as np
import pytest

from landbridge.geo import AOI, DLTile, XYZTile
from landbridge.raster import Band
from landbridge.raster.dtypes import common_type
from landbridge.raster.plan.arguments import (
    RESAMPLERS,
    check_alpha_position,
    check_available,
    check_resampler,
    default_name,
    format_of,
    move_bands_axis,
    move_stack_bands_axis,
    override,
    parse_bands,
    resolve_alpha,
)

RED, ALPHA = Band("red"), Band("alpha", "Byte", type="mask")
PLAIN, WITH_ALPHA = {"red": RED}, {"red": RED, "alpha": ALPHA}


def test_6_1_bands_are_a_text_list_or_tuple():
    assert parse_bands("red green") == parse_bands(["red", "green"]) == parse_bands(("red", "green"))
    for bands in ([], "", "red  green", ["red", ""]):
        with pytest.raises(ValueError, match="bands"):
            parse_bands(bands)
    for bands in ({"red"}, 5, None, [1]):
        with pytest.raises(TypeError):
            parse_bands(bands)
    with pytest.raises(ValueError, match="band 'nir' is not available"):
        check_available(("red", "nir"), PLAIN)


def test_6_3_overrides_of_a_geocontext():
    aoi = AOI(bounds=(0, 0, 1, 1), crs="EPSG:4326", shape=(2, 2))
    assert override(aoi, resolution=0.1).resolution == 0.1  # type: ignore[attr-defined]
    assert override(aoi) is aoi
    assert override(DLTile.from_key("128:16:960.0:15:-1:37"), all_touched=True).all_touched
    for context in (DLTile.from_key("128:16:960.0:15:-1:37"), XYZTile(0, 0, 1)):
        with pytest.raises(ValueError, match="cannot change its resolution"):
            override(context, resolution=10)
    with pytest.raises(TypeError):
        override(aoi, resolution="10")


def test_6_5_bands_axis():
    array = np.zeros((3, 4, 5))
    shapes = {axis: move_bands_axis(array, axis).shape for axis in range(-2, 3)}
    assert shapes == {0: (3, 4, 5), 1: (4, 3, 5), 2: (4, 5, 3), -1: (4, 5, 3), -2: (4, 3, 5)}
    for axis in (-3, 3):
        with pytest.raises(ValueError, match="bands_axis"):
            move_bands_axis(array, axis)
    stack = np.zeros((2, 3, 4, 5))
    assert move_stack_bands_axis(stack, 3).shape == move_stack_bands_axis(stack, -1).shape == (2, 4, 5, 3)
    assert move_stack_bands_axis(stack, 2).shape == move_stack_bands_axis(stack, -2).shape == (2, 4, 3, 5)
    for axis in (0, -4):
        with pytest.raises(NotImplementedError):
            move_stack_bands_axis(stack, axis)
    for axis in (-3, 4):
        with pytest.raises(ValueError, match="bands_axis"):
            move_stack_bands_axis(stack, axis)


def test_6_6_alpha_is_looked_for_by_name_in_all_products():
    assert resolve_alpha(None, [WITH_ALPHA]) == "alpha"
    assert resolve_alpha(None, [WITH_ALPHA, PLAIN]) is None
    assert resolve_alpha(False, [WITH_ALPHA]) is None
    assert resolve_alpha(True, [WITH_ALPHA]) == "alpha"
    assert resolve_alpha("red", [WITH_ALPHA]) == "red"
    for mask_alpha in (True, "valid"):
        with pytest.raises(ValueError, match="no band"):
            resolve_alpha(mask_alpha, [PLAIN])
    with pytest.raises(ValueError, match="must be None, a band name, or a bool"):
        resolve_alpha(1, [WITH_ALPHA])


def test_13_7_a_band_marked_alpha_counts_like_one_named_so():
    marked = {"red": RED, "valid": Band("valid", "Byte", type="mask", is_alpha=True)}
    assert resolve_alpha(None, [marked]) == "valid"


def test_6_7_a_requested_alpha_must_be_last():
    check_alpha_position(("red", "alpha"), "alpha")
    with pytest.raises(ValueError, match="must be the last"):
        check_alpha_position(("alpha", "red"), "alpha")


def test_6_12_resamplers():
    assert list(RESAMPLERS)[:6] == ["near", "bilinear", "cubic", "cubicspline", "lanczos", "average"]
    assert list(RESAMPLERS)[6:] == ["mode", "max", "min", "med", "q1", "q3"]
    for name in RESAMPLERS:
        assert check_resampler(name) == name
    with pytest.raises(ValueError, match="nearest"):
        check_resampler("nearest")


@pytest.mark.parametrize(
    ("types", "common"),
    [
        (["UInt16", "Int16"], "Int32"),
        (["Byte", "Int16"], "Int16"),
        (["Int32", "Float32"], "Float32"),
        (["UInt16", "Float32"], "Float32"),
        (["Int16", "UInt32"], "Float64"),
        (["Int32", "UInt32"], "Float64"),
        (["UInt32", "Int32"], "Float64"),
        (["UInt32", "Float32"], "Float64"),
        (["Byte", "UInt16", "Int16"], "Int32"),
    ],
)
def test_6_16_6_17_common_types(types, common):
    assert common_type(types) == common


def test_8_1_formats_go_by_extension_case_sensitively():
    assert format_of("a/b.tif") == "tif"
    assert format_of(Path("b.png")) == "png"
    for path in ("a.tiff", "a.jpeg", "a.TIF", "a", "a.tif.gz"):
        with pytest.raises(ValueError, match="extension"):
            format_of(path)


def test_8_2_destinations_are_paths_and_have_default_names():
    assert default_name("p:image", ("red", "nir"), "png") == "p:image-red-nir.png"
    with pytest.raises(TypeError):
        format_of(object())
