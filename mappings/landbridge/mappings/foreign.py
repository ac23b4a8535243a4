"""Bands that others wrote, read as the entries of ``bands`` that we would have written.

STAC describes bands in ``bands`` (1.1), in ``eo:bands`` and ``raster:bands`` of assets (1.0), or not at all.
An asset of others is a file; their order is that of the asset keys (see `landbridge.mappings.assets`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landbridge.mappings import assets, ids
from landbridge.mappings.codecs import CODECS

__all__ = ["asset_keys", "entries", "inferred"]

ASSET = "catalog:asset"

_MASK_ROLES = {"data-mask", "cloud", "cloud-shadow", "shadow", "snow-ice", "land-water", "water-mask"}
_ALPHA = {"alpha", "dataset_mask"}
_FULL_RANGE: Mapping[str, tuple[float, float]] = {
    "Byte": (0, 255),
    "UInt16": (0, 65535),
    "Int16": (-32768, 32767),
    "UInt32": (0, 4294967295),
    "Int32": (-2147483648, 2147483647),
    "Int8": (-128, 127),
    "Int64": (-9223372036854775808, 9223372036854775807),
    "UInt64": (0, 18446744073709551615),
}


def entries(collection: Mapping[str, Any], item: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """A Collection's band entries, each with the file, and the place in it, that the band is found at."""
    described = _assets(collection, item)
    if "bands" not in collection:
        found = [entry for index, key in enumerate(described) for entry in _readable(index, key, described)]
        return [{**entry, "catalog:sort_order": order} for order, entry in enumerate(found)]
    places = _places(described)
    listed = collection["bands"] if isinstance(collection["bands"], list) else []
    bands = [entry for entry in listed if isinstance(entry, Mapping)]
    return [
        dict(entry) if "catalog:type" in entry else _placed(entry, order, places)
        for order, entry in enumerate(bands)
    ]


def _places(described: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[int, str, int]]:
    """Where a band is found, by its name: file index, asset key, position in the asset."""
    found: dict[str, tuple[int, str, int]] = {}
    for index, (key, asset) in enumerate(described.items()):
        for position, name in enumerate(_names(key, asset)):
            found.setdefault(name, (index, key, position))
    return found


def _placed(
    entry: Mapping[str, Any], order: int, places: Mapping[str, tuple[int, str, int]]
) -> dict[str, Any]:
    """An entry of others in ``bands`` with the place of its pixels, as far as the assets tell."""
    name = entry.get("name") or f"band-{order}"
    index, key, position = places.get(name, (order, None, 0))
    place = {"name": name, "catalog:file_index": index, "catalog:band_index": position}
    if key is not None and "catalog:file_index" not in entry:
        place[ASSET] = key
    return {**place, "catalog:sort_order": order, **entry}


def asset_keys(collection: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The asset key of each file, for Items that others wrote into this Collection.

    To be given to `landbridge.mappings.image.from_stac`, so that a band's ``file_index`` finds its file
    even in an Item that lacks one. None where the Collection names no assets.
    """
    if bands := collection.get("bands"):
        named = {entry.get("catalog:file_index"): entry[ASSET] for entry in bands if ASSET in entry}
        if named and set(named) == set(range(len(named))):
            return tuple(named[index] for index in range(len(named)))
        if all("catalog:type" in entry for entry in bands):
            return None
    return tuple(_assets(collection, None)) or None


def _assets(collection: Mapping[str, Any], item: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    """The data assets that the Collection, else the Item, describes, in the order of their keys."""
    shared = _object(collection.get("item_assets"))
    keys = [key for key in assets.data_keys(shared) if assets.INDEX not in shared[key]]
    if keys:
        return {key: shared[key] for key in keys}
    own = _object((item or {}).get("assets"))
    return {key: own[key] for key in assets.data_keys(own)}


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _readable(index: int, key: str, described: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An asset's bands; none where its members are not what STAC has there: the other assets can be read."""
    try:
        return _of_asset(index, key, described)
    except (TypeError, ValueError, KeyError, AttributeError):
        return []


def _names(key: str, asset: Mapping[str, Any]) -> list[str]:
    """What an asset's bands are called where it says so, else the asset's key."""
    bands = asset.get("bands") or asset.get("eo:bands") or ()
    return [band.get("name", key) for band in bands] or [key]


def _of_asset(index: int, key: str, described: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    asset = described[key]
    parts = _parts(asset)
    others = {
        name for other, its in described.items() if other != key for name in (*_names(other, its), other)
    }
    found: list[dict[str, Any]] = []
    for position, part in enumerate(parts):
        vendor = part.get("name")
        name = key if len(parts) == 1 else vendor or f"{key}_{position + 1}"
        if name != key and (name in others or any(entry["name"] == name for entry in found)):
            name = f"{key}_{name}"
        name = ids.make_valid_name(name)
        entry = {
            **{
                member: asset[member]
                for member in ("data_type", "nodata", "unit", "statistics")
                if member in asset
            },
            **part,
            "name": name,
            ASSET: key,
            "catalog:file_index": index,
            "catalog:band_index": position,
        }
        if "description" not in entry and (text := asset.get("description") or asset.get("title")):
            entry["description"] = text
        if vendor and vendor != name:
            entry["catalog:vendor_band_name"] = vendor
        if (gsd := entry.get("gsd", asset.get("gsd"))) is not None:
            entry.setdefault("raster:spatial_resolution", gsd)
        if classes := asset.get("classification:classes"):
            entry.setdefault("classification:classes", classes)
        entry["catalog:type"] = _type(entry, set(asset.get("roles") or ()))
        found.append({**_known(entry, position), **entry})
    return found


def _parts(asset: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One object per band of an asset, with the members that STAC 1.1 has."""
    if bands := asset.get("bands"):
        return [dict(band) for band in bands]
    eo, raster = asset.get("eo:bands") or [], asset.get("raster:bands") or []
    count = max(len(eo), len(raster), 1)
    parts = []
    for index in range(count):
        part: dict[str, Any] = {}
        if index < len(raster):
            for member, value in raster[index].items():
                part[_RASTER.get(member, member)] = value
        if index < len(eo):
            for member, value in eo[index].items():
                part[_EO.get(member, member)] = value
        parts.append(part)
    return parts


_EO = {
    "common_name": "eo:common_name",
    "center_wavelength": "eo:center_wavelength",
    "full_width_half_max": "eo:full_width_half_max",
    "solar_illumination": "eo:solar_illumination",
}
_RASTER = {
    "scale": "raster:scale",
    "offset": "raster:offset",
    "sampling": "raster:sampling",
    "bits_per_sample": "raster:bits_per_sample",
    "spatial_resolution": "raster:spatial_resolution",
    "histogram": "raster:histogram",
}


def _type(entry: Mapping[str, Any], roles: set[str]) -> str:
    """What kind of band an entry of others describes, by its extensions, its asset's roles and its name."""
    if entry.get("name", "").lower() in _ALPHA:
        return "mask"
    if entry.get("classification:classes") or entry.get("classification:bitfields"):
        return "class"
    if entry.get("eo:common_name") or entry.get("eo:center_wavelength") or "reflectance" in roles:
        return "spectral"
    if any(member.startswith("sar:") for member in entry):
        return "microwave"
    if roles & _MASK_ROLES:
        return "class"
    return "generic"


def inferred(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes of an entry of others that has no ``catalog:type``, from the extensions' members."""
    kind = _type(entry, set())
    known = _known(entry, 0)
    out: dict[str, Any] = {"type": kind, **{member[8:]: value for member, value in known.items()}}
    if (gsd := entry.get("gsd")) is not None:
        out["resolution"] = {"value": gsd, "unit": "meters"}
    return out


def _known(entry: Mapping[str, Any], position: int) -> dict[str, Any]:
    """The ``catalog:*`` members that follow from what an entry of others says."""
    found: dict[str, Any] = {}
    statistics = entry.get("statistics") or {}
    low, high = statistics.get("minimum"), statistics.get("maximum")
    shown = None if low is None or high is None else [float(low), float(high)]
    if shown:
        found["catalog:display_range"] = shown
    full = _FULL_RANGE.get(_catalog_type(entry.get("data_type")) or "")
    data = [float(full[0]), float(full[1])] if full else shown
    if data:
        found["catalog:data_range"] = data
        scale, offset = entry.get("raster:scale"), entry.get("raster:offset")
        if (_is_number(scale) or _is_number(offset)) and _type(entry, set()) not in ("class", "mask"):
            factor, shift = 1 if scale is None else scale, 0 if offset is None else offset
            found["catalog:physical_range"] = [value * factor + shift for value in data]
    classes = entry.get("classification:classes")
    if classes and (labels := class_labels(classes)):
        found["catalog:class_labels"] = labels
    if entry.get("name", "").lower() in _ALPHA:
        found["catalog:is_alpha"] = True
    found["catalog:band_index"] = entry.get("catalog:band_index", position)
    return found


def _catalog_type(data_type: Any) -> str | None:
    decode = CODECS["data_type"].decode
    try:
        return decode(data_type) if decode else None
    except (KeyError, TypeError):
        return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def class_labels(classes: list[Mapping[str, Any]]) -> list[str] | None:
    """Labels by value, from 0, of ``classification:classes``; None where the values do not allow a list."""
    named = {
        entry["value"]: entry.get("title")
        or entry.get("name")
        or entry.get("description")
        or str(entry["value"])
        for entry in classes
        if isinstance(entry.get("value"), int) and 0 <= entry["value"] < 256
    }
    if not named or len(named) < len(classes):
        return None
    return [named.get(value, "") for value in range(max(named) + 1)]
