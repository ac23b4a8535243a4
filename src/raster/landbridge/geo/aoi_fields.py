"""Checks of the fields of an AOI."""

import math
import numbers
from typing import Any

from landbridge.geo.crs import is_geographic
from landbridge.geo.longitudes import FULL_CIRCLE
from landbridge.geo.shapes import MAX_LAT, MAX_LON

Bounds = tuple[float, float, float, float]


def check_resolution(resolution: Any) -> float | None:
    """Return the resolution as a number; TypeError or ValueError if it is not a positive one."""
    if resolution is None:
        return None
    if isinstance(resolution, bool) or not isinstance(resolution, numbers.Real):
        raise TypeError(f"resolution must be a number; got {type(resolution).__name__}.")
    if not float(resolution) > 0:
        raise ValueError(f"resolution must be greater than 0; got {resolution}.")
    return int(resolution) if isinstance(resolution, numbers.Integral) else float(resolution)


def check_origin(origin: Any) -> tuple[float, float] | None:
    """Return the grid origin as (x, y); TypeError or ValueError if it is not two finite numbers."""
    if origin is None:
        return None
    if not isinstance(origin, (list, tuple)) or len(origin) != 2:
        raise TypeError(f"grid_origin must be (x, y); got {origin!r}.")
    x, y = (float(number) for number in origin)
    if not (math.isfinite(x) and math.isfinite(y)):
        raise ValueError(f"grid_origin must be two finite numbers; got {origin!r}.")
    return (x, y)


def check_shape(shape: Any) -> tuple[int, int] | None:
    """Return the shape as (rows, columns); TypeError or ValueError if it is not two positive integers."""
    if shape is None:
        return None
    if not isinstance(shape, (list, tuple)) or len(shape) != 2:
        raise TypeError(f"shape must be (rows, columns); got {shape!r}.")
    rows, columns = shape
    for size in (rows, columns):
        if isinstance(size, bool) or not isinstance(size, numbers.Integral):
            raise TypeError(f"shape must be two integers; got {shape!r}.")
        if size <= 0:
            raise ValueError(f"shape must be at least one pixel each way; got {shape!r}.")
    return (int(rows), int(columns))


def check_bounds(bounds: Any, crs: str | None) -> Bounds | None:
    """Return the bounds as a tuple, with their east beyond 180 if they cross the antimeridian."""
    if bounds is None:
        return None
    if not isinstance(bounds, (list, tuple)):
        raise TypeError(f"bounds must be a list or tuple; got {type(bounds).__name__}.")
    if len(bounds) != 4:
        raise ValueError(f"bounds must be (min x, min y, max x, max y); got {len(bounds)} numbers.")
    min_x, min_y, max_x, max_y = bounds
    if min_x > max_x and crs is not None and is_geographic(crs) and max_x + FULL_CIRCLE - min_x < MAX_LON:
        max_x += FULL_CIRCLE  # across the antimeridian, as in RFC 7946
    if min_x > max_x or min_y > max_y:
        raise ValueError(
            f"bounds must be (min x, min y, max x, max y); a minimum of {bounds} is above its maximum."
        )
    return (min_x, min_y, max_x, max_y)


def look_like_degrees(bounds: Bounds) -> bool:
    """Return True if the bounds could be longitudes and latitudes."""
    return all(abs(x) <= MAX_LON for x in bounds[::2]) and all(abs(y) <= MAX_LAT for y in bounds[1::2])
