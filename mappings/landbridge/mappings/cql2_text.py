"""CQL2 text of the filters that `landbridge.mappings.cql2` makes as CQL2 JSON."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["to_text"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:]*\Z")
_COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})
# Words that text cannot use as the name of a property without quotes.
_RESERVED = frozenset(
    {"and", "or", "not", "like", "between", "in", "is", "null", "true", "false", "casei", "accenti", "div"}
    | {"date", "timestamp", "interval"}
)


def to_text(node: Any) -> str:
    """Return a filter in CQL2 JSON as CQL2 text.

    Raises
    ------
    ValueError
        If the filter has an operator that `landbridge.mappings.cql2` does not make.
    """
    if isinstance(node, dict):
        return _of_object(node)
    if isinstance(node, bool):
        return "TRUE" if node else "FALSE"
    if isinstance(node, str):
        return "'" + node.replace("'", "''") + "'"
    if isinstance(node, int | float):
        return _number(node)
    if isinstance(node, list | tuple):
        return f"({', '.join(map(to_text, node))})"
    raise ValueError(f"{node!r} has no form in CQL2 text")


def _number(value: float) -> str:
    # Parsers of CQL2 text know no exponents.
    return format(Decimal(repr(value)), "f")


def _of_object(node: Mapping[str, Any]) -> str:
    if "property" in node:
        name = str(node["property"])
        plain = _NAME.match(name) and name.lower() not in _RESERVED
        return name if plain else '"' + name.replace('"', '""') + '"'
    if "timestamp" in node:
        return f"TIMESTAMP({to_text(node['timestamp'])})"
    if "coordinates" in node or "geometries" in node:
        return _wkt(node)
    operator, args = node.get("op"), node.get("args", ())
    if operator in _COMPARISONS:
        return f"{to_text(args[0])} {operator} {to_text(args[1])}"
    write = _OPERATORS.get(str(operator))
    if write is None:
        raise ValueError(f"the operator {operator!r} has no form in CQL2 text")
    return write(args)


def _joined(word: str) -> Callable[[Sequence[Any]], str]:
    return lambda args: f" {word} ".join(f"({to_text(arg)})" for arg in args)


def _function(name: str) -> Callable[[Sequence[Any]], str]:
    return lambda args: f"{name}({', '.join(map(to_text, args))})"


_OPERATORS: Mapping[str, Callable[[Sequence[Any]], str]] = {
    "and": _joined("AND"),
    "or": _joined("OR"),
    "not": lambda args: f"NOT ({to_text(args[0])})",
    "isNull": lambda args: f"{to_text(args[0])} IS NULL",
    "like": lambda args: f"{to_text(args[0])} LIKE {to_text(args[1])}",
    "in": lambda args: f"{to_text(args[0])} IN {to_text(args[1])}",
    "between": lambda args: f"{to_text(args[0])} BETWEEN {to_text(args[1])} AND {to_text(args[2])}",
    **{
        name: _function(name.upper())
        for name in ("casei", "accenti", "a_contains", "a_equals", "a_overlaps", "s_intersects")
    },
}


def _wkt(geometry: Mapping[str, Any]) -> str:
    """Return a GeoJSON geometry as WKT."""
    kind = geometry["type"]
    if kind == "GeometryCollection":
        return f"GEOMETRYCOLLECTION({', '.join(map(_wkt, geometry['geometries']))})"
    level = geometry["coordinates"]
    text = _positions(level)
    return f"{kind.upper()}{text if isinstance(level[0], list | tuple) else f'({text})'}"


def _positions(level: Sequence[Any]) -> str:
    if not isinstance(level[0], list | tuple):
        return " ".join(map(_number, level))
    return f"({', '.join(map(_positions, level))})"
