"""The check of how many connections the processes of a service may open."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psycopg
import pytest

from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.pgstac import pools
from landbridge.stac_api.pgstac.connection_budget import application_name, check_connections
from support.embedded_stack import running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from landbridge.stac_api.embedded import stack as embedded

LIMIT = 37


@pytest.fixture(scope="module")
def quiet(cluster_template: Path) -> Iterator[embedded.Stack]:
    """A stack of which other tests hold no connection."""
    with running_stack(cluster_template) as running:
        yield running


@pytest.fixture
def limited(quiet: embedded.Stack) -> Iterator[str]:
    """The URL of an empty database that takes `LIMIT` connections."""
    with psycopg.connect(quiet.database, autocommit=True) as conn:
        conn.execute(f"CREATE DATABASE limited CONNECTION LIMIT {LIMIT}")
        try:
            yield urlunsplit(urlsplit(quiet.database)._replace(path="/limited"))
        finally:
            conn.execute("DROP DATABASE limited WITH (FORCE)")


def check(url: str, connections: int, *others: str) -> bool:
    """Return the answer of a process with pools of a size, while other processes run."""
    settings = Settings(database_url=url, store_url="memory://", db_max_connections=connections)

    async def run() -> bool:
        read, write = await pools.open_pools(settings)
        running = [await asyncpg.connect(url, server_settings={"application_name": name}) for name in others]
        try:
            return await check_connections(settings, read)
        finally:
            for conn in (*running, read, write):
                await conn.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("connections", "others", "enough"),
    [(14, (), True), (15, (), False), (5, ("landbridge a 1",), True), (6, ("landbridge a 1",), False)],
)
def test_all_processes_together_may_not_open_more_than_there_are(
    limited: str, caplog: pytest.LogCaptureFixture, connections: int, others: tuple[str, ...], enough: bool
) -> None:
    """Each process may open two pools and eight more."""
    with caplog.at_level(logging.WARNING):
        assert check(limited, connections, *others) is enough
    said = f"The database has {LIMIT} connections for this service, and its {1 + len(others)} processes"
    assert (said in caplog.text) is not enough
    assert (f"LANDBRIDGE_DB_MAX_CONNECTIONS (now {connections})" in caplog.text) is not enough


def test_connections_are_named_by_their_process(limited: str) -> None:
    async def name() -> str:
        settings = Settings(database_url=limited, store_url="memory://")
        read, write = await pools.open_pools(settings)
        try:
            return await write.fetchval("SHOW application_name")
        finally:
            await read.close()
            await write.close()

    assert asyncio.run(name()) == application_name()
