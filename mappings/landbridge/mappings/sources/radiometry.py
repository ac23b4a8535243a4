"""Scale and offset of the stored values of each Item, by documented rules.

A stored value times scale plus offset is the physical value, such as reflectance. The numbers of an Item's
own assets (``raster:scale`` and ``raster:offset``, or those of ``raster:bands``) take precedence over the
product's, and the rule of a product takes precedence over both: some providers publish wrong numbers.

The rules are

``documented``
    the Item's own numbers, else the product's.
``sentinel-2``
    reflectances of processing baseline 04.00 and later have the offset -1000 (in stored values), earlier ones
    none. Earth Search has subtracted it from the pixels of Items with ``earthsearch:boa_offset_applied``,
    whose own numbers still state it. Items without a baseline: as documented. The product's numbers for other
    bands precede the Item's, since some providers give all bands those of the reflectances.
    Other bands: as the product's table says.
``landsat-c2-l2``
    reflectance = stored * 2.75e-5 - 0.2; kelvin as the product's table or the Item says, else
    stored * 0.00341802 + 149.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from landbridge.mappings import external_bands
from landbridge.mappings.binding import ASSET_KEY, BAND_INDEX
from landbridge.mappings.stored_pixels import band_lists, of_asset, pack, scaling_of

if TYPE_CHECKING:
    from landbridge.mappings.sources.model import ProductRow

__all__ = ["RULES", "Scaling", "corrected", "item_scaling"]

# Scale and offset.
Scaling = tuple[float, float]

_KELVIN = ("kelvin", "K", "Kelvin")


class _Band(NamedTuple):
    """Band of an Item: its location, the unit of its physical values, and the product's scaling."""

    name: str
    asset: str
    position: int
    unit: str | None
    of_product: Scaling | None


# A rule returns the scaling of a band. Its arguments are the Item's properties, the band, and the scaling
# that the Item's own asset states (None: it states none).
Rule = Callable[[Mapping[str, Any], _Band, Scaling | None], Scaling | None]


def _documented(_properties: Mapping[str, Any], band: _Band, own: Scaling | None) -> Scaling | None:
    return own if own is not None else band.of_product


def _sentinel_2(properties: Mapping[str, Any], band: _Band, own: Scaling | None) -> Scaling | None:
    baseline = _baseline(properties)
    if band.unit not in ("reflectance", "toa_reflectance"):
        # Items of CDSE until 2024 state the numbers of reflectance for aerosol and water vapor.
        return band.of_product or own
    if baseline is None:
        return _documented(properties, band, own)
    scale, _ = band.of_product or own or (1e-4, 0.0)
    is_applied = properties.get("earthsearch:boa_offset_applied")
    if baseline < 4 or is_applied is True:
        return scale, 0.0
    if is_applied is False:
        _warn_of_unreliable_flag()
    return scale, -1000 * scale


def _baseline(properties: Mapping[str, Any]) -> float | None:
    for member in ("s2:processing_baseline", "processing:version"):
        try:
            return float(properties[member])
        except (KeyError, TypeError, ValueError):
            continue
    return None


@cache
def _warn_of_unreliable_flag() -> None:
    """Warn, once in a process."""
    warnings.warn(
        "Items of Sentinel-2 processing baseline 04.00 or later state earthsearch:boa_offset_applied false: "
        "the flag is unreliable, and nothing else says whether 1000 was subtracted from their pixels. Their "
        "offset is taken as -0.1; use the collection sentinel-2-c1-l2a instead.",
        UserWarning,
        stacklevel=2,
    )


def _landsat(properties: Mapping[str, Any], band: _Band, own: Scaling | None) -> Scaling | None:
    if band.unit == "reflectance":
        return 2.75e-5, -0.2
    if band.unit in _KELVIN:
        # The uncertainty of the temperature is in kelvin too, with numbers of its own.
        return band.of_product or own or (0.00341802, 149.0)
    return _documented(properties, band, own)


RULES: Mapping[str, Rule] = MappingProxyType(
    {"documented": _documented, "sentinel-2": _sentinel_2, "landsat-c2-l2": _landsat}
)


def item_scaling(product: ProductRow | None, item: Mapping[str, Any]) -> dict[str, Scaling]:
    """Return the scale and offset, by name, of each band of an Item for which they are known.

    ``product`` is None, or has no bands, if the Item's own assets describe its bands.
    """
    properties = item.get("properties") or {}
    rule = _rule(product)
    found = ((band.name, rule(properties, band, own)) for band, own in _bands(product, item))
    return {name: scaling for name, scaling in found if scaling is not None}


def corrected(product: ProductRow | None, item: dict[str, Any]) -> dict[str, Any]:
    """Return an Item whose assets state the scale and offset that the rule of its product gives.

    The Item itself is returned if its statements, or those of the product if it makes none, are right.
    """
    if product is None or _rule(product) is _documented or not isinstance(item.get("assets"), Mapping):
        return item
    found = _known_corrections(product, item)
    if not found:
        return item
    assets = dict(item["assets"])
    for key, position, scaling in found:
        assets[key] = _with_scaling(assets[key], position, scaling)
    return {**item, "assets": assets}


# Asset, position in it, scale and offset of a band that an Item misstates.
_Corrections = tuple[tuple[str, int, Scaling], ...]
_RULE_PROPERTIES = ("s2:processing_baseline", "processing:version", "earthsearch:boa_offset_applied")
_MAX_KNOWN = 4096
# Corrections that were found before, with their product, which must live as long as its identity is a key.
_known: dict[Any, tuple[ProductRow, _Corrections]] = {}


def _known_corrections(product: ProductRow, item: Mapping[str, Any]) -> _Corrections:
    """Return the corrections of an Item; they are the same for most Items of a product."""
    properties, assets = item.get("properties") or {}, item["assets"]
    key = (id(product), *map(properties.get, _RULE_PROPERTIES), tuple(assets), pack(assets))
    try:
        known = _known.get(key)
    except TypeError:
        return _corrections(product, item)
    if known is None:
        if len(_known) >= _MAX_KNOWN:
            _known.clear()
        known = _known[key] = product, _corrections(product, item)
    return known[1]


def _corrections(product: ProductRow, item: Mapping[str, Any]) -> _Corrections:
    properties, rule = item.get("properties") or {}, _rule(product)
    found = []
    for band, own in _bands(product, item):
        scaling = rule(properties, band, own)
        if scaling is not None and scaling != (own if own is not None else band.of_product):
            found.append((band.asset, band.position, scaling))
    return tuple(found)


def _rule(product: ProductRow | None) -> Rule:
    return RULES[(None if product is None else product.radiometry) or "documented"]


def _bands(product: ProductRow | None, item: Mapping[str, Any]) -> Iterator[tuple[_Band, Scaling | None]]:
    """Yield the bands whose asset an Item has, with the scaling that the asset states."""
    assets = item.get("assets") or {}
    known = _table_bands(product) if product is not None and product.bands else _described_bands(item)
    for band in known:
        if isinstance(asset := assets.get(band.asset), Mapping):
            stored = of_asset(asset)
            position = 0 if len(stored) == 1 else band.position
            yield band, scaling_of(stored[position]) if position < len(stored) else None


def _table_bands(product: ProductRow) -> Iterable[_Band]:
    for row in product.bands:
        if row.mask is None and row.attributes.get("type") not in ("mask", "class"):
            stated = row.scale is not None or row.offset is not None
            scaling = (1.0 if row.scale is None else row.scale, row.offset or 0.0)
            yield _Band(row.name, row.asset, row.index, row.unit, scaling if stated else None)


def _described_bands(item: Mapping[str, Any]) -> Iterable[_Band]:
    for entry in external_bands.entries({}, item):
        if entry.get("catalog:type") not in ("mask", "class"):
            unit = "reflectance" if external_bands.is_reflectance(entry) else entry.get("unit")
            yield _Band(entry["name"], entry[ASSET_KEY], entry[BAND_INDEX], unit, None)


def _with_scaling(asset: Mapping[str, Any], index: int, scaling: Scaling) -> dict[str, Any]:
    """Return an asset that states a scale and offset for one of its bands."""
    scale, offset = scaling
    new, old = band_lists(asset)
    if index < len(new):
        return {**asset, "bands": _replaced(new, index, {"raster:scale": scale, "raster:offset": offset})}
    if index < len(old):
        return {**asset, "raster:bands": _replaced(old, index, {"scale": scale, "offset": offset})}
    return {**asset, "raster:scale": scale, "raster:offset": offset}


def _replaced(bands: list[Any], index: int, members: Mapping[str, float]) -> list[Any]:
    entry = bands[index] if isinstance(bands[index], Mapping) else {}
    return [*bands[:index], {**entry, **members}, *bands[index + 1 :]]
