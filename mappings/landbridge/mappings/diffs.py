"""Differences between two JSON documents, as RFC 7396 merge patches and RFC 6902 operations.

A merge patch compares objects member by member; anything else, arrays included, is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

__all__ = ["json_equal", "json_patch", "json_pointer", "merge_patch"]


def json_equal(one: Any, other: Any) -> bool:
    """Equality of JSON values: unlike Python's, it tells ``true`` from ``1``."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and one.keys() == other.keys()
            and all(json_equal(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, list | tuple):
        return (
            isinstance(other, list | tuple)
            and len(one) == len(other)
            and all(json_equal(*pair) for pair in zip(one, other, strict=True))
        )
    return bool(one == other)


def merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The RFC 7396 merge patch that turns ``old`` into ``new``; empty where they are the same."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := merge_patch(before, value):
                patch[key] = inner
        elif key not in old or not json_equal(before, value):
            patch[key] = value
    return patch


def json_patch(
    old: Mapping[str, Any], new: Mapping[str, Any], path: str = "", inside: Collection[str] = ()
) -> list[dict[str, Any]]:
    """The RFC 6902 operations that turn ``old`` into ``new``, their paths below ``path``.

    Members are replaced as a whole, so that what results is what was meant and no mixture with what others
    wrote meanwhile; those that ``inside`` names are objects to be compared member by member.
    """
    found: list[dict[str, Any]] = [
        {"op": "remove", "path": path + json_pointer([key])} for key in old if key not in new
    ]
    for key, value in new.items():
        where, before = path + json_pointer([key]), old.get(key)
        if key in inside and isinstance(value, Mapping) and isinstance(before, Mapping):
            found += json_patch(before, value, where, inside)
        elif key not in old or not json_equal(before, value):
            # "add" replaces a member that is there, and does not fail where it went in the meantime.
            found.append({"op": "add", "path": where, "value": value})
    return found


def json_pointer(members: Sequence[str | int]) -> str:
    """The JSON pointer (RFC 6901) to a member."""
    return "".join("/" + str(member).replace("~", "~0").replace("/", "~1") for member in members)
