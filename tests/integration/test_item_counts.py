"""Counters of items: exact for every reader, without waiting writers, and repaired by the doctor."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from access.service import OPERATOR, started
from conftest import LONG
from integration.conftest import stac_collection, stac_item
from landbridge.stac_api.__main__ import doctor
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.pgstac.item_counts import TimeRange
from support.embedded_stack import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

WRITERS, WRITES = 16, 40 if LONG else 12
FIRST = datetime(2020, 1, 30, 23, tzinfo=UTC)
INSERT = """
INSERT INTO pgstac.items (id, collection, datetime, end_datetime, geometry, content)
VALUES (%s, %s, %s, %s, ST_SetSRID(ST_MakePoint(1, 2), 4326), '{"properties": {}, "assets": {}}')
"""
WITHOUT_TRIGGERS = "SET session_replication_role = replica"
MERGE = "SELECT landbridge.merge_item_counts(100000)"
# All in one statement, and so in one snapshot.
COUNTS = """
SELECT (SELECT count(*) FROM pgstac.items WHERE collection = %(id)s), (
    SELECT coalesce(sum(items), 0)::bigint FROM (
        SELECT items FROM landbridge.item_counts WHERE period = 'all' AND collection_key = %(key)s
        UNION ALL SELECT items FROM landbridge.item_count_changes WHERE collection_key = %(key)s
    ) AS counted)
"""


def connect(database: str, **options: Any) -> psycopg.Connection:
    return psycopg.connect(database, options="-c search_path=pgstac,public", **options)


def key_of(database: str, collection: str) -> int:
    with connect(database) as conn:
        row = conn.execute("SELECT key FROM collections WHERE id = %s", (collection,)).fetchone()
    assert row
    return int(row[0])


def wrong(database: str, collection: str) -> list[Any]:
    query = "SELECT * FROM landbridge.wrong_item_counts() WHERE collection = %s"
    with connect(database) as conn:
        return conn.execute(query, (collection,)).fetchall()


class Writer:
    """Writes of one thread: each adds, moves or deletes some items in a transaction."""

    def __init__(self, database: str, collection: str, number: int) -> None:
        self.database, self.collection, self.number = database, collection, number
        self.random = random.Random(number)
        self.made: list[str] = []

    def moment(self) -> datetime:
        return FIRST + timedelta(minutes=self.random.randrange(5 * 24 * 60))

    def write(self, step: int) -> None:
        # Two transactions that write several items may deadlock in pgstac's triggers.
        with contextlib.suppress(psycopg.errors.DeadlockDetected), connect(self.database) as conn:
            for part in range(self.random.randrange(1, 4)):
                self._change(conn, f"w{self.number}-{step}-{part}")
            ending = self.random.random()
            if ending < 0.1:
                conn.rollback()
            elif ending < 0.2:
                conn.close()  # the server finds the connection gone in the middle of the transaction

    def _change(self, conn: psycopg.Connection, name: str) -> None:
        kind = self.random.random()
        if kind < 0.6 or not self.made:
            moment = self.moment()
            conn.execute(INSERT, (name, self.collection, moment, moment))
            self.made.append(name)
        elif kind < 0.8:
            query = "UPDATE items SET datetime = %s, end_datetime = %s WHERE collection = %s AND id = %s"
            moment = self.moment()
            end = moment + timedelta(hours=self.random.choice([0, 5]))
            conn.execute(query, (moment, end, self.collection, self.random.choice(self.made)))
        else:
            query = "DELETE FROM items WHERE collection = %s AND id = %s"
            conn.execute(query, (self.collection, self.random.choice(self.made)))


def test_counters_are_exact_in_each_snapshot_while_many_write(stack: Any, collection: str) -> None:
    key, done = key_of(stack.database, collection), threading.Event()

    def write(number: int) -> None:
        writer = Writer(stack.database, collection, number)
        for step in range(WRITES):
            writer.write(step)

    def merge() -> int:
        merged = 0
        with connect(stack.database, autocommit=True) as conn:
            while not done.is_set():
                row = conn.execute(MERGE).fetchone()
                assert row
                merged += row[0]
        return merged

    def read() -> list[tuple[int, int]]:
        with connect(stack.database, autocommit=True) as conn:
            found = []
            while not done.is_set():
                row = conn.execute(COUNTS, {"id": collection, "key": key}).fetchone()
                assert row
                found.append(row)
        return found

    with ThreadPoolExecutor(WRITERS + 3) as pool:
        mergers, reader = [pool.submit(merge), pool.submit(merge)], pool.submit(read)
        try:
            list(pool.map(write, range(WRITERS)))
        finally:
            done.set()
        seen = reader.result()
        assert sum(merger.result() for merger in mergers) > 0
    assert len(seen) > 1
    assert [row for row in seen if row[0] != row[1]] == []
    assert seen[-1][0] > 0
    assert wrong(stack.database, collection) == []


def test_a_writer_waits_neither_for_another_nor_for_a_merge(stack: Any, collection: str) -> None:
    # Into the side table alone: pgstac has a row for each partition that its own writers wait for.
    insert = "INSERT INTO landbridge.item_stats (collection_key, id, datetime, bytes) VALUES (%s, %s, %s, 1)"
    key, database = key_of(stack.database, collection), stack.database
    with connect(database) as first, connect(database) as merging, connect(database) as second:
        for conn in (first, second, merging):
            conn.execute("SET lock_timeout = '5s'")
        first.execute(insert, (key, "a", FIRST))
        merging.execute(MERGE)
        second.execute(insert, (key, "b", FIRST))
        second.commit()
        first.rollback()
        merging.commit()
        row = second.execute(COUNTS, {"id": collection, "key": key}).fetchone()
        assert row is not None
        assert row[1] == 1
        second.execute("DELETE FROM landbridge.item_stats WHERE collection_key = %s", (key,))
    assert wrong(stack.database, collection) == []


def test_a_merge_is_undone_if_its_process_dies(stack: Any, collection: str) -> None:
    with connect(stack.database, autocommit=True) as conn:
        conn.execute(INSERT, ("a", collection, FIRST, FIRST))
        with connect(stack.database) as merging:
            merging.execute(MERGE)
            conn.execute("SELECT pg_terminate_backend(%s)", (merging.info.backend_pid,))
            with pytest.raises(psycopg.OperationalError):
                merging.execute("SELECT 1")
    assert wrong(stack.database, collection) == []


@pytest.fixture(scope="module")
def periods(http: httpx.Client) -> tuple[str, list[dict[str, Any]]]:
    """A collection with items at the beginnings and ends of days and months, none with a period."""
    name = f"local:{uuid.uuid4().hex[:12]}"
    http.post("/collections", json=stac_collection(name)).raise_for_status()
    moments = [FIRST + timedelta(hours=7 * number) for number in range(60)]
    moments += [datetime(2020, month, 1, tzinfo=UTC) for month in (1, 2, 3, 4)]
    moments += [one - timedelta(microseconds=1) for one in moments[-4:]]
    items = [stac_item(name, f"i{n}", datetime=text(one)) for n, one in enumerate(moments)]
    body = {"items": {item["id"]: item for item in items}, "method": "insert"}
    http.post(f"/collections/{name}/bulk_items", json=body).raise_for_status()
    return name, items


def text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def time_ranges() -> Iterator[TimeRange]:
    chosen = random.Random(1)
    bounds = [None, *(FIRST + timedelta(hours=7 * number) for number in (0, 3, 20, 59))]
    bounds += [datetime(2020, month, day, tzinfo=UTC) for month in (1, 2, 3, 4) for day in (1, 2)]
    for _ in range(80 if LONG else 25):
        yield TimeRange(chosen.choice(bounds), chosen.choice(bounds))


@pytest.mark.parametrize("merged", [False, True])
def test_pages_of_ranges_of_time_have_the_exact_number(
    stack: Any, http: httpx.Client, periods: tuple[str, list[dict[str, Any]]], merged: bool
) -> None:
    name, items = periods
    if merged:
        with connect(stack.database) as conn:
            conn.execute(MERGE)
    moments = [datetime.fromisoformat(item["properties"]["datetime"]) for item in items]
    for times in time_ranges():
        since, before = times.since, times.before
        conditions = []
        if since is not None:
            conditions.append({"op": ">=", "args": [{"property": "datetime"}, {"timestamp": text(since)}]})
        if before is not None:
            conditions.append({"op": "<", "args": [{"property": "datetime"}, {"timestamp": text(before)}]})
        expected = [one for one in moments if (not since or since <= one) and (not before or one < before)]
        body = {"collections": [name], "limit": 1}
        if conditions:
            body["filter"] = {"op": "and", "args": conditions}
        assert http.post("/search", json=body).json()["numberMatched"] == len(expected), times
        body["aggregations"] = ["total_count", "datetime_frequency", "datetime_min", "datetime_max"]
        body["datetime_frequency_interval"] = ("day", "week", "month", "year")[len(expected) % 4]
        found = {one["name"]: one for one in http.post("/aggregate", json=body).json()["aggregations"]}
        assert found["total_count"]["value"] == len(expected)
        assert sum(one["frequency"] for one in found["datetime_frequency"]["buckets"]) == len(expected)
        assert found["datetime_min"]["value"] == (text(min(expected)) if expected else None)
        assert found["datetime_max"]["value"] == (text(max(expected)) if expected else None)


def test_an_item_with_a_period_counts_wherever_its_period_meets_the_range(
    http: httpx.Client, collection: str
) -> None:
    item = stac_item(collection, "a", datetime=None)
    item["properties"] |= {"start_datetime": "2020-01-10T00:00:00Z", "end_datetime": "2020-03-10T00:00:00Z"}
    http.post(f"/collections/{collection}/items", json=item).raise_for_status()
    later = stac_item(collection, "b", datetime="2020-02-15T00:00:00Z")
    http.post(f"/collections/{collection}/items", json=later).raise_for_status()

    def matched(datetime: str) -> int:
        params = {"collections": collection, "datetime": datetime, "limit": 1}
        return int(http.get("/search", params=params).json()["numberMatched"])

    assert matched("2020-02-01T00:00:00Z/2020-02-28T00:00:00Z") == 2
    assert matched("2020-03-01T00:00:00Z/..") == 1
    assert matched("2020-01-01T00:00:00Z/2020-02-01T00:00:00Z") == 1


@pytest.fixture(scope="module")
def hurried(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A service that counts for a microsecond only."""
    store: Path = tmp_path_factory.mktemp("store")
    with (
        fresh_database(stack.database, f"counts_{uuid.uuid4().hex[:8]}") as database,
        started(database, store.as_uri(), count_seconds=1e-6) as service,
    ):
        yield service


def test_a_page_has_no_number_if_counting_takes_long_and_an_aggregation_has_it(hurried: Any) -> None:
    hurried.request("POST", "/collections", OPERATOR, json=stac_collection("local:many")).raise_for_status()
    items = [stac_item("local:many", f"i{n}", **{"eo:cloud_cover": n}) for n in range(5)]
    body = {"items": {item["id"]: item for item in items}, "method": "insert"}
    hurried.request("POST", "/collections/local:many/bulk_items", OPERATOR, json=body).raise_for_status()
    search = {
        "collections": ["local:many"],
        "filter": {"op": "<", "args": [{"property": "eo:cloud_cover"}, 4]},
    }

    first = hurried.request("POST", "/search", OPERATOR, json={**search, "limit": 2}).json()
    assert "numberMatched" not in first
    assert first["numberReturned"] == 2
    (link,) = [one for one in first["links"] if one["rel"] == "next"]
    rest = hurried.request("POST", "/search", OPERATOR, json=link["body"]).json()
    assert len({item["id"] for item in first["features"] + rest["features"]}) == 4

    # The whole answer is on one page, or counters tell the number.
    assert hurried.request("POST", "/search", OPERATOR, json=search).json()["numberMatched"] == 4
    plain = {"collections": ["local:many"], "limit": 2}
    assert hurried.request("POST", "/search", OPERATOR, json=plain).json()["numberMatched"] == 5

    aggregated = {**search, "aggregations": ["total_count"]}
    found = hurried.request("POST", "/aggregate", OPERATOR, json=aggregated).json()
    assert found["aggregations"][0]["value"] == 4


DAMAGES = [
    "UPDATE landbridge.item_counts SET bytes = bytes + 1 WHERE period = 'day' AND collection_key = {key}",
    "DELETE FROM landbridge.item_counts WHERE period = 'all' AND collection_key = {key}",
    f"{WITHOUT_TRIGGERS}; DELETE FROM landbridge.item_stats WHERE collection_key = {{key}}",
    f"{WITHOUT_TRIGGERS}; DELETE FROM pgstac.items WHERE collection = '{{name}}'",
]


def test_the_doctor_finds_and_repairs_wrong_counters(stack: Any, http: httpx.Client, collection: str) -> None:
    damaged = [f"{collection}-{number}" for number in range(len(DAMAGES))]
    for name in damaged:
        http.post("/collections", json=stac_collection(name)).raise_for_status()
        for number in range(3):
            item = stac_item(name, f"i{number}")
            http.post(f"/collections/{name}/items", json=item).raise_for_status()
    settings = Settings(
        database_url=stack.database, store_url=stack.store.as_uri(), token=stack.token, worker=False
    )
    with connect(stack.database) as conn:
        conn.execute(MERGE)
        for name, damage in zip(damaged, DAMAGES, strict=True):
            conn.execute(damage.format(key=key_of(stack.database, name), name=name))
    found = [(one.subject, one.kind) for one in asyncio.run(doctor(settings)) if one.subject in damaged]
    assert sorted(found) == [(name, "counts") for name in damaged]
    assert [one for one in asyncio.run(doctor(settings, repair=True)) if one.subject in damaged] == []
    assert [wrong(stack.database, name) for name in damaged] == [[]] * len(damaged)
