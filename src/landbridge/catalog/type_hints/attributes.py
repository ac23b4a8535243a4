"""Types of attributes: the value that is read from an object, and the values that can be assigned.

They describe objects as the service returns them. Before an object is saved, a required attribute reads None
until it is set, and a time that was assigned as a text reads as that text.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from datetime import datetime
from typing import Any, Never, TypeAlias

from shapely.geometry.base import BaseGeometry

from landbridge.catalog.events.destination import EventConnectionParameter
from landbridge.catalog.events.subscription import EventSubscriptionTarget
from landbridge.catalog.image import Image
from landbridge.catalog.image_upload import ImageUploadEvent, ImageUploadOptions
from landbridge.catalog.model.attribute_list import AttributeList
from landbridge.catalog.model.attributes import Attribute
from landbridge.catalog.model.values import (
    DerivedParamsAttribute,
    File,
    ProcessingStepAttribute,
    Resolution,
)
from landbridge.catalog.product import Product
from landbridge.catalog.type_hints.values import (
    ColorLike,
    Condition,
    DerivedParamsLike,
    FileLike,
    GeometryLike,
    NumberLike,
    ProcessingLevelsLike,
    ProcessingStepLike,
    ResolutionLike,
    TimeLike,
)

# Texts and enumerations
Text: TypeAlias = Attribute[str | None, str | None]
RequiredText: TypeAlias = Attribute[str, str]
ReadOnlyText: TypeAlias = Attribute[str | None, Never]
Texts: TypeAlias = Attribute[AttributeList[str, str] | None, Iterable[str] | None]
ReadOnlyTexts: TypeAlias = Attribute[AttributeList[str, str] | None, Never]

# Numbers and truth values
Number: TypeAlias = Attribute[float | None, NumberLike | None]
RequiredNumber: TypeAlias = Attribute[float, float]
PlainNumber: TypeAlias = Attribute[float | None, float | None]
NumberOrText: TypeAlias = Attribute[float | str | None, float | str | None]
Integer: TypeAlias = Attribute[int | None, int | None]
Integers: TypeAlias = Attribute[AttributeList[int, int] | None, Iterable[int] | None]
Flag: TypeAlias = Attribute[bool | None, bool | None]
Range: TypeAlias = Attribute[tuple[float, float] | None, Iterable[NumberLike]]
Transform: TypeAlias = Attribute[tuple[float, float, float, float, float, float] | None, Iterable[NumberLike]]
IntegerTuple: TypeAlias = Attribute[tuple[int, ...] | None, Iterable[int]]
Numbers: TypeAlias = Attribute[AttributeList[float, NumberLike] | None, Iterable[NumberLike] | None]
Rows: TypeAlias = Attribute[
    AttributeList[AttributeList[float, NumberLike], Iterable[NumberLike]] | None,
    Iterable[Iterable[NumberLike]] | None,
]
Colors: TypeAlias = Attribute[
    list[list[int | str]] | dict[str, list[int | str]] | None,
    Iterable[ColorLike] | Mapping[str, ColorLike] | None,
]

# Times and places
Time: TypeAlias = Attribute[datetime | None, TimeLike | None]
RequiredTime: TypeAlias = Attribute[datetime, TimeLike | None]
ReadOnlyTime: TypeAlias = Attribute[datetime | None, Never]
Geometry: TypeAlias = Attribute[BaseGeometry | None, GeometryLike | None]
RequiredGeometry: TypeAlias = Attribute[BaseGeometry, GeometryLike | None]

# Values with fields
SizeOfPixel: TypeAlias = Attribute[Resolution | None, ResolutionLike | None]
ReadOnlySizeOfPixel: TypeAlias = Attribute[Resolution | None, Never]
Files: TypeAlias = Attribute[AttributeList[File, FileLike] | None, Iterable[FileLike] | None]
ProcessingLevels: TypeAlias = Attribute[
    MutableMapping[str, str | AttributeList[ProcessingStepAttribute, ProcessingStepLike]] | None,
    ProcessingLevelsLike | None,
]
DerivedParams: TypeAlias = Attribute[DerivedParamsAttribute | None, DerivedParamsLike | None]
Extra: TypeAlias = Attribute[MutableMapping[str, Any] | None, Mapping[str, Any] | None]
UploadOptions: TypeAlias = Attribute[ImageUploadOptions | None, ImageUploadOptions | Mapping[str, Any] | None]
UploadEvents: TypeAlias = Attribute[AttributeList[ImageUploadEvent, Never] | None, Never]

# Parts of subscriptions
EventTargets: TypeAlias = Attribute[
    AttributeList[EventSubscriptionTarget, EventSubscriptionTarget | Mapping[str, Any]] | None,
    Iterable[EventSubscriptionTarget | Mapping[str, Any]] | None,
]
EventFilters: TypeAlias = Attribute[
    AttributeList[Condition, Condition] | None,
    Iterable[Condition] | None,
]
ConnectionParameters: TypeAlias = Attribute[
    AttributeList[EventConnectionParameter, EventConnectionParameter | Mapping[str, Any]] | None,
    Iterable[EventConnectionParameter | Mapping[str, Any]] | None,
]

# Other objects
ProductReference: TypeAlias = Attribute[Product, Product]
ImageReference: TypeAlias = Attribute[Image, Image]
