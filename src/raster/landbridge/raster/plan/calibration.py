"""Calibration of stored pixels to processing levels, by the coefficients of each image.

The steps of a level run in order on float64 values, in one pass; the result has the type of the last step. A
step's `parameter` names the image attribute with its coefficients, and `index` the position in that list. The
functions are

`gain_bias` (gain, bias)
    value * gain + bias: radiance, reflectance without correction for the sun's angle, or temperature,
    depending on the coefficients. Landsat 8 Data Users Handbook (USGS LSDS-1574), 5.1 and 5.2.
`scale` (scale)
    value * scale: radiance to reflectance.
`solar_elevation` (the sun's elevation in degrees)
    value / sin(elevation): reflectance corrected for the sun's angle. Handbook, 5.2.
`brightness_temperature` (K1, K2)
    K2 / ln(K1 / value + 1): radiance to brightness temperature in kelvin, by Planck's law; undefined for
    radiance that is not positive. Handbook, 5.3.
`dlsr`
    the value unchanged: files store surface reflectance.

Three functions need no coefficients of that kind:

`physical`
    value * scale + offset, by the image's own numbers, else by the band's data range and physical range.
`any_of` (its member `values`)
    1 if the stored value is one of the values, else 0.
`any_bits` (its member `values`)
    1 if any of the bits, counted from 0 for the least significant, is set in the stored value, else 0.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import numpy as np

from landbridge.raster.array_types import Array, BoolArray
from landbridge.raster.dtypes import numpy_type, representable_nodata
from landbridge.raster.errors import RasterError
from landbridge.raster.model import Band, Source
from landbridge.raster.plan.physical_values import IDENTITY, Scaling, agrees, declared_scaling
from landbridge.raster.plan.processing_levels import AS_STORED, MASK_FUNCTIONS, ProcessingLevel
from landbridge.raster.rescale import convert, map_values

# Function of the physical values, and the number of bits that a whole number has without its sign.
PHYSICAL = "physical"
_BITS = 63


class Operation(Protocol):
    """Function of stored values. It is defined for all of them if `is_total`."""

    @property
    def is_total(self) -> bool: ...

    def __call__(self, values: Array) -> Array:
        """Return the function's values. Input and output are float64; the input may be overwritten."""
        ...


@dataclass(frozen=True, slots=True)
class Linear:
    """value * gain + bias."""

    gain: float
    bias: float = 0.0

    @property
    def is_total(self) -> bool:
        """True: every value has a result."""
        return True

    def __call__(self, values: Array) -> Array:
        """Return value * gain + bias, in place."""
        values *= self.gain
        values += self.bias
        return values

    def after(self, first: "Linear") -> "Linear":
        """Return the composition of this function after another one."""
        return Linear(first.gain * self.gain, first.bias * self.gain + self.bias)


@dataclass(frozen=True, slots=True)
class BrightnessTemperature:
    """K2 / ln(K1 / value + 1); NaN for values that are not positive."""

    k1: float
    k2: float

    @property
    def is_total(self) -> bool:
        """False: only positive values have a result."""
        return False

    def __post_init__(self) -> None:
        """Check that every positive radiance has a temperature."""
        if not (self.k1 > 0 and self.k2 > 0):
            raise ValueError("K1 and K2 must be positive")

    def __call__(self, values: Array) -> Array:
        """Return temperatures in kelvin."""
        values[~(values > 0)] = np.nan
        temperature: Array = self.k2 / np.log1p(self.k1 / values)
        return temperature


@dataclass(frozen=True, slots=True)
class AnyOf:
    """1 for values that are listed, else 0."""

    values: tuple[int, ...]

    @property
    def is_total(self) -> bool:
        """True: every value has a result."""
        return True

    def __call__(self, values: Array) -> Array:
        """Return 0 and 1."""
        marked: Array = np.isin(values, self.values).astype(np.float64)
        return marked


@dataclass(frozen=True, slots=True)
class AnyBits:
    """1 for whole numbers that have a bit of the mask set, else 0."""

    mask: int

    @property
    def is_total(self) -> bool:
        """True: every value has a result."""
        return True

    def __call__(self, values: Array) -> Array:
        """Return 0 and 1."""
        marked: Array = ((values.astype(np.int64) & self.mask) != 0).astype(np.float64)
        return marked


@dataclass(frozen=True, slots=True)
class Calibration:
    """Operations that turn one image's stored pixels of a band into a processing level, and its type."""

    operations: tuple[Operation, ...]
    data_type: str

    def exact(self, values: Array) -> Array:
        """Return stored values (any shape) at the level in float64; the input is overwritten."""
        for operation in self.operations:
            values = operation(values)
        return values

    def __call__(self, values: Array) -> Array:
        """Return stored values (any shape) at the level in its type; the input is overwritten."""
        return convert(self.exact(values), numpy_type(self.data_type))

    @property
    def is_defined_everywhere(self) -> bool:
        """True if every stored value has a value at the level."""
        return all(operation.is_total for operation in self.operations)


def calibration(source: Source, band: Band, level: ProcessingLevel) -> Calibration | None:
    """Return the calibration of an image's pixels of a band; None if the level is the stored values.

    Raises:
        ValueError: if a step's function is unknown, or its parameter or index is missing.
        RasterError: if the image lacks the coefficients of a step.
    """
    if level.reference is not None:
        return _conversion(source.radiometry.get(band.name), level.reference, level.data_type)
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


def _conversion(own: Scaling | None, reference: Scaling, data_type: str) -> Calibration | None:
    """Return the calibration of stored values to those that mean the same at a reference; None: unchanged."""
    if own is None or agrees(own, reference) or not reference[0]:
        return None
    (scale, offset), (reference_scale, reference_offset) = own, reference
    linear = Linear(scale / reference_scale, (offset - reference_offset) / reference_scale)
    return Calibration((linear,), data_type)


def calibrate(
    values: Array,
    valid: BoolArray,
    calibrations: Sequence[Calibration | None],
    dtype: np.dtype[Any],
    *,
    exact: bool = False,
) -> tuple[Array, BoolArray]:
    """Return an image's stored pixels (band, y, x) at their levels in `dtype`, and their validity.

    Bands without a calibration keep their values. A pixel without a value at its level is not valid. With
    `exact`, values are not rounded to their level's type.
    """
    out = np.empty(values.shape, dtype)
    good = valid.copy()
    # Overflowing values become infinite, and are then clipped to the range of an integer type.
    with np.errstate(all="ignore"):
        for band, calibration_of_band in enumerate(calibrations):
            if calibration_of_band is None:
                # The values were read in a type that holds all bands of the file.
                np.copyto(out[band], values[band], casting="unsafe")
            elif calibration_of_band.is_defined_everywhere and not exact:
                out[band] = map_values(values[band], calibration_of_band)
            else:
                found = map_values(values[band], calibration_of_band.exact)
                good[band] &= ~np.isnan(found)
                out[band] = found if exact else convert(found, numpy_type(calibration_of_band.data_type))
    return out, good


def fill_missing(
    values: Array,
    valid: BoolArray,
    calibrations: Sequence[Calibration | None],
    nodata: Sequence[float | None],
) -> None:
    """Write nodata into the pixels (band, y, x) of calibrated bands that are not valid.

    The value is the Band's nodata, or 0, as for pixels outside the images: unmasked results show it.
    """
    for band, calibration_of_band in enumerate(calibrations):
        if calibration_of_band is not None:
            held = representable_nodata(values.dtype, nodata[band])
            values[band][~valid[band]] = 0 if held is None else held


def _solar_elevation(degrees: float) -> Linear:
    if not 0 < degrees <= 90:
        raise ValueError("the sun's elevation must be above 0 and up to 90 degrees")
    return Linear(1 / math.sin(math.radians(degrees)))


# Functions with the names of their coefficients.
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
    if function == PHYSICAL:
        return Linear(*(source.radiometry.get(band.name) or declared_scaling(band) or IDENTITY))
    if function in MASK_FUNCTIONS:
        return _mask_operation(band, function, step.get("values"))
    if function not in _FUNCTIONS:
        raise ValueError(
            f"a processing level of band {band.name!r} has a step with the unknown function {function!r}: "
            f"the functions are {', '.join((*_FUNCTIONS, PHYSICAL, *MASK_FUNCTIONS, AS_STORED))}"
        )
    make, names = _FUNCTIONS[function]
    step_text = f"step {function!r} of band {band.name!r}"
    location, value = _coefficient(source, step_text, step)
    numbers = tuple(value) if isinstance(value, Sequence) else (value,)
    if len(numbers) != len(names) or not all(isinstance(n, Real) and math.isfinite(n) for n in numbers):
        raise RasterError(
            f"image {source.id!r} has no {' and '.join(names)} for {step_text}: its {location} is "
            f"{'not set' if value is None else repr(value)}",
            source.id,
            (band.name,),
        )
    try:
        return make(*map(float, numbers))
    except ValueError as error:
        message = f"image {source.id!r} does not allow {step_text}: its {location} is {value!r}, {error}"
        raise RasterError(message, source.id, (band.name,)) from error


def _mask_operation(band: Band, function: str, values: Any) -> AnyOf | AnyBits:
    """Return the operation of a mask's step."""
    whole = isinstance(values, Sequence) and all(
        isinstance(value, int) and not isinstance(value, bool) for value in values
    )
    if not whole or not values or (function == "any_bits" and not all(0 <= bit < _BITS for bit in values)):
        kind = f"bits from 0 to {_BITS - 1}" if function == "any_bits" else "whole numbers"
        raise ValueError(
            f"step {function!r} of band {band.name!r} must have a list of {kind} as its values, got "
            f"{values!r}"
        )
    if function == "any_of":
        return AnyOf(tuple(values))
    return AnyBits(sum(1 << bit for bit in set(values)))


def _coefficient(source: Source, step_text: str, step: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the name and value of an image's coefficients for a step; the value is None if not set."""
    parameter, index = step.get("parameter"), step.get("index")
    if not parameter:
        raise ValueError(f"{step_text} names no parameter, the image attribute with its coefficients")
    if index is not None and (not isinstance(index, int) or index < 0):
        raise ValueError(f"{step_text} has the index {index!r}; an index is a whole number from 0")
    value = source.coefficients.get(parameter)
    if value is not None and not isinstance(value, Sequence):
        return parameter, value
    if index is None:
        # A list with one entry needs no index.
        if value is not None and len(value) != 1:
            raise ValueError(
                f"{step_text} has no index, but image {source.id!r} has {len(value)} entries in its "
                f"{parameter}"
            )
        return parameter, value[0] if value else None
    return f"{parameter}[{index}]", value[index] if value and index < len(value) else None
