"""Documents that providers publish, and their comparison with the rows of a source's table."""

from __future__ import annotations

import json
import math
import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landbridge.mappings import assets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from landbridge.mappings.sources.model import BandRow, ProductRow

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
MISSING = f"no documents of providers at {SHARED}"

# Documents outside the folder of their provider, by source and collection.
_OTHERS = {
    ("planetary-computer", "sentinel-2-l2a"): "planetary-computer-sentinel-2-l2a.*",
    ("planetary-computer", "landsat-c2-l2"): "planetary-computer-landsat-c2-l2.*",
    ("planetary-computer", "naip"): "planetary-computer-naip.*",
    ("usgs", "landsat-c2l2-sr"): "usgs-landsat-c2l2-sr.*",
    ("dea", "ga_ls8c_ard_3"): "dea-ga-ls8c-ard-3.*",
}
# An example of another program, with keys of its own; its numbers are those of the files.
EXAMPLES = {"HLS.L30.T19LDD.2022165T144027.v2.0"}
CATALOG_TYPES = {
    "uint8": "Byte",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "float32": "Float32",
    "float64": "Float64",
    "int8": "Int8",
}
# Common names of STAC by the Catalog's name of a band.
COMMON_NAMES: Mapping[str, set[str]] = {
    "coastal-aerosol": {"coastal"},
    "blue": {"blue"},
    "green": {"green", "yellow/green"},
    "red": {"red"},
    "red-edge": {"rededge", "rededge071"},
    "red-edge-2": {"rededge", "rededge075"},
    "red-edge-3": {"rededge", "rededge078"},
    "red-edge-4": {"rededge", "nir08"},
    "nir": {"nir", "nir08", "near infrared"},
    "nir2": {"nir09"},
    "water-vapor": {"nir09"},
    "cirrus": {"cirrus"},
    "swir1": {"swir16", "swir"},
    "swir2": {"swir22", "swir"},
    **{f"swir{number}": {"swir22", "swir"} for number in range(3, 7)},
    **{f"tir{number}": {"lwir", "lwir11", "lwir12"} for number in range(10, 15)},
    "thermal": {"lwir", "lwir11"},
    "thermal-tm": {"lwir"},
    "thermal-2": {"lwir12"},
}
# Relative difference of center wavelengths: those of two sensors of one series, and rounding.
_WAVELENGTH_TOLERANCE = 0.035
_MASKED = ("cloud", "cirrus", "shadow", "adjacent")


@cache
def documents(source: str, collection: str) -> tuple[list[Any], list[Any]]:
    """Return the Collections and the Items that a source publishes; empty lists if none were kept."""
    parts: list[Any] = []
    path = SHARED / "sources" / "documents" / source / f"{collection}.json"
    if path.exists():
        wrapped = json.loads(path.read_text())
        parts += [one["document"] for one in wrapped["collections"] + wrapped["items"]]
    if (pattern := _OTHERS.get((source, collection))) is not None:
        for other in sorted((SHARED / "stac").glob(pattern)):
            lines = other.read_text().splitlines() if other.suffix == ".ndjson" else [other.read_text()]
            parts += [json.loads(line) for line in lines if line.strip()]
    parts = [one for one in parts if one["id"] not in EXAMPLES]
    return (
        [one for one in parts if one.get("type") != "Feature"],
        [one for one in parts if one.get("type") == "Feature"],
    )


@cache
def facts(source: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the facts about a source's collections, by collection and band, that a document shows."""
    content = tomllib.loads((SHARED / "sources" / "facts" / f"{source}.toml").read_text())
    return {
        one["id"]: {band["name"]: band for band in one.get("bands", ()) if band["status"] == "document"}
        for one in content["collections"]
    }


def selected(row: ProductRow, items: Iterable[Any]) -> list[Any]:
    """Return the Items that belong to a product."""
    return [
        item
        for item in items
        if all(item["properties"].get(name) in allowed for name, allowed in row.where.items())
    ]


def described_band(asset: Mapping[str, Any], index: int) -> dict[str, Any]:
    """Return the members of one band of an asset, by their names in STAC 1.0."""
    members: dict[str, Any] = {
        "data_type": asset.get("data_type"),
        "nodata": asset.get("nodata"),
        "unit": asset.get("unit"),
        "scale": asset.get("raster:scale"),
        "offset": asset.get("raster:offset"),
        "spatial_resolution": asset.get("raster:spatial_resolution", asset.get("gsd")),
        "classes": asset.get("classification:classes") or _file_values(asset),
        "bitfields": asset.get("classification:bitfields"),
    }
    for name in ("eo:bands", "raster:bands", "bands"):
        described = asset.get(name) or []
        if index < len(described):
            members |= {
                key.removeprefix("eo:"): value
                for key, value in described[index].items()
                if value is not None and key != "gsd"
            }
    return {key: value for key, value in members.items() if value is not None}


def _file_values(asset: Mapping[str, Any]) -> list[Any] | None:
    found = [
        {"value": value, "name": entry["summary"]}
        for entry in asset.get("file:values", ())
        for value in entry["values"]
    ]
    return found or None


def band_count(asset: Mapping[str, Any]) -> int:
    """Return the number of bands that an asset describes; 1 if it describes none."""
    return max([len(asset.get(name) or ()) for name in ("eo:bands", "raster:bands", "bands")] + [1])


def differences(band: BandRow, asset: Mapping[str, Any]) -> Iterator[str]:
    """Yield the attributes in which a band of a table differs from an asset that describes it."""
    if band.index >= band_count(asset):
        yield "index"
        return
    said = described_band(asset, band.index)
    resolution = band.attributes.get("resolution", {}).get("value")
    if "data_type" in said and band.attributes.get("data_type") != CATALOG_TYPES[said["data_type"]]:
        yield "data_type"
    if "nodata" in said and not _same(band.attributes.get("nodata"), said["nodata"]):
        yield "nodata"
    if "spatial_resolution" in said and resolution != said["spatial_resolution"]:
        yield "resolution"
    if band.mask is None:
        yield from _physical_differences(band, said)
        yield from _spectral_differences(band, said)
    yield from _class_differences(band, said)


def _physical_differences(band: BandRow, said: Mapping[str, Any]) -> Iterator[str]:
    if "unit" in said and band.attributes["type"] != "class" and band.unit != said["unit"]:
        yield "unit"
    # A scale without an offset has the offset 0, and the other way round.
    if "scale" in said or "offset" in said:
        if band.scale != said.get("scale", 1):
            yield "scale"
        if (band.offset or 0) != said.get("offset", 0):
            yield "offset"


def _spectral_differences(band: BandRow, said: Mapping[str, Any]) -> Iterator[str]:
    common = said.get("common_name")
    if common is not None and common not in COMMON_NAMES.get(band.name, {band.name}):
        yield "common_name"
    center = band.attributes.get("wavelength_nm_center")
    if center is not None and "center_wavelength" in said:
        said_center = 1000 * said["center_wavelength"]
        if abs(center - said_center) > _WAVELENGTH_TOLERANCE * said_center:
            yield "wavelength_nm_center"


def _class_differences(band: BandRow, said: Mapping[str, Any]) -> Iterator[str]:
    classes, fields = said.get("classes"), said.get("bitfields")
    if classes and band.mask is not None:
        named = {entry["value"] for entry in classes if _is_masked(_label(entry))}
        if named != set(band.mask.values):
            yield "mask"
    elif classes and band.attributes["type"] == "class":
        labels = band.attributes.get("class_labels", [])
        if {entry["value"]: _label(entry) for entry in classes} != {
            value: label for value, label in enumerate(labels) if label
        }:
            yield "class_labels"
    if fields and band.mask is not None:
        named = {field["offset"] for field in fields if field["length"] == 1 and _is_masked(field["name"])}
        if named != set(band.mask.bits):
            yield "mask"


def _label(entry: Mapping[str, Any]) -> str:
    return (entry.get("name") or entry.get("description") or "").strip()


def _is_masked(name: str) -> bool:
    return any(word in name.lower() for word in _MASKED)


def _same(mine: Any, said: Any) -> bool:
    if isinstance(said, str):
        said = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[said.lower()]
    if isinstance(mine, str):
        mine = float(mine)
    both_nan = isinstance(said, float) and isinstance(mine, float) and math.isnan(said) and math.isnan(mine)
    return both_nan or mine == said


def fact_differences(
    band: BandRow, fact: Mapping[str, Any] | None, all_facts: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield the attributes in which a band of a table differs from a fact that a document shows."""
    if band.mask is not None:
        # A mask has the asset of a band with classes.
        fact = next((one for one in all_facts.values() if one["asset"] == band.asset), None)
    if fact is None:
        yield "no fact"
        return
    if (band.asset, band.index) != (fact["asset"], fact["index"]):
        yield "asset"
    attributes = band.attributes
    if attributes.get("data_type") != fact["data_type"]:
        yield "data_type"
    if not _same(attributes.get("nodata"), fact.get("nodata")):
        yield "nodata"
    if band.mask is None:
        said = fact.get("scale"), fact.get("offset")
        if said[0] is not None and (band.scale, band.offset or 0) != (said[0], said[1] or 0):
            yield "scale"
        if attributes["type"] != fact["type"]:
            yield "type"


def unbound(row: ProductRow, item_assets: Mapping[str, Any], without: Iterable[str]) -> list[str]:
    """Return the keys of data assets that no band of a row has, but those that match a pattern."""
    bound = {band.asset for band in row.bands}
    return [
        key
        for key in assets.data_keys(item_assets)
        if key not in bound and not any(fnmatchcase(key, pattern) for pattern in without)
    ]
