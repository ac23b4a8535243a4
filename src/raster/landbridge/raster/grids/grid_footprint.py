"""Footprints of grids in longitude and latitude."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from odc.geo.crs import CRS
from odc.geo.geobox import GeoBox
from shapely.geometry.base import BaseGeometry

from landbridge.geo.grids.crs import WGS84, grid_crs, parse_crs, transformer
from landbridge.geo.grids.longitudes import wrap_near, x_period
from landbridge.geo.longitudes import FULL_CIRCLE, cut_at_antimeridian

_DENSIFY = 64
# Largest error of an outline of that many points, as a share of its size.
_TOLERANCE = 1e-3


def ground_footprint(geobox: GeoBox) -> BaseGeometry | None:
    """Return a grid's footprint in longitudes of ±180 and latitudes; None if it has no simple outline."""
    return _cached_footprint(str(grid_crs(geobox)), geobox.boundingbox.bbox)


# Calls use the same grids, and the same blocks of them, again and again.
@lru_cache(maxsize=512)
def _cached_footprint(text: str, bounds: tuple[float, float, float, float]) -> BaseGeometry | None:
    crs = parse_crs(text)
    left, bottom, right, top = bounds
    points = _outline(left, bottom, right, top)
    lon, lat = transformer(crs, parse_crs(WGS84)).transform(points[:, 0], points[:, 1])
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return None
    period = x_period(crs)
    if period is None:
        if not _is_on_the_map(points, lon, lat, crs):
            return None
        lon = np.unwrap(lon, period=FULL_CIRCLE)
    elif right - left >= period / 2:
        return None
    else:
        # The longitudes of a grid are continuous even if the transformation wraps them.
        lon = wrap_near(lon, float(lon[0]), FULL_CIRCLE)
        lon = lon if np.ptp(lon) < FULL_CIRCLE / 2 else np.unwrap(lon, period=FULL_CIRCLE)
    if abs(lon[-1] - lon[0]) > FULL_CIRCLE / 2 or np.ptp(lon) >= FULL_CIRCLE / 2:
        return None  # around a pole, or more than half of the globe
    lon[-1] = lon[0]
    outline = shapely.Polygon(np.column_stack([lon, lat]))
    if not outline.is_valid:
        return None
    # The true outline bends between its points.
    return cut_at_antimeridian(outline.buffer(max(np.ptp(lon), np.ptp(lat)) * _TOLERANCE, join_style="mitre"))


def _outline(left: float, bottom: float, right: float, top: float) -> np.ndarray[Any, Any]:
    """Return the points (x, y) of a closed box, densified in proportion to its longer edge."""
    width, height = right - left, top - bottom
    step = max(width, height) / _DENSIFY
    across, down = (max(1, math.ceil(length / step)) if step else 1 for length in (width, height))
    xs, ys = np.linspace(left, right, across + 1), np.linspace(bottom, top, down + 1)
    points = np.empty((2 * (across + down) + 1, 2))
    x, y = points.T
    # From the lower right counterclockwise, like shapely's boxes.
    x[: down + 1], y[: down + 1] = right, ys
    x[down : down + across + 1], y[down : down + across + 1] = xs[::-1], top
    x[down + across : 2 * down + across + 1], y[down + across : 2 * down + across + 1] = left, ys[::-1]
    x[2 * down + across :], y[2 * down + across :] = xs, bottom
    return points


def _is_on_the_map(
    points: np.ndarray[Any, Any], lon: np.ndarray[Any, Any], lat: np.ndarray[Any, Any], crs: CRS
) -> bool:
    """Return whether longitudes and latitudes project back to the points; beyond a map's edge they do not."""
    back = np.column_stack(transformer(parse_crs(WGS84), crs).transform(lon, lat))
    with np.errstate(invalid="ignore"):
        off = np.abs(back - points).max()
    return bool(off <= np.ptp(points, axis=0).max() * _TOLERANCE)
