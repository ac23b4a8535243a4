"""Encoding of ``extra_properties``, which hold any JSON value, for a database that drops nulls.

pgstac removes null members from every object in an item, but keeps nulls in arrays. A null member is
therefore written as ``{"catalog:null": true}``. PostgreSQL's numbers have no -0.0, and 1e16 comes back
without a decimal point, like an integer. Such floats are written as ``{"catalog:float": "-0.0"}``. If the
only member of an object already has one of these names, followed by any number of ``~``, it gets one more
``~``. All other values are written unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from landbridge.mappings import values
from landbridge.mappings.diffs import json_equal

__all__ = ["MEMBER", "decode", "encode", "encode_checked", "read", "write"]

MEMBER = "catalog:extra_properties"

_NULL = "catalog:null"
_FLOAT = "catalog:float"
# From this value on, the shortest notation of a float has an exponent, which the database does not keep.
_EXPONENT = 1e16


def encode(value: Any, member: bool = False) -> Any:
    """Encode a JSON value; ``member`` says that the value is an object's member."""
    if value is None:
        return {_NULL: True} if member else None
    if isinstance(value, Mapping):
        if len(value) == 1 and (escaped := _escapable(value)) is not None:
            return {escaped + "~": encode(value[escaped], member=True)}
        return {key: encode(inner, member=True) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [encode(inner) for inner in value]
    if isinstance(value, float) and _is_changed(value):
        return {_FLOAT: repr(value)}
    return value


def encode_checked(value: Any) -> Any:
    """Encode ``extra_properties``. Raises `InvalidDocument` if a value cannot be stored."""
    values.check("extra_properties", value)
    return encode(value)


def decode(value: Any) -> Any:
    """Decode a JSON value that `encode` wrote."""
    if isinstance(value, dict):
        if len(value) == 1 and (escaped := _escapable(value)) is not None:
            if escaped == _NULL:
                return None
            if escaped == _FLOAT:
                return _float(value)
            return {escaped[:-1]: decode(value[escaped])}
        return {key: decode(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [decode(inner) for inner in value]
    return value


def _escapable(value: Mapping[str, Any]) -> str | None:
    key = next(iter(value))
    return key if isinstance(key, str) and key.rstrip("~") in (_NULL, _FLOAT) else None


def _is_changed(value: float) -> bool:
    """Say whether the database would change a float into another float or into an integer."""
    return (value == 0 and math.copysign(1, value) < 0) or abs(value) >= _EXPONENT


def _float(value: dict[str, Any]) -> Any:
    """Return the float of an object that `encode` wrote; keep objects of earlier versions."""
    try:
        return float(value[_FLOAT]) if isinstance(value[_FLOAT], str) else value
    except ValueError:
        return value


def read(own: Any, unmapped: dict[str, Any], out: dict[str, Any]) -> None:
    """Put ``extra_properties`` into ``out``: the unmapped properties, overridden by the value of `MEMBER`."""
    if isinstance(own, dict):
        unmapped.update(decode(own))
    elif not unmapped:
        return
    out["extra_properties"] = unmapped


def write(properties: dict[str, Any], unmapped: Mapping[str, Any], value: Any) -> None:
    """Set an Item's ``extra_properties``; ``unmapped``: the properties that belong to no attribute.

    An unmapped property that keeps its name stays in ``properties``, where other programs look for it.
    """
    wanted = dict(value or {})
    values.check("extra_properties", wanted)
    own = properties.pop(MEMBER, None) or {}
    for key, shown in unmapped.items():
        if key not in wanted:
            del properties[key]
        elif key in own:
            continue  # the member of the same name in `MEMBER` takes precedence
        elif json_equal(wanted[key], shown):
            del wanted[key]
        elif wanted[key] is not None and json_equal(encode(wanted[key]), wanted[key]):
            properties[key] = wanted.pop(key)
        else:
            del properties[key]
    if wanted or (value is not None and not any(key in properties for key in unmapped)):
        properties[MEMBER] = encode(wanted)
