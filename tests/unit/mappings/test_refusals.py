"""Values that STAC cannot hold are refused by name; malformed members of other programs hide nothing else."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from landbridge.mappings import (
    InvalidDocument,
    assets,
    band,
    blob,
    cql2,
    external_bands,
    extra_properties,
    image,
    product,
    queryables,
    schema_check,
    times,
    values,
)
from landbridge.mappings.binding import Asset, replace_files
from landbridge.mappings.cql2_text import to_text

COLLECTION = {"type": "Collection", "id": "p", "bands": [{"name": "red"}]}
ITEM = {"id": "i", "collection": "p", "properties": {}, "assets": {}}


@pytest.mark.parametrize(
    ("write", "attribute"),
    [
        (lambda: band.to_stac({"name": "red", "colour": "x"}), "colour"),
        (lambda: band.to_stac({"id": "no-colon"}), "id"),
        (lambda: band.to_stac({"id": 5}), "id"),
        (lambda: image.to_stac({"id": "no-colon", "acquired": "2024-01-01"}), "id"),
        (lambda: image.to_stac({"id": "p:i", "acquired": "2024-01-01", "cs_code": 32615}), "cs_code"),
        (lambda: image.to_stac({"id": "p:i", "acquired": "2024-01-01", "projection": 5}), "projection"),
        (lambda: product.to_stac({"id": "p", "name": "P", "start_datetime": "soon"}), "start_datetime"),
        (lambda: values.check("tags", ["a\x00b"]), "tags"),
        (lambda: values.check("extra_properties", {"a": 2**64}), "extra_properties"),
        (lambda: values.check("description", "\ud800"), "description"),
    ],
)
def test_a_value_that_cannot_be_written_is_refused_by_name(write, attribute):
    with pytest.raises(InvalidDocument) as caught:
        write()
    assert caught.value.attribute == attribute


def test_an_image_always_has_a_time():
    with pytest.raises(InvalidDocument, match="acquired"):
        image.patch({"acquired": None})
    with pytest.raises(ValueError, match="base"):
        image.patch({"files": None})


def test_an_interval_that_ends_nowhere_is_a_moment():
    interval = {
        "datetime": None,
        "start_datetime": "2024-01-01T00:00:00Z",
        "end_datetime": "2024-01-02T00:00:00Z",
    }
    base = {**ITEM, "properties": interval}
    assert image.from_stac(base)["acquired_end"] == "2024-01-02T00:00:00Z"
    patch = image.patch({"acquired_end": None}, base)["properties"]
    assert patch["datetime"] == "2024-01-01T00:00:00Z"
    assert patch["end_datetime"] is None
    blind = image.patch({"acquired_end": None})["properties"]
    assert blind["start_datetime"] is None


@pytest.mark.parametrize("malformed", ["soon", 5, "", [1]])
def test_a_malformed_time_is_left_out_and_the_rest_is_read(malformed):
    dates = {"datetime": "2024-01-01T00:00:00Z", "created": malformed, "platform": "a"}
    read = image.from_stac({**ITEM, "properties": dates})
    assert (read["acquired"], read["satellite_id"]) == ("2024-01-01T00:00:00Z", "a")
    assert "created" not in read
    other = {
        "id": "p",
        "title": "P",
        "extent": {"temporal": {"interval": [[malformed, "2024-01-01T00:00:00Z"]]}},
    }
    read = product.from_stac(other)
    assert (read["name"], read["end_datetime"]) == ("P", "2024-01-01T00:00:00Z")
    assert "start_datetime" not in read


def test_files_keep_their_indexes_and_their_assets_keys():
    spread = {
        "b": {"href": "b.tif", "catalog:file_index": 2},
        "a": {"href": "a.tif", "catalog:file_index": 0},
    }
    assert [file["href"] for file in assets.files(spread)] == ["a.tif", "", "b.tif"]
    own = {"data": {"href": "x.json", "roles": ["metadata"], "type": "application/json"}}
    assets.set_files(own, [{"href": "new.tif"}])
    assert {key: asset["href"] for key, asset in own.items()} == {"data": "x.json", "file-0": "new.tif"}
    with pytest.raises(InvalidDocument, match="'sise'"):
        assets.set_files({}, [{"href": "a.tif", "sise": 3}])
    with pytest.raises(InvalidDocument, match="file 1 has no href"):
        assets.set_files({}, [{"href": "a.tif"}, {"href": ""}])


def test_files_that_replace_others_keep_their_keys_and_count_from_zero():
    before = {"red": Asset("red.tif"), "nir": Asset("nir.tif")}
    after = replace_files(before, ["nir.tif", "new.tif", "nir.tif"])
    assert {key: (asset.href, asset.file_index) for key, asset in after.items()} == {
        "nir": ("nir.tif", 0),
        "file 1": ("new.tif", 1),
        "file 2": ("nir.tif", 2),
    }


@pytest.mark.parametrize(
    ("condition", "kind", "message"),
    [
        ({"eq": {"is_core": 3}}, "product", "use True or False"),
        ({"eq": {"tags": {"a": 1}}}, "image", "is a string"),
        ({"eq": {"tags": "a\x00"}}, "image", "NUL"),
        ({"range": {"id": {"gt": "p:i"}}}, "image", "ids have no order"),
        ({"eq": {"id": "no-colon"}}, "image", "cannot filter by id"),
        ({"like": {"name": 5}}, "image", "pattern"),
        ({"eq": {"name": 5}}, "image", "is a string"),
    ],
)
def test_a_filter_that_cannot_match_is_refused(condition, kind, message):
    with pytest.raises(ValueError, match=message):
        cql2.to_cql2(condition, kind)


def test_truths_are_written_as_cql2_text():
    node = {"op": "or", "args": [{"op": "=", "args": [{"property": "a"}, flag]} for flag in (True, False)]}
    text = to_text(node)
    assert "TRUE" in text
    assert "FALSE" in text


def test_a_malformed_asset_does_not_hide_the_bands_of_others():
    good = {
        "href": "r.tif",
        "type": "image/tiff; application=geotiff",
        "roles": ["data"],
        "eo:bands": [{"name": "r"}],
    }
    for bad in (
        {"href": "x.tif", "roles": 5, "bands": 3},
        {"href": "x.tif", "roles": ["data"], "bands": [5]},
    ):
        item = {**ITEM, "assets": {"bad": bad, "red": good}}
        found = external_bands.entries({"id": "p"}, item)
        assert "red" in [entry.get("name") for entry in found]
    assert external_bands.bind_entries({"bands": ["no object", {"name": "red"}]})[0] == "no object"


def test_labels_of_classes_are_a_list_only_without_gaps_in_meaning():
    named = [{"value": 0, "name": "none"}, {"value": 2, "name": "wheat"}]
    assert external_bands.class_labels(named) == ["none", "", "wheat"]
    assert external_bands.class_labels([*named, {"value": 300, "name": "far"}]) is None
    assert external_bands.class_labels([{"value": "x"}]) is None


def test_extra_properties_of_both_places_are_one():
    properties = {"extra": 1, "same": 2, "own": 3, "gone": 4}
    unmapped = {"extra": 1, "same": 2, "own": 3, "gone": 4}
    extra_properties.write(properties, unmapped, {"extra": 5, "same": 2, "own": 7.5, "new": "a"})
    out = {}
    rest = {key: value for key, value in properties.items() if key != extra_properties.MEMBER}
    extra_properties.read(properties.get(extra_properties.MEMBER), rest, out)
    assert out["extra_properties"] == {"extra": 5, "same": 2, "own": 7.5, "new": "a"}
    assert "gone" not in properties


@pytest.mark.parametrize(
    ("summary", "expected"),
    [
        ({"minimum": 1, "maximum": 4.5}, {"type": "number", "minimum": 1, "maximum": 4.5}),
        ({"minimum": "2020-01-01", "maximum": "2021-01-01"}, {"type": "string"}),
        ({"minimum": None, "maximum": 4}, None),
        ({"count": 3}, None),
    ],
)
def test_a_range_of_summaries_is_a_range_of_the_queryable(summary, expected):
    found = queryables.for_collection_items({**COLLECTION, "summaries": {"x:own": summary}}).get("x:own", {})
    assert {key: found.get(key) for key in expected or ()} == (expected or {})
    if expected is None:
        assert "minimum" not in found


@pytest.mark.parametrize(
    ("schema", "value", "why"),
    [
        ({"type": "string", "maxLength": 3}, "abcd", "longer than 3"),
        ({"type": "string", "pattern": "^a"}, "b", "form"),
        ({"type": "string", "format": "date-time"}, "soon", "RFC 3339"),
        ({"type": "string", "format": "date-time"}, "2024-01-01", "RFC 3339"),
        ({"type": "string", "format": "date-time"}, "2024-01-01T00:00:00Z", None),
        ({"type": "object", "required": ["a"]}, {"a": None}, "has no a"),
        ({"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"c": 1}, "has no a"),
        ({"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"b": 1}, None),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {"a": None}, None),
    ],
)
def test_a_fault_names_what_is_wrong(schema, value, why):
    found = schema_check.fault(schema, value)
    assert found is None if why is None else why in found


def test_a_time_outside_of_the_calendar_is_refused():
    first = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    with pytest.raises(ValueError, match="outside the years"):
        times.parse(first)
    assert times.parse(datetime(2024, 1, 1)) == datetime(2024, 1, 1, tzinfo=UTC)  # noqa: DTZ001 - taken as UTC


def test_a_foreign_blob_has_the_name_that_its_id_gives():
    read = blob.from_stac({"id": "no-namespace", "collection": "blobs:data", "properties": {}, "assets": {}})
    assert read["name"] == "no-namespace"
    assert "id" not in read
    assert blob.data_version("https://elsewhere/data") is None
    assert blob.data_version(None) is None
