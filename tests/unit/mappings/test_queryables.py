"""Queryables describe each property completely and without references."""

from __future__ import annotations

import json

import jsonschema
import pytest

from landbridge.mappings import cql2, queryables, tables


@pytest.mark.parametrize("found", [queryables.for_items(), queryables.for_collections()])
def test_every_property_has_a_title_and_a_type_and_refers_to_nothing(found):
    for name, definition in found.items():
        assert definition["title"], name
        assert definition["type"] in ("string", "number", "integer", "boolean", "array", "object"), name
    assert "$ref" not in json.dumps(found)
    jsonschema.Draft202012Validator.check_schema({"type": "object", "properties": found})


@pytest.mark.parametrize(
    ("kind", "found"), [("image", queryables.for_items()), ("product", queryables.for_collections())]
)
def test_every_filter_and_sort_names_a_queryable(kind, found):
    for row in tables.load(kind).rows.values():
        if row.filter and row.codec != "geometry":
            used = json.dumps(cql2.to_cql2({"isnull": row.name}, kind))
            assert any(json.dumps({"property": name}) in used for name in found), row.name
        if row.sort:
            for field in cql2.sortby(row.name, True, kind):
                assert field["field"].removeprefix("properties.") in found


def test_numbers_have_their_bounds_and_dates_their_format():
    found = queryables.for_items()
    assert found["eo:cloud_cover"]["minimum"] == 0
    assert found["eo:cloud_cover"]["maximum"] == 100
    assert found["datetime"]["format"] == "date-time"
    assert found["catalog:storage_state"]["enum"] == ["available", "remote"]
    assert "minimum" not in found["catalog:view_angle"]


def test_a_collection_s_queryables_include_its_summaries_and_bands():
    collection = {
        "id": "local:p",
        "summaries": {
            "platform": ["sat-1", "sat-2"],
            "eo:cloud_cover": {"minimum": 5, "maximum": 60},
            "x:orbit": [1, 2],
            "x:nothing": [],
            "eo:bands": [{"name": "red"}],
            "x:odd": "text",
        },
        "item_assets": {"red": {"bands": [{"name": "red"}]}, "thumbnail": {"roles": ["thumbnail"]}, "odd": 3},
    }
    found = queryables.for_collection_items(collection)
    assert found["platform"]["enum"] == ["sat-1", "sat-2"]
    assert found["platform"]["title"] == "Platform"
    assert (found["eo:cloud_cover"]["minimum"], found["eo:cloud_cover"]["maximum"]) == (5, 60)
    assert found["x:orbit"] == {"title": "x:orbit", "type": "number", "enum": [1, 2]}
    assert found["assets.red"]["title"] == "Band red"
    assert found["collection"]["enum"] == ["local:p"]
    assert not {"x:nothing", "x:odd", "eo:bands", "assets.thumbnail", "catalog:namespace"} & found.keys()
    assert "catalog:namespace" in queryables.for_collection_items({"id": "blobs:data"})
    jsonschema.Draft202012Validator.check_schema({"type": "object", "properties": found})
    # What is common to all collections is not changed by one.
    assert "enum" not in queryables.for_items()["platform"]
