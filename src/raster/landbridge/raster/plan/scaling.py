"""Scaling argument of raster calls, resolved to input and output bounds per band.

A band's scale is None (values unchanged), () (from the band's actual minimum and maximum to 0-255) or
(input low, input high, output low, output high).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from numbers import Integral, Real
from typing import Any

from landbridge.raster.dtypes import check_data_type, common_type, full_range, is_integer, smallest_integer
from landbridge.raster.model import Band, Range
from landbridge.raster.plan.processing_levels import (
    ProcessingLevel,
    ignores_scaling_modes,
    processing_level_of,
)
from landbridge.raster.rescale import Scale

Bound = float | str


class ScalingMode(StrEnum):
    """Way to scale bands without explicit bounds.

    RAW
        Values stay unchanged.
    DISPLAY
        The display range maps to 0-255.
    AUTO
        The actual minimum and maximum map to 0-255.
    PHYSICAL
        The data range maps to the physical range.
    """

    RAW = "raw"
    DISPLAY = "display"
    AUTO = "auto"
    PHYSICAL = "physical"


class Basis(StrEnum):
    """Values that a band's scaling starts from, if the images of a product differ in scale and offset.

    STORED
        The values as stored in each image: without a scaling, and for bounds that are numbers.
    PRODUCT
        Stored values at the scale and offset of the product, which its display range refers to.
    PHYSICAL
        Physical values, which the scaling returns.
    """

    STORED = "stored"
    PRODUCT = "product"
    PHYSICAL = "physical"


# Output range of "display". Integer types truncate its end to 255; for other types the last of the 256 shades
# gets the full width of one.
_DISPLAY_OUTPUT = (0, 255.99)
_DISPLAY_INTEGER = (0, 255)
_MODE_TYPES = {ScalingMode.DISPLAY: "Byte", ScalingMode.AUTO: "Byte", ScalingMode.PHYSICAL: "Float64"}


@dataclass(frozen=True, slots=True)
class _Spec:
    """Request for one band: a mode, bounds (zero, two or four), or neither."""

    mode: ScalingMode | None = None
    bounds: tuple[Bound, ...] | None = None
    # Mode on a mask or class band. It scales nothing, and counts only if no other band has a mode.
    ignored_mode: ScalingMode | None = None

    @property
    def implied(self) -> ScalingMode | None:
        """Mode that the bounds imply."""
        if self.bounds is None:
            return None
        if not self.bounds:
            return ScalingMode.AUTO
        if len(self.bounds) == 2:
            return ScalingMode.DISPLAY
        return ScalingMode.PHYSICAL if any(isinstance(bound, Real) for bound in self.bounds[2:]) else None


def scaling_parameters(
    bands: Sequence[Band],
    processing_level: str | None = None,
    scaling: Any = None,
    data_type: str | None = None,
) -> tuple[list[Scale] | None, str]:
    """Resolve a scaling for the bands of one product.

    Parameters
    ----------
    bands : sequence of Band
        Bands of one product.
    processing_level : str, optional
        Name of the processing level; None is the default level.
    scaling : str, sequence or mapping, optional
        A mode ("raw", "display", "auto" or "physical") for all bands; a list with an entry per band; or a
        mapping from band names, and "default_" for the others, to entries. An entry is None, a mode, or a
        tuple of zero, two (input) or four (input and output) bounds: numbers, or percentages such as "2%".
    data_type : str, optional
        Data type of the output; by default it follows from the scaling and the bands.

    Returns
    -------
    scales : list or None
        Per band: None (values unchanged), () (from actual minimum and maximum to 0-255) or (input low, input
        high, output low, output high). None if no band is scaled.
    data_type : str
        Data type of the output.

    Raises
    ------
    ValueError
        If scaling, data type or processing level is not valid for these bands, or modes conflict.

    Examples
    --------
    >>> from landbridge.raster import Band, scaling_parameters
    >>> scaling_parameters([Band("red", display_range=(0, 4000))], scaling="display")
    ([(0, 4000, 0, 255)], 'Byte')
    """
    scales, output = _resolve(bands, processing_level, scaling, data_type)
    return (scales if any(scale is not None for scale in scales) else None), output


def collection_scaling_parameters(
    products: Sequence[Sequence[Band]],
    processing_level: str | None = None,
    scaling: Any = None,
    data_type: str | None = None,
) -> tuple[list[Scale] | None, str]:
    """Resolve a scaling for bands that several products have in common.

    Parameters
    ----------
    products : sequence of sequence of Band
        Bands of each product, in the same order.
    processing_level, scaling, data_type
        As in `scaling_parameters`.

    Returns
    -------
    scales : list or None
        Scale per band, as in `scaling_parameters`; a list of None if the scaling leaves all bands unchanged,
        and None if there is no scaling.
    data_type : str
        Data type that holds the output of all products.

    Raises
    ------
    ValueError
        As for one product, or if a band's scale differs between products.
    """
    if not products:
        raise ValueError("there are no products to scale the bands of")
    results = [_resolve(bands, processing_level, scaling, data_type) for bands in products]
    scales = results[0][0]
    for other, _ in results[1:]:
        for position, (first, second) in enumerate(zip(scales, other, strict=True)):
            if first != second:
                raise ValueError(
                    f"the products' bands {products[0][position].name!r} have incompatible scales: "
                    f"{first} and {second}; give the scaling explicitly"
                )
    return (None if scaling is None else scales), common_type(output for _, output in results)


def scaling_bases(
    bands: Sequence[Band], processing_level: str | None = None, scaling: Any = None
) -> list[Basis]:
    """Return the values that the scaling of each band of one product starts from.

    Raises ValueError as `scaling_parameters` does.
    """
    levels = [processing_level_of(band, processing_level) for band in bands]
    specs = _parse(scaling, bands)
    if all(spec == _Spec() for spec in specs):
        return [Basis.STORED] * len(bands)
    return [
        # The steps of a level use the numbers of each image themselves.
        Basis.STORED if level.steps else _basis(spec)
        for spec, level in zip(specs, levels, strict=True)
    ]


def _basis(spec: _Spec) -> Basis:
    if spec.bounds is None:
        if spec.mode is None or spec.mode is ScalingMode.RAW:
            return Basis.STORED
        return Basis.PHYSICAL if spec.mode is ScalingMode.PHYSICAL else Basis.PRODUCT
    # Percentages are those of a range of the product; numbers are what the caller found in the pixels.
    return Basis.PRODUCT if all(isinstance(bound, str) for bound in spec.bounds[:2]) else Basis.STORED


def _resolve(
    bands: Sequence[Band], processing_level: str | None, scaling: Any, data_type: str | None
) -> tuple[list[Scale], str]:
    levels = [processing_level_of(band, processing_level) for band in bands]
    if data_type is not None:
        data_type = check_data_type(data_type)
    specs = _parse(scaling, bands)
    if all(spec == _Spec() for spec in specs):
        return [None] * len(bands), data_type or common_type(level.data_type for level in levels)
    mode, output = _mode_and_type(specs, data_type, levels)
    return [_scale(spec, level, mode, output) for spec, level in zip(specs, levels, strict=True)], output


def _parse(scaling: Any, bands: Sequence[Band]) -> list[_Spec]:
    if scaling is None:
        return [_Spec()] * len(bands)
    if isinstance(scaling, str):
        return [_parse_one(scaling, band) for band in bands]
    if isinstance(scaling, Mapping):
        return [_parse_one(_look_up(scaling, band), band) for band in bands]
    if not isinstance(scaling, (list, tuple)):
        raise ValueError(  # noqa: TRY004 - the API promises a ValueError
            f"scaling must be None, a mode, a list or a mapping, got {type(scaling).__name__}"
        )
    if len(scaling) != len(bands):
        raise ValueError(f"scaling must have one entry per band: {len(scaling)} for {len(bands)} bands")
    return [_parse_one(entry, band) for entry, band in zip(scaling, bands, strict=True)]


def _look_up(scaling: Mapping[str, Any], band: Band) -> Any:
    if band.name in scaling:
        return scaling[band.name]
    return None if ignores_scaling_modes(band) else scaling.get("default_")


def _parse_one(entry: Any, band: Band) -> _Spec:
    if entry is None:
        return _Spec()
    if isinstance(entry, str):
        try:
            mode = ScalingMode(entry)
        except ValueError:
            raise ValueError(
                f"scaling mode of band {band.name!r} must be one of {', '.join(ScalingMode)}, got {entry!r}"
            ) from None
        return _Spec(ignored_mode=mode) if ignores_scaling_modes(band) else _Spec(mode=mode)
    if not isinstance(entry, (list, tuple)):
        raise ValueError(  # noqa: TRY004 - the API promises a ValueError
            f"scaling of band {band.name!r} must be None, a mode or a tuple, got {entry!r}"
        )
    if len(entry) not in (0, 2, 4):
        raise ValueError(
            f"scaling of band {band.name!r} must be a tuple of 0, 2 or 4 bounds, got {len(entry)}"
        )
    for bound in entry:
        _check_bound(bound, band.name)
    return _Spec(bounds=tuple(entry))


def _check_bound(bound: Any, band: str) -> None:
    if isinstance(bound, Real) and bound is not True and bound is not False:
        return
    if isinstance(bound, str) and bound.endswith("%"):
        try:
            float(bound[:-1])
        except ValueError:
            pass
        else:
            return
    raise ValueError(f"a bound of band {band!r} must be a number or a percentage such as '2%', got {bound!r}")


def _mode_and_type(
    specs: Sequence[_Spec], data_type: str | None, levels: Sequence[ProcessingLevel]
) -> tuple[ScalingMode, str]:
    mode = _single_mode({spec.mode for spec in specs if spec.mode is not None})
    if mode is None and data_type is not None:
        mode = _mode_of_type(data_type)
    if mode is None:
        mode, data_type = _implied_mode(specs)
    if data_type is None:
        data_type = _MODE_TYPES.get(mode) or common_type(level.data_type for level in levels)
    return mode, data_type


def _single_mode(modes: set[ScalingMode]) -> ScalingMode | None:
    if modes == {ScalingMode.AUTO, ScalingMode.DISPLAY}:
        return ScalingMode.DISPLAY
    if len(modes) > 1:
        raise ValueError(f"Conflicting modes: {', '.join(sorted(modes))}; only auto and display may be mixed")
    return next(iter(modes), None)


def _implied_mode(specs: Sequence[_Spec]) -> tuple[ScalingMode, str | None]:
    """Return the mode that bounds imply, and the data type if it follows from their output ranges."""
    implied = {spec.implied for spec in specs if spec.implied is not None}
    if not implied and any(spec.bounds for spec in specs):
        raise ValueError("cannot determine output data type or mode: the outputs are all percentages")
    if not implied:
        ignored_mode = _single_mode({spec.ignored_mode for spec in specs if spec.ignored_mode is not None})
        return ignored_mode or ScalingMode.RAW, None
    if implied <= {ScalingMode.AUTO, ScalingMode.DISPLAY} or len(implied) == 1:
        return _single_mode(implied) or ScalingMode.DISPLAY, None
    outputs = [value for spec in specs for value in _outputs(spec)]
    data_type = "Float64"
    if all(isinstance(value, Integral) for value in outputs):
        data_type = smallest_integer(min(outputs), max(outputs)) or "Float64"
    return _mode_of_type(data_type), data_type


def _outputs(spec: _Spec) -> tuple[float, ...]:
    """Return the output bounds of a spec that do not depend on the data type."""
    if spec.bounds is None:
        return ()
    if len(spec.bounds) == 4:
        return tuple(bound for bound in spec.bounds[2:] if not isinstance(bound, str))
    return _DISPLAY_INTEGER


def _mode_of_type(data_type: str) -> ScalingMode:
    if data_type == "Byte":
        return ScalingMode.DISPLAY
    return ScalingMode.RAW if is_integer(data_type) else ScalingMode.PHYSICAL


def _scale(spec: _Spec, level: ProcessingLevel, mode: ScalingMode, data_type: str) -> Scale:
    if spec.bounds is not None:
        bounds = spec.bounds
    elif spec.mode is None or spec.mode is ScalingMode.RAW:
        return None
    elif spec.mode is ScalingMode.AUTO:
        bounds = ()
    elif spec.mode is ScalingMode.DISPLAY:
        bounds = level.display_range
    elif level.data_range == level.physical_range:
        return None
    else:
        bounds = (*level.data_range, *level.physical_range)
    if not bounds:
        return ()
    inputs = _bounds(bounds[:2], _input_range(level, mode), cut=is_integer(level.data_type))
    output_range = _output_range(level, mode, data_type)
    outputs = _bounds(bounds[2:] or output_range, output_range, cut=is_integer(data_type))
    return (*inputs, *outputs)


def _input_range(level: ProcessingLevel, mode: ScalingMode) -> Range:
    if mode is ScalingMode.PHYSICAL:
        return level.data_range
    return full_range(level.data_type) if mode is ScalingMode.RAW else level.display_range


def _output_range(level: ProcessingLevel, mode: ScalingMode, data_type: str) -> Range:
    if mode is ScalingMode.PHYSICAL:
        return level.physical_range
    return full_range(data_type) if mode is ScalingMode.RAW else _DISPLAY_OUTPUT


def _bounds(bounds: Sequence[Bound], full: Range, *, cut: bool) -> tuple[float, float]:
    """Return two bounds as numbers, percentages relative to a range; `cut` truncates fractions."""
    first, second = (_value(bound, full) for bound in bounds)
    return (int(first), int(second)) if cut else (first, second)


def _value(bound: Bound, full: Range) -> float:
    if not isinstance(bound, str):
        return bound
    low, high = full
    return float(bound[:-1]) * (high - low) / 100 + low
