"""A caller who can read many products finds the same items as by a search of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from access.conftest import OPERATOR
from access.people import Caller, new_id
from conftest import LONG
from integration.conftest import stac_collection, stac_item
from landbridge.mappings import ids
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.pgstac import item_queries, visibility
from landbridge.stac_api.pgstac.bulk_load import load_items
from landbridge.stac_api.search import many_collections

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.conftest import Service

PRODUCTS = many_collections._FEW_PRODUCTS + 3
LIBRARIAN = Principal("librarian", org="library")


@pytest.fixture(scope="module")
def products(database: str) -> list[str]:
    """More products than one condition holds; some images share their instant, some products have none."""
    made = [
        incoming.collection(
            stac_collection(new_id("library"), **{"catalog:readers": ["user:librarian"]}), "/"
        )
        for _ in range(PRODUCTS)
    ]
    items: dict[str, list[dict[str, Any]]] = {}
    for number, product in enumerate(made):
        moments = [f"2024-01-{day:02d}T00:00:00Z" for day in (number % 28 + 1, 28)][: (number + 1) % 3]
        items[product["id"]] = [
            incoming.item(stac_item(product["id"], f"i{place}", datetime=moment), product, "/")
            for place, moment in enumerate(moments)
        ]
    with psycopg.connect(database, autocommit=True, options="-c search_path=pgstac,public") as conn:
        for product in made:
            conn.execute("SELECT create_collection(%s)", (Jsonb(product),))
            conn.execute("SELECT landbridge.create_partitions(%s)", (product["id"],))
    for product_id, images in items.items():
        load_items(database, product_id, images)
    return [product["id"] for product in made]


@pytest.fixture
def librarian(service: Service, token: Callable[..., str], products: list[str]) -> Caller:
    caller = Caller(service, token(LIBRARIAN))
    name = ids.blob_item_id("library", f"of-{len(products)}-{new_id()[-6:]}")
    blob = {**stac_item("blobs:data", name), "properties": {"datetime": None}}
    announced = caller.ok("POST", "/blobs", json={"item": blob})
    caller.ok("PUT", announced["url"], content=b"a blob among the images")
    return caller


def keys(page: dict[str, Any]) -> list[tuple[str, str]]:
    return [(item["collection"], item["id"]) for item in page["features"]]


@pytest.mark.parametrize("limit", [1, 2, 7, 30, 1000])
def test_a_first_page_is_what_the_same_search_finds_that_names_its_order(
    librarian: Caller, limit: int
) -> None:
    named = [{"field": "datetime", "direction": "desc"}]
    plain = librarian.ok("POST", "/search", json={"limit": limit})
    sorted_ = librarian.ok("POST", "/search", json={"limit": limit, "sortby": named})
    assert keys(plain) == keys(sorted_)
    assert plain["numberMatched"] == sorted_["numberMatched"] >= PRODUCTS
    assert [link["rel"] for link in plain["links"]] == [link["rel"] for link in sorted_["links"]]


def test_pages_hold_each_item_once(librarian: Caller, products: list[str]) -> None:
    body: dict[str, Any] = {"limit": 7}
    seen: list[tuple[str, str]] = []
    for _ in range(100):
        page = librarian.ok("POST", "/search", json=body)
        seen += keys(page)
        following = [link["body"] for link in page["links"] if link["rel"] == "next"]
        if not following:
            break
        (body,) = following
    assert len(seen) == len(set(seen)) == page["numberMatched"]
    operator = Caller(librarian.service, OPERATOR)
    assert {key for key in seen if key[0] in products} == {
        tuple(name.split("/")) for name in operator.found(collections=products)
    }


def test_products_that_are_named_are_searched_and_no_others(librarian: Caller, products: list[str]) -> None:
    for some in (products[:-1], products[: visibility.PRODUCTS_OF_CONDITION], products[:2]):
        for body in ({}, {"bbox": [0, 0, 90, 90]}, {"query": {"datetime": {"gte": "2024-01-28T00:00:00Z"}}}):
            found = librarian.found(collections=some, **body)
            operator = Caller(librarian.service, OPERATOR)
            assert found == operator.found(collections=some, **body), body
            counted = librarian.aggregated("total_count", collections=some, **body)
            assert counted == {"total_count": len(found)}


@pytest.mark.parametrize("body", [{"limit": 7}, {"limit": 1000}, {"limit": 5, "bbox": [-180, -90, 180, 90]}])
def test_an_operator_finds_the_same_however_many_collections_there_are(
    librarian: Caller, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any]
) -> None:
    operator = Caller(librarian.service, OPERATOR)
    few = operator.ok("POST", "/search", json=body)
    monkeypatch.setattr(many_collections, "_MANY_COLLECTIONS", PRODUCTS)
    many = operator.ok("POST", "/search", json=body)
    assert keys(many) == keys(few)
    assert many["numberMatched"] == few["numberMatched"] > PRODUCTS
    assert any(name.startswith("blobs:") for name, _ in keys(many)) or body["limit"] < 100
    for following in (link["body"] for link in many["links"] if link["rel"] == "next"):
        named = operator.ok("POST", "/search", json=following)
        monkeypatch.undo()
        assert keys(operator.ok("POST", "/search", json=following)) == keys(named)


BOXES = st.sampled_from(
    [[10, 10, 12, 12], [10.5, 10.5, 10.6, 10.6], [-180, -90, 180, 90], [170, -10, -170, 10], [40, 40, 41, 41]]
)
TIMES = st.sampled_from([
    "2024-01-05T00:00:00Z", "2024-01-04T00:00:00Z/2024-01-06T00:00:00Z", "../2024-01-10T00:00:00Z",
    "2024-01-20T00:00:00Z/..", "2030-01-01T00:00:00Z/..",
])  # fmt: skip
SHAPES = st.sampled_from([
    {"type": "Point", "coordinates": [10.5, 10.5]},
    {"type": "LineString", "coordinates": [[12.5, 10.5], [30.5, 10.5]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [60, 0], [60, 60], [0, 0]]]},
])  # fmt: skip
AGGREGATED = (
    "total_count", "total_bytes", "datetime_min", "datetime_max", "collection_frequency",
    "datetime_frequency",
)  # fmt: skip
CONDITIONS = st.fixed_dictionaries(
    {"limit": st.sampled_from([1, 3, 20, 1000])},
    optional={
        "datetime": TIMES,
        "ids": st.lists(st.sampled_from(["i0", "i1", "p0", "none"]), min_size=1, unique=True),
        "query": st.sampled_from([{"eo:cloud_cover": {"lt": 30}}, {"id": {"startsWith": "i"}}]),
        "sortby": st.sampled_from([
            [{"field": "eo:cloud_cover", "direction": "asc"}],
            [{"field": "id", "direction": "desc"}],
            [{"field": "datetime", "direction": "asc"}],
        ]),
    },
)  # fmt: skip


@pytest.fixture(scope="module")
def spread(database: str, products: list[str]) -> list[str]:
    """The products, with items at other places, of periods, and without a place."""
    documents = [incoming.collection(stac_collection(product), "/") for product in products]
    for number, (product, document) in enumerate(zip(products, documents, strict=True)):
        if number % 3 == 0:
            continue
        place = (float(number - 25) * 7 % 360 - 180, float(number % 80))
        end = f"2024-01-{number % 28 + 1:02d}T00:00:00Z"
        period = {"start_datetime": "2024-01-01T00:00:00Z", "end_datetime": end}
        made = [
            stac_item(
                product,
                f"p{number}",
                corner=place,
                datetime=f"2024-{2 + number % 7:02d}-{number % 28 + 1:02d}T00:00:00Z",
                **{"eo:cloud_cover": number * 37 % 100},
            ),
            stac_item(
                product, "p0", **({"datetime": None, **period} if number % 4 == 0 else {"datetime": end})
            ),
        ]
        if number % 5 == 0:
            made.append({**stac_item(product, "nowhere", datetime="2024-01-05T00:00:00Z"), "geometry": None})
            del made[-1]["bbox"]
        load_items(database, product, [incoming.item(one, document, "/") for one in made])
    return products


@settings(max_examples=100 if LONG else 25, deadline=None)
@example(body={"limit": 20, "query": {"id": {"startsWith": "p"}}}, place=None, named=PRODUCTS)
@example(body={"limit": 1000, "datetime": "2024-01-05T00:00:00Z"}, place=None, named=PRODUCTS)
@given(body=CONDITIONS, place=st.one_of(st.none(), BOXES, SHAPES), named=st.integers(0, PRODUCTS))
def test_searches_of_many_collections_read_a_few_and_find_the_same(
    service: Service, spread: list[str], body: dict[str, Any], place: Any, named: int
) -> None:
    operator = Caller(service, OPERATOR)
    if isinstance(place, dict):
        body = {**body, "intersects": place}
    elif place:
        body = {**body, "bbox": place}
    if named < PRODUCTS // 2:
        body = {**body, "collections": spread[: named + 1]}
    with pytest.MonkeyPatch.context() as patch:
        # Everything in one statement.
        patch.setattr(many_collections, "_FEW_PRODUCTS", 10**6)
        patch.setattr(many_collections, "_MANY_COLLECTIONS", 10**6)
        patch.setattr(visibility, "PRODUCTS_OF_CONDITION", 10**6)
        at_once = operator.ok("POST", "/search", json=body)
        counted = {name: body[name] for name in body.keys() - {"limit", "sortby"}}
        summary = operator.aggregated(*AGGREGATED, **counted)
        patch.setattr(many_collections, "_FEW_PRODUCTS", 1)
        patch.setattr(many_collections, "_MANY_COLLECTIONS", 1)
        patch.setattr(visibility, "PRODUCTS_OF_CONDITION", 5)
        patch.setattr(item_queries, "MOST_CONDITIONS", 2)
        patch.setattr(visibility, "MOST_CONDITIONS", 2)
        patch.setattr(item_queries, "_FIRST_STEP", 1)
        in_parts = operator.ok("POST", "/search", json=body)
        assert operator.aggregated(*AGGREGATED, **counted) == summary
    assert keys(in_parts) == keys(at_once)
    assert in_parts["numberMatched"] == at_once["numberMatched"]
    assert [link["rel"] for link in in_parts["links"]] == [link["rel"] for link in at_once["links"]]
