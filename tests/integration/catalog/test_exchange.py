"""Doors to other libraries, against the running service."""

import copy
import datetime as dt

import numpy as np
import pystac
import pytest
from shapely.geometry import box

from landbridge.auth import Auth
from landbridge.catalog import Blob, CatalogClient, Image, ImageCollection, Product
from landbridge.catalog import properties as p
from landbridge.exceptions import BadRequestError, NotFoundError
from landbridge.sources.unsigned_hrefs import without_signatures
from support.lazy_import import LazyModule
from support.published_items import MISSING, SHARED, published_items

pystac_client = LazyModule("pystac_client")

pytestmark = pytest.mark.filterwarnings(
    "ignore:Could not parse bucket:UserWarning", "ignore:storage.tier was removed:UserWarning"
)


@pytest.fixture
def product(new_id):
    made = Product(id=new_id(), name="Doors")
    made.save()
    for number in range(4):
        Image(
            product=made,
            name=f"i{number}",
            acquired=dt.datetime(2024, 1, 1 + number, tzinfo=dt.UTC),
            geometry=box(number, 0, number + 0.5, 1),
            cloud_fraction=number / 10,
            files=[{"href": f"https://example.com/{number}.tif"}],
            cs_code="EPSG:4326",
            tags=["a"],
        ).save()
    return made


def names(items):
    return [item.id for item in items]


def test_an_item_search_has_the_same_conditions_order_and_limit(product):
    search = product.images().filter(p.cloud_fraction > 0.05).sort("acquired", ascending=False)
    found = search.intersects(box(0, 0, 2.6, 1)).to_item_search()
    assert isinstance(found, pystac_client.ItemSearch)
    assert names(found.items()) == ["i2", "i1"]
    assert found.matched() == 2
    assert names(search.limit(1).to_item_search().items()) == ["i3"]
    assert names(search.filter(p.name.any_of(["i1"])).to_item_search().items()) == ["i1"]


def test_images_of_an_item_search_are_those_of_the_search(product):
    search = product.images().sort("name")
    back = ImageCollection.from_items(search.to_item_search().items())
    assert [each.serialize() for each in back] == [each.serialize() for each in search]
    assert "/k/" not in repr([each.serialize() for each in back])


def test_an_item_search_sends_the_token_to_its_api_only(product, stack):
    client = CatalogClient(stack.url, auth=Auth(token=stack.token))
    found = Image.search(client).filter(p.product_id == product.id).to_item_search()
    modify = found.client._stac_io._req_modifier

    class Request:
        def __init__(self, url):
            self.url, self.headers = url, {}

    sent = {
        url: modify(Request(url)).headers for url in (f"{stack.url}/search", "http://127.0.0.1.example/x")
    }
    assert sent["http://127.0.0.1.example/x"] == {}
    assert sent[f"{stack.url}/search"] == {"Authorization": f"Bearer {stack.token}"}


def test_an_item_search_of_request_parameters_is_refused(product):
    search = Image.search(request_params={"x": 1}).filter(p.product_id == product.id)
    with pytest.raises(BadRequestError, match="request parameters"):
        search.to_item_search()


def test_unsaved_changes_are_in_the_item(product):
    image = Image.get(f"{product.id}:i1")
    before = image.to_item().to_dict()
    image.cloud_fraction = 0.75
    image.tags = None
    item = image.to_item()
    assert item.properties["eo:cloud_cover"] == 75
    assert "keywords" not in item.properties
    assert before["properties"]["eo:cloud_cover"] == 10
    assert item.to_dict()["assets"] == before["assets"]


def test_a_deleted_image_has_no_item(product):
    image = Image.get(f"{product.id}:i1")
    Image.delete(image.id)
    with pytest.raises(NotFoundError, match="does not exist"):
        image.to_item()


def test_a_search_is_a_file_and_the_file_is_a_source(product, tmp_path):
    path = tmp_path / "doors.parquet"
    assert product.images().sort("name").limit(3).to_parquet(path) == 3
    found = ImageCollection.from_parquet(path)
    assert list(found.each.name) == ["i0", "i1", "i2"]
    source = Image.search(CatalogClient(str(path))).filter(p.product_id == product.id)
    assert source.filter(p.cloud_fraction < 0.15).count() == 2
    with pytest.raises(BadRequestError, match="consists of files"):
        source.to_item_search()


def test_blobs_are_tables_and_files_too(tmp_path, new_id):
    name = new_id()
    Blob(name=name, namespace="doors", geometry=box(0, 0, 1, 1)).upload_data("text")
    search = Blob.search().filter(p.name == name)
    frame = search.to_geopandas(["name", "size_bytes"])
    assert frame.iloc[0]["size_bytes"] == 4
    assert frame.geometry[0].equals(box(0, 0, 1, 1))
    assert search.to_parquet(tmp_path / "blobs.parquet") == 1
    assert [product.id for product in Product.search().limit(1)] == Product.search().limit(1).to_pandas()[
        "id"
    ].tolist()


@pytest.mark.skipif(not SHARED.is_dir(), reason=MISSING)
def test_saving_an_image_of_an_item_stores_the_item_whole(new_id):
    made = Product(id=new_id(), name="Of others")
    made.save()
    stored = 0
    for document in published_items()[::12]:
        sent = without_signatures(copy.deepcopy(document)) | {"collection": made.id}
        image = Image.from_item(document, product=made)
        try:
            image.save()
        except BadRequestError:
            continue  # what the service refuses is tested with its own rules
        stored += 1
        got = image.to_item().to_dict(transform_hrefs=False)
        assert image._item is None
        wanted = pystac.Item.from_dict(sent).to_dict(transform_hrefs=False)
        assert set(got["assets"]) >= set(wanted["assets"])
        for key, asset in wanted["assets"].items():
            kept = {name: value for name, value in asset.items() if name in ("href", "type", "roles")}
            assert {name: got["assets"][key].get(name) for name in kept} == kept
        lost = {name for name in wanted["properties"] if name not in got["properties"]}
        assert lost <= {"created", "updated"} | {
            name for name, value in wanted["properties"].items() if value is None
        }
    assert stored > 5


def test_pixels_of_an_image_that_was_made_of_an_item(product, new_id):
    from integration.catalog.conftest import new_product

    made = new_product("red")
    image = Image(product=made, name="p", acquired="2024-01-01")
    pixels = np.arange(48, dtype="uint16").reshape(1, 6, 8) + 1
    image.cs_code, image.geotrans = "EPSG:32612", [5e5, 30, 0, 4.5e6, 0, -30]
    image.upload_ndarray(pixels).wait_for_completion()
    again = Image.from_item(image.to_item())
    assert (again.ndarray("red") == image.ndarray("red")).all()
