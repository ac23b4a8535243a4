"""Cached grants expire after seconds, and are dropped when access lists change."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
import pytest
from psycopg.types.json import Jsonb
from pypgstac.db import PgstacDB
from pypgstac.load import Loader, Methods

from access.people import new_id
from integration.conftest import stac_collection, stac_item
from landbridge.mappings.access import ACCESS_LISTS, Role, role_of
from landbridge.stac_api.access.grants import GrantCache
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.pgstac import pools
from landbridge.stac_api.pgstac.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

CAT = frozenset({"public", "user:cat", "org:gamma", "email:cat@gamma.test"})
OF_ANN = {"catalog:owners": ["user:ann"]}
LONG = 10.0  # seconds in which a notice has to arrive; it takes milliseconds


@pytest.fixture
def conn(database: str) -> Iterator[psycopg.Connection]:
    """As a tool that writes to pgstac itself."""
    options = "-c search_path=pgstac,public"
    with psycopg.connect(database, autocommit=True, options=options) as conn:
        yield conn


@pytest.fixture
def with_grants(database: str) -> Callable[..., Any]:
    """Run a coroutine with the answers of one process, which are kept until they are dropped."""
    settings = Settings(database_url=database, store_url="memory:///")

    def run(do: Callable[[GrantCache], Awaitable[None]]) -> None:
        async def opened() -> None:
            read, write = await pools.open_pools(settings)
            grants = GrantCache(settings, read, max_age=3600.0, reconnect_pause=0.01)
            try:
                await do(grants)
            finally:
                await grants.close()
                await read.close()
                await write.close()

        asyncio.run(opened())

    return run


def make(conn: psycopg.Connection, **lists: list[Any]) -> str:
    name = new_id()
    members = {f"catalog:{key}": value for key, value in lists.items()}
    document = Jsonb(stac_collection(name, **members))
    conn.execute("SELECT create_collection(%s)", (document,))
    return name


def listed(conn: psycopg.Connection, collection: str) -> dict[str, str]:
    query = "SELECT subject, role::text FROM landbridge.grants WHERE collection = %s"
    return dict(conn.execute(query, (collection,)).fetchall())


async def wait_until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LONG):
        while not await condition():  # noqa: ASYNC110 - the database tells, not this process
            await asyncio.sleep(0)


def test_a_subject_has_the_strongest_of_its_roles(conn: psycopg.Connection) -> None:
    name = make(
        conn,
        owners=["user:ann"],
        writers=["user:ann", "user:ben", "email:B@X.test"],
        readers=["user:ben", "public"],
    )
    assert listed(conn, name) == {
        "user:ann": "owner", "user:ben": "writer", "email:b@x.test": "writer", "public": "reader",
    }  # fmt: skip


@pytest.mark.parametrize(
    "odd", [None, "user:ann", {"user:ann": 1}, [1, None, ["user:ann"], {"a": 1}], ["x" * 9000]]
)
def test_a_malformed_access_list_gives_no_access(conn: psycopg.Connection, odd: Any) -> None:
    document = stac_collection(new_id(), **dict.fromkeys(ACCESS_LISTS, odd))
    conn.execute("SELECT create_collection(%s)", (Jsonb(document),))
    assert listed(conn, document["id"]) == {}
    assert role_of(document, {"user:ann"}) == Role.NONE


def test_grants_follow_collections_by_whatever_way_they_are_written(
    conn: psycopg.Connection, database: str
) -> None:
    name = make(conn, readers=["user:cat"])
    changed = "jsonb_set(content, '{catalog:readers}', '[\"user:dan\"]')"
    conn.execute(f"UPDATE collections SET content = {changed} WHERE id = %s", (name,))
    assert listed(conn, name) == {"user:dan": "reader"}
    with PgstacDB(dsn=database) as db:
        document = stac_collection(name, **{"catalog:writers": ["org:gamma"]})
        Loader(db).load_collections(iter([document]), insert_mode=Methods.upsert)
    assert listed(conn, name) == {"org:gamma": "writer"}
    conn.execute("SELECT delete_collection(%s)", (name,))
    assert listed(conn, name) == {}


def test_roles_are_sets_that_hold_one_another(
    conn: psycopg.Connection, with_grants: Callable[..., Any]
) -> None:
    own, write, read = (
        make(conn, owners=["user:cat"]),
        make(conn, writers=["org:gamma"]),
        make(conn, readers=["public"]),
    )

    async def check(grants: GrantCache) -> None:
        access = await grants.access(CAT)
        assert not access.unrestricted
        assert {own, write, read} <= access.read
        assert {own, write} <= access.write
        assert read not in access.write

    with_grants(check)


def test_an_answer_is_kept(conn: psycopg.Connection, with_grants: Callable[..., Any]) -> None:
    async def check(grants: GrantCache) -> None:
        await grants.access(frozenset({"user:cat"}))
        # The listener's own start drops what came before it.
        await wait_until(lambda: _kept(grants))
        assert await grants.access(CAT) is await grants.access(CAT)
        assert await grants.access(CAT) is not await grants.access(CAT | {"group:flood"})

    with_grants(check)


async def _kept(grants: GrantCache) -> bool:
    first = await grants.access(CAT)
    await asyncio.sleep(0.05)
    return await grants.access(CAT) is first


@pytest.mark.parametrize("change", ["insert", "update", "delete"])
def test_a_change_by_another_process_is_seen(
    conn: psycopg.Connection, with_grants: Callable[..., Any], change: str
) -> None:
    name = make(conn, readers=["user:cat"]) if change != "insert" else ""

    async def check(grants: GrantCache) -> None:
        nonlocal name
        await wait_until(lambda: _kept(grants))
        assert (name in (await grants.access(CAT)).read) == (change != "insert")
        if change == "insert":
            name = make(conn, readers=["user:cat"])
        elif change == "update":
            conn.execute(
                "UPDATE collections SET content = content - 'catalog:readers' WHERE id = %s", (name,)
            )
        else:
            conn.execute("SELECT delete_collection(%s)", (name,))

        async def followed() -> bool:
            return (name in (await grants.access(CAT)).read) == (change == "insert")

        await wait_until(followed)

    with_grants(check)


def test_a_change_that_leaves_the_lists_drops_nothing(
    conn: psycopg.Connection, with_grants: Callable[..., Any]
) -> None:
    name = make(conn, readers=["user:cat"])

    async def check(grants: GrantCache) -> None:
        await wait_until(lambda: _kept(grants))
        first = await grants.access(CAT)
        conn.execute(
            "UPDATE collections SET content = jsonb_set(content, '{title}', '\"x\"') WHERE id = %s", (name,)
        )
        # A notice that came first would have been told first.
        told = asyncio.Event()
        listener = await asyncpg.connect(grants._url)
        await listener.add_listener("landbridge_grants", lambda *_: told.set())
        await listener.execute("SELECT pg_notify('landbridge_other', '')")
        assert await grants.access(CAT) is first
        assert not told.is_set()
        await listener.close()

    with_grants(check)


def test_a_change_during_the_query_is_not_kept_from_the_next(
    conn: psycopg.Connection, with_grants: Callable[..., Any]
) -> None:
    async def check(grants: GrantCache) -> None:
        await wait_until(lambda: _kept(grants))
        grants.clear()
        query = asyncio.create_task(grants.access(CAT))
        await asyncio.sleep(0)
        grants.clear()
        stale = await query
        assert await grants.access(CAT) is not stale

    with_grants(check)


def test_a_listener_that_lost_its_connection_drops_all_and_listens_again(
    conn: psycopg.Connection, with_grants: Callable[..., Any]
) -> None:
    async def check(grants: GrantCache) -> None:
        await wait_until(lambda: _kept(grants))
        first = await grants.access(CAT)
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
        )

        async def dropped() -> bool:
            return await grants.access(CAT) is not first

        await wait_until(dropped)
        await wait_until(lambda: _kept(grants))
        name = make(conn, readers=["user:cat"])

        async def followed() -> bool:
            return name in (await grants.access(CAT)).read

        await wait_until(followed)

    with_grants(check)


def test_what_was_there_before_the_rules_is_granted_by_their_migration(
    stack: Any,
) -> None:
    name = "access_migration"
    url = stack.database.replace("/landbridge?", f"/{name}?", 1)
    with psycopg.connect(stack.database, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            assert migrate(url, before="0022")
            with psycopg.connect(url, autocommit=True, options="-c search_path=pgstac,public") as conn:
                product = make(conn, owners=["user:ann"], readers=["email:Cat@X.test"])
                conn.execute("SELECT create_collection(%s)", (Jsonb(stac_collection("blobs:data")),))
                blob = stac_item("blobs:data", "acme~2Fb", **{"catalog:namespace": "acme", **OF_ANN})
                blob["assets"] = {"data": {"href": "/assets/blobs/data/1/data"}}
                conn.execute("SELECT create_items(%s)", (Jsonb([blob]),))
                assert migrate(url)
                assert listed(conn, product) == {"user:ann": "owner", "email:cat@x.test": "reader"}
                query = "SELECT id, subjects, href FROM landbridge.blob_grants"
                assert conn.execute(query).fetchall() == [
                    ("acme~2Fb", ["user:ann"], "/assets/blobs/data/1/data")
                ]
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")
