"""The table of a product's bands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.stac_api.pages import values as read

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Band", "bands_of"]


@dataclass(frozen=True, slots=True)
class Band:
    """Row of the table of bands."""

    name: str
    kind: str
    data_type: str
    resolution: str
    wavelengths: str
    range: str
    nodata: str
    description: str


def bands_of(collection: Mapping[str, Any]) -> tuple[Band, ...]:
    """Return the bands of a collection, else those of its `item_assets` or its summaries."""
    return tuple(_band(one) for one in _documents(collection))


def _documents(collection: Mapping[str, Any]) -> list[dict[str, Any]]:
    if own := read.mappings(collection.get("bands")):
        return own
    described = read.mapping(collection.get("item_assets")).values()
    listed = [
        band
        for asset in described
        for key in ("bands", "eo:bands", "raster:bands")
        for band in read.mappings(read.mapping(asset).get(key))
        if read.text(band.get("name"))
    ]
    unique = {read.text(band["name"]): band for band in reversed(listed)}
    if unique:
        return [*reversed(unique.values())]
    summaries = read.mapping(collection.get("summaries"))
    return read.mappings(summaries.get("bands")) or read.mappings(summaries.get("eo:bands"))


def _band(document: Mapping[str, Any]) -> Band:
    resolution = document.get("raster:spatial_resolution", document.get("gsd"))
    nodata = document.get("nodata")
    return Band(
        name=read.text(document.get("name")),
        kind=read.text(document.get("catalog:type")),
        data_type=read.text(document.get("data_type")),
        resolution=f"{resolution:g} m" if read.is_number(resolution) else "",
        wavelengths=_wavelengths(document),
        range=_range(document.get("catalog:display_range")) or _range(document.get("catalog:data_range")),
        nodata="" if nodata is None else read.as_text(nodata),
        description=read.text(document.get("description")),
    )


def _wavelengths(document: Mapping[str, Any]) -> str:
    ends = document.get("catalog:wavelength_nm_min"), document.get("catalog:wavelength_nm_max")
    if all(map(read.is_number, ends)):
        return f"{_range([*ends])} nm"
    center = document.get("eo:center_wavelength")  # in micrometers
    return f"{center * 1000:g} nm" if read.is_number(center) else ""


def _range(value: Any) -> str:
    if not isinstance(value, list) or len(value) != 2 or not all(map(read.is_number, value)):
        return ""
    return f"{value[0]:g} to {value[1]:g}"
