"""Types of the values that attributes and methods accept."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Protocol, SupportsFloat, SupportsIndex, TypeAlias

from landbridge.catalog.model.values import (
    DerivedParamsAttribute,
    File,
    ProcessingStepAttribute,
    Resolution,
)
from landbridge.geo import GeoContext
from landbridge.utils.expressions import Expression

__all__ = [
    "ColorLike",
    "Condition",
    "DerivedParamsLike",
    "FileLike",
    "GeometryLike",
    "NumberLike",
    "ProcessingLevelsLike",
    "ProcessingStepLike",
    "ResolutionLike",
    "SupportsGeoInterface",
    "TimeLike",
]


class SupportsGeoInterface(Protocol):
    """Object with a geometry as GeoJSON, such as a shapely geometry, an AOI or an image."""

    @property
    def __geo_interface__(self) -> Any: ...


# A number of Python or numpy; texts are not meant.
NumberLike: TypeAlias = SupportsFloat | SupportsIndex
# A datetime, a date, or a text such as "2024-01-31".
TimeLike: TypeAlias = date | str
# GeoJSON, or an object that has it.
GeometryLike: TypeAlias = SupportsGeoInterface | GeoContext | Mapping[str, Any]
# A resolution, a text such as "30m", or a mapping with `value` and `unit`.
ResolutionLike: TypeAlias = Resolution | Mapping[str, Any] | str
FileLike: TypeAlias = File | Mapping[str, Any]
DerivedParamsLike: TypeAlias = DerivedParamsAttribute | Mapping[str, Any]
ProcessingStepLike: TypeAlias = ProcessingStepAttribute | Mapping[str, Any]
# Levels by name: the name of another level, or steps.
ProcessingLevelsLike: TypeAlias = Mapping[str, str | Iterable[ProcessingStepLike]]
# An expression, or CQL2 as JSON or text.
Condition: TypeAlias = Expression | Mapping[str, Any] | str
# Red, green, blue and maybe alpha, from 0 to 255.
ColorLike: TypeAlias = Iterable[int | str]
