"""Calibration: the arithmetic of processing levels, from stored pixels by the coefficients of each image.

The steps of a level are carried out in order on float64, one pass for all of them; the result takes the type
that the last step says. A step's `parameter` names the image's attribute with its coefficients, `index` the
place in that list. The functions are

`gain_bias` (gain, bias)
    value * gain + bias: radiance, reflectance without correction for the sun's angle, or temperature, by what
    the coefficients are. Landsat 8 Data Users Handbook (USGS LSDS-1574), 5.1 and 5.2.
`scale` (scale)
    value * scale: radiance to reflectance.
`solar_elevation` (the sun's elevation in degrees)
    value / sin(elevation): reflectance corrected for the sun's angle. Handbook, 5.2.
`brightness_temperature` (K1, K2)
    K2 / ln(K1 / value + 1): radiance to brightness temperature in kelvin, by Planck's law; radiance that is
    not positive has none. Handbook, 5.3.
`dlsr`
    the value as it is: surface reflectance is what is stored.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import numpy as np

from landbridge.raster.dtypes import held_nodata, numpy_type
from landbridge.raster.errors import RasterError
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.model import Band, Source
from landbridge.raster.output.rescale import convert, each
from landbridge.raster.plan.processing_levels import AS_STORED, Level

Array = np.ndarray[Any, Any]


class Operation(Protocol):
    """A function of the stored values."""

    def __call__(self, values: Array) -> Array:
        """The function's values; float64 goes in, which may be used up, and comes out."""
        ...


@dataclass(frozen=True, slots=True)
class Linear:
    """value * gain + bias."""

    gain: float
    bias: float = 0.0

    def __call__(self, values: Array) -> Array:
        """The line's values."""
        values *= self.gain
        values += self.bias
        return values

    def after(self, first: "Linear") -> "Linear":
        """This upon another line, as one."""
        return Linear(first.gain * self.gain, first.bias * self.gain + self.bias)


@dataclass(frozen=True, slots=True)
class BrightnessTemperature:
    """K2 / ln(K1 / value + 1); NaN for values that are not positive."""

    k1: float
    k2: float

    def __post_init__(self) -> None:
        """Check that there is a temperature to each radiance."""
        if not (self.k1 > 0 and self.k2 > 0):
            raise ValueError("K1 and K2 must be positive")

    def __call__(self, values: Array) -> Array:
        """The temperatures."""
        values[~(values > 0)] = np.nan
        temperature: Array = self.k2 / np.log1p(self.k1 / values)
        return temperature


@dataclass(frozen=True, slots=True)
class Calibration:
    """What becomes of one image's pixels of a band at a processing level, and the level's type."""

    operations: tuple[Operation, ...]
    data_type: str

    def exact(self, values: Array) -> Array:
        """Stored values (any shape) at the level, in float64; they are used up."""
        for operation in self.operations:
            values = operation(values)
        return values

    def __call__(self, values: Array) -> Array:
        """Stored values (any shape) at the level, in its type; they are used up."""
        return convert(self.exact(values), numpy_type(self.data_type))

    @property
    def total(self) -> bool:
        """Whether every stored value has one at the level."""
        return all(isinstance(operation, Linear) for operation in self.operations)


def calibration(source: Source, band: Band, level: Level) -> Calibration | None:
    """What becomes of an image's pixels of a band at a level; None: they are taken as stored.

    Raises:
        ValueError: a step's function is not known, or its parameter or index is missing.
        RasterError: the image has not the coefficients that a step takes.
    """
    if not level.steps:
        return None
    operations: list[Operation] = []
    for step in level.steps:
        operation = _operation(source, band, step)
        last = operations[-1] if operations else None
        if isinstance(operation, Linear) and isinstance(last, Linear):
            operations[-1] = operation.after(last)
        elif operation is not None:
            operations.append(operation)
    return Calibration(tuple(operations), level.data_type)


def calibrate(
    values: Array,
    valid: BoolArray,
    calibrations: Sequence[Calibration | None],
    dtype: np.dtype[Any],
    *,
    exact: bool = False,
) -> tuple[Array, BoolArray]:
    """Return an image's stored pixels (band, y, x) at their levels, in `dtype`, and which of them are valid.

    Bands without a calibration keep their values. A pixel that has no value at its level is not valid. With
    `exact` values are not rounded to their level's type.
    """
    out = np.empty(values.shape, dtype)
    good = valid.copy()
    # What overflows is infinite, and cut to the range of an integer type.
    with np.errstate(all="ignore"):
        for band, how in enumerate(calibrations):
            if how is None:
                # Bands of a file are read in the type that holds them all.
                np.copyto(out[band], values[band], casting="unsafe")
            elif how.total and not exact:
                out[band] = each(values[band], how)
            else:
                found = each(values[band], how.exact)
                good[band] &= ~np.isnan(found)
                out[band] = found if exact else convert(found, numpy_type(how.data_type))
    return out, good


def fill_missing(
    values: Array,
    valid: BoolArray,
    calibrations: Sequence[Calibration | None],
    nodata: Sequence[float | None],
) -> None:
    """Put what the bands (band, y, x) have for missing pixels where a calibrated one is not valid.

    That is the Band's nodata, or 0: results that no mask goes with show it as they do beside the images.
    """
    for band, how in enumerate(calibrations):
        if how is not None:
            held = held_nodata(values.dtype, nodata[band])
            values[band][~valid[band]] = 0 if held is None else held


def _solar_elevation(degrees: float) -> Linear:
    if not 0 < degrees <= 90:
        raise ValueError("the sun's elevation must be above 0 and up to 90 degrees")
    return Linear(1 / math.sin(math.radians(degrees)))


# Each function with what its coefficients are.
_FUNCTIONS: dict[str, tuple[Callable[..., Operation], tuple[str, ...]]] = {
    "gain_bias": (Linear, ("gain", "bias")),
    "scale": (Linear, ("scale",)),
    "solar_elevation": (_solar_elevation, ("elevation",)),
    "brightness_temperature": (BrightnessTemperature, ("K1", "K2")),
}


def _operation(source: Source, band: Band, step: Mapping[str, Any]) -> Operation | None:
    function = step.get("function")
    if function == AS_STORED:
        return None
    if function not in _FUNCTIONS:
        raise ValueError(
            f"a processing level of band {band.name!r} has a step with the unknown function {function!r}: "
            f"the functions are {', '.join((*_FUNCTIONS, AS_STORED))}"
        )
    make, names = _FUNCTIONS[function]
    what = f"step {function!r} of band {band.name!r}"
    where, value = _entry(source, what, step)
    numbers = tuple(value) if isinstance(value, Sequence) else (value,)
    if len(numbers) != len(names) or not all(isinstance(n, Real) and math.isfinite(n) for n in numbers):
        raise RasterError(
            f"image {source.id!r} has no {' and '.join(names)} for {what}: its {where} is "
            f"{'not set' if value is None else repr(value)}",
            source.id,
            (band.name,),
        )
    try:
        return make(*map(float, numbers))
    except ValueError as error:
        message = f"image {source.id!r} does not allow {what}: its {where} is {value!r}, {error}"
        raise RasterError(message, source.id, (band.name,)) from error


def _entry(source: Source, what: str, step: Mapping[str, Any]) -> tuple[str, Any]:
    """Where an image's coefficients for a step are, and what is there, None for nothing."""
    parameter, index = step.get("parameter"), step.get("index")
    if not parameter:
        raise ValueError(f"{what} names no parameter, the image attribute with its coefficients")
    if index is not None and (not isinstance(index, int) or index < 0):
        raise ValueError(f"{what} has the index {index!r}; an index is a whole number from 0")
    value = source.coefficients.get(parameter)
    if value is not None and not isinstance(value, Sequence):
        return parameter, value
    if index is None:
        # The only entry of a list needs none.
        if value is not None and len(value) != 1:
            raise ValueError(
                f"{what} has no index, but image {source.id!r} has {len(value)} entries in its {parameter}"
            )
        return parameter, value[0] if value else None
    return f"{parameter}[{index}]", value[index] if value and index < len(value) else None
