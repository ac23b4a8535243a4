"""OpenAPI schemas of the request bodies of writes: outlines of STAC documents.

They only document the API; the package `documents` validates the bodies.
"""

from __future__ import annotations

from typing import Any

__all__ = ["request_body"]

_ITEM_SCHEMA = {
    "type": "object",
    "required": ["type", "id", "geometry", "properties"],
    "properties": {
        "type": {"const": "Feature"},
        "stac_version": {"type": "string"},
        "stac_extensions": {"type": "array", "items": {"type": "string", "format": "uri"}},
        "id": {"type": "string", "minLength": 1},
        "collection": {"type": "string"},
        "geometry": {
            "type": "object",
            "required": ["type", "coordinates"],
            "properties": {
                "type": {"enum": ["Point", "LineString", "Polygon", "MultiPolygon"]},
                "coordinates": {"type": "array"},
            },
        },
        "bbox": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6},
        "properties": {
            "type": "object",
            "properties": {"datetime": {"type": "string", "format": "date-time"}},
        },
        "assets": {
            "type": "object",
            "additionalProperties": {"type": "object", "properties": {"href": {"type": "string"}}},
        },
        "links": {"type": "array"},
    },
}
_COLLECTION_SCHEMA = {
    "type": "object",
    "required": ["type", "id", "description", "license", "extent"],
    "properties": {
        "type": {"const": "Collection"},
        "stac_version": {"type": "string"},
        "stac_extensions": {"type": "array", "items": {"type": "string", "format": "uri"}},
        "id": {"type": "string", "minLength": 1},
        "title": {"type": "string"},
        "description": {"type": "string"},
        "license": {"type": "string"},
        "extent": {
            "type": "object",
            "properties": {
                "spatial": {"type": "object", "properties": {"bbox": {"type": "array"}}},
                "temporal": {"type": "object", "properties": {"interval": {"type": "array"}}},
            },
        },
        "bands": {"type": "array", "items": {"type": "object"}},
        "links": {"type": "array"},
    },
}
_BULK_SCHEMA = {
    "type": "object",
    "required": ["items"],
    "properties": {
        "items": {"type": "object", "additionalProperties": _ITEM_SCHEMA},
        "method": {"enum": ["insert", "upsert"]},
    },
}
_FEATURES_SCHEMA = {
    "anyOf": [
        _ITEM_SCHEMA,
        {
            "type": "object",
            "required": ["type", "features"],
            "properties": {
                "type": {"const": "FeatureCollection"},
                "features": {"type": "array", "items": _ITEM_SCHEMA},
            },
        },
    ]
}
_JSON_PATCH_SCHEMA = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["op", "path"],
        "properties": {
            "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
            "path": {"type": "string"},
            "from": {"type": "string"},
            "value": {},
        },
    },
}


_PATCHES = {
    "application/json": {"schema": {"anyOf": [{"type": "object"}, _JSON_PATCH_SCHEMA]}},
    "application/merge-patch+json": {"schema": {"type": "object"}},
    "application/json-patch+json": {"schema": _JSON_PATCH_SCHEMA},
}
_BODIES: dict[str, dict[str, Any]] = {
    "create_collection": {"application/json": {"schema": _COLLECTION_SCHEMA}},
    "put_collection": {"application/json": {"schema": _COLLECTION_SCHEMA}},
    "patch_collection": _PATCHES,
    "create_items": {
        media: {"schema": _FEATURES_SCHEMA} for media in ("application/geo+json", "application/json")
    },
    "put_item": {media: {"schema": _ITEM_SCHEMA} for media in ("application/geo+json", "application/json")},
    "patch_item": _PATCHES,
    "bulk_items": {"application/json": {"schema": _BULK_SCHEMA}},
}


def request_body(endpoint: str) -> dict[str, Any] | None:
    """Return the OpenAPI description of an endpoint's body, by its function name; None without a body."""
    content = _BODIES.get(endpoint)
    return {"requestBody": {"required": True, "content": content}} if content else None
