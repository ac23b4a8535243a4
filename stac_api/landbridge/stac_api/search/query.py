"""Conversion of the `query` extension to CQL2 JSON.

Clients send values as text, whatever a property holds (`stac-client --query "eo:cloud_cover<12"`), so a value
takes the type that the queryables give its property.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from landbridge.mappings import times
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pgstac import sql_builder
from landbridge.stac_api.search import limits

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["conditions"]

_COMPARISONS = {
    "eq": "=", "neq": "<>", "ne": "<>", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=",
}  # fmt: skip
_PATTERNS = {"startsWith": "{}%", "endsWith": "%{}", "contains": "%{}%"}
_OPERATORS = (*_COMPARISONS, "in", *_PATTERNS)
_TRUTHS = {"true": True, "false": False}


def conditions(query: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the conditions of a query as CQL2 JSON, all of which must hold.

    Raises:
        BadRequestError: if an operator is unknown, or a value is not of its property's type.
    """
    found: list[dict[str, Any]] = []
    for name, asked in query.items():
        if not isinstance(asked, Mapping):
            raise BadRequestError(f"query.{name} is an object of operators, not {asked!r:.100}.")
        for operator, value in asked.items():
            found.append(_condition(name, operator, value))
            if len(found) > limits.MOST_PARTS:
                raise limits.too_large()
    return found


def _condition(name: str, operator: str, value: Any) -> dict[str, Any]:
    if operator not in _OPERATORS:
        raise BadRequestError(f"query knows no {operator!r}; it knows {', '.join(_OPERATORS)}.")
    where = f"query.{name}.{operator}"
    if operator in _PATTERNS:
        if not isinstance(value, str):
            raise BadRequestError(f"{where} takes a string, not {value!r:.100}.")
        escaped = value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return _node("like", name, _PATTERNS[operator].format(escaped))
    if operator != "in":
        choices = _read(name, value, where)
        nodes = [_node(_COMPARISONS[operator], name, one) for one in choices]
        return nodes[0] if len(nodes) == 1 else {"op": "or", "args": nodes}
    if not isinstance(value, list):
        raise BadRequestError(f"{where} takes an array of values, not {value!r:.100}.")
    limits.check_count(where, value, limits.MOST_VALUES)
    return _node("in", name, [one for each in value for one in _read(name, each, where)])


def _node(op: str, name: str, value: Any) -> dict[str, Any]:
    return {"op": op, "args": [{"property": name}, value]}


def _read(name: str, value: Any, where: str) -> list[Any]:
    """Return a value as the property's type; as text and as a number if the type is not known."""
    if value is None or isinstance(value, Mapping | list):
        return [value]
    schema = sql_builder.definition(name)
    if not schema:
        number = _number(value) if isinstance(value, str) else None
        return [value] if number is None else [value, number]
    kind = "date-time" if schema.get("format") == "date-time" else schema.get("type")
    read = _READERS.get(str(kind))
    if read is None:
        return [value]
    found = read(value)
    if found is None:
        raise BadRequestError(f"{where} is {value!r:.100}, but {name} is a {kind}; give one of those.")
    return [found]


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        found = value if isinstance(value, int | float) else float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _instant(value: Any) -> dict[str, str] | None:
    if not isinstance(value, str):
        return None
    try:
        times.parse(value)
    except ValueError:
        return None
    return {"timestamp": value}


def _string(value: Any) -> str | None:
    return None if isinstance(value, bool) else str(value)


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else _TRUTHS.get(str(value).lower())


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "number": _number,
    "integer": _number,
    "boolean": _truth,
    "string": _string,
    "date-time": _instant,
}
