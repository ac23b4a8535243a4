"""Searches in words: their conditions, order and limits, for the text and the view of a search."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from landbridge.utils.expressions import (
    AndExpression,
    EqExpression,
    Expression,
    ILikeExpression,
    IsNotNullExpression,
    IsNullExpression,
    LikeExpression,
    NeExpression,
    OrExpression,
    PrefixExpression,
    RangeExpression,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.catalog.search.query import Query

__all__ = ["conditions_in_words", "in_words", "query_in_words"]

_BOUNDS = {"gt": "above", "gte": "at least", "lt": "below", "lte": "at most"}
_MOMENTS = {"gt": "after", "gte": "from", "lt": "before", "lte": "until"}
_MOST_VALUES = 8


def conditions_in_words(expression: Expression | None) -> list[str]:
    """Return the conditions that must all be true, each in words."""
    if expression is None:
        return []
    parts = expression.parts if isinstance(expression, AndExpression) else (expression,)
    return [in_words(part) for part in parts]


def query_in_words(query: Query) -> list[tuple[str, str]]:
    """Return the other parts of a search that are set, each as a name and words."""
    found = []
    if query.text is not None:
        found.append(("text", f"contains {_value(query.text)}"))
    if query.geometry is not None:
        others = ", or without a geometry" if query.match_null_geometry else ""
        found.append(("place", f"intersects a {query.geometry.get('type', 'geometry')}{others}"))
    if query.sort is not None:
        name, ascending = query.sort
        found.append(("order", f"by {_name(str(name))}, {'ascending' if ascending else 'descending'}"))
    if query.limit is not None:
        found.append(("limit", f"at most {query.limit:,}"))
    return found


def in_words(expression: Expression) -> str:
    """Return an expression in words, such as "cloud fraction is below 0.2"."""
    write = _WRITERS.get(type(expression))
    return repr(expression) if write is None else write(expression)


def _name(name: str) -> str:
    return name.replace("_", " ")


def _value(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(" ")
    identifier = getattr(value, "id", None)
    if isinstance(identifier, str):
        return f'"{identifier}"'
    return f'"{value}"' if isinstance(value, str) else str(value)


def _combined(word: str) -> Callable[[Any], str]:
    def write(expression: Any) -> str:
        return "(" + f" {word} ".join(in_words(part) for part in expression.parts) + ")"

    return write


def _any(expression: OrExpression) -> str:
    names = {part.name for part in expression.parts if isinstance(part, EqExpression)}
    values = [_value(part.value) for part in expression.parts if isinstance(part, EqExpression)]
    if len(names) != 1 or len(values) != len(expression.parts):
        return _combined("or")(expression)
    more = f" and {len(values) - _MOST_VALUES:,} more" if len(values) > _MOST_VALUES else ""
    return f"{_name(names.pop())} is one of {', '.join(values[:_MOST_VALUES])}{more}"


def _range(expression: RangeExpression) -> str:
    bounds = dict(expression.parts)
    moments = all(isinstance(value, datetime) or _is_date(value) for value in bounds.values())
    words = _MOMENTS if moments else _BOUNDS
    texts = [
        f"{words[bound]} {str(value) if moments and isinstance(value, str) else _value(value)}"
        for bound, value in bounds.items()
    ]
    return f"{_name(expression.name)} is {' and '.join(texts)}"


def _is_date(value: Any) -> bool:
    return isinstance(value, str) and value[:4].isdecimal() and value[4:5] in ("", "-")


_WRITERS: dict[type[Expression], Callable[[Any], str]] = {
    EqExpression: lambda each: f"{_name(each.name)} is {_value(each.value)}",
    NeExpression: lambda each: f"{_name(each.name)} is not {_value(each.value)}",
    RangeExpression: _range,
    PrefixExpression: lambda each: f"{_name(each.name)} starts with {_value(each.value)}",
    LikeExpression: lambda each: f"{_name(each.name)} matches {_value(each.value)}",
    ILikeExpression: lambda each: f"{_name(each.name)} matches {_value(each.value)} in any case",
    IsNullExpression: lambda each: f"{_name(each.name)} is not set",
    IsNotNullExpression: lambda each: f"{_name(each.name)} is set",
    AndExpression: _combined("and"),
    OrExpression: _any,
}
