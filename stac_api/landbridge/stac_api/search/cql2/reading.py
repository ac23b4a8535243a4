"""Filters as clients send them, read into one form: CQL2 JSON.

Besides CQL2 JSON and CQL2 text this takes the drafts before CQL2 ("cql-json"), in which the QGIS plugin and
older clients write.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import cql2
import orjson

from landbridge.stac_api.errors import BadRequestError

__all__ = ["LANGUAGES", "read"]

LANGUAGES = ("cql2-json", "cql2-text", "cql-json")

# The parser of text and the database both recurse; each dies of far more than anyone writes by hand.
_MOST_DEPTH = 128
_MOST_NODES = 50_000
_MOST_TEXT = 1_000_000
_MOST_OPERATORS = 2_000
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_CHAINED = re.compile(r"\b(?:not|or|and|div)\b|[-+*/%^]", re.IGNORECASE)

_OLD_OPERATORS = {
    "eq": "=",
    "neq": "<>",
    "ne": "<>",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "intersects": "s_intersects",
    "equals": "s_equals",
    "disjoint": "s_disjoint",
    "touches": "s_touches",
    "within": "s_within",
    "overlaps": "s_overlaps",
    "crosses": "s_crosses",
    "contains": "s_contains",
    "anyinteracts": "t_intersects",
    "before": "t_before",
    "after": "t_after",
    "during": "t_during",
    "meets": "t_meets",
    "metby": "t_metBy",
    "tequals": "t_equals",
}
# An object that has one of these is no operator of the old form.
_LITERALS = frozenset({"property", "type", "timestamp", "date", "interval", "bbox", "op"})


def read(filter_: Any, language: str | None = None) -> Any:
    """The CQL2 JSON of a filter.

    Args:
        filter_: text, or JSON as text or parsed.
        language: one of `LANGUAGES`; None: as the filter looks.

    Raises:
        BadRequestError: it is in no such language, cannot be parsed, or is too large.
    """
    if language is not None and language not in LANGUAGES:
        raise BadRequestError(f"filter-lang is {language!r}; it must be one of {', '.join(LANGUAGES)}.")
    if isinstance(filter_, str):
        if language == "cql2-text" or (language is None and not filter_.lstrip().startswith("{")):
            return _checked(_parsed(filter_))
        try:
            filter_ = orjson.loads(filter_)
        except orjson.JSONDecodeError as error:
            raise BadRequestError(f"The filter is not JSON, as its filter-lang says: {error}.") from error
    if not isinstance(filter_, Mapping):
        if isinstance(filter_, bool):
            return filter_
        raise BadRequestError(f"A filter is an object such as {{'op': ..., 'args': [...]}}, not {filter_!r}.")
    _checked(filter_)
    if "op" in filter_ or "property" in filter_:
        return filter_
    return _checked(_modern(filter_))


def _parsed(text: str) -> Any:
    bare = _QUOTED.sub(" ", text)
    depth = deepest = 0
    for character in bare:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    chained = sum(1 for _ in _CHAINED.finditer(bare))
    if len(text) > _MOST_TEXT or deepest > _MOST_DEPTH or chained > _MOST_OPERATORS:
        raise BadRequestError(
            f"The filter is too large: {len(text)} characters, {chained} operators, nested {deepest} deep; "
            f"the most are {_MOST_TEXT}, {_MOST_OPERATORS} and {_MOST_DEPTH}."
        )
    try:
        return cql2.parse_text(text).to_json()
    except Exception as error:  # the parser raises nothing more special
        raise BadRequestError(f"The filter is not CQL2 text: {error}") from error


def _checked(tree: Any) -> Any:
    """The tree, where its size is one that can be answered."""
    stack = [(tree, 1)]
    count = 0
    while stack:
        node, depth = stack.pop()
        count += 1
        if depth > _MOST_DEPTH * 2 or count > _MOST_NODES:
            raise BadRequestError(
                f"The filter is too large: the most are {_MOST_DEPTH} operators in one another "
                f"and {_MOST_NODES} parts in all."
            )
        if isinstance(node, Mapping):
            if node.keys() & {"coordinates", "geometries"}:
                continue  # geometries are checked as such
            stack += [(value, depth + 1) for value in node.values()]
        elif isinstance(node, list):
            stack += [(value, depth + 1) for value in node]
    return tree


def _modern(node: Any) -> Any:
    """CQL2 JSON of the drafts' form, where an operator is a key and its value are its arguments."""
    if isinstance(node, list):
        return [_modern(one) for one in node]
    if not isinstance(node, Mapping) or node.keys() & _LITERALS:
        return node
    parts = [_operation(name.lower(), value) for name, value in node.items()]
    if not parts:
        raise BadRequestError("The filter has no operator.")
    return parts[0] if len(parts) == 1 else {"op": "and", "args": parts}


def _operation(name: str, value: Any) -> dict[str, Any]:
    if name == "between" and isinstance(value, Mapping):
        args = [value.get("value"), value.get("lower"), value.get("upper")]
    elif name == "in" and isinstance(value, Mapping):
        args = [value.get("value"), value.get("list", [])]
    else:
        args = value if isinstance(value, list) else [value]
    args = [_modern(one) for one in args]
    op = _OLD_OPERATORS.get(name, name)
    if op.startswith("t_"):
        args = [_interval(one) for one in args]
    return {"op": op, "args": args}


def _interval(value: Any) -> Any:
    if isinstance(value, list):
        return {"interval": value}
    if isinstance(value, str):
        return {"interval": value.split("/")} if "/" in value else {"timestamp": value}
    return value
