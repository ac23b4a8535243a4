"""Images and collections as xarray arrays, lazy or in memory, and mosaics by method, on the live stack."""

import warnings

import numpy as np
import pytest

from landbridge.catalog import ImageCollection, Product
from landbridge.geo import AOI
from support.lazy_import import LazyModule

from .conftest import new_product, upload_array

dask_array = LazyModule("dask.array")
xarray = LazyModule("xarray")

SHAPE = (40, 60)
DAYS = ("2020-01-05T16:00", "2020-01-05T16:00", "2020-01-06T02:00", "2020-02-06T16:00")


@pytest.fixture(scope="module")
def four(stack):
    """The id of a product that all tests share: uploads take long."""
    banded = new_product("red", "nir")
    for number, acquired in enumerate(DAYS):
        values = np.full((2, *SHAPE), 100 * (number + 1), "uint16")
        values[1] += 1
        values[:, :, 10 * number : 10 * number + 10] = 0
        upload_array(banded, f"i{number}", values, acquired=acquired)
    return banded.id


@pytest.fixture
def images(four):
    """Four images of one place off Greenland; the third is from the local evening of the first two's day."""
    import odc.geo.xr  # noqa: F401 - the accessor .odc

    return Product.get(four).images().sort("name").collect()


@pytest.fixture
def frame():
    return AOI(
        crs="EPSG:32621",
        bounds=(600000, 7000000 - 50 * 30, 600000 + 70 * 30, 7000000),
        bounds_crs="EPSG:32621",
        resolution=30,
        align_pixels=False,
    )


def test_an_image_is_an_array_of_bands_with_coordinates(images):
    image = images[1]
    array = image.to_xarray("nir red")
    assert array.dims == ("band", "y", "x")
    assert array.band.values.tolist() == ["nir", "red"]
    assert array.x.values[:2].tolist() == [600015, 600045]
    assert array.y.values[:2].tolist() == [6999985, 6999955]
    assert array.time.values == np.datetime64("2020-01-05T16:00", "ns")
    assert array.time.dtype == "datetime64[ns]"
    assert (array.id.item(), array.product_id.item()) == (image.id, image.product_id)
    assert array.odc.crs.epsg == 32621
    assert array.odc.geobox.shape.yx == SHAPE
    assert array.odc.geobox.transform.to_gdal() == (600000, 30, 0, 7000000, 0, -30)
    assert array.odc.nodata == 0
    assert (array.values == image.ndarray("nir red").filled(0)).all()


def test_coordinates_of_degrees_are_named_y_and_x_too(images):
    array = images[0].to_xarray("red", crs="EPSG:4326", resolution=0.001)
    assert array.dims == ("band", "y", "x")
    assert array.odc.crs.epsg == 4326


def test_floating_pixels_that_are_masked_are_nan(images):
    image = images[0]
    array = image.to_xarray("red", data_type="Float32")
    masked = image.ndarray("red").mask
    assert masked.any()
    assert (np.isnan(array.values) == masked).all()
    assert np.isnan(array.attrs["nodata"])
    filled = image.to_xarray("red", data_type="Float32", nodata=-1)
    assert (filled.values[masked] == -1).all()
    plain = image.to_xarray("red", mask_nodata=False)
    assert (plain.values == image.ndarray("red", mask_nodata=False)).all()
    assert plain.attrs["nodata"] == 0


@pytest.mark.parametrize("chunks", [None, 16, {"y": 25, "x": -1}])
def test_a_collection_is_an_array_of_times(images, frame, chunks):
    array = images.to_xarray("red nir", frame, chunks=chunks)
    assert array.dims == ("time", "band", "y", "x")
    assert array.shape == (4, 2, 50, 70)
    assert array.time.values.tolist() == [np.datetime64(day, "ns").astype(int) for day in DAYS]
    assert array.id.values.tolist() == [image.id for image in images]
    assert isinstance(array.data, dask_array.Array) == (chunks is not None)
    stack = images.stack("red nir", frame)
    assert (array.values == stack.filled(0)).all()
    assert array.sel(time="2020-02").shape[0] == 1
    assert array.odc.geobox.shape.yx == (50, 70)


@pytest.mark.parametrize("chunks", [None, 32])
def test_groups_are_mosaicked_by_a_method(images, frame, chunks):
    by_time = images.to_xarray("red", frame, groupby="time", chunks=chunks)
    assert by_time.shape[0] == 3
    assert by_time.id.values[0] == f"{images[0].id} {images[1].id}"
    assert by_time.product_id.values.tolist() == [images[0].product_id] * 3
    # At 55 degrees west, solar time is three hours behind UTC: 2 a.m. on the 6th is still the 5th.
    by_day = images.to_xarray("red", frame, groupby="solar_day", chunks=chunks, method="max")
    assert by_day.shape[0] == 2
    assert by_day.time.values.tolist() == [np.datetime64(DAYS[i], "ns").astype(int) for i in (0, 3)]
    expected = images[:3].mosaic("red", frame, method="max").filled(0)
    assert (by_day.values[0] == expected).all()


def test_groups_by_a_key_lie_along_a_dimension_of_keys(images, frame):
    by_month = images.to_xarray("red", frame, groupby="acquired.month", chunks=16, method="count")
    assert by_month.dims == ("group", "band", "y", "x")
    assert by_month.group.values.tolist() == [1, 2]
    assert by_month.dtype == np.uint16
    assert by_month.sel(group=1).max() == 3
    months = images.stack("red", frame, flatten="acquired.month", method="count")
    assert (by_month.values == months.filled(0)).all()
    by_date = images.to_xarray("red", frame, groupby=lambda image: image.acquired.date())
    assert by_date.group.dtype.kind == "M"
    several = images.to_xarray("red", frame, groupby=("acquired.year", "acquired.month"))
    assert several.group.values.tolist() == [(2020, 1), (2020, 2)]


def test_arrays_can_be_written_and_computed_with(images, frame, tmp_path):
    array = images.to_xarray("red", frame, chunks=32, data_type="Float32")
    assert array.chunks is not None
    mean = array.mean("time")
    expected = images.mosaic("red", frame, method="mean", data_type="Float32")
    np.testing.assert_allclose(mean.values, expected.filled(np.nan), rtol=1e-6)
    assert mean.odc.crs.epsg == 32621
    assert isinstance(array.to_dataset("band"), xarray.Dataset)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"bands": "blue"}, ValueError),
        ({"chunks": "big"}, ValueError),
        ({"chunks": 16, "scaling": "auto"}, ValueError),
        ({"method": "mode"}, ValueError),
        ({"nodata": -1}, ValueError),
        ({"groupby": 3}, TypeError),
        ({"resampler": "nearest"}, ValueError),
    ],
)
def test_invalid_arguments_are_refused(images, frame, arguments, error):
    with pytest.raises(error):
        images.to_xarray(**{"bands": "red", "geocontext": frame, **arguments})


def test_a_collection_without_images_is_refused(images):
    with pytest.raises(ValueError, match="no images"):
        ImageCollection([]).to_xarray("red")


def test_a_collection_without_an_area_is_read_in_that_of_its_images(images):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        array = ImageCollection(list(images)).to_xarray("red")
        stack = ImageCollection(list(images)).stack("red")
    assert array.shape[-2:] == stack.shape[-2:]
    assert "No geocontext was given" in " ".join(str(each.message) for each in caught)


def test_mosaics_and_their_files_are_made_by_method(images, frame, tmp_path):
    stack = images.stack("red", frame, data_type="Float64")
    for method, expected in (
        ("mean", stack.mean(axis=0)),
        ("median", np.ma.median(stack, axis=0)),
        ("min", stack.min(axis=0)),
        ("max", stack.max(axis=0)),
        ("first", images[::-1].mosaic("red", frame, data_type="Float64")),
    ):
        mosaic = images.mosaic("red", frame, method=method, data_type="Float64", chunks=17)
        assert (mosaic.mask == expected.mask).all()
        np.testing.assert_allclose(mosaic.filled(0), expected.filled(0))
    path = images.download_mosaic("red", frame, dest=tmp_path / "count.tif", method="count", chunks=20)
    import rasterio

    with rasterio.open(path) as dataset:
        assert (dataset.read() == stack.count(axis=0)).all()
    with pytest.raises(ValueError, match="last, first, mean"):
        images.download_mosaic("red", frame, method="mode")


# Accessors and conventions of other libraries


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_an_array_is_described_by_the_conventions(images, tmp_path):
    import rioxarray

    array = images.to_xarray("red nir", images[0].geocontext.assign(geometry=None))
    assert array.time.attrs["standard_name"] == "time"
    assert array.x.attrs["standard_name"] == "projection_x_coordinate"
    assert array.y.attrs["axis"] == "Y"
    assert (array.x.attrs["units"], array.x.attrs["crs"]) == ("metre", "EPSG:32621")
    assert array.rio.crs.to_epsg() == array.odc.crs.epsg == 32621
    assert array.rio.nodata == array.odc.nodata == 0
    assert array.rio.resolution() == (30, -30)
    assert array.odc.geobox == images[0].geocontext.geobox
    half = array.isel(time=0).rio.reproject("EPSG:3857")
    assert half.rio.crs.to_epsg() == 3857
    array.isel(time=0).rio.to_raster(tmp_path / "array.tif")
    again = rioxarray.open_rasterio(tmp_path / "array.tif")
    assert (again.values == array.isel(time=0).values).all()


def test_bands_are_coordinates_with_their_units(stack):
    from landbridge.catalog import SpectralBand

    banded = new_product("red", "nir")
    red = SpectralBand.get(f"{banded.id}:red")
    red.update(wavelength_nm_center=655, wavelength_nm_fwhm=30, description="Red", physical_range_unit="1")
    red.update(data_range=(0, 10000), physical_range=(0, 1))
    red.save()
    upload_array(banded, "i", np.full((2, *SHAPE), 5000, "uint16"), acquired="2020-01-01")
    image = banded.images().collect()[0]
    array = image.to_xarray("red nir")
    assert array.wavelength.values.tolist()[0] == 655
    assert np.isnan(array.wavelength.values[1])
    assert array.wavelength.attrs["units"] == "nm"
    assert array.description.values.tolist()[0] == "Red"
    assert "units" not in array.attrs
    physical = image.to_xarray("red", scaling="physical")
    assert physical.attrs["units"] == "1"
    assert physical.values.max() == 0.5
    dataset = image.to_dataset("red")
    assert dataset.red.attrs["long_name"] == "Red"
    assert dataset.red.attrs["wavelength_nm"] == 655
