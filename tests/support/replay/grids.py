"""Places of a provider's items: corners, transforms and footprints."""

from __future__ import annotations

import math

from rasterio.warp import transform as reproject

from support.replay.pixels import SIDE

PLACES = 8
"""Items lie in so many places; later ones are of other days."""


def corner_of(place: int, first: tuple[float, float], finest: float) -> tuple[float, float]:
    """Return the upper left corner of a place: each overlaps half of the one before, in rows of four."""
    step = SIDE * finest / 2
    x, y = first
    return x + (place % 4) * step, y - (place // 4) * step


def transform_of(corner: tuple[float, float], resolution: float) -> list[float]:
    x, y = corner
    return [resolution, 0.0, x, 0.0, -resolution, y]


def bounds_of(corner: tuple[float, float], finest: float) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top."""
    x, y = corner
    return x, y - SIDE * finest, x + SIDE * finest, y


def footprint(crs: str, corner: tuple[float, float], finest: float):
    """Return geometry and bounding box in longitude and latitude."""
    left, bottom, right, top = bounds_of(corner, finest)
    longitudes, latitudes = reproject(
        crs, "EPSG:4326", [left, right, right, left, left], [bottom, bottom, top, top, bottom]
    )
    ring = [[round(x, 7), round(y, 7)] for x, y in zip(longitudes, latitudes, strict=True)]
    box = [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]
    return {"type": "Polygon", "coordinates": [ring]}, [round(number, 7) for number in box]


def utm_zone(box: list[float]) -> int:
    """Return the EPSG code of the northern UTM zone of a bounding box."""
    return 32601 + math.floor(((box[0] + box[2]) / 2 + 180) / 6)
