"""Footprints of grids: the ground they cover, in longitude and latitude."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from landbridge.geo.longitudes import FULL_CIRCLE, cut_at_antimeridian
from landbridge.raster.grids.crs import WGS84, crs_of, crs_on, transformer
from landbridge.raster.grids.longitudes import near, turn_of

_DENSIFY = 64
# By how much of its size an outline of so many points may be off.
_BEND = 1e-3


def reach(geobox: GeoBox) -> BaseGeometry | None:
    """Return the ground a grid covers, in longitudes of ±180 and latitudes; None if that has no simple
    outline.
    """
    return _reach(str(crs_on(geobox)), geobox.boundingbox.bbox)


# Calls come back to the same grids, and to the same blocks of them.
@lru_cache(maxsize=512)
def _reach(text: str, bounds: tuple[float, float, float, float]) -> BaseGeometry | None:
    crs = crs_of(text)
    left, bottom, right, top = bounds
    points = _outline(left, bottom, right, top)
    lon, lat = transformer(crs, crs_of(WGS84)).transform(points[:, 0], points[:, 1])
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return None
    turn = turn_of(crs)
    if turn is None:
        if not _is_on_the_map(points, lon, lat, crs):
            return None
        lon = np.unwrap(lon, period=FULL_CIRCLE)
    elif right - left >= turn / 2:
        return None
    else:
        # The longitudes of a grid go on, whatever the transformation makes of them.
        lon = near(lon, float(lon[0]), FULL_CIRCLE)
        lon = lon if np.ptp(lon) < FULL_CIRCLE / 2 else np.unwrap(lon, period=FULL_CIRCLE)
    if abs(lon[-1] - lon[0]) > FULL_CIRCLE / 2 or np.ptp(lon) >= FULL_CIRCLE / 2:
        return None  # around a pole, or half the world
    lon[-1] = lon[0]
    outline = shapely.Polygon(np.column_stack([lon, lat]))
    if not outline.is_valid:
        return None
    # Between its points an outline bends.
    return cut_at_antimeridian(outline.buffer(max(np.ptp(lon), np.ptp(lat)) * _BEND, join_style="mitre"))


def _outline(left: float, bottom: float, right: float, top: float) -> np.ndarray[Any, Any]:
    """Return the points (x, y) of a box, closed, no further apart than a part of its longer edges."""
    width, height = right - left, top - bottom
    step = max(width, height) / _DENSIFY
    across, down = (max(1, math.ceil(length / step)) if step else 1 for length in (width, height))
    xs, ys = np.linspace(left, right, across + 1), np.linspace(bottom, top, down + 1)
    points = np.empty((2 * (across + down) + 1, 2))
    x, y = points.T
    # From the lower right counterclockwise, as shapely's boxes are.
    x[: down + 1], y[: down + 1] = right, ys
    x[down : down + across + 1], y[down : down + across + 1] = xs[::-1], top
    x[down + across : 2 * down + across + 1], y[down + across : 2 * down + across + 1] = left, ys[::-1]
    x[2 * down + across :], y[2 * down + across :] = xs, bottom
    return points


def _is_on_the_map(
    points: np.ndarray[Any, Any], lon: np.ndarray[Any, Any], lat: np.ndarray[Any, Any], crs: CRS
) -> bool:
    """Return whether longitudes and latitudes lead back to points; beyond a map's edge they do not."""
    back = np.column_stack(transformer(crs_of(WGS84), crs).transform(lon, lat))
    with np.errstate(invalid="ignore"):
        off = np.abs(back - points).max()
    return bool(off <= np.ptp(points, axis=0).max() * _BEND)
