"""Scale, offset, nodata and data type of single images that differ from those of their product's bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.stac.images import STORED_PIXELS
from landbridge.mappings import stored_pixels

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.mappings.binding import Asset, BandLocation
    from landbridge.raster import Band
    from landbridge.raster.model import StoredPixels

__all__ = ["Known", "stored_differently"]

Differences = tuple[dict[str, tuple[float, float]], "dict[str, StoredPixels]"]
"""Scale and offset, and nodata and data type, by the name of the band."""

Known = dict[Any, Differences]
"""Differences that were computed before: images of a product mostly state the same."""


def stored_differently(
    image: ImageMetadata,
    bands: Mapping[str, Band],
    defined: Container[str],
    assets: Mapping[str, Asset],
    hrefs: Sequence[str],
    places: Mapping[str, BandLocation | None],
    known: Known,
) -> Differences:
    """Return what an image's own assets state about its pixels and its product states otherwise.

    The data type and the nodata value of bands in ``defined`` are the product's, if it has them: its table
    corrects those that providers misstate. ``hrefs`` and ``places`` are the image's files and the bands that
    it stores elsewhere than its product declares.
    """
    packed = image._service_values().get(STORED_PIXELS)
    if not packed:
        return {}, {}
    by_href = {asset.href: key for key, asset in reversed(list(assets.items()))}
    keys = tuple(by_href.get(href) for href in hrefs)
    found = (packed, id(bands), keys, tuple(places.items()))
    if found not in known:
        known[found] = _differences(packed, bands, defined, keys, places)
    return known[found]


def _differences(
    packed: stored_pixels.Packed,
    bands: Mapping[str, Band],
    defined: Container[str],
    keys: Sequence[str | None],
    places: Mapping[str, BandLocation | None],
) -> Differences:
    from landbridge.raster.model import StoredPixels
    from landbridge.raster.plan.physical_values import IDENTITY, agrees, declared_scaling
    from landbridge.raster.plan.processing_levels import ignores_scaling_modes, processing_level_of

    radiometry: dict[str, tuple[float, float]] = {}
    stored: dict[str, StoredPixels] = {}
    for name, band in bands.items():
        place = places.get(name, (band.file_index, band.band_index))
        key = keys[place[0]] if place is not None and place[0] < len(keys) else None
        stated = None if key is None or place is None else stored_pixels.unpack(packed, key, place[1])
        if stated is None:
            continue
        level = processing_level_of(band, None)
        scaling = None if ignores_scaling_modes(band) else stored_pixels.scaling_of(stated)
        if scaling is not None and not agrees(scaling, declared_scaling(band) or IDENTITY):
            radiometry[name] = scaling
        known_nodata = level.stored_nodata if level.marks else band.nodata
        nodata, data_type = stated.nodata, stated.data_type
        # The table of a source contradicts the documents of its Items only if it knows better, and then their
        # files, which the documents describe, are wrong too.
        is_certain = name in defined and None not in (nodata, known_nodata) and nodata != known_nodata
        if is_certain:
            nodata = known_nodata
        elif nodata == known_nodata:
            nodata = None
        # The data type of a computed mask is not that of its file.
        if level.marks or data_type == band.data_type or (name in defined and band.data_type is not None):
            data_type = None
        if nodata is not None or data_type is not None:
            stored[name] = StoredPixels(data_type, nodata, is_certain)
    return radiometry, stored
