"""Conversion to STAC and back is lossless, through the database and with members of other programs."""

from __future__ import annotations

import copy
import math

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.mappings import InvalidDocument, band, image, product
from landbridge.mappings.diffs import json_equal

BAND_TYPES = ("spectral", "microwave", "generic", "class", "mask")


@given(data=st.data())
def test_an_image_survives_a_round_trip_through_the_database(make, database, data):
    attributes = data.draw(make.image)
    item = database.stored(image.to_stac(attributes), item=True)
    assert json_equal(image.from_stac(item), attributes)


@given(data=st.data())
def test_a_product_survives_a_round_trip_through_the_database(make, database, data):
    attributes = data.draw(make.product)
    collection = database.stored(product.to_stac(attributes), item=False)
    assert json_equal(product.from_stac(collection), attributes)


@pytest.mark.parametrize("type_", BAND_TYPES)
@given(data=st.data())
def test_a_band_survives_a_round_trip_through_the_database(make, database, type_, data):
    attributes = data.draw(make.bands[type_])
    entry = database.stored(band.to_stac(attributes), item=False)
    assert json_equal(band.from_stac(entry, "o:p"), attributes)


def test_nodata_that_is_not_a_number_survives():
    entry = band.to_stac({"name": "b", "type": "generic", "nodata": math.nan})
    assert entry["nodata"] == "nan"
    assert math.isnan(band.from_stac(entry, "p")["nodata"])


@given(data=st.data())
def test_members_of_other_programs_survive_a_rewrite_of_an_image(make, database, data):
    before, after = data.draw(make.image), data.draw(make.image)
    foreign = data.draw(make.foreign)
    item = image.to_stac(before)
    taken = before.get("extra_properties", {})
    item["properties"].update({key: value for key, value in foreign.items() if key not in taken})
    item["assets"]["metadata"] = {"href": "m.xml", "roles": ["metadata"]}
    item["x:top"] = [1, {"a": 2}]
    item = database.stored(item, item=True)
    shown = image.from_stac(item).get("extra_properties", {})
    assert all(json_equal(shown[key], value) for key, value in foreign.items() if key not in taken)
    # An object shows members of other programs, and a save keeps them.
    stamps = {name: before[name] for name in ("created", "modified") if name in before}
    wanted = {**stamps, **after, "extra_properties": {**foreign, **after.get("extra_properties", {})}}
    untouched = copy.deepcopy(item)
    new = database.stored(image.to_stac(wanted, base=item), item=True)
    assert item == untouched
    assert json_equal(image.from_stac(new), wanted)
    assert new["x:top"] == item["x:top"]
    assert new["assets"]["metadata"] == item["assets"]["metadata"]
    for key, value in foreign.items():
        if key not in taken and json_equal(wanted["extra_properties"][key], value):
            assert json_equal(new["properties"][key], value)


@given(data=st.data())
def test_a_rewrite_without_changes_changes_nothing(make, database, data):
    item = database.stored(image.to_stac(data.draw(make.image)), item=True)
    assert json_equal(image.to_stac(image.from_stac(item), base=item), item)
    collection = database.stored(product.to_stac(data.draw(make.product)), item=False)
    assert json_equal(product.to_stac(product.from_stac(collection), base=collection), collection)
    entry = database.stored(band.to_stac(data.draw(make.bands["spectral"])), item=False)
    assert json_equal(band.to_stac(band.from_stac(entry, "o:p"), base=entry), entry)


def _changes(data, before, after):
    """Return some of the differences between two objects; removed attributes are None."""
    names = sorted((set(before) | set(after)) - {"id", "name", "product_id", "type"})
    chosen = data.draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    return {name: after.get(name) for name in chosen}


def _with(attributes, changes):
    both = {**attributes, **changes}
    return {name: value for name, value in both.items() if value is not None}


@given(data=st.data())
def test_a_merge_patch_of_an_image_makes_exactly_its_changes(make, database, data):
    before, after = data.draw(make.image), data.draw(make.image)
    item = database.stored(image.to_stac(before), item=True)
    item["properties"]["other:thing"] = [1]
    changes = _changes(data, before, after)
    if "acquired" in changes and changes["acquired"] is None:
        del changes["acquired"]
    patched = database.stored(database.merged(item, image.patch(changes, item)), item=True)
    expected = _with(before, changes)
    found = image.from_stac(patched)
    extra = {"other:thing": [1], **expected.get("extra_properties", {})}
    if "extra_properties" in changes:
        # A new value replaces all of them, including those of other programs.
        extra = expected.get("extra_properties")
    assert json_equal(found, _with(expected, {"extra_properties": extra}))
    assert patched["links"] == image.to_stac(expected, base=item)["links"]


@given(data=st.data())
def test_a_merge_patch_without_a_base_is_equivalent(make, database, data):
    before, after = data.draw(make.image), data.draw(make.image)
    item = database.stored(image.to_stac(before), item=True)
    changes = _changes(data, before, after)
    for name in ("files", "extra_properties"):
        changes.pop(name, None)
    for name in ("acquired", "x_pixels", "y_pixels"):
        if name in changes and changes[name] is None:
            del changes[name]
    patched = database.stored(database.merged(item, image.patch(changes)), item=True)
    found, expected = image.from_stac(patched), _with(before, changes)
    if "provider_url" in changes:
        # The link is an array's element, which the server makes follow the property.
        found, expected = _with(found, {"provider_url": None}), _with(expected, {"provider_url": None})
    assert json_equal(found, expected)


@pytest.mark.parametrize("name", ["files", "extra_properties", "x_pixels"])
def test_a_patch_that_needs_the_item_says_so(name):
    with pytest.raises(ValueError, match=f"{name}.*base="):
        image.patch({name: None})


@given(data=st.data())
def test_a_patch_of_a_product_makes_exactly_its_changes(make, database, data):
    before, after = data.draw(make.product), data.draw(make.product)
    collection = {**product.to_stac(before), "bands": [{"name": "x"}], "providers": [{"name": "y"}]}
    collection["extent"]["spatial"] = {"bbox": [[0, 0, 1, 1]]}
    collection = database.stored(collection, item=False)
    changes = _changes(data, before, after)
    operations = product.patch(changes, collection)
    patched = jsonpatch.apply_patch(collection, operations)
    assert json_equal(product.from_stac(patched), _with(before, changes))
    for member in ("bands", "providers", "links", "license"):
        assert patched[member] == collection[member]
        assert not any(operation["path"].startswith(f"/{member}") for operation in operations)
    assert patched["extent"]["spatial"] == collection["extent"]["spatial"]


def test_a_patch_contains_only_changes():
    base = product.to_stac({"id": "p", "name": "P", "tags": ["a"], "is_core": False})
    assert product.patch({"tags": ["b"], "name": "P"}, base) == [
        {"op": "add", "path": "/keywords", "value": ["b"]}
    ]
    assert product.patch({"is_core": None}, base) == [{"op": "remove", "path": "/catalog:is_core"}]
    assert product.patch({"tags": ["a"]}, base) == []
    item = image.to_stac({"name": "i", "product_id": "p", "acquired": "2020", "tags": ["a"]})
    assert image.patch({"cloud_fraction": 0.5, "tags": ["a"]}, item) == {
        "properties": {"eo:cloud_cover": 50.0}
    }
    assert image.patch({"tags": ["a"]}, item) == {}


def test_true_and_one_are_different_values():
    base = product.to_stac({"id": "p", "extra_properties": {"a": 1}})
    assert product.patch({"extra_properties": {"a": True}}, base) == [
        {"op": "add", "path": "/catalog:extra_properties", "value": {"a": True}}
    ]


def test_a_complete_size_replaces_a_size_in_parts():
    half = {"name": "i", "product_id": "p", "id": "p:i", "acquired": "2020-01-01T00:00:00Z", "x_pixels": 1}
    assert image.patch({"x_pixels": 3, "y_pixels": 2}) == {
        "properties": {"proj:shape": [2, 3], "catalog:x_pixels": None, "catalog:y_pixels": None}
    }
    assert image.from_stac(image.to_stac(half)) == half


@given(data=st.data())
def test_a_patch_of_a_band_makes_exactly_its_changes(make, database, data):
    type_ = data.draw(st.sampled_from(BAND_TYPES))
    before, after = data.draw(make.bands[type_]), data.draw(make.bands[type_])
    other = {"name": "another one"}
    collection = {**product.to_stac({"id": "o:p"}), "bands": [other, {**band.to_stac(before), "x:y": 1}]}
    collection = database.stored(collection, item=False)
    changes = _changes(data, before, after)
    operations = band.patch(changes, collection, before["name"])
    assert operations[0] == {"op": "test", "path": "/bands/1/name", "value": before["name"]}
    patched = jsonpatch.apply_patch(collection, operations)
    assert json_equal(band.from_stac(patched["bands"][1], "o:p"), _with(before, changes))
    assert patched["bands"][0] == other
    assert patched["bands"][1]["x:y"] == 1
    assert {**patched, "bands": 0} == {**collection, "bands": 0}


@given(data=st.data())
def test_bands_are_added_and_removed_by_patches(make, data):
    attributes = data.draw(make.bands["class"])
    collection = product.to_stac({"id": "o:p"})
    added = jsonpatch.apply_patch(collection, band.add_patch(attributes))
    assert json_equal(band.list_from_collection(added), [attributes])
    assert jsonpatch.apply_patch(added, band.remove_patch(added, attributes["name"])) == collection


def test_a_band_patch_fails_if_the_bands_have_moved():
    collection = product.to_stac({"id": "p"}) | {"bands": [{"name": "a"}, {"name": "b"}]}
    operations = band.remove_patch(collection, "b")
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch({**collection, "bands": [{"name": "b"}, {"name": "c"}]}, operations)
    with pytest.raises(KeyError, match="'c'"):
        band.patch({"tags": []}, collection, "c")


@pytest.mark.parametrize(
    ("convert", "attributes", "attribute"),
    [
        (image.to_stac, {"name": "i", "product_id": "p"}, "acquired"),
        (image.to_stac, {"name": "i", "acquired": "yesterday"}, "acquired"),
        (image.to_stac, {"name": "i", "acquired": "2020-13"}, "acquired"),
        (image.to_stac, {"name": "i", "acquired": "2020", "acquired_end": 7}, "acquired_end"),
        (image.to_stac, {"name": "i", "acquired": "2020", "cloud_fraction": "many"}, "cloud_fraction"),
        (image.to_stac, {"name": "i", "acquired": "2020", "cloud_fraction": math.nan}, "cloud_fraction"),
        (image.to_stac, {"name": "i", "acquired": "2020", "geotrans": [1, 2]}, "geotrans"),
        (image.to_stac, {"name": "i", "acquired": "2020", "geometry": {"type": "Point"}}, "geometry"),
        (image.to_stac, {"name": "i", "acquired": "2020", "files": [{"hash": "x"}]}, "files"),
        (image.to_stac, {"name": "i", "acquired": "2020", "files": [{"href": "x", "y": 1}]}, "files"),
        (image.to_stac, {"name": "i", "acquired": "2020", "clouds": 1}, "clouds"),
        (image.to_stac, {"id": "nocolon", "acquired": "2020"}, "id"),
        (product.to_stac, {"name": "P"}, "id"),
        (product.to_stac, {"id": "p", "start_datetime": "soon"}, "start_datetime"),
        (product.to_stac, {"id": "p", "tags": "abc"}, "tags"),
        (product.to_stac, {"id": "p", "resolution": 1}, "resolution"),
        (band.to_stac, {"type": "mask"}, "name"),
        (band.to_stac, {"name": "b", "data_type": "Int128"}, "data_type"),
        (band.to_stac, {"name": "b", "resolution": {"value": 1, "unit": "feet"}}, "resolution"),
        (band.to_stac, {"name": "b", "wavelength_nm_center": "red"}, "wavelength_nm_center"),
    ],
)
def test_invalid_values_are_refused_by_attribute(convert, attributes, attribute):
    with pytest.raises(InvalidDocument, match=attribute) as raised:
        convert(attributes)
    assert raised.value.attribute == attribute


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        ("2020", "2020-01-01T00:00:00Z"),
        ("2020-02", "2020-02-01T00:00:00Z"),
        ("2020-02-03", "2020-02-03T00:00:00Z"),
        ("2020-02-03T04:05:06+02:00", "2020-02-03T02:05:06Z"),
        ("2020-02-03 04:05:06.123456789", "2020-02-03T04:05:06.123456Z"),
    ],
)
def test_dates_are_stored_in_utc(given_, kept):
    item = image.to_stac({"name": "i", "acquired": given_})
    assert item["properties"]["datetime"] == kept
    assert image.from_stac(item)["acquired"] == kept


def test_units_change_in_decimal_notation():
    item = image.to_stac({"name": "i", "acquired": "2020", "cloud_fraction": 0.29})
    assert item["properties"]["eo:cloud_cover"] == 29.0
    assert "catalog:cloud_fraction" not in item["properties"]
    entry = band.to_stac({"name": "b", "type": "spectral", "wavelength_nm_center": 655})
    assert entry["eo:center_wavelength"] == 0.655
    assert band.to_stac({"name": "b", "resolution": {"value": 0.5, "unit": "degrees"}}) == {
        "name": "b",
        "raster:spatial_resolution": 55555.5,
        "catalog:resolution": {"value": 0.5, "unit": "degrees"},
    }


def test_an_edit_of_the_stac_member_overrides_the_exact_value():
    exact = 0.1234567890123456789 / 3
    item = image.to_stac({"name": "i", "acquired": "2020", "cloud_fraction": exact})
    item["properties"]["eo:cloud_cover"] = 7.0
    assert image.from_stac(item)["cloud_fraction"] == 0.07


def test_an_end_of_acquisition_is_written_with_its_start():
    item = image.to_stac({"name": "i", "acquired": "2020", "acquired_end": "2021"})
    properties = item["properties"]
    assert properties["start_datetime"] == properties["datetime"] == "2020-01-01T00:00:00Z"
    assert properties["end_datetime"] == "2021-01-01T00:00:00Z"
    moved = image.patch({"acquired": "2019"}, item)["properties"]
    assert moved == {"datetime": "2019-01-01T00:00:00Z", "start_datetime": "2019-01-01T00:00:00Z"}


def test_a_copied_name_is_not_read_back_as_description():
    collection = product.to_stac({"id": "p", "name": "P"})
    assert collection["description"] == "P"
    assert "description" not in product.from_stac(collection)
    renamed = jsonpatch.apply_patch(collection, product.patch({"name": "Q"}, collection))
    assert renamed["description"] == "Q"
    assert "description" not in product.from_stac(renamed)
    said = jsonpatch.apply_patch(renamed, product.patch({"description": "Q"}, renamed))
    assert product.from_stac(said)["description"] == "Q"
    edited = {**collection, "description": "by another client"}
    assert product.from_stac(edited)["description"] == "by another client"
