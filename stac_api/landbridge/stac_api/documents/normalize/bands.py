"""Bands of a collection: defaults, timestamps, and the members that STAC readers look for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from landbridge.mappings import ids
from landbridge.mappings.assets import FILE_INDEX
from landbridge.mappings.binding import ASSET_KEY
from landbridge.mappings.errors import InvalidDocument
from landbridge.stac_api.documents.normalize import check

__all__ = ["complete", "metres", "native_resolution"]

_STAMPS = ("catalog:created", "catalog:modified")
_REQUIRED = {
    "data_type": "data_type",
    "catalog:data_range": "data_range",
    "catalog:display_range": "display_range",
    "catalog:band_index": "band_index",
}
_RANGES = ("catalog:data_range", "catalog:display_range")
_CLASS_NAME = re.compile(r"[^0-9A-Za-z_-]+")

# Common names of the eo extension 1.1, by wavelength in micrometres: the narrowest that a center falls in.
_COMMON = {
    "coastal": (0.40, 0.45),
    "blue": (0.45, 0.50),
    "green": (0.50, 0.60),
    "yellow": (0.58, 0.62),
    "red": (0.60, 0.70),
    "rededge": (0.70, 0.79),
    "nir": (0.75, 1.00),
    "nir08": (0.75, 0.90),
    "nir09": (0.85, 1.05),
    "cirrus": (1.35, 1.40),
    "swir16": (1.55, 1.75),
    "swir22": (2.08, 2.36),
    "lwir": (10.5, 12.5),
    "lwir11": (10.5, 11.5),
    "lwir12": (11.5, 12.5),
    "pan": (0.50, 0.70),
}
_BY_WAVELENGTH = (
    "coastal",
    "blue",
    "green",
    "red",
    "rededge",
    "nir",
    "nir09",
    "cirrus",
    "swir16",
    "swir22",
    "lwir",
)
COMMON_NAMES = frozenset({*_COMMON, "rededge1", "rededge2", "rededge3"})


def complete(
    entries: Sequence[Mapping[str, Any]], previous: Sequence[Mapping[str, Any]], now: str
) -> list[dict[str, Any]]:
    """Return the entries with defaults, timestamps and derived members. Raises `InvalidDocument`."""
    before = {entry.get("name"): entry for entry in previous}
    orders = [entry["catalog:sort_order"] for entry in entries if _is_int(entry.get("catalog:sort_order"))]
    next_order = max(orders, default=-1) + 1
    done: list[dict[str, Any]] = []
    names: set[str] = set()
    for entry in entries:
        name = _name(entry, names)
        names.add(name)
        old = before.get(name)
        if old is not None and _diff_free(entry, old):
            done.append(dict(old))
            continue
        new = dict(entry)
        if is_catalog := bool(new.get("catalog:type")):
            if new.get("catalog:sort_order") is None:
                new["catalog:sort_order"] = next_order
                next_order += 1
            if new.get(FILE_INDEX) is None and new.get(ASSET_KEY) is None:
                new[FILE_INDEX] = 0
            if new["catalog:type"] == "mask":
                for member in _RANGES:
                    if new.get(member) is None:
                        new[member] = [0, 1]
        _validate(new, name, is_catalog)
        _derive(new, old)
        if is_catalog:
            new["catalog:created"] = (old or {}).get("catalog:created") or now
            new["catalog:modified"] = now
        done.append(new)
    return done


def _name(entry: Any, taken: set[str]) -> str:
    if not isinstance(entry, Mapping):
        raise InvalidDocument("bands", f"{entry!r} is not an object")
    name = entry.get("name")
    if not isinstance(name, str) or not ids.is_valid_name(name):
        # Bands of other publishers may have names with other characters; only ours are ids.
        if isinstance(name, str) and name and not entry.get("catalog:type"):
            return name
        raise InvalidDocument("name", f"{name!r} is not a band name, which is made of A-Z a-z 0-9 _ . -")
    if name in taken:
        raise InvalidDocument("name", f"there are two bands {name!r}; names are unique within a product")
    return name


def _diff_free(entry: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """Return whether an entry is the stored one, except its timestamps, which only the server sets."""
    return {k: v for k, v in entry.items() if k not in _STAMPS} == {
        k: v for k, v in old.items() if k not in _STAMPS
    }


def _validate(entry: Mapping[str, Any], name: str, is_catalog: bool) -> None:
    prefix = f"{name}."
    # Members of other extensions are free; ours are checked.
    check.members("band", entry, prefix, only="" if is_catalog else "catalog:")
    if not is_catalog:
        return
    if entry.get(FILE_INDEX) is not None:
        check.required(entry, _REQUIRED, prefix, f"; a {entry['catalog:type']} band has to have it")
    nodata = entry.get("nodata")
    if isinstance(nodata, str) and nodata not in ("nan", "inf", "-inf"):
        raise InvalidDocument(f"{name}.nodata", f"{nodata!r} is not a number")


def _derive(entry: dict[str, Any], old: Mapping[str, Any] | None) -> None:
    """Add the derived members, and remove those whose source is missing."""
    stale = _derived(old) if old else {}
    fresh = _derived(entry)
    for member, value in stale.items():
        if member not in fresh and entry.get(member) == value:
            del entry[member]
    for member, value in fresh.items():
        if member == "statistics":
            entry[member] = {**(entry.get(member) or {}), **value}
        elif member == "classification:classes":
            entry[member] = _merge_classes(entry.get(member) or (), value)
        elif member == "eo:common_name":
            # A given common name is better than a derived one.
            if entry.get(member) in (None, stale.get(member)):
                entry[member] = value
        else:
            entry[member] = value


def _derived(entry: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if (shown := entry.get("catalog:display_range")) and shown[0] <= shown[1]:
        found["statistics"] = {"minimum": shown[0], "maximum": shown[1]}
    if (size := metres(entry)) is not None:
        found["gsd"] = size
    if scaling := _scaling(entry):
        found["raster:scale"], found["raster:offset"] = scaling
    if labels := entry.get("catalog:class_labels"):
        found["classification:classes"] = _classes(labels, entry.get("catalog:colormap"))
    if entry.get("catalog:type") == "spectral" and (common := _common_name(entry)):
        found["eo:common_name"] = common
    return found


def _scaling(entry: Mapping[str, Any]) -> tuple[float, float] | None:
    data, physical = entry.get("catalog:data_range"), entry.get("catalog:physical_range")
    if not data or not physical or data[0] == data[1]:
        return None
    if entry.get(FILE_INDEX) is None:
        return None  # Written by another program, which made the physical range from scale and offset.
    (d0, d1), (p0, p1) = ([Decimal(repr(value)) for value in pair] for pair in (data, physical))
    scale = (p1 - p0) / (d1 - d0)
    return float(scale), float(p0 - d0 * scale)


def _classes(labels: Sequence[str], colormap: Any) -> list[dict[str, Any]]:
    found = []
    for value, label in enumerate(labels):
        if not label:
            continue
        entry = {"value": value, "name": _CLASS_NAME.sub("_", label), "title": label}
        color = colormap[value] if isinstance(colormap, list) and value < len(colormap) else None
        if (
            isinstance(color, list)
            and len(color) >= 3
            and all(_is_int(c) and 0 <= c < 256 for c in color[:3])
        ):
            entry["color_hint"] = "{:02X}{:02X}{:02X}".format(*color)
        found.append(entry)
    return found


def _merge_classes(
    present: Sequence[Mapping[str, Any]], fresh: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    before = {entry.get("value"): entry for entry in present}
    return [{**before.get(entry["value"], {}), **entry} for entry in fresh]


def _common_name(entry: Mapping[str, Any]) -> str | None:
    name: str = entry["name"].lower()
    if name in _COMMON:
        return name
    center = entry.get("eo:center_wavelength")
    if isinstance(center, int | float):
        for common in _BY_WAVELENGTH:
            low, high = _COMMON[common]
            if low <= center < high:
                return common
    return None


def metres(entry: Mapping[str, Any]) -> float | None:
    """Return an entry's resolution in metres."""
    size = entry.get("raster:spatial_resolution")
    return size if isinstance(size, int | float) and not isinstance(size, bool) else None


def native_resolution(entry: Mapping[str, Any]) -> Any:
    """Return an entry's resolution in its own unit, if that is not metres."""
    return entry.get("catalog:resolution")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
