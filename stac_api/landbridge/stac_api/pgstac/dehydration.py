"""Dehydration: the content of an item's row without the values of its collection's base item.

The format is pgstac's, so that a program that reads the database by pgstac's functions sees the same item:
a member that equals the base item's is left out, and a member that only the base item has is marked. pgstac's
own two dehydrations lose values (one leaves list elements out that equal the base's, both drop nulls), so
this one writes only values that come back exactly. An item of which it can't is stored whole, against an
empty base item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from hydraters import DO_NOT_MERGE_MARKER as MARKER
from hydraters import strip_unmatched_markers

from landbridge.errors import LandbridgeError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BASE_ITEM_ID", "MARKER", "Base", "hydrate"]

BASE_ITEM_ID = "pgstac:base_item"  # the member of a row's content that names its base item
# Columns of the row, or the same for all items.
_COLUMNS = frozenset({"type", "id", "collection", "geometry", BASE_ITEM_ID})
# Always stored: code that sums bytes or looks for files reads them without the base item.
_PER_FILE = frozenset({"href", "file:size", "file:checksum"})
_MOST_KNOWN = 8  # ways to write one value
_ABSENT = object()


class _InexactError(LandbridgeError):
    """Error: pgstac's hydration would not restore a value."""


class Base:
    """A base item, and the number of its row in `base_items` if it has one."""

    def __init__(self, item: Mapping[str, Any], number: int | None = None) -> None:
        self.number = number
        self._item = {key: value for key, value in item.items() if key not in _COLUMNS and value is not None}
        self._usable = MARKER not in orjson.dumps(self._item).decode()
        self._known: dict[int, set[bytes]] = {}

    def dehydrate(self, item: Mapping[str, Any]) -> str | None:
        """Return the content of the item's row, or None if the item has to be stored whole."""
        if not self._usable:
            return None
        try:
            content, markers = self._difference(self._item, _content(item))
        except _InexactError:
            return None
        if self.number is not None:
            content[BASE_ITEM_ID] = self.number
        text = orjson.dumps(content).decode()
        # A marker in the item itself would be mistaken for one of dehydration.
        return text if text.count(MARKER) == markers else None

    def _difference(self, base: Mapping[str, Any], own: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """Return the members of `own` that differ from `base`, and the number of markers among them."""
        left: dict[str, Any] = {}
        equal: dict[str, Any] = {}
        markers = 0
        for key, value in own.items():
            other = base.get(key, _ABSENT)
            if other is _ABSENT or (key in _PER_FILE and isinstance(value, str | int)):
                left[key] = value
            elif value != other:
                left[key], more = self._stored_value(other, value)
                markers += more
            elif not isinstance(value, str):
                equal[key] = value
        for key in self._of_other_types(equal, base) if equal else ():
            left[key], more = self._stored_value(base[key], equal[key])
            markers += more
        for key in base:
            if key not in own:
                left[key] = MARKER
                markers += 1
        return left, markers

    def _stored_value(self, base: Any, own: Any) -> tuple[Any, int]:
        """Return the stored form of a value that differs from the base item's, and its number of markers."""
        if isinstance(own, dict) and isinstance(base, dict):
            return self._difference(base, own)
        # pgstac's hydration replaces null by the base item's value; that of its clients fails on another
        # container.
        if (own is None and base is not None) or (
            isinstance(own, dict | list) and type(own) is not type(base)
        ):
            raise _InexactError
        if isinstance(own, list) and len(own) == len(base):
            pairs = [self._element(other, value) for other, value in zip(base, own, strict=True)]
            return [value for value, _ in pairs], sum(more for _, more in pairs)
        return own, 0

    def _element(self, base: Any, own: Any) -> tuple[Any, int]:
        """Return the stored form of a list's element, and its number of markers."""
        # pgstac's hydration turns two empty objects into null, and fills nested lists from the base item.
        if (own == base == {}) or (isinstance(own, list) and isinstance(base, list)):
            raise _InexactError
        return self._stored_value(base, own)

    def _of_other_types(self, equal: Mapping[str, Any], base: Mapping[str, Any]) -> list[str]:
        """Return the equal members that differ in type: 1, 1.0 and true are equal in Python."""
        # Most items of a load repeat the same values, so known ones are skipped. `base` lives as long as this
        # object.
        known = self._known.setdefault(id(base), set())
        if (written := orjson.dumps(equal)) in known:
            return []
        unlike = [key for key, value in equal.items() if _sorted(value) != _sorted(base[key])]
        if not unlike and len(known) < _MOST_KNOWN:
            known.add(written)
        return unlike


def _sorted(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def whole(item: Mapping[str, Any], number: int) -> str:
    """Return the content of a row that holds the whole item; `number` is the id of an empty base item."""
    return orjson.dumps({**_content(item), BASE_ITEM_ID: number}).decode()


def _content(item: Mapping[str, Any]) -> dict[str, Any]:
    content = {key: value for key, value in item.items() if key not in _COLUMNS}
    if len(item["geometry"]) > 2:
        # The geometry column keeps only type and coordinates; this copy takes precedence.
        content["geometry"] = item["geometry"]
    return content


def hydrate(base: Mapping[str, Any], item: dict[str, Any], *, has_markers: bool) -> None:
    """Add to an item the values that only its base item has, shared with it: do not change them.

    `has_markers` tells that the item holds a marker. Rows of other writers may hold markers without effect.
    """
    _merge(base, item)
    if has_markers and base:
        strip_unmatched_markers(item)


def _merge(base: Mapping[str, Any], into: dict[str, Any]) -> None:
    # The items of a page share most values: copying them would take longer than the rest of the answer.
    for key, value in base.items():
        own = into.get(key, _ABSENT)
        if own is _ABSENT:
            into[key] = value
        elif isinstance(own, dict):
            if isinstance(value, dict):
                _merge(value, own)
        elif isinstance(own, list):
            if isinstance(value, list) and len(own) == len(value):
                for other, one in zip(value, own, strict=True):
                    if isinstance(one, dict) and isinstance(other, dict):
                        _merge(other, one)
        elif own == MARKER:
            del into[key]
