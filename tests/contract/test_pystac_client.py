"""pystac-client reads the documents of the object API; its warnings are errors."""

from datetime import UTC, datetime

import pystac
import pytest
from pystac_client import Client, ConformanceClasses
from pystac_client.warnings import strict

from landbridge.catalog import Blob


@pytest.fixture
def client(stack, product):
    with strict():
        yield Client.open(stack.private_url)


def test_the_product_is_listed(client, product):
    assert product.id in {collection.id for collection in client.get_collections()}
    collection = client.get_collection(product.id)
    assert collection.title == product.name
    assert [band["name"] for band in collection.to_dict()["bands"]] == [
        "blue",
        "green",
        "red",
        "nir",
        "alpha",
    ]


def test_items_are_found_by_a_cql2_filter_and_sorted(client, product, dataset):
    clear = {"op": "<", "args": [{"property": "eo:cloud_cover"}, 20]}
    search = client.search(
        collections=[product.id],
        filter=clear,
        filter_lang="cql2-json",
        sortby=[{"field": "properties.eo:cloud_cover", "direction": "asc"}],
        limit=2,
    )
    expected = sorted(
        (image for image in dataset.images if image.cloud_fraction < 0.2), key=lambda i: i.cloud_fraction
    )
    assert 2 < len(expected) < 6
    assert search.matched() == len(expected)
    assert [item.id for item in search.items()] == [image.name for image in expected]


def test_items_are_found_by_a_filter_in_text(client, product):
    search = client.search(
        collections=[product.id],
        filter="eo:cloud_cover >= 20 AND datetime < TIMESTAMP('2020-06-01T00:00:00Z')",
        sortby="+datetime",
        method="GET",
    )
    assert [item.id for item in search.items()] == ["SIM8_034033_20200404"]


def test_items_are_found_by_place_and_time(client, product, dataset):
    first = dataset.images[0]
    (item,) = client.search(collections=[product.id], ids=[first.name]).items()
    search = client.search(
        collections=[product.id], bbox=item.bbox, datetime=[datetime(2020, 1, 1, tzinfo=UTC), first.acquired]
    )
    assert first.name in {found.id for found in search.items()}


def test_an_item_is_found_by_its_id(client, product, dataset):
    item = client.get_collection(product.id).get_item(dataset.images[2].name)
    assert item.datetime == dataset.images[2].acquired
    assert item.collection_id == product.id


def test_collections_are_searched(client, product):
    assert client.conforms_to(ConformanceClasses.COLLECTION_SEARCH)
    found = client.collection_search(filter={"op": "=", "args": [{"property": "id"}, product.id]})
    assert [collection.id for collection in found.collections()] == [product.id]


def test_queryables_know_what_images_are_filtered_by(client, product):
    queryables = client.get_collection(product.id).get_queryables()
    assert {"datetime", "eo:cloud_cover", "id"} <= set(queryables["properties"])


@pytest.fixture
def blob(stack):
    blob = Blob(name="contract-blob", geometry={"type": "Point", "coordinates": [-98, 40]}, tags=["contract"])
    yield blob.upload_data(b"words")
    blob.delete().wait_for_completion()


def test_documents_of_every_kind_are_valid_for_pystac(client, product, blob, http):
    pages = [
        http.get(f"/collections/{product.id}/items").json(),
        http.post("/search", json={"collections": [product.id, f"blobs:{blob.storage_type}"]}).json(),
    ]
    items = [item for page in pages for item in pystac.ItemCollection.from_dict(page)]
    collections = [http.get(f"/collections/{item}").json() for item in {item.collection_id for item in items}]
    documents = [http.get("/").json(), *collections, *(item.to_dict(transform_hrefs=False) for item in items)]
    assert {document["type"] for document in documents} == {"Catalog", "Collection", "Feature"}
    assert {item.collection_id for item in items} == {product.id, f"blobs:{blob.storage_type}"}
    for document in documents:
        # pystac has the core schemas and the API serves our extension's; others would need the internet.
        ours = [uri for uri in document.get("stac_extensions", []) if uri.startswith(str(http.base_url))]
        assert ours or document["type"] == "Catalog"
        assert len(pystac.validation.validate_dict(document, extensions=ours)) == 1 + len(ours)
