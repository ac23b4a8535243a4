"""Conversion between image attributes and STAC Items.

Attributes are plain JSON values by Catalog name; datetimes are RFC 3339 strings in UTC. Results share their
inner values with the arguments: do not modify either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import assets, compiled_table, extra_properties, ids, items, schema, times
from landbridge.mappings.diffs import json_equal, merge_patch
from landbridge.mappings.errors import InvalidDocument
from landbridge.mappings.items import STAC_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from landbridge.mappings.tables import Row

__all__ = ["STAC_VERSION", "from_stac", "patch", "to_stac"]

_WKT = ("GEOG", "PROJ", "GEOD", "BOUND", "COMPOUND", "COMPD", "ENG", "DERIVED", "LOCAL_CS", "COORDINATE")
# A patch of these attributes depends on other members, so it needs the Item.
_NEEDS_BASE = ("files", "extra_properties")


def from_stac(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of an Item, from any STAC API, with ``id``, ``name`` and ``product_id``.

    Missing attributes are left out.
    """
    name, product_id = item["id"], item.get("collection")
    out: dict[str, Any] = {"name": name}
    if product_id is not None:
        out["product_id"] = product_id
        out["id"] = f"{product_id}:{name}"
    for read, part in ((_read_properties, item.get("properties")), (_read_geometry, item.get("geometry"))):
        if part:
            _try(read, part, out)
    if found := item.get("assets"):
        _try(_read_files, found, out)
        _try(_read_preview, found, out)
    if "provider_url" not in out and (links := item.get("links")):
        _try(_read_via, links, out)
    return out


def _try(read: Callable[..., None], *args: Any) -> None:
    """Read one part of a document; leave it out if it is malformed, so that the rest can be read."""
    try:
        read(*args)
    except compiled_table.CODEC_ERRORS:
        return


def _read_properties(properties: Mapping[str, Any], out: dict[str, Any]) -> None:
    unknown: dict[str, Any] = {}
    compiled_table.for_kind("image").read(properties, out, unknown)
    get = properties.get
    _read_times(get, out)
    _read_crs(get, out)
    _read_shape(get, out)
    if (via := get("catalog:provider_url")) is not None:
        out["provider_url"] = via
    extra_properties.read(get(extra_properties.MEMBER), unknown, out)


def _read_geometry(geometry: Mapping[str, Any], out: dict[str, Any]) -> None:
    if geometry.get("geometries") != []:
        out["geometry"] = geometry


def _read_via(links: Sequence[Mapping[str, Any]], out: dict[str, Any]) -> None:
    for link in links:
        if link.get("rel") == "via" and (href := link.get("href")) is not None:
            out["provider_url"] = href
            return


_SINGLE_SIZE_MEMBERS = {"x_pixels": "catalog:x_pixels", "y_pixels": "catalog:y_pixels"}


def _read_times(get: Callable[[str], Any], out: dict[str, Any]) -> None:
    for name, value in (
        ("acquired", get("datetime") or get("start_datetime")),
        ("acquired_end", get("end_datetime")),
    ):
        if value is not None:
            try:
                out[name] = times.normalize(value)
            except compiled_table.CODEC_ERRORS:
                continue


def _read_crs(get: Callable[[str], Any], out: dict[str, Any]) -> None:
    if (code := get("proj:code")) is not None:
        out["cs_code"] = code
    elif (epsg := get("proj:epsg")) is not None:
        out["cs_code"] = f"EPSG:{epsg}"
    if (projection := get("catalog:projection")) is not None or (projection := get("proj:wkt2")) is not None:
        out["projection"] = projection


def _read_shape(get: Callable[[str], Any], out: dict[str, Any]) -> None:
    shape = get("proj:shape")
    if isinstance(shape, list | tuple) and len(shape) == 2:
        out["y_pixels"], out["x_pixels"] = shape
    for name, member in _SINGLE_SIZE_MEMBERS.items():
        if (value := get(member)) is not None:
            out[name] = value


def _read_files(found: Mapping[str, Any], out: dict[str, Any]) -> None:
    if (files := assets.files(found)) is not None:
        out["files"] = files
    if "cs_code" not in out and (code := assets.crs_code(found)) is not None:
        out["cs_code"] = code
    if "geotrans" not in out and (grid := assets.finest_grid(found)) is not None:
        out["geotrans"], shape = grid
        if shape is not None and "x_pixels" not in out:
            out["y_pixels"], out["x_pixels"] = shape


def _read_preview(found: Mapping[str, Any], out: dict[str, Any]) -> None:
    if (key := assets.preview_key(found)) and (href := found[key].get("href")) is not None:
        out["preview_url"] = href


def to_stac(attributes: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the Item for these attributes. None means that an attribute has no value.

    ``base`` is the Item as last read. Its members that belong to no attribute are kept; its attributes that
    are missing in ``attributes`` are removed, except read-only ones. Raises `InvalidDocument` if an attribute
    cannot hold its value or if ``acquired`` is missing.
    """
    if base is None:
        return _apply({"acquired": None, **attributes}, _blank())
    before = from_stac(base)
    rows = compiled_table.for_kind("image").table.rows
    changes = {name: None for name in before if name not in attributes and not _fixed(rows[name])}
    changes.update(
        {name: value for name, value in attributes.items() if not json_equal(value, before.get(name))}
    )
    return _apply(changes, base)


def patch(changes: Mapping[str, Any], base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the merge patch (RFC 7396) that makes exactly these changes to an Item; None removes a value.

    ``base`` is the Item as last read. Raises ValueError if it is missing and ``files`` or
    ``extra_properties`` change, and `InvalidDocument` as `to_stac` does.
    """
    if base is not None:
        before = from_stac(base)
        changed = {name: value for name, value in changes.items() if not json_equal(value, before.get(name))}
        return merge_patch(base, _apply(changed, base))
    return _blind_patch(changes)


def _blind_patch(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a patch for an unknown Item: it removes every member that may hold an old value."""
    for name in changes:
        if name in _NEEDS_BASE or (name in _SINGLE_SIZE_MEMBERS and changes[name] is None):
            raise ValueError(f"a patch of {name} needs the Item as last read; pass it as base=...")
    if "acquired" in changes and changes["acquired"] is None:
        raise _no_acquired()
    old: dict[str, Any] = {"properties": {}, "assets": {}, "links": []}
    new = _apply({name: value for name, value in changes.items() if value is not None}, old)
    result = merge_patch(old, new)
    result.pop("links", None)  # an array is replaced as a whole; the server follows catalog:provider_url
    gone = [path[1] for name in changes for path in _replaced_paths(name) if path[1] not in new["properties"]]
    if all(changes.get(name) is not None for name in _SINGLE_SIZE_MEMBERS):
        gone += _SINGLE_SIZE_MEMBERS.values()  # a complete size replaces a size that was written in parts
    if "proj:shape" in new["properties"]:
        gone += _SINGLE_SIZE_MEMBERS.values()
    if gone:
        result["properties"] = {**result.get("properties", {}), **dict.fromkeys(gone)}
    if "acquired_end" in changes and changes["acquired_end"] is None:
        result["properties"]["start_datetime"] = None
    if "preview_url" in changes and changes["preview_url"] is None:
        result["assets"] = {"thumbnail": None}
    if "geometry" in changes:
        geometry = changes["geometry"]
        result.update(
            {"geometry": None, "bbox": None} if geometry is None else items.geometry_patch(geometry)
        )
    return result


def _replaced_paths(name: str) -> list[tuple[str, ...]]:
    """Return the paths in ``properties`` that a new value of an attribute replaces."""
    # Width and height share proj:shape; start_datetime exists only together with acquired_end.
    shared = {"acquired", *_SINGLE_SIZE_MEMBERS}
    return [path for path in _row(name).paths if path[0] == "properties" and name not in shared]


def _blank() -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": [],
        "id": None,
        "geometry": None,
        "properties": {schema.CLASS_MEMBER: "Image"},
        "links": [],
        "assets": {},
    }


def _apply(changes: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with the changes; None removes a value."""
    item = dict(base)
    item["properties"] = properties = dict(base.get("properties") or {})
    item["assets"] = dict(base.get("assets") or {})
    # acquired_end comes last, because it depends on acquired.
    for name in sorted(changes, key="acquired_end".__eq__):
        row, value = _row(name), changes[name]
        special = _WRITERS.get(name)
        if special is None:
            compiled_table.write(row, value, properties)
        else:
            special(item, value)
    return item


def _row(name: str) -> Row:
    try:
        return compiled_table.for_kind("image").table.rows[name]
    except KeyError:
        raise InvalidDocument(name, "an image has no such attribute") from None


def _fixed(row: Row) -> bool:
    return row.readonly or row.codec == "identifier"


def _write_id(item: dict[str, Any], value: Any) -> None:
    if value is not None:
        try:
            item["collection"], item["id"] = ids.split(value)
        except (ValueError, AttributeError) as error:
            raise InvalidDocument("id", str(error)) from error


def _write_name(item: dict[str, Any], value: Any) -> None:
    if value is not None:
        item["id"] = value


def _write_product_id(item: dict[str, Any], value: Any) -> None:
    if value is not None:
        item["collection"] = value


def _no_acquired() -> InvalidDocument:
    return InvalidDocument("acquired", "is missing; every image needs a time of acquisition")


def _moment(attribute: str, value: Any) -> str:
    try:
        return times.normalize(value)
    except compiled_table.CODEC_ERRORS as error:
        raise InvalidDocument(attribute, f"{value!r} is not a date: {error}") from error


def _write_acquired(item: dict[str, Any], value: Any) -> None:
    if value is None:
        raise _no_acquired()
    properties, moment = item["properties"], _moment("acquired", value)
    start, before = properties.get("start_datetime"), properties.get("datetime")
    if start is not None and (before is None or start == before):
        properties["start_datetime"] = moment
    properties["datetime"] = moment


def _write_acquired_end(item: dict[str, Any], value: Any) -> None:
    properties = item["properties"]
    if value is None:
        properties.pop("end_datetime", None)
        properties.pop("catalog:acquired_end", None)
        start = properties.pop("start_datetime", None)
        if properties.get("datetime") is None and start is not None:
            properties["datetime"] = start
        return
    properties["end_datetime"] = properties["catalog:acquired_end"] = _moment("acquired_end", value)
    if properties.get("start_datetime") is None and "datetime" in properties:
        properties["start_datetime"] = properties["datetime"]


def _write_code(item: dict[str, Any], value: Any) -> None:
    properties = item["properties"]
    # Version 1 of the projection extension has proj:epsg only, version 2 proj:code only.
    is_version_1 = "proj:epsg" in properties and "proj:code" not in properties
    properties.pop("proj:code", None)
    properties.pop("proj:epsg", None)
    if value is None:
        return
    if not isinstance(value, str):
        raise InvalidDocument("cs_code", f"{value!r} is not a string such as 'EPSG:32615'")
    authority, _, number = value.partition(":")
    if is_version_1 and authority == "EPSG" and number.isdecimal() and str(int(number)) == number:
        properties["proj:epsg"] = int(number)
    else:
        properties["proj:code"] = value


def _write_wkt(item: dict[str, Any], value: Any) -> None:
    properties = item["properties"]
    properties.pop("proj:wkt2", None)
    properties.pop("catalog:projection", None)
    if value is None:
        return
    if not isinstance(value, str):
        raise InvalidDocument("projection", f"{value!r} is not WKT or a PROJ string")
    properties["proj:wkt2" if value.startswith(_WKT) and "[" in value else "catalog:projection"] = value


def _write_pixels(item: dict[str, Any], value: Any, name: str) -> None:
    properties = item["properties"]
    shape = properties.pop("proj:shape", None) or (None, None)
    now = {"y_pixels": shape[0], "x_pixels": shape[1]}
    for key, member in _SINGLE_SIZE_MEMBERS.items():
        if (lone := properties.pop(member, None)) is not None:
            now[key] = lone
    now[name] = value
    if None not in now.values():
        properties["proj:shape"] = [now["y_pixels"], now["x_pixels"]]
        return
    for key, number in now.items():
        if number is not None:
            properties[_SINGLE_SIZE_MEMBERS[key]] = number


def _write_via(item: dict[str, Any], value: Any) -> None:
    item["properties"].pop("catalog:provider_url", None)
    if value is not None:
        item["properties"]["catalog:provider_url"] = value
    sync_via_link(item)


def sync_via_link(item: dict[str, Any]) -> None:
    """Set the link with rel ``via`` to ``catalog:provider_url``; remove the link if that is missing."""
    url = item["properties"].get("catalog:provider_url")
    links = [link for link in item.get("links") or () if link.get("rel") != "via"]
    if url is not None:
        found = next((link for link in item.get("links") or () if link.get("rel") == "via"), {"rel": "via"})
        links.append({**found, "href": url})
    item["links"] = links


_WRITERS: Mapping[str, Callable[[dict[str, Any], Any], None]] = {
    "id": _write_id,
    "name": _write_name,
    "product_id": _write_product_id,
    "acquired": _write_acquired,
    "acquired_end": _write_acquired_end,
    "geometry": items.write_geometry,
    "cs_code": _write_code,
    "projection": _write_wkt,
    "x_pixels": lambda item, value: _write_pixels(item, value, "x_pixels"),
    "y_pixels": lambda item, value: _write_pixels(item, value, "y_pixels"),
    "files": lambda item, value: assets.set_files(item["assets"], value),
    "preview_url": lambda item, value: assets.set_preview(item["assets"], value),
    "provider_url": _write_via,
    "extra_properties": lambda item, value: items.write_extra_properties(item, value, "image"),
}
