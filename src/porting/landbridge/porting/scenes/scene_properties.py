"""Properties of a scene, by their old keys."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from landbridge.catalog import Band, properties
from landbridge.porting.old_keys.bands import band_record
from landbridge.porting.old_keys.images import image_record

if TYPE_CHECKING:
    from landbridge.catalog import Image
    from landbridge.utils import DotDict

__all__ = ["BandRecords", "scene_properties"]


class BandRecords:
    """Bands of products by name, as dicts of old keys. Each product is asked for once."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def of(self, product_id: str) -> dict[str, Any]:
        """Return the bands of a product, in the order of the product."""
        if product_id not in self._known:
            bands = Band.search().filter(properties.product_id == product_id).sort("sort_order")
            self._known[product_id] = {str(band.name): band_record(band) for band in bands}
        return self._known[product_id]


def scene_properties(image: Image, bands: BandRecords) -> DotDict:
    """Return the metadata of an image by old keys, with `date`, `crs` and the records of its bands."""
    record = image_record(image, None)
    record.pop("geometry", None)
    if image.acquired is not None:
        record["date"] = image.acquired.astimezone(UTC).replace(tzinfo=None)
    system = image.cs_code or record.get("proj4")
    if system is not None:
        record["crs"] = system
    record["bands"] = bands.of(image.product_id)
    return record
