"""Files with unusual georeferencing, types or scales: the resulting images, or the errors."""

import numpy as np
import pyproj
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.rpc import RPC
from rasterio.transform import from_origin

from landbridge.catalog import GenericBand, Image, MaskBand, Product
from landbridge.geo import AOI

ARRAY = np.arange(2 * 40 * 60, dtype="uint16").reshape(2, 40, 60) + 1
UTM, PLACE = "EPSG:32632", from_origin(500_000, 5_000_000, 30, 30)
DEGREES = from_origin(10, 50, 0.01, 0.01)
UTM_3D = pyproj.CRS("EPSG:32632").to_3d().to_wkt()


@pytest.fixture
def send(request, tmp_path):
    """Write a GeoTIFF, change it, upload it, and return the image and its upload."""

    def write(array=ARRAY, change=None, product=None, attributes=None, **profile):
        product = product or request.getfixturevalue("banded")
        path = tmp_path / "scene.tif"
        count, rows, columns = array.shape
        options = {"crs": UTM, "transform": PLACE, "dtype": array.dtype, **profile}
        with rasterio.open(
            path, "w", driver="GTiff", count=count, height=rows, width=columns, **options
        ) as file:
            file.write(array)
        if change is not None:
            with rasterio.open(path, "r+") as file:
                change(file)
        image = Image(product=product, name="x", acquired="2020-01-01", **(attributes or {}))
        upload = image.upload(str(path))
        upload.wait_for_completion(timeout=60)
        return image, upload

    return write


def warnings_of(upload):
    return [event.message for event in upload.events if event.severity == "WARNING"]


def failure_of(upload):
    assert upload.status == "failure"
    (message,) = [event.message for event in upload.events if event.severity == "ERROR"]
    return message


@pytest.mark.parametrize(
    ("crs", "transform", "code", "height"),
    [
        ("EPSG:4979", DEGREES, "EPSG:4326", "ellipsoidal height"),
        ("EPSG:9707", DEGREES, "EPSG:4326", "EGM96 height"),
        ("EPSG:7415", from_origin(100_000, 450_000, 30, 30), "EPSG:28992", "NAP height"),
        (CRS.from_string("EPSG:32632+5773"), PLACE, "EPSG:32632", "EGM96 height"),
    ],
)
def test_a_system_with_a_height_places_pixels_by_its_horizontal_part(send, crs, transform, code, height):
    image, upload = send(crs=crs, transform=transform)
    assert upload.status == "success", upload.events
    assert image.cs_code == code
    assert np.array_equal(image.ndarray("red nir").data, ARRAY)
    (told,) = warnings_of(upload)
    assert height in told
    assert "is not kept" in told


@pytest.mark.filterwarnings("ignore:cs_code and projection:FutureWarning")
@pytest.mark.parametrize(
    "attributes", [{"projection": UTM_3D}, {"projection": "EPSG:32632+5773"}, {"cs_code": "EPSG:9707"}]
)
def test_a_system_with_a_height_that_the_user_gives_does_the_same(send, attributes):
    image, upload = send(attributes=attributes, transform=DEGREES if "9707" in str(attributes) else PLACE)
    assert upload.status == "success", upload.events
    assert image.cs_code == ("EPSG:4326" if "9707" in str(attributes) else UTM)
    assert image.projection is None
    assert np.array_equal(image.ndarray("red nir").data, ARRAY)


@pytest.mark.parametrize(("crs", "kind"), [("EPSG:4978", "geocentric"), ("EPSG:5773", "local")])
def test_a_system_that_places_nothing_on_a_map_is_refused(send, crs, kind):
    _, upload = send(crs=crs)
    message = failure_of(upload)
    assert f"is {kind}" in message
    assert "gdalwarp" in message


def test_a_file_placed_by_control_points_is_to_be_warped_first(send):
    points = [GroundControlPoint(r, c, 10 + c / 99, 50 - r / 99) for r, c in ((0, 0), (0, 60), (40, 0))]
    _, upload = send(transform=None, gcps=points, crs="EPSG:4326")
    message = failure_of(upload)
    assert "3 ground control points" in message
    assert "Warp it first" in message


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_file_placed_by_coefficients_is_to_be_warped_first(send):
    def coefficients(file):
        file.rpcs = RPC(
            height_off=0, height_scale=100, lat_off=50, lat_scale=1, line_den_coeff=[1.0] + [0.0] * 19,
            line_num_coeff=[0, 0, 1.0] + [0.0] * 17, line_off=20, line_scale=20, long_off=10, long_scale=1,
            samp_den_coeff=[1.0] + [0.0] * 19, samp_num_coeff=[0, 1.0] + [0.0] * 18, samp_off=25,
            samp_scale=25,
        )  # fmt: skip

    _, upload = send(transform=None, crs=None, change=coefficients)
    assert "RPCs), not on a grid. Warp it first" in failure_of(upload)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_pixels_are_refused_with_a_clear_message(send, dtype):
    _, upload = send(array=ARRAY.astype(dtype))
    message = failure_of(upload)
    assert "holds complex numbers" in message
    assert "amplitude and phase" in message


def scaled(scale, offset):
    def change(file):
        file.scales, file.offsets = (scale,) * file.count, (offset,) * file.count

    return change


def test_scale_and_offset_of_a_file_fill_the_physical_range(send, product):
    for place, (name, given) in enumerate((("red", None), ("nir", (0.0, 1.0)))):
        band = GenericBand(name=name, product=product, data_type="UInt16", band_index=place)
        band.data_range, band.display_range = (0, 10000), (0, 4000)
        if given:
            band.physical_range = given
        band.save()
    MaskBand(name="m", product=product, data_type="UInt16", band_index=1).save()
    image, upload = send(product=product, change=scaled(2.75e-5, -0.2))
    assert upload.status == "success", upload.events
    again = Product.get(product.id)
    assert again.get_band("red").physical_range == pytest.approx((-0.2, 0.075))  # type: ignore[attr-defined]
    assert again.get_band("nir").physical_range == (0.0, 1.0), "what is set stays"  # type: ignore[attr-defined]
    assert again.get_band("red").data_range == (0, 10000)
    (told,) = warnings_of(upload)
    assert told.startswith("The file of band 'nir' states scale 2.75e-05 and offset -0.2")
    assert "its physical_range is (0, 1)" in told
    (set_,) = [event.message for event in upload.events if "is set to" in event.message]
    assert "'red'" in set_
    assert np.array_equal(image.ndarray("red").data[0], ARRAY[0]), "pixels stay as they are stored"
    physical = image.ndarray("red", scaling="physical")[0]
    assert np.allclose(physical, ARRAY[0] * 2.75e-5 - 0.2)


def test_scale_and_offset_that_agree_say_nothing(send, product):
    band = GenericBand(name="red", product=product, data_type="UInt16", band_index=0)
    band.data_range, band.display_range, band.physical_range = (0, 10000), (0, 4000), (-1.0, 19999.0)
    band.save()
    _, upload = send(product=product, change=scaled(2.0, -1.0))
    assert upload.status == "success", upload.events
    assert not warnings_of(upload)
    assert Product.get(product.id).get_band("red").physical_range == (-1.0, 19999.0)  # type: ignore[attr-defined]


def test_a_resolution_in_the_unit_of_another_system_is_refused(banded, uploaded):
    image = uploaded(banded, "i", ARRAY)
    with pytest.raises(ValueError, match=r"resolution 10 is larger than the whole area.*degrees.*9e-05"):
        image.ndarray("red", crs="EPSG:4326", resolution=10)
    with pytest.raises(ValueError, match="less than one pixel of resolution 1000000"):
        image.ndarray("red", resolution=1_000_000)
    bounds = image.geocontext.bounds
    area = AOI(bounds=bounds, bounds_crs=image.cs_code, crs="EPSG:4326", resolution=10)
    images = banded.images().collect()
    for read in (images.mosaic, images.stack, image.ndarray):
        with pytest.raises(ValueError, match="resolution 10 is larger than the whole area"):
            read("red", area)
    assert image.ndarray("red", crs="EPSG:4326", resolution=0.0005).shape[1] > 1
