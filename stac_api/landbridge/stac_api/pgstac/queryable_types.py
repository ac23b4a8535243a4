"""Types of properties, registered with pgstac so that its functions compare numbers as numbers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from landbridge.mappings import queryables

if TYPE_CHECKING:
    import psycopg

__all__ = ["Registration", "register", "registrations"]

# Columns of pgstac's tables, which it registers itself.
_COLUMNS = frozenset({"id", "collection", "geometry", "datetime"})
# pgstac's cast for each JSON type; other types are cast to text.
_CASTS = {"number": "to_float", "integer": "to_int", "array": "to_text_array"}
_REGISTER = """
SELECT pgstac.upsert_queryable(
    name => %s, definition => %s::jsonb, property_wrapper => %s, property_index_type => %s,
    property_path => NULL
)
"""


class Registration(NamedTuple):
    """A property, its JSON Schema, and the function that casts its values; None casts to text."""

    name: str
    definition: dict[str, Any]
    cast: str | None


def registrations() -> list[Registration]:
    """Return every property to register.

    Items and collections share pgstac's register, so no name may have two meanings.
    """
    found = {**queryables.for_items(), **queryables.for_collections()}
    return [
        Registration(name, schema, _cast(schema)) for name, schema in found.items() if name not in _COLUMNS
    ]


def _cast(schema: dict[str, Any]) -> str | None:
    return "to_tstz" if schema.get("format") == "date-time" else _CASTS.get(schema["type"])


def register(conn: psycopg.Connection) -> None:
    """Register all properties; pgstac makes the indexes of those in `INDEXED`."""
    with conn.transaction():
        conn.execute("SET LOCAL search_path TO pgstac, public")
        for name, definition, cast in registrations():
            index = "BTREE" if name in queryables.INDEXED else None
            conn.execute(_REGISTER, (name, json.dumps(definition), cast, index))
