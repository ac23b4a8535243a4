"""The requests of QGIS: those of its STAC plugin, and those built in since 3.40 (GET only)."""

import json

import pytest

ROOTS = ("eo:cloud_cover", "datetime")


@pytest.fixture
def expected(dataset):
    """The names of the clear images, by cloud cover."""
    clear = sorted(
        (image for image in dataset.images if image.cloud_fraction < 0.2), key=lambda one: one.cloud_fraction
    )
    return [image.name for image in clear]


CLEAR = {
    "cql2-json": {"op": "<", "args": [{"property": "eo:cloud_cover"}, 20]},
    "cql-json": {
        "and": [{"lt": [{"property": "eo:cloud_cover"}, 20]}, {"gte": [{"property": "eo:cloud_cover"}, 0]}]
    },
    "cql2-text": "eo:cloud_cover < 20",
}


@pytest.mark.parametrize("language", CLEAR)
def test_the_plugin_filters_in_each_of_its_languages_and_sorts(http, product, expected, language):
    body = {
        "collections": [product.id],
        "limit": 2,
        "bbox": [-180, -90, 180, 90],
        "datetime": "2000-01-01T00:00:00Z/2050-01-01T00:00:00Z",
        "filter-lang": language,
        "filter": CLEAR[language],
        "sortby": [{"field": "properties.eo:cloud_cover", "direction": "asc"}],
    }
    found = []
    while True:
        answer = http.post("/search", json=body)
        assert answer.status_code == 200, answer.text
        found += [item["id"] for item in answer.json()["features"]]
        more = [link for link in answer.json()["links"] if link["rel"] == "next"]
        if not more:
            break
        body = more[0]["body"]
    assert found == expected


def test_the_plugin_makes_its_form_from_the_queryables(stack, product):
    import httpx

    for path in ("/queryables", f"/collections/{product.id}/queryables"):
        properties = httpx.get(stack.private_url.rstrip("/") + path).json()["properties"]
        assert properties["eo:cloud_cover"]["type"] == "number"
        assert all("$ref" not in json.dumps(one) and one["type"] for one in properties.values())
        assert properties["catalog:storage_state"]["enum"] == ["available", "remote"]


def test_the_plugin_looks_for_these_classes(http):
    named = http.get("/conformance").json()["conformsTo"]
    for part in ("item-search", "item-search#sort", "item-search#fields", "item-search#filter"):
        assert f"https://api.stacspec.org/v1.0.0/{part}" in named


def test_native_qgis_gets_collections_items_and_pages(http, product, dataset):
    landing = http.get("/").json()
    (collections,) = [link["href"] for link in landing["links"] if link["href"].endswith("/collections")]
    listed, page = [], collections
    while page:
        answer = http.get(page, params={"limit": 2} if page == collections else None).json()
        listed += [one["id"] for one in answer["collections"]]
        page = next((link["href"] for link in answer["links"] if link["rel"] == "next"), None)
    assert product.id in listed
    assert len(listed) == len(set(listed))

    search = [link["href"] for link in landing["links"] if link["rel"] == "search"][-1]
    # Native QGIS lists all selected collections in one long URL.
    many = ",".join([product.id, *(f"local:none-{number:05}" for number in range(500))])
    params = {
        "collections": many,
        "limit": 4,
        "bbox": "-180,-90,180,90",
        "datetime": "2000-01-01T00:00:00Z/..",
    }
    answer = http.get(search, params=params)
    assert answer.status_code == 200
    found = [item["id"] for item in answer.json()["features"]]
    following = next(link["href"] for link in answer.json()["links"] if link["rel"] == "next")
    found += [item["id"] for item in http.get(following).json()["features"]]
    assert sorted(found) == sorted(image.name for image in dataset.images)
    for item in answer.json()["features"]:
        assert len(item["bbox"]) == 4
        data = [asset for asset in item["assets"].values() if "data" in asset["roles"]]
        assert {asset["type"] for asset in data} == {
            "image/tiff; application=geotiff; profile=cloud-optimized"
        }
        assert all(asset["href"].startswith("http") for asset in data)
