"""Rows of the tables of old keys, and the conversions between dicts of old keys and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from landbridge.porting.arguments.keywords import refuse_unknown
from landbridge.utils import DotDict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "Key",
    "attributes_by_key",
    "extra",
    "merged",
    "read_keys",
    "read_only",
    "same",
    "to_attributes",
    "to_plain",
]


@dataclass(frozen=True, slots=True)
class Key:
    """Key of an old dict.

    Attributes
    ----------
    name : str
        The key.
    read : callable
        Function from a Catalog object to the value of the key.
    write : callable, optional
        Function from the value, and the whole dict that it is in, to attributes of a Catalog object. None
        if the key cannot be set.
    """

    name: str
    read: Callable[[Any], Any]
    write: Callable[[Any, Mapping[str, Any]], dict[str, Any]] | None = None


def same(name: str, attribute: str | None = None) -> Key:
    """Return the row of a key whose value is that of an attribute, by default of the same name."""
    target = attribute or name
    return Key(name, lambda each: getattr(each, target, None), lambda value, _: {target: value})


def read_only(name: str, attribute: str | None = None) -> Key:
    """Return the row of a key that has the value of an attribute and cannot be set."""
    return Key(name, same(name, attribute).read)


def extra(name: str) -> Key:
    """Return the row of a key that the Catalog has no attribute for: it is kept in `extra_properties`."""
    return Key(
        name,
        lambda each: (each.extra_properties or {}).get(name),
        lambda value, _: {"extra_properties": {name: value}},
    )


def read_keys(
    each: Any, keys: Iterable[Key], fields: Iterable[str] | None = None, *, keep_unset: bool = False
) -> DotDict:
    """Return the dict of old keys of a Catalog object.

    Parameters
    ----------
    each : Product, Band or Image
        Object.
    keys : iterable of Key
        Table of its kind.
    fields : iterable of str, optional
        The only keys to return. By default all.
    keep_unset : bool, default False
        Return keys whose value is not set, as None.
    """
    wanted = None if fields is None else set(fields)
    found = {key.name: to_plain(key.read(each)) for key in keys if wanted is None or key.name in wanted}
    return DotDict({name: value for name, value in found.items() if keep_unset or value is not None})


def to_plain(value: Any) -> Any:
    """Return a value as JSON has it: texts for times, GeoJSON for geometries, lists and dicts.

    Examples
    --------
    >>> from datetime import datetime, timezone
    >>> from landbridge.porting.old_keys.table import to_plain
    >>> to_plain((datetime(2016, 7, 6, 16, 59, tzinfo=timezone.utc), 1.5))
    ['2016-07-06T16:59:00Z', 1.5]
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    if isinstance(value, BaseGeometry):
        value = mapping(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {name: to_plain(member) for name, member in value.items()}
    if hasattr(value, "__iter__"):
        return [to_plain(member) for member in value]
    return value


def attributes_by_key(
    method: str, values: Mapping[str, Any], keys: Iterable[Key]
) -> dict[str, dict[str, Any]]:
    """Return the attributes that each key of a dict sets; None is a value that is not set.

    Raises
    ------
    UnknownArgumentError
        If a key is in no row, or in one that cannot be set.
    """
    writers = {key.name: key.write for key in keys if key.write is not None}
    refuse_unknown(method, values, writers)
    return {name: dict(writers[name](value, values)) for name, value in values.items() if value is not None}


def to_attributes(method: str, values: Mapping[str, Any], keys: Iterable[Key]) -> dict[str, Any]:
    """Return the attributes that a dict of old keys sets; None is a value that is not set.

    Raises
    ------
    UnknownArgumentError
        If a key is in no row, or in one that cannot be set.
    """
    return merged(attributes_by_key(method, values, keys).values())


def merged(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return all attributes of several dicts, with the extra properties of all."""
    attributes: dict[str, Any] = {}
    extras: dict[str, Any] = {}
    for part in parts:
        attributes |= {name: value for name, value in part.items() if name != "extra_properties"}
        extras |= part.get("extra_properties", {})
    return {**attributes, "extra_properties": extras} if extras else attributes
