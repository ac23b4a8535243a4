"""Description of the tables of a migrated database, as Markdown: `sql/schema.md`.

    python -m landbridge.stac_api.pgstac.describe_schema DATABASE_URL > schema.md

A test compares the page with a fresh database.
"""

from __future__ import annotations

import sys
from importlib import resources
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["describe", "page"]

_HEAD = """# Tables of the schema `landbridge`

Made by `python -m landbridge.stac_api.pgstac.describe_schema`; do not edit. The functions and triggers are in
`functions`. `pgstac` and `procrastinate` have schemas of their own.
"""
_TABLES = """
SELECT oid, relname, obj_description(oid, 'pg_class') FROM pg_class
WHERE relnamespace = 'landbridge'::regnamespace AND relkind = 'r' ORDER BY relname
"""
_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       CASE WHEN a.attidentity <> '' THEN 'identity' ELSE pg_get_expr(d.adbin, d.adrelid) END,
       coalesce(col_description(a.attrelid, a.attnum), '')
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
# PostgreSQL 18 lists NOT NULL among the constraints.
_CONSTRAINTS = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = %s AND contype IN ('p', 'u', 'c', 'f') ORDER BY contype = 'p' DESC, conname
"""
_INDEXES = """
SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %s AND NOT i.indisprimary ORDER BY c.relname
"""
_TRIGGERS = """
SELECT tgname, tgfoid::regproc::text FROM pg_trigger WHERE tgrelid = %s AND NOT tgisinternal ORDER BY tgname
"""
_TYPES = """
SELECT t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder)
FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid
WHERE t.typnamespace = 'landbridge'::regnamespace GROUP BY t.typname ORDER BY t.typname
"""


def describe(conn: psycopg.Connection) -> str:
    """Return the page for a migrated database."""
    # Names of functions and types are written with their schema if it is not searched.
    conn.execute("SET search_path TO public")
    return "\n".join(_lines(conn)) + "\n"


def page() -> str:
    """Return the page as it was published with this version."""
    return (resources.files("landbridge.stac_api.pgstac") / "sql" / "schema.md").read_text("utf-8")


def _lines(conn: psycopg.Connection) -> Iterator[str]:
    yield _HEAD
    for name, values in conn.execute(_TYPES).fetchall():
        yield f"Type `{name}`: {values}.\n"
    for oid, name, comment in conn.execute(_TABLES).fetchall():
        yield f"## {name}\n\n{comment or ''}\n".rstrip() + "\n"
        yield "| column | type | | default | |\n|---|---|---|---|---|"
        for column in conn.execute(_COLUMNS, (oid,)).fetchall():
            yield _row(column)
        yield ""
        for query in (_CONSTRAINTS, _INDEXES):
            for (definition,) in conn.execute(query, (oid,)).fetchall():
                yield f"- `{definition}`"
        for trigger, function in conn.execute(_TRIGGERS, (oid,)).fetchall():
            yield f"- trigger `{trigger}`: `{function}`"
        yield ""


def _row(column: Sequence[Any]) -> str:
    name, type_, required, default, comment = column
    cells = (f"`{name}`", type_, "required" if required else "", f"`{default}`" if default else "", comment)
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    with psycopg.connect(sys.argv[1]) as connection:
        sys.stdout.write(describe(connection))
