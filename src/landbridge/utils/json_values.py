"""Values of filters, copied and as JSON."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from enum import Enum
from typing import Any

__all__ = ["copy_mutable", "json_value"]


def copy_mutable(value: Any) -> Any:
    """Return a value that the caller cannot change any more: containers are copied."""
    return copy.deepcopy(value) if isinstance(value, (list, dict, set, bytearray)) else value


def json_value(value: Any) -> Any:
    """Return a value of a filter as JSON: dates in ISO form, enums by value, catalog objects by id."""
    return next((convert(value) for wanted, convert in _JSON_CONVERTERS if wanted(value)), value)


def _is_instance(*kinds: type) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, kinds)


def _type_has(name: str) -> Callable[[Any], bool]:
    return lambda value: hasattr(type(value), name)


_JSON_CONVERTERS: tuple[tuple[Callable[[Any], bool], Callable[[Any], Any]], ...] = (
    (_is_instance(Enum), lambda value: value.value),
    (_is_instance(str, int, float, type(None)), lambda value: value),
    (_is_instance(date), lambda value: value.isoformat()),
    (_type_has("id"), lambda value: value.id),
    (_type_has("serialize"), lambda value: value.serialize(value)),
    (_type_has("item"), lambda value: value.item()),  # numpy's scalars
    (_is_instance(Mapping), lambda value: {key: json_value(entry) for key, entry in value.items()}),
    (_is_instance(Iterable), lambda value: [json_value(entry) for entry in value]),
)
