"""Longitudes that repeat: after how many units of x a coordinate reference system is at the same place."""

import math
from functools import lru_cache
from typing import Any

import numpy as np
from odc.geo.crs import CRS
from pyproj import Transformer

FloatArray = np.ndarray[Any, np.dtype[Any]]

# PROJ's names of methods whose x may be proportional to the longitude.
_MAY_REPEAT = ("mercator", "cylindrical", "miller", "gall", "plate", "patterson", "compact")
_NEVER_REPEAT = ("transverse", "oblique")
_LONGITUDES, _LATITUDES = np.arange(-150.0, 180.0, 60.0), np.array([-40.0, 0.0, 40.0])
_SAME = 1e-9
# Samples that leave out no more than this part of a turn are all around.
_GAP = 1 / 8


def turn_of(crs: CRS) -> float | None:
    """Return by how much x differs between longitudes that are 360 degrees apart, in units of the system.

    None if x doesn't tell the longitude alone, as in all systems but geographic and cylindrical ones.
    """
    return _turn(str(crs))


@lru_cache(maxsize=256)
def _turn(text: str) -> float | None:
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
    # All steps are one but for that across the edge of the map.
    step = float(np.median(steps))
    turn = 360 / 60 * step
    if not math.isfinite(turn) or turn <= 0 or np.abs(_off(steps, step, turn)).max() > _SAME * turn:
        return None
    return turn if np.abs(_off(x, x[0], turn)).max() <= _SAME * turn else None


def home_of(crs: CRS) -> tuple[float, float] | None:
    """Return the range of x that transformations give in a system that repeats; None if it does not."""
    turn = turn_of(crs)
    if turn is None:
        return None
    proj = CRS(str(crs)).proj
    middle = 0.0
    if proj.is_projected and proj.coordinate_operation is not None:
        found = [one.value for one in proj.coordinate_operation.params if one.name == "False easting"]
        middle = float(found[0]) if found else 0.0
    return (middle - turn / 2, middle + turn / 2)


def _off(values: FloatArray, expected: Any, turn: float) -> FloatArray:
    """Return the differences of two numbers but for whole turns."""
    difference = np.asarray(values - expected)
    off: FloatArray = difference - turn * np.round(difference / turn)
    return off


def near(x: Any, middle: Any, turn: float) -> FloatArray:
    """Return x moved by whole turns to within half a turn of a middle; what is there stays as it is."""
    found = np.asarray(x, float)
    with np.errstate(invalid="ignore"):
        turns = np.round((middle - found) / turn)
    turns[~np.isfinite(turns)] = 0
    return found + turns * turn if turns.any() else found


def interval(x: FloatArray, turn: float) -> tuple[float, float] | None:
    """Return the interval that holds all of x, but for whole turns; None if x is all around.

    It begins at one of x, and may end beyond the edge of the map.
    """
    found = np.sort(np.ravel(x))
    gaps = np.diff(np.append(found, found[0] + turn))
    widest = int(np.argmax(gaps))
    if gaps[widest] < turn * _GAP:
        return None
    if widest == len(found) - 1:
        return float(found[0]), float(found[-1])
    return float(found[widest + 1]), float(found[widest] + turn)


def turns_between(low: float, high: float, left: float, right: float, turn: float) -> range:
    """Return by how many turns an extent (left, right) can be moved to touch what is from low to high."""
    return range(math.ceil((low - right) / turn), math.floor((high - left) / turn) + 1)
