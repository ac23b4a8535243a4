"""Migration of the database's schema, in one call.

The database has three schemas: `pgstac` (collections and items), `procrastinate` (the job queue) and
`landbridge` (our tables, functions and triggers). The SQL of the last one is in two folders:

- `sql/migrations`: numbered scripts, each applied once. A script never changes after its release.
- `sql/functions`: the current definition of each function and trigger. They are applied after the migrations
  whenever one of them has changed. A function that is removed or gets other parameters also needs a migration
  that drops the old one.

`sql/schema.md` shows the tables that result.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import logging
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

import psycopg
from psycopg import sql

from landbridge.mappings import queryables
from landbridge.stac_api.errors import SchemaError
from landbridge.stac_api.pgstac import queryable_types, service_state

__all__ = ["check_schema", "migrate", "unknown_migrations"]

if TYPE_CHECKING:
    from collections.abc import Iterable

Scripts: TypeAlias = list[tuple[str, str]]  # names and texts

logger = logging.getLogger(__name__)

# Any constant will do, as long as every server uses the same one.
_LOCK = 0x1A4DB41D
_FUNCTIONS = "functions"  # their name in `landbridge.scripts`


def migrate(database_url: str, *, before: str | None = None) -> bool:
    """Migrate a database to the schema that this version needs.

    Idempotent. Several servers may start at the same time: one migrates under an advisory lock, the others
    wait. The database must exist. PostGIS must exist in it, or the role must be allowed to create it.

    Args:
        database_url: libpq URL.
        before: apply only the migrations with smaller names, and no functions. Tests of upgrades make older
            schemas by this.

    Returns:
        True if anything had to be done.

    Raises:
        SchemaError: if a newer version has migrated the database, or if a restore into it is incomplete.
    """
    migrations = [(name, text) for name, text in _scripts("migrations") if before is None or name < before]
    functions = _scripts("functions") if before is None else []
    wanted = _fingerprint(migrations, functions)
    with psycopg.connect(database_url, autocommit=True) as conn:
        if before is None:
            _check_migratable(conn)
        if _recorded(conn) == wanted:
            return False
        conn.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        if _recorded(conn) == wanted:
            return False
        conn.execute("CREATE EXTENSION IF NOT EXISTS postgis")
        conn.execute("CREATE SCHEMA IF NOT EXISTS landbridge")
        _migrate_pgstac(database_url)
        _migrate_procrastinate(conn)
        _migrate_landbridge(conn, migrations, functions)
        queryable_types.register(conn)
        conn.execute(
            "INSERT INTO landbridge.schema_version (fingerprint) VALUES (%s) "
            "ON CONFLICT (only_row) DO UPDATE SET fingerprint = excluded.fingerprint",
            (wanted,),
        )
        if before is None:
            conn.execute("UPDATE landbridge.service SET version = %s", (_version(),))
    return True


def check_schema(database_url: str) -> None:
    """Check that a database has the schema of this version.

    Raises:
        SchemaError: if it has not; the message says what to do.
    """
    wanted = _fingerprint(_scripts("migrations"), _scripts("functions"))
    with psycopg.connect(database_url, autocommit=True) as conn:
        _check_migratable(conn)
        if _recorded(conn) == wanted:
            return
        raise SchemaError(
            f"The database {conn.info.dbname!r} is not migrated to the schema of Landbridge {_version()}. "
            "Migrate it: landbridge-server migrate"
        )


def _check_migratable(conn: psycopg.Connection) -> None:
    if (backup := service_state.restored_backup(conn)) is not None:
        raise SchemaError(
            f"The database {conn.info.dbname!r} is incomplete: the restore of the backup {backup} was "
            "interrupted. Run it again: landbridge restore PLACE, or landbridge-server restore PLACE"
        )
    applied = []
    if _exists(conn, "landbridge.scripts"):
        applied = [row[0] for row in conn.execute("SELECT name FROM landbridge.scripts ORDER BY name")]
    if unknown := unknown_migrations(applied):
        version = None
        if _exists(conn, "landbridge.service"):
            row = conn.execute("SELECT version FROM landbridge.service").fetchone()
            version = row[0] if row else None
        raise SchemaError(
            f"The database {conn.info.dbname!r} was migrated by a newer version"
            f"{f', {version}' if version else ''}: Landbridge {_version()} does not know its migration "
            f"{unknown[-1]}. Install that version or a newer one."
        )


def unknown_migrations(names: Iterable[str]) -> list[str]:
    """Return the migrations that this version does not know, because a newer one made them."""
    known = {name for name, _ in _scripts("migrations")} | {_FUNCTIONS}
    return [name for name in names if name not in known]


def _version() -> str:
    return importlib.metadata.version("landbridge-stac-api")


def _fingerprint(migrations: Scripts, functions: Scripts) -> str:
    parts: list[Any] = [importlib.metadata.version(name) for name in ("pypgstac", "procrastinate")]
    parts += [name for name, _ in migrations]
    parts += [_digest(functions)]
    parts += [queryable_types.registrations(), sorted(queryables.INDEXED)]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _digest(scripts: Scripts) -> str:
    return hashlib.sha256("\0".join(script for _, script in scripts).encode()).hexdigest()


def _recorded(conn: psycopg.Connection) -> str | None:
    if not _exists(conn, "landbridge.schema_version"):
        return None
    row = conn.execute("SELECT fingerprint FROM landbridge.schema_version").fetchone()
    return row[0] if row else None


def _exists(conn: psycopg.Connection, table: str) -> bool:
    row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone()
    return bool(row and row[0])


def _migrate_pgstac(database_url: str) -> None:
    # Rarely needed, and the import takes as long as a warm start.
    from pypgstac.db import PgstacDB
    from pypgstac.migrate import Migrate

    with PgstacDB(dsn=database_url) as db:
        Migrate(db).run_migration()
    # A dump is restored with an empty search path, and a generated column of `collections` calls this
    # function, which names PostGIS's functions without their schema.
    with psycopg.connect(database_url) as conn:
        conn.execute("ALTER FUNCTION pgstac.collection_geom(jsonb) SET search_path = pgstac, public")


def _migrate_procrastinate(conn: psycopg.Connection) -> None:
    if _exists(conn, "procrastinate.procrastinate_jobs"):
        return
    from procrastinate.schema import SchemaManager

    with conn.transaction():
        conn.execute("CREATE SCHEMA IF NOT EXISTS procrastinate")
        conn.execute("SET LOCAL search_path TO procrastinate")
        conn.execute(SchemaManager.get_schema())


def _scripts(folder: str) -> Scripts:
    """Return name and text of the scripts in a folder, by name."""
    entries = (resources.files("landbridge.stac_api.pgstac") / "sql" / folder).iterdir()
    return sorted((entry.name, entry.read_text("utf-8")) for entry in entries if entry.name.endswith(".sql"))


def _migrate_landbridge(conn: psycopg.Connection, migrations: Scripts, functions: Scripts) -> None:
    with conn.transaction():
        conn.execute(
            "CREATE TABLE IF NOT EXISTS landbridge.schema_version ("
            "only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), fingerprint text NOT NULL)"
        )
        conn.execute("CREATE TABLE IF NOT EXISTS landbridge.scripts (name text PRIMARY KEY)")
        applied = {row[0] for row in conn.execute("SELECT name FROM landbridge.scripts")}
        for name, script in migrations:
            if name not in applied:
                logger.info("Applying migration %s", name)
                conn.execute(sql.SQL(script))
                conn.execute("INSERT INTO landbridge.scripts (name) VALUES (%s)", (name,))
        if functions:
            _apply_functions(conn, functions)


def _apply_functions(conn: psycopg.Connection, functions: Scripts) -> None:
    digest = _digest(functions)
    row = conn.execute("SELECT digest FROM landbridge.scripts WHERE name = %s", (_FUNCTIONS,)).fetchone()
    if row and row[0] == digest:
        return
    logger.info("Applying the functions and triggers")
    # A function may call another one that a later script defines.
    conn.execute("SET LOCAL check_function_bodies TO off")
    for _, script in functions:
        conn.execute(sql.SQL(script))
    conn.execute(
        "INSERT INTO landbridge.scripts (name, digest) VALUES (%s, %s) "
        "ON CONFLICT (name) DO UPDATE SET digest = excluded.digest",
        (_FUNCTIONS, digest),
    )
