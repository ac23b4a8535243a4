"""Bindings: the asset of an Item, and the index in that asset, that hold a band's pixels.

A band is bound by an asset's key (``catalog:asset``) and an index in the asset (``catalog:band_index``). Both
come from the entries given to `Bindings`: those of the Collection
(`landbridge.mappings.external_bands.entries`) or, if it describes no bands, of its first Items. If an Item's
own asset lists its bands, that list takes precedence. The number and order of an Item's assets have no
meaning: they differ between Items.

An uploaded file has ``catalog:file_index`` in its asset. That label, not the key, identifies the file,
because the key is made from the names of the bands that the product had when the Item was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from landbridge.mappings import assets as asset_rules
from landbridge.mappings.assets import FILE_INDEX

__all__ = [
    "ASSET_KEY",
    "BAND_INDEX",
    "Asset",
    "BandLocation",
    "Binding",
    "Bindings",
    "is_bound",
    "pack_assets",
    "pixel_size_of",
    "preference_key",
    "replace_files",
    "unpack_assets",
]

ASSET_KEY = "catalog:asset"
BAND_INDEX = "catalog:band_index"

# Name and common name of each band that an asset lists; None: not given.
BandNames = tuple[tuple[str | None, str | None], ...]


class Asset(NamedTuple):
    """The part of an Item's asset that decides which bands are read from it.

    `file_index`: the label of an uploaded file. `bands`: the asset's own list. `resolution`: the size of its
    pixels, if the asset states it.
    """

    href: str
    file_index: int | None = None
    bands: BandNames = ()
    resolution: float | None = None


class BandLocation(NamedTuple):
    """Location of a band's pixels: the asset's position in `Bindings.keys`, and the index in the asset."""

    file: int
    band: int


@dataclass(frozen=True, slots=True)
class Binding:
    """Location of a band according to its product.

    `asset` is None if no document names the asset. `file_index` is None unless the file was uploaded.
    `names` are the names that documents may use for the band. `listed` is the Collection's list of the
    asset's bands.
    """

    name: str
    asset: str | None
    index: int
    file_index: int | None
    names: frozenset[str]
    common_name: str | None
    listed: BandNames


def is_bound(entry: Mapping[str, Any], item_assets: Any) -> bool:
    """Say whether an entry of ``bands`` is bound to an asset whose key another program chose.

    Entries of uploaded files have a ``catalog:file_index``. Earlier versions also wrote it to other entries.
    """
    key = entry.get(ASSET_KEY)
    if not isinstance(key, str):
        return False
    if not isinstance(entry.get(FILE_INDEX), int):
        return True
    asset = item_assets.get(key) if isinstance(item_assets, Mapping) else None
    return isinstance(asset, Mapping) and asset.get(FILE_INDEX) is None


_LISTS = (("bands", "eo:common_name"), ("eo:bands", "common_name"), ("raster:bands", "common_name"))


def band_names_of(asset: Mapping[str, Any]) -> BandNames:
    """Return the names and common names that an asset lists for its bands."""
    for member, common in _LISTS:
        bands = asset.get(member)
        if isinstance(bands, list) and bands:
            return tuple(
                (_text(band.get("name")), _text(band.get(common)))
                if isinstance(band, Mapping)
                else (None, None)
                for band in bands
            )
    return ()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def pack_assets(assets: Any) -> tuple[Any, ...]:
    """Return an Item's assets as one flat tuple, for `unpack_assets`: key, href and details of each asset.

    The details are the label of an uploaded file, None, or the asset's list of bands and its pixel size. A
    search packs every Item, and few are unpacked: a flat tuple takes a third of a dict's bytes.
    """
    if not isinstance(assets, Mapping):
        return ()
    packed: list[Any] = []
    for key, asset in assets.items():
        if isinstance(asset, Mapping):
            label = asset.get(FILE_INDEX)
            details = (
                label if isinstance(label, int) else None if FILE_INDEX in asset else _bands_of(key, asset)
            )
            packed += (key, asset.get("href") or "", details)
    return tuple(packed)


def _bands_of(key: str, asset: Mapping[str, Any]) -> tuple[BandNames, float | None] | None:
    # Previews list the bands that they show, but no band is read from a preview.
    if not (bands := band_names_of(asset)) or not asset_rules.data_keys({key: asset}):
        return None
    return bands, pixel_size_of(asset)


def unpack_assets(packed: Iterable[Any]) -> dict[str, Asset]:
    """Return the assets that `pack_assets` packed."""
    parts = iter(packed)
    return {
        key: Asset(href, None, *details) if isinstance(details, tuple) else Asset(href, details)
        for key, href, details in zip(parts, parts, parts, strict=True)
    }


def pixel_size_of(asset: Mapping[str, Any]) -> float | None:
    """Return the size of an asset's pixels, to compare the assets of one Item; None if it is not stated."""
    parts = [asset, *(asset.get("bands") or ())[:1], *(asset.get("raster:bands") or ())[:1]]
    for member in ("gsd", "raster:spatial_resolution", "spatial_resolution"):
        for part in parts:
            size = part.get(member) if isinstance(part, Mapping) else None
            if isinstance(size, int | float):
                return float(size)
    transform = asset.get("proj:transform")
    if isinstance(transform, list) and transform and isinstance(transform[0], int | float):
        return abs(float(transform[0]))
    return None


def replace_files(assets: Mapping[str, Asset], hrefs: Iterable[str]) -> dict[str, Asset]:
    """Return the assets with these files instead of the previous ones."""
    by_href = {asset.href: (key, asset) for key, asset in assets.items()}
    found: dict[str, Asset] = {}
    for index, href in enumerate(hrefs):
        key, asset = by_href.get(href, ("", Asset(href)))
        found[key if key and key not in found else f"file {index}"] = asset._replace(file_index=index)
    return found


class Bindings:
    """Bindings of a product's bands to assets, resolved for single Items.

    Parameters
    ----------
    entries
        The bands' entries, as `landbridge.mappings.external_bands.entries` returns them.
    item_assets
        The Collection's ``item_assets``.
    """

    def __init__(self, entries: Iterable[Mapping[str, Any]], item_assets: Any = None) -> None:
        shared = item_assets if isinstance(item_assets, Mapping) else {}
        self._known = frozenset(shared)
        self.bands: dict[str, Binding] = {
            binding.name: binding
            for entry in entries
            if isinstance(entry.get("name"), str)
            for binding in (_binding(entry, shared),)
        }
        slots = dict.fromkeys(_file_key(binding) for binding in self.bands.values())
        self._slots: list[list[Binding]] = [
            [binding for binding in self.bands.values() if _file_key(binding) == slot] for slot in slots
        ]
        self._files = {slot: position for position, slot in enumerate(slots)}

    @property
    def keys(self) -> tuple[str | None, ...]:
        """Asset key of each file that holds bands; None if no document names it."""
        return tuple(bands[0].asset for bands in self._slots)

    def location(self, name: str) -> BandLocation:
        """Return the location of a band according to the product."""
        binding = self.bands[name]
        return BandLocation(self._files[_file_key(binding)], binding.index)

    def resolve(self, assets: Mapping[str, Asset]) -> tuple[list[str], dict[str, BandLocation | None]]:
        """Return an Item's hrefs in the order of `keys`, and the locations that differ from `location`.

        An href is empty if the Item has no such asset. A location is None if the Item has no such band. Its
        file is beyond `keys` if the Item has the band in an asset of another name.
        """
        labelled = {asset.file_index: asset for asset in assets.values() if asset.file_index is not None}
        hrefs: list[str] = []
        others: dict[str, BandLocation | None] = {}
        elsewhere: list[Binding] = []
        for position, bands in enumerate(self._slots):
            asset = _find_asset(bands[0], assets, labelled)
            if asset is None:
                hrefs.append("")
                elsewhere += bands
                continue
            hrefs.append(asset.href)
            if asset.bands and (len(bands) > 1 or len(asset.bands) > 1 or bands[0].index):
                for binding in bands:
                    if asset.bands != binding.listed and (
                        (index := _index_in_asset(binding, asset.bands)) != binding.index
                    ):
                        others[binding.name] = None if index is None else BandLocation(position, index)
        for binding in elsewhere:
            if (found := self._declared(binding, assets)) is not None:
                href, index = found
                others[binding.name] = BandLocation(len(hrefs), index)
                hrefs.append(href)
        return hrefs, others

    def _declared(self, binding: Binding, assets: Mapping[str, Asset]) -> tuple[str, int] | None:
        """Return href and band index of the asset that lists the band in the Item itself, or None."""
        if binding.asset is not None:
            # The Item uses another key for the asset: take the asset that lists the same bands.
            names = [name for name, _ in binding.listed]
            same_bands = [
                asset
                for key, asset in assets.items()
                if key not in self._known and names and [name for name, _ in asset.bands] == names
            ]
            if len(same_bands) == 1 and None not in names and same_bands[0].href:
                return same_bands[0].href, binding.index
            return None
        if (asset := assets.get(binding.name)) is not None and len(asset.bands) < 2:
            return asset.href, binding.index if not asset.bands else 0
        candidates = [
            (asset, index)
            for _, asset in sorted(assets.items())
            if (index := _index_by_name(binding, asset.bands)) is not None
        ]
        if not candidates:
            return None
        best, index = min(candidates, key=lambda found: preference_key(found[0].bands, found[0].resolution))
        return best.href, index


def preference_key(bands: Sequence[Any], resolution: float | None) -> tuple[bool, float]:
    """Return the sort key among assets that hold the same band: single bands first, then the finest."""
    return len(bands) > 1, float("inf") if resolution is None else resolution


def _binding(entry: Mapping[str, Any], item_assets: Mapping[str, Any]) -> Binding:
    name, key, label, index = (
        entry["name"],
        entry.get(ASSET_KEY),
        entry.get(FILE_INDEX),
        entry.get(BAND_INDEX),
    )
    bound = is_bound(entry, item_assets)
    asset = item_assets.get(key) if isinstance(key, str) else None
    return Binding(
        name=name,
        asset=key if isinstance(key, str) else None,
        index=index if isinstance(index, int) else 0,
        file_index=label if isinstance(label, int) and not bound else None,
        names=frozenset(
            text for text in (name, entry.get("catalog:vendor_band_name")) if isinstance(text, str)
        ),
        common_name=_text(entry.get("eo:common_name")),
        listed=band_names_of(asset) if isinstance(asset, Mapping) else (),
    )


def _file_key(binding: Binding) -> tuple[Any, ...]:
    """Return a key that is equal for the bands of one file."""
    if binding.file_index is not None:
        return ("file", binding.file_index)
    return ("asset", binding.asset) if binding.asset is not None else ("band", binding.name)


def _find_asset(binding: Binding, assets: Mapping[str, Asset], labelled: Mapping[Any, Asset]) -> Asset | None:
    if binding.file_index is not None and (asset := labelled.get(binding.file_index)) is not None:
        return asset if asset.href else None
    if binding.asset is None:
        return None
    asset = assets.get(binding.asset)
    if asset is None or not asset.href:
        return None
    # An uploaded file with another label is another file, even under the same asset key.
    return None if binding.file_index is not None and asset.file_index is not None else asset


def _index_by_name(binding: Binding, listed: BandNames) -> int | None:
    """Return the index of the band's name in a list; None if it is missing or not unique."""
    found = [index for index, (name, _) in enumerate(listed) if name in binding.names]
    return found[0] if len(found) == 1 else None


def _index_in_asset(binding: Binding, own: BandNames) -> int | None:
    """Return the index of a band in an Item's asset that lists its bands; None if the asset lacks it."""
    if (index := _index_by_name(binding, own)) is not None:
        return index
    if binding.index < len(binding.listed) and (published := binding.listed[binding.index][0]) is not None:
        # A table may give a band another name than the Collection's, which the Item's list has.
        same = [index for index, (name, _) in enumerate(own) if name == published]
        if len(same) == 1:
            return same[0]
    wanted = binding.common_name
    common = [index for index, (_, name) in enumerate(own) if wanted is not None and name == wanted]
    if len(common) == 1:
        return common[0]
    known = {name for name, _ in binding.listed}
    if len(own) < len(binding.listed) or known & {name for name, _ in own} - {None}:
        # The Item uses the Collection's band names, and this band is missing.
        return binding.index if binding.index < len(own) and own[binding.index][0] is None else None
    return binding.index if binding.index < len(own) else None
