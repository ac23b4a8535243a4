"""First things that a person types: names to complete, slices, plain lists, and errors with a suggestion."""

import inspect
import traceback
import warnings

import numpy as np
import pytest
import shapely

from landbridge.auth import Auth
from landbridge.catalog import (
    Blob,
    CatalogClient,
    File,
    Image,
    ImageCollection,
    Product,
    Resolution,
    SpectralBand,
    properties,
)
from landbridge.catalog.errors import InvalidGeometryError, RasterArgumentError
from landbridge.catalog.pixels.short_traceback import short_traceback
from landbridge.catalog.stac.missing_product import missing_product
from landbridge.geo import AOI
from landbridge.raster.plan.arguments import check_available
from landbridge.suggestions import did_you_mean
from landbridge.utils import Properties
from support.model_api import ModelApi

p = properties


# Names to complete


def test_dir_of_properties_lists_the_attributes_of_all_classes():
    names = dir(p)
    assert {"cloud_fraction", "acquired", "tags", "size_bytes", "wavelength_nm_center"} <= set(names)
    assert not [name for name in names if name.startswith("_")]
    assert dir(Properties("a", "b")) == ["a", "b"]


def test_dir_of_each_lists_the_members_of_the_items(saved_image):
    names = set(dir(ImageCollection([saved_image()]).each))
    assert {"cloud_fraction", "ndarray", "collect", "combine", "pipe"} <= names
    assert "acquired" in dir(ImageCollection().each)
    # Completion reads no item.
    each = ImageCollection([saved_image()]).each
    dir(each)
    assert list(each.name) == ["i"]


def test_dir_of_an_object_lists_its_attributes():
    assert {"name", "bands", "images"} <= set(dir(Product()))


# Did you mean


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("cloud_fracton", "cloud_fraction"),
        ("Cloud_Fraction", "cloud_fraction"),
        ("cloud", "cloud_fraction"),
        ("datetime", "acquired"),
        ("cloud_cover", "cloud_fraction"),
        ("epsg", "cs_code"),
        ("transform", "geotrans"),
        ("collection", "product"),
        ("platform", "satellite_id"),
    ],
)
def test_an_unknown_attribute_of_an_image_is_answered_with_the_one_that_was_meant(saved_image, name, meant):
    message = f"Image has no attribute {name}. Did you mean '{meant}'?"
    image = saved_image()
    for action in (
        lambda: getattr(image, name),
        lambda: setattr(image, name, 1),
        lambda: Image(**{name: 1}),
        lambda: image.update(**{name: 1}),
        lambda: Image.search().filter(Properties(name).__getattr__(name) == 1).count(),
    ):
        with pytest.raises(AttributeError) as error:
            action()
        assert str(error.value) == message


def test_other_classes_and_values_say_what_was_meant():
    with pytest.raises(AttributeError, match="Product has no attribute titel"):
        Product(titel="x")  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match="Did you mean 'wavelength_nm_center'"):
        SpectralBand(wavelength_nm_centre=1)  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match=r"File has no attribute hreff\. Did you mean 'href'"):
        File(hreff="x")  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match="Did you mean 'namespace'"):
        Blob(name_space="x")  # type: ignore[call-arg]
    with pytest.raises(AttributeError, match="Did you mean 'value'"):
        Resolution.get_attribute_type("valu")
    with pytest.raises(AttributeError, match="Did you mean 'acquired'"):
        _ = Properties("acquired").aquired


def test_a_method_that_does_not_exist_is_answered_with_one_that_does(saved_image):
    with pytest.raises(AttributeError, match="Did you mean 'ndarray'"):
        saved_image().ndarry("red")


def test_a_name_like_no_other_has_no_suggestion(saved_image):
    with pytest.raises(AttributeError) as error:
        _ = saved_image().zzzz
    assert str(error.value) == "Image has no attribute zzzz"


def test_an_error_within_a_property_is_not_replaced():
    with pytest.raises(AttributeError, match="NoneType"):
        _ = Image().__geo_interface__


def test_an_unknown_band_is_answered_with_the_bands_and_the_one_that_was_meant():
    with pytest.raises(ValueError, match=r"band 'rad' is not available in product 'x': it has nir, red. Did"):
        check_available(["rad"], {"red": None, "nir": None}, "x")
    many = {f"b{number:03}": None for number in range(300)}
    with pytest.raises(ValueError, match="and 280 more") as error:
        check_available(["x"], many)
    assert len(str(error.value)) < 300


@pytest.fixture(scope="module")
def catalog_of_fields():
    collections = [
        {"type": "Collection", "id": name, "links": []} for name in ("local:fields", "local:woods")
    ]
    server = ModelApi([], collections=collections)
    yield CatalogClient(url=server.url, auth=Auth(token="t"), retries=0)
    server.stop()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("fields", "local:fields"),
        ("local:feilds", "local:fields"),
        ("esa:sentinel-2:l2a:v2", "esa:sentinel-2:l2a:v1"),
    ],
)
def test_a_product_that_does_not_exist_is_answered_with_one_that_does(
    catalog_of_fields, name, meant, monkeypatch
):
    monkeypatch.delenv("LANDBRIDGE_SOURCES")
    expected = f"Product {name} does not exist. Did you mean '{meant}'?"
    assert missing_product(catalog_of_fields, name) == expected


def test_a_missing_product_is_stated_if_the_service_cannot_be_asked(client):
    assert missing_product(client, "zzzz") == "Product zzzz does not exist."


def test_a_suggestion_needs_a_similar_name():
    assert did_you_mean("x" * 10_000, ["red"]) == ""
    assert did_you_mean(None, ["red"]) == ""
    assert did_you_mean("re", []) == ""
    assert did_you_mean("RED", ["red"]) == " Did you mean 'red'?"


# Values out of range


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        (
            "cloud_fraction",
            30,
            "'cloud_fraction' is 30.0, which is above 1: `save` will fail. 30 percent is 0.3.",
        ),
        ("cloud_fraction", -0.1, "'cloud_fraction' is -0.1, which is below 0: `save` will fail."),
        ("fill_fraction", 1.01, "which is above 1: `save` will fail. 1.01 percent is 0.0101."),
        ("solar_elevation_angle", 91, "which is above 90"),
        ("area", -1, "which is below 0"),
    ],
)
def test_a_value_that_cannot_be_saved_warns_when_it_is_set(saved_image, name, value, message):
    image = saved_image()
    with pytest.warns(UserWarning, match="`save` will fail|which is") as caught:
        setattr(image, name, value)
    assert message in str(caught[0].message)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="`save` will fail|which is") as caught:
        Image(**{name: value})
    assert caught[0].filename == __file__
    assert getattr(image, name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cloud_fraction", 0), ("cloud_fraction", 1), ("cloud_fraction", None),
        ("solar_elevation_angle", -90),
        ("azimuth_angle", 400),  # STAC documents have a place for it
        ("name", "x"), ("tags", ["a"]),
    ],
)  # fmt: skip
def test_any_other_value_does_not_warn(name, value):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        setattr(Image(), name, value)


# Searches


def item(number):
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"i{number:04}",
        "collection": "c",
        "geometry": {"type": "Point", "coordinates": [number % 40, number % 20]},
        "properties": {"datetime": f"2024-01-{number % 28 + 1:02}T00:00:00Z"},
        "assets": {},
        "links": [],
    }


@pytest.fixture(scope="module")
def api():
    server = ModelApi([item(number) for number in range(30)], declares=("item-search", "sort"))
    yield server
    server.stop()


@pytest.fixture
def search(api):
    api_client = CatalogClient(url=api.url, auth=Auth(token="t"), retries=0)
    return Image.search(client=api_client).filter(p.product_id == "c")


def names(images):
    return [image.name for image in images]


def test_the_first_object_of_a_search(search):
    assert search.first().name == "i0000"
    assert search.limit(0).first() is None
    assert search.filter(p.id == "c:none").first() is None


def test_a_slice_of_a_search_is_a_collection_of_the_objects_there(search):
    whole = names(search)
    assert len(whole) == 30
    found = search[:10]
    assert isinstance(found, ImageCollection)
    assert names(found) == whole[:10]
    for part in (
        slice(5, 8),
        slice(28, 99),
        slice(None),
        slice(10, 20, 3),
        slice(7, None),
        slice(5, 2),
        slice(0, 0),
    ):
        assert names(search[part]) == whole[part]
    assert names(search.limit(4)[2:10]) == whole[2:4]


def test_a_position_in_a_search_is_the_object_there(search):
    whole = names(search)
    assert search[0].name == whole[0]
    assert search[np.int64(29)].name == whole[29]
    for past in (30, 1000):
        with pytest.raises(IndexError, match="fewer match"):
            search[past]
    with pytest.raises(IndexError):
        search.limit(5)[5]


@pytest.mark.parametrize("index", [-1, slice(-3, None), slice(0, -1)])
def test_a_search_has_no_positions_from_its_end(search, index):
    with pytest.raises(ValueError, match=r"collect\(\) it first"):
        search[index]


def test_a_position_is_an_integer(search):
    with pytest.raises(TypeError):
        search["i0000"]


# Areas as plain lists

BOX = shapely.box(10, 50, 11, 51)


def area_of(search):
    return shapely.geometry.shape(search._to_query().geometry)


@pytest.mark.parametrize(
    "area",
    [
        [10, 50, 11, 51],
        (10.0, 50.0, 11.0, 51.0),
        np.array([10, 50, 11, 51]),
        [10, 50, 0, 11, 51, 100],
        [[10, 50], [11, 50], [11, 51], [10, 51]],
        [(10, 50), (11, 50), (11, 51), (10, 51), (10, 50)],
        np.array([[10, 50], [11, 50], [11, 51], [10, 51]]),
        [[10, 50, 5], [11, 50, 5], [11, 51, 5], [10, 51, 5]],
    ],
)
def test_a_plain_list_is_an_area(area):
    assert area_of(Image.search().intersects(area)).equals(BOX)
    assert area_of(Blob.search().intersects(area)).equals(BOX)


def test_a_bbox_is_an_area_by_its_name():
    search = Image.search().intersects(bbox=(10, 50, 11, 51))
    assert area_of(search).equals(BOX)
    assert AOI(geometry=search._intersects).bounds == (10, 50, 11, 51)


def test_a_bbox_across_the_antimeridian_is_cut_there():
    found = area_of(Image.search().intersects(bbox=(178, -18, -179, -16)))
    assert found.equals(shapely.union(shapely.box(178, -18, 180, -16), shapely.box(-180, -18, -179, -16)))


@pytest.mark.parametrize(
    ("area", "message"),
    [
        ([1, 2, 3], "bounds are four finite numbers"),
        ([10, 51, 11, 50], "do not go north"),
        ([10, 50, 11, 95], "do not go north"),
        ([0, 0, 400, 1], "not within one turn"),
        ([float("nan"), 0, 1, 1], "finite"),
        ([[0, 0], [1, 1]], "at least 3 points"),
        ([], "at least 3 points"),
        (["10", "50", "11", "51"], "a list is"),
        ([[0], [1], [2]], "a list is"),
    ],
)
def test_a_list_that_is_no_area_is_refused_with_the_reason(area, message):
    with pytest.raises(InvalidGeometryError, match=message):
        Image.search().intersects(area)
    with pytest.raises(InvalidGeometryError, match="needs a bbox"):
        Image.search().intersects(bbox=area)


def test_either_a_geometry_or_a_bbox_is_given():
    for arguments in ({}, {"geometry": BOX, "bbox": (10, 50, 11, 51)}):
        with pytest.raises(TypeError, match="either a geometry or a bbox"):
            Image.search().intersects(**arguments)


def test_a_long_geometry_is_shortened_in_an_error():
    with pytest.raises(TypeError) as error:
        Image.search().intersects("x" * 100_000)
    assert len(str(error.value)) < 500


# Tracebacks


def test_an_error_in_arguments_has_a_traceback_of_the_method_only():
    def deep(number):
        if number:
            return deep(number - 1)
        raise RasterArgumentError("wrong")

    @short_traceback
    def method():
        deep(10)

    with pytest.raises(RasterArgumentError) as caught:
        method()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [frame.name for frame in frames] == [inspect.currentframe().f_code.co_name, "call"]
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_method_with_a_short_traceback_keeps_its_signature_and_text():
    for method in (ImageCollection.mosaic, ImageCollection.stack, Image.ndarray):
        assert "bands" in inspect.signature(method).parameters
        assert method.__doc__
