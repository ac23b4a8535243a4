"""Checks of JSON values against the schemas of the tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from landbridge.mappings import compiled_table, times

__all__ = ["fault", "short"]

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
                return f"has at {index} {short(element)}, which {why}"
    return None


def _object_fault(schema: Mapping[str, Any], stac: Mapping[str, Any]) -> str | None:
    if len(stac) > schema.get("maxProperties", len(stac)):
        return f"has {len(stac)} members, more than {schema['maxProperties']}"
    if missing := [name for name in schema.get("required", ()) if stac.get(name) is None]:
        return f"has no {missing[0]}"
    options = schema.get("anyOf")
    if options and all(faults := [fault(option, stac) for option in options]):
        return faults[0]
    named, others = schema.get("properties", {}), schema.get("additionalProperties")
    for name, inner in stac.items():
        rule = named.get(name, others)
        if inner is None and name in named:
            continue  # counts as missing
        if rule and rule is not True and (why := fault(rule, inner)):
            return f"has as {name} {short(inner)}, which {why}"
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


def short(stac: Any) -> str:
    """Return the text of a value for messages, cut to 80 characters."""
    text = repr(stac)
    return text if len(text) <= 80 else text[:77] + "..."
