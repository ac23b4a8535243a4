"""Bands in the engine's form, made from the attributes of a product's bands."""

from collections.abc import Mapping
from typing import Any

from landbridge.raster.model import Band, Range

DEFAULT_TYPE = "UInt16"


def engine_band(
    attributes: Mapping[str, Any],
    place: tuple[int, int] = (0, 0),
    asset: str | None = None,
    default_type: str | None = DEFAULT_TYPE,
) -> Band:
    """Return the engine's form of a band's attributes, with the file and the index there of its pixels.

    The data type of a band that has none is the default type; None stands for the type of its file.
    """
    nodata = attributes.get("nodata")
    return Band(
        name=attributes["name"],
        data_type=attributes.get("data_type") or default_type,
        # A float cannot hold all integers of 64 bits.
        nodata=nodata if nodata is None or isinstance(nodata, int) else float(nodata),
        band_index=place[1],
        file_index=place[0],
        asset=asset,
        type=attributes.get("type") or "generic",
        is_alpha=bool(attributes.get("is_alpha")),
        data_range=_range(attributes, "data_range"),
        display_range=_range(attributes, "display_range"),
        physical_range=_range(attributes, "physical_range"),
        processing_levels=attributes.get("processing_levels"),
    )


def _range(attributes: Mapping[str, Any], name: str) -> Range | None:
    value = attributes.get(name)
    return None if value is None else (float(value[0]), float(value[1]))
