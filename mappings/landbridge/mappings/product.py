"""Conversion between product attributes and STAC Collections.

Attributes are plain JSON values by Catalog name; datetimes are RFC 3339 strings in UTC. Results share their
inner values with the arguments: do not modify either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import compiled_table, extra_properties, schema, times
from landbridge.mappings.diffs import json_equal, json_patch
from landbridge.mappings.errors import InvalidDocument
from landbridge.mappings.items import STAC_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["from_stac", "patch", "to_stac"]

_EXTENT = {"start_datetime": 0, "end_datetime": 1}
_FALLBACK = "catalog:description_fallback"
_WORLD = [[-180, -90, 180, 90]]


def from_stac(collection: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a Collection, whichever program wrote it; missing ones are left out."""
    out: dict[str, Any] = {}
    compiled_table.for_kind("product").read(collection, out, {})
    get = collection.get
    description = get("description")
    if description is not None and description == get(_FALLBACK):
        description = get("catalog:description")
    if description is not None:
        out["description"] = description
    interval = [None, None] if schema.is_catalog_document(collection) else _interval(collection)
    for name, position in _EXTENT.items():
        if (moment := get(f"catalog:{name}") or interval[position]) is not None:
            try:
                out[name] = times.normalize(moment)
            except compiled_table.CODEC_ERRORS:
                continue
    if (own := get("catalog:extra_properties")) is not None:
        out["extra_properties"] = extra_properties.decode(own)
    return out


def to_stac(attributes: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the Collection for these attributes. None means that an attribute has no value.

    ``base`` is the Collection as last read. Its members that belong to no attribute, such as its bands, are
    kept; its attributes that are missing in ``attributes`` are removed, except read-only ones. Raises
    `InvalidDocument` if an attribute cannot hold its value or if ``id`` is missing.
    """
    if base is None:
        if not attributes.get("id"):
            raise InvalidDocument("id", "is missing; a product has an id")
        return _apply(attributes, _blank())
    before = from_stac(base)
    rows = compiled_table.for_kind("product").table.rows
    changes: dict[str, Any] = {
        name: None for name in before if name not in attributes and name != "id" and not rows[name].readonly
    }
    changes.update(
        {name: value for name, value in attributes.items() if not json_equal(value, before.get(name))}
    )
    return _apply(changes, base)


def patch(changes: Mapping[str, Any], base: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the JSON Patch (RFC 6902) that makes exactly these changes to a Collection, as last read.

    None removes a value. Several attributes write the description, which falls back to the name, and the
    temporal extent. The patch tests these members first, so that it fails if another client changed them.
    Raises `InvalidDocument` as `to_stac` does.
    """
    before = from_stac(base)
    changed = {name: value for name, value in changes.items() if not json_equal(value, before.get(name))}
    made = json_patch(base, _apply(changed, base), inside=("extent", "temporal"))
    written = {operation["path"] for operation in made}
    shared = {"/description": base.get("description"), "/extent/temporal/interval": _intervals(base)}
    tests = [
        {"op": "test", "path": path, "value": value}
        for path, value in shared.items()
        if path in written and value is not None
    ]
    return [*tests, *made]


def _intervals(collection: Mapping[str, Any]) -> Any:
    temporal = (collection.get("extent") or {}).get("temporal") or {}
    return temporal.get("interval")


def _blank() -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": STAC_VERSION,
        "stac_extensions": [],
        "id": None,
        "license": "other",
        "extent": {"spatial": {"bbox": _WORLD}, "temporal": {"interval": [[None, None]]}},
        "links": [],
        "bands": [],
        schema.CLASS_MEMBER: "Product",
    }


def _apply(changes: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    collection = dict(base)
    rows = compiled_table.for_kind("product").table.rows
    for name, value in changes.items():
        row = rows.get(name)
        if row is None:
            raise InvalidDocument(name, "a product has no such attribute")
        if name == "description":
            _write_description(collection, value)
        elif name in _EXTENT:
            _write_extent(collection, name, value)
        elif name == "extra_properties":
            collection.pop("catalog:extra_properties", None)
            if value is not None:
                collection["catalog:extra_properties"] = extra_properties.encode_checked(value)
        else:
            compiled_table.write(row, value, collection)
    sync_description(collection)
    return collection


def _write_description(collection: dict[str, Any], value: Any) -> None:
    for member in ("description", "catalog:description", _FALLBACK):
        collection.pop(member, None)
    if value == "":
        # STAC requires a non-empty description; the Catalog does not.
        collection["catalog:description"] = value
    elif value is not None:
        collection["description"] = value


def sync_description(collection: dict[str, Any]) -> None:
    """Copy the title or id to a missing description, and record that it is a copy."""
    description, fallback = collection.get("description"), collection.get(_FALLBACK)
    if not description or description == fallback:
        collection["description"] = collection[_FALLBACK] = collection.get("title") or collection["id"]
    elif fallback is not None:
        del collection[_FALLBACK]


def _interval(collection: Mapping[str, Any]) -> list[Any]:
    """Return start and end of a Collection's overall temporal extent."""
    try:
        start, end = collection["extent"]["temporal"]["interval"][0]
    except compiled_table.CODEC_ERRORS:
        return [None, None]
    return [start, end]


def _write_extent(collection: dict[str, Any], name: str, value: Any) -> None:
    member = f"catalog:{name}"
    if value is None:
        collection.pop(member, None)
    else:
        try:
            collection[member] = value = times.normalize(value)
        except compiled_table.CODEC_ERRORS as error:
            raise InvalidDocument(name, f"{value!r} is not a date: {error}") from error
    _set_interval(collection, {name: value})


def _set_interval(collection: dict[str, Any], moments: Mapping[str, str | None]) -> None:
    extent = dict(collection.get("extent") or {})
    temporal = dict(extent.get("temporal") or {})
    whole = _interval(collection)
    for name, moment in moments.items():
        whole[_EXTENT[name]] = moment
    temporal["interval"] = [whole, *(temporal.get("interval") or [None])[1:]]
    extent["temporal"] = temporal
    collection["extent"] = extent


def sync_extent(collection: dict[str, Any]) -> None:
    """Add a missing extent, and make the extent and the product's dates agree.

    If Landbridge wrote the Collection, the product's dates take precedence, otherwise the extent.
    """
    extent = dict(collection.get("extent") or {})
    spatial = extent.get("spatial") or {}
    extent["spatial"] = spatial if spatial.get("bbox") else {**spatial, "bbox": _WORLD}
    collection["extent"] = extent
    dates = {name: collection.get(f"catalog:{name}") for name in _EXTENT}
    if schema.is_catalog_document(collection):
        _set_interval(collection, {name: moment for name, moment in dates.items() if moment is not None})
        return
    _set_interval(collection, {})
    for name, moment in zip(_EXTENT, _interval(collection), strict=True):
        collection.pop(f"catalog:{name}", None)
        if moment is not None:
            try:
                collection[f"catalog:{name}"] = times.normalize(moment)
            except compiled_table.CODEC_ERRORS as error:
                raise InvalidDocument(name, f"{moment!r} is not a date: {error}") from error
