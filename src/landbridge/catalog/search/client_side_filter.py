"""Filters and sorting on the client, with the service's rules, for objects that the service cannot filter.

The rules are those of `landbridge.utils.comparison`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.search.cql2_expression import OPERATOR, item_matches
from landbridge.utils.comparison import differs, equals, is_missing, is_within, matches_like, to_comparable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from landbridge.catalog.search.query import Query

__all__ = ["matches", "select", "sort_key"]


def select(
    records: list[Any],
    query: Query,
    attributes: Callable[[Any], Mapping[str, Any]],
    searchable: tuple[str, ...],
) -> list[Any]:
    """Return the records whose attributes match a query, in its order; its limit is not applied."""
    matching = [
        record
        for record in records
        if (query.expression is None or matches(query.expression, attributes(record)))
        and (query.text is None or _contains(attributes(record), searchable, query.text))
    ]
    if query.sort is not None:
        field, ascending = query.sort
        keyed = [(to_comparable(attributes(record).get(field)), record) for record in matching]
        # Objects without a value come last in both directions.
        known = [pair for pair in keyed if pair[0] is not None]
        known.sort(key=lambda pair: sort_key(pair[0]), reverse=not ascending)
        matching = [record for _, record in known] + [record for key, record in keyed if key is None]
    return matching


def _contains(attributes: Mapping[str, Any], names: tuple[str, ...], text: str) -> bool:
    wanted = text.casefold()
    return any(wanted in str(attributes.get(name) or "").casefold() for name in names)


def matches(expression: Mapping[str, Any], attributes: Mapping[str, Any]) -> bool:
    """Return whether attributes satisfy a serialized expression."""
    ((operator, operand),) = expression.items()
    return _OPERATORS[operator](operand, attributes)


def _comparing(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Mapping[str, Any]], bool]:
    def matched(operand: Mapping[str, Any], attributes: Mapping[str, Any]) -> bool:
        ((name, wanted),) = operand.items()
        return compare(attributes.get(name), wanted)

    return matched


def _comparing_texts(compare: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda value, wanted: value is not None and compare(str(value), wanted)


def _within(value: Any, bounds: Mapping[str, Any]) -> bool:
    """Return whether a value is within bounds; False if it cannot be ordered."""
    try:
        return is_within(value, bounds)
    except TypeError:
        return False


def sort_key(key: Any) -> tuple[str, Any]:
    """Return a sort key that can be compared with keys of values of other types."""
    return ("number" if isinstance(key, (bool, int, float)) else type(key).__name__, key)


_OPERATORS: dict[str, Callable[[Any, Mapping[str, Any]], bool]] = {
    "eq": _comparing(equals),
    "ne": _comparing(differs),
    "range": _comparing(_within),
    "prefix": _comparing(_comparing_texts(str.startswith)),
    "like": _comparing(_comparing_texts(matches_like)),
    "ilike": _comparing(_comparing_texts(lambda value, wanted: matches_like(value.lower(), wanted.lower()))),
    "isnull": lambda name, attributes: is_missing(attributes.get(name)),
    "isnotnull": lambda name, attributes: not is_missing(attributes.get(name)),
    "and": lambda parts, attributes: all(matches(part, attributes) for part in parts),
    "or": lambda parts, attributes: any(matches(part, attributes) for part in parts),
    OPERATOR: item_matches,
}
