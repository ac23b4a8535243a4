"""Scaling pixels to the output's range and type, in one pass."""

from collections.abc import Callable
from typing import Any

import numpy as np

from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.plan.scaling import Scale

Array = np.ndarray[Any, Any]

# The output range of a band that is scaled from its actual minimum and maximum.
_AUTO_OUTPUT = (0.0, 255.0)


def convert(values: Array, dtype: np.dtype[Any], *, halves_up: bool = False) -> Array:
    """Return values in another type: clipped to its range, rounded to the nearest if it is an integer type.

    Halves go to the even neighbor, with `halves_up` to the greater one, as in GDAL's warper.
    """
    if values.dtype == dtype:
        return values
    if dtype.kind == "f":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    if values.dtype.kind == "f":
        if values.dtype == np.float16:
            values = values.astype(np.float32)
        values = np.nan_to_num(values, nan=0.0, posinf=limits.max, neginf=limits.min)
        values = np.floor(values + 0.5) if halves_up else np.rint(values)
        if np.finfo(values.dtype).nmant + 1 < limits.bits - (dtype.kind == "i"):
            return _cut(values, dtype, limits.min, limits.max)
    elif np.can_cast(values.dtype, dtype):
        return values.astype(dtype)
    else:
        own = np.iinfo(values.dtype)
        return np.clip(values, max(own.min, limits.min), min(own.max, limits.max)).astype(dtype)
    return np.clip(values, limits.min, limits.max).astype(dtype)


def _cut(values: Array, dtype: np.dtype[Any], low: int, high: int) -> Array:
    """Return whole numbers in an integer type whose highest is none of their own type: it would overflow."""
    above = values >= float(high)
    out = np.where(above | (values < float(low)), 0, values).astype(dtype)
    out[above], out[values < float(low)] = high, low
    return out


def halved(values: Array) -> Array:
    """Return values as half floats hold them; those beyond their range are infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float16)


def scaled(values: Array, scale: Scale, dtype: np.dtype[Any], *, halves_up: bool = False) -> Array:
    """Return one band's values (any shape) by a scale of four bounds, or none, in the output's type.

    `halves_up` is as in `convert`, for values without a scale.
    """
    if not scale:
        return convert(values, dtype, halves_up=halves_up)
    return each(values, lambda exact: _linear(exact, scale, dtype))


def each(values: Array, function: Callable[[Array], Array]) -> Array:
    """What a function gives for each of some values (any shape); it is handed them in float64, to be used up.

    Where there are fewer possible values than actual ones it is called for those and looked up.
    """
    if values.dtype.kind == "u" and values.dtype.itemsize <= 2 and values.size > np.iinfo(values.dtype).max:
        every = np.arange(np.iinfo(values.dtype).max + 1, dtype=np.float64)
        return np.take(function(every), values)
    return function(values.astype(np.float64))


def actual_scale(values: Array, mask: BoolArray | None) -> Scale:
    """Return the scale from a band's least and greatest finite value to 0-255; None if it has none."""
    valid = values if mask is None else values[~mask]
    if valid.dtype.kind == "f" and valid.size and not np.isfinite(valid.sum(dtype=np.float64)):
        valid = valid[np.isfinite(valid)]
    if not valid.size:
        return None
    return (float(valid.min()), float(valid.max()), *_AUTO_OUTPUT)


def _linear(values: Array, scale: tuple[float, float, float, float], dtype: np.dtype[Any]) -> Array:
    """`values`, float64, are used up."""
    low, high, out_low, out_high = scale
    if high == low:
        # No slope: all up to the bound is the lower end, all above it beyond the upper.
        limit = np.inf if out_high >= out_low else -np.inf
        return convert(np.where(values <= low, out_low, limit), dtype)
    values -= low
    values *= (out_high - out_low) / (high - low)
    values += out_low
    return convert(values, dtype)
