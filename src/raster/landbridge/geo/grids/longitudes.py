"""Periodic x coordinates: the period of a reference system, and arithmetic modulo that period."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from odc.geo.crs import CRS
from pyproj import Transformer

FloatArray = np.ndarray[Any, np.dtype[Any]]

# Words in PROJ's names of methods whose x may be proportional to the longitude.
_MAY_REPEAT = ("mercator", "cylindrical", "miller", "gall", "plate", "patterson", "compact")
_NEVER_REPEAT = ("transverse", "oblique")
_LONGITUDES, _LATITUDES = np.arange(-150.0, 180.0, 60.0), np.array([-40.0, 0.0, 40.0])
_TOLERANCE = 1e-9
# Samples whose widest gap is smaller than this share of the period surround the globe.
_MAX_GAP = 1 / 8


def x_period(crs: CRS) -> float | None:
    """Return the difference of x between longitudes 360 degrees apart, in units of the system.

    None if x does not depend on the longitude alone, as in all but geographic and cylindrical systems.
    """
    return _x_period(str(crs))


@lru_cache(maxsize=256)
def _x_period(text: str) -> float | None:
    proj = CRS(text).proj
    if proj.is_geographic:
        return round(2 * math.pi / float(proj.axis_info[0].unit_conversion_factor), 9)
    operation = proj.coordinate_operation
    name = "" if operation is None else operation.method_name.lower()
    if not any(word in name for word in _MAY_REPEAT) or any(word in name for word in _NEVER_REPEAT):
        return None
    forward = Transformer.from_crs(proj.geodetic_crs, proj, always_xy=True)
    x, _ = forward.transform(*np.meshgrid(_LONGITUDES, _LATITUDES))
    steps = np.diff(x, axis=1)
    # All steps are equal except the one across the edge of the map.
    step = float(np.median(steps))
    period = 360 / 60 * step
    if (
        not math.isfinite(period)
        or period <= 0
        or np.abs(_difference(steps, step, period)).max() > _TOLERANCE * period
    ):
        return None
    return period if np.abs(_difference(x, x[0], period)).max() <= _TOLERANCE * period else None


def native_x_range(crs: CRS) -> tuple[float, float] | None:
    """Return the range of x that transformations produce; None if x is not periodic."""
    period = x_period(crs)
    if period is None:
        return None
    proj = CRS(str(crs)).proj
    middle = 0.0
    if proj.is_projected and proj.coordinate_operation is not None:
        found = [one.value for one in proj.coordinate_operation.params if one.name == "False easting"]
        middle = float(found[0]) if found else 0.0
    return (middle - period / 2, middle + period / 2)


def _difference(values: FloatArray, expected: Any, period: float) -> FloatArray:
    """Return the differences of two numbers modulo the period."""
    difference = np.asarray(values - expected)
    off: FloatArray = difference - period * np.round(difference / period)
    return off


def wrap_near(x: Any, middle: Any, period: float) -> FloatArray:
    """Return x shifted by whole periods to within half a period of a middle."""
    found = np.asarray(x, float)
    with np.errstate(invalid="ignore"):
        shifts = np.round((middle - found) / period)
    shifts[~np.isfinite(shifts)] = 0
    return found + shifts * period if shifts.any() else found


def covering_interval(x: FloatArray, period: float) -> tuple[float, float] | None:
    """Return the shortest interval that holds all of x modulo the period; None if x surrounds the globe.

    It begins at one of the values and may end beyond the edge of the map.
    """
    found = np.sort(np.ravel(x))
    gaps = np.diff(np.append(found, found[0] + period))
    widest = int(np.argmax(gaps))
    if gaps[widest] < period * _MAX_GAP:
        return None
    if widest == len(found) - 1:
        return float(found[0]), float(found[-1])
    return float(found[widest + 1]), float(found[widest] + period)


def period_shifts(low: float, high: float, left: float, right: float, period: float) -> range:
    """Return the numbers of periods by which (left, right) can be shifted to touch (low, high)."""
    return range(math.ceil((low - right) / period), math.floor((high - left) / period) + 1)
