"""Checks of STAC values against the tables' rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from landbridge.mappings import compiled_table, tables, times
from landbridge.mappings.codecs import CODECS
from landbridge.mappings.errors import InvalidDocument

if TYPE_CHECKING:
    from landbridge.mappings.tables import Row

__all__ = ["members", "ordered_pair", "required", "structure", "value"]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (Mapping,),
    "null": (type(None),),
}
# Fast path for nearly every value.
_EXACT = {
    "string": frozenset({str}),
    "number": frozenset({int, float}),
    "integer": frozenset({int}),
    "boolean": frozenset({bool}),
    "array": frozenset({list, tuple}),
    "object": frozenset({dict}),
}


def members(
    kind: str, found: Mapping[str, Any], prefix: str = "", only: str = "", *, is_catalog: bool = True
) -> None:
    """Check all members that belong to attributes, or those whose names begin with ``only``.

    ``prefix`` goes before the attribute in an error. ``is_catalog`` is false for a document of another STAC
    client, in which STAC's own members need only have the right type: an empty ``platform`` or a negative
    ``view:sun_azimuth`` is accepted.
    """
    for member, (row, schema) in _rows(kind, is_catalog).items():
        if (stac := found.get(member)) is not None and member.startswith(only):
            if schema is None:
                _shadow(row, stac, prefix + row.name, member)
            else:
                value(schema, stac, prefix + row.name, member)


_TYPE_KEYWORDS = frozenset({"type", "format", "items", "properties", "additionalProperties"})


@cache
def _rows(kind: str, is_catalog: bool) -> Mapping[str, tuple[Row, Mapping[str, Any] | None]]:
    """Return row and schema by member; a shadow, which holds an attribute's own value, has no schema."""
    table = tables.load(kind)
    container = ("properties",) if table.document == "Item" else ()
    found: dict[str, tuple[Row, Mapping[str, Any] | None]] = {}
    for row in table.rows.values():
        if row.path[:-1] == container:
            member = row.path[-1]
            lenient = not (is_catalog or member.startswith("catalog:"))
            found[member] = (row, _types_only(row.schema) if lenient else row.schema)
            if row.overflow:
                found[row.overflow] = (row, {"type": row.schema["type"]})
            if row.shadow:
                found[row.shadow] = (row, None)
    return found


def _types_only(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema without the keywords that restrict values within their type."""
    kept: dict[str, Any] = {}
    for keyword, rule in schema.items():
        if keyword == "properties":
            kept[keyword] = {name: _types_only(inner) for name, inner in rule.items()}
        elif keyword in _TYPE_KEYWORDS:
            kept[keyword] = _types_only(rule) if isinstance(rule, Mapping) else rule
    return kept


def _shadow(row: Row, kept: Any, attribute: str, member: str) -> None:
    """Check an attribute's own value by its STAC form."""
    encode = CODECS[row.codec].encode
    try:
        stac = kept if encode is None else encode(kept)
    except compiled_table.CODEC_ERRORS as error:
        raise InvalidDocument(attribute, f"{_short(kept)} ({member}) will not do: {error}") from error
    value(row.schema, stac, attribute, member)


def structure(schema: Mapping[str, Any], document: Any) -> None:
    """Check that a document's parts are objects and arrays as in STAC; null is allowed."""
    if not isinstance(document, Mapping):
        raise InvalidDocument("document", f"{_short(document)} is not an object")
    for member, rule in schema.items():
        if (stac := document.get(member)) is not None:
            value(rule, stac, member, member)


def value(schema: Mapping[str, Any], stac: Any, attribute: str, member: str) -> None:
    """Check one STAC value against its schema. Raises `InvalidDocument`."""
    if why := fault(schema, stac):
        where = "" if member == attribute.rpartition(".")[2] else f" ({member})"
        raise InvalidDocument(attribute, f"{_short(stac)}{where} {why}")


def required(found: Mapping[str, Any], names: Mapping[str, str], prefix: str = "", why: str = "") -> None:
    """Check that members exist: attribute by member. Raises `InvalidDocument`."""
    for member, attribute in names.items():
        if found.get(member) is None:
            raise InvalidDocument(prefix + attribute, f"is missing{why}")


def ordered_pair(start: Any, end: Any, attribute: str, other: str) -> None:
    """Check that one date is not after another."""
    if start and end and times.parse(start) > times.parse(end):
        raise InvalidDocument(attribute, f"{end} lies before {other} {start}")


def fault(schema: Mapping[str, Any], stac: Any) -> str | None:
    """Return why a value does not match a schema, or None; knows the keywords that the tables use."""
    if found := _type_fault(schema, stac):
        return found
    if "enum" in schema and stac not in schema["enum"]:
        return f"is not one of {', '.join(map(str, schema['enum']))}"
    check = _EXACT_FAULTS.get(type(stac))
    if check is None:
        check = next((other for types, other in _FAULTS if isinstance(stac, types)), None)
    return check(schema, stac) if check else None


def _type_fault(schema: Mapping[str, Any], stac: Any) -> str | None:
    wanted = schema.get("type")
    if wanted is None or (isinstance(wanted, str) and type(stac) in _EXACT.get(wanted, ())):
        return None
    names = [wanted] if isinstance(wanted, str) else wanted or []
    if names and not any(
        isinstance(stac, _TYPES[name]) and (name == "boolean" or not isinstance(stac, bool)) for name in names
    ):
        return f"is not of type {' or '.join(names)}"
    return None


def _string_fault(schema: Mapping[str, Any], stac: str) -> str | None:
    found: str | None = None
    if len(stac) < schema.get("minLength", 0):
        found = "is empty"
    elif len(stac) > schema.get("maxLength", len(stac)):
        found = f"is longer than {schema['maxLength']} characters"
    elif "pattern" in schema and not re.search(schema["pattern"], stac):
        found = f"does not have the form {schema['pattern']}"
    elif schema.get("format") == "date-time" and not _is_date(stac):
        found = "is not an RFC 3339 date and time"
    return found


def _number_fault(schema: Mapping[str, Any], stac: float) -> str | None:
    if "minimum" in schema and not stac >= schema["minimum"]:
        return f"is less than {schema['minimum']}"
    if "maximum" in schema and not stac <= schema["maximum"]:
        return f"is more than {schema['maximum']}"
    if "exclusiveMinimum" in schema and not stac > schema["exclusiveMinimum"]:
        return f"is not more than {schema['exclusiveMinimum']}"
    return None


def _array_fault(schema: Mapping[str, Any], stac: Any) -> str | None:
    if len(stac) < schema.get("minItems", 0):
        return f"has {len(stac)} elements, fewer than {schema['minItems']}"
    if len(stac) > schema.get("maxItems", len(stac)):
        return f"has {len(stac)} elements, more than {schema['maxItems']}"
    if items := schema.get("items"):
        for index, element in enumerate(stac):
            if why := fault(items, element):
                return f"has at {index} {_short(element)}, which {why}"
    return None


def _object_fault(schema: Mapping[str, Any], stac: Mapping[str, Any]) -> str | None:
    if len(stac) > schema.get("maxProperties", len(stac)):
        return f"has {len(stac)} members, more than {schema['maxProperties']}"
    if missing := [name for name in schema.get("required", ()) if stac.get(name) is None]:
        return f"has no {missing[0]}"
    named, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, inner in stac.items():
        rule = named.get(name, others)
        if inner is None and name in named:
            continue  # counts as missing
        if rule and rule is not True and (why := fault(rule, inner)):
            return f"has as {name} {_short(inner)}, which {why}"
    return None


_FAULTS: tuple[tuple[Any, Callable[[Mapping[str, Any], Any], str | None]], ...] = (
    (str, _string_fault),
    (dict, _object_fault),
    ((int, float), _number_fault),
    ((list, tuple), _array_fault),
    (Mapping, _object_fault),
)
# Fast checks of parsed JSON: a bulk load spends a tenth of its time here.
_EXACT_FAULTS: Mapping[type, Callable[[Mapping[str, Any], Any], str | None]] = {
    str: _string_fault,
    dict: _object_fault,
    int: _number_fault,
    float: _number_fault,
    list: _array_fault,
}


def _is_date(stac: str) -> bool:
    try:
        times.parse(stac)
    except compiled_table.CODEC_ERRORS:
        return False
    return "T" in stac or " " in stac


def _short(stac: Any) -> str:
    text = repr(stac)
    return text if len(text) <= 80 else text[:77] + "..."
