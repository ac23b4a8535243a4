"""Images as Items, tables and GeoJSON, and back."""

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pystac
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box, shape

from conftest import LONG
from landbridge.catalog import Blob, BlobCollection, CatalogClient, Image, ImageCollection, Product
from landbridge.catalog.model.collection import Collection
from landbridge.exceptions import BadRequestError
from support.lazy_import import LazyModule
from support.published_items import MISSING, SHARED, published_items

geopandas = LazyModule("geopandas")
pd = LazyModule("pandas")

COUNT = 10_000 if LONG else 300


def image(number):
    """Return an image of which every third attribute is missing."""
    west = -120 + number % 200 * 0.5
    values = {
        "acquired": datetime(2020, 1, 1, 2, 3, 4, 567_891, UTC) + timedelta(minutes=number),
        "geometry": box(west, 40, west + 0.4, 40.1 + number / 3e7),
        "cloud_fraction": number % 101 / 101,
        "x_pixels": 100 + number,
        "y_pixels": 50,
        "cs_code": "EPSG:32612",
        "geotrans": (5e5 + number / 7, 30.0, 0.0, 4.5e6, 0.0, -30.0),
        "satellite_id": f"satellite-{number % 3}",
        "tags": ["a", f"b{number}"],
        "files": [{"href": f"https://example.com/{number}.tif", "size_bytes": number}],
        "reflectance_gain_bias": [[0.1, number], [0.2, 3.0]],
        "extra_properties": {"note": f"n{number}", "deep": {"list": [1, None, "x"]}},
        "published": datetime(2021, 1, 1, tzinfo=UTC) if number % 5 else None,
        "provider_url": f"https://example.com/{number}",
        "preview_url": f"https://example.com/{number}.png",
    }
    kept = ("acquired", "geometry")
    chosen = {
        name: value
        for index, (name, value) in enumerate(values.items())
        if value is not None and (name in kept or (index + number) % 3)
    }
    return Image(id=f"local:many:image-{number}", **chosen)


def described(images):
    return [(each.id, each.serialize()) for each in images]


@pytest.fixture(scope="module")
def images():
    CatalogClient.set_default_client(CatalogClient(url="http://127.0.0.1:9", retries=0))
    return ImageCollection(image(number) for number in range(COUNT))


def test_images_survive_the_way_through_a_geodataframe(images):
    frame = images.to_geopandas()
    assert described(ImageCollection.from_geopandas(frame)) == described(images)


def test_images_survive_the_way_through_items(images):
    items = images.to_item_collection()
    assert described(ImageCollection.from_items(items)) == described(images)


def test_images_survive_the_way_through_parquet(images, tmp_path):
    assert images.to_parquet(tmp_path / "images.parquet") == COUNT
    back = ImageCollection.from_parquet(tmp_path / "images.parquet")
    assert without_nulls(described(back)) == without_nulls(described(images))


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, tuple | list):
        return type(value)(without_nulls(each) for each in value)
    return value


def test_columns_have_the_types_of_the_attributes(images):
    frame = images[:20].to_geopandas()
    assert str(frame["acquired"].dtype) == "datetime64[us, UTC]"
    assert frame["cloud_fraction"].dtype == np.float64
    assert str(frame["x_pixels"].dtype) == "Int64"
    assert frame["x_pixels"].isna().any()
    assert frame.crs.to_epsg() == 4326
    assert list(frame["id"]) == [each.id for each in images[:20]]
    assert "product" not in frame.columns
    assert {"created", "modified", "product_id"} <= set(frame.columns)


def test_a_table_without_rows_has_the_same_columns(images):
    empty = ImageCollection().to_geopandas()
    full = images[:20].to_geopandas()
    assert list(empty.columns) == list(full.columns)
    assert str(empty["acquired"].dtype) == "datetime64[us, UTC]"
    assert empty.crs == full.crs
    assert len(pd.concat([empty, full])) == 20


def test_columns_are_chosen_by_name(images):
    assert list(images[:3].to_pandas(["name", "acquired"]).columns) == ["name", "acquired"]
    assert list(images[:3].to_geopandas(["name"]).columns) == ["name", "geometry"]
    with pytest.raises(AttributeError, match="Image has no attribute cloud"):
        images.to_pandas(["cloud"])


def test_objects_that_are_not_of_the_catalog_make_no_table():
    with pytest.raises(TypeError, match="needs catalog objects; got 1"):
        Collection([1, 2]).to_pandas()


def test_a_date_that_is_none_stays_visible():
    frame = ImageCollection([Image(id="local:p:i", acquired="no date")]).to_pandas()
    assert frame["acquired"][0] == "no date"


def test_a_table_with_another_column_is_refused(images):
    frame = images[:2].to_geopandas(["id", "acquired"])
    frame["sun"] = 1
    with pytest.raises(ValueError, match="Image has no attribute sun"):
        ImageCollection.from_geopandas(frame)


def test_a_table_in_another_reference_system_is_refused(images):
    with pytest.raises(ValueError, match=r"to_crs\('EPSG:4326'\)"):
        ImageCollection.from_geopandas(images[:2].to_geopandas(["id"]).to_crs("EPSG:3857"))


def test_products_and_blobs_are_tables_too():
    products = Collection([Product(id="local:a", name="A", tags=["x"]), Product(id="local:b", name="B")])
    frame = products.to_pandas(["id", "name", "tags", "is_core"])
    assert frame["name"].tolist() == ["A", "B"]
    assert frame["tags"].tolist() == [["x"], None]
    blob = Blob(name="notes.txt", geometry=box(0, 0, 1, 1), size_bytes=3)
    table = BlobCollection([blob]).to_geopandas(["name", "size_bytes", "hash"])
    assert table["size_bytes"].tolist() == [3]
    assert table.geometry[0].equals(box(0, 0, 1, 1))


# GeoJSON


def test_geodataframes_are_made_of_features(images):
    few = images[:5]
    for features in (few, list(few)):
        frame = geopandas.GeoDataFrame.from_features(features, crs="EPSG:4326")
        assert frame["id"].tolist() == [each.id for each in few]
        assert frame["acquired"].tolist() == [each.acquired.isoformat() for each in few]
        assert all(shapely.equals(frame.geometry, [each.geometry for each in few]))
    json.dumps(few.__geo_interface__)


def test_the_geo_interface_of_an_image_is_still_its_geometry(images):
    given = images[0].__geo_interface__
    assert given == images[0].geometry.__geo_interface__
    assert set(given) == {"type", "coordinates"}
    assert json.loads(json.dumps(given))["type"] == "Polygon"
    assert shape(images[0]).equals(images[0].geometry)
    assert "properties" not in given
    assert given.get("features") is None
    assert type(pickle.loads(pickle.dumps(given))) is dict
    with pytest.raises(KeyError):
        given["features"]


# Items

pytestmark = pytest.mark.filterwarnings(
    "ignore:Could not parse bucket:UserWarning", "ignore:storage.tier was removed:UserWarning"
)


@pytest.mark.skipif(not SHARED.is_dir(), reason=MISSING)
def test_published_items_survive_the_way_through_images():
    for document in published_items():
        document.setdefault("collection", "local:none")
        sent = copy.deepcopy(document)
        document["links"] = [link for link in document["links"] if link["rel"] != "self"]
        found = Image.from_item(document)
        assert found.name == document["id"]
        assert found.to_item().to_dict(transform_hrefs=False) == pystac.Item.from_dict(document).to_dict(
            transform_hrefs=False
        )
        item = pystac.Item.from_dict(sent)
        again = Image.from_item(item).to_item()
        assert again.to_dict(transform_hrefs=False) == item.to_dict(transform_hrefs=False)


@pytest.mark.skipif(not SHARED.is_dir(), reason=MISSING)
def test_a_change_changes_what_it_is_about_only():
    for document in published_items():
        document.setdefault("collection", "local:none")
        found = Image.from_item(document)
        found.satellite_id = "another"
        changed = found.to_item().to_dict(include_self_link=False, transform_hrefs=False)
        plain = Image.from_item(document).to_item().to_dict(include_self_link=False, transform_hrefs=False)
        changed["properties"].pop("platform"), plain["properties"].pop("platform", None)
        changed.pop("stac_extensions"), plain.pop("stac_extensions", None)
        assert changed == plain


MEMBERS = st.dictionaries(
    st.text(max_size=4).filter(lambda name: name not in ("datetime", "")),
    st.recursive(
        st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
        max_leaves=4,
    ),
    max_size=4,
)


@given(MEMBERS, MEMBERS)
@settings(max_examples=200 if LONG else 30)
def test_any_item_survives(properties, members):
    document = {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": "i",
        "collection": "local:p",
        "geometry": None,
        "properties": {"datetime": "2024-01-01T00:00:00Z", **properties},
        "links": [],
        "assets": {"a": {"href": "https://example.com/a.tif", "other": members}},
        "stac_extensions": [],
    }
    found = Image.from_item(document)
    assert found.to_item().to_dict(transform_hrefs=False) == pystac.Item.from_dict(document).to_dict(
        transform_hrefs=False
    )


def test_relative_hrefs_are_resolved_by_the_address_of_the_item():
    item = pystac.Item("i", None, None, datetime(2024, 1, 1, tzinfo=UTC), {}, collection="local:p")
    item.add_asset("data", pystac.Asset("./data.tif", roles=["data"]))
    item.set_self_href("https://example.com/items/i.json")
    (file,) = Image.from_item(item).files
    assert file.href == "https://example.com/items/data.tif"
    assert item.assets["data"].href == "./data.tif"


def test_an_item_without_a_collection_needs_a_product():
    item = pystac.Item("i", None, None, datetime(2024, 1, 1, tzinfo=UTC), {})
    with pytest.raises(ValueError, match="belongs to no collection"):
        Image.from_item(item)
    assert Image.from_item(item, product="local:p").id == "local:p:i"


@pytest.mark.parametrize("value", [None, "item", {"type": "Collection", "id": "x"}, 3])
def test_what_is_no_item_is_refused(value):
    with pytest.raises(TypeError, match=r"made of a pystac\.Item"):
        Image.from_item(value)


def test_a_new_image_is_an_item_with_its_extensions():
    new = Image(id="local:many:i", acquired="2024-01-01", cloud_fraction=0.25)
    item = new.to_item()
    assert item.collection_id == "local:many"
    assert item.properties["eo:cloud_cover"] == 25
    assert any("/eo/" in url for url in item.stac_extensions)
    assert item.ext.has("eo")


def test_a_new_image_without_a_time_is_no_item():
    with pytest.raises(BadRequestError, match="acquired"):
        Image(id="local:p:i").to_item()


def test_the_item_is_not_the_images():
    document: dict[str, Any] = {
        "type": "Feature", "stac_version": "1.1.0", "id": "i", "collection": "local:p", "geometry": None,
        "properties": {"datetime": "2024-01-01T00:00:00Z", "a": {"b": 1}}, "links": [], "assets": {},
    }  # fmt: skip
    found = Image.from_item(document)
    document["properties"]["a"]["b"] = 2
    item = found.to_item()
    item.properties["a"]["b"] = 3
    assert found.to_item().properties["a"]["b"] == 1
    assert pickle.loads(pickle.dumps(found)).to_item().properties["a"]["b"] == 1


def test_the_client_is_that_of_a_known_source_the_links_lead_to(monkeypatch):
    monkeypatch.delenv("LANDBRIDGE_SOURCES")
    api = "https://earth-search.aws.element84.com/v1"
    links = [
        {"rel": "root", "href": api},
        {"rel": "self", "href": f"{api}/collections/sentinel-2-l2a/items/i"},
    ]
    document = {
        "type": "Feature", "stac_version": "1.0.0", "id": "i", "collection": "sentinel-2-l2a",
        "geometry": None, "properties": {"datetime": "2024-01-01T00:00:00Z"}, "links": links, "assets": {},
    }  # fmt: skip
    assert Image.from_item(document)._client.configured_url == api
    other = [{"rel": "root", "href": "https://elsewhere.example.com"}]
    assert Image.from_item(document | {"links": other})._client.configured_url == "http://127.0.0.1:9"
