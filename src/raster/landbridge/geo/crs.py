"""Facts that the text of a coordinate reference system gives without a projection library."""

import re

WGS84 = "EPSG:4326"
_CRS84 = "OGC:CRS84"
_GEOGRAPHIC_WKT = ("GEOGCS", "GEOGCRS", "GEOGRAPHICCRS", "GEODCRS", "GEODETICCRS")
_LON_WRAP = re.compile(r"\+lon_wrap=([-+]?[\d.]+)")


def is_wgs84(crs: str) -> bool:
    """Return True if the text is the EPSG code of WGS 84 longitude and latitude."""
    return crs.strip().upper() == WGS84


def is_geographic(crs: str) -> bool:
    """Return True if the text is known to mean longitude and latitude.

    Known are EPSG:4326, OGC:CRS84, PROJ strings with `+proj=longlat` (or `latlong`) and WKT of a geographic
    system. Other EPSG codes are not looked up.
    """
    text = crs.strip()
    return (
        is_wgs84(text)
        or text.upper() == _CRS84
        or "+proj=longlat" in text
        or "+proj=latlong" in text
        or text.upper().startswith(_GEOGRAPHIC_WKT)
    )


def lon_center(crs: str) -> float:
    """Return the longitude at the middle of the system's range: 0, or the value of `+lon_wrap`."""
    match = _LON_WRAP.search(crs)
    return float(match.group(1)) if match else 0.0
