"""Types of Parquet columns, learnt from the JSON values of many items."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

__all__ = ["ColumnType"]

_BOOL, _INT, _FLOAT, _TEXT, _LIST, _STRUCT, _LARGE = (1 << bit for bit in range(7))
_KINDS = {bool: _BOOL, int: _INT, float: _FLOAT, str: _TEXT, type(None): 0}
# Integers beyond it are not all exact as 64-bit floating point numbers.
_EXACT = 1 << 53
_INT64 = 1 << 63
# Number of members beyond which a mapping is kept as JSON text: Parquet would need a column for each.
_MOST_MEMBERS = 2000
# The step of a path from a list to its elements.
ELEMENTS = "[]"


@dataclass(slots=True)
class ColumnType:
    """Type of the values of one column, or of one member or element in it.

    Values whose type differs from item to item have no Arrow type in common. They are written as JSON text.

    Attributes
    ----------
    kinds : int
        Kinds of JSON values that were seen, as bits.
    members : dict
        Types of the members of mappings.
    element : ColumnType, optional
        Type of the elements of lists.
    """

    kinds: int = 0
    members: dict[str, ColumnType] = field(default_factory=dict)
    element: ColumnType | None = None
    _has_json: bool | None = None

    def learn(self, value: Any) -> None:
        """Extend the type so that it fits a JSON value too."""
        kind = type(value)
        if kind is dict:
            self.kinds |= _STRUCT
            members = self.members
            for name, each in value.items():
                member = members.get(name)
                if member is None:
                    member = members[name] = ColumnType()
                member.learn(each)
        elif kind is list:
            self.kinds |= _LIST
            if self.element is None:
                self.element = ColumnType()
            learn = self.element.learn
            for each in value:
                learn(each)
        else:
            self.kinds |= _KINDS[kind]
            if kind is int and not -_EXACT <= value <= _EXACT:
                # A float column would round it; a JSON text keeps what no 64 bits hold.
                self.kinds |= _LARGE if -_INT64 <= value < _INT64 else _LARGE | _TEXT

    @property
    def is_empty(self) -> bool:
        """True if no value was seen but null, empty lists and empty mappings."""
        return self.kinds == 0 or (
            self.kinds in (_LIST, _STRUCT)
            and all(each.kinds == 0 for each in (*self.members.values(), self.element) if each is not None)
        )

    @property
    def is_json(self) -> bool:
        """True if the values are written as JSON text."""
        kinds = self.kinds
        if kinds in (0, _BOOL, _INT, _INT | _LARGE, _FLOAT, _INT | _FLOAT, _TEXT, _LIST):
            return False
        known = [name for name, member in self.members.items() if member.kinds]
        return kinds != _STRUCT or not known or len(known) > _MOST_MEMBERS or "" in known

    @property
    def has_json(self) -> bool:
        """True if the values, or parts of them, are written as JSON text."""
        if self._has_json is None:
            self._has_json = self.is_json or any(True for _ in self.json_paths())
        return self._has_json

    def json_paths(self, path: tuple[str, ...] = ()) -> Iterator[list[str]]:
        """Yield the paths to the parts that are written as JSON text."""
        if self.is_json:
            yield list(path)
            return
        if self.element is not None:
            yield from self.element.json_paths((*path, ELEMENTS))
        for name, member in self.members.items():
            yield from member.json_paths((*path, name))

    def arrow(self) -> pa.DataType:
        """Return the Arrow type; null if no value was seen."""
        import pyarrow as pa

        if self.is_json:
            return pa.string()
        if self.kinds == _LIST:
            # Parquet has no lists of nulls; lists that are all empty, or hold nulls only, fit any type.
            assert self.element is not None
            return pa.list_(self.element.arrow() if self.element.kinds else pa.string())
        if self.kinds == _STRUCT:
            return pa.struct([(name, each.arrow()) for name, each in self.members.items() if each.kinds])
        return {
            0: pa.null(),
            _BOOL: pa.bool_(),
            _TEXT: pa.string(),
            _FLOAT: pa.float64(),
            _INT | _FLOAT: pa.float64(),
        }.get(self.kinds, pa.int64())

    def encode(self, value: Any) -> Any:
        """Return a value with JSON texts for the parts that are written so."""
        if value is None or not self.has_json:
            return value
        if self.is_json:
            return json.dumps(value)
        if isinstance(value, list):
            assert self.element is not None
            return [self.element.encode(each) for each in value]
        return {name: self.members[name].encode(each) for name, each in value.items()}
