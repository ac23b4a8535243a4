"""Reader of bands that other programs wrote, as entries of ``bands`` in Landbridge's form.

STAC describes bands in ``bands`` (1.1), in ``eo:bands`` and ``raster:bands`` of assets (1.0), or not at all.
A band is bound to the key of its asset and to its index there (see `landbridge.mappings.binding`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, TypeGuard

from landbridge.mappings import assets, extra_properties, ids
from landbridge.mappings.assets import FILE_INDEX
from landbridge.mappings.binding import ASSET_KEY, BAND_INDEX, is_bound, pixel_size_of, preference_key
from landbridge.mappings.codecs import CODECS

__all__ = [
    "CLASSIFICATION",
    "INTEGER_RANGES",
    "band_objects",
    "bind_entries",
    "entries",
    "infer_attributes",
    "is_reflectance",
    "with_members",
]

_MASK_ROLES = {"data-mask", "cloud", "cloud-shadow", "shadow", "snow-ice", "land-water", "water-mask"}
_ALPHA = {"alpha", "dataset_mask"}
# Least and greatest value of the integer types, by the Catalog's name.
INTEGER_RANGES: Mapping[str, tuple[int, int]] = {
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
    """Return a Collection's band entries, each with the asset and the index that hold the band.

    The assets of ``item`` are read if the Collection describes neither bands nor assets.
    """
    described = _assets(collection, item)
    listed = collection.get("bands")
    if "bands" not in collection or (not listed and described and not _assets(collection, None)):
        found = [entry for key in described for entry in _asset_entries_or_none(key, described)]
        return [
            {**entry, "catalog:sort_order": order} for order, entry in enumerate(_with_unique_names(found))
        ]
    locations = _locations_by_name(described)
    bands = [entry for entry in listed if isinstance(entry, Mapping)] if isinstance(listed, list) else []
    return [
        dict(entry) if "catalog:type" in entry else _located(entry, order, locations)
        for order, entry in enumerate(bands)
    ]


def _with_unique_names(entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the entries with unique names: two names may become equal when they are made valid."""
    taken: set[str] = set()
    for entry in entries:
        name = entry["name"] or "_"
        while name in taken:
            name += "_"
        taken.add(name)
        yield entry if name == entry["name"] else {**entry, "name": name}


def _locations_by_name(described: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, int]]:
    """Return the asset key and the index of each band, by name.

    If several assets hold a band, the asset with the band's name is preferred, then an asset with no other
    band, then the finest.
    """
    found: dict[str, tuple[str, int]] = {}
    rank: dict[str, tuple[bool, bool, float]] = {}
    for key, asset in described.items():
        try:
            names, resolution = _names(key, asset), pixel_size_of(asset)
        except (TypeError, ValueError, AttributeError):
            continue
        for index, name in enumerate(names):
            this = (key != name, *preference_key(names, resolution))
            if name not in found or this < rank[name]:
                found[name], rank[name] = (key, index), this
    return found


def _located(
    entry: Mapping[str, Any], order: int, locations: Mapping[str, tuple[str, int]]
) -> dict[str, Any]:
    """Return another program's entry with the location of its pixels, if the assets state it."""
    name = entry.get("name") or f"band-{order}"
    located: dict[str, Any] = {"name": name, BAND_INDEX: 0}
    if name in locations:
        located[ASSET_KEY], located[BAND_INDEX] = locations[name]
    return {**located, "catalog:sort_order": order, **entry}


def bind_entries(collection: Mapping[str, Any], uploaded: Container[Any] = ()) -> list[Any]:
    """Return the entries of ``bands`` for storage: other programs' entries get asset and index.

    Earlier versions gave such entries a ``catalog:file_index``, which is removed: it counted the assets of
    the Collection, which differ from those of an Item. ``uploaded`` holds the names of bands that are known
    to be in uploaded files.
    """
    shared = collection.get("item_assets")
    locations = _locations_by_name(_assets(collection, None))
    done: list[Any] = []
    for entry in collection.get("bands") or ():
        if not isinstance(entry, Mapping):
            done.append(entry)
        elif FILE_INDEX in entry and is_bound(entry, shared) and entry.get("name") not in uploaded:
            done.append({key: value for key, value in entry.items() if key != FILE_INDEX})
        elif ASSET_KEY not in entry and "catalog:type" not in entry and entry.get("name") in locations:
            key, index = locations[entry["name"]]
            done.append({**entry, ASSET_KEY: key, BAND_INDEX: entry.get(BAND_INDEX, index)})
        else:
            done.append(entry)
    return done


def _assets(collection: Mapping[str, Any], item: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    """Return the data assets that the Collection, else the Item, describes, sorted by key."""
    shared = _mapping_or_empty(collection.get("item_assets"))
    keys = [key for key in assets.data_keys(shared) if assets.FILE_INDEX not in shared[key]]
    if keys:
        return {key: shared[key] for key in keys}
    own = _mapping_or_empty((item or {}).get("assets"))
    return {key: own[key] for key in assets.data_keys(own)}


def _mapping_or_empty(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def band_objects(bands: Any) -> list[Mapping[str, Any]]:
    """Return the band objects of an array; nested arrays are flattened."""
    if not isinstance(bands, list | tuple):
        return []
    flat = [one for band in bands for one in (band if isinstance(band, list | tuple) else (band,))]
    return [one if isinstance(one, Mapping) else {} for one in flat]


def _asset_entries_or_none(key: str, described: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return an asset's bands; an empty list if it is malformed, so that the other assets can be read."""
    try:
        return _asset_entries(key, described)
    except (TypeError, ValueError, KeyError, AttributeError):
        return []


def _names(key: str, asset: Mapping[str, Any]) -> list[str]:
    """Return the names of an asset's bands; the asset's key if they have no names."""
    bands = band_objects(asset.get("bands")) or band_objects(asset.get("eo:bands"))
    return [band.get("name", key) for band in bands] or [key]


def _asset_entries(key: str, described: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    asset = described[key]
    parts = _merged_band_objects(asset)
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
            **{member: asset[member] for member in _SHARED_MEMBERS if member in asset},
            **part,
            "name": name,
            ASSET_KEY: key,
            BAND_INDEX: position,
        }
        if "description" not in entry and (text := asset.get("description") or asset.get("title")):
            entry["description"] = text
        if vendor and vendor != name:
            entry["catalog:vendor_band_name"] = vendor
        if (gsd := entry.get("gsd", asset.get("gsd"))) is not None:
            entry.setdefault("raster:spatial_resolution", gsd)
        for member, described_classes in _classification(asset).items():
            entry.setdefault(member, described_classes)
        entry["catalog:type"] = _band_type(entry, set(asset.get("roles") or ()))
        found.append({**_derived_members(entry, position), **entry})
    return found


def _classification(asset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the classes and bit fields that an asset states for its bands."""
    found = {member: asset[member] for member in CLASSIFICATION if asset.get(member)}
    if not found and isinstance(values := asset.get("file:values"), list):
        # The file extension named classes before the classification extension did.
        found["classification:classes"] = [
            {"value": value, "title": group.get("summary")}
            for group in values
            if isinstance(group, Mapping) and isinstance(group.get("values"), list)
            for value in group["values"]
        ]
    return found


def with_members(
    entry: Mapping[str, Any], asset: Mapping[str, Any], index: int, members: Iterable[str]
) -> dict[str, Any]:
    """Return an entry with some members that it lacks, from a band of an asset that holds its pixels."""
    try:
        parts = _merged_band_objects(asset)
    except (TypeError, ValueError, AttributeError):
        return dict(entry)
    stated = {**asset, **_classification(asset), **(parts[index] if index < len(parts) else {})}
    found = {name: stated[name] for name in members if name not in entry and stated.get(name) is not None}
    if not found:
        return dict(entry)
    whole = {**entry, **found}
    if "catalog:type" not in entry:
        return whole
    if any(whole.get(member) for member in CLASSIFICATION):
        whole["catalog:type"] = _band_type(whole, set())
    return {**_derived_members(whole, entry.get(BAND_INDEX, index)), **whole}


def _merged_band_objects(asset: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one object for each band of an asset, with the member names of STAC 1.1."""
    if bands := band_objects(asset.get("bands")):
        return [dict(band) for band in bands]
    eo, raster = band_objects(asset.get("eo:bands")), band_objects(asset.get("raster:bands"))
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


CLASSIFICATION = ("classification:classes", "classification:bitfields")
# Members that an asset may state for all its bands.
_SHARED_MEMBERS = ("data_type", "nodata", "unit", "statistics", "raster:scale", "raster:offset")
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


def _band_type(entry: Mapping[str, Any], roles: set[str]) -> str:
    """Return the band type of another program's entry, from its extensions, asset roles and name."""
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


def infer_attributes(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of an entry without ``catalog:type``, from members of extensions."""
    kind = _band_type(entry, set())
    known = _derived_members(entry, 0)
    out: dict[str, Any] = {"type": kind, **{member[8:]: value for member, value in known.items()}}
    if (own := out.get("extra_properties")) is not None:
        out["extra_properties"] = extra_properties.decode(own)
    if (gsd := entry.get("gsd")) is not None:
        out["resolution"] = {"value": gsd, "unit": "meters"}
    return out


def _derived_members(entry: Mapping[str, Any], position: int) -> dict[str, Any]:
    """Return the ``catalog:*`` members that follow from another program's entry."""
    found: dict[str, Any] = {}
    statistics = entry.get("statistics") or {}
    low, high = statistics.get("minimum"), statistics.get("maximum")
    shown = None if low is None or high is None else [float(low), float(high)]
    if display_range := shown or _default_display_range(entry):
        found["catalog:display_range"] = display_range
    full = INTEGER_RANGES.get(_catalog_type(entry.get("data_type")) or "")
    data = [float(full[0]), float(full[1])] if full else shown
    if data:
        found["catalog:data_range"] = data
        scale, offset = entry.get("raster:scale"), entry.get("raster:offset")
        if (_is_number(scale) or _is_number(offset)) and _band_type(entry, set()) not in ("class", "mask"):
            factor, shift = 1 if scale is None else scale, 0 if offset is None else offset
            found["catalog:physical_range"] = [value * factor + shift for value in data]
    classes = entry.get("classification:classes")
    if classes and (labels := class_labels(classes)):
        found["catalog:class_labels"] = labels
    if fields := entry.get("classification:bitfields"):
        found["catalog:extra_properties"] = extra_properties.encode({"classification:bitfields": fields})
    if entry.get("name", "").lower() in _ALPHA:
        found["catalog:is_alpha"] = True
    found["catalog:band_index"] = entry.get("catalog:band_index", position)
    return found


def is_reflectance(entry: Mapping[str, Any]) -> bool:
    """Say whether the physical values of another program's entry are reflectances."""
    if (unit := entry.get("unit")) is not None:
        return bool(unit == "reflectance")
    name, wavelength = entry.get("eo:common_name"), entry.get("eo:center_wavelength")
    if _band_type(entry, set()) in ("mask", "class") or not (name or wavelength):
        return False
    is_thermal = bool(_is_number(wavelength) and wavelength > _REFLECTED_UP_TO)
    return not is_thermal and not str(name or "").startswith("lwir")


# Longest wavelength, in micrometers, at which bands show reflected sunlight.
_REFLECTED_UP_TO = 5.0
# Physical values that are displayed as black and as white; other units by name. Reflectances without a scale
# have the usual one, and other bands of 16 bits are displayed by stored values.
_DISPLAYED_REFLECTANCE = (0.0, 0.4)
_DISPLAYED = {"kelvin": (260.0, 320.0), "K": (260.0, 320.0), "Kelvin": (260.0, 320.0)}
_DISPLAYED_AS_STORED = [0.0, 10000.0]
_USUAL_SCALE = 1e-4
_SIXTEEN_BITS = ("UInt16", "Int16")


def _default_display_range(entry: Mapping[str, Any]) -> list[float] | None:
    """Return the display range of a band without statistics; None if its data range serves."""
    data_type = _catalog_type(entry.get("data_type"))
    if data_type not in (None, *_SIXTEEN_BITS) or _band_type(entry, set()) in ("mask", "class"):
        return None
    scale, offset = entry.get("raster:scale"), entry.get("raster:offset")
    shown = _DISPLAYED_REFLECTANCE if is_reflectance(entry) else _DISPLAYED.get(str(entry.get("unit")))
    if shown is _DISPLAYED_REFLECTANCE and data_type is not None and not _is_number(scale):
        scale = _USUAL_SCALE
    factor, shift = float(scale) if _is_number(scale) else 1.0, float(offset) if _is_number(offset) else 0.0
    if shown is None or factor in (0, 1):
        return None if data_type is None or factor != 1 else _DISPLAYED_AS_STORED
    return [float(round((value - shift) / factor)) for value in shown]


def _catalog_type(data_type: Any) -> str | None:
    decode = CODECS["data_type"].decode
    try:
        return decode(data_type) if decode else None
    except (KeyError, TypeError):
        return None


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def class_labels(classes: list[Mapping[str, Any]]) -> list[str] | None:
    """Return the labels of ``classification:classes`` by value, from 0; None if they do not form a list."""
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
