"""Comparisons of attributes with the values of filters, by the rules of the service.

A missing value equals nothing and differs from nothing. A list equals a value that it contains; an empty list
is missing. Resolutions are compared in meters, timestamps in UTC.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from landbridge.mappings import times
from landbridge.mappings.codecs import METRES_PER_DEGREE

__all__ = [
    "BOUNDS",
    "attribute_value",
    "differs",
    "equals",
    "is_missing",
    "is_within",
    "matches_like",
    "to_comparable",
]

BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
_METERS_PER_UNIT = {"meters": 1.0, "degrees": float(METRES_PER_DEGREE)}


def is_missing(value: Any) -> bool:
    """Return True if a value is not set; an empty list counts as not set."""
    return value is None or (_is_list(value) and not len(value))


def equals(value: Any, wanted: Any) -> bool:
    """Return True if a value equals the wanted one or is a list that contains it.

    If the wanted value is None, return True if the value is not set.
    """
    if wanted is None:
        return is_missing(value)
    if value is None:
        return False
    if _is_list(value) and not _is_list(wanted):
        return any(equals(element, wanted) for element in value)
    left, right = _comparable_pair(value, wanted)
    return bool(left == right)


def differs(value: Any, wanted: Any) -> bool:
    """Return True if a value is set and does not equal the wanted one.

    If the wanted value is None, return True if the value is set.
    """
    if wanted is None:
        return not is_missing(value)
    return value is not None and not equals(value, wanted)


def is_within(value: Any, bounds: Mapping[str, Any]) -> bool:
    """Return True if a value lies within bounds gt, gte, lt and lte; False if it is not set.

    Raises
    ------
    TypeError
        If the values have no order.
    """
    if value is None:
        return False
    for bound, wanted in bounds.items():
        left, right = _comparable_pair(value, wanted)
        if not BOUNDS[bound](left, right):
            return False
    return True


def to_comparable(value: Any) -> Any:
    """Return a value in a form that can be compared: resolutions in meters, timestamps as UTC datetimes."""
    if isinstance(value, str):
        if len(value) >= 10 and value[:4].isdigit() and value[4] == "-":
            return _to_datetime(value)
        return value
    if isinstance(value, date):
        return _to_datetime(value)
    size, unit = _resolution(value)
    return value if size is None else size * _METERS_PER_UNIT.get(str(unit), 1.0)


def _is_list(value: Any) -> bool:
    # Lists of catalog objects are a class of their own. A tuple is one value, such as a range.
    return isinstance(value, list) or hasattr(value, "insert")


def _comparable_pair(value: Any, wanted: Any) -> tuple[Any, Any]:
    """Return both values in a form that can be compared; unchanged if they are of different kinds."""
    if isinstance(value, (date, datetime)) or isinstance(wanted, (date, datetime)):
        left, right = _to_datetime(value), _to_datetime(wanted)
        return (left, right) if type(left) is type(right) else (value, wanted)
    if isinstance(value, str):
        left = to_comparable(value)
        right = to_comparable(wanted) if isinstance(left, datetime) else wanted
        return (left, right) if type(left) is type(right) else (value, wanted)
    size, _ = _resolution(value)
    return (value, wanted) if size is None else (to_comparable(value), to_comparable(wanted))


def _to_datetime(value: Any) -> Any:
    if isinstance(value, date) and not isinstance(value, datetime):
        value = value.isoformat()
    try:
        return times.parse(value)
    except (AttributeError, TypeError, ValueError):
        return value


def _resolution(value: Any) -> tuple[Any, Any]:
    """Return the size and the unit of a resolution; None and None for other values."""
    if isinstance(value, Mapping):
        return value.get("value"), value.get("unit")
    if not isinstance(value, (int, float, str)) and hasattr(type(value), "unit"):
        return value.value, value.unit
    return None, None


def matches_like(text: str, pattern: str, flags: int = 0) -> bool:
    """Return True if a whole text matches a LIKE pattern."""
    tokens = re.findall(r"\\.|.", pattern, re.DOTALL)
    wildcards = {"%": ".*", "_": "."}
    expression = "".join(wildcards.get(token) or re.escape(token[-1]) for token in tokens)
    return re.fullmatch(expression, text, flags | re.DOTALL) is not None


def attribute_value(obj: Any, name: str) -> Any:
    """Return an attribute of an object, or the value of a key of a mapping."""
    if isinstance(obj, Mapping):
        return obj.get(name)
    # References are compared by id, so that the other object need not be read.
    reference = getattr(getattr(type(obj), name, None), "id_field", name)
    return getattr(obj, reference)
