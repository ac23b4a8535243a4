"""Products of tiles: the bands of one collection, and the assets that hold them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from landbridge.mappings import band as band_mapping
from landbridge.mappings.binding import Bindings
from landbridge.mappings.item_statements import completed
from landbridge.mappings.schema import is_catalog_document
from landbridge.stac_api.tiles import colormaps

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from landbridge.stac_api.tiles.view import Colormap

__all__ = ["TileProduct"]


@dataclass(frozen=True, eq=False)
class TileProduct:
    """Bands of one collection, and the assets that hold them.

    Attributes
    ----------
    collection : mapping
        The collection's document, as stored.
    sample : mapping, optional
        One of its items, which describes the bands if the collection does not.
    """

    collection: Mapping[str, Any]
    sample: Mapping[str, Any] | None = None

    @property
    def id(self) -> str:
        """Id of the collection."""
        return str(self.collection["id"])

    @property
    def needs_sample(self) -> bool:
        """True if the collection does not describe its bands, so that `sample` should be set."""
        return not band_mapping.entries(self.collection)

    @cached_property
    def entries(self) -> Sequence[dict[str, Any]]:
        """Entries of the bands, in order."""
        entries = band_mapping.entries(self.collection) or band_mapping.entries(self.collection, self.sample)
        if self.sample is not None and not is_catalog_document(self.collection):
            entries = completed(entries, self.sample, self.collection.get("item_assets"))
        return entries

    @cached_property
    def bands(self) -> Mapping[str, dict[str, Any]]:
        """Attributes of the bands by name, in order."""
        return {entry["name"]: band_mapping.from_stac(entry, self.id) for entry in self.entries}

    @cached_property
    def bindings(self) -> Bindings:
        """Locations of the bands in the items' assets."""
        return Bindings(self.entries, self.collection.get("item_assets"))

    @cached_property
    def defined(self) -> frozenset[str]:
        """Names of the bands that the collection defines in Landbridge's form."""
        return frozenset(
            entry["name"]
            for entry in self.collection.get("bands") or ()
            if isinstance(entry, dict) and "catalog:type" in entry and "name" in entry
        )

    @cached_property
    def by_asset(self) -> Mapping[str, Mapping[int, str]]:
        """Names of the bands by the key of their asset and the position in it, from 0."""
        found: dict[str, dict[int, str]] = {}
        for name, binding in self.bindings.bands.items():
            found.setdefault(binding.asset or name, {})[binding.index] = name
        return found

    @cached_property
    def coefficients(self) -> frozenset[str]:
        """Image attributes that the bands' processing levels compute with."""
        if not any(band.get("processing_levels") for band in self.bands.values()):
            return frozenset()
        # The raster engine takes a third of the server's start, and few products need it here.
        from landbridge.raster.plan.band_attributes import engine_band
        from landbridge.raster.plan.processing_levels import coefficient_names

        return coefficient_names(map(engine_band, self.bands.values()))

    @cached_property
    def class_colors(self) -> Mapping[str, Colormap]:
        """Colors of the classes of each band that has some, by the band's name."""
        found = {
            entry["name"]: colormaps.class_colors(entry, self.bands[entry["name"]])
            for entry in self.entries
            if self.bands[entry["name"]].get("type") in ("class", "mask")
        }
        return {name: colors for name, colors in found.items() if colors is not None}

    @cached_property
    def identity(self) -> str:
        """Hexadecimal digest of all that decides about pixels; part of entity tags."""
        parts = [
            self.id,
            *(self.collection.get(name) for name in ("bands", "item_assets", "renders")),
            [*self.bands.values()],
        ]
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
