"""Addresses of our own leave the API absolute and enter the database relative."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.mappings import schema
from landbridge.stac_api.documents import links

BASE = "http://127.0.0.1:8000/"


def test_a_document_saved_under_one_address_is_shown_under_another() -> None:
    stored = {"assets": {"data": {"href": "/assets/images/a/b/1/0.tif"}}, "links": []}
    shown = orjson.loads(links.globalize(orjson.dumps(stored), BASE))
    assert shown["assets"]["data"]["href"] == BASE + "assets/images/a/b/1/0.tif"
    links.localize(shown, BASE)
    assert shown == stored
    elsewhere = orjson.loads(links.globalize(orjson.dumps(shown), "https://example.com/api/"))
    assert elsewhere["assets"]["data"]["href"] == "https://example.com/api/assets/images/a/b/1/0.tif"


@given(st.dictionaries(st.text(), st.text() | st.sampled_from(['"href":"/assets/', "/assets/x", "href"])))
def test_only_hrefs_are_made_absolute(members: dict[str, str]) -> None:
    members.pop("href", None)
    assert orjson.loads(links.globalize(orjson.dumps(members), BASE)) == members


def test_the_extension_is_listed_under_the_address_of_the_api() -> None:
    shown = links.globalize(orjson.dumps({"stac_extensions": [schema.DEFAULT_URL]}), BASE)
    assert orjson.loads(shown)["stac_extensions"] == [BASE.rstrip("/") + schema.URL_PATH]


@pytest.mark.parametrize("rel", ["self", "parent", "root", "collection", "items"])
def test_links_that_are_inferred_are_not_stored(rel: str) -> None:
    document = {"links": [{"rel": rel, "href": "https://elsewhere"}, {"rel": "via", "href": "https://v"}]}
    links.localize(document, BASE)
    assert document["links"] == [{"rel": "via", "href": "https://v"}]


def test_ids_are_escaped_in_addresses() -> None:
    assert links.item_url(BASE, "org:name", "a b#c") == f"{BASE}collections/org:name/items/a%20b%23c"
