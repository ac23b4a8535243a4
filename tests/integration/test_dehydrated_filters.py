"""Filters and sorts find values outside of `properties` as items are shown, however their rows are stored.

pgstac stores items without what they share with the `item_assets` of their collection, and marks what only
those have (dehydration).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from conftest import LONG
from support import filter_strategies

from .conftest import stac_collection
from .test_document_identity import HREF, ITEM_ASSETS, KEYS, assets_near, foreign_item, new_collection, url

if TYPE_CHECKING:
    import httpx

ITEM_ASSETS_OF_TWO = {
    "red": {"type": "image/tiff", "roles": ["data", "visual"], "gsd": 10, "x:deep": {"a": {"b": 1}}},
    "nir": {"type": "image/tiff", "gsd": 20},
}
SHARED = {"red": {"href": HREF, **ITEM_ASSETS_OF_TWO["red"]}}  # without nir, which its row marks
OTHER = {
    "red": {"href": HREF, "type": "image/jp2", "roles": ["data"], "x:deep": {"a": {"c": 1}}},
    "nir": {"href": HREF, **ITEM_ASSETS_OF_TWO["nir"]},
}


def found(http: httpx.Client, collection: str, **search: Any) -> list[str]:
    answer = http.post("/search", json={"collections": [collection], "limit": 100, **search})
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["features"]]


def text(http: httpx.Client, collection: str, filter_: str) -> set[str]:
    return set(found(http, collection, filter=filter_, **{"filter-lang": "cql2-text"}))


def make_two(http: httpx.Client) -> str:
    """Make an item that shares all of an asset with its `item_assets`, and one that shares some."""
    collection = new_collection(http, ITEM_ASSETS_OF_TWO)
    for name, assets in (("shared", SHARED), ("other", OTHER)):
        item = foreign_item(collection, name, assets)
        http.post(f"/collections/{collection}/items", json=item).raise_for_status()
    return collection


@pytest.fixture
def two(http: httpx.Client) -> str:
    """The collection of two items, to be changed."""
    return make_two(http)


@pytest.fixture(scope="module")
def two_items(http: httpx.Client) -> str:
    """The collection of two items, to be read."""
    return make_two(http)


CASES = [
    ("assets.red.type = 'image/tiff'", {"shared"}),
    ("assets.red.type <> 'image/tiff'", {"other"}),
    ("assets.red.type LIKE 'image/t%'", {"shared"}),
    ("assets.red.type IN ('image/tiff', 'x')", {"shared"}),
    ("assets.red.gsd = 10", {"shared"}),
    ("assets.red.gsd + 1 > 10", {"shared"}),
    ("assets.red.gsd IS NULL", {"other"}),
    ("assets.red.x:deep.a.b = 1", {"shared"}),
    ("assets.red.x:deep.a.b IS NULL", {"other"}),
    ("assets.red.x:deep.a.c = 1", {"other"}),
    ("A_CONTAINS(assets.red.roles, ('visual'))", {"shared"}),
    ("A_EQUALS(assets.red.roles, ('data'))", {"other"}),
    ("assets.nir IS NULL", {"shared"}),
    ("assets.nir.gsd IS NULL", {"shared"}),
    ("NOT (assets.nir IS NULL)", {"other"}),
    ("assets.nir.gsd = assets.nir.gsd", {"other"}),
    ("assets.swir IS NULL", {"shared", "other"}),
    (f"assets.red.href = '{HREF}'", {"shared", "other"}),
    ("stac_version = '1.1.0'", {"shared", "other"}),
    ("stac_version IS NULL", set()),
]


@pytest.mark.parametrize(("filter_", "names"), CASES)
def test_filters_find_values_that_an_item_shares_with_its_item_assets(
    http: httpx.Client, two_items: str, filter_: str, names: set[str]
) -> None:
    assert text(http, two_items, filter_) == names


def test_filters_find_shared_values_after_patches_and_edits_of_the_collection(
    http: httpx.Client, two: str
) -> None:
    document = http.get(f"/collections/{two}").json()
    new = {"red": {"type": "image/jp2", "gsd": 30}, "nir": {"type": "image/tiff", "gsd": 20}}
    http.put(f"/collections/{two}", json={**document, "item_assets": new}).raise_for_status()
    for filter_, names in CASES:
        assert text(http, two, filter_) == names
    item = url({"collection": two, "id": "other"})
    http.patch(item, json={"assets": {"red": {"gsd": 30}, "nir": None}}).raise_for_status()
    assert text(http, two, "assets.red.gsd = 30") == {"other"}
    assert text(http, two, "assets.red.gsd = 10") == {"shared"}
    assert text(http, two, "assets.red.type = 'image/jp2'") == {"other"}
    assert text(http, two, "assets.nir IS NULL") == {"shared", "other"}


def test_query_sortby_and_aggregations_use_shared_values(http: httpx.Client, two: str) -> None:
    http.patch(
        url({"collection": two, "id": "other"}), json={"assets": {"red": {"gsd": 30}}}
    ).raise_for_status()
    assert found(http, two, query={"assets.red.gsd": {"lt": 30}}) == ["shared"]
    for direction, names in (("asc", ["shared", "other"]), ("desc", ["other", "shared"])):
        sortby = [{"field": "assets.red.gsd", "direction": direction}]
        assert found(http, two, sortby=sortby) == names
        first = http.post("/search", json={"collections": [two], "limit": 1, "sortby": sortby}).json()
        (body,) = (link["body"] for link in first["links"] if link["rel"] == "next")
        second = http.post("/search", json=body).json()
        assert [item["id"] for item in second["features"]] == names[1:]
    answer = http.get(
        "/aggregate",
        params={
            "collections": two,
            "aggregations": "total_count",
            "filter": "assets.red.gsd = 10",
            "filter-lang": "cql2-text",
        },
    )
    assert answer.json()["aggregations"][0]["value"] == 1


def test_collections_are_found_by_their_own_members(http: httpx.Client) -> None:
    name = "collections"  # as pgstac names the collection of collections
    members = {"item_assets": {"red": {"gsd": 10}}, "assets": {"nir": {"href": HREF, "gsd": 5}}}
    body = stac_collection(name, bands=[], **members)
    http.post("/collections", json=body).raise_for_status()
    for filter_, names in (
        ("assets.red.gsd = 10", []),
        ("assets.nir.gsd = 5", [name]),
        ("stac_version = '1.1.0'", [name]),
    ):
        both = f"id = '{name}' AND {filter_}"
        answer = http.get("/collections", params={"filter": both, "filter-lang": "cql2-text"})
        assert [one["id"] for one in answer.json()["collections"]] == names
    http.delete(f"/collections/{name}").raise_for_status()


def test_an_array_of_an_empty_object_is_refused(http: httpx.Client, collection: str) -> None:
    filter_ = {"op": "a_equals", "args": [{"property": "x"}, [{}]]}
    answer = http.post("/search", json={"collections": [collection], "filter": filter_})
    assert answer.status_code == 400, answer.text
    assert "An array in a filter" in answer.text


PATHS = [
    *(f"assets.{key}" for key in KEYS),
    *(
        f"assets.{key}.{member}"
        for key in KEYS
        for member in ("nodata", "proj:transform", "x:list", "x:object", "x:object.a", "x:object.a.b")
    ),
    "stac_version",
]


def value_at(path: str, item: dict[str, Any]) -> Any:
    value: Any = item
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def filters_on(path: str, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return filters on a path: is it missing, and is it one of the values that the items have there."""
    named = {"property": path}
    filters: list[dict[str, Any]] = [{"op": "isNull", "args": [named]}]
    seen: list[Any] = []
    for value in (value_at(path, item) for item in items):
        if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
            continue  # a filter takes arrays of plain values
        if isinstance(value, str | int | float | list) and value not in seen:
            seen.append(value)
            op = "a_equals" if isinstance(value, list) else "="
            filters.append({"op": op, "args": [named, value]})
    return [*filters, *({"op": "not", "args": [one]} for one in filters[1:3])]


def verdict(filter_: dict[str, Any], item: dict[str, Any]) -> bool | None:
    """Return the oracle's answer, which has none for the absence of objects."""
    if filter_["op"] == "isNull":
        return value_at(filter_["args"][0]["property"], item) is None
    return filter_strategies.matches(filter_, item)


@settings(
    max_examples=100 if LONG else 10,
    # Shrinking on a live stack takes longer than reading what failed.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_filters_on_assets_agree_with_the_oracle(http: httpx.Client, data: st.DataObject) -> None:
    item_assets = data.draw(ITEM_ASSETS)
    collection = new_collection(http, item_assets)
    names = [f"item-{number}" for number in range(5)]
    items = [foreign_item(collection, name, data.draw(assets_near(item_assets))) for name in names]
    body = {"items": {item["id"]: item for item in items}}
    http.post(f"/collections/{collection}/bulk_items", json=body).raise_for_status()
    stored = http.post("/search", json={"collections": [collection], "limit": 100}).json()["features"]
    assert len(stored) == len(items)
    for filter_ in [one for path in PATHS for one in filters_on(path, stored)]:
        got = set(found(http, collection, filter=filter_))
        expected = {item["id"]: verdict(filter_, item) for item in stored}
        wrong = {name for name, one in expected.items() if one is not None and one != (name in got)}
        assert not wrong, (filter_, item_assets, [one["assets"] for one in stored if one["id"] in wrong])
