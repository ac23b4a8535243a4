"""Keys of products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from landbridge.porting.old_keys.table import Key, extra, read_keys, read_only, same

if TYPE_CHECKING:
    from landbridge.catalog import Product
    from landbridge.utils import DotDict

__all__ = ["PRODUCT_KEYS", "product_record"]

PRODUCT_KEYS: Final = (
    read_only("id"),
    same("title", "name"),
    same("name"),
    same("description"),
    same("start_datetime"),
    same("end_datetime"),
    same("start_time", "start_datetime"),
    same("end_time", "end_datetime"),
    read_only("owners"),
    same("read", "readers"),
    same("writers"),
    Key("owner_type", lambda product: "core" if product.is_core else "user"),
    Key(
        "resolution",
        lambda product: (
            (product.extra_properties or {}).get("resolution")
            if product.resolution_min is None
            else product.resolution_min.value
        ),
        lambda value, _: {"extra_properties": {"resolution": value}},
    ),
    *map(
        extra, ("native_bands", "notes", "orbit", "revisit", "sensor", "swath", "modis_id", "spectral_bands")
    ),
    *map(same, ("default_display_bands", "tags", "extra_properties")),
    read_only("created"),
    read_only("modified"),
)


def product_record(product: Product) -> DotDict:
    """Return a product as a dict of old keys."""
    return read_keys(product, PRODUCT_KEYS, keep_unset=True)
