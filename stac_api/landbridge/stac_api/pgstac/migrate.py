"""The database's schema, brought up to date in one call.

Three schemas live side by side: `pgstac` (collections and items), `procrastinate` (the job queue) and
`landbridge` (upload records and the record of what has been migrated).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql

from landbridge.mappings import queryables

logger = logging.getLogger(__name__)

# Serializes migrations of one database; any constant does.
_MIGRATION_LOCK = 0x1A4DB41D


def migrate(database_url: str) -> bool:
    """Bring a database up to the schema this version needs.

    Idempotent, and safe when several servers start at once: an advisory lock lets one migrate while
    the others wait. The database must exist; PostGIS must be created in it already or the role must
    be allowed to create it.

    Args:
        database_url: libpq URL.

    Returns:
        Whether anything had to be done.
    """
    wanted = _fingerprint()
    with psycopg.connect(database_url, autocommit=True) as conn:
        if _recorded(conn) == wanted:
            return False
        conn.execute("SELECT pg_advisory_lock(%s)", (_MIGRATION_LOCK,))
        if _recorded(conn) == wanted:
            return False
        conn.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        conn.execute("CREATE SCHEMA IF NOT EXISTS landbridge")
        _migrate_pgstac(database_url)
        _migrate_procrastinate(conn)
        _migrate_landbridge(conn)
        _register_queryables(conn)
        conn.execute(
            "INSERT INTO landbridge.schema_version (fingerprint) VALUES (%s) "
            "ON CONFLICT (only_row) DO UPDATE SET fingerprint = excluded.fingerprint",
            (wanted,),
        )
    return True


def _fingerprint() -> str:
    parts: list[Any] = [importlib.metadata.version(name) for name in ("pypgstac", "procrastinate")]
    parts += [name for name, _ in _scripts()]
    parts += [queryables.registrations(), sorted(queryables.INDEXED)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _recorded(conn: psycopg.Connection) -> str | None:
    if not _exists(conn, "landbridge.schema_version"):
        return None
    row = conn.execute("SELECT fingerprint FROM landbridge.schema_version").fetchone()
    return row[0] if row else None


def _exists(conn: psycopg.Connection, table: str) -> bool:
    row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return bool(row and row[0])


def _migrate_pgstac(database_url: str) -> None:
    # Imported here: the migration is rare, and the import costs as much as a warm start.
    from pypgstac.db import PgstacDB
    from pypgstac.migrate import Migrate

    with PgstacDB(dsn=database_url) as db:
        Migrate(db).run_migration()


def _migrate_procrastinate(conn: psycopg.Connection) -> None:
    if _exists(conn, "procrastinate.procrastinate_jobs"):
        return
    from procrastinate.schema import SchemaManager

    with conn.transaction():
        conn.execute("CREATE SCHEMA IF NOT EXISTS procrastinate")
        conn.execute("SET LOCAL search_path TO procrastinate")
        conn.execute(SchemaManager.get_schema())


def _scripts() -> list[tuple[str, str]]:
    folder = resources.files("landbridge.stac_api") / "sql"
    scripts = [
        (entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".sql")
    ]
    return sorted(scripts)


def _migrate_landbridge(conn: psycopg.Connection) -> None:
    with conn.transaction():
        conn.execute(
            "CREATE TABLE IF NOT EXISTS landbridge.schema_version ("
            "only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), fingerprint text NOT NULL)"
        )
        conn.execute("CREATE TABLE IF NOT EXISTS landbridge.scripts (name text PRIMARY KEY)")
        done = {row[0] for row in conn.execute("SELECT name FROM landbridge.scripts")}
        for name, script in _scripts():
            if name in done:
                continue
            logger.info("Applying %s", name)
            conn.execute(sql.SQL(script))
            conn.execute("INSERT INTO landbridge.scripts (name) VALUES (%s)", (name,))


def _register_queryables(conn: psycopg.Connection) -> None:
    """Tell pgstac the type of every property we filter or sort by, so that numbers compare as numbers."""
    with conn.transaction():
        conn.execute("SET LOCAL search_path TO pgstac, public")
        for name, definition, wrapper, path in queryables.registrations():
            conn.execute(
                "SELECT pgstac.upsert_queryable(name => %s, definition => %s::jsonb, property_wrapper => %s, "
                "property_index_type => %s, property_path => %s::text[])",
                (
                    name,
                    json.dumps(definition),
                    wrapper,
                    "BTREE" if name in queryables.INDEXED else None,
                    path,
                ),
            )
