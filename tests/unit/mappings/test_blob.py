"""Blobs and their Items: ids, round trips of attributes, completion."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.mappings import InvalidDocument, blob, cql2, ids, queryables, schema
from landbridge.mappings.diffs import json_equal
from landbridge.stac_api.documents import normalize

NOW = "2026-01-02T03:04:05Z"
COLLECTION = {"id": "blobs:data"}
POINT = {"type": "Point", "coordinates": [1.5, 2.5]}
BLOB = {"storage_type": "data", "namespace": "org:me", "name": "some/näme", "href": "/assets/x"}


@given(name=st.text(min_size=1), namespace=st.text("abz09:._-", min_size=1))
def test_item_ids_are_url_safe_and_can_be_split(name, namespace):
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    item = ids.blob_item_id(namespace, name)
    assert re.fullmatch(r"(?:[A-Za-z0-9._:-]|~[0-9A-F]{2})+", item)
    assert ids.split_blob_item_id(item) == (namespace, name)
    assert ids.split_blob_id(ids.blob_id("data", namespace, name)) == ("data", namespace, name)


@given(one=st.text("ab/~2F%é", min_size=1), other=st.text("ab/~2F%é", min_size=1))
def test_different_names_have_different_item_ids(one, other):
    assert (ids.blob_item_id("n", one) == ids.blob_item_id("n", other)) == (one == other)


@given(text=st.text("ab/~é, ", min_size=1), cut=st.integers(0, 10))
def test_a_prefix_of_a_name_gives_a_prefix_of_its_item_id(text, cut):
    assert ids.encode_blob_path(text).startswith(ids.encode_blob_path(text[:cut]))


def test_an_id_is_written_as_documented():
    assert ids.blob_item_id("org:me", "some/näme") == "org:me~2Fsome~2Fn~C3~A4me"
    assert ids.blob_collection_id("data") == "blobs:data"


@pytest.mark.parametrize(
    "item", ["", "x", "x~2F", "~2Fx", "a~2fb", "a~2Fb c", "a~2F~FF", "a~2Fb~", "a~2F~61"]
)
def test_ids_that_belong_to_no_blob_are_refused(item):
    with pytest.raises(ValueError, match="namespace/name"):
        ids.split_blob_item_id(item)
    with pytest.raises(InvalidDocument, match="id"):
        normalize.item({"id": item, "properties": {}, "assets": {}}, COLLECTION)


@given(data=st.data())
def test_a_blob_survives_a_round_trip_through_the_database(make, database, data):
    attributes = data.draw(make.blob)
    item = database.stored(blob.to_stac(attributes), item=True)
    assert json_equal(blob.from_stac(item), attributes)


@given(data=st.data())
def test_a_patch_makes_exactly_the_changes(make, database, data):
    before, after = data.draw(make.blob), data.draw(make.blob)
    item = database.stored(blob.to_stac(before), item=True)
    fixed = ("id", "namespace", "name", "storage_type")
    changes = {name: after.get(name) for name in {*before, *after} if name not in fixed}
    patched = database.stored(database.merged(item, blob.patch(changes, item)), item=True)
    wanted = {name: value for name, value in {**before, **changes}.items() if value is not None}
    assert json_equal(blob.from_stac(patched), wanted)
    # What only the server sets does not go.
    wanted |= {
        name: before[name] for name in ("created", "modified") if name in before and name not in wanted
    }
    rewritten = database.stored(blob.to_stac(wanted, base=item), item=True)
    assert json_equal(blob.from_stac(rewritten), wanted)


def test_properties_of_other_programs_are_kept_and_shown():
    item = blob.to_stac(BLOB)
    item["properties"]["x:y"] = 1
    item["assets"]["more"] = {"href": "m"}
    assert blob.from_stac(item)["extra_properties"] == {"x:y": 1}
    again = blob.to_stac({**blob.from_stac(item), "tags": ["t"]}, base=item)
    assert again["properties"]["x:y"] == 1
    assert again["assets"]["more"] == {"href": "m"}


def test_the_data_is_an_asset():
    item = blob.to_stac({**BLOB, "size_bytes": 3, "hash": "0" * 32})
    data = item["assets"]["data"]
    assert data == {
        "roles": ["data"],
        "href": "/assets/x",
        "file:size": 3,
        "file:checksum": "d50110" + "0" * 32,
    }
    assert item["properties"]["catalog:size_bytes"] == 3


def test_a_concurrently_changed_geometry_is_replaced_as_a_whole(database):
    read = blob.to_stac({**BLOB, "geometry": {"type": "GeometryCollection", "geometries": [POINT]}})
    changes = blob.patch({"geometry": POINT}, read)
    line = {"type": "LineString", "coordinates": [[0, 0], [1, 1]]}
    changed = database.merged(blob.to_stac({**BLOB, "geometry": line}), changes)
    assert (changed["geometry"], changed["bbox"]) == (POINT, [1.5, 2.5, 1.5, 2.5])


@pytest.mark.parametrize("name", ["storage_type", "namespace", "name", "id"])
def test_parts_of_the_id_cannot_change(name):
    with pytest.raises(InvalidDocument, match="cannot become"):
        blob.patch({name: "other"}, blob.to_stac(BLOB))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"namespace": None}, "namespace"),
        ({"name": ""}, "name"),
        ({"namespace": "a b"}, "namespace"),
        ({"name": "/a"}, "name"),
        ({"name": "a/"}, "name"),
        ({"name": "a,b"}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a" * 974}, "979"),
        ({"id": "data/x/y"}, "the id says"),
        ({"id": "x"}, "storage_type/namespace/name"),
        ({"size_bytes": -1}, "size_bytes"),
        ({"expires": "soon"}, "expires"),
        ({"what": 1}, "what"),
    ],
)
def test_invalid_values_are_named(change, said):
    with pytest.raises(InvalidDocument, match=said):
        blob.to_stac({**BLOB, **change})


def test_items_of_any_program_are_completed():
    item = {
        "id": "n~2Fa",
        "properties": {"title": "wrong"},
        "assets": {"data": {"href": "x", "file:size": 4}},
    }
    done = normalize.item(item, COLLECTION, now=NOW, principal=["user:u"])
    properties = done["properties"]
    assert done["collection"] == "blobs:data"
    assert done["geometry"] is None
    assert "bbox" not in done
    assert properties["title"] == "a"
    assert properties["catalog:namespace"] == "n"
    assert properties["catalog:size_bytes"] == 4
    assert properties["datetime"] == properties["created"] == properties["updated"] == NOW
    assert properties["catalog:owners"] == ["user:u"]
    assert properties["catalog:storage_state"] == "available"
    assert schema.DEFAULT_URL in done["stac_extensions"]
    later = normalize.item(done, COLLECTION, previous=done, now="2027-01-01T00:00:00Z")
    assert later["properties"]["datetime"] == NOW
    assert later["properties"]["updated"] == "2027-01-01T00:00:00Z"


def test_a_geometry_has_a_bbox_and_an_empty_one_is_null():
    item = {"id": "n~2Fa", "properties": {}, "assets": {"data": {"href": "x"}}}
    assert normalize.item({**item, "geometry": POINT}, COLLECTION)["bbox"] == [1.5, 2.5, 1.5, 2.5]
    empty = {"type": "GeometryCollection", "geometries": []}
    done = normalize.item({**item, "geometry": empty, "bbox": [0, 0, 1, 1]}, COLLECTION)
    assert done["geometry"] is None
    assert "bbox" not in done
    with pytest.raises(InvalidDocument, match="geometry"):
        normalize.item({**item, "geometry": {"type": "Point", "coordinates": []}}, COLLECTION)


@pytest.mark.parametrize(
    ("change", "attribute"),
    [
        ({"assets": {}}, "href"),
        ({"assets": {"data": {"href": "x", "file:size": True}}}, "size_bytes"),
        ({"properties": {"expires": 1}}, "expires"),
        ({"properties": {"keywords": "tag"}}, "tags"),
        ({"properties": {"catalog:owners": ["me"]}}, "owners"),
    ],
)
def test_an_invalid_item_is_refused_by_its_attribute(change, attribute):
    item = {"id": "n~2Fa", "properties": {}, "assets": {"data": {"href": "x"}}, **change}
    with pytest.raises(InvalidDocument) as caught:
        normalize.item(item, COLLECTION)
    assert caught.value.attribute == attribute


def _is(operator, name, value):
    return {"op": operator, "args": [{"property": name}, value]}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ({"eq": {"namespace": "o:n"}}, _is("=", "catalog:namespace", "o:n")),
        ({"prefix": {"name": "a_b/"}}, _is("like", "title", "a\\_b/%")),
        ({"range": {"size_bytes": {"gt": 5}}}, _is(">", "catalog:size_bytes", 5)),
        ({"range": {"expires": {"lt": "2020"}}}, _is("<", "expires", {"timestamp": "2020-01-01T00:00:00Z"})),
        ({"eq": {"tags": "t"}}, _is("a_contains", "keywords", ["t"])),
        ({"eq": {"owners": "user:u"}}, _is("a_contains", "catalog:owners", ["user:u"])),
        ({"eq": {"storage_type": "data"}}, _is("=", "catalog:storage_type", "data")),
        (
            {"eq": {"id": "data/n/a b"}},
            {"op": "and", "args": [_is("=", "collection", "blobs:data"), _is("=", "id", "n~2Fa~20b")]},
        ),
        (
            {"prefix": {"id": "data/n/a "}},
            {"op": "and", "args": [_is("=", "collection", "blobs:data"), _is("like", "id", "n~2Fa~20%")]},
        ),
        ({"prefix": {"id": "da"}}, _is("like", "collection", "blobs:da%")),
    ],
)
def test_filters_name_the_properties_of_items(expression, expected):
    assert cql2.to_cql2(expression, "blob") == expected


def test_attributes_without_a_filter_are_refused():
    with pytest.raises(AttributeError, match="hash"):
        cql2.to_cql2({"eq": {"hash": "x"}}, "blob")
    with pytest.raises(AttributeError, match="product_id"):
        cql2.to_cql2({"eq": {"product_id": "x"}}, "blob")
    with pytest.raises(ValueError, match="id"):
        cql2.to_cql2({"eq": {"id": "x"}}, "blob")


def test_text_search_requires_every_word():
    found = cql2.text_filter("50% red", "blob")
    assert [part["op"] for part in found["args"]] == ["or", "or"]
    names = {like["args"][0]["args"][0]["property"] for like in found["args"][0]["args"]}
    assert names == {"title", "catalog:namespace", "description"}
    assert found["args"][0]["args"][0]["args"][1] == {"op": "casei", "args": ["%50\\%%"]}


def test_objects_without_a_geometry_match_only_if_requested():
    assert cql2.geometry_filter(POINT) == _is("s_intersects", "geometry", POINT)
    both = cql2.geometry_filter(POINT, match_null_geometry=True)
    assert both == {
        "op": "or",
        "args": [_is("s_intersects", "geometry", POINT), {"op": "isNull", "args": [{"property": "bbox"}]}],
    }


def test_filterable_attributes_are_queryable():
    assert queryables.for_items()["catalog:size_bytes"]["type"] == "integer"
    assert queryables.for_items()["expires"]["format"] == "date-time"
    assert schema.catalog_extension("blob")["properties"]["properties"]["properties"]["catalog:namespace"]
