"""Products of old scripts that no source has any more, and what replaces them.

The errors of the adapters and the reports of `landbridge port` give the same advice.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final

__all__ = [
    "GONE_PRODUCTS",
    "LANDSAT_5",
    "LANDSAT_7",
    "LANDSAT_8",
    "SENTINEL_1",
    "SENTINEL_2",
    "replacement_of",
]

LANDSAT_8, LANDSAT_7, LANDSAT_5 = (f"usgs:landsat:{sensor}:c2:l2:v0" for sensor in ("oli-tirs", "etm", "tm"))
SENTINEL_2: Final = "esa:sentinel-2:l2a:v1"
SENTINEL_1: Final = "planetary-computer:sentinel-1-rtc"

_LANDSAT = "Collection 1 of Landsat is no longer published; use {} (Collection 2, surface reflectance)"

# Patterns of ids that no source has, and what replaces them.
GONE_PRODUCTS: Final[tuple[tuple[str, str], ...]] = (
    ("landsat:LC08:*", _LANDSAT.format(LANDSAT_8)),
    ("landsat:LE07:*", _LANDSAT.format(LANDSAT_7)),
    ("landsat:LT05:*", _LANDSAT.format(LANDSAT_5)),
    ("landsat:LT04:*", _LANDSAT.format(LANDSAT_5)),
    ("usgs:landsat:oli-tirs:c2:l1:*", "Level 1 has no open source here; use usgs:landsat:oli-tirs:c2:l2:v0"),
    ("usgs:landsat:etm:c2:l1:*", "Level 1 has no open source here; use usgs:landsat:etm:c2:l2:v0"),
    ("usgs:landsat:tm:c2:l1:*", "Level 1 has no open source here; use usgs:landsat:tm:c2:l2:v0"),
    # It has a source, and is missing if LANDBRIDGE_SOURCES leaves that out.
    (
        "sentinel-2:L1C",
        "enable the source earth-search, or use esa:sentinel-2:l2a:v1 for surface reflectance",
    ),
    ("esa:sentinel-2:l1c:*", "use sentinel-2:L1C, or esa:sentinel-2:l2a:v1 for surface reflectance"),
    ("sentinel-1:GRD", "use planetary-computer:sentinel-1-rtc (gamma0 as numbers, not scaled to 8 bits)"),
    ("sentinel-1:GRD:*", "use planetary-computer:sentinel-1-rtc (gamma0 as numbers, not scaled to 8 bits)"),
    ("sentinel-3:OLCI*", "no open source has an equal product"),
    (
        "modis:09:CREFL*",
        "no open source has an equal product; planetary-computer:modis-09A1-061 is the nearest",
    ),
    ("modis:*", "look for the product in planetary-computer, whose MODIS collections are named modis-*-061"),
    ("usda:naip:rgbn:v1", "use usda:naip:v1"),
    ("*:dlsr", "the platform's own surface reflectance is gone; use the surface reflectance of the provider"),
    ("*:dlcloud:*", "the platform's own cloud masks are gone; use the band cloud_mask of the product"),
    ("descarteslabs:*", "the platform's own products are gone"),
    ("srtm:GL1003", "use copernicus:dem:glo30, the elevation of the Copernicus DEM"),
    ("cdl", "use usda:cdl:v1"),
    ("rapideye:*", "commercial imagery has no open source"),
    ("airbus:*", "commercial imagery has no open source"),
    ("planet:*", "commercial imagery has no open source"),
)


def replacement_of(product: str) -> str | None:
    """Return what replaces a product that no source has; None if the product is not in the table.

    Examples
    --------
    >>> from landbridge.porting.arguments.gone_products import replacement_of
    >>> replacement_of("cdl")
    'use usda:cdl:v1'
    """
    return next((advice for pattern, advice in GONE_PRODUCTS if fnmatchcase(product, pattern)), None)
