"""The embedded database is upgraded to another major version of PostgreSQL: `make upgrade-test`."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import psycopg
import pytest

from integration.conftest import stac_collection, stac_item
from landbridge.mappings import blob
from landbridge.stac_api.__main__ import doctor
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.embedded import control
from landbridge.stac_api.embedded import stack as embedded
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.embedded.maintenance import running_database, stopped_stack
from landbridge.stac_api.embedded.os_user import user_of_cluster
from landbridge.stac_api.embedded.postgres_programs import SYSTEM_PATTERNS, Installation, find_installation
from landbridge.stac_api.embedded.postgres_upgrade import upgrade
from landbridge.stac_api.errors import PostgresNotFound, StackError
from landbridge.stac_api.pgstac.table_digests import SCHEMAS, differences, table_digests
from support.embedded_stack import new_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ITEMS = 500
PRODUCT = "local:upgraded"


@pytest.fixture(scope="module")
def installations() -> list[Installation]:
    """Installed versions of PostgreSQL with PostGIS, the oldest first; at least two."""
    from pathlib import Path

    user, found = user_of_cluster(Path("/nonexistent")), []
    majors = {int(path.parent.name) for path in Path("/").glob(SYSTEM_PATTERNS[0])}
    for major in sorted(majors):
        try:
            found.append(find_installation(user, major))
        except PostgresNotFound:
            continue
    if len(found) < 2:
        pytest.skip("two versions of PostgreSQL with PostGIS are needed: make upgrade-test")
    return found


@pytest.fixture
def home(installations: list[Installation], monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Stopped home whose database is of the oldest version."""
    made = Home(new_home())
    try:
        monkeypatch.setenv("LANDBRIDGE_PG_BIN", str(installations[0].bin))
        fill(embedded.up(made))
        control.down(made)
        monkeypatch.delenv("LANDBRIDGE_PG_BIN")
        yield made
    finally:
        control.remove(made)
        shutil.rmtree(made.root, ignore_errors=True)


def client(stack: Any) -> httpx.Client:
    return httpx.Client(
        base_url=stack.url,
        headers={"Authorization": f"Bearer {stack.token}"},
        timeout=60,
        follow_redirects=True,
    )


def fill(stack: Any) -> None:
    with client(stack) as http:
        http.post("/collections", json=stac_collection(PRODUCT)).raise_for_status()
        items = [
            stac_item(PRODUCT, f"i{n}", corner=(n % 90, n % 45), datetime=f"20{n % 30:02}-05-01T00:00:00Z")
            for n in range(ITEMS)
        ]
        body = {"items": {item["id"]: item for item in items}}
        http.post(f"/collections/{PRODUCT}/bulk_items", json=body).raise_for_status()
        put_blob(http, "before")


def put_blob(http: httpx.Client, name: str) -> None:
    item = blob.to_stac({"storage_type": "data", "namespace": "local:upgraded", "name": name})
    url = http.post("/blobs", json={"item": item}).raise_for_status().json()["url"]
    http.put(url, content=name.encode()).raise_for_status()


def digests(home: Home) -> dict[str, Any]:
    """Return the digests of a stopped home's tables."""

    async def read(url: str) -> dict[str, Any]:
        conn = await asyncpg.connect(url)
        async with conn.transaction():
            found = await table_digests(conn)
        await conn.close()
        return found

    with stopped_stack(home, "compare"), running_database(home) as url:
        return asyncio.run(read(url))


def test_an_upgrade_keeps_all_data(home: Home, installations: list[Installation]) -> None:
    old, new = installations[0], installations[-1]
    embedded.up(home)
    with pytest.raises(StackError, match="Stop it first: landbridge down"):
        upgrade(home)
    control.down(home)
    before = digests(home)
    assert before["pgstac.items"].rows == ITEMS + 1

    done = upgrade(home)
    assert done is not None
    assert (done.before, done.after) == (old.major, new.major)
    assert (done.kept / "PG_VERSION").read_text().strip() == str(old.major)
    assert differences(before, digests(home)) == []

    stack = embedded.up(home)
    with psycopg.connect(stack.database) as conn:
        assert conn.info.server_version // 10000 == new.major
        query = "SELECT extname FROM pg_extension JOIN pg_available_extensions ON extname = name"
        assert conn.execute(f"{query} WHERE extversion <> default_version").fetchall() == []
        unanalyzed = "SELECT relname FROM pg_class WHERE reltuples < 0 AND relkind = 'r' AND relnamespace"
        schemas = [list(SCHEMAS)]
        left = conn.execute(f"{unanalyzed}::regnamespace::text = ANY(%s)", schemas).fetchall()
        assert left == []
    with client(stack) as http:
        found = http.post("/search", json={"collections": [PRODUCT], "bbox": [10, 10, 11, 11]}).json()
        assert found["numberMatched"] > 0
        put_blob(http, "after")
        items = http.get("/collections/blobs:data/items").json()["features"]
        texts = {http.get(item["assets"]["data"]["href"]).text for item in items}
        assert texts == {"before", "after"}
    settings = Settings(database_url=stack.database, store_url=stack.store.as_uri(), token=stack.token)
    assert asyncio.run(doctor(settings)) == []
    control.down(home)
    assert upgrade(home) is None


def test_an_upgrade_that_is_interrupted_between_its_last_steps_is_finished_by_the_next_start(
    home: Home, installations: list[Installation]
) -> None:
    done = upgrade(home)
    assert done is not None
    for kept in (True, False):  # whether the old cluster is at its place still
        home.postgres.rename(home.root / "postgres.upgraded")
        if kept:
            done.kept.rename(home.postgres)
        stack = embedded.up(home)
        with psycopg.connect(stack.database) as conn:
            assert conn.info.server_version // 10000 == installations[-1].major
        control.down(home)
        assert (done.kept / "PG_VERSION").is_file()


def test_an_upgrade_that_fails_leaves_the_old_database(
    home: Home, installations: list[Installation], monkeypatch: pytest.MonkeyPatch
) -> None:
    from landbridge.stac_api.embedded import postgres_upgrade

    monkeypatch.setattr(postgres_upgrade, "_RESERVE", 2**60)
    with pytest.raises(StackError, match=r"needs [\d,]+ bytes on the disk of .*; [\d,]+ are free"):
        upgrade(home)
    monkeypatch.undo()

    def fail(*_: object) -> None:
        raise StackError("no")

    monkeypatch.setattr(postgres_upgrade, "_update_extensions", fail)
    with pytest.raises(StackError, match="no"):
        upgrade(home)
    assert not list(home.root.glob("postgres.*-*"))
    with psycopg.connect(embedded.up(home).database) as conn:
        assert conn.info.server_version // 10000 == installations[0].major


def test_without_the_old_programs_the_error_says_what_to_install(
    home: Home, installations: list[Installation], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = installations[0].major, installations[-1].major
    monkeypatch.setenv("LANDBRIDGE_PG_BIN", str(installations[-1].bin))
    expected = (
        rf"To use PostgreSQL {new}, which is installed, install {old} beside it, and then run: landbridge"
    )
    with pytest.raises(StackError, match=expected):
        embedded.up(home)


def test_a_home_without_a_database_needs_no_upgrade(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="has no database yet"):
        upgrade(Home(tmp_path / "home"))
