"""Entries of bands from a source's table: ranges, processing levels, masks and bindings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from landbridge.mappings import band as band_mapping
from landbridge.mappings.binding import Bindings
from landbridge.mappings.errors import InvalidDocument
from landbridge.mappings.sources.bands import MASK_NODATA, band_entries, band_entry
from landbridge.mappings.sources.model import BandRow, MaskRule

RED = BandRow(
    "red", "B04", attributes={"type": "spectral", "data_type": "UInt16", "nodata": 0},
    scale=1e-4, offset=-0.1,
    unit="reflectance",
)  # fmt: skip


def attributes_of(row: BandRow) -> dict:
    return band_mapping.from_stac(band_entry(row), "p")


def test_scale_and_offset_give_the_physical_range_of_all_stored_values():
    found = attributes_of(RED)
    assert found["data_range"] == [0.0, 65535.0]
    assert found["physical_range"] == pytest.approx([-0.1, 6.4535])
    assert found["physical_range_unit"] == "reflectance"
    # Reflectances of 0 to 0.4, as stored.
    assert found["display_range"] == [1000.0, 5000.0]


def test_a_band_of_reflectance_has_the_level_surface_reflectance():
    (step,) = attributes_of(RED)["processing_levels"]["surface_reflectance"]
    assert (step["function"], step["data_type"], step["data_range"]) == ("physical", "Float64", [0.0, 1.0])
    assert step["display_range"] == pytest.approx([0.0, 0.4])


def test_reflectance_at_the_top_of_the_atmosphere_has_a_level_of_its_own():
    found = attributes_of(replace(RED, unit="toa_reflectance"))
    assert list(found["processing_levels"]) == ["toa_reflectance"]
    assert found["physical_range_unit"] == "reflectance"
    assert found["display_range"] == [1000.0, 5000.0]


@pytest.mark.parametrize("unit", [None, "kelvin", "m"])
def test_a_band_of_another_unit_has_no_such_level(unit):
    row = BandRow("b", "b", attributes={"type": "generic", "data_type": "UInt16"}, scale=0.1, unit=unit)
    assert "processing_levels" not in attributes_of(row)


def test_ranges_of_the_table_take_precedence():
    row = BandRow(
        "red", "B04", attributes={**RED.attributes, "display_range": [0, 4000], "data_range": [0, 10000]},
        scale=1e-4, offset=-0.1, unit="reflectance",
    )  # fmt: skip
    found = attributes_of(row)
    assert (found["display_range"], found["data_range"]) == ([0.0, 4000.0], [0.0, 10000.0])
    assert found["physical_range"] == pytest.approx([-0.1, 0.9])
    assert found["processing_levels"]["surface_reflectance"][0]["display_range"] == pytest.approx([-0.1, 0.3])


def test_a_band_without_scale_keeps_its_attributes_only():
    found = attributes_of(BandRow("class", "cropland", attributes={"type": "class", "class_labels": ["no"]}))
    assert found == {
        "id": "p:class", "name": "class", "product_id": "p", "type": "class", "class_labels": ["no"],
        "band_index": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "function", "values"),
    [(MaskRule(values=(3, 8)), "any_of", [3, 8]), (MaskRule(bits=(1, 4)), "any_bits", [1, 4])],
)
def test_a_mask_rule_is_the_step_of_the_default_level(rule, function, values):
    row = BandRow(
        "cloud_mask", "qa", attributes={"type": "class", "data_type": "UInt16", "nodata": 1}, mask=rule
    )
    found = attributes_of(row)
    (step,) = found["processing_levels"]["default"]
    assert (step["function"], step["values"], step["nodata"]) == (function, values, 1)
    assert (found["type"], found["data_type"], found["nodata"]) == ("mask", "Byte", MASK_NODATA)
    assert found["data_range"] == found["display_range"] == [0.0, 1.0]


def test_a_mask_of_an_asset_without_nodata_names_none():
    row = BandRow("m", "qa", attributes={"type": "mask"}, mask=MaskRule(values=(1,)))
    assert "nodata" not in attributes_of(row)["processing_levels"]["default"][0]


def test_entries_are_bound_to_asset_and_index_and_keep_their_order():
    rows = [RED, BandRow("nir", "image", 3, {"type": "spectral"})]
    entries = band_entries(rows)
    assert [entry["catalog:sort_order"] for entry in entries] == [0, 1]
    bindings = Bindings(entries)
    assert bindings.keys == ("B04", "image")
    assert bindings.location("nir") == (1, 3)


def test_an_attribute_that_cannot_hold_its_value_is_named():
    with pytest.raises(InvalidDocument, match="data_type"):
        band_entry(BandRow("b", "b", attributes={"type": "spectral", "data_type": "Word"}))
