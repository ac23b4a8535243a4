"""Catalogs of linked files, read through a client as if they were an API."""

import pickle

import httpx
import pytest

from landbridge import sources
from landbridge.catalog import CatalogClient, Image, Product
from landbridge.catalog import properties as p
from landbridge.catalog.search_warnings import ClientSideSearchWarning
from landbridge.exceptions import BadRequestError, NotFoundError, ServerError
from landbridge.sources import file_contents
from landbridge.sources.static_catalog import StaticCatalog
from support.catalog_files import EXTENT, links, make_item, write, write_catalog
from support.range_server import serving


@pytest.fixture
def address(tmp_path):
    return write_catalog(tmp_path / "cat")


@pytest.fixture
def client(address):
    client = CatalogClient(address)
    yield client
    client.close()


def all_items(client, body, limit=7):
    """Return the items of all pages of a search, and the number of pages."""
    found, pages, members = [], 0, {**body, "limit": limit}
    while True:
        page = client.post("/search", members)
        found += page["features"]
        pages += 1
        if not page["links"]:
            return found, pages
        (link,) = page["links"]
        members = link["body"]


def test_a_catalog_is_an_api(client):
    page = client.get("/")
    assert page["id"] == "root"
    assert any(name.endswith("item-search#filter") for name in page["conformsTo"])
    assert not any(name.endswith("#sort") for name in page["conformsTo"])
    assert {link["rel"] for link in page["links"]} >= {"self", "search", "data"}


def test_collections_are_those_of_all_levels(client):
    found = client.get("/collections")["collections"]
    assert [one["id"] for one in found] == ["root", "a", "b"]
    assert client.get("/collections/b")["type"] == "Collection"
    with pytest.raises(NotFoundError, match="nothing"):
        client.get("/collections/nothing")


def test_pages_have_every_item_once(client):
    found, pages = all_items(client, {"collections": ["a"]})
    assert [item["id"] for item in found] == [f"i{number}" for number in range(30)]
    assert pages == 5
    found, _ = all_items(client, {})
    assert len(found) == 32


def test_a_page_that_is_asked_for_again_is_the_same(client):
    first = client.post("/search", {"limit": 5})
    (link,) = first["links"]
    one, two = (client.post("/search", link["body"])["features"] for _ in range(2))
    assert one == two
    assert len(one) == 5
    assert not {item["id"] for item in one} & {item["id"] for item in first["features"]}


def test_hrefs_are_absolute(client, tmp_path):
    item = client.get("/collections/a/items/i7")
    assert item["assets"]["red"]["href"] == str(tmp_path / "cat/a/2024/i7/red.tif")


def test_an_item_belongs_to_the_collection_that_links_to_it(client):
    assert client.get("/collections/b/items/i1")["collection"] == "b"
    assert client.get("/collections/root/items/i77")["collection"] == "root"
    with pytest.raises(NotFoundError):
        client.get("/collections/b/items/i2")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"bbox": [5.6, -1, 8.2, 1]}, ["i6", "i7", "i8"]),
        ({"bbox": [5.6, -1, 0, 8.2, 1, 9]}, ["i6", "i7", "i8"]),
        ({"bbox": [28.9, 0, -178, 1]}, ["i29", "i77"]),
        ({"intersects": {"type": "Point", "coordinates": [3.2, 0.2]}}, ["i3"]),
        ({"ids": ["i4", "i9"]}, ["i4", "i9"]),
        ({"datetime": "2024-01-27T00:00:00Z/.."}, ["i26", "i27"]),
        ({"datetime": "2024-01-05T00:00:00Z"}, ["i4"]),
        ({"filter": "eo:cloud_cover < 2", "filter-lang": "cql2-text"}, ["i0", "i1", "i1"]),
        ({"filter": {"op": ">", "args": [{"property": "eo:cloud_cover"}, 28]}}, ["i29", "i77"]),
        ({"filter": {"op": "=", "args": [{"property": "missing"}, 28]}}, []),
    ],
)
def test_conditions_select_items(client, members, expected):
    found, _ = all_items(client, members)
    names = [item["id"] for item in found]
    # Items 28 and 29 lie on the same days as items 0 and 1.
    assert sorted(names, key=lambda name: int(name[1:])) == expected


@pytest.mark.parametrize(
    "members", [{"sortby": [{"field": "datetime"}]}, {"query": {}}, {"limit": 0}, {"bbox": [1]}]
)
def test_what_cannot_be_answered_is_refused(client, members):
    with pytest.raises(BadRequestError):
        client.post("/search", members)


def test_a_catalog_in_files_is_not_written(client):
    with pytest.raises(BadRequestError, match="only be read"):
        client.post("/collections", {"id": "x"})


def test_an_item_with_an_interval_is_found_by_any_moment_of_it(tmp_path):
    interval = {
        "datetime": None,
        "start_datetime": "2024-01-01T00:00:00Z",
        "end_datetime": "2024-03-01T00:00:00Z",
    }
    write(
        tmp_path / "collection.json",
        {"type": "Collection", "id": "c", "extent": EXTENT, "links": links(("item", "x.json"))},
    )
    write(tmp_path / "x.json", make_item(1, "c", **interval))
    client = CatalogClient(str(tmp_path / "collection.json"))
    for time, count in (("2024-02-01T00:00:00Z", 1), ("2024-03-02T00:00:00Z/..", 0)):
        assert len(client.get("/search", {"datetime": time})["features"]) == count


def test_objects_are_read_from_files(client):
    assert Product.get("a", client=client).id == "a"
    images = Image.search(client=client).filter(p.product_id == "a").limit(3)
    assert [image.name for image in images] == ["i0", "i1", "i2"]
    assert Image.get("a:i5", client=client).acquired.day == 6


def test_a_pickled_client_reads_the_same_files(client):
    assert pickle.loads(pickle.dumps(client)).get("/collections/b")["id"] == "b"


def test_a_broken_document_is_named(tmp_path, address):
    (tmp_path / "cat/a/2024/i3/i3.json").write_text("{")
    with pytest.raises(ServerError, match=r"i3\.json is not JSON"):
        CatalogClient(address).post("/search", {"collections": ["a"]})


def test_a_missing_document_is_named(tmp_path, address):
    (tmp_path / "cat/a/2024/i3/i3.json").unlink()
    with pytest.raises(NotFoundError, match=r"i3\.json does not exist"):
        CatalogClient(address).post("/search", {"collections": ["a"]})


def test_a_catalog_on_a_web_server(tmp_path, address):
    with serving(tmp_path) as server:
        client = CatalogClient(f"{server.url}/cat/catalog.json")
        found, _ = all_items(client, {"collections": ["a"]})
        assert len(found) == 30
        assert found[3]["assets"]["red"]["href"] == f"{server.url}/cat/a/2024/i3/red.tif"
        requests = len(server.seen)
        assert requests == 5 + 30 - 1  # each document once


def test_few_items_are_read_ahead(address, monkeypatch):
    read = []
    original = file_contents.read_bytes
    monkeypatch.setattr(
        "landbridge.sources.static_catalog.read_bytes", lambda url: read.append(url) or original(url)
    )
    monkeypatch.setattr("landbridge.sources.static_catalog._AHEAD", 4)
    client = CatalogClient(address)
    client.post("/search", {"collections": ["a"], "limit": 1})
    assert sum("/i" in url for url in read) <= 8


def test_a_server_error_is_repeated(monkeypatch):
    answers = [503, 200]
    transport = httpx.MockTransport(lambda _: httpx.Response(answers.pop(0), content=b"{}"))
    monkeypatch.setattr(file_contents, "_session", lambda: httpx.Client(transport=transport))
    monkeypatch.setattr(file_contents, "_pause", lambda _: None)
    assert file_contents.read_bytes("http://x.invalid/catalog.json") == b"{}"
    assert answers == []


def test_the_tree_is_read_once(address, monkeypatch):
    catalog = StaticCatalog(address)
    assert len(list(catalog.collections())) == 3
    monkeypatch.setattr(
        "landbridge.sources.static_catalog.read_bytes",
        lambda url: pytest.fail(f"{url} was read again"),
    )
    assert len(list(catalog.collections())) == 3


def test_a_source_may_be_a_catalog_in_files(address, monkeypatch):
    monkeypatch.delenv("LANDBRIDGE_SOURCES", raising=False)
    sources.add("docs-static", address, kind="catalog")
    try:
        product = Product.get("docs-static:a")
        assert product.id == "docs-static:a"
        names = [image.name for image in product.images().filter(p.cloud_fraction < 0.03)]
        assert sorted(names) == ["i0", "i1", "i2"]
        search = product.images().sort("cloud_fraction", ascending=False).limit(2)
        with pytest.warns(ClientSideSearchWarning, match="30 items were read"):
            assert [image.name for image in search] == ["i29", "i28"]
        assert product.images().count() == 30
        assert [band.name for band in product.bands()] == ["red"]
    finally:
        sources.remove("docs-static")
