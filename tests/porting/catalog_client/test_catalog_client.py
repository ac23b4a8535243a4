"""The old Catalog client: products, bands, images and uploads as dicts."""

import io
import warnings

import numpy as np
import pytest
import rasterio

from landbridge.catalog import Band, Image, ImageUpload, MaskBand, Product, SpectralBand
from landbridge.exceptions import BadRequestError, ConflictError, NotFoundError
from landbridge.porting.arguments.errors import UnknownArgumentError, UnsupportedArgumentError
from landbridge.porting.catalog_client import Catalog
from landbridge.porting.metadata import Metadata
from landbridge.porting.raster import Raster
from porting.conftest import CRS, LEFT, PIXEL, TOP, new_id

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.* is deprecated. Use:DeprecationWarning"),
]

GEOTRANS = [LEFT, PIXEL, 0, TOP, 0, -PIXEL]
AREA = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}


@pytest.fixture(scope="module")
def catalog(service):
    return Catalog()


@pytest.fixture
def product(catalog):
    """The id of a new product as an old script knows it: without the prefix of the organization."""
    name = new_id("old-catalog")
    catalog.add_product(name, title="A product", description="Of the tests")
    return name


@pytest.fixture(scope="module")
def banded(service):
    """A product with the bands red and nir for uploads."""
    catalog, name = Catalog(), new_id("old-uploads")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        catalog.add_product(name, "Uploads", "Uploads of the tests")
        for number, band in enumerate(("red", "nir"), start=1):
            catalog.add_band(
                product_id=name, name=band, srcband=number, dtype="UInt16", nbits=14, data_range=[0, 10000],
                type="spectral", nodata=0,
            )  # fmt: skip
    return name


def wait(upload_id):
    ImageUpload.get(upload_id).wait_for_completion(timeout=120)


def test_a_product_is_added_read_changed_and_removed(catalog):
    name = new_id("old-catalog")
    made = catalog.add_product(
        product_id=name, title="Title", description="Text", start_datetime="2020-01-01", sensor="OLI",
        native_bands=["red"], resolution="30 m", tags=["one"], add_namespace=True,
    )  # fmt: skip
    assert set(made) == {"data"}
    assert made["data"]["type"] == "product"
    assert made["data"]["id"] == f"local:{name}" == catalog.namespace_product(name)
    attributes = made["data"]["attributes"]
    expected = {
        "title": "Title",
        "description": "Text",
        "start_datetime": "2020-01-01T00:00:00Z",
        "sensor": "OLI",
        "native_bands": ["red"],
        "resolution": "30 m",
        "tags": ["one"],
    }
    assert {key: attributes[key] for key in expected} == expected
    stored = Product.get(f"local:{name}")
    assert (stored.name, stored.description) == ("Title", "Text")
    # It is found by either id.
    assert catalog.get_product(name) == catalog.get_product(f"local:{name}") == made
    assert made.data.id in [each["id"] for each in catalog.own_products()]
    changed = catalog.change_product(name, title="New", orbit="polar")
    assert (changed.data.attributes.title, changed.data.attributes.orbit) == ("New", "polar")
    assert changed.data.attributes.sensor == "OLI"
    replaced = catalog.replace_product(name, "Newest", "Other", notes="none")
    attributes = replaced.data.attributes
    assert (attributes.title, attributes.description, attributes.notes) == ("Newest", "Other", "none")
    assert (attributes.sensor, attributes.start_datetime, attributes.tags) == (None, None, None)
    with pytest.raises(ConflictError):
        catalog.add_product(name, "Again", "Again")
    assert catalog.remove_product(name) is None
    with pytest.raises(NotFoundError, match=name):
        catalog.get_product(name)


def test_an_id_of_the_old_platform_is_found_again(catalog):
    name = f"6d27def1bb7fb0138933a4ee2e33cce9:{new_id('tasks')}"
    made = catalog.add_product(name, "Title", "Text")
    assert made["data"]["id"] == catalog.namespace_product(name)
    catalog.add_band(name, "red", srcband=1, dtype="Byte", data_range=(0, 255), type="spectral")
    assert catalog.get_band(name, "red").data.attributes.product == made.data.id
    result = catalog.remove_product(name, cascade=True)
    assert result["data"]["attributes"]["status"] == "SUCCESS"
    assert catalog.product_deletion_status(result["data"]["id"]) == result
    assert Product.get(made.data.id) is None


def test_bands_are_added_with_numbers_from_one(catalog, product):
    made = catalog.add_band(
        product_id=product, name="red", srcband=1, dtype="UInt16", nbits=14, data_range=[0, 10000],
        type="spectral", color="Red", description="The red one", resolution=30, resolution_unit="meters",
        wavelength_min=0.63, wavelength_max=0.69, wavelength_center=0.66, wavelength_unit="um",
        physical_range=(0.0, 1.0), data_unit="TOAR", data_unit_description="Reflectance", tags=["a"],
    )  # fmt: skip
    assert (made["data"]["type"], made["data"]["id"]) == ("band", f"local:{product}:red")
    attributes = made["data"]["attributes"]
    expected = {
        "srcband": 1,
        "dtype": "UInt16",
        "nbits": 14,
        "data_range": [0, 10000],
        "default_range": [0, 10000],
        "type": "spectral",
        "color": "Red",
        "resolution": 30,
        "resolution_unit": "meters",
        "wavelength_min": 630,
        "wavelength_unit": "nm",
        "physical_range": [0, 1],
        "data_unit": "TOAR",
        "data_unit_description": "Reflectance",
    }
    assert {key: attributes[key] for key in expected} == expected
    stored = Band.get(f"local:{product}:red")
    assert isinstance(stored, SpectralBand)
    assert (stored.band_index, stored.data_type, stored.resolution.value) == (0, "UInt16", 30)
    assert stored.wavelength_nm_max == pytest.approx(690)
    assert catalog.get_band(product, "red") == made
    assert made.data.id in [band["id"] for band in catalog.own_bands()]


def test_each_type_of_band_keeps_what_it_is_given(catalog, product):
    catalog.add_band(
        product, "alpha", srcband=2, dtype="Byte", data_range=(0, 1), type="mask", default_range=(0, 1)
    )
    catalog.add_band(
        product, "cover", srcband=3, dtype="Byte", data_range=(0, 9), type="class",
        class_labels=["none", "wheat"], colormap_name="magma",
    )  # fmt: skip
    catalog.add_band(
        product, "ndvi", srcband=4, dtype="Float32", data_range=(-1, 1), type="derived", srcfile=1,
        default_range=(0, 1), wavelength_center=800,
    )  # fmt: skip
    alpha = Band.get(f"local:{product}:alpha")
    assert isinstance(alpha, MaskBand)
    assert alpha.is_alpha
    assert catalog.get_band(product, "alpha").data.attributes.srcband == 2
    cover = catalog.get_band(product, "cover").data.attributes
    assert (cover.class_labels, cover.colormap_name, cover.type) == (["none", "wheat"], "magma", "class")
    ndvi = catalog.get_band(product, "ndvi").data.attributes
    assert (ndvi.type, ndvi.srcfile, ndvi.srcband, ndvi.default_range) == ("derived", 1, 4, [0, 1])
    # A key that bands of the type have no attribute for is kept.
    assert (ndvi.wavelength_center, ndvi.wavelength_unit) == (800, "nm")
    assert [band["name"] for band in Metadata().bands(f"local:{product}")] == ["alpha", "cover", "ndvi"]


def test_bands_are_changed_replaced_and_removed(catalog, product):
    catalog.add_band(
        product, "red", srcband=1, dtype="UInt16", data_range=(0, 100), type="spectral", color="Red",
        nodata=0, description="Text",
    )  # fmt: skip
    changed = catalog.change_band(product, "red", default_range=(0, 50), nbits=7, type="spectral")
    attributes = changed.data.attributes
    assert (attributes.default_range, attributes.nbits, attributes.color) == ([0, 50], 7, "Red")
    assert attributes.description == "Text"
    replaced = catalog.replace_band(
        product, "red", srcband=2, dtype="UInt16", data_range=(0, 200), type="spectral"
    ).data.attributes
    assert (replaced.srcband, replaced.data_range) == (2, [0, 200])
    assert (replaced.color, replaced.description, replaced.nodata) == (None, None, None)
    with pytest.raises(UnsupportedArgumentError, match="SpectralBand"):
        catalog.change_band(product, "red", type="class")
    catalog.remove_band(product, "red")
    for call in (catalog.get_band, catalog.remove_band):
        with pytest.raises(NotFoundError, match="'red'"):
            call(product, "red")


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"srcband": 0}, ValueError, "first one is 1"),
        ({"srcband": None}, UnknownArgumentError, "srcband"),
        ({"type": "spectrl"}, ValueError, "Did you mean 'spectral'"),
        ({"default_rnge": (0, 1)}, UnknownArgumentError, "Did you mean 'default_range'"),
        ({"dtype": "UInt17"}, ValueError, "UInt17"),
        ({"resolution_unit": "meters"}, ValueError, "needs `resolution`"),
        ({"wavelength_min": 1, "wavelength_unit": "feet"}, ValueError, "feet"),
        ({"set_global_permissions": True}, UnsupportedArgumentError, "access lists"),
    ],
)
def test_a_band_that_is_not_valid_is_not_added(catalog, banded, keywords, error, message):
    valid = {"srcband": 3, "dtype": "UInt16", "data_range": (0, 1), "type": "spectral"}
    with pytest.raises(error, match=message):
        catalog.add_band(banded, "new", **{**valid, **keywords})
    with pytest.raises(NotFoundError):
        catalog.get_band(banded, "new")


def test_metadata_of_images_are_added_changed_and_removed(catalog, product):
    made = catalog.add_image(
        product, "remote", acquired="2020-05-01", geometry=AREA, cloud_fraction=0.3, cloud_fraction_0=0.4,
        sat_id="SAT", cs_code="EPSG:4326", geotrans=[0, 0.1, 0, 1, 0, -0.1], raster_size=[10, 10],
        files=["https://example.com/scene.tif"], file_sizes=[1234], tile_id="T12",
        extra_properties={"a": [1]}, identifier="SCENE",
    )  # fmt: skip
    assert (made["data"]["type"], made["data"]["id"]) == ("image", f"local:{product}:remote")
    attributes = made.data.attributes
    expected = {
        "acquired": "2020-05-01T00:00:00Z",
        "cloud_fraction": 0.3,
        "cloud_fraction_0": 0.4,
        "sat_id": "SAT",
        "raster_size": [10, 10],
        "storage_state": "remote",
        "files": ["https://example.com/scene.tif"],
        "file_sizes": [1234],
        "tile_id": "T12",
        "identifier": "SCENE",
    }
    assert {key: attributes[key] for key in expected} == expected
    assert attributes.extra_properties["a"] == [1]
    stored = Image.get(f"local:{product}:remote")
    assert (stored.x_pixels, stored.alt_cloud_fraction, stored.satellite_id) == (10, 0.4, "SAT")
    assert catalog.get_image(product, "remote") == catalog.get_image(product, made.data.id) == made
    changed = catalog.change_image(product, "remote", cloud_fraction=0.1, absolute_orbit=7).data.attributes
    assert (changed.cloud_fraction, changed.absolute_orbit, changed.tile_id) == (0.1, 7, "T12")
    replaced = catalog.replace_image(product, "remote", acquired="2021-01-01", sat_id="OTHER").data.attributes
    assert (replaced.acquired[:10], replaced.sat_id) == ("2021-01-01", "OTHER")
    assert "cloud_fraction" not in replaced
    assert "tile_id" not in replaced
    catalog.remove_image(product, "remote")
    with pytest.raises(NotFoundError, match="'remote'"):
        catalog.get_image(product, "remote")
    with pytest.raises(UnsupportedArgumentError, match="addresses"):
        catalog.add_image(product, "remote", acquired="2020-05-01", geometry=AREA, bucket="old")
    with pytest.raises(UnknownArgumentError, match="Did you mean 'acquired'"):
        catalog.add_image(product, "remote", aquired="2020-05-01", geometry=AREA)
    with pytest.raises(BadRequestError):
        catalog.add_image(product, "remote", geometry=AREA)


def test_an_array_that_was_read_is_uploaded_with_its_description(catalog, banded, fields):
    array, meta = Raster().ndarray(fields.image("april"), bands=["red", "nir"])
    upload_id = catalog.upload_ndarray(
        array, product_id=banded, image_id="paris", raster_meta=meta, cloud_fraction=0.2, overviews=[2],
        overview_resampler="average",
    )  # fmt: skip
    wait(upload_id)
    result = catalog.upload_result(banded, upload_id)
    assert result["data"]["attributes"]["status"] == "SUCCESS"
    assert result["data"]["id"] == upload_id
    assert result["data"]["attributes"]["image_id"] == f"local:{banded}:paris"
    assert result.data.attributes.errors == []
    assert result.data.attributes.events[-1].event_type == "complete"
    stored = Image.get(f"local:{banded}:paris")
    assert stored.cloud_fraction == 0.2
    assert stored.acquired is not None
    np.testing.assert_array_equal(stored.ndarray("red nir", bands_axis=-1), array)
    # An upload replaces an image of the same name.
    again = catalog.upload_ndarray(
        array + 1, banded, "paris", proj4=CRS, geotrans=GEOTRANS, acquired="2020-01-01"
    )
    wait(again)
    assert again != upload_id
    assert Image.get(stored.id).ndarray("red").max() == array[..., 0].max() + 1
    assert len(catalog.upload_results(banded)["data"]) >= 2


def test_files_are_uploaded(catalog, banded, tmp_path):
    paths = []
    for number in range(2):
        path = tmp_path / f"scene {number}.tif"
        with rasterio.open(
            path, "w", driver="GTiff", count=2, height=30, width=30, dtype="uint16", crs=CRS,
            transform=rasterio.Affine.from_gdal(*GEOTRANS),
        ) as file:  # fmt: skip
            file.write(np.full((2, 30, 30), 100 + number, "uint16"))
        paths.append(path)
    uploads = catalog.upload_image(
        [str(paths[0]), paths[1]], banded, metadata={"acquired": "2021-01-01"}, sat_id="X"
    )
    with paths[0].open("rb") as opened:
        uploads.append(catalog.upload_image(opened, banded, image_id="opened", acquired="2021-01-02"))
    names = ["scene_0.tif", "scene_1.tif", "opened"]
    for number, (name, upload_id) in enumerate(zip(names, uploads, strict=True)):
        wait(upload_id)
        assert catalog.upload_result(banded, upload_id).data.attributes.status == "SUCCESS"
        assert Image.get(f"local:{banded}:{name}").ndarray("nir").max() == 100 + number % 2
    assert Image.get(f"local:{banded}:scene_1.tif").satellite_id == "X"
    done = catalog.upload_results(banded, status="SUCCESS", limit=2, created="2020-01-01")
    assert [each["attributes"]["status"] for each in done["data"]] == ["SUCCESS", "SUCCESS"]
    assert done["data"][0]["attributes"]["created"] >= done["data"][1]["attributes"]["created"]
    assert catalog.upload_results(banded, status="canceled")["data"] == []
    everything = [each["id"] for each in catalog.iter_upload_results(banded)]
    assert len(everything) == len(set(everything)) >= 3
    assert set(uploads) <= set(everything)


def test_a_failed_upload_says_why(catalog, banded):
    upload_id = catalog.upload_image(
        io.BytesIO(b"no image"), banded, image_id="broken", acquired="2021-01-01"
    )
    wait(upload_id)
    attributes = catalog.upload_result(banded, upload_id).data.attributes
    assert attributes.status == "FAILURE"
    assert attributes.errors
    assert upload_id in [one["id"] for one in catalog.upload_results(banded, status="FAILURE")["data"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"files": ["a.tif"], "multi": True, "image_id": "x"}, "several"),
        ({"files": ["a.tif", "b.tif"], "multi": True}, "image_id"),
        ({"files": ["a.tif", "b.tif"], "image_id": "x"}, "multi=True"),
        ({"files": []}, "empty"),
        ({"files": io.BytesIO(b"x")}, "image_id"),
    ],
)
def test_files_that_are_no_image_are_an_error(catalog, banded, arguments, message):
    with pytest.raises(ValueError, match=message):
        catalog.upload_image(product_id=banded, **arguments)


def test_arrays_have_their_bands_last(catalog, banded):
    with pytest.raises(ValueError, match="4 axes"):
        catalog.upload_ndarray(np.zeros((1, 2, 3, 4)), banded, "x", proj4=CRS, geotrans=GEOTRANS)
    with pytest.warns(UserWarning, match="last axis"), pytest.raises(ValueError, match="georeferencing"):
        catalog.upload_ndarray(np.zeros((2, 30, 30), "uint16"), banded, "x")


def test_what_does_not_exist_is_an_error(catalog, banded):
    with pytest.raises(NotFoundError, match="usgs:landsat"):
        catalog.get_product("landsat:LC08:01:T1:TOAR")
    with pytest.raises(NotFoundError, match="'none'"):
        catalog.upload_result(banded, "none")
    with pytest.raises(NotFoundError):
        catalog.upload_ndarray(np.zeros((30, 30)), "no-product", "x", proj4=CRS, geotrans=GEOTRANS)
    with pytest.raises(ConflictError):
        catalog.remove_product(banded)
