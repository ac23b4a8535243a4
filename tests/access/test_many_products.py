"""A caller who can read many products finds the same items as by a search of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from access.conftest import OPERATOR
from access.people import Caller, new_id
from integration.conftest import stac_collection, stac_item
from landbridge.mappings import ids
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.pgstac import visibility
from landbridge.stac_api.pgstac.bulk_load import load_items
from landbridge.stac_api.search import recent_items

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.conftest import Service

PRODUCTS = recent_items._FEW_PRODUCTS + 3
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
    for some in (products[:-1], products[: visibility._MOST_IDS], products[:2]):
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
    monkeypatch.setattr(recent_items, "_MANY_COLLECTIONS", PRODUCTS)
    many = operator.ok("POST", "/search", json=body)
    assert keys(many) == keys(few)
    assert many["numberMatched"] == few["numberMatched"] > PRODUCTS
    assert any(name.startswith("blobs:") for name, _ in keys(many)) or body["limit"] < 100
    for following in (link["body"] for link in many["links"] if link["rel"] == "next"):
        named = operator.ok("POST", "/search", json=following)
        monkeypatch.undo()
        assert keys(operator.ok("POST", "/search", json=following)) == keys(named)
