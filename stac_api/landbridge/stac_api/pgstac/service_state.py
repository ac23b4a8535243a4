"""Reads of a whole database for backups, and the state of one that is to be restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from psycopg import sql

from landbridge.stac_api.pgstac.table_digests import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import asyncpg
    import psycopg

__all__ = [
    "Contents",
    "DatabaseVersions",
    "asset_hrefs",
    "contents",
    "drop_schemas",
    "finish_restore",
    "mark_restore",
    "other_sessions",
    "restored_backup",
    "unfinished_uploads",
    "versions",
]

_HREFS = """
SELECT asset.value->>'href' AS href
FROM items CROSS JOIN LATERAL jsonb_each(
    CASE WHEN jsonb_typeof(items.content->'assets') = 'object' THEN items.content->'assets' END
) AS asset
WHERE starts_with(asset.value->>'href', $1)
"""
_VERSIONS = """
SELECT current_setting('server_version_num')::int / 10000 AS postgres,
       (SELECT extversion FROM pg_extension WHERE extname = 'postgis') AS postgis,
       pgstac.get_version() AS pgstac,
       (SELECT id::text FROM landbridge.service) AS service,
       (SELECT array_agg(name ORDER BY name) FROM landbridge.scripts WHERE digest IS NULL) AS migrations
"""
_UNFINISHED = """
SELECT id, status, jsonb_array_length(files) AS files FROM landbridge.uploads
WHERE status IN ('transferring', 'pending', 'running')
"""
_KINDS = {
    "products": "SELECT count(*) FROM pgstac.collections WHERE NOT starts_with(id, 'blobs:')",
    "images and blobs": "SELECT count(*) FROM pgstac.items",
    "uploads": "SELECT count(*) FROM landbridge.uploads",
    "uploads of blobs": "SELECT count(*) FROM landbridge.blob_uploads",
    "API tokens": "SELECT count(*) FROM landbridge.tokens",
}
_SCHEMAS_THERE = "SELECT nspname FROM pg_namespace WHERE nspname = ANY(%s) ORDER BY nspname"
_OTHER_SESSIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""


class DatabaseVersions(NamedTuple):
    """Versions of a database, the id of its service, and the names of the migrations that it has."""

    postgres: int
    postgis: str
    pgstac: str
    service: str
    migrations: list[str]


class Contents(NamedTuple):
    """Schemas of the service that a database has, and the number of objects of each kind."""

    schemas: list[str]
    counts: dict[str, int]

    @property
    def is_empty(self) -> bool:
        """True if no object would be lost with the schemas."""
        return not any(self.counts.values())


async def versions(conn: asyncpg.Connection) -> DatabaseVersions:
    """Return the versions of a migrated database."""
    return DatabaseVersions(**dict(await conn.fetchrow(_VERSIONS)))


async def asset_hrefs(conn: asyncpg.Connection, prefix: str) -> AsyncIterator[str]:
    """Yield the hrefs of all assets that begin with a prefix; the connection must be in a transaction."""
    async for row in conn.cursor(_HREFS, prefix, prefetch=5000):
        yield row["href"]


async def unfinished_uploads(conn: asyncpg.Connection) -> list[tuple[int, str, int]]:
    """Return id, status and number of files of the uploads of images that have not ended."""
    return [(row["id"], row["status"], row["files"]) for row in await conn.fetch(_UNFINISHED)]


def contents(conn: psycopg.Connection) -> Contents:
    """Return the contents of a database; kinds whose tables are missing have no objects."""
    schemas = [row[0] for row in conn.execute(_SCHEMAS_THERE, [list(SCHEMAS)])]
    counts = {}
    for kind, query in _KINDS.items():
        table = query.split(" FROM ")[1].split()[0]
        known = conn.execute("SELECT to_regclass(%s) IS NOT NULL", [table]).fetchone()
        row = conn.execute(sql.SQL(query)).fetchone() if known and known[0] else None
        counts[kind] = row[0] if row else 0
    return Contents(schemas, counts)


def other_sessions(conn: psycopg.Connection) -> int:
    """Return the number of other connections to the database."""
    row = conn.execute(_OTHER_SESSIONS).fetchone()
    return row[0] if row else 0


def restored_backup(conn: psycopg.Connection) -> str | None:
    """Return the id of the backup whose restore into the database was interrupted; None if there is none."""
    known = conn.execute("SELECT to_regclass(%s) IS NOT NULL", ["landbridge_restore.backup"]).fetchone()
    if not (known and known[0]):
        return None
    row = conn.execute("SELECT id FROM landbridge_restore.backup").fetchone()
    return row[0] if row else ""


def mark_restore(conn: psycopg.Connection, backup: str) -> None:
    """Note that the database is incomplete until the restore of a backup ends."""
    with conn.transaction():
        conn.execute("DROP SCHEMA IF EXISTS landbridge_restore CASCADE")
        conn.execute("CREATE SCHEMA landbridge_restore")
        conn.execute("CREATE TABLE landbridge_restore.backup (id text NOT NULL)")
        conn.execute("INSERT INTO landbridge_restore.backup (id) VALUES (%s)", [backup])


def drop_schemas(conn: psycopg.Connection) -> None:
    """Delete all schemas of the service with their tables."""
    for schema in SCHEMAS:
        # One after the other: a drop locks each partition, and locks are limited.
        conn.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


def finish_restore(conn: psycopg.Connection) -> None:
    """Note that a restored database is complete."""
    with conn.transaction():
        # The backup's own hold is in its dump.
        conn.execute("DELETE FROM landbridge.deletion_holds")
        conn.execute("DROP SCHEMA landbridge_restore CASCADE")
