"""Semantics 13, differences between the guide and the client about pixels, and 9.17, on the live stack."""

import numpy as np
import pytest

from landbridge.catalog import Image, SpectralBand
from landbridge.geo import AOI

CUBE = np.arange(1, 2 * 40 * 60 + 1, dtype="uint16").reshape(2, 40, 60)


@pytest.fixture
def scene(banded, uploaded):
    return uploaded(banded, "scene", CUBE)


def test_arrays_are_bands_rows_and_columns_13_5(scene):
    assert (scene.y_pixels, scene.x_pixels) == CUBE.shape[1:]
    assert np.array_equal(scene.ndarray("red nir"), CUBE)


def test_the_geocontext_of_a_search_prints_all_its_fields_13_12(scene):
    images = scene.product.images().intersects(scene.geometry).collect()
    lines = repr(images.geocontext).splitlines()
    names = ("geometry", "resolution", "crs", "align_pixels", "bounds", "bounds_crs", "shape", "all_touched")
    for name in names:
        assert sum(line.strip().startswith((f"{name}=", f"AOI({name}=")) for line in lines) == 1, name


def test_processing_levels_do_not_forbid_the_auto_mode_13_11(product, uploaded):
    step = {"function": "gain_bias", "parameter": "reflectance_gain_bias", "index": 0, "data_type": "UInt16"}
    SpectralBand(
        name="red",
        product=product,
        data_type="UInt16",
        band_index=0,
        data_range=(0, 10000),
        display_range=(0, 4000),
        processing_levels={"toa": [step], "default": "toa"},
    ).save()
    image = uploaded(product, "i", CUBE[0])
    assert image.scaling_parameters("red", scaling="auto") == ([()], "Byte")
    assert product.get_band("red").processing_levels["toa"][0].function == "gain_bias"


def test_one_geocontext_gives_rasters_of_one_shape_and_place_9_17(scene, uploaded):
    later = {"acquired": "2020-02-01", "geotrans": (600000 + 15, 30, 0, 7000000 - 600, 0, -30)}
    other = uploaded(scene.product, "other", CUBE[:, :30, :25], **later)
    area = AOI(
        crs="EPSG:32621",
        bounds=(600100, 6999000, 601500, 6999900),
        bounds_crs="EPSG:32621",
        resolution=20,
        align_pixels=True,
    )
    (one, one_info), (two, two_info) = (
        image.ndarray("red", geocontext=area, raster_info=True) for image in (scene, other)
    )
    assert one.shape == two.shape
    for name in ("geoTransform", "size", "cornerCoordinates"):
        assert one_info[name] == two_info[name]
    stack = scene.product.images().sort("acquired").collect().stack("red", geocontext=area)
    assert np.ma.allequal(stack[0], one)
    assert np.ma.allequal(stack[1], two)


def test_an_image_of_the_service_keeps_its_grid_13_5(scene):
    assert Image.get(scene.id).geocontext.shape == CUBE.shape[1:]
