"""Reading and writing of the rows that a codec converts in one place, compiled once per table.

The members of one object are meant: an Item's ``properties``, a Collection itself, or a band's entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from landbridge.mappings import tables, values
from landbridge.mappings.codecs import CODECS, DOCUMENT_CODECS
from landbridge.mappings.diffs import json_equal
from landbridge.mappings.errors import InvalidDocument

if TYPE_CHECKING:
    from landbridge.mappings.tables import Row

__all__ = ["CODEC_ERRORS", "CompiledTable", "for_kind", "write"]

# What a codec raises on a value it cannot convert.
CODEC_ERRORS = (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError)

_Reader = tuple[str, Callable[[Any], Any] | None]


def _read_later(value: Any) -> Any:
    """Stands in `Plan.steps` for a member that is read together with another one."""
    raise NotImplementedError(value)


@dataclass(frozen=True, slots=True)
class CompiledTable:
    """``steps``: attribute and decoder by member; ``special``: rows with a document codec, by attribute."""

    table: tables.Table
    steps: Mapping[str, _Reader]
    shadows: Mapping[str, tuple[str, str, Callable[[Any], Any] | None]]
    overflows: Mapping[str, tuple[str, str, Callable[[Any], Any] | None]]
    special: Mapping[str, Row]

    def read(self, members: Mapping[str, Any], out: dict[str, Any], extra: dict[str, Any]) -> None:
        """Put the attributes that ``members`` hold into ``out``, and members of no attribute into ``extra``.

        A value that its codec cannot read is left out: a document of others must not be unreadable for
        one bad member, which stays where it is.
        """
        find = self.steps.get
        late: list[str] = []
        for key, value in members.items():
            step = find(key)
            if step is None:
                if not key.startswith("catalog:"):
                    extra[key] = value
                continue
            name, decode = step
            if value is None:
                continue
            if decode is None:
                out[name] = value
            elif decode is _read_later:
                late.append(key)
            else:
                try:
                    out[name] = decode(value)
                except CODEC_ERRORS:
                    continue
        for key in late:
            self._read_beside(key, members, out)

    def _read_beside(self, key: str, members: Mapping[str, Any], out: dict[str, Any]) -> None:
        try:
            if key in self.shadows:
                name, member, encode = self.shadows[key]
                # A shadow counts only while it says the same as the STAC member, which others may edit.
                if member in members and encode is not None and encode(members[key]) == members[member]:
                    out[name] = members[key]
            elif key in self.overflows:
                name, member, decode = self.overflows[key]
                if members.get(member) is None:
                    out[name] = members[key] if decode is None else decode(members[key])
        except CODEC_ERRORS:
            return


@cache
def for_kind(kind: str) -> CompiledTable:
    """The plan of a table."""
    table = tables.load(kind)
    container = ("properties",) if table.document == "Item" else ()
    steps: dict[str, _Reader] = {}
    shadows, overflows, special = {}, {}, {}
    for row in table.rows.values():
        if row.codec in DOCUMENT_CODECS:
            special[row.name] = row
            for place in row.places:
                if place[:-1] == container:
                    steps.setdefault(place[-1], (row.name, _read_later))
            continue
        codec, member = CODECS[row.codec], row.path[-1]
        steps[member] = (row.name, codec.decode)
        if row.shadow:
            shadows[row.shadow] = (row.name, member, codec.encode)
            steps[row.shadow] = (row.name, _read_later)
        if row.overflow:
            overflows[row.overflow] = (row.name, member, codec.decode)
            steps[row.overflow] = (row.name, _read_later)
        for place in row.also:
            steps.setdefault(place[-1], (row.name, _read_later))
    return CompiledTable(table, steps, shadows, overflows, special)


def write(row: Row, value: Any, members: dict[str, Any]) -> None:
    """Put an attribute's value into ``members``; None takes it out. Raises `InvalidDocument`."""
    member = row.path[-1]
    for name in (row.shadow, row.overflow):
        if name:
            members.pop(name, None)
    if value is None:
        members.pop(member, None)
        return
    codec = CODECS[row.codec]
    try:
        stac = value if codec.encode is None else codec.encode(value)
        back = value if codec.encode is None else stac if codec.decode is None else codec.decode(stac)
    except CODEC_ERRORS as error:
        raise InvalidDocument(row.name, f"{value!r} will not do: {error}") from error
    values.check(row.name, stac)
    if row.overflow and not row.schema.get("minimum", stac) <= stac <= row.schema.get("maximum", stac):
        members.pop(member, None)
        members[row.overflow] = stac
        return
    members[member] = stac
    if row.shadow and not json_equal(back, value):
        members[row.shadow] = value
