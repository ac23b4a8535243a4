"""The Metadata service: what it finds, and the dicts that it returns."""

import json
import warnings
from datetime import UTC, date, datetime

import pytest

from landbridge.catalog import properties
from landbridge.exceptions import NotFoundError
from landbridge.geo import DLTile
from landbridge.porting.arguments.errors import UnknownArgumentError, UnsupportedArgumentError
from landbridge.porting.metadata import Metadata, default_client
from landbridge.utils import Properties
from porting.conftest import CRS, LEFT, PIXEL, TOP

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.* is deprecated. Use:DeprecationWarning"),
]

AREA = {
    "type": "Polygon",
    "coordinates": [
        [[-108.0, 38.90], [-107.99, 38.90], [-107.99, 38.905], [-108.0, 38.905], [-108.0, 38.90]]
    ],
}
ELSEWHERE = {"type": "Point", "coordinates": [10, 50]}


@pytest.fixture
def metadata(service):
    return Metadata()


def names(collection):
    return [feature["id"].rpartition(":")[2] for feature in collection["features"]]


def test_a_search_returns_a_feature_collection_in_order_of_time(metadata, fields):
    found = metadata.search(products=[fields.id])
    assert found["type"] == "FeatureCollection"
    assert names(found) == ["january", "april", "july"]
    # It is what the service would have sent: JSON.
    assert json.loads(json.dumps(found)) == found
    feature = found["features"][0]
    assert feature["type"] == "Feature"
    assert feature["id"] == feature["key"] == fields.image("january")
    assert feature["geometry"]["type"] in {"Polygon", "MultiPolygon"}
    properties = feature["properties"]
    expected = {
        "id": fields.image("january"),
        "key": fields.image("january"),
        "product": fields.id,
        "acquired": "2024-01-15T10:00:00.500000Z",
        "bands": ["red", "green", "blue", "nir"],
        "cloud_fraction": 0.1,
        "cloud_fraction_0": 0.1,
        "sat_id": "SAT_1",
        "cs_code": CRS,
        "geotrans": [LEFT, PIXEL, 0, TOP, 0, -PIXEL],
        "raster_size": [50, 40],
        "projcs": "WGS 84 / UTM zone 12N",
        "storage_state": "available",
        "tags": ["docs"],
    }
    assert {key: properties[key] for key in expected} == expected
    assert "+proj=utm" in properties["proj4"]
    assert "+zone=12" in properties["proj4"]
    assert found.features[0].properties.acquired[:10] == "2024-01-15"


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"cloud_fraction": 0.2}, ["january", "july"]),
        ({"cloud_fraction": 0.05}, []),
        # The fraction that the old platform computed, else that of the provider.
        ({"cloud_fraction_0": 0.5}, ["january", "april"]),
        ({"sat_ids": "SAT_2"}, ["july"]),
        ({"sat_id": ["SAT_1", "SAT_2"]}, ["january", "april", "july"]),
        ({"start_datetime": "2024-04-15"}, ["april", "july"]),
        ({"start_time": date(2024, 4, 15), "end_time": datetime(2024, 5, 1, tzinfo=UTC)}, ["april"]),
        # The start is inclusive, the end is not: the guide ports such times to `start <= p.acquired < end`.
        ({"start_datetime": "2024-04-15T10:00:00.5Z", "end_datetime": "2024-04-15T10:00:00.6Z"}, ["april"]),
        ({"start_datetime": "2024-04-15T10:00:00.5Z", "end_datetime": "2024-04-15T10:00:00.5Z"}, []),
        ({"date": "processed", "end_datetime": "2020-01-01"}, []),
        ({"geom": AREA}, ["january", "april", "july"]),
        ({"geom": json.dumps(AREA), "limit": 1}, ["january"]),
        ({"geom": {"type": "Feature", "properties": {}, "geometry": AREA}, "limit": 2}, ["january", "april"]),
        ({"geom": "POINT (-107.995 38.902)"}, ["january", "april", "july"]),
        ({"geom": ELSEWHERE}, []),
        ({"geom": {}}, ["january", "april", "july"]),
        ({"dltile": DLTile.from_latlon(38.9025, -107.995, 30, 16, 0).key}, ["january", "april", "july"]),
        ({"dltile": DLTile.from_latlon(50, 10, 30, 16, 0)}, []),
        ({"q": properties.cloud_fraction > 0.15}, ["april", "july"]),
        ({"q": [Properties().sat_id == "SAT_1", Properties().cloud_fraction_0 > 0.3]}, ["april"]),
        ({"q": Properties().cloud_fraction_0 == 0.9}, ["july"]),
        (
            {"q": Properties().cloud_fraction_0.isnotnull & (Properties().key != "a:b")},
            ["january", "april", "july"],
        ),
        ({"q": Properties().cloud_fraction_0.isnull}, []),
        ({"sort_field": "cloud_fraction_0", "sort_order": "desc"}, ["july", "april", "january"]),
        ({"sort_field": "cloud_fraction_0", "limit": 1}, ["january"]),
        (
            {"q": (properties.acquired > "2024-05-01") | (properties.cloud_fraction < 0.15)},
            ["january", "july"],
        ),
        ({"sort_field": "cloud_fraction"}, ["january", "july", "april"]),
        ({"sort_field": "cloud_fraction", "sort_order": "desc", "limit": 2}, ["april", "july"]),
        ({"storage_state": "remote"}, []),
        ({"limit": None}, ["january", "april", "july"]),
        ({"limit": 0}, []),
    ],
)
def test_conditions_select_images(metadata, fields, conditions, expected):
    assert names(metadata.search(fields.id, **conditions)) == expected
    ids = metadata.ids(products=fields.id, **conditions)
    assert [one.rpartition(":")[2] for one in ids] == expected
    assert [one["id"] for one in metadata.features(fields.id, **conditions)] == ids


def test_the_box_of_a_geometry_can_be_searched(metadata, fields):
    # A line around the images, whose box contains them.
    around = {"type": "LineString", "coordinates": [[-109, 38], [-109, 40], [-107, 40]]}
    assert names(metadata.search(fields.id, geom=around)) == []
    assert len(names(metadata.search(fields.id, geom=around, bbox=True))) == 3


def test_several_products_are_in_one_order(metadata, fields, masked):
    found = metadata.search(product=[fields.id, masked.id, fields.id])
    assert names(found) == ["below", "above", "january", "april", "july"]
    assert found.features[0].properties.bands == ["class", "alpha", "red"]


def test_fields_select_properties(metadata, fields):
    found = metadata.search(fields.id, fields=["acquired", "cloud_fraction"], limit=1)
    assert set(found.features[0].properties) == {"acquired", "cloud_fraction"}
    assert found.features[0].geometry
    assert found.features[0].id == fields.image("january")


def test_an_image_is_one_flat_dict(metadata, fields):
    image = metadata.get(fields.image("april"))
    assert (image["id"], image["product"], image.cloud_fraction) == (fields.image("april"), fields.id, 0.5)
    assert image["geometry"]["type"] in {"Polygon", "MultiPolygon"}
    assert metadata.get_by_ids([fields.image("april"), "none:such"]) == [image]
    both = metadata.get_by_ids([fields.image("july"), fields.image("april")], fields=["id"])
    assert both == [{"id": fields.image("july")}, {"id": fields.image("april")}]
    with pytest.raises(NotFoundError):
        metadata.get_by_ids(["none:such"], ignore_not_found=False)
    with pytest.raises(NotFoundError, match="none:such"):
        metadata.get("none:such")


def test_a_summary_counts_images_by_intervals(metadata, fields):
    summary = metadata.summary(fields.id, interval="month", start_datetime="2024-02-01")
    assert summary["count"] == 2
    assert summary["products"] == [fields.id]
    assert summary["bytes"] > 2 * 40 * 50
    months = [(item["date"], item["count"]) for item in summary["items"]]
    assert months == [("2024-04-01T00:00:00", 1), ("2024-07-01T00:00:00", 1)]
    assert summary["items"][0]["timestamp"] == 1711929600
    assert sum(item["bytes"] for item in summary["items"]) == summary["bytes"]
    assert "items" not in metadata.summary(products=fields.id)
    assert [item["count"] for item in metadata.summary(fields.id, part="year")["items"]] == [3]
    with pytest.raises(UnsupportedArgumentError, match="raster_size"):
        metadata.summary(fields.id, pixels=True)


def test_products_are_dicts(metadata, fields, masked):
    product = metadata.get_product(fields.id)
    assert (product["id"], product["title"], product.resolution) == (fields.id, "Fields", 30)
    assert product["owner_type"] == "user"
    assert {fields.id, masked.id} <= set(metadata.available_products())
    assert product in metadata.products(limit=1000)
    with_alpha = [one["id"] for one in metadata.products(bands=["red", "alpha"])]
    assert masked.id in with_alpha
    assert fields.id not in with_alpha
    assert fields.id in [one["id"] for one in metadata.products(text="Fields", owner=product["owners"][0])]
    assert metadata.products(owner="user:nobody") == []
    assert {"product": fields.id, "sat_id": None} in metadata.sources()
    everything = metadata.products()
    assert metadata.products(offset=1, limit=1) == everything[1:2]


def test_bands_are_dicts(metadata, fields, masked):
    bands = metadata.bands(products=[fields.id])
    assert [band["name"] for band in bands] == ["red", "green", "blue", "nir"]
    expected = {
        "id": f"{fields.id}:red",
        "product": fields.id,
        "type": "spectral",
        "dtype": "UInt16",
        "srcband": 1,
        "data_range": [0, 10000],
        "default_range": [0, 4000],
        "physical_range": [0, 1],
        "resolution": 30,
        "resolution_unit": "meters",
        "nodata": 0,
        "wavelength_min": 400,
        "color": None,
    }
    assert {key: bands[0][key] for key in expected} == expected
    assert metadata.get_band(f"{fields.id}:nir")["srcband"] == 4
    assert [band["name"] for band in metadata.bands(fields.id, wavelength=550)] == ["green"]
    assert [band["name"] for band in metadata.bands([fields.id, masked.id], bands=["red"])] == ["red", "red"]
    assert metadata.bands(fields.id, resolution=10) == []
    assert metadata.bands(fields.id, tags="none") == []
    by_name = metadata.get_bands_by_product(fields.id)
    assert by_name == metadata.get_bands_by_id(fields.image("july"))
    assert list(by_name) == ["red", "green", "blue", "nir"]
    assert by_name.nir == metadata.get_band(f"{fields.id}:nir")
    with pytest.raises(NotFoundError, match="nothing:red"):
        metadata.get_band("nothing:red")


def test_a_product_that_is_gone_is_an_error_that_names_another(metadata, fields):
    for call in (metadata.search, metadata.ids, metadata.summary, metadata.get_product, metadata.bands):
        with pytest.raises(NotFoundError, match=r"landsat:LC08:01:RT:TOAR.*usgs:landsat:oli-tirs:c2:l2:v0"):
            call("landsat:LC08:01:RT:TOAR")
    with pytest.raises(NotFoundError, match=r"L8.*usgs:landsat:oli-tirs:c2:l2:v0"):
        metadata.search(const_id=["L8"])
    with pytest.raises(NotFoundError, match="'nothing'"):
        # The other product is searched, but none of its images match.
        metadata.search([fields.id, "nothing"], sat_ids="SAT_9")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"cloud_fracton": 0.1}, UnknownArgumentError, "Did you mean 'cloud_fraction'"),
        ({"place": "north-america_iowa"}, UnsupportedArgumentError, "Natural Earth"),
        ({"geom": "north-america_iowa"}, UnsupportedArgumentError, "Natural Earth"),
        ({"geom": str(AREA)}, ValueError, "json.dumps"),
        ({"offset": 10}, UnsupportedArgumentError, "features"),
        ({"start_time": "2020-01-01", "start_datetime": "2021-01-01"}, UnknownArgumentError, "same argument"),
        ({"sort_field": "aquired"}, ValueError, "Did you mean 'acquired'"),
        ({"sort_order": "up"}, ValueError, "'up'"),
        ({"date": "birthday"}, ValueError, "'birthday'"),
        ({"q": "cloud_fraction < 0.2"}, TypeError, "expression"),
        ({"geom": AREA, "dltile": "16:0:30.0:12:500:500"}, ValueError, "not both"),
        ({"dltile": "no key"}, ValueError, "no key"),
    ],
)
def test_an_argument_that_cannot_be_honored_is_an_error(metadata, fields, arguments, error, message):
    for call in (metadata.search, metadata.features):  # features() raises before it is iterated
        with pytest.raises(error, match=message):
            call(fields.id, **arguments)


def test_a_fraction_that_no_image_states_is_an_error(metadata, fields):
    for call in (metadata.search, metadata.ids, metadata.summary):
        with pytest.raises(UnsupportedArgumentError, match="fill_fraction"):
            call(fields.id, fill_fraction=0.5)
    # Without images that meet the other conditions, there is nothing to report.
    assert metadata.ids(fields.id, fill_fraction=0.5, sat_ids="SAT_9") == []


def test_arguments_that_ask_for_nothing_are_accepted(metadata, fields):
    assert len(metadata.search(fields.id, place=None, randomize=None, continuation_token=None).features) == 3


def test_a_search_without_a_product_is_an_error(metadata):
    with pytest.raises(ValueError, match="product_id"):
        metadata.search(geom=AREA)


def test_a_product_can_be_given_as_a_condition(metadata, fields):
    assert len(metadata.search(q=metadata.properties.product == fields.id).features) == 3


def test_each_line_warns_once_of_the_call_to_use(metadata, fields):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(2):
            metadata.ids(fields.id)
    assert [str(one.message) for one in caught] == ["Metadata.ids is deprecated. Use Image.search() instead."]
    assert caught[0].filename == __file__


def test_the_default_client_and_the_settings_of_the_old_service_are_accepted():
    assert default_client() is default_client()
    assert isinstance(Metadata(url="https://example.com", auth=None, retries=3), Metadata)
