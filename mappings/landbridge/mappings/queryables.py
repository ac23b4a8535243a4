"""Queryables, made from the tables: the properties that filters may name, with titles, types and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from landbridge.mappings import ids, tables

if TYPE_CHECKING:
    from landbridge.mappings.tables import Row

__all__ = ["INDEXED", "for_collection_items", "for_collections", "for_items"]

# Filters on these are selective and common enough to pay for an index on every write
# (measured: a selective filter on 100,000 items takes 6 times as long without).
INDEXED = frozenset({"eo:cloud_cover"})

_GEOMETRY = {
    "title": "Geometry",
    "description": "The footprint as GeoJSON in longitude and latitude.",
    "type": "object",
    "format": "geometry-any",
}


@cache
def for_items() -> dict[str, dict[str, Any]]:
    """Return JSON Schemas by property name, for filters of ``/search``."""
    return {**_core_properties(), **_from_table("blob"), **_from_table("image")}


def _core_properties() -> dict[str, dict[str, Any]]:
    return {
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


def for_collection_items(collection: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return JSON Schemas by property name, for filters of the items of one collection.

    They cover the attributes of images or of blobs, the collection's summaries, and the assets that hold its
    bands.
    """
    kind = "blob" if ids.is_blob_collection(collection.get("id")) else "image"
    found = {name: dict(schema) for name, schema in {**_core_properties(), **_from_table(kind)}.items()}
    found["collection"]["enum"] = [collection.get("id")]
    summaries = collection.get("summaries")
    for name, summary in summaries.items() if isinstance(summaries, Mapping) else ():
        if (definition := _from_summary(summary)) is not None:
            found[name] = {"title": name, **found.get(name, {}), **definition}
    assets = collection.get("item_assets")
    for key, asset in assets.items() if isinstance(assets, Mapping) else ():
        bands = asset.get("bands") if isinstance(asset, Mapping) else None
        names = [str(band["name"]) for band in bands or () if isinstance(band, Mapping) and band.get("name")]
        if names:
            title = f"Band {names[0]}" if len(names) == 1 else f"Bands {', '.join(names)}"
            found[f"assets.{key}"] = {
                "title": title,
                "description": f"The file of {title.lower()}. Filter by it with isNull.",
                "type": "object",
            }
    return found


def _from_summary(summary: Any) -> dict[str, Any] | None:
    """Return the choice or range of values that a summary states; None if it states neither."""
    if isinstance(summary, Mapping):
        low, high = summary.get("minimum"), summary.get("maximum")
        if _is_number(low) and _is_number(high):
            return {"type": "number", "minimum": low, "maximum": high}
        if isinstance(low, str) and isinstance(high, str):
            return {"type": "string"}
        return None
    if isinstance(summary, list) and summary:
        if all(isinstance(one, str) for one in summary):
            return {"type": "string", "enum": list(dict.fromkeys(summary))}
        if all(_is_number(one) for one in summary):
            return {"type": "number", "enum": list(dict.fromkeys(summary))}
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


@cache
def for_collections() -> dict[str, dict[str, Any]]:
    """Return JSON Schemas by property name, for filters of ``/collections``."""
    return {
        "id": {"title": "Collection id", "description": "The product's id.", "type": "string"},
        **_from_table("product"),
    }


def _from_table(kind: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for row in tables.load(kind).rows.values():
        if row.property_name is None or row.codec in ("identifier", "geometry") or row.name == "id":
            continue
        found[row.property_name] = definition(row)
        if row.overflow:
            unbounded = {
                key: value
                for key, value in found[row.property_name].items()
                if key not in ("minimum", "maximum")
            }
            found[row.overflow] = {**unbounded, "title": f"{row.title} (out of range)"}
    return found


def definition(row: Row) -> dict[str, Any]:
    """Return the JSON Schema of one property, reduced to the members that filter forms can display."""
    schema = row.queryable or row.schema
    shown = ("type", "format", "enum", "minimum", "maximum", "exclusiveMinimum", "items")
    return {
        "title": row.title,
        "description": row.doc,
        **{key: schema[key] for key in shown if key in schema},
    }
