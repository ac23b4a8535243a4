"""Parts of the SQL of searches: parameters, literals, and the columns of properties."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from landbridge.errors import LandbridgeError
from landbridge.mappings import queryables
from landbridge.mappings.access import ACCESS_LISTS, OWNERS
from landbridge.stac_api.documents import projection
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.pgstac.tolerance import TOLERANT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Kind",
    "NotAColumnError",
    "Parameters",
    "Sql",
    "definition",
    "is_indexed",
    "number",
    "typed",
    "value_of",
]

Kind = Literal["json", "string", "number", "boolean", "timestamp", "array", "geometry", "interval", "null"]

# Columns of pgstac's tables. The column datetime holds start_datetime if an item has a start and an end.
_COLUMNS: dict[str, tuple[str, Kind]] = {
    "id": ("id", "string"),
    "collection": ("collection", "string"),
    "geometry": ("geometry", "geometry"),
    "datetime": ("datetime", "timestamp"),
}
_SORTED: dict[str, tuple[str, Kind]] = {
    "id": ("id", "string"),
    "collection": ("collection", "string"),
    "datetime": ("datetime", "timestamp"),
    "start_datetime": ("datetime", "timestamp"),
    "end_datetime": ("end_datetime", "timestamp"),
}
_TOP = frozenset({"assets", "links", "bbox", "stac_version", "stac_extensions"})
_PREFIX = re.compile(r"^(?:properties\.)+")
_PLACE = re.compile(r"\$(\d+)")
_MOST_NAME = 1000
_INDEXED = "to_float("  # the expression of the indexes that pgstac makes


@dataclass(frozen=True, slots=True)
class Sql:
    """An SQL expression and its kind; an interval has a second expression, a property has a name."""

    kind: Kind
    text: str
    end: str = ""
    name: str = ""


@dataclass(slots=True)
class Parameters:
    """Values of the parameters of a statement, collected while its parts are built."""

    values: list[Any] = field(default_factory=list)
    subjects: Sequence[str] | None = None  # of a caller who may see only a part of access lists
    tolerant: bool = field(default_factory=TOLERANT.get)
    dehydrated: bool = True  # rows of `items`, not of `collections_asitems`
    instants: bool = False  # no item that is searched has a period

    def add(self, value: Any, type_: str) -> str:
        """Add a value, and return its placeholder."""
        self.values.append(value)
        return f"${len(self.values)}::{type_}"

    def add_timestamp(self, moment: datetime) -> str:
        """Add a time with a time zone, and return its placeholder."""
        try:
            moment = moment.astimezone(UTC)
        except OverflowError as error:
            raise BadRequestError(f"{moment} lies outside the years 1 to 9999 of UTC.") from error
        if moment in _ENDS_OF_TIME:
            # asyncpg sends these two as infinities, which lie outside the stored times.
            return f"{self.add(moment.isoformat(), 'text')}::timestamptz"
        return self.add(moment, "timestamptz")

    def related(self, predicate: str, one: str, other: str) -> str:
        """Return the SQL of a spatial predicate such as `st_within`, which uses no index."""
        if self.tolerant:
            return f"landbridge.safe_spatial_predicate('{predicate}', {one}, {other})"
        return f"landbridge.{predicate}({one}, {other})"

    def bound(self, statement: str) -> tuple[str, list[Any]]:
        """Return a statement with only the parameters that it names: PostgreSQL refuses unused ones."""
        used: dict[str, int] = {}

        def renumbered(match: re.Match[str]) -> str:
            return f"${used.setdefault(match[1], len(used) + 1)}"

        text = _PLACE.sub(renumbered, statement)
        return text, [self.values[int(place) - 1] for place in used]


_ENDS_OF_TIME = frozenset({datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)})


def literal(text: str) -> str:
    """Return a string constant, for expressions that an index must match; other values are parameters."""
    if "\x00" in text:
        raise BadRequestError("A NUL character is in no document.")
    if "\\" in text or "$" in text:
        # A dollar in a literal could be mistaken for a parameter.
        return "E'" + text.replace("\\", "\\\\").replace("'", "''").replace("$", "\\x24") + "'"
    return "'" + text.replace("'", "''") + "'"


class NotAColumnError(LandbridgeError):
    """Error: a filter names a property for which its table has no column."""


def value_of(name: Any, parameters: Parameters, columns: Mapping[str, tuple[str, Kind]] | None = None) -> Sql:
    """Return the SQL of a property in a filter.

    An access list is reduced to the entries that the caller may see, so that no filter finds out the others.
    `columns` are the columns of a table that is not pgstac's.

    Raises:
        NotAColumnError: if the property is not in `columns`.
    """
    bare = _bare(name)
    if columns is not None:
        if bare not in columns:
            raise NotAColumnError(bare)
        return Sql(columns[bare][1], columns[bare][0])
    if bare in _COLUMNS:
        text, kind = _COLUMNS[bare]
        return Sql(kind, text)
    if bare in ACCESS_LISTS and parameters.subjects is not None:
        owners, known = _path(OWNERS), parameters.add(list(parameters.subjects), "text[]")
        return Sql("json", f"landbridge.visible_entries({_path(bare)}, {owners}, {known})", name=bare)
    return Sql("json", _path(bare, dehydrated=parameters.dehydrated), name=bare)


def typed(name: str, *, dehydrated: bool = True) -> Sql:
    """Return the SQL of a sort key: as a number, time or text if the property's queryable has that type.

    `dehydrated` tells that the rows are those of `items`, not of `collections_asitems`.
    """
    bare = _bare(name)
    if bare in _SORTED:
        text, kind = _SORTED[bare]
        return Sql(kind, text)
    if bare.split(".")[0] in ACCESS_LISTS:
        raise BadRequestError(f"Cannot sort by {bare}: each caller sees other entries of it.")
    path = _path(bare, dehydrated=dehydrated)
    schema = definition(bare)
    if schema.get("format") == "date-time":
        return Sql("timestamp", f"landbridge.as_timestamptz({path})")
    if schema.get("type") in ("number", "integer"):
        return Sql("number", number(path, bare))
    if schema.get("type") == "string":
        return Sql("string", f'landbridge.as_text({path}) COLLATE "C"')
    # jsonb has its own order: numbers by value, before strings.
    return Sql("json", f"nullif({path}, 'null'::jsonb)")


def is_indexed(expression: str) -> bool:
    """Return whether an index of pgstac's supports an expression of `number`."""
    return expression.startswith(_INDEXED)


def number(path: str, name: str = "") -> str:
    """Return the SQL of a number; an indexed property is read as its index reads it."""
    return f"{_INDEXED}{path})" if name in queryables.INDEXED else f"landbridge.as_number({path})"


@cache
def _definitions() -> dict[str, dict[str, Any]]:
    return {**queryables.for_collections(), **queryables.for_items()}


def definition(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a property of the Catalog; empty for other properties."""
    return _definitions().get(_bare(name), {}) if name else {}


def _bare(name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > _MOST_NAME:
        raise BadRequestError(f"A property is named by a string such as 'eo:cloud_cover', not {name!r:.100}.")
    return _PREFIX.sub("", name)


def _path(bare: str, *, dehydrated: bool = True) -> str:
    """Return the SQL of a value; a name with dots is a member of that name or a path."""
    parts = bare.split(".")
    if parts[0] in _TOP:
        if dehydrated:
            # Only these need the base item, which has no properties.
            keys = ", ".join(literal(part) for part in parts)
            return f"landbridge.hydrated_value(content, collection, ARRAY[{keys}])"
        return "content->" + "->".join(literal(part) for part in parts)
    whole = f"content->'properties'->{literal(bare)}"
    if bare == projection.EPSG:
        # The API shows it even if it is not stored.
        code = f"content->'properties'->>{literal(projection.CODE)}"
        return f"coalesce({whole}, to_jsonb(substring({code} FROM '{projection.NUMBER}')::bigint))"
    if len(parts) == 1:
        return whole
    return f"coalesce({whole}, content->'properties'->{'->'.join(literal(part) for part in parts)})"
