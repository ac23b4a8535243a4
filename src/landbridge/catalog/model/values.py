"""The values with named fields that products, bands and images hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from landbridge.catalog.enums import DataType, ResolutionUnit
from landbridge.catalog.errors import AttributeValidationError
from landbridge.catalog.model.attributes import Attribute, EnumAttribute, TupleAttribute, TypedAttribute
from landbridge.catalog.model.containers import (
    AttributeList,
    AttributeMapping,
    ListAttribute,
    MappingAttribute,
    ValueAttribute,
)

__all__ = [
    "DerivedParamsAttribute",
    "File",
    "ProcessingLevelsAttribute",
    "ProcessingStepAttribute",
    "Resolution",
    "StringDictAttribute",
]

_TEXT = re.compile(r"\s*(?P<value>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(?P<unit>°|[A-Za-z]+)\.?\s*")
_UNITS = {
    "m": ResolutionUnit.METERS,
    "meter": ResolutionUnit.METERS,
    "metre": ResolutionUnit.METERS,
    "meters": ResolutionUnit.METERS,
    "metres": ResolutionUnit.METERS,
    "°": ResolutionUnit.DEGREES,
    "deg": ResolutionUnit.DEGREES,
    "degree": ResolutionUnit.DEGREES,
    "degrees": ResolutionUnit.DEGREES,
}


class Resolution(MappingAttribute):
    """The size of a pixel: a number and its unit.

    Made from a text ("60m", "1.2 deg."), a mapping with value and unit, or the two as keywords.
    """

    value = Attribute(doc="The size, in `unit`.")
    unit = EnumAttribute(ResolutionUnit, doc="Meters or degrees.")

    def __init__(self, values: str | Mapping[str, Any] | Resolution | None = None, **kwargs: Any) -> None:
        if isinstance(values, str):
            values = _parsed(values)
        elif isinstance(values, Resolution):
            values = values._values
        elif values is not None and not isinstance(values, Mapping):
            raise AttributeValidationError(
                f"A resolution is a text such as '60m', or a value and a unit; got {values!r}."
            )
        super().__init__(**{**(values or {}), **kwargs})

    @classmethod
    def serialize(cls, value: Any, jsonapi_format: bool = False) -> Any:
        """Value and unit as a plain dict."""
        return super().serialize(value, jsonapi_format)

    @classmethod
    def deserialize(cls, value: Any, validate: bool = True) -> Any:
        """An instance from a text or a mapping, or the instance itself; a bare number has no unit."""
        if validate and value is not None and not isinstance(value, cls):
            return cls(value)
        return super().deserialize(value, validate)


def _parsed(text: str) -> dict[str, Any]:
    match = _TEXT.fullmatch(text)
    unit = _UNITS.get(match["unit"].lower()) if match else None
    if match is None or unit is None:
        raise AttributeValidationError(
            f"{text!r} is no resolution: give a number and a unit (m, meters, deg, degrees), as in '60m'."
        )
    number = float(match["value"])
    return {"value": int(number) if number.is_integer() else number, "unit": unit}


class File(MappingAttribute):
    """One file of an image."""

    href = Attribute(doc="Where the file is.")
    size_bytes = Attribute(doc="Its size in bytes; required where the image's data is available.")
    hash = Attribute(doc="Its MD5, in hexadecimal; required where the image's data is available.")
    provider_id = Attribute(doc="The provider's id of the file.")
    provider_href = Attribute(doc="Where the provider keeps the file.")


class ProcessingStepAttribute(MappingAttribute):
    """One step from the stored pixels to a processing level.

    The functions that rasters know are gain_bias, scale, solar_elevation, brightness_temperature and dlsr.
    """

    function = TypedAttribute(str, doc="The name of the processing function. Required.")
    parameter = TypedAttribute(str, doc="The image attribute with its coefficients. Required.")
    index = TypedAttribute(int, doc="The index of the band in that attribute; a list of one needs none.")
    data_type = EnumAttribute(DataType, doc="The type of the step's result.")
    data_range = TupleAttribute(float, coerce=True, min_length=2, max_length=2, doc="The result's range.")
    display_range = TupleAttribute(
        float, coerce=True, min_length=2, max_length=2, doc="The part of the result's range worth showing."
    )
    physical_range = TupleAttribute(
        float, coerce=True, min_length=2, max_length=2, doc="The physical values of the result's range."
    )
    physical_range_unit = Attribute(doc="The unit of the physical range.")


_STEPS = ListAttribute(ValueAttribute(ProcessingStepAttribute))


class ProcessingLevelsAttribute(AttributeMapping):
    """Processing levels by name: each a list of steps, or the name of another level."""

    def validate_key_and_value(self, key: str, value: Any) -> Any:
        """The alias, or the steps as a tracked list."""
        if not isinstance(key, str):
            raise AttributeValidationError(f"A processing level's name is a text; got {key!r}.")
        if isinstance(value, str):
            return value
        steps = isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping))
        if not steps and not isinstance(value, AttributeList):
            raise AttributeValidationError(
                f"Processing level {key!r} must be a list of steps or the name of a level; got {value!r}."
            )
        try:
            return _STEPS.deserialize(value, validate=True)
        except (AttributeError, TypeError) as error:
            raise AttributeValidationError(f"Processing level {key!r}: {error}") from error

    def _load(self, value: Any) -> Any:
        return _STEPS.deserialize(value, validate=False)


class DerivedParamsAttribute(MappingAttribute):
    """How a derived band is computed from others."""

    function = TypedAttribute(str, doc="The name of the function. Required.")
    bands = ListAttribute(TypedAttribute(str), doc="The names of the bands it is given. Required.")
    source_type = EnumAttribute(DataType, doc="The type the bands are read as.")

    @classmethod
    def deserialize(cls, value: Any, validate: bool = True) -> Any:
        """An instance from a mapping with at least function and bands."""
        made = super().deserialize(value, validate)
        if validate and made is not None and (made.function is None or not made.bands):
            raise AttributeValidationError(f"derived_params needs a function and bands; got {value!r}.")
        return made


class StringDictAttribute(AttributeMapping):
    """A mapping from texts to texts."""

    def validate_key_and_value(self, key: str, value: Any) -> Any:
        """The value; both it and its key must be texts."""
        if not isinstance(key, str) or not isinstance(value, str):
            raise AttributeValidationError(f"Keys and values are texts; got {key!r}: {value!r}.")
        return value

    def _load(self, value: Any) -> Any:
        return value
