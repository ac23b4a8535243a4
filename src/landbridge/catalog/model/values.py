"""Values with named fields that products, bands and images hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Unpack

from landbridge.catalog.enums import DataType, ResolutionUnit
from landbridge.catalog.errors import AttributeValidationError
from landbridge.catalog.model.attribute_list import AttributeList, ListAttribute
from landbridge.catalog.model.attribute_mapping import AttributeMapping, MappingAttribute, ValueAttribute
from landbridge.catalog.model.attributes import Attribute, EnumAttribute, TypedAttribute
from landbridge.catalog.model.tuple_attribute import TupleAttribute

if TYPE_CHECKING:
    from landbridge.catalog.type_hints.attributes import (
        Integer,
        IntegerTuple,
        NumberOrText,
        Range,
        RequiredNumber,
        RequiredText,
        Text,
        Texts,
    )
    from landbridge.catalog.type_hints.keywords import (
        DerivedParamsAttributeKeywords,
        FileKeywords,
        ProcessingStepAttributeKeywords,
        ResolutionKeywords,
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
    """Size of a pixel: a number and its unit.

    Parameters
    ----------
    values : str, dict or Resolution, optional
        Text such as "60m" or "1.2 deg.", or a mapping with `value` and `unit`.
    **kwargs
        `value` and `unit`.

    Raises
    ------
    AttributeValidationError
        If the text has no number or no unit, or if the unit is unknown.

    Examples
    --------
    >>> resolution = Resolution("60m")
    >>> resolution.value, resolution.unit
    (60, 'meters')
    >>> resolution == Resolution(value=60, unit="meters")
    True
    """

    value: RequiredNumber = Attribute(doc="Number, in `unit`.")
    unit: RequiredText = EnumAttribute(ResolutionUnit, doc='Unit: "meters" or "degrees".')

    def __init__(
        self,
        values: str | Mapping[str, Any] | Resolution | None = None,
        **kwargs: Unpack[ResolutionKeywords],
    ) -> None:
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
        """Return a resolution as a plain dict.

        Parameters
        ----------
        value : Resolution or None
            Resolution.
        jsonapi_format : bool, default False
            Serialize for a JSON:API document; the result is the same.

        Returns
        -------
        dict or None
            Dict with `value` and `unit`.

        Examples
        --------
        >>> Resolution.serialize(Resolution("60m"))
        {'value': 60, 'unit': 'meters'}
        """
        return super().serialize(value, jsonapi_format)

    @classmethod
    def deserialize(cls, value: Any, validate: bool = True) -> Any:
        """Return a resolution from a text or a mapping.

        Parameters
        ----------
        value : str, dict, Resolution or None
            Value to convert. A number alone has no unit and is refused.
        validate : bool, default True
            Check the value; False for values that the service sent.

        Returns
        -------
        Resolution or None
            The resolution itself if `value` is one.

        Raises
        ------
        AttributeValidationError
            If the value is not a resolution.

        Examples
        --------
        >>> Resolution.deserialize("0.5 degrees").unit
        'degrees'
        """
        if validate and value is not None and not isinstance(value, cls):
            return cls(value)
        return super().deserialize(value, validate)


def _parsed(text: str) -> dict[str, Any]:
    match = _TEXT.fullmatch(text)
    unit = _UNITS.get(match["unit"].lower()) if match else None
    if match is None or unit is None:
        raise AttributeValidationError(
            f"{text!r} is not a resolution: give a number and a unit (m, meters, deg, degrees), as in '60m'."
        )
    number = float(match["value"])
    return {"value": int(number) if number.is_integer() else number, "unit": unit}


class File(MappingAttribute):
    """File with pixels of an image.

    Parameters
    ----------
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> image.files[0].size_bytes > 0
    True
    >>> File(href="s3://bucket/scene.tif").href
    's3://bucket/scene.tif'
    """

    href: RequiredText = Attribute(doc="Address of the file.")
    size_bytes: Integer = Attribute(
        doc='Size in bytes; required if the image\'s `storage_state` is "available".'
    )
    hash: Text = Attribute(doc='MD5 in hexadecimal; required if the image\'s `storage_state` is "available".')
    provider_id: Text = Attribute(doc="Id that the provider gives the file.")
    provider_href: Text = Attribute(doc="Address of the file at the provider.")

    if TYPE_CHECKING:

        def __init__(self, **kwargs: Unpack[FileKeywords]) -> None: ...


class ProcessingStepAttribute(MappingAttribute):
    """Step from the stored pixels to a processing level.

    Rasters can apply the functions gain_bias, scale, solar_elevation, brightness_temperature, dlsr,
    physical, any_of and any_bits.

    Parameters
    ----------
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> step = ProcessingStepAttribute(function="gain_bias", parameter="reflectance_gain_bias", index=0)
    >>> step.function
    'gain_bias'
    """

    function: RequiredText = TypedAttribute(str, doc="Name of the processing function. Required.")
    parameter: Text = TypedAttribute(str, doc="Name of the image attribute that holds the coefficients.")
    index: Integer = TypedAttribute(
        int, doc="Index of the band in that attribute; not needed if the attribute has one entry."
    )
    values: IntegerTuple = TupleAttribute(
        int, doc="Values that any_of marks, or bits, from 0, that any_bits marks."
    )
    nodata: NumberOrText = Attribute(doc="Value of stored pixels without data, if it is not the band's.")
    data_type: Text = EnumAttribute(DataType, doc="Type of the result: a `DataType`.")
    data_range: Range = TupleAttribute(
        float, coerce=True, min_length=2, max_length=2, doc="Smallest and greatest value of the result."
    )
    display_range: Range = TupleAttribute(
        float,
        coerce=True,
        min_length=2,
        max_length=2,
        doc="Values of the result that are displayed as black and as white.",
    )
    physical_range: Range = TupleAttribute(
        float, coerce=True, min_length=2, max_length=2, doc="Physical values at the ends of `data_range`."
    )
    physical_range_unit: Text = Attribute(doc="Unit of the physical values.")

    if TYPE_CHECKING:

        def __init__(self, **kwargs: Unpack[ProcessingStepAttributeKeywords]) -> None: ...


_STEPS = ListAttribute(ValueAttribute(ProcessingStepAttribute))


class ProcessingLevelsAttribute(AttributeMapping):
    """Processing levels by name: each is a list of steps, or the name of another level.

    Parameters
    ----------
    value : dict, optional
        Levels by name. A step is a ProcessingStepAttribute or a dict.
    validate : bool, default True
        Check the values; False for values that the service sent.
    **kwargs
        Further levels by name.

    Examples
    --------
    >>> step = {"function": "gain_bias", "parameter": "reflectance_gain_bias", "index": 0}
    >>> levels = ProcessingLevelsAttribute({"default": "toa", "toa": [step]})
    >>> levels["toa"][0].function
    'gain_bias'
    """

    def validate_key_and_value(self, key: str, value: Any) -> Any:
        """Return a level's value as it is stored.

        Parameters
        ----------
        key : str
            Name of the level.
        value : str or iterable
            Name of another level, or steps.

        Returns
        -------
        str or list
            Name, or list of ProcessingStepAttribute.

        Raises
        ------
        AttributeValidationError
            If the name or the value is of another type.

        Examples
        --------
        >>> ProcessingLevelsAttribute().validate_key_and_value("default", "toa")
        'toa'
        """
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
    """Function and bands that a derived band is computed from.

    Parameters
    ----------
    **kwargs
        Values of attributes.

    Examples
    --------
    >>> params = DerivedParamsAttribute(function="ndvi", bands=["nir", "red"])
    >>> params.function
    'ndvi'
    """

    function: RequiredText = TypedAttribute(str, doc="Name of the function. Required.")
    bands: Texts = ListAttribute(
        TypedAttribute(str), doc="Names of the bands that the function is called with. Required."
    )
    source_type: Text = EnumAttribute(DataType, doc="Type that the bands are read as: a `DataType`.")

    if TYPE_CHECKING:

        def __init__(self, **kwargs: Unpack[DerivedParamsAttributeKeywords]) -> None: ...

    @classmethod
    def deserialize(cls, value: Any, validate: bool = True) -> Any:
        """Return an instance from a mapping.

        Parameters
        ----------
        value : dict, DerivedParamsAttribute or None
            Mapping with `function` and `bands`.
        validate : bool, default True
            Check the value; False for values that the service sent.

        Returns
        -------
        DerivedParamsAttribute or None
            The instance itself if `value` is one.

        Raises
        ------
        AttributeValidationError
            If `function` or `bands` is missing, or if a value is refused.

        Examples
        --------
        >>> DerivedParamsAttribute.deserialize({"function": "ndvi", "bands": ["nir", "red"]}).bands[0]
        'nir'
        """
        made = super().deserialize(value, validate)
        if validate and made is not None and (made.function is None or not made.bands):
            raise AttributeValidationError(f"derived_params needs a function and bands; got {value!r}.")
        return made


class StringDictAttribute(AttributeMapping):
    """Mapping from strings to strings."""

    def validate_key_and_value(self, key: str, value: Any) -> Any:
        """Return the value; AttributeValidationError unless it and its key are strings."""
        if not isinstance(key, str) or not isinstance(value, str):
            raise AttributeValidationError(f"Keys and values are texts; got {key!r}: {value!r}.")
        return value

    def _load(self, value: Any) -> Any:
        return value
