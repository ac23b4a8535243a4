"""Parser of filters: each language that clients send becomes CQL2 JSON.

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
from landbridge.stac_api.search import limits

__all__ = ["LANGUAGES", "read"]

LANGUAGES = ("cql2-json", "cql2-text", "cql-json")

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
# Each match is a part of the filter, or one level of its depth.
_CHAINED = re.compile(r"\b(?:not|or|and|div)\b|[-+*/%^]|[<>=]+", re.IGNORECASE)
_BRACKETS = re.compile(r"[()]")
# The signs of numbers in these are not operators.
_GEOMETRY = re.compile(
    r"\b(?:MULTI)?(?:POINT|LINESTRING|POLYGON|BBOX)\s*Z?\s*"
    r"\((?:[\s,()]*[-+]?[0-9.]+(?:E[-+]?[0-9]+)?(?=[\s,)]))*[\s,()]*\)",
    re.IGNORECASE,
)

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
# An object with one of these members is not an operator of the drafts.
_LITERALS = frozenset({"property", "type", "timestamp", "date", "interval", "bbox", "op"})


def read(filter_: Any, language: str | None = None) -> Any:
    """Return a filter as CQL2 JSON.

    Args:
        filter_: text, or JSON as text or parsed.
        language: one of `LANGUAGES`; None to detect it.

    Raises:
        BadRequestError: if the language is unknown, or the filter cannot be parsed or is too large.
    """
    if language is not None and language not in LANGUAGES:
        raise BadRequestError(f"filter-lang is {language!r}; it must be one of {', '.join(LANGUAGES)}.")
    if isinstance(filter_, str):
        if language == "cql2-text" or (language is None and not filter_.lstrip().startswith("{")):
            return limits.check_filter(_parsed(filter_))
        try:
            filter_ = orjson.loads(filter_)
        except orjson.JSONDecodeError as error:
            raise BadRequestError(f"The filter is not JSON, as its filter-lang says: {error}.") from error
    if not isinstance(filter_, Mapping):
        if isinstance(filter_, bool):
            return filter_
        raise BadRequestError(f"A filter is an object such as {{'op': ..., 'args': [...]}}, not {filter_!r}.")
    limits.check_filter(filter_)
    if "op" in filter_ or "property" in filter_:
        return filter_
    return limits.check_filter(_modern(filter_))


def _parsed(text: str) -> Any:
    if len(text) > limits.MOST_TEXT:
        raise limits.too_large(f": {len(text):,} characters, and {limits.MOST_TEXT:,} are the most")
    bare = _GEOMETRY.sub(" ", _QUOTED.sub(" ", text))
    depth = deepest = 0
    for bracket in _BRACKETS.findall(bare):
        depth += 1 if bracket == "(" else -1
        deepest = max(deepest, depth)
    if deepest > limits.MOST_DEPTH or sum(1 for _ in _CHAINED.finditer(bare)) > limits.MOST_PARTS:
        raise limits.too_large()
    try:
        return cql2.parse_text(text).to_json()
    except Exception as error:  # the parser raises no narrower class
        raise BadRequestError(f"The filter is not CQL2 text: {error}") from error


def _modern(node: Any) -> Any:
    """Return the CQL2 JSON of a filter of the drafts: `{operator: arguments}`."""
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
