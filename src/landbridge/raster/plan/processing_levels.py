"""Processing levels: what a band's pixels are at a level, by its type and ranges."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from landbridge.raster.dtypes import check_data_type, full_range
from landbridge.raster.model import Band, Range

_MAX_ALIASES = 10
_DEFAULT_LEVEL = "default"
# Levels that every band is taken to have, for products without any.
_UNIVERSAL_LEVELS = (None, _DEFAULT_LEVEL, "toa", "surface")
_DEFAULT_DATA_RANGE = (0.0, 10000.0)
# A function whose result is stored like the raw band, so that its steps describe nothing new.
AS_STORED = "dlsr"


@dataclass(frozen=True, slots=True)
class Level:
    """A band at a processing level: its type, its ranges and the steps that lead there from the raw
    pixels.
    """

    data_type: str
    data_range: Range
    display_range: Range
    physical_range: Range
    steps: tuple[Mapping[str, Any], ...] = ()


def unscaled(band: Band) -> bool:
    """Whether modes of scaling leave a band alone: masks and classes."""
    return band.type in ("mask", "class")


def level_of(band: Band, processing_level: str | None) -> Level:
    """A band at a processing level.

    Raises:
        ValueError: a band without levels is asked for one that not all bands have, or the level is an alias
            that leads nowhere or in a circle.
    """
    if not band.processing_levels:
        if processing_level not in _UNIVERSAL_LEVELS and not unscaled(band):
            raise ValueError(f"band {band.name!r} has no processing level {processing_level!r}")
        return _raw(band)
    steps = _steps(band.name, band.processing_levels, processing_level or _DEFAULT_LEVEL)
    if not steps:
        return _raw(band)
    last = steps[-1]
    if last.get("function") == AS_STORED:
        return _raw(band)
    data_type = check_data_type(last.get("data_type") or "Float64")
    data_range = _range(last.get("data_range")) or full_range(data_type)
    return Level(
        data_type,
        data_range,
        _range(last.get("display_range")) or data_range,
        _range(last.get("physical_range")) or data_range,
        steps,
    )


def coefficient_names(bands: Iterable[Band]) -> frozenset[str]:
    """The image attributes that steps of any level of these bands take coefficients from."""
    levels = [level for band in bands for level in (band.processing_levels or {}).values()]
    steps = [step for level in levels if not isinstance(level, str) for step in level or ()]
    return frozenset(str(step["parameter"]) for step in steps if step.get("parameter"))


def _raw(band: Band) -> Level:
    data_range = _range(band.data_range) or _DEFAULT_DATA_RANGE
    return Level(
        check_data_type(band.data_type or "UInt16"),
        data_range,
        _range(band.display_range) or data_range,
        _range(band.physical_range) or data_range,
    )


def _steps(band: str, levels: Mapping[str, Any], name: str) -> tuple[Mapping[str, Any], ...]:
    if name not in levels:
        return ()
    value = levels[name]
    for _ in range(_MAX_ALIASES):
        if not isinstance(value, str):
            return tuple(value or ())
        if value not in levels:
            raise ValueError(
                f"processing level {name!r} of band {band!r} is an alias of {value!r}, which is none"
            )
        value = levels[value]
    raise ValueError(f"processing level {name!r} of band {band!r} is an alias in an infinite loop")


def _range(value: Sequence[float] | None) -> Range | None:
    return None if value is None else (value[0], value[1])
