"""Processing levels on the live stack: semantics 7.15, 7.16, 7.17 and 14.12 by the object API."""

import numpy as np
import pytest
import rasterio

from landbridge.catalog import GenericBand, Image, SpectralBand
from landbridge.catalog.model.values import ProcessingStepAttribute
from landbridge.geo import AOI
from landbridge.raster import RasterError

RADIANCE = {
    "function": "gain_bias",
    "parameter": "radiance_gain_bias",
    "index": 0,
    "data_type": "Float32",
    "data_range": (0, 800),
    "display_range": (0, 400),
    "physical_range": (0, 800),
}
KELVIN = [
    {"function": "gain_bias", "parameter": "radiance_gain_bias", "index": 1},
    ProcessingStepAttribute(
        function="brightness_temperature", parameter="brightness_temperature_k1_k2", index=0
    ),
]
FRAME = AOI(
    crs="EPSG:32621",
    bounds=(600000, 6999910, 600180, 7000000),
    bounds_crs="EPSG:32621",
    resolution=30,
    align_pixels=False,
)


@pytest.fixture
def calibrated(product, uploaded):
    """Bands red and thermal with the level radiance, and two images with different coefficients."""
    red = {"data_range": (0, 10000), "display_range": (0, 4000), "nodata": 0, "resolution": "30m"}
    SpectralBand(
        name="red",
        product=product,
        data_type="UInt16",
        band_index=0,
        processing_levels={"default": [], "toa": "toa_radiance", "toa_radiance": [RADIANCE]},
        **red,
    ).save()
    GenericBand(
        name="thermal",
        product=product,
        data_type="UInt16",
        band_index=1,
        processing_levels={
            "default": "temperature",
            "temperature": KELVIN,
            "surface": [{**KELVIN[0], "function": "dlsr"}],
        },
        **red,
    ).save()
    early = np.full((2, 10, 12), 10, "uint16")
    later = np.full((2, 10, 12), 20, "uint16")
    later[:, :, :2] = 0
    constants = {"brightness_temperature_k1_k2": [[774.8853, 1321.0789]]}
    uploaded(product, "early", early, acquired="2020-01-05", radiance_gain_bias=[[2, 1], [1, 0]], **constants)
    uploaded(
        product, "later", later, acquired="2020-02-05", radiance_gain_bias=[[30, -5], [0.5, 0]], **constants
    )
    return product


@pytest.fixture
def images(calibrated):
    return calibrated.images().sort("acquired").collect()


def test_levels_are_computed_from_the_images_coefficients_14_12(images):
    stored = images[0].ndarray("red")
    assert stored.dtype == "uint16"
    assert (stored == 10).all()
    level = images[0].ndarray("red", processing_level="toa_radiance")
    assert level.dtype == "float32"
    assert (level == 21).all()
    later = images[1].ndarray("red", processing_level="toa")
    assert later[0, 0, :6].tolist() == [None, None, 595, 595, 595, 595]
    temperature = images[0].ndarray("thermal")
    assert temperature.dtype == "float64"
    assert np.ma.allclose(temperature, 1321.0789 / np.log(774.8853 / 10 + 1))


def test_mosaics_and_stacks_compute_each_image_by_its_own_14_12(images):
    mosaic = images.mosaic("red", geocontext=FRAME, processing_level="toa_radiance")
    assert mosaic[0, 0].tolist() == [21, 21, 595, 595, 595, 595]
    stack = images.stack("red", geocontext=FRAME, processing_level="toa_radiance")
    assert stack[:, 0, 0].tolist() == [[21] * 6, [None, None, 595, 595, 595, 595]]
    both = images.stack("red thermal", geocontext=FRAME, flatten="acquired.year")
    assert both.dtype == "float64"
    assert both[0, 0, 0].tolist() == [10, 10, 20, 20, 20, 20]
    assert np.ma.allclose(both[0, 1], 1321.0789 / np.log(774.8853 / 10 + 1))


def test_downloads_have_the_level_14_12(images, tmp_path):
    path = images.download_mosaic(
        "red", geocontext=FRAME, processing_level="toa", dest=tmp_path / "m.tif", nodata=-1
    )
    with rasterio.open(path) as file:
        assert file.dtypes == ("float32",)
        assert file.read(1)[0, :6].tolist() == [21, 21, 595, 595, 595, 595]
    one = images[1].download("red", processing_level="toa", dest=tmp_path / "i.tif", nodata=-1)
    with rasterio.open(one) as file:
        assert file.read(1)[0, :6].tolist() == [-1, -1, 595, 595, 595, 595]


def test_scaling_goes_by_the_last_steps_type_and_ranges_7_15(images):
    image = images[0]
    assert image.scaling_parameters("red") == (None, "UInt16")
    assert image.scaling_parameters("red", "toa_radiance") == (None, "Float32")
    assert image.scaling_parameters("red", "toa", "display") == ([(0, 400, 0, 255)], "Byte")
    assert image.scaling_parameters("red", "toa", "physical") == (None, "Float64")
    assert images.scaling_parameters("red", "toa", [("10%", "100%")]) == ([(40, 400, 0, 255)], "Byte")
    assert image.scaling_parameters("thermal", None, "display") == ([(0, 1, 0, 255)], "Byte")
    assert image.scaling_parameters("thermal", "surface", "display") == ([(0, 4000, 0, 255)], "Byte")
    assert image.scaling_parameters("red", "no such level") == (None, "UInt16")
    shown = images[1].ndarray("red", processing_level="toa", scaling=[(0, 600)])
    assert shown[0, 0, :6].tolist() == [None, None, 253, 253, 253, 253]


def test_aliases_of_missing_levels_are_refused_7_15(calibrated, images):
    band = calibrated.get_band("red")
    band.processing_levels = {"a": "b", "b": "a", "c": "d"}
    band.save()
    for ask in (images[0].scaling_parameters, images.scaling_parameters):
        with pytest.raises(ValueError, match="infinite loop"):
            ask("red", "a")
        with pytest.raises(ValueError, match="alias of 'd'"):
            ask("red", "c")
    with pytest.raises(ValueError, match="infinite loop"):
        images[0].ndarray("red", processing_level="b")


def test_an_image_without_the_coefficients_is_named_14_12(calibrated, images, uploaded):
    bare = uploaded(calibrated, "bare", np.full((2, 10, 12), 10, "uint16"), acquired="2020-03-05")
    assert (bare.ndarray("red") == 10).all()
    with pytest.raises(RasterError, match=rf"{bare.id}.*radiance_gain_bias\[0\] is not set"):
        bare.ndarray("red", processing_level="toa")
    with pytest.raises(RasterError, match=rf"{bare.id}.*radiance_gain_bias\[0\] is not set"):
        calibrated.images().collect().mosaic("red", geocontext=FRAME, processing_level="toa")
    bare.radiance_gain_bias = [[3, 0], [1, 1]]
    bare.save()
    assert (Image.get(bare.id).ndarray("red", processing_level="toa") == 30).all()


def test_unknown_functions_and_parameters_are_named_14_12(calibrated, images):
    band = calibrated.get_band("red")
    band.processing_levels = {
        "a": [{**RADIANCE, "function": "fun"}],
        "b": [{**RADIANCE, "parameter": "no_attribute"}],
        "c": [{**RADIANCE, "parameter": "name"}],
    }
    band.save()
    with pytest.raises(ValueError, match="'red' has a step with the unknown function 'fun'"):
        images[0].ndarray("red", processing_level="a")
    with pytest.raises(RasterError, match=r"no_attribute\[0\] is not set"):
        images[0].ndarray("red", processing_level="b")
    with pytest.raises(RasterError, match=r"name\[0\] is 'e'"):
        images[0].ndarray("red", processing_level="c")
