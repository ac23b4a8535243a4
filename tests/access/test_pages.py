"""A page shows a caller what the JSON document shows it, and nothing else."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from access.people import BASE, share
from integration.conftest import stac_item
from support.html_pages import PageReader

if TYPE_CHECKING:
    from access.people import Caller, People

HTML = {"Accept": "text/html"}


def callers(people: People) -> dict[str, Caller]:
    return {one.name: getattr(people, one.name) for one in fields(people)}


def test_products_on_pages_are_those_of_the_api(people: People, product: str) -> None:
    for name, caller in callers(people).items():
        page = PageReader(caller("GET", "/collections?limit=10000", headers=HTML).text)
        shown = {url.removeprefix(f"{BASE}collections/") for url in page.cards}
        assert shown == caller.collections(), name
        assert (product in shown) is (name not in ("anybody", "stranger")), name
        first = PageReader(caller("GET", "/", headers=HTML).text)
        assert {url.removeprefix(f"{BASE}collections/") for url in first.cards} <= caller.collections(), name


def test_a_hidden_product_has_the_page_of_one_that_does_not_exist(people: People, product: str) -> None:
    people.owner("POST", f"/collections/{product}/items", json=stac_item(product, "one"))
    for path in ("", "/items", "/items/one"):
        for name, caller in callers(people).items():
            answer = caller("GET", f"/collections/{product}{path}", headers=HTML)
            if name in ("anybody", "stranger"):
                missing = caller("GET", f"/collections/{product}x{path}", headers=HTML)
                assert answer.status_code == missing.status_code == 404
                assert answer.text == missing.text.replace(f"{product}x", product)
            else:
                assert answer.status_code == 200, name


def test_access_lists_are_on_no_page(people: People, product: str) -> None:
    for caller in callers(people).values():
        assert "user:ann" not in caller("GET", f"/collections/{product}", headers=HTML).text
        assert "org:acme" not in caller("GET", f"/collections/{product}", headers=HTML).text


def test_a_public_product_is_on_everybodys_page(people: People) -> None:
    product = share(people)
    people.owner.ok("PATCH", f"/collections/{product}", json={"catalog:readers": ["public"]})
    page = PageReader(people.anybody("GET", "/collections?limit=10000", headers=HTML).text)
    assert f"{BASE}collections/{product}" in page.cards


def test_a_page_is_kept_by_no_shared_cache(people: People, product: str) -> None:
    answer = people.owner("GET", f"/collections/{product}", headers=HTML)
    assert answer.headers["Cache-Control"] == "no-store"
    answer = people.anybody("GET", "/", headers=HTML)
    assert answer.headers["Cache-Control"] == "no-cache"
    assert {"Accept", "Authorization"} <= set(answer.headers["Vary"].split(", "))
