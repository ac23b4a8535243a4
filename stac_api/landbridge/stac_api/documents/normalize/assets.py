"""Bands of an asset: ``bands`` (STAC 1.1), ``eo:bands`` and ``raster:bands`` (1.0).

odc-stac finds bands by name in ``eo:bands`` only, and takes the position there for the band's place in the
file, so both lists have an element for every place up to the last one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings.assets import FILE_INDEX
from landbridge.mappings.binding import ASSET_KEY, BAND_INDEX, is_bound
from landbridge.stac_api.documents.normalize.bands import COMMON_NAMES

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

__all__ = ["BANDS", "Files", "asset_key", "described", "eo_band", "groups"]

BANDS = ("bands", "eo:bands", "raster:bands")

_SHOWN = (
    "name",
    "description",
    "data_type",
    "nodata",
    "unit",
    "statistics",
    "gsd",
    "eo:common_name",
    "eo:center_wavelength",
    "eo:full_width_half_max",
    "raster:spatial_resolution",
    "raster:scale",
    "raster:offset",
    "classification:classes",
    "sar:center_frequency",
)
# A file with more bands than this is described without the positions in between.
_MOST_PLACES = 1024
_EO = {
    "name": "name",
    "description": "description",
    "eo:common_name": "common_name",
    "eo:center_wavelength": "center_wavelength",
    "eo:full_width_half_max": "full_width_half_max",
}
_RASTER = {
    "data_type": "data_type",
    "nodata": "nodata",
    "unit": "unit",
    "statistics": "statistics",
    "raster:spatial_resolution": "spatial_resolution",
    "raster:scale": "scale",
    "raster:offset": "offset",
    "classification:classes": "classification:classes",
}


class Files:
    """Files of a collection's items, as its bands describe them."""

    def __init__(self, collection: Mapping[str, Any]) -> None:
        self.bands = groups(collection)
        self._described: dict[int, dict[str, Any]] = {}

    def key(self, index: int) -> str | None:
        """Return the key of a file's asset, to which its bands are bound; None if no band is in it."""
        bound = next((band[ASSET_KEY] for band in self.bands.get(index, ()) if band.get(ASSET_KEY)), None)
        return bound or asset_key(self.bands, index)

    def description(self, index: int) -> Mapping[str, Any] | None:
        """Return the members of the asset of a file; None if no band is in it."""
        bands = self.bands.get(index)
        if bands and index not in self._described:
            self._described[index] = {"title": title(bands), **described(bands)}
        return self._described.get(index)


def groups(
    collection: Mapping[str, Any], uploaded: Container[Any] = ()
) -> dict[int, list[Mapping[str, Any]]]:
    """Return a collection's bands in uploaded files by file index, in the order of their positions.

    Each position has one band. ``uploaded``: names of bands that are known to be in uploaded files.
    """
    found: dict[int, dict[int, Mapping[str, Any]]] = {}
    shared = collection.get("item_assets")
    for entry in collection.get("bands") or ():
        index, place = entry.get(FILE_INDEX), entry.get(BAND_INDEX)
        if not isinstance(index, int) or not isinstance(place, int):
            continue
        if entry.get("name") in uploaded or not is_bound(entry, shared):
            found.setdefault(index, {}).setdefault(place, entry)
    return {index: [found[index][place] for place in sorted(found[index])] for index in sorted(found)}


def asset_key(files: Mapping[int, list[Mapping[str, Any]]], index: int) -> str | None:
    """Return the key of a file's asset: its band's name if it has one band, else ``data`` or ``data-N``.

    None if no band is in the file.
    """
    bands = files.get(index)
    if not bands:
        return None
    if len(bands) == 1:
        return str(bands[0]["name"])
    return "data" if len(files) == 1 else f"data-{index}"


def described(bands: list[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the members of an asset, or of an ``item_assets`` entry, that holds these bands."""
    places: list[Mapping[str, Any] | None] = list(bands)
    if (last := bands[-1]["catalog:band_index"]) < _MOST_PLACES:
        by_place = {band["catalog:band_index"]: band for band in bands}
        places = [by_place.get(place) for place in range(last + 1)]
    return {
        "bands": [_pick(band, dict.fromkeys(_SHOWN)) if band else {} for band in places],
        "eo:bands": [
            eo_band(band) if band else {"name": f"band-{place + 1}"} for place, band in enumerate(places)
        ],
        "raster:bands": [_raster_band(band or bands[0]) for band in places],
    }


def title(bands: list[Mapping[str, Any]]) -> str:
    """Return a title for the file of these bands."""
    if len(bands) == 1:
        return str(bands[0].get("description") or bands[0]["name"])[:200]
    return ("Bands " + ", ".join(band["name"] for band in bands))[:200]


def eo_band(band: Mapping[str, Any]) -> dict[str, Any]:
    """Return a band as the eo extension 1.1 writes it."""
    found = _pick(band, _EO)
    if found.get("common_name") not in COMMON_NAMES:
        found.pop("common_name", None)
    return found


def _raster_band(band: Mapping[str, Any]) -> dict[str, Any]:
    return _pick(band, _RASTER) or {"data_type": "other"}


def _pick(band: Mapping[str, Any], members: Mapping[str, str | None]) -> dict[str, Any]:
    return {name or member: band[member] for member, name in members.items() if band.get(member) is not None}
