"""The server meets each conformance class that it names, and names each class that it meets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from integration.conftest import stac_item
from landbridge.stac_api.search.extensions import CQL2_CLASSES
from landbridge.stac_api.search.landing import MOST_CHILDREN

if TYPE_CHECKING:
    import httpx

CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/"
STAC = "https://api.stacspec.org/"

# For each class of filters, the ids that a filter finds among the items `one` and `two`.
FILTERS = {
    "basic-cql2": [("x:n = 1 OR x:n > 1 AND NOT x:s = 'Été'", "one two"), ("x:missing IS NULL", "one two")],
    "cql2-text": [("x:n BETWEEN 1 AND 1", "one")],
    "cql2-json": [({"op": ">=", "args": [{"property": "x:n"}, 2]}, "two")],
    "advanced-comparison-operators": [
        ("x:s LIKE 'é%'", ""),
        ("x:s LIKE 'É_é'", "one"),
        ("x:n BETWEEN 2 AND 3", "two"),
        ("x:s IN ('zebra', 'x')", "two"),
    ],
    "case-insensitive-comparison": [("CASEI(x:s) = CASEI('éTÉ')", "one")],
    "accent-insensitive-comparison": [("ACCENTI(x:s) = ACCENTI('Ete')", "one")],
    "basic-spatial-functions": [("S_INTERSECTS(geometry, BBOX(0, 0, 1, 1))", "one")],
    "basic-spatial-functions-plus": [
        ("S_INTERSECTS(geometry, POLYGON((50 0, 60 0, 60 9, 50 9, 50 0)))", "two")
    ],
    "spatial-functions": [
        ("S_WITHIN(geometry, BBOX(-1, -1, 2, 2))", "one"),
        ("S_DISJOINT(geometry, BBOX(-1, -1, 2, 2))", "two"),
        ("S_CONTAINS(geometry, POINT(0.5 0.5))", "one"),
        ("S_TOUCHES(geometry, POINT(0 0))", "one"),
        ("S_EQUALS(geometry, POLYGON((0 0, 1 0, 1 1, 0 1, 0 0)))", "one"),
        ("S_OVERLAPS(geometry, BBOX(0.5, 0.5, 3, 3))", "one"),
        ("S_CROSSES(geometry, LINESTRING(-1 0.5, 3 0.5))", "one"),
    ],
    "temporal-functions": [
        ("T_AFTER(datetime, TIMESTAMP('2020-06-01T00:00:00Z'))", "two"),
        ("T_DURING(datetime, INTERVAL('2019-01-01', '2020-06-01'))", "one"),
        ("T_INTERSECTS(datetime, INTERVAL('..', '2020-01-01T00:00:00Z'))", "one"),
    ],
    "array-functions": [
        ("A_CONTAINS(x:a, ('a', 'b'))", "one"),
        ("A_OVERLAPS(x:a, ('b', 'c'))", "one two"),
        ("A_CONTAINEDBY(x:a, ('c', 'd'))", "two"),
        ("A_EQUALS(x:a, ('b', 'a'))", "one"),
    ],
    "property-property": [("x:n = x:m", "two"), ("x:n < x:m", "one")],
    "arithmetic": [("x:n * 2 + 1 = 5", "two"), ("x:n / 2 < 1 AND x:n ^ 2 = 1", "one")],
}

# A request for each named class of the STAC API.
PARTS = [
    ("core", "/"),
    ("collections", "/collections"),
    ("ogcapi-features", "/collections/{}/items"),
    ("item-search", "/search"),
    ("item-search#fields", "/search?fields=id"),
    ("item-search#query", '/search?query={{"x:n": {{"gt": 1}}}}'),
    ("ogcapi-features#fields", "/collections/{}/items?fields=id"),
    ("ogcapi-features#query", '/collections/{}/items?query={{"x:n": {{"gt": 1}}}}'),
    ("collection-search", "/collections?bbox=0,0,1,1"),
    ("collection-search#fields", "/collections?fields=id"),
    ("collection-search#filter", "/collections?filter=id = 'x'"),
    ("collection-search#query", '/collections?query={{"id": {{"eq": "x"}}}}'),
    ("collection-search#free-text", "/collections?q=tests"),
    ("item-search#filter", "/search?filter=x:n = 1"),
    ("aggregation", "/aggregate"),
    ("ogcapi-features/extensions/transaction", "/collections/{}"),
    ("collections/extensions/transaction", "/collections/{}"),
]


@pytest.fixture
def two(http: httpx.Client, collection: str) -> str:
    items = {
        "one": stac_item(
            collection,
            "one",
            corner=(0, 0),
            datetime="2020-01-01T00:00:00Z",
            **{"x:n": 1, "x:m": 10, "x:s": "Été", "x:a": ["a", "b"]},
        ),
        "two": stac_item(
            collection,
            "two",
            corner=(50, 0),
            datetime="2021-01-01T00:00:00Z",
            **{"x:n": 2, "x:m": 2, "x:s": "zebra", "x:a": ["c"]},
        ),
    }
    http.post(f"/collections/{collection}/bulk_items", json={"items": items}).raise_for_status()
    return collection


def classes(http: httpx.Client) -> set[str]:
    named = http.get("/conformance").json()["conformsTo"]
    assert named == http.get("/").json()["conformsTo"]
    return set(named)


def test_every_class_of_filters_that_is_named_is_tested(http: httpx.Client) -> None:
    named = {one.removeprefix(CQL2) for one in classes(http) if one.startswith(CQL2)}
    assert named == set(FILTERS) == {one.removeprefix(CQL2) for one in CQL2_CLASSES}


@pytest.mark.parametrize(
    ("filter_", "expected"),
    [case for cases in FILTERS.values() for case in cases],  # type: ignore[attr-defined]
    ids=str,
)
def test_filters_of_each_conformance_class_work(
    http: httpx.Client, two: str, filter_: Any, expected: str
) -> None:
    answer = http.post("/search", json={"collections": [two], "filter": filter_})
    assert answer.status_code == 200, answer.text
    assert sorted(item["id"] for item in answer.json()["features"]) == expected.split()


def test_sorts_are_named_as_clients_look_for_them(http: httpx.Client, two: str) -> None:
    named = classes(http)
    for version in ("v1.0.0", "v1.1.0"):
        for part in ("item-search#sort", "ogcapi-features#sort", "collection-search#sort"):
            assert f"{STAC}{version}/{part}" in named
    for path in ("/search", f"/collections/{two}/items"):
        params = {"sortby": "-x:n"} | ({"collections": two} if path == "/search" else {})
        items = http.get(path, params=params).json()["features"]
        assert [item["id"] for item in items] == ["two", "one"]
    ids = [
        one["id"]
        for one in http.get("/collections", params={"sortby": "-id", "limit": 1000}).json()["collections"]
    ]
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize(("part", "path"), PARTS)
def test_every_class_of_the_stac_api_that_is_named_answers(
    http: httpx.Client, two: str, part: str, path: str
) -> None:
    assert any(one.startswith(STAC) and one.endswith(f"/{part}") for one in classes(http)), classes(http)
    assert http.get(path.format(two)).status_code == 200


def test_no_class_is_named_without_a_test(http: httpx.Client) -> None:
    named = {one.removeprefix(STAC).partition("/")[2] for one in classes(http) if one.startswith(STAC)}
    assert {one for one in named if not one.endswith("#sort")} == {part for part, _ in PARTS}


def test_the_landing_page_leads_to_everything(http: httpx.Client, two: str) -> None:
    page = http.get("/").json()
    rels = {link["rel"] for link in page["links"]}
    assert {"self", "root", "data", "conformance", "search", "service-desc", "service-doc", "child"} <= rels
    assert page["title"]
    assert page["description"]
    children = {link["href"]: link["title"] for link in page["links"] if link["rel"] == "child"}
    listed = http.get("/collections", params={"limit": 10_000}).json()["collections"]
    base = page["links"][0]["href"]
    titles = {
        f"{base}collections/{one['id']}": one.get("title", one["id"])
        for one in listed
        if one["id"][:6] != "blobs:"
    }
    assert titles[f"{base}collections/{two}"] == "A collection of tests"
    assert children.items() <= titles.items()
    assert len(children) == len(titles) or len(listed) > MOST_CHILDREN
    for link in page["links"]:
        if link["rel"] != "child" and link.get("method", "GET") == "GET":
            assert http.get(link["href"]).status_code == 200, link
