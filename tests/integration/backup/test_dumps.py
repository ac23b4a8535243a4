"""A database is dumped and restored by PostgreSQL's own programs while it is in use."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
import pytest

from integration.conftest import stac_item
from landbridge.stac_api.errors import SchemaError
from landbridge.stac_api.pgstac.migrate import check_schema, migrate
from landbridge.stac_api.pgstac.table_digests import differences, table_digests
from support.embedded_stack import empty_database, fresh_database

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from landbridge.stac_api.embedded.postgres_programs import Installation


async def dump(installation: Installation, database: str, file: Path) -> dict[str, Any]:
    """Dump a database by pg_dump, and return the digests of its tables in the same snapshot."""
    conn = await asyncpg.connect(database)
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        snapshot = await conn.fetchval("SELECT pg_export_snapshot()")
        command = [installation.bin / "pg_dump", "-Fc", f"--snapshot={snapshot}", f"--file={file}", database]
        await asyncio.to_thread(subprocess.run, command, check=True)
        found = await table_digests(conn)
    await conn.close()
    return found


async def digests(database: str) -> dict[str, Any]:
    conn = await asyncpg.connect(database)
    async with conn.transaction():
        found = await table_digests(conn)
    await conn.close()
    return found


def test_pg_restore_makes_an_equal_database_without_an_error(
    stack: Any, http: httpx.Client, collection: str, installation: Installation, tmp_path: Path
) -> None:
    """Generated columns, triggers and indexes are made again while there is data."""
    for name in ("a", "b"):
        answer = http.post(f"/collections/{collection}/items", json=stac_item(collection, name))
        answer.raise_for_status()
    file = tmp_path / "dump"
    expected = asyncio.run(dump(installation, stack.database, file))
    assert expected["pgstac.items"].rows >= 2
    with empty_database(stack.database, "restored_dump") as url:
        command = [installation.bin / "pg_restore", "--exit-on-error", f"--dbname={url}", file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert differences(expected, asyncio.run(digests(url))) == []
        with psycopg.connect(url, options="-c search_path=pgstac,public") as conn:
            query = "SELECT jsonb_array_length(search(%s::jsonb)->'features')"
            assert conn.execute(query, [f'{{"collections": ["{collection}"]}}']).fetchone() == (2,)
        check_schema(url)
        assert not migrate(url)


def test_digests_tell_which_table_differs(stack: Any) -> None:
    with fresh_database(stack.database, "digests") as url:
        before = asyncio.run(digests(url))
        with psycopg.connect(url) as conn:
            conn.execute("UPDATE pgstac.pgstac_settings SET value = 'x' WHERE name = 'context'")
            conn.execute("DELETE FROM pgstac.queryables WHERE name = 'id'")
            conn.execute("CREATE TABLE landbridge.more ()")
        lines = differences(before, asyncio.run(digests(url)))
    assert [line.split()[0] for line in lines] == [
        "landbridge.more",
        "pgstac.pgstac_settings",
        "pgstac.queryables",
    ]
    assert lines[1] == "pgstac.pgstac_settings has rows that differ"


def test_a_database_without_the_schema_of_this_version_is_refused_with_the_command_to_run(stack: Any) -> None:
    with empty_database(stack.database, "unmigrated") as url:
        with pytest.raises(SchemaError, match=r"'unmigrated' is not migrated .*: landbridge-server migrate"):
            check_schema(url)
        migrate(url, before="0050")
        with pytest.raises(SchemaError, match=r"is not migrated .*: landbridge-server migrate"):
            check_schema(url)


def test_a_database_of_a_newer_version_is_left_alone(stack: Any) -> None:
    with fresh_database(stack.database, "newer") as url:
        with psycopg.connect(url) as conn:
            conn.execute("INSERT INTO landbridge.scripts (name) VALUES ('9999_future.sql')")
            conn.execute("UPDATE landbridge.service SET version = '99.1'")
            conn.execute("UPDATE landbridge.schema_version SET fingerprint = 'of that version'")
        for check in (check_schema, migrate):
            with pytest.raises(SchemaError, match=r"by a newer version, 99\.1: .* 9999_future\.sql"):
                check(url)
        with psycopg.connect(url) as conn:
            assert conn.execute("SELECT fingerprint FROM landbridge.schema_version").fetchone() == (
                "of that version",
            )
