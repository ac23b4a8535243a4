"""Checks that JSON and the database can hold a value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from landbridge.mappings.errors import InvalidDocument

__all__ = ["MAX_INTEGER", "MIN_INTEGER", "check", "problem"]

# Range of the integers that JSON parsers keep exactly: 64 bits, signed or unsigned.
MIN_INTEGER, MAX_INTEGER = -(2**63), 2**64 - 1


def check(attribute: str, value: Any) -> None:
    """Raise `InvalidDocument` if a value cannot be stored unchanged."""
    if why := problem(value):
        raise InvalidDocument(attribute, why)


def problem(value: Any) -> str | None:
    """Return the reason why a value, or a value inside it, cannot be stored unchanged; None if it can."""
    if isinstance(value, str):
        return _text_problem(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _number_problem(value)
    parts: list[Any] = []
    if isinstance(value, Mapping):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple):
        parts = list(value)
    return next((why for part in parts if (why := problem(part))), None)


def _number_problem(value: Any) -> str | None:
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{value!r} is not a finite number, which JSON cannot hold"
    if MIN_INTEGER <= value <= MAX_INTEGER:
        return None
    bits = value.bit_length()
    shown = repr(value) if bits < 256 else "one"  # Python refuses to print integers of thousands of digits
    return f"{shown} is an integer of {bits} bits, but at most 64 bits can be stored; store it as text"


def _text_problem(text: str) -> str | None:
    if "\x00" in text:
        return f"{_shortened(text)} holds a NUL character, which the database cannot hold"
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        half = text[error.start]
        return f"{ascii(text)[:80]} holds {half!a}, one half of a surrogate pair, which is not a character"
    return None


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}... ({len(text)} characters)"
