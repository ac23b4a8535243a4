"""Conversion between band attributes and the entries of a Collection's ``bands``.

A band is an entry of its product's Collection and has no document of its own. Changes are therefore JSON
Patch operations (RFC 6902) on the Collection. `landbridge.mappings.external_bands` reads the bands that other
programs wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import compiled_table, external_bands, extra_properties, ids
from landbridge.mappings.diffs import json_equal, json_patch
from landbridge.mappings.errors import InvalidDocument

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "add_patch",
    "entries",
    "from_stac",
    "list_from_collection",
    "patch",
    "remove_patch",
    "to_stac",
]


def from_stac(entry: Mapping[str, Any], product_id: str) -> dict[str, Any]:
    """Return the attributes of one entry of ``bands``, with ``id``, ``name``, ``product_id`` and ``type``.

    If another program wrote the entry, missing attributes are derived from the raster, eo and classification
    extensions.
    """
    name = entry["name"]
    out: dict[str, Any] = {"name": name, "product_id": product_id, "id": ids.image_id(product_id, name)}
    if not entry.get("catalog:type"):
        out.update(external_bands.infer_attributes(entry))
    compiled_table.for_kind("band").read(entry, out, {})
    if (labels := entry.get("catalog:class_labels")) is not None:
        out["class_labels"] = labels
    if (own := entry.get("catalog:extra_properties")) is not None:
        out["extra_properties"] = extra_properties.decode(own)
    return out


def list_from_collection(
    collection: Mapping[str, Any], item: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return the attributes of all bands of a Collection, in order, whichever program wrote it.

    The bands are read from ``bands``, else from ``item_assets``, else from the assets of ``item``. An asset
    gives one band for each entry of its ``bands``, ``eo:bands`` or ``raster:bands``, else a single band.
    """
    return [from_stac(entry, collection["id"]) for entry in entries(collection, item)]


def entries(collection: Mapping[str, Any], item: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the entries that `list_from_collection` reads, each with the location of the band's pixels."""
    return [entry for entry in external_bands.entries(collection, item) if isinstance(entry.get("name"), str)]


def to_stac(attributes: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the entry for these attributes. None means that an attribute has no value.

    ``base`` is the entry as last read; its members that belong to no attribute are kept. Raises
    `InvalidDocument` if an attribute cannot hold its value or if the name is missing.
    """
    if base is None:
        entry = _apply(attributes, {})
        if not entry.get("name"):
            raise InvalidDocument("name", "is missing; a band has a name")
        return entry
    before = from_stac(base, attributes.get("product_id", ""))
    rows = compiled_table.for_kind("band").table.rows
    changes: dict[str, Any] = {
        name: None
        for name in before
        if name not in attributes and not rows[name].readonly and rows[name].codec != "identifier"
    }
    changes.update(
        {name: value for name, value in attributes.items() if not json_equal(value, before.get(name))}
    )
    return _apply(changes, base)


def add_patch(
    attributes: Mapping[str, Any], collection: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return the operations that add a band. ``collection``, if given, may lack ``bands``."""
    entry = to_stac(attributes)
    if collection is not None and "bands" not in collection:
        return [{"op": "add", "path": "/bands", "value": [*external_bands.entries(collection), entry]}]
    return [{"op": "add", "path": "/bands/-", "value": entry}]


def patch(changes: Mapping[str, Any], collection: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the operations that make exactly these changes to one band; None removes a value.

    The first operation is a ``test`` that the band still has the index it has in ``collection``, the
    Collection as last read. Raises KeyError if the Collection has no such band.
    """
    index, entry = _find(collection, name)
    product_id = collection["id"]
    before = from_stac(entry, product_id)
    changed = {key: value for key, value in changes.items() if not json_equal(value, before.get(key))}
    new = _apply(changed, entry)
    if "bands" not in collection:
        entries = external_bands.entries(collection)
        return [{"op": "add", "path": "/bands", "value": [*entries[:index], new, *entries[index + 1 :]]}]
    path = f"/bands/{index}"
    return [_test(path, name), *json_patch(entry, new, path)]


def remove_patch(collection: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the operations that remove a band, after a ``test`` of its index.

    Raises KeyError if the Collection has no such band.
    """
    index, _ = _find(collection, name)
    if "bands" not in collection:
        entries = external_bands.entries(collection)
        return [{"op": "add", "path": "/bands", "value": [*entries[:index], *entries[index + 1 :]]}]
    path = f"/bands/{index}"
    return [_test(path, name), {"op": "remove", "path": path}]


def _test(path: str, name: str) -> dict[str, Any]:
    return {"op": "test", "path": f"{path}/name", "value": name}


def _find(collection: Mapping[str, Any], name: str) -> tuple[int, dict[str, Any]]:
    entries = collection["bands"] if "bands" in collection else external_bands.entries(collection)
    for index, entry in enumerate(entries):
        if entry.get("name") == name:
            return index, entry
    raise KeyError(f"product {collection['id']!r} has no band {name!r}")


def _apply(changes: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    entry = dict(base)
    rows = compiled_table.for_kind("band").table.rows
    for name, value in changes.items():
        row = rows.get(name)
        if row is None:
            raise InvalidDocument(name, "a band has no such attribute")
        if name == "name" and value is not None:
            entry["name"] = value
        elif name == "id" and value is not None:
            try:
                entry["name"] = ids.split(value)[1]
            except (ValueError, AttributeError) as error:
                raise InvalidDocument("id", str(error)) from error
        elif row.codec in ("classes", "extra_properties"):
            entry.pop(row.path[0], None)
            if value is not None:
                entry[row.path[0]] = (
                    extra_properties.encode_checked(value) if name == "extra_properties" else list(value)
                )
        elif row.codec != "identifier":
            compiled_table.write(row, value, entry)
    return entry
