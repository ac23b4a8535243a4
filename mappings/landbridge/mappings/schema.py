"""JSON Schema of the ``catalog`` extension, made from the tables."""

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
    "URL_PATH",
    "catalog_extension",
    "is_catalog_document",
]

URL_PATH = "/schemas/catalog/v1.0.0/schema.json"
# The link of a landing page to where the service signs the addresses of the files it keeps.
ASSET_SIGNATURES_REL = "asset-signatures"

# The member that says which Catalog class a document was written as; those of others have none.
CLASS_MEMBER = "catalog:class"

# Stands in documents until an API puts its own address there; `.invalid` never resolves (RFC 2606).
DEFAULT_URL = "https://landbridge.invalid" + URL_PATH

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PREFIX = "catalog:"
_CLASSES = {"product": "Product", "image": "Image", "blob": "Blob"}
_HELPER_MEMBERS: Mapping[str, Mapping[str, Any]] = {
    "product": {
        "catalog:description": {
            "type": "string",
            "description": "A description that STAC does not allow: none.",
        },
        "catalog:description_fallback": {
            "type": "string",
            "description": "What stands as description although the product has none.",
        },
    },
    "band": {
        "catalog:asset": {
            "type": "string",
            "description": "Key of the Items' asset that has the band, at its catalog:band_index.",
        },
        "catalog:class_labels": {"type": "array", "items": {"type": "string"}},
    },
    "image": {
        "catalog:acquired_end": {"type": "string", "format": "date-time"},
        "catalog:projection": {"type": "string", "description": "A coordinate system that is not WKT."},
        "catalog:x_pixels": {"type": "integer", "minimum": 0},
        "catalog:y_pixels": {"type": "integer", "minimum": 0},
    },
    "blob": {
        "catalog:size_bytes": {
            "type": "integer",
            "minimum": 0,
            "description": "The size of the asset data, for filters.",
        },
    },
}
_ASSET = {
    "type": "object",
    "properties": {
        "catalog:file_index": {"type": "integer", "minimum": 0, "description": "The file's place in files."},
        "catalog:hash": {"type": "string", "description": "A hash of another kind than file:checksum knows."},
        "catalog:provider_id": {"type": "string"},
        "catalog:provider_href": {"type": "string"},
    },
}


def is_catalog_document(document: Mapping[str, Any]) -> bool:
    """Whether a Collection or an Item was written as a Catalog object, and not by another STAC client."""
    return bool(document.get(CLASS_MEMBER) or (document.get("properties") or {}).get(CLASS_MEMBER))


def catalog_extension(kind: str | None = None) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the extension's members in the document of one kind.

    ``kind``: ``"product"``, ``"image"`` or ``"blob"``. Without one: of any document, by its STAC type; that
    one is served at `URL_PATH`.
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
    """The schema of an Item of one of these kinds, whose common members mean the same in all of them."""
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
    """The extension's members of one object, by name."""
    found: dict[str, Any] = {}
    if kind in _CLASSES:
        found[CLASS_MEMBER] = {
            "const": _CLASSES[kind],
            "description": "The Catalog class of the object written here.",
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
