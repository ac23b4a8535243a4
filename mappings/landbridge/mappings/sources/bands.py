"""Entries of a Collection's ``bands`` in Landbridge's form, from the bands of a source's table.

A band with a scale or an offset gets a data range (that of its data type) and the physical range that they
give. A band of reflectance also gets the processing level ``surface_reflectance`` or, with the unit
``toa_reflectance``, the level of that name. A band with a mask rule is a mask of the values 0 and 1, which
its default processing level computes from the stored values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import band as band_mapping
from landbridge.mappings.binding import ASSET_KEY, BAND_INDEX
from landbridge.mappings.external_bands import INTEGER_RANGES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.mappings.sources.model import BandRow, MaskRule

__all__ = [
    "LEVELS",
    "MASK_NODATA",
    "REFLECTANCE",
    "SURFACE_REFLECTANCE",
    "TOA_REFLECTANCE",
    "band_entries",
    "band_entry",
]

REFLECTANCE = "reflectance"
SURFACE_REFLECTANCE = "surface_reflectance"
TOA_REFLECTANCE = "toa_reflectance"
# Processing level of reflectance from 0 to 1, by unit.
LEVELS = {REFLECTANCE: SURFACE_REFLECTANCE, TOA_REFLECTANCE: TOA_REFLECTANCE}
# Value of pixels without data in a band that a mask rule makes, whose other values are 0 and 1.
MASK_NODATA = 255
# Physical values that are displayed as black and as white, by unit, if the table gives no display range.
_DISPLAYED = {**dict.fromkeys(LEVELS, (0.0, 0.4)), "kelvin": (260.0, 320.0), "K": (260.0, 320.0)}


def band_entries(rows: Sequence[BandRow]) -> list[dict[str, Any]]:
    """Return the entries of a product's bands, in the order of its table."""
    return [{**band_entry(row), "catalog:sort_order": order} for order, row in enumerate(rows)]


def band_entry(row: BandRow) -> dict[str, Any]:
    """Return a band's entry of ``bands``, bound to its asset.

    Raises `InvalidDocument` if an attribute cannot hold its value.
    """
    attributes = _mask_attributes(row, row.mask) if row.mask else _attributes(row)
    entry = band_mapping.to_stac({"name": row.name, **attributes})
    return {**entry, ASSET_KEY: row.asset, BAND_INDEX: row.index}


def _attributes(row: BandRow) -> dict[str, Any]:
    """Return the attributes of a band of stored values, with those that follow from scale and offset."""
    found = dict(row.attributes)
    if row.unit is not None:
        found.setdefault("physical_range_unit", REFLECTANCE if row.unit in LEVELS else row.unit)
    if row.scale is None and row.offset is None:
        return found
    scale, offset = 1.0 if row.scale is None else row.scale, row.offset or 0.0

    def physical(stored: Sequence[float]) -> list[float]:
        return [value * scale + offset for value in stored]

    low, high = INTEGER_RANGES.get(found.get("data_type", ""), (0, 1))
    data_range = found.setdefault("data_range", [float(low), float(high)])
    found.setdefault("physical_range", physical(data_range))
    if (displayed := _DISPLAYED.get(row.unit or "")) is not None:
        stored = [(value - offset) / scale for value in displayed]
        if "data_type" not in found or found["data_type"] in INTEGER_RANGES:
            stored = [float(round(value)) for value in stored]
        found.setdefault("display_range", stored)
    if (level := LEVELS.get(row.unit or "")) is not None:
        step = {
            "function": "physical",
            "data_type": "Float64",
            "data_range": [0.0, 1.0],
            "display_range": physical(found["display_range"]),
            "physical_range": [0.0, 1.0],
            "physical_range_unit": REFLECTANCE,
        }
        found.setdefault("processing_levels", {level: [step]})
    return found


def _mask_attributes(row: BandRow, rule: MaskRule) -> dict[str, Any]:
    """Return the attributes of a mask, whose default level computes 0 and 1 from the stored values.

    The data type and nodata of the table are those of the stored values. The nodata moves to the step.
    """
    function, marked = ("any_of", rule.values) if rule.values else ("any_bits", rule.bits)
    step: dict[str, Any] = {
        "function": function,
        "values": list(marked),
        "data_type": "Byte",
        "data_range": [0.0, 1.0],
        "display_range": [0.0, 1.0],
    }
    if (nodata := row.attributes.get("nodata")) is not None:
        step["nodata"] = nodata
    return {
        **row.attributes,
        "type": "mask",
        "data_type": "Byte",
        "nodata": MASK_NODATA,
        "data_range": [0.0, 1.0],
        "display_range": [0.0, 1.0],
        "processing_levels": {"default": [step]},
    }
