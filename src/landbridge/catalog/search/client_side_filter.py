"""Filters and sorting on the client, for objects that the service cannot filter, by the rules of the service.

The rules are those of `landbridge.utils.comparison`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.utils.comparison import differs, equals, is_missing, is_within, to_comparable
from landbridge.utils.expressions import matches_like

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from landbridge.catalog.search.query import Query

__all__ = ["matches", "select"]


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
        keyed = [(to_comparable(attributes(record).get(field)), record) for record in chosen]
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
        return compare(attributes.get(name), wanted)

    return matched


def _of_text(compare: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, wanted: value is not None and compare(str(value), wanted)


def _within(value: Any, bounds: Mapping[str, Any]) -> bool:
    """Say whether a value is within bounds; one that has no order is not."""
    try:
        return is_within(value, bounds)
    except TypeError:
        return False


def _ordered(key: Any) -> tuple[str, Any]:
    """A key that sorts beside keys of another type."""
    return ("number" if isinstance(key, (bool, int, float)) else type(key).__name__, key)


_OPERATORS: dict[str, Callable[[Any, Mapping[str, Any]], bool]] = {
    "eq": _of_value(equals),
    "ne": _of_value(differs),
    "range": _of_value(_within),
    "prefix": _of_value(_of_text(str.startswith)),
    "like": _of_value(_of_text(matches_like)),
    "ilike": _of_value(_of_text(lambda value, wanted: matches_like(value.lower(), wanted.lower()))),
    "isnull": lambda name, attributes: is_missing(attributes.get(name)),
    "isnotnull": lambda name, attributes: not is_missing(attributes.get(name)),
    "and": lambda parts, attributes: all(matches(part, attributes) for part in parts),
    "or": lambda parts, attributes: any(matches(part, attributes) for part in parts),
}
