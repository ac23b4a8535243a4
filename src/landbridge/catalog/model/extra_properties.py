"""`extra_properties`: the user's own JSON values, which can be edited in place at any depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from landbridge.catalog.errors import AttributeValidationError
from landbridge.catalog.model.attribute_list import AttributeList
from landbridge.catalog.model.attribute_mapping import AttributeMapping, to_json
from landbridge.catalog.model.attributes import Attribute
from landbridge.mappings import values

__all__ = ["ExtraProperties", "JsonAttribute"]


class JsonAttribute(Attribute[Any, Any]):
    """Any JSON value; lists and objects in it are tracked too."""

    is_json = False

    def __reduce__(self) -> str:
        return "JSON"

    def deserialize(self, value: Any, validate: bool = True) -> Any:
        if value is None or isinstance(value, (str, int, float, AttributeList, ExtraProperties)):
            if validate and (why := values.problem(value)):
                raise AttributeValidationError(f"The value cannot be stored: {why}.")
            return value
        if isinstance(value, Mapping):
            return ExtraProperties(value, validate=validate)
        if isinstance(value, (list, tuple)):
            return AttributeList(JSON, value, validate=validate)
        if not validate:
            return value
        raise self._invalid(value, "a JSON value (bool, number, text, list or dict)")

    def serialize(self, value: Any, jsonapi_format: bool = False) -> Any:
        return to_json(value, jsonapi_format)

    def same(self, one: Any, other: Any) -> bool:
        return bool(type(one) is type(other) and one == other)


JSON = JsonAttribute()


class ExtraProperties(AttributeMapping):
    """A mapping from texts to JSON values."""

    def validate_key_and_value(self, key: str, value: Any) -> Any:
        if not isinstance(key, str):
            raise AttributeValidationError(f"extra_properties has text keys; got {key!r}.")
        if why := values.problem(key) or values.problem(value):
            raise AttributeValidationError(f"extra_properties[{key!a}]: {why}.")
        try:
            return JSON.deserialize(value, validate=True)
        except AttributeValidationError:
            raise AttributeValidationError(
                f"extra_properties[{key!r}] must be a JSON value (bool, number, text, list or dict); "
                f"got {value!r}."
            ) from None

    def _load(self, value: Any) -> Any:
        return JSON.deserialize(value, validate=False)
