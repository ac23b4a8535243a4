"""Mapping tables: one row per Catalog attribute, read from the TOML files in this folder.

A row states the path of the attribute's value in a STAC document, the codec that converts it, the JSON Schema
of the STAC value, and the property name for CQL2 filters. Converters, filters, queryables, the extension's
schema and the documentation are made from these rows.

Keys of a row in TOML:

``stac``       path of the value in its document, members separated by ``/`` (required)
``codec``      a name of `landbridge.mappings.codecs` (default ``identity``)
``schema``     JSON Schema of the STAC value (required)
``title``, ``doc``   a short title and one sentence (required)
``filter``, ``sort``, ``search``, ``readonly``   flags (default false)
``property``   CQL2 property name (default: the last member of the path, if filterable or sortable)
``queryable``  JSON Schema of that property, if it differs from ``schema``
``shadow``     member next to the value that keeps the exact value if the codec rounds it
``overflow``   member next to the value that holds it if it is outside ``schema``'s minimum and maximum
``also``       further paths of the attribute: derived from the value, or read if ``stac`` is missing
``types``      the band types that have the attribute (default: all)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from landbridge.errors import LandbridgeError
from landbridge.mappings.codecs import CODECS, DOCUMENT_CODECS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["BAND_TYPES", "KINDS", "Row", "Table", "TableError", "load"]

KINDS = ("product", "band", "image", "blob")
BAND_TYPES = ("spectral", "microwave", "generic", "class", "mask")
_DOCUMENTS = ("Collection", "Band", "Item")
_FLAGS = ("filter", "sort", "search", "readonly")


class TableError(LandbridgeError, ValueError):
    """A table has an invalid row; the message names table, row and key."""


@dataclass(frozen=True, slots=True)
class Row:
    """Row of one attribute; the module's text explains the fields."""

    name: str
    path: tuple[str, ...]
    codec: str
    schema: Mapping[str, Any]
    title: str
    doc: str
    property_name: str | None = None
    queryable: Mapping[str, Any] | None = None
    filter: bool = False
    sort: bool = False
    search: bool = False
    readonly: bool = False
    shadow: str | None = None
    overflow: str | None = None
    also: tuple[tuple[str, ...], ...] = ()
    types: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[tuple[str, ...], ...]:
        """All paths that belong to the attribute, the main path first."""
        siblings = tuple((*self.path[:-1], name) for name in (self.shadow, self.overflow) if name)
        return (self.path, *siblings, *self.also)

    @property
    def is_list(self) -> bool:
        """True if the attribute holds a list of strings, whose members filters compare."""
        return self.schema.get("type") == "array" and self.schema.get("items", {}).get("type") == "string"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one kind of object, in the order of the file."""

    kind: str
    document: str
    rows: Mapping[str, Row]

    def __getitem__(self, name: str) -> Row:
        return self.rows[name]


@cache
def load(kind: str) -> Table:
    """Return the table of ``"product"``, ``"band"``, ``"image"`` or ``"blob"``, which is read once.

    Raises KeyError for another kind and `TableError` if a row is invalid.
    """
    if kind not in KINDS:
        raise KeyError(f"there is no table of {kind!r}; use one of {', '.join(KINDS)}")
    from importlib.resources import files

    text = files(__name__).joinpath(f"{kind}.toml").read_text(encoding="utf-8")
    return parse(text, kind)


def parse(text: str, kind: str) -> Table:
    """Parse a table from its TOML text. Raises `TableError` if it is invalid."""
    import tomllib

    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TableError(f"table {kind}: not TOML: {error}") from error
    document = content.get("document")
    if document not in _DOCUMENTS:
        raise TableError(
            f"table {kind}: document is {document!r}, but must be one of {', '.join(_DOCUMENTS)}"
        )
    rows = {name: _row(kind, name, cells) for name, cells in content.get("attributes", {}).items()}
    if not rows:
        raise TableError(f"table {kind}: has no [attributes.*]")
    owners: dict[tuple[str, ...], str] = {}
    for row in rows.values():
        # x_pixels and y_pixels share proj:shape; acquired and acquired_end share the interval.
        for path in () if row.codec in DOCUMENT_CODECS else row.paths:
            if owners.setdefault(path, row.name) != row.name:
                raise TableError(f"table {kind}: {owners[path]} and {row.name} both claim {'/'.join(path)}")
    return Table(kind, document, MappingProxyType(rows))


def _row(kind: str, name: str, cells: Mapping[str, Any]) -> Row:
    def bad(key: str, why: str) -> TableError:
        return TableError(f"table {kind}: {name}.{key} {why}")

    def get(key: str, type_: type, default: Any = None) -> Any:
        value = cells.get(key, default)
        if value is None and key in ("stac", "schema", "title", "doc"):
            raise bad(key, "is missing")
        if value is not None and not isinstance(value, type_):
            raise bad(key, f"is {value!r}, but must be of type {type_.__name__}")
        return value

    known = {*Row.__dataclass_fields__, "stac", "property"} - {"name", "path", "property_name"}
    if unknown := set(cells) - known:
        raise bad(min(unknown), f"is unknown; a row has {', '.join(sorted(known))}")
    flags = {flag: get(flag, bool, False) for flag in _FLAGS}
    path = tuple(get("stac", str).split("/"))
    queryable = get("queryable", dict)
    row = Row(
        name=name,
        path=path,
        codec=get("codec", str, "identity"),
        schema=MappingProxyType(get("schema", dict)),
        title=get("title", str),
        doc=get("doc", str),
        property_name=get("property", str, path[-1] if flags["filter"] or flags["sort"] else None),
        queryable=MappingProxyType(queryable) if queryable is not None else None,
        shadow=get("shadow", str),
        overflow=get("overflow", str),
        also=tuple(tuple(place.split("/")) for place in get("also", list, [])),
        types=tuple(get("types", list, [])),
        **flags,
    )
    for key, why in _problems(row):
        raise bad(key, why)
    return row


def _problems(row: Row) -> Iterator[tuple[str, str]]:
    if not all(row.path):
        yield "stac", f"is {'/'.join(row.path)!r}, which has an empty member"
    if row.codec not in CODECS and row.codec not in DOCUMENT_CODECS:
        yield "codec", f"is {row.codec!r}, which is not a codec"
    if not set(row.types) <= set(BAND_TYPES):
        yield "types", f"is {list(row.types)!r}, but the band types are {', '.join(BAND_TYPES)}"
    if "type" not in row.schema and "enum" not in row.schema:
        yield "schema", "names neither type nor enum"
    if row.overflow and not {"minimum", "maximum"} & set(row.schema):
        yield "overflow", "needs a minimum or maximum in schema"
