"""Attributes that are converted between Python and the service: timestamps, geometries, readable texts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from landbridge.catalog.errors import AttributeValidationError
from landbridge.catalog.model.attributes import A, Attribute, TypedAttribute, V
from landbridge.exceptions import BadRequestError
from landbridge.mappings import ids, times, values

__all__ = [
    "GeometryAttribute",
    "ReadableText",
    "Timestamp",
    "parse_datetime",
    "to_geojson",
    "to_shape",
    "within_world_bounds",
]


def parse_datetime(value: str | date) -> datetime:
    """Return a datetime in UTC from a datetime, a date or a text; without a time zone, it is UTC.

    A text is an ISO 8601 date and time with any number of decimals (cut to microseconds), a year or a month.
    ValueError for any other value.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return times.parse(value)


class ReadableText(TypedAttribute[V, A]):
    """A display name, without control characters, text direction marks and spaces at its ends."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(str, **kwargs)

    def validate_value(self, value: Any) -> Any:
        text = super().validate_value(value)
        if why := values.problem(text):
            raise AttributeValidationError(f"'{self.name}': {why}.")
        if why := ids.text_problem(text):
            raise AttributeValidationError(f"'{self.name}' is {text!r}, which {why}.")
        return text


class Timestamp(Attribute[V, A]):
    """A timestamp: any value until it is saved, and an aware datetime in UTC from the service."""

    is_json = False

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        if validate or not isinstance(value, str):
            return value
        try:
            return parse_datetime(value)
        except ValueError:
            return value

    def serialize(self, value: Any, jsonapi_format: bool = False) -> Any:
        del jsonapi_format
        return value.isoformat() if isinstance(value, date) else value

    def to_service(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            return times.format_utc(parse_datetime(value))
        except (AttributeError, TypeError, ValueError):
            raise BadRequestError(
                f"'{self.name}' is {value!r}, which is not a timestamp; give a datetime, or a text such as "
                "'2020-01-31' or '2020-01-31T10:20:30Z'."
            ) from None

    def same(self, one: Any, other: Any) -> bool:
        try:
            return parse_datetime(one) == parse_datetime(other)
        except (AttributeError, TypeError, ValueError):
            return bool(type(one) is type(other) and one == other)


class GeometryAttribute(Attribute[V, A]):
    """A geometry in longitude and latitude, converted to a shapely geometry when it is assigned."""

    is_json = False

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        if value is None:
            return None
        try:
            return to_shape(value, check=validate)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            if not validate:
                return value
            refusal = self._invalid(value, "GeoJSON, a shapely geometry or have __geo_interface__")
            raise type(refusal)(f"{refusal} {error}") from error

    def serialize(self, value: Any, jsonapi_format: bool = False) -> Any:
        del jsonapi_format
        return None if value is None else to_geojson(value)

    def same(self, one: Any, other: Any) -> bool:
        return bool(type(one) is type(other) and one == other)


def to_shape(value: Any, *, check: bool = False) -> Any:
    """Return the shapely geometry of GeoJSON (geometry, Feature, FeatureCollection) or `__geo_interface__`.

    ValueError or TypeError if the value has no geometry, or with `check` if a GeoJSON polygon has no width or
    no height.
    """
    import shapely
    from shapely.geometry.base import BaseGeometry

    from landbridge.geo.shapes import to_shapely

    geometry = to_shapely(value, check_finite=False)
    if check and not isinstance(value, BaseGeometry):
        document = getattr(value, "__geo_interface__", value)
        features = document.get("type") == "FeatureCollection"
        for part in shapely.get_parts(geometry) if features else (geometry,):
            _check_extent(part)
    return geometry


def _check_extent(geometry: Any) -> None:
    """Raise ValueError for a polygon without width or height."""
    if "Polygon" in geometry.geom_type:
        west, south, east, north = geometry.bounds
        if west >= east or south >= north:
            raise ValueError("the polygon has no width or no height")


def within_world_bounds(geometry: Any) -> Any:
    """Return a shapely geometry within ±180 and ±90 degrees, cut at the antimeridian if it crosses it."""
    west, south, east, north = geometry.bounds
    if geometry.is_empty or (west >= -180 and east <= 180 and south >= -90 and north <= 90):
        return geometry
    from landbridge.geo.longitudes import cut_at_antimeridian  # its import takes longer than most searches

    return cut_at_antimeridian(geometry)


def to_geojson(geometry: Any) -> dict[str, Any]:
    """Return a geometry as a GeoJSON dict with lists for tuples."""
    document = geometry if isinstance(geometry, dict) else geometry.__geo_interface__
    plain = _with_lists(document)
    if not isinstance(plain, dict):
        raise TypeError(f"This is not a geometry: {geometry!r}.")
    return plain


def _with_lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_lists(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_lists(entry) for entry in value]
    return value
