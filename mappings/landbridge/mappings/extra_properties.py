"""``extra_properties``: any JSON value under any name, in a database that drops nulls and signs of zeros.

pgstac takes null members out of every object inside an item (nulls in arrays stay). So a null member is
written as ``{"catalog:null": true}``. PostgreSQL's numbers have no -0.0, and write 1e16 without a point, like
a whole number. So these are written as ``{"catalog:float": "-0.0"}``. An object that looks like one of both,
its only member being that name and any number of ``~``, gets one more ``~``. All other values are written as
they are.
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
# From here on the shortest notation of a float has an exponent, of which the database keeps the digits only.
_EXPONENT = 1e16


def encode(value: Any, member: bool = False) -> Any:
    """A JSON value with its null members written out; ``member``: the value is an object's member."""
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
    """Return ``extra_properties`` as they are stored. Raises `InvalidDocument`."""
    values.check("extra_properties", value)
    return encode(value)


def decode(value: Any) -> Any:
    """The JSON value that `encode` wrote."""
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
    """Return whether the database would change a float into another one or into a whole number."""
    return (value == 0 and math.copysign(1, value) < 0) or abs(value) >= _EXPONENT


def _float(value: dict[str, Any]) -> Any:
    """Return the float of an object that `encode` wrote; an object of earlier versions as it is."""
    try:
        return float(value[_FLOAT]) if isinstance(value[_FLOAT], str) else value
    except ValueError:
        return value


def read(own: Any, foreign: dict[str, Any], out: dict[str, Any]) -> None:
    """Put ``extra_properties`` into ``out``: what `MEMBER` holds, and before it what others wrote beside."""
    if isinstance(own, dict):
        foreign.update(decode(own))
    elif not foreign:
        return
    out["extra_properties"] = foreign


def write(properties: dict[str, Any], foreign: Mapping[str, Any], value: Any) -> None:
    """Set an Item's ``extra_properties``; ``foreign``: its properties that are those of others.

    One of these that keeps its name stays in the place where others look for it.
    """
    wanted = dict(value or {})
    values.check("extra_properties", wanted)
    own = properties.pop(MEMBER, None) or {}
    for key, shown in foreign.items():
        if key not in wanted:
            del properties[key]
        elif key in own:
            continue  # the member of the same name in our own object is the one that is shown
        elif json_equal(wanted[key], shown):
            del wanted[key]
        elif wanted[key] is not None and json_equal(encode(wanted[key]), wanted[key]):
            properties[key] = wanted.pop(key)
        else:
            del properties[key]
    if wanted or (value is not None and not any(key in properties for key in foreign)):
        properties[MEMBER] = encode(wanted)
