"""`proj:epsg` is shown beside each `proj:code` that has one, and stored only if it says something else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.stac_api.documents.projection import add_epsg, drop_epsg

V2 = "https://stac-extensions.github.io/projection/v2.0.0/schema.json"
V12 = "https://stac-extensions.github.io/projection/v1.2.0/schema.json"
V11 = "https://stac-extensions.github.io/projection/v1.1.0/schema.json"

_codes = st.sampled_from(
    ["EPSG:32621", "EPSG:4326", "IAU_2015:30100", "EPSG:", "epsg:4326", "EPSG:4326+5773", "", None, 5]
)
_numbers = st.sampled_from([32621, 4326, None, "32621", True])
_holders = st.fixed_dictionaries({"x": st.just(1)}, optional={"proj:code": _codes, "proj:epsg": _numbers})
_items = st.fixed_dictionaries(
    {
        "properties": _holders,
        "assets": st.dictionaries(st.sampled_from("abc"), _holders, max_size=3),
        "stac_extensions": st.lists(st.sampled_from([V2, V11, "https://a.example/b.json"]), unique=True),
    }
)


def shown(item: dict[str, Any]) -> dict[str, Any]:
    item = copy.deepcopy(item)
    add_epsg(item)
    return item


def stored(item: dict[str, Any], previous: dict[str, Any] | None = None) -> dict[str, Any]:
    item = copy.deepcopy(item)
    drop_epsg(item, previous)
    return item


@given(_items)
def test_items_are_shown_as_sent_with_the_epsg_member_added(item: dict[str, Any]) -> None:
    seen = shown(stored(item))
    for mine, theirs in (
        (item["properties"], seen["properties"]),
        *((item["assets"][name], seen["assets"][name]) for name in item["assets"]),
    ):
        assert {key: value for key, value in theirs.items() if key in mine} == mine
        assert theirs.keys() - mine.keys() <= {"proj:epsg"}


@given(_items)
def test_an_item_saved_as_it_was_read_is_stored_unchanged(item: dict[str, Any]) -> None:
    first = stored(item)
    again = stored(shown(first), first)
    assert again == first
    assert shown(again) == shown(first)


@given(_items, st.sampled_from(["EPSG:3857", "EPSG:32622", None]))
def test_the_derived_member_follows_the_code(item: dict[str, Any], code: str | None) -> None:
    first = stored(item)
    edited = shown(first)
    edited["properties"]["proj:code"] = code
    again = stored(edited, first)
    if "proj:epsg" not in first["properties"]:
        assert "proj:epsg" not in again["properties"]
        assert shown(again)["properties"].get("proj:epsg") == (int(code[5:]) if code else None)


@pytest.mark.parametrize(
    ("properties", "extensions", "expected"),
    [
        ({"proj:code": "EPSG:32621"}, [V2], [V12]),
        ({"proj:code": "EPSG:32621"}, ["https://a.example/b.json", V2], ["https://a.example/b.json", V12]),
        ({"proj:code": "IAU_2015:30100"}, [V2], [V2]),
        ({"proj:epsg": 32621}, [V11], [V11]),
    ],
)
def test_an_item_names_the_version_of_the_extension_that_has_its_members(
    properties: dict[str, Any], extensions: list[str], expected: list[str]
) -> None:
    item = {"properties": properties, "assets": {}, "stac_extensions": extensions}
    assert shown(item)["stac_extensions"] == expected
    assert stored(shown(item), item)["stac_extensions"] == extensions
