"""Conversion between blob attributes and STAC Items.

Attributes are plain JSON values by Catalog name; datetimes are RFC 3339 strings in UTC. Results share their
inner values with the arguments: do not modify either.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from landbridge.mappings import assets, compiled_table, extra_properties, ids, items, schema
from landbridge.mappings.diffs import json_equal, merge_patch
from landbridge.mappings.errors import InvalidDocument
from landbridge.mappings.items import STAC_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from landbridge.mappings.tables import Row

__all__ = [
    "DATA_ASSET",
    "DEFERRED_HASH_BYTES",
    "MAX_NAME_BYTES",
    "check_names",
    "data_version",
    "from_stac",
    "name_problem",
    "namespace_problem",
    "patch",
    "to_stac",
]

# Key of the asset that holds the blob's data.
DATA_ASSET = "data"
# Limit of namespace and name together, in bytes of UTF-8.
MAX_NAME_BYTES = 979
# Above this size the MD5 may be computed after the upload, because it takes longer than the transfer. Below,
# it takes a tenth of a second.
DEFERRED_HASH_BYTES = 64 * 2**20

_VERSION = re.compile(r"/assets/blobs/[^/]+/([^/]+)/data\Z").search
_NAMESPACE = re.compile(r"[A-Za-z0-9:._-]+\Z").match
# Parts of the id, which cannot change.
_ID_PARTS = ("storage_type", "namespace", "name")
_ASSET_MEMBERS = {"href": "href", "file:size": "size_bytes"}


def namespace_problem(namespace: str) -> str | None:
    """Return the reason why a text is no valid namespace; None if it is valid."""
    return None if _NAMESPACE(namespace) else "is not made of letters, digits, ':', '.', '_' and '-'"


def name_problem(name: str) -> str | None:
    """Return the reason why a text is no valid name of a blob; None if it is valid."""
    if not name or ids.text_problem(name) or "," in name or name.startswith("/") or name.endswith("/"):
        return "is not made of printable characters without ',', with no '/' or blank at its ends"
    return None


def check_names(namespace: str, name: str) -> None:
    """Raise `InvalidDocument` if the namespace or the name is invalid."""
    for part, value, fault in (("namespace", namespace, namespace_problem), ("name", name, name_problem)):
        if (why := fault(value)) is not None:
            raise InvalidDocument(part, f"{value!r} {why}")
    size = len(namespace.encode()) + len(name.encode())
    if size > MAX_NAME_BYTES:
        raise InvalidDocument(
            "name", f"has {size} bytes with its namespace; they have {MAX_NAME_BYTES} at most"
        )


def data_version(href: str | None) -> str | None:
    """Return the version of the data from an href of the service's store; None for any other href."""
    found = _VERSION(href or "")
    return found[1] if found else None


def from_stac(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a blob's Item; missing attributes are left out."""
    out: dict[str, Any] = {}
    properties = item.get("properties") or {}
    unknown: dict[str, Any] = {}
    compiled_table.for_kind("blob").read(properties, out, unknown)
    extra_properties.read(properties.get(extra_properties.MEMBER), unknown, out)
    collection = item.get("collection")
    if ids.is_blob_collection(collection):
        out["storage_type"] = str(collection).removeprefix(ids.BLOB_COLLECTION_PREFIX)
    try:
        out["namespace"], out["name"] = ids.split_blob_item_id(item["id"])
    except compiled_table.CODEC_ERRORS:
        out.setdefault("name", item["id"])
    if out.get("storage_type") and out.get("namespace"):
        out["id"] = ids.blob_id(out["storage_type"], out["namespace"], out["name"])
    geometry = item.get("geometry")
    if isinstance(geometry, dict) and geometry.get("geometries") != []:
        out["geometry"] = geometry
    data = (item.get("assets") or {}).get(DATA_ASSET)
    if isinstance(data, dict):
        for member, name in _ASSET_MEMBERS.items():
            if data.get(member) is not None:
                out[name] = data[member]
        if (digest := assets.checksum_of(data)) is not None:
            out["hash"] = digest
    return out


def to_stac(attributes: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the Item for these attributes. None means that an attribute has no value.

    ``base`` is the Item as last read. Its members that belong to no attribute are kept; its attributes that
    are missing in ``attributes`` are removed, except read-only ones. Raises `InvalidDocument` if an attribute
    cannot hold its value or if a part of the id is missing.
    """
    if base is None:
        return _apply(attributes, _blank(attributes))
    before = from_stac(base)
    rows = compiled_table.for_kind("blob").table.rows
    changes: dict[str, Any] = {
        name: None
        for name in before
        if name not in attributes and not rows[name].readonly and name not in ("id", *_ID_PARTS)
    }
    changes.update(
        {name: value for name, value in attributes.items() if not json_equal(value, before.get(name))}
    )
    return _apply(changes, base)


def patch(changes: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return the merge patch (RFC 7396) that makes exactly these changes to an Item, as last read.

    None removes a value. Raises `InvalidDocument` as `to_stac` does, and if a part of the id changes.
    """
    before = from_stac(base)
    changed = {name: value for name, value in changes.items() if not json_equal(value, before.get(name))}
    made = merge_patch(base, _apply(changed, base))
    if changed.get("geometry") is not None:
        # Another client may have written a geometry of another type in the meantime.
        made.update(items.geometry_patch(changed["geometry"]))
    return made


def _blank(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a new Item with its id and the parts of the id."""
    parts: dict[str, Any] = {name: attributes.get(name) for name in _ID_PARTS}
    if identifier := attributes.get("id"):
        try:
            named = dict(zip(_ID_PARTS, ids.split_blob_id(identifier), strict=True))
        except (ValueError, AttributeError) as error:
            raise InvalidDocument("id", str(error)) from error
        for part, value in named.items():
            if parts[part] not in (None, value):
                raise InvalidDocument(part, f"is {parts[part]!r}, but the id says {value!r}")
        parts.update(named)
    for part, value in parts.items():
        if not isinstance(value, str) or not value:
            raise InvalidDocument(part, f"is {value!r}; it is a part of the blob's id")
    namespace, name = parts["namespace"], parts["name"]
    check_names(namespace, name)
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": [],
        "id": ids.blob_item_id(namespace, name),
        "collection": ids.blob_collection_id(parts["storage_type"]),
        "geometry": None,
        "properties": {
            schema.CLASS_MEMBER: "Blob",
            "datetime": None,
            "catalog:storage_type": parts["storage_type"],
            "catalog:namespace": namespace,
            "title": name,
        },
        "links": [],
        "assets": {},
    }


def _apply(changes: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with the changes; None removes a value."""
    item = dict(base)
    item["properties"] = dict(base.get("properties") or {})
    item["assets"] = dict(base.get("assets") or {})
    fixed = from_stac(base)
    for name, value in changes.items():
        row = _row(name)
        if name == "id" or name in _ID_PARTS:
            if value != fixed.get(name):
                why = f"is {fixed.get(name)!r} and cannot become {value!r}: it is a part of the blob's id"
                raise InvalidDocument(name, why)
            continue
        special = _WRITERS.get(name)
        if special is None:
            compiled_table.write(row, value, item["properties"])
        else:
            special(item, value)
    if "created" in changes:
        item["properties"]["datetime"] = item["properties"].get("created")
    return item


def _row(name: str) -> Row:
    try:
        return compiled_table.for_kind("blob").table.rows[name]
    except KeyError:
        raise InvalidDocument(name, "a blob has no such attribute") from None


def _data(item: dict[str, Any]) -> dict[str, Any]:
    """Replace the data asset by a copy, and return the copy for writing."""
    data = {"roles": ["data"], **item["assets"].get(DATA_ASSET, {})}
    item["assets"][DATA_ASSET] = data
    return data


def _write_href(item: dict[str, Any], value: Any) -> None:
    data = _data(item)
    data.pop("href", None)
    if value is not None:
        data["href"] = value


def _write_size(item: dict[str, Any], value: Any) -> None:
    data = _data(item)
    data.pop("file:size", None)
    if value is not None:
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise InvalidDocument("size_bytes", f"{value!r} is not a number of bytes")
        data["file:size"] = value
    sync_size(item)


def sync_size(item: dict[str, Any]) -> None:
    """Copy the size of the data asset to ``catalog:size_bytes``, where filters find it."""
    size = (item["assets"].get(DATA_ASSET) or {}).get("file:size")
    item["properties"].pop("catalog:size_bytes", None)
    if size is not None:
        item["properties"]["catalog:size_bytes"] = size


def _write_hash(item: dict[str, Any], value: Any) -> None:
    assets.set_checksum(_data(item), value)


_WRITERS: Mapping[str, Callable[[dict[str, Any], Any], None]] = {
    "geometry": items.write_geometry,
    "href": _write_href,
    "size_bytes": _write_size,
    "hash": _write_hash,
    "extra_properties": lambda item, value: items.write_extra_properties(item, value, "blob"),
}
