"""Number of rows and digest of each table, to compare a restored database with its original."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import asyncpg

__all__ = ["SCHEMAS", "TableDigest", "differences", "table_digests"]

SCHEMAS = ("pgstac", "procrastinate", "landbridge")
"""All schemas of the service."""

_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) AS name
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = ANY($1)
  AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  )
ORDER BY 1
"""
# The order of rows does not matter. The text of a row depends on these settings.
_SETTINGS = """
SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex'; SET LOCAL extra_float_digits = 1; SET LOCAL search_path = pg_catalog;
SET LOCAL statement_timeout = 0
"""
_DIGEST = """
SELECT count(*) AS rows,
       coalesce(sum(('x' || left(md5(one::text), 16))::bit(64)::bigint::numeric), 0)::text AS digest
FROM {} AS one
"""


class TableDigest(NamedTuple):
    """Number of rows of a table, and a sum of digests of the rows."""

    rows: int
    digest: str


async def table_digests(conn: asyncpg.Connection) -> dict[str, TableDigest]:
    """Return the digest of each table by its name; the connection must be in a transaction."""
    await conn.execute(_SETTINGS)
    names = [row["name"] for row in await conn.fetch(_TABLES, list(SCHEMAS))]
    return {name: TableDigest(**dict(await conn.fetchrow(_DIGEST.format(name)))) for name in names}


def differences(expected: dict[str, TableDigest], found: dict[str, TableDigest]) -> list[str]:
    """Return a line of text for each table that differs."""
    lines = []
    for name in sorted(expected.keys() | found.keys()):
        one, other = expected.get(name), found.get(name)
        if one is None or other is None:
            lines.append(f"{name} is {'missing' if other is None else 'not in the backup'}")
        elif one.rows != other.rows:
            lines.append(f"{name} has {other.rows} rows, and {one.rows} were expected")
        elif one != other:
            lines.append(f"{name} has rows that differ")
    return lines
