"""stac-geoparquet files and folders, read through a client as if they were an API."""

import httpx
import pytest
import rustac

from landbridge.catalog import CatalogClient
from landbridge.exceptions import BadRequestError, NotFoundError, ServerError
from landbridge.sources import parquet
from landbridge.sources.file_api import FileApi
from support.catalog_files import EXTENT, make_item, write
from support.range_server import serving

INTERVAL = {
    "datetime": None,
    "start_datetime": "2024-01-10T00:00:00Z",
    "end_datetime": "2024-03-01T00:00:00Z",
}


@pytest.fixture(params=["duckdb", "memory"], autouse=True)
def engine(request, monkeypatch):
    """Answer by DuckDB, and without its extension."""
    if request.param == "memory":
        monkeypatch.setattr(parquet, "_installed_duckdb", lambda: None)
    elif parquet._installed_duckdb() is None:
        pytest.skip("DuckDB's extension `spatial` is not on this machine, and fits no package on PyPI")
    return request.param


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of two files whose items have different properties and assets."""
    folder = tmp_path_factory.mktemp("many")
    (folder / "deep").mkdir(parents=True)
    items = [make_item(number, "a" if number % 2 else "b") for number in range(400)]
    rustac.write_sync(str(folder / "1.parquet"), items[:300])
    items[399]["properties"] |= {"extra": "x"}
    items[398]["properties"] |= INTERVAL
    items[398]["assets"]["nir"] = {"href": "https://x.invalid/nir.tif", "roles": ["data"]}
    rustac.write_sync(str(folder / "deep/2.parquet"), items[300:])
    return folder


class Catalog:
    def __init__(self, url, kind=None):
        self.url = url
        self.session = httpx.Client(transport=FileApi(url, kind))

    def search(self, **body):
        answer = self.session.post(f"{self.url}/search", json=body)
        return answer.json()

    def names(self, **body):
        found = []
        while True:
            page = self.search(**body)
            found += [item["id"] for item in page["features"]]
            if not page["links"]:
                return found
            body = page["links"][0]["body"]


@pytest.fixture
def catalog(folder):
    return Catalog(f"file://localhost{folder}", "parquet")


def compare(operator, name, value):
    return {"op": operator, "args": [{"property": name}, value]}


def test_pages_have_every_item_once(catalog):
    names = catalog.names(limit=90)
    assert len(names) == 400
    assert set(names) == {f"i{number}" for number in range(400)}


def test_collections_are_those_that_items_name(catalog, folder):
    answer = catalog.session.get(f"{catalog.url}/collections").json()
    assert [one["id"] for one in answer["collections"]] == ["a", "b"]
    described = {"type": "Collection", "id": "a", "title": "Described", "extent": EXTENT}
    write(folder / "collection.json", described)
    try:
        answer = Catalog(catalog.url, "parquet").session.get(f"{catalog.url}/collections/a").json()
    finally:
        (folder / "collection.json").unlink()
    assert answer["title"] == "Described"


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"ids": ["i4", "i399"]}, {4, 399}),
        ({"collections": ["a"], "bbox": [3.1, 0, 3.2, 1]}, {3, 93, 183, 273, 363}),
        ({"bbox": [88.9, 0, -178, 1], "ids": ["i89", "i3"]}, {89}),
        # DuckDB's own condition on times leaves out item 398.
        ({"datetime": "2024-02-01T00:00:00Z/.."}, {398}),
        ({"datetime": "2024-01-28T00:00:00Z", "ids": ["i27", "i28", "i398"]}, {27, 398}),
        ({"filter": compare("=", "extra", "x")}, {399}),
        ({"filter": compare("=", "properties.extra", "x")}, {399}),
        ({"filter": compare("=", "missing", "x")}, set()),
        # DuckDB's client finds nothing here, because no column has the name.
        (
            {"filter": {"op": "or", "args": [compare("=", "missing", 1), compare("=", "extra", "x")]}},
            {399},
        ),
        (
            {
                "filter": {
                    "op": "and",
                    "args": [
                        {"op": "isNull", "args": [{"property": "missing"}]},
                        compare("<", "eo:cloud_cover", 1),
                    ],
                },
                "bbox": [0, 0, 0.2, 1],
            },
            {0},
        ),
        ({"filter": compare("in", "id", ["i5", "i6"]), "collections": ["a"]}, {5}),
    ],
)
def test_conditions_select_items(catalog, members, expected):
    assert {int(name[1:]) for name in catalog.names(**members)} == expected


def test_an_order_holds_over_pages(catalog, engine):
    order = [{"field": "properties.eo:cloud_cover", "direction": "desc"}]
    page = catalog.search(sortby=order, limit=3)
    if engine == "memory":
        assert page["code"] == "BadRequest"
        return
    names = catalog.names(sortby=order, limit=90)
    clouds = [int(name[1:]) % 100 for name in names]
    assert clouds == sorted(clouds, reverse=True)
    assert len(set(names)) == 400
    assert len(catalog.names(sortby=[{"field": "missing"}], limit=150)) == 400


def test_an_item_keeps_its_members(catalog, folder):
    answer = catalog.session.get(f"{catalog.url}/collections/b/items/i398").json()
    assert answer["properties"]["datetime"] is None
    assert answer["assets"]["nir"]["href"] == "https://x.invalid/nir.tif"
    assert answer["assets"]["red"]["href"] == str(folder / "red.tif")
    assert "nir" not in catalog.search(ids=["i1"])["features"][0]["assets"]


def test_a_value_of_another_type_is_refused(catalog, engine):
    condition = compare("<", "eo:cloud_cover", "many")
    answer = catalog.session.post(f"{catalog.url}/search", json={"filter": condition})
    if engine == "duckdb":
        assert answer.status_code == 400
    else:
        assert answer.json()["features"] == []


def test_a_client_reads_a_file(folder):
    client = CatalogClient(str(folder / "1.parquet"))
    assert len(client.get("/search", {"limit": 10})["features"]) == 10
    with pytest.raises(NotFoundError):
        client.get("/collections/a/items/i399")


def test_a_file_on_a_web_server(folder):
    with serving(folder) as server:
        client = CatalogClient(f"{server.url}/1.parquet")
        assert len(client.get("/search", {"limit": 5})["features"]) == 5
        client.get("/search", {"limit": 5})
        assert [seen.path for seen in server.seen] == ["/1.parquet"]


@pytest.mark.parametrize("name", ["missing.parquet", "broken.parquet"])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises((NotFoundError, ServerError, BadRequestError), match=name):
        CatalogClient(str(tmp_path / name)).get("/search")


def test_a_large_file_needs_duckdb(folder, engine, monkeypatch):
    if engine == "duckdb":
        pytest.skip("DuckDB reads files of any size")
    monkeypatch.setattr(parquet, "_MAX_IN_MEMORY", 1000)
    monkeypatch.setattr(parquet, "_downloaded_duckdb", lambda: None)
    with pytest.raises(ServerError, match="rustac-duckdb-extensions"):
        CatalogClient(str(folder / "1.parquet")).get("/search")
