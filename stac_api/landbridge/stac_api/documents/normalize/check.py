"""Checks of STAC values against the tables' rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from landbridge.mappings import compiled_table, tables, times
from landbridge.mappings.codecs import CODECS
from landbridge.mappings.errors import InvalidDocument
from landbridge.mappings.schema_check import fault, short

if TYPE_CHECKING:
    from landbridge.mappings.tables import Row

__all__ = ["members", "ordered_pair", "required", "structure", "value"]


def members(
    kind: str, found: Mapping[str, Any], prefix: str = "", only: str = "", *, is_catalog: bool = True
) -> None:
    """Check all members that belong to attributes, or those whose names begin with ``only``.

    ``prefix`` goes before the attribute in an error. ``is_catalog`` is false for a document of another STAC
    client, in which STAC's own members need only have the right type: an empty ``platform`` or a negative
    ``view:sun_azimuth`` is accepted.
    """
    for member, (row, schema) in _rows(kind, is_catalog).items():
        if (stac := found.get(member)) is not None and member.startswith(only):
            if schema is None:
                _shadow(row, stac, prefix + row.name, member)
            else:
                value(schema, stac, prefix + row.name, member)


_TYPE_KEYWORDS = frozenset({"type", "format", "items", "properties", "additionalProperties"})


@cache
def _rows(kind: str, is_catalog: bool) -> Mapping[str, tuple[Row, Mapping[str, Any] | None]]:
    """Return row and schema by member; a shadow, which holds an attribute's own value, has no schema."""
    table = tables.load(kind)
    container = ("properties",) if table.document == "Item" else ()
    found: dict[str, tuple[Row, Mapping[str, Any] | None]] = {}
    for row in table.rows.values():
        if row.path[:-1] == container:
            member = row.path[-1]
            lenient = not (is_catalog or member.startswith("catalog:"))
            found[member] = (row, _types_only(row.schema) if lenient else row.schema)
            if row.overflow:
                found[row.overflow] = (row, {"type": row.schema["type"]})
            if row.shadow:
                found[row.shadow] = (row, None)
    return found


def _types_only(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema without the keywords that restrict values within their type."""
    kept: dict[str, Any] = {}
    for keyword, rule in schema.items():
        if keyword == "properties":
            kept[keyword] = {name: _types_only(inner) for name, inner in rule.items()}
        elif keyword in _TYPE_KEYWORDS:
            kept[keyword] = _types_only(rule) if isinstance(rule, Mapping) else rule
    return kept


def _shadow(row: Row, kept: Any, attribute: str, member: str) -> None:
    """Check an attribute's own value by its STAC form."""
    encode = CODECS[row.codec].encode
    try:
        stac = kept if encode is None else encode(kept)
    except compiled_table.CODEC_ERRORS as error:
        raise InvalidDocument(attribute, f"{short(kept)} ({member}) will not do: {error}") from error
    value(row.schema, stac, attribute, member)


def structure(schema: Mapping[str, Any], document: Any) -> None:
    """Check that a document's parts are objects and arrays as in STAC; null is allowed."""
    if not isinstance(document, Mapping):
        raise InvalidDocument("document", f"{short(document)} is not an object")
    for member, rule in schema.items():
        if (stac := document.get(member)) is not None:
            value(rule, stac, member, member)


def value(schema: Mapping[str, Any], stac: Any, attribute: str, member: str) -> None:
    """Check one STAC value against its schema. Raises `InvalidDocument`."""
    if why := fault(schema, stac):
        where = "" if member == attribute.rpartition(".")[2] else f" ({member})"
        raise InvalidDocument(attribute, f"{short(stac)}{where} {why}")


def required(found: Mapping[str, Any], names: Mapping[str, str], prefix: str = "", why: str = "") -> None:
    """Check that members exist: attribute by member. Raises `InvalidDocument`."""
    for member, attribute in names.items():
        if found.get(member) is None:
            raise InvalidDocument(prefix + attribute, f"is missing{why}")


def ordered_pair(start: Any, end: Any, attribute: str, other: str) -> None:
    """Check that one date is not after another."""
    if start and end and times.parse(start) > times.parse(end):
        raise InvalidDocument(attribute, f"{end} lies before {other} {start}")
