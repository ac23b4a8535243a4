"""Queryables: which properties a filter may name, with titles, types and bounds; made from the tables."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from landbridge.mappings import tables

if TYPE_CHECKING:
    from landbridge.mappings.tables import Row

__all__ = ["for_collections", "for_items", "registrations"]

_FIXED = ("id", "collection", "geometry", "datetime")
_GEOMETRY = {
    "title": "Geometry",
    "description": "The footprint as GeoJSON in longitude and latitude.",
    "type": "object",
    "format": "geometry-any",
}


@cache
def for_items() -> dict[str, dict[str, Any]]:
    """JSON Schema by property name, for the filter of ``/search``."""
    found: dict[str, dict[str, Any]] = {
        "id": {
            "title": "Item id",
            "description": "The image's name, or the blob's namespace and name.",
            "type": "string",
        },
        "collection": {
            "title": "Collection id",
            "description": "The product's id, or blobs: and the storage type.",
            "type": "string",
        },
        "geometry": _GEOMETRY,
    }
    return {**found, **_of("blob"), **_of("image")}


@cache
def for_collections() -> dict[str, dict[str, Any]]:
    """JSON Schema by property name, for the filter of ``/collections``."""
    return {
        "id": {"title": "Collection id", "description": "The product's id.", "type": "string"},
        **_of("product"),
    }


def _of(kind: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in tables.load(kind).rows.values():
        if row.property_name is None or row.codec in ("identifier", "geometry") or row.name == "id":
            continue
        found[row.property_name] = definition(row)
        if row.overflow:
            beside = {
                key: value
                for key, value in found[row.property_name].items()
                if key not in ("minimum", "maximum")
            }
            found[row.overflow] = {**beside, "title": f"{row.title} (out of range)"}
    return found


def definition(row: Row) -> dict[str, Any]:
    """One property's JSON Schema, with nothing that a filter form could not show."""
    schema = row.queryable or row.schema
    shown = ("type", "format", "enum", "minimum", "maximum", "exclusiveMinimum", "items")
    return {
        "title": row.title,
        "description": row.doc,
        **{key: schema[key] for key in shown if key in schema},
    }


# How pgstac casts a property of each JSON type; what it casts to text has none.
_WRAPPERS = {"number": "to_float", "integer": "to_int", "array": "to_text_array"}


def registrations() -> list[tuple[str, dict[str, Any], str | None, str | None]]:
    """Name, definition, wrapper and path of every property to register with pgstac.

    Items and Collections share pgstac's register, and no name means two things. The path is None: every
    property lies where its name says.
    """
    found = {**for_items(), **for_collections()}
    rows: list[tuple[str, dict[str, Any], str | None, str | None]] = []
    for name, schema in found.items():
        if name in _FIXED:
            continue
        wrapper = "to_tstz" if schema.get("format") == "date-time" else _WRAPPERS.get(schema["type"])
        rows.append((name, schema, wrapper, None))
    return rows
