"""What the SQL of searches is made of: parameters, literals, and the values that names stand for."""

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
from landbridge.stac_api.search.tolerance import TOLERANT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Kind",
    "NotAColumnError",
    "Parameters",
    "Sql",
    "definition",
    "number",
    "typed",
    "value_of",
]

Kind = Literal["json", "string", "number", "truth", "instant", "members", "geometry", "interval", "null"]

# Columns of pgstac's tables. A datetime there is an item's start_datetime where it has a start and an end.
_COLUMNS: dict[str, tuple[str, Kind]] = {
    "id": ("id", "string"),
    "collection": ("collection", "string"),
    "geometry": ("geometry", "geometry"),
    "datetime": ("datetime", "instant"),
}
_SORTED: dict[str, tuple[str, Kind]] = {
    "id": ("id", "string"),
    "collection": ("collection", "string"),
    "datetime": ("datetime", "instant"),
    "start_datetime": ("datetime", "instant"),
    "end_datetime": ("end_datetime", "instant"),
}
_TOP = frozenset({"assets", "links", "bbox", "stac_version", "stac_extensions"})
_PREFIX = re.compile(r"^(?:properties\.)+")
_PLACE = re.compile(r"\$(\d+)")
_MOST_NAME = 1000


@dataclass(frozen=True, slots=True)
class Sql:
    """An expression and what it is of; an interval has a second one, its end, and a property its name."""

    kind: Kind
    text: str
    end: str = ""
    name: str = ""


@dataclass(slots=True)
class Parameters:
    """The values that parts of a statement name as they are written."""

    values: list[Any] = field(default_factory=list)
    subjects: Sequence[str] | None = None  # of the caller, where lists are to be seen as it may see them
    tolerant: bool = field(default_factory=TOLERANT.get)
    dehydrated: bool = True  # rows of `items`, not of `collections_asitems`

    def add(self, value: Any, type_: str) -> str:
        """The place of a new parameter."""
        self.values.append(value)
        return f"${len(self.values)}::{type_}"

    def add_instant(self, moment: datetime) -> str:
        """Return the place of a new parameter that is a moment with a time zone."""
        try:
            moment = moment.astimezone(UTC)
        except OverflowError as error:
            raise BadRequestError(f"{moment} lies outside the years 1 to 9999 of UTC.") from error
        if moment in _ENDS_OF_TIME:
            # asyncpg takes these two for the infinities, which are before and after what is stored.
            return f"{self.add(moment.isoformat(), 'text')}::timestamptz"
        return self.add(moment, "timestamptz")

    def related(self, predicate: str, one: str, other: str) -> str:
        """Return the SQL of a spatial predicate."""
        if self.tolerant:
            return f"landbridge.safe_spatial_predicate('{predicate.lower()}', {one}, {other})"
        return f"{predicate}({one}, {other})"

    def bound(self, statement: str) -> tuple[str, list[Any]]:
        """A statement with the parameters that it names, and no others: PostgreSQL wants each one used."""
        used: dict[str, int] = {}

        def renumbered(match: re.Match[str]) -> str:
            return f"${used.setdefault(match[1], len(used) + 1)}"

        text = _PLACE.sub(renumbered, statement)
        return text, [self.values[int(place) - 1] for place in used]


_ENDS_OF_TIME = frozenset({datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)})


def literal(text: str) -> str:
    """A string constant, for what an index has to recognize; everything else is a parameter."""
    if "\x00" in text:
        raise BadRequestError("A NUL character is in no document.")
    if "\\" in text or "$" in text:
        # No dollar stands in a literal that could be taken for a parameter.
        return "E'" + text.replace("\\", "\\\\").replace("'", "''").replace("$", "\\x24") + "'"
    return "'" + text.replace("'", "''") + "'"


class NotAColumnError(LandbridgeError):
    """A filter names a property that the table it is written for has no column of."""


def value_of(name: Any, parameters: Parameters, columns: Mapping[str, tuple[str, Kind]] | None = None) -> Sql:
    """What a property's name stands for in a filter.

    Of an access list it is what the caller may see, so that no filter finds out the rest. `columns` are the
    only ones of another table than pgstac's. Raises `NotAColumnError`.
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
    """Return what rows are ordered by for a name: numbers, instants or text if its queryable says so.

    `dehydrated` says that the rows are those of `items`, not of `collections_asitems`.
    """
    bare = _bare(name)
    if bare in _SORTED:
        text, kind = _SORTED[bare]
        return Sql(kind, text)
    if bare.split(".")[0] in ACCESS_LISTS:
        raise BadRequestError(f"Nothing is sorted by {bare}: everybody sees other entries of it.")
    path = _path(bare, dehydrated=dehydrated)
    schema = definition(bare)
    if schema.get("format") == "date-time":
        return Sql("instant", f"landbridge.as_timestamptz({path})")
    if schema.get("type") in ("number", "integer"):
        return Sql("number", number(path, bare))
    if schema.get("type") == "string":
        return Sql("string", f'landbridge.as_text({path}) COLLATE "C"')
    # JSON has an order of its own: numbers by value, before strings.
    return Sql("json", f"nullif({path}, 'null'::jsonb)")


def number(path: str, name: str = "") -> str:
    """A number, read as its index does where it has one."""
    return f"to_float({path})" if name in queryables.INDEXED else f"landbridge.as_number({path})"


@cache
def _definitions() -> dict[str, dict[str, Any]]:
    return {**queryables.for_collections(), **queryables.for_items()}


def definition(name: str) -> dict[str, Any]:
    """The JSON Schema of a property of ours; empty for those of others."""
    return _definitions().get(_bare(name), {}) if name else {}


def _bare(name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > _MOST_NAME:
        raise BadRequestError(f"A property is named by a string such as 'eo:cloud_cover', not {name!r:.100}.")
    return _PREFIX.sub("", name)


def _path(bare: str, *, dehydrated: bool = True) -> str:
    """Return the SQL of a value; a name with dots is a member of that name, or else a path."""
    parts = bare.split(".")
    if parts[0] in _TOP:
        if dehydrated:
            # A base item has no properties, so that only these cost more than reading the row.
            keys = ", ".join(literal(part) for part in parts)
            return f"landbridge.hydrated_value(content, collection, ARRAY[{keys}])"
        return "content->" + "->".join(literal(part) for part in parts)
    whole = f"content->'properties'->{literal(bare)}"
    if bare == projection.EPSG:
        # It is shown even if it is not stored.
        code = f"content->'properties'->>{literal(projection.CODE)}"
        return f"coalesce({whole}, to_jsonb(substring({code} FROM '{projection.NUMBER}')::bigint))"
    if len(parts) == 1:
        return whole
    return f"coalesce({whole}, content->'properties'->{'->'.join(literal(part) for part in parts)})"
