"""Conversion of pixels to the output's range and data type, in one pass."""

from collections.abc import Callable
from typing import Any

import numpy as np

from landbridge.raster.array_types import Array, BoolArray

Scale = tuple[()] | tuple[float, float, float, float] | None
"""Scale of a band: None (values unchanged), () (from the actual minimum and maximum to 0-255), or the bounds
(input low, input high, output low, output high).
"""

# Output range of a band that is scaled from its actual minimum and maximum.
_AUTO_RANGE = (0.0, 255.0)


def convert(values: Array, dtype: np.dtype[Any], *, halves_up: bool = False) -> Array:
    """Return values in another type, clipped to its range and rounded to the nearest integer.

    Halves round to the even neighbor; with `halves_up` to the greater one, as in GDAL's warper.
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
            return _clip_to_integer(values, dtype, limits.min, limits.max)
    elif np.can_cast(values.dtype, dtype):
        return values.astype(dtype)
    else:
        own = np.iinfo(values.dtype)
        return np.clip(values, max(own.min, limits.min), min(own.max, limits.max)).astype(dtype)
    return np.clip(values, limits.min, limits.max).astype(dtype)


def _clip_to_integer(values: Array, dtype: np.dtype[Any], low: int, high: int) -> Array:
    """Return integral floats in an integer type whose highest value their own type cannot represent."""
    above = values >= float(high)
    out = np.where(above | (values < float(low)), 0, values).astype(dtype)
    out[above], out[values < float(low)] = high, low
    return out


def to_float16(values: Array) -> Array:
    """Return values as half floats; values beyond their range become infinite."""
    with np.errstate(over="ignore"):
        return values.astype(np.float16)


def rescale_values(values: Array, scale: Scale, dtype: np.dtype[Any], *, halves_up: bool = False) -> Array:
    """Return one band's values (any shape) rescaled to the output's type.

    `scale` has four bounds or is empty; `halves_up` is as in `convert` and applies to values without a scale.
    """
    if not scale:
        return convert(values, dtype, halves_up=halves_up)
    return map_values(values, lambda exact: _linear(exact, scale, dtype))


def map_values(values: Array, function: Callable[[Array], Array]) -> Array:
    """Apply a function to values (any shape). It receives them in float64 and may overwrite them.

    If the type has fewer possible values than there are pixels, the function builds a lookup table.
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
    return (float(valid.min()), float(valid.max()), *_AUTO_RANGE)


def _linear(values: Array, scale: tuple[float, float, float, float], dtype: np.dtype[Any]) -> Array:
    """Rescale float64 values linearly; `values` is overwritten."""
    low, high, out_low, out_high = scale
    if high == low:
        # The slope is infinite: values up to the bound get the lower end, the others exceed the upper one.
        limit = np.inf if out_high >= out_low else -np.inf
        return convert(np.where(values <= low, out_low, limit), dtype)
    values -= low
    values *= (out_high - out_low) / (high - low)
    values += out_low
    return convert(values, dtype)
