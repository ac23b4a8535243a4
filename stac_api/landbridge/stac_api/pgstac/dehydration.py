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
            content, marks = self._strip(self._item, _content(item))
        except _InexactError:
            return None
        if self.number is not None:
            content[BASE_ITEM_ID] = self.number
        text = orjson.dumps(content).decode()
        # A marker in the item itself would be mistaken for one of dehydration.
        return text if text.count(MARKER) == marks else None

    def _strip(self, base: Mapping[str, Any], mine: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
        """Return what `mine` has beyond `base`, and the number of markers in it."""
        left: dict[str, Any] = {}
        equal: dict[str, Any] = {}
        marks = 0
        for key, value in mine.items():
            other = base.get(key, _ABSENT)
            if other is _ABSENT or (key in _PER_FILE and isinstance(value, str | int)):
                left[key] = value
            elif value != other:
                left[key], more = self._beyond(other, value)
                marks += more
            elif not isinstance(value, str):
                equal[key] = value
        for key in self._unlike(equal, base) if equal else ():
            left[key], more = self._beyond(base[key], equal[key])
            marks += more
        for key in base:
            if key not in mine:
                left[key] = MARKER
                marks += 1
        return left, marks

    def _beyond(self, base: Any, mine: Any) -> tuple[Any, int]:
        """Return what a value is stored as that isn't the base item's, and the number of markers in it."""
        if isinstance(mine, dict) and isinstance(base, dict):
            return self._strip(base, mine)
        # pgstac's hydration replaces null by the base item's value; that of its clients fails on another
        # container.
        if (mine is None and base is not None) or (
            isinstance(mine, dict | list) and type(mine) is not type(base)
        ):
            raise _InexactError
        if isinstance(mine, list) and len(mine) == len(base):
            pairs = [self._element(other, value) for other, value in zip(base, mine, strict=True)]
            return [value for value, _ in pairs], sum(more for _, more in pairs)
        return mine, 0

    def _element(self, base: Any, mine: Any) -> tuple[Any, int]:
        """Return what an element is stored as, and the number of markers in it."""
        # pgstac's hydration turns two empty objects into null, and fills nested lists from the base item.
        if (mine == base == {}) or (isinstance(mine, list) and isinstance(base, list)):
            raise _InexactError
        return self._beyond(base, mine)

    def _unlike(self, equal: Mapping[str, Any], base: Mapping[str, Any]) -> list[str]:
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
        mine = into.get(key, _ABSENT)
        if mine is _ABSENT:
            into[key] = value
        elif isinstance(mine, dict):
            if isinstance(value, dict):
                _merge(value, mine)
        elif isinstance(mine, list):
            if isinstance(value, list) and len(mine) == len(value):
                for other, one in zip(value, mine, strict=True):
                    if isinstance(one, dict) and isinstance(other, dict):
                        _merge(other, one)
        elif mine == MARKER:
            del into[key]
