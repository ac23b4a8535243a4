"""Filters in CQL2 have the same result on every API, also on those that answer only a part of them."""

import warnings

import pytest

from landbridge.auth import Auth
from landbridge.catalog import Blob, CatalogClient, ClientSideSearchWarning, Image
from landbridge.catalog import properties as p
from landbridge.catalog.search.cql2_expression import parse_cql2
from landbridge.exceptions import BadRequestError
from support.model_api import ModelApi


def item(number):
    properties = {
        "datetime": f"2024-01-{number % 28 + 1:02}T00:00:00Z",
        "eo:cloud_cover": number % 100,
        "platform": "abc"[number % 3],
    }
    if number % 5:
        properties["landsat:wrs_row"] = str(number % 7)
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"i{number:03}",
        "collection": "c",
        "geometry": {"type": "Point", "coordinates": [number % 90, number % 45]},
        "properties": properties,
        "assets": {},
        "links": [],
    }


ITEMS = [item(number) for number in range(120)]
# CQL2 text, and what it means in Python
FILTERS = [
    ("eo:cloud_cover < 20", lambda one: one["eo:cloud_cover"] < 20),
    ("20 > eo:cloud_cover", lambda one: one["eo:cloud_cover"] < 20),
    ("eo:cloud_cover BETWEEN 10 AND 12", lambda one: 10 <= one["eo:cloud_cover"] <= 12),
    ("platform IN ('a', 'c')", lambda one: one["platform"] in "ac"),
    (
        "landsat:wrs_row = '3' OR platform = 'a'",
        lambda one: one.get("landsat:wrs_row") == "3" or one["platform"] == "a",
    ),
    ("landsat:wrs_row IS NULL", lambda one: "landsat:wrs_row" not in one),
    ("NOT landsat:wrs_row = '3'", lambda one: one.get("landsat:wrs_row") not in (None, "3")),
    (
        "platform LIKE 'a%' AND eo:cloud_cover >= 90",
        lambda one: one["platform"] == "a" and one["eo:cloud_cover"] >= 90,
    ),
    ("datetime > TIMESTAMP('2024-01-20T00:00:00Z')", lambda one: one["datetime"] > "2024-01-20T00:00:00Z"),
    ('{"op": "<", "args": [{"property": "eo:cloud_cover"}, 20]}', lambda one: one["eo:cloud_cover"] < 20),
]  # fmt: skip


@pytest.fixture(scope="module", params=[(), ("cql2-json",), ("cql2-text",), ("query",)], ids=str)
def client(request):
    server = ModelApi(ITEMS, declares=("item-search", *request.param))
    yield CatalogClient(url=server.url, auth=Auth(user="local", org="local"), retries=0)
    server.stop()


@pytest.mark.parametrize(("text", "expected"), FILTERS, ids=[text for text, _ in FILTERS])
def test_a_filter_finds_the_items_that_satisfy_it(client, text, expected):
    search = Image.search(client=client).filter(p.product_id == "c").filter(parse_cql2(text))
    wanted = {one["id"] for one in ITEMS if expected(one["properties"])}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ClientSideSearchWarning)
        assert {image.name for image in search} == wanted
        assert search.count() == len(wanted)
        # Beside, and within, expressions on attributes
        both = search.filter(p.cloud_fraction < 0.5)
        assert {image.name for image in both} == {
            one["id"] for one in ITEMS if one["id"] in wanted and one["properties"]["eo:cloud_cover"] < 50
        }
        either = (
            Image.search(client=client)
            .filter(p.product_id == "c")
            .filter(parse_cql2(text) | (p.name == "i000"))
        )
        assert {image.name for image in either} == wanted | {"i000"}


def test_an_expression_matches_an_item_and_no_other_object():
    expression = parse_cql2("eo:cloud_cover < 20")
    assert expression.evaluate(ITEMS[1])
    assert not expression.evaluate(ITEMS[30])
    with pytest.raises(TypeError, match="compares STAC Items"):
        expression.evaluate(Image())
    assert expression.is_same(parse_cql2(FILTERS[-1][0]))
    assert not expression.is_same(p.name == "x")


def test_a_text_that_is_no_cql2_is_refused_before_any_request():
    with pytest.raises(BadRequestError, match="is no CQL2"):
        parse_cql2("eo:cloud_cover <")


def test_other_objects_than_items_are_not_filtered_by_cql2(client):
    search = Blob.search(client=client).filter(parse_cql2("eo:cloud_cover < 20"))
    with pytest.raises(BadRequestError, match="Only searches for images"):
        list(search)
