"""JSON Schema of the ``catalog`` STAC extension, made from the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from landbridge.mappings.tables import Row

__all__ = [
    "ASSET_SIGNATURES_REL",
    "CLASS_MEMBER",
    "DEFAULT_URL",
    "REGISTER_SEARCH_REL",
    "TILE_SIGNATURES_REL",
    "URL_PATH",
    "catalog_extension",
    "is_catalog_document",
]

URL_PATH = "/schemas/catalog/v1.0.0/schema.json"
# Rel of the landing page's link to the route that signs asset URLs.
ASSET_SIGNATURES_REL = "asset-signatures"
REGISTER_SEARCH_REL = "register-search"
TILE_SIGNATURES_REL = "tile-signatures"

# Member with the Catalog class of a document. Documents by other programs do not have it.
CLASS_MEMBER = "catalog:class"

# Placeholder that an API replaces by its own URL; `.invalid` never resolves (RFC 2606).
DEFAULT_URL = "https://landbridge.invalid" + URL_PATH

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PREFIX = "catalog:"
_CLASSES = {"product": "Product", "image": "Image", "blob": "Blob"}
_HELPER_MEMBERS: Mapping[str, Mapping[str, Any]] = {
    "product": {
        "catalog:description": {
            "type": "string",
            "description": "The description, if it is empty, which STAC does not allow.",
        },
        "catalog:description_fallback": {
            "type": "string",
            "description": "The text in description if the product has no description.",
        },
    },
    "band": {
        "catalog:asset": {
            "type": "string",
            "description": "Key of the asset of Items that holds the band, at catalog:band_index.",
        },
        "catalog:class_labels": {"type": "array", "items": {"type": "string"}},
    },
    "image": {
        "catalog:acquired_end": {"type": "string", "format": "date-time"},
        "catalog:projection": {"type": "string", "description": "The coordinate system, if it is not WKT."},
        "catalog:x_pixels": {"type": "integer", "minimum": 0},
        "catalog:y_pixels": {"type": "integer", "minimum": 0},
    },
    "blob": {
        "catalog:size_bytes": {
            "type": "integer",
            "minimum": 0,
            "description": "Size of the asset named data, for filters.",
        },
    },
}
_ASSET = {
    "type": "object",
    "properties": {
        "catalog:file_index": {"type": "integer", "minimum": 0, "description": "Index of the file in files."},
        "catalog:hash": {"type": "string", "description": "A checksum that file:checksum does not support."},
        "catalog:provider_id": {"type": "string"},
        "catalog:provider_href": {"type": "string"},
    },
}


def is_catalog_document(document: Mapping[str, Any]) -> bool:
    """Say whether a Collection or Item was written as a Catalog object, not by another STAC client."""
    return bool(document.get(CLASS_MEMBER) or (document.get("properties") or {}).get(CLASS_MEMBER))


def catalog_extension(kind: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of the extension's members in documents of one kind.

    ``kind`` is ``"product"``, ``"image"`` or ``"blob"``. Without it, the schema covers documents of any kind,
    by STAC type; that schema is served at `URL_PATH`.
    """
    head = {"$schema": _DIALECT, "title": "Catalog extension"}
    if kind is not None:
        return {**head, **_DOCUMENTS[kind]()}
    return {
        **head,
        "type": "object",
        "required": ["type"],
        "oneOf": [
            {"properties": {"type": {"const": "Collection"}}, **_merged(_collection())},
            {"properties": {"type": {"const": "Feature"}}, **_merged(_item("image", "blob"))},
        ],
    }


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    return {"allOf": [schema]}


def _collection() -> dict[str, Any]:
    bands = {"type": "array", "items": {"type": "object", "properties": _members("band")}}
    assets = {"type": "object", "additionalProperties": _ASSET}
    return {
        "type": "object",
        "properties": {**_members("product"), "bands": bands, "item_assets": assets, "assets": assets},
    }


def _item(*kinds: str) -> dict[str, Any]:
    """Return the schema of an Item of one of these kinds; common members have the same meaning in all."""
    members = {name: schema for kind in kinds for name, schema in _members(kind).items()}
    classes = [_CLASSES[kind] for kind in kinds]
    members[CLASS_MEMBER] = {**members[CLASS_MEMBER], "enum": classes}
    members[CLASS_MEMBER].pop("const")
    return {
        "type": "object",
        "required": ["properties"],
        "properties": {
            "properties": {"type": "object", "properties": dict(sorted(members.items()))},
            "assets": {"type": "object", "additionalProperties": _ASSET},
        },
    }


_DOCUMENTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "product": _collection,
    "image": lambda: _item("image"),
    "blob": lambda: _item("blob"),
}


def _members(kind: str) -> dict[str, Any]:
    """Return the extension's members of one kind, by name."""
    found: dict[str, Any] = {}
    if kind in _CLASSES:
        found[CLASS_MEMBER] = {
            "const": _CLASSES[kind],
            "description": "The Catalog class of the object.",
        }
    for row in tables.load(kind).rows.values():
        for member, schema in _row_members(row):
            found[member] = {"description": row.doc, **schema}
    for member, schema in _HELPER_MEMBERS[kind].items():
        found[member] = dict(schema)
    return dict(sorted(found.items()))


def _row_members(row: Row) -> Iterable[tuple[str, dict[str, Any]]]:
    if row.path[-1].startswith(_PREFIX):
        yield row.path[-1], dict(row.schema)
    if row.shadow:
        exact = {"type": ["number", "object"], "description": f"The exact value of {row.path[-1]}."}
        yield row.shadow, exact
    if row.overflow:
        loose = {key: value for key, value in row.schema.items() if key not in ("minimum", "maximum")}
        yield row.overflow, {**loose, "description": f"A value that {row.path[-1]} does not allow."}
