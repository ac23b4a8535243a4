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
    from landbridge.raster.plan.stated_pixels import Differences

__all__ = ["Known", "stored_differently"]

Known = dict[Any, "Differences"]
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
        from landbridge.raster.plan.stated_pixels import Statement, differences

        def stated_for(key: str, index: int) -> Statement | None:
            stated = stored_pixels.unpack(packed, key, index)
            if stated is None:
                return None
            return Statement(stored_pixels.scaling_of(stated), stated.nodata, stated.data_type)

        known[found] = differences(bands, defined, keys, places, stated_for)
    return known[found]
