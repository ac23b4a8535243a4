"""Filtering and sorting on the client what the service keeps as a whole, by the rules of the service.

A missing value satisfies no comparison; a list equals a value where it contains it; an empty list is null.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from landbridge.mappings import times
from landbridge.utils.expressions import like

if TYPE_CHECKING:
    from landbridge.catalog.search import Query

__all__ = ["matches", "select"]

_METERS = {"meters": 1.0, "degrees": 111_111.0}


def select(
    records: list[Any],
    query: Query,
    attributes: Callable[[Any], Mapping[str, Any]],
    searchable: tuple[str, ...],
) -> list[Any]:
    """The records whose attributes match a query, in its order; its limit is left to the caller."""
    chosen = [
        record
        for record in records
        if (query.expression is None or matches(query.expression, attributes(record)))
        and (query.text is None or _contains(attributes(record), searchable, query.text))
    ]
    if query.sort is not None:
        field, ascending = query.sort
        keyed = [(_comparable(attributes(record).get(field)), record) for record in chosen]
        # Objects without a value come last, in either order.
        known = [pair for pair in keyed if pair[0] is not None]
        known.sort(key=lambda pair: _ordered(pair[0]), reverse=not ascending)
        chosen = [record for _, record in known] + [record for key, record in keyed if key is None]
    return chosen


def _contains(attributes: Mapping[str, Any], names: tuple[str, ...], text: str) -> bool:
    wanted = text.casefold()
    return any(wanted in str(attributes.get(name) or "").casefold() for name in names)


def matches(expression: Mapping[str, Any], attributes: Mapping[str, Any]) -> bool:
    """Whether plain attributes satisfy a serialized expression."""
    ((operator, operand),) = expression.items()
    return _OPERATORS[operator](operand, attributes)


def _of_value(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Mapping[str, Any]], bool]:
    def matched(operand: Mapping[str, Any], attributes: Mapping[str, Any]) -> bool:
        ((name, wanted),) = operand.items()
        value = attributes.get(name)
        return value is not None and compare(value, wanted)

    return matched


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, list) and not isinstance(wanted, list):
        return wanted in value
    one, other = _pair(value, wanted)
    return bool(one == other)


def _range(operand: Mapping[str, Any], attributes: Mapping[str, Any]) -> bool:
    ((name, bounds),) = operand.items()
    value = attributes.get(name)
    if value is None:
        return False
    for bound, wanted in bounds.items():
        one, other = _pair(value, wanted)
        try:
            if not _BOUNDS[bound](one, other):
                return False
        except TypeError:
            return False
    return True


_BOUNDS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda one, other: bool(one > other),
    "gte": lambda one, other: bool(one >= other),
    "lt": lambda one, other: bool(one < other),
    "lte": lambda one, other: bool(one <= other),
}


def _pair(value: Any, wanted: Any) -> tuple[Any, Any]:
    """Both in a form that compares: resolutions in meters, timestamps as instants."""
    one, other = _comparable(value), wanted
    if isinstance(value, dict):
        other = _comparable(wanted)
    elif isinstance(one, datetime):
        other = _comparable(wanted)
        if not isinstance(other, datetime):
            one = value
    return one, other


def _comparable(value: Any) -> Any:
    if isinstance(value, Mapping) and "value" in value:
        return value["value"] * _METERS.get(str(value.get("unit")), 1.0)
    if isinstance(value, str) and len(value) >= 10 and value[:4].isdigit() and value[4] == "-":
        try:
            return times.parse(value)
        except ValueError:
            return value
    return value


def _ordered(key: Any) -> tuple[str, Any]:
    """A key that sorts beside keys of another type."""
    return ("number" if isinstance(key, (bool, int, float)) else type(key).__name__, key)


def _null(name: str, attributes: Mapping[str, Any]) -> bool:
    return attributes.get(name) in (None, [])


_OPERATORS: dict[str, Callable[[Any, Mapping[str, Any]], bool]] = {
    "eq": _of_value(_equal),
    "ne": _of_value(lambda value, wanted: not _equal(value, wanted)),
    "range": _range,
    "prefix": _of_value(lambda value, wanted: str(value).startswith(wanted)),
    "like": _of_value(lambda value, wanted: like(str(value), wanted)),
    "ilike": _of_value(lambda value, wanted: like(str(value).lower(), wanted.lower())),
    "isnull": _null,
    "isnotnull": lambda name, attributes: not _null(name, attributes),
    "and": lambda parts, attributes: all(matches(part, attributes) for part in parts),
    "or": lambda parts, attributes: any(matches(part, attributes) for part in parts),
}
