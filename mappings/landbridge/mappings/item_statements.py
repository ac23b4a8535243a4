"""Band entries that an Item's assets complete, if their Collection says nothing about the pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from landbridge.mappings import external_bands
from landbridge.mappings.binding import Bindings, pack_assets, unpack_assets

__all__ = ["completed"]

# Members of an asset's bands that describe their pixels for all Items of a Collection alike.
_MEMBERS = (
    "data_type",
    "nodata",
    "unit",
    "raster:scale",
    "raster:offset",
    "raster:spatial_resolution",
    "classification:classes",
    "classification:bitfields",
)


def completed(
    entries: Sequence[Mapping[str, Any]], item: Mapping[str, Any], item_assets: Any = None
) -> list[dict[str, Any]]:
    """Return a Collection's band entries with the members that they lack and that an Item's assets state."""
    assets = item.get("assets")
    if not isinstance(assets, Mapping):
        return [dict(entry) for entry in entries]
    bindings = Bindings(entries, item_assets)
    hrefs, places = bindings.resolve(unpack_assets(pack_assets(assets)))
    by_href = {
        asset.get("href"): asset for asset in reversed(list(assets.values())) if isinstance(asset, Mapping)
    }

    def complete(entry: Mapping[str, Any]) -> dict[str, Any]:
        place = places.get(entry["name"], bindings.location(entry["name"]))
        asset = by_href.get(hrefs[place.file]) if place is not None and hrefs[place.file] else None
        if asset is None or place is None:
            return dict(entry)
        return external_bands.with_members(entry, asset, place.band, _MEMBERS)

    return [complete(entry) for entry in entries]
