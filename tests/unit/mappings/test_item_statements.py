"""Statements of other programs' Items and assets about pixels: types, classes, display and projection."""

from __future__ import annotations

import pytest

from landbridge.catalog.stac.bands import band_records
from landbridge.mappings import band, image

DATA = {"roles": ["data"], "type": "image/tiff"}
STATED = {"data_type": "uint16", "nodata": 0, "raster:scale": 1e-4, "raster:offset": -0.1}
EO = {"eo:bands": [{"name": "B04", "common_name": "red"}]}


def collection(**assets):
    return {"id": "c", "item_assets": assets}


def bands_of(document, *items):
    return {record.attributes["name"]: record.attributes for record in band_records(document, lambda: items)}


@pytest.mark.parametrize(
    "form",
    [
        STATED,
        {"bands": [STATED]},
        {"raster:bands": [{"data_type": "uint16", "nodata": 0, "scale": 1e-4, "offset": -0.1}]},
    ],
)
def test_an_item_completes_bands_whose_collection_states_no_type(form):
    found = bands_of(collection(red={**DATA, **EO}), {"assets": {"red": {**DATA, "href": "r.tif", **form}}})
    red = found["red"]
    assert (red["data_type"], red["nodata"], red["type"]) == ("UInt16", 0, "spectral")
    assert red["data_range"] == [0.0, 65535.0]
    assert red["physical_range"] == pytest.approx([-0.1, 6.4535])
    assert red["display_range"] == [1000.0, 5000.0]


def test_bands_without_an_asset_in_the_collection_are_completed_too():
    document = {"id": "c", "bands": [{"name": "B04", "eo:common_name": "red"}]}
    item = {"assets": {"B04_10m": {**DATA, "href": "r.tif", **STATED, "bands": [{"name": "B04"}]}}}
    assert bands_of(document, item)["B04"]["data_type"] == "UInt16"


def test_what_the_collection_states_is_kept():
    assets = {"red": {**DATA, "href": "r.tif", **STATED}, "blue": {**DATA, "href": "b.tif", **STATED}}
    described = collection(red={**DATA, "data_type": "uint8"}, blue=DATA)

    def no_items():
        raise AssertionError("no Item is needed")

    assert [record.attributes.get("data_type") for record in band_records(described, no_items)] == [
        None,
        "Byte",
    ]
    found = bands_of(collection(red={**DATA, "nodata": 7}, blue=DATA), {"assets": assets})
    assert (found["red"]["nodata"], found["blue"]["nodata"]) == (7, 0)


@pytest.mark.parametrize("item", [{}, {"assets": None}, {"assets": {}}, {"assets": {"red": {"href": ""}}}])
def test_items_that_state_nothing_change_nothing(item):
    document = collection(red={**DATA, **EO})
    assert bands_of(document, item) == bands_of(document)


def test_bit_fields_of_an_item_are_extra_properties_of_the_band():
    fields = [{"offset": 3, "length": 1, "name": "cloud", "description": None}]
    document = collection(qa={**DATA, "data_type": "uint16", "roles": ["data", "cloud"]})
    item = {"assets": {"qa": {**DATA, "href": "q.tif", "classification:bitfields": fields}}}
    qa = bands_of(document, item)["qa"]
    assert (qa["type"], qa["extra_properties"]) == ("class", {"classification:bitfields": fields})
    # In the form of STAC 1.1, the Collection lists the band itself.
    own = band.from_stac({"name": "qa", "classification:bitfields": fields}, "c")
    assert own["extra_properties"] == {"classification:bitfields": fields}


def test_classes_of_the_file_extension_are_labels():
    values = [{"values": [0], "summary": "none"}, {"values": [1, 3], "summary": "water"}]
    found = bands_of(collection(data={**DATA, "file:values": values}))["data"]
    assert (found["type"], found["class_labels"]) == ("class", ["none", "water", "", "water"])


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"data_type": "uint16", "eo:common_name": "red"}, [0.0, 4000.0]),
        (
            {"data_type": "uint16", "eo:common_name": "red", "raster:scale": 2.75e-5, "raster:offset": -0.2},
            [7273.0, 21818.0],
        ),
        (
            {"data_type": "uint16", "eo:common_name": "lwir11", "raster:scale": 0.1, "unit": "kelvin"},
            [2600.0, 3200.0],
        ),
        ({"data_type": "uint16"}, [0.0, 10000.0]),
        ({"data_type": "uint16", "statistics": {"minimum": 1, "maximum": 9}}, [1.0, 9.0]),
        ({"data_type": "uint16", "raster:scale": 0.001}, None),
        ({"data_type": "uint8", "eo:common_name": "red"}, None),
        ({"data_type": "float32", "eo:common_name": "red"}, None),
        ({"data_type": "uint16", "classification:classes": [{"value": 0, "name": "a"}]}, None),
        ({}, None),
    ],
)
def test_display_ranges_follow_from_unit_and_type(members, expected):
    assert band.from_stac({"name": "b", **members}, "c").get("display_range") == expected


UTM = {"proj:code": "EPSG:32636", "proj:transform": [10, 0, 0, 0, -10, 0]}


@pytest.mark.parametrize(
    ("properties", "assets", "expected"),
    [
        ({}, {"a": {**DATA, **UTM}}, "EPSG:32636"),
        ({"proj:code": None}, {"a": {**DATA, "proj:epsg": 32636}}, "EPSG:32636"),
        ({"proj:code": "EPSG:4326"}, {"a": {**DATA, **UTM}}, "EPSG:4326"),
        # The finest grid is the image's, and a preview has another system.
        (
            {},
            {
                "a": {**DATA, "proj:code": "EPSG:3857", "proj:transform": [60, 0, 0, 0, -60, 0]},
                "b": {**DATA, **UTM},
                "c": {"roles": ["thumbnail"], "proj:code": "EPSG:4326"},
            },
            "EPSG:32636",
        ),
        ({}, {"a": DATA}, None),
        ({}, {"a": {"roles": ["thumbnail"], "proj:code": "EPSG:4326"}}, None),
    ],
)
def test_the_projection_of_assets_is_the_image_s(properties, assets, expected):
    document = {"id": "i", "collection": "c", "properties": properties, "assets": assets}
    attributes = image.from_stac(document)
    assert attributes.get("cs_code") == expected
    # A save changes nothing.
    full = {**document, "properties": {**properties, "datetime": "2020-01-01T00:00:00Z"}}
    assert image.patch(image.from_stac(full), full) == {}
