"""Members that are objects or arrays in STAC, checked before completion reads them.

Written in the keywords of JSON Schema that the tables use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["COLLECTION", "ITEM"]

_Schema = Mapping[str, Any]

_OBJECT: _Schema = {"type": "object"}
_NUMBER: _Schema = {"type": "number"}
_TEXTS: _Schema = {"type": "array", "items": {"type": "string"}}
_LINKS: _Schema = {"type": "array", "items": {"type": "object", "required": ["rel", "href"]}}
_BAND: _Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "catalog:asset": {"type": ["string", "null"]},
        "description": {"type": "string"},
        "data_type": {"type": "string"},
        "statistics": _OBJECT,
        "eo:common_name": {"type": "string"},
        "eo:center_wavelength": _NUMBER,
        "eo:full_width_half_max": _NUMBER,
        "raster:scale": _NUMBER,
        "raster:offset": _NUMBER,
        "raster:spatial_resolution": _NUMBER,
        "classification:classes": {
            "type": "array",
            "items": {"type": "object", "required": ["value"], "properties": {"value": {"type": "integer"}}},
        },
    },
}
_PLAIN_BAND: _Schema = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "statistics": _OBJECT, "scale": _NUMBER, "offset": _NUMBER},
}
_ASSET: _Schema = {
    "type": "object",
    "properties": {
        "href": {"type": "string"},
        "type": {"type": "string"},
        "title": {"type": "string"},
        "description": {"type": "string"},
        "roles": _TEXTS,
        "catalog:file_index": {"type": ["integer", "null"], "minimum": 0},
        "statistics": _OBJECT,
        "bands": {"type": "array", "items": _BAND},
        "eo:bands": {"type": "array", "items": _PLAIN_BAND},
        # Previews of other programs have these in their own array.
        "raster:bands": {"type": "array", "items": {**_PLAIN_BAND, "type": ["object", "array"]}},
        "classification:classes": _BAND["properties"]["classification:classes"],
    },
}
_ASSETS: _Schema = {"type": "object", "additionalProperties": _ASSET}

COLLECTION: _Schema = {
    "stac_extensions": _TEXTS,
    "links": _LINKS,
    "assets": _ASSETS,
    "item_assets": _ASSETS,
    "bands": {"type": "array", "items": _BAND},
    "summaries": _OBJECT,
    "renders": {"type": "object", "additionalProperties": _OBJECT},
    "extent": {
        "type": "object",
        "properties": {
            "spatial": {"type": "object", "properties": {"bbox": {"type": "array"}}},
            "temporal": {
                "type": "object",
                "properties": {
                    "interval": {"type": "array", "items": {"type": "array", "minItems": 2, "maxItems": 2}}
                },
            },
        },
    },
}
ITEM: _Schema = {
    "stac_extensions": _TEXTS,
    "links": _LINKS,
    "assets": _ASSETS,
    "bbox": {"type": "array", "items": _NUMBER},
    "properties": {
        "type": "object",
        "properties": {
            "start_datetime": {"type": ["string", "null"], "format": "date-time"},
            "catalog:x_pixels": {"type": ["integer", "null"], "minimum": 0},
            "catalog:y_pixels": {"type": ["integer", "null"], "minimum": 0},
        },
    },
}
