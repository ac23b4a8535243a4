"""Product attributes and STAC Collections, both ways.

Attributes are plain JSON values by their Catalog names; datetimes are RFC 3339 strings in UTC. What these
functions return shares its inner values with what they were given: treat all of it as frozen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import compiled_table, extra_properties, schema, times
from landbridge.mappings.diffs import json_equal, json_patch
from landbridge.mappings.errors import InvalidDocument
from landbridge.mappings.image import STAC_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["from_stac", "patch", "to_stac"]

_EXTENT = {"start_datetime": 0, "end_datetime": 1}
_FALLBACK = "catalog:description_fallback"
_WORLD = [[-180, -90, 180, 90]]


def from_stac(collection: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a Collection, ours or anyone's; those it does not hold are left out."""
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
    """The Collection with these attributes; a value of None is no value.

    ``base``: the Collection as it was read. All that no attribute speaks of, its bands among it, stays as
    it is there; attributes of it that are missing here go, but for readonly ones. Raises `InvalidDocument`
    for a value that its attribute cannot hold, and where ``id`` is missing.
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
    """The RFC 6902 operations on a Collection, as last read, that make these changes and no others.

    None takes a value away. Raises `InvalidDocument` as `to_stac` does. A member that several attributes
    write (the description falls back to the name) is tested first, so that the patch fails where another
    client has changed it since.
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
        # STAC wants some text there; the Catalog does not.
        collection["catalog:description"] = value
    elif value is not None:
        collection["description"] = value


def sync_description(collection: dict[str, Any]) -> None:
    """Let a Collection without a description of its own repeat its title or id, and remember that it does."""
    description, fallback = collection.get("description"), collection.get(_FALLBACK)
    if not description or description == fallback:
        collection["description"] = collection[_FALLBACK] = collection.get("title") or collection["id"]
    elif fallback is not None:
        del collection[_FALLBACK]


def _interval(collection: Mapping[str, Any]) -> list[Any]:
    """Start and end of the whole of a Collection's temporal extent."""
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
            raise InvalidDocument(name, f"{value!r} is no date: {error}") from error
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
    """Give a Collection an extent, and let it and the dates of the product say the same.

    The product's dates hold in a Collection of ours, the extent in one that others wrote.
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
                raise InvalidDocument(name, f"{moment!r} is no date: {error}") from error
