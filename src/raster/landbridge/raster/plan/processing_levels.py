"""Processing levels: data type, ranges and calibration steps of a band at a level."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from landbridge.raster.dtypes import check_data_type, full_range
from landbridge.raster.model import Band, Range
from landbridge.raster.plan.physical_values import Scaling

_MAX_ALIASES = 10
_DEFAULT_LEVEL = "default"
# Levels that bands without processing levels accept.
_UNIVERSAL_LEVELS = (None, _DEFAULT_LEVEL, "toa", "surface")
DEFAULT_DATA_RANGE = (0.0, 10000.0)
# Functions whose result, 0 or 1, says whether a stored value is marked: masks, which are never interpolated.
MASK_FUNCTIONS = ("any_of", "any_bits")
# Function whose result is the stored band, so that its steps change nothing.
AS_STORED = "dlsr"


@dataclass(frozen=True, slots=True)
class ProcessingLevel:
    """Processing level of a band: data type, ranges and the steps from the stored pixels.

    If `reference` is set, the level is the stored values at that scale and offset: the values of an image
    with other numbers are converted.
    """

    data_type: str
    data_range: Range
    display_range: Range
    physical_range: Range
    steps: tuple[Mapping[str, Any], ...] = ()
    reference: Scaling | None = None

    @property
    def marks(self) -> bool:
        """True if the level is a mask that is computed from the stored values."""
        return any(step.get("function") in MASK_FUNCTIONS for step in self.steps)

    @property
    def stored_nodata(self) -> float | None:
        """Nodata value of the stored pixels of a mask; that of other levels is their band's."""
        return next((step.get("nodata") for step in self.steps if step.get("nodata") is not None), None)


def physical_level(level: ProcessingLevel) -> ProcessingLevel:
    """Return the level of the physical values of stored pixels, by the numbers of each image."""
    return ProcessingLevel(
        "Float64",
        level.physical_range,
        level.physical_range,
        level.physical_range,
        ({"function": "physical"},),
    )


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
    if not steps and ignores_scaling_modes(band):
        # A mask that is computed from stored values has no other level.
        steps = _steps(band.name, band.processing_levels, _DEFAULT_LEVEL)
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
    data_range = _range(band.data_range) or DEFAULT_DATA_RANGE
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
