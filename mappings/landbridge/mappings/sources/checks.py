"""Checks of the values of a source's table; each returns the value that the table gets.

Their errors name the key; `landbridge.mappings.sources.parse` adds the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from landbridge.errors import LandbridgeError

__all__ = [
    "Check",
    "SourceError",
    "checked",
    "count",
    "flag",
    "join",
    "list_of",
    "number",
    "of_type",
    "one_of",
    "positive",
    "record",
    "require",
    "text",
    "whole",
]

# A check gets a value and its location in the file.
Check = Callable[[Any, str], Any]


class SourceError(LandbridgeError, ValueError):
    """A source's table is invalid; the message names the file and the key."""


def checked(table: Any, checks: Mapping[str, Check], location: str) -> dict[str, Any]:
    """Return the checked values of a table; a key that is not known is an error."""
    if not isinstance(table, Mapping):
        raise SourceError(f"{location or 'the file'} must be a table, not {table!r}.")
    unknown = sorted(set(table) - set(checks))
    if unknown:
        raise SourceError(
            f"{join(location, unknown[0])} is not a key of a source's table; the keys here are "
            f"{', '.join(sorted(checks))}."
        )
    return {key: checks[key](value, join(location, key)) for key, value in table.items()}


def join(location: str, key: str) -> str:
    """Return the location of a key."""
    return f"{location}.{key}" if location else key


def require(values: Mapping[str, Any], location: str, *keys: str) -> None:
    """Raise if a key is missing."""
    for key in keys:
        if key not in values:
            raise SourceError(f"{join(location, key)} is missing.")


def of_type(kind: type, what: str) -> Check:
    """Return a check of a value's type; an empty text is an error."""

    def check(value: Any, location: str) -> Any:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool) or value == "":
            raise SourceError(f"{location} must be {what}; it is {value!r}.")
        return value

    return check


text: Check = of_type(str, "a text that is not empty")
flag: Check = of_type(bool, "true or false")
whole: Check = of_type(int, "a whole number")


def number(value: Any, location: str) -> float:
    """Return a number as a float."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise SourceError(f"{location} must be a number; it is {value!r}.")
    return float(value)


def _at_least(least: int, what: str) -> Check:
    def check(value: Any, location: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise SourceError(f"{location} must be {what}; it is {value!r}.")
        return value

    return check


positive: Check = _at_least(1, "a whole number above 0")
count: Check = _at_least(0, "a whole number that is not negative")


def one_of(*known: str) -> Check:
    """Return a check that a value is one of some texts."""

    def check(value: Any, location: str) -> str:
        if value not in known:
            raise SourceError(f"{location} is {value!r}; it must be one of {', '.join(known)}.")
        return str(value)

    return check


def list_of(each: Check) -> Check:
    """Return a check of each value of a list."""

    def check(value: Any, location: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise SourceError(f"{location} must be a list; it is {value!r}.")
        return tuple(each(one, f"{location}[{position}]") for position, one in enumerate(value))

    return check


def record(make: Callable[..., Any], checks: Mapping[str, Check], *required: str) -> Check:
    """Return a check that makes a frozen value from a table."""

    def check(value: Any, location: str) -> Any:
        values = checked(value, checks, location)
        require(values, location, *required)
        return make(**values)

    return check
