"""Processing levels: data type, ranges and calibration steps of a band at a level."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from landbridge.raster.dtypes import check_data_type, full_range
from landbridge.raster.model import Band, Range

_MAX_ALIASES = 10
_DEFAULT_LEVEL = "default"
# Levels that bands without processing levels accept.
_UNIVERSAL_LEVELS = (None, _DEFAULT_LEVEL, "toa", "surface")
_DEFAULT_DATA_RANGE = (0.0, 10000.0)
# Function whose result is the stored band, so that its steps change nothing.
AS_STORED = "dlsr"


@dataclass(frozen=True, slots=True)
class ProcessingLevel:
    """Processing level of a band: data type, ranges and the steps from the stored pixels."""

    data_type: str
    data_range: Range
    display_range: Range
    physical_range: Range
    steps: tuple[Mapping[str, Any], ...] = ()


def ignores_scaling_modes(band: Band) -> bool:
    """Return whether scaling modes leave a band unchanged, as for masks and classes."""
    return band.type in ("mask", "class")


def processing_level_of(band: Band, processing_level: str | None) -> ProcessingLevel:
    """Return a band's processing level.

    Raises:
        ValueError: if the band has no levels and the requested one is not universal, or if the level is an
            alias of a missing level or of itself.
    """
    if not band.processing_levels:
        if processing_level not in _UNIVERSAL_LEVELS and not ignores_scaling_modes(band):
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
    return ProcessingLevel(
        data_type,
        data_range,
        _range(last.get("display_range")) or data_range,
        _range(last.get("physical_range")) or data_range,
        steps,
    )


def coefficient_names(bands: Iterable[Band]) -> frozenset[str]:
    """Return the image attributes that hold the coefficients of any level of these bands."""
    levels = [level for band in bands for level in (band.processing_levels or {}).values()]
    steps = [step for level in levels if not isinstance(level, str) for step in level or ()]
    return frozenset(str(step["parameter"]) for step in steps if step.get("parameter"))


def _raw(band: Band) -> ProcessingLevel:
    data_range = _range(band.data_range) or _DEFAULT_DATA_RANGE
    return ProcessingLevel(
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
                f"processing level {name!r} of band {band!r} is an alias of {value!r}, which does not exist"
            )
        value = levels[value]
    raise ValueError(f"processing level {name!r} of band {band!r} is an alias in an infinite loop")


def _range(value: Sequence[float] | None) -> Range | None:
    return None if value is None else (value[0], value[1])
