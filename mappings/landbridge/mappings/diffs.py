"""Differences between two JSON documents, as RFC 7396 merge patches and RFC 6902 operations.

A merge patch compares objects member by member. Any other value, arrays included, is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

__all__ = ["json_equal", "json_patch", "json_pointer", "merge_patch"]


def json_equal(one: Any, other: Any) -> bool:
    """Compare JSON values. Unlike Python's ``==``, ``true`` differs from ``1``."""
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
    """Return the RFC 7396 merge patch from ``old`` to ``new``; empty if they are equal."""
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
    """Return the RFC 6902 operations from ``old`` to ``new``, with paths below ``path``.

    Members are replaced as a whole, so that the result does not mix with concurrent changes by other clients.
    Objects named in ``inside`` are compared member by member.
    """
    found: list[dict[str, Any]] = [
        {"op": "remove", "path": path + json_pointer([key])} for key in old if key not in new
    ]
    for key, value in new.items():
        member, before = path + json_pointer([key]), old.get(key)
        if key in inside and isinstance(value, Mapping) and isinstance(before, Mapping):
            found += json_patch(before, value, member, inside)
        elif key not in old or not json_equal(before, value):
            # "add" replaces a member, and unlike "replace" does not fail if the member is gone meanwhile.
            found.append({"op": "add", "path": member, "value": value})
    return found


def json_pointer(members: Sequence[str | int]) -> str:
    """Return the JSON pointer (RFC 6901) to a member."""
    return "".join("/" + str(member).replace("~", "~0").replace("/", "~1") for member in members)
