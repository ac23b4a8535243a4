"""Readers and writers of members that have a codec of one value, compiled once per table.

"Members" are those of one JSON object: an Item's ``properties``, a Collection, or a band's entry.
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

# Exceptions that a codec raises for a value that it cannot convert.
CODEC_ERRORS = (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError)

_Reader = tuple[str, Callable[[Any], Any] | None]


def _read_later(value: Any) -> Any:
    """Mark a member in `CompiledTable.readers` that is read together with another member."""
    raise NotImplementedError(value)


@dataclass(frozen=True, slots=True)
class CompiledTable:
    """Readers of one table, by member.

    ``readers`` holds attribute and decoder; ``shadows`` and ``overflows`` hold attribute, main member and
    converter.
    """

    table: tables.Table
    readers: Mapping[str, _Reader]
    shadows: Mapping[str, tuple[str, str, Callable[[Any], Any] | None]]
    overflows: Mapping[str, tuple[str, str, Callable[[Any], Any] | None]]

    def read(self, members: Mapping[str, Any], out: dict[str, Any], extra: dict[str, Any]) -> None:
        """Put the attributes of ``members`` into ``out``, and members without attribute into ``extra``.

        A value that its codec cannot decode is left out, so that one bad member does not make another
        program's document unreadable. It stays in the document.
        """
        find = self.readers.get
        late: list[str] = []
        for key, value in members.items():
            reader = find(key)
            if reader is None:
                if not key.startswith("catalog:"):
                    extra[key] = value
                continue
            name, decode = reader
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
                # A shadow is valid only while it agrees with the STAC member, which other programs may edit.
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
    """Return the compiled table of a kind."""
    table = tables.load(kind)
    container = ("properties",) if table.document == "Item" else ()
    readers: dict[str, _Reader] = {}
    shadows, overflows = {}, {}
    for row in table.rows.values():
        if row.codec in DOCUMENT_CODECS:
            for path in row.paths:
                if path[:-1] == container:
                    readers.setdefault(path[-1], (row.name, _read_later))
            continue
        codec, member = CODECS[row.codec], row.path[-1]
        readers[member] = (row.name, codec.decode)
        if row.shadow:
            shadows[row.shadow] = (row.name, member, codec.encode)
            readers[row.shadow] = (row.name, _read_later)
        if row.overflow:
            overflows[row.overflow] = (row.name, member, codec.decode)
            readers[row.overflow] = (row.name, _read_later)
        for path in row.also:
            readers.setdefault(path[-1], (row.name, _read_later))
    return CompiledTable(table, readers, shadows, overflows)


def write(row: Row, value: Any, members: dict[str, Any]) -> None:
    """Put an attribute's value into ``members``; None removes it.

    Raises `InvalidDocument` if the attribute cannot hold the value.
    """
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
        raise InvalidDocument(row.name, f"{value!r} is invalid: {error}") from error
    values.check(row.name, stac)
    if row.overflow and not row.schema.get("minimum", stac) <= stac <= row.schema.get("maximum", stac):
        members.pop(member, None)
        members[row.overflow] = stac
        return
    members[member] = stac
    if row.shadow and not json_equal(back, value):
        members[row.shadow] = value
