"""Collections divided by years or months: the same answers as before, and each id once, whoever writes."""

from __future__ import annotations

import random
import re
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pypgstac.db import PgstacDB
from pypgstac.load import Loader, Methods
from stac_fastapi.types.errors import NotFoundError

from conftest import LONG
from integration.conftest import stac_collection, stac_item
from landbridge.stac_api.admin.commands import server
from landbridge.stac_api.errors import BadRequestError, ConflictError
from landbridge.stac_api.pgstac import partitioning
from landbridge.stac_api.pgstac.bulk_load import load_items

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

YEARS = (1, 1999, 2000, 2019, 2020, 2024, 9999)
PARTITIONS = "SELECT partition FROM pgstac.partition_sys_meta WHERE collection = %s ORDER BY 1"
# What pgstac's own check_partition would have made.
RECORDED = """
SELECT m.partition, m.partition_dtrange = s.partition_dtrange, m.constraint_dtrange @> i.datetime
FROM pgstac.partition_sys_meta m LEFT JOIN pgstac.partition_stats s USING (partition)
LEFT JOIN pgstac.items i ON i.collection = m.collection AND i.datetime <@ m.partition_dtrange
WHERE m.collection = %s
"""
TABLES = """
SELECT t.relid::regclass::text AS name, pg_get_userbyid(c.relowner) AS owner, c.relacl::text AS rights, (
    SELECT array_agg(definition ORDER BY definition) FROM (
        SELECT regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '')
        FROM pg_index i WHERE i.indrelid = t.relid
    ) AS d(definition)
) AS indexes, (
    SELECT array_agg(g.tgname::text ORDER BY g.tgname) FROM pg_trigger g
    WHERE g.tgrelid = t.relid AND NOT g.tgisinternal
) AS triggers, (
    SELECT array_agg(k.contype::text ORDER BY k.contype) FROM pg_constraint k
    WHERE k.conrelid = t.relid AND contype <> 'n'
) AS constraints
FROM pgstac.partition_sys_meta m,
     pg_partition_tree(('pgstac.' || m.partition)::regclass) t JOIN pg_class c ON c.oid = t.relid
WHERE m.collection = %s ORDER BY 1
"""


def query(database: str, text: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as conn:
        return conn.execute(text, values).fetchall()


def documents(collection: str, number: int = 60) -> list[dict[str, Any]]:
    """Items of several years: instants, some of them shared, and periods that reach into other years."""
    chosen = random.Random(3)
    made = []
    for place in range(number):
        year = chosen.choice(YEARS)
        moment = f"{year:04}-{chosen.choice((1, 6, 12)):02}-{chosen.choice((1, 28)):02}T00:00:00Z"
        times: dict[str, Any] = {"datetime": moment}
        if place % 5 == 0:
            times |= {
                "start_datetime": moment,
                "end_datetime": f"{chosen.choice(('2020', '9999'))}-12-31T23:59:59Z",
            }
            times["end_datetime"] = max(times["end_datetime"], moment)
        corner = chosen.uniform(-170, 170), chosen.uniform(-80, 80)
        made.append(
            stac_item(
                collection, f"i{place:03}", corner=corner, **times, **{"eo:cloud_cover": place % 7 * 10}
            )
        )
    return made


def answers(http: httpx.Client, collection: str) -> list[Any]:
    found: list[Any] = []
    for body in (
        {"limit": 7},
        {"limit": 9, "sortby": [{"field": "datetime", "direction": "asc"}]},
        {"limit": 11, "sortby": [{"field": "properties.eo:cloud_cover", "direction": "desc"}]},
        {"datetime": "2020-01-01T00:00:00Z/2024-12-31T23:59:59Z"},
        {"datetime": "1999-12-28T00:00:00Z"},
        {"datetime": "../2000-01-01T00:00:00Z", "bbox": [-90, -60, 90, 60]},
        {"bbox": [100, -90, -100, 90], "limit": 5},
        {"ids": ["i001", "i005", "i059", "none"]},
        {"filter": {"op": ">", "args": [{"property": "eo:cloud_cover"}, 30]}, "filter-lang": "cql2-json"},
    ):
        following: dict[str, Any] | None = {"collections": [collection], **body}
        while following:
            page = http.post("/search", json=following).raise_for_status().json()
            found.append((page["features"], page.get("numberMatched")))
            following = next((link["body"] for link in page["links"] if link["rel"] == "next"), None)
    names = ["total_count", "datetime_min", "datetime_max", "datetime_frequency"]
    body = {"collections": [collection], "aggregations": names}
    found.append(http.post("/aggregate", json=body).raise_for_status().json()["aggregations"])
    found.append(http.get(f"/collections/{collection}").raise_for_status().json())
    return found


@pytest.fixture
def divided(stack: Any, collection: str) -> str:
    """An empty collection that is divided by years."""
    assert partitioning.divide(stack.database, collection, "year") == []
    return collection


def test_a_divided_collection_gives_the_same_answers(stack: Any, http: httpx.Client, collection: str) -> None:
    load_items(stack.database, collection, documents(collection))
    before = answers(http, collection)
    first = query(stack.database, TABLES, collection)
    counted: dict[str, int] = {}
    for period in ("year", "month", "year", None, "month", None):
        counted.clear()
        made = partitioning.divide(stack.database, collection, period, counted.__setitem__)
        assert made == [row[0] for row in query(stack.database, PARTITIONS, collection)]
        assert sorted(counted) == made
        assert sum(counted.values()) == 60
        assert len(made) == {"year": 7, None: 1}.get(period, len(made))
        assert answers(http, collection) == before
        assert all(
            stats and fits in (True, None) for _, stats, fits in query(stack.database, RECORDED, collection)
        )
        for _, *made_like in query(stack.database, TABLES, collection):
            assert made_like == list(first[0][1:])
    assert query(stack.database, TABLES, collection) == first
    wrong = "SELECT * FROM landbridge.wrong_item_counts() WHERE collection = %s"
    assert query(stack.database, wrong, collection) == []


def test_partitions_of_a_division_take_all_later_items_of_their_period(
    stack: Any, http: httpx.Client, collection: str
) -> None:
    load_items(stack.database, collection, [stac_item(collection, "a", datetime="2020-06-01T00:00:00Z")])
    partitioning.divide(stack.database, collection, "year")
    oids = (
        "SELECT partition, ('pgstac.' || partition)::regclass::oid FROM pgstac.partition_sys_meta "
        "WHERE collection = %s ORDER BY 1"
    )
    constraints = "SELECT oid FROM pg_constraint WHERE conrelid = ANY (%s) ORDER BY 1"
    before = query(stack.database, oids, collection)
    of_tables = query(stack.database, constraints, [row[1] for row in before])
    first, last = "2020-01-01T00:00:00Z", "2020-12-31T23:59:59.999999Z"
    period = {"start_datetime": first, "end_datetime": "9999-12-31T23:59:59Z"}
    edge = [stac_item(collection, "b", datetime=first), stac_item(collection, "c", datetime=last)]
    edge.append(stac_item(collection, "d", datetime=first, **period))
    load_items(stack.database, collection, edge)
    assert query(stack.database, oids, collection) == before
    assert query(stack.database, constraints, [row[1] for row in before]) == of_tables


def test_an_id_that_exists_in_another_period_is_refused_by_every_writer(
    stack: Any, http: httpx.Client, divided: str
) -> None:
    old, new = (stac_item(divided, "same", datetime=f"{year}-01-01T00:00:00Z") for year in (2020, 2024))
    assert http.post(f"/collections/{divided}/items", json=old).status_code == 201
    refused = http.post(f"/collections/{divided}/items", json=new)
    assert (refused.status_code, "same" in refused.text) == (409, True)
    refused = http.post(f"/collections/{divided}/bulk_items", json={"items": {"same": new}})
    assert refused.status_code == 409
    with pytest.raises(ConflictError, match="same"):
        load_items(stack.database, divided, [new])
    with pytest.raises(ConflictError, match="same id"):
        load_items(stack.database, divided, [{**old, "id": "new"}, {**new, "id": "new"}])
    with PgstacDB(dsn=stack.database) as db, pytest.raises(psycopg.errors.UniqueViolation, match="same"):
        Loader(db).load_items(iter([new]), insert_mode=Methods.insert)
    (found,) = http.get(f"/collections/{divided}/items").json()["features"]
    assert found["properties"]["datetime"] == "2020-01-01T00:00:00Z"

    load_items(stack.database, divided, [new], replace=True)
    assert http.put(f"/collections/{divided}/items/same", json=old).status_code == 200
    body = {"items": {"same": new}, "method": "upsert"}
    assert http.post(f"/collections/{divided}/bulk_items", json=body).status_code == 200
    (found,) = http.get(f"/collections/{divided}/items").json()["features"]
    assert found["properties"]["datetime"] == "2024-01-01T00:00:00Z"
    assert http.delete(f"/collections/{divided}/items/same").status_code == 204
    assert query(stack.database, "SELECT id FROM pgstac.items WHERE collection = %s", divided) == []
    http.put(f"/collections/{divided}", json=stac_collection(divided, bands=[])).raise_for_status()
    assert http.delete(f"/collections/{divided}").status_code == 204
    assert query(stack.database, PARTITIONS, divided) == []


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Return the results or errors of functions that begin together."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return job()
        except Exception as error:  # noqa: BLE001 - a result of the test
            return error

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_of_writers_of_one_id_in_different_years_one_succeeds(
    stack: Any, http: httpx.Client, divided: str
) -> None:
    for number in range(40 if LONG else 12):
        item = f"i{number}"

        def by_load(year: int, item: str = item) -> None:
            load_items(
                stack.database, divided, [stac_item(divided, item, datetime=f"{year}-01-01T00:00:00Z")]
            )

        def by_api(year: int, item: str = item) -> None:
            document = stac_item(divided, item, datetime=f"{year}-01-01T00:00:00Z")
            answer = http.post(f"/collections/{divided}/items", json=document)
            if answer.status_code != 201:
                assert answer.status_code == 409, answer.text
                raise ConflictError(answer.text)

        results = at_once(
            lambda: by_load(2020), lambda: by_api(2021), lambda: by_load(2022), lambda: by_api(2023)
        )
        assert sum(result is None for result in results) == 1, results
        assert all(result is None or isinstance(result, ConflictError) for result in results), results
    found = query(
        stack.database, "SELECT id, count(*) FROM pgstac.items WHERE collection = %s GROUP BY 1", divided
    )
    assert {count for _, count in found} == {1}


def test_many_loads_at_once_create_the_partitions_they_share(
    stack: Any, http: httpx.Client, divided: str
) -> None:
    def load(number: int) -> Callable[[], None]:
        years = list(range(1990, 2020))
        random.Random(number).shuffle(years)
        items = [
            stac_item(divided, f"{number}-{year}", datetime=f"{year}-{number % 12 + 1:02}-01T00:00:00Z")
            for year in years
        ]

        def run() -> None:
            for start in range(0, len(items), 10):
                load_items(stack.database, divided, items[start : start + 10])

        return run

    assert at_once(*map(load, range(6))) == [None] * 6
    assert len(query(stack.database, PARTITIONS, divided)) == 30
    page = http.post("/search", json={"collections": [divided], "limit": 1}).json()
    assert page["numberMatched"] == 180


def test_readers_and_writers_of_the_api_do_not_notice_a_division(
    stack: Any, http: httpx.Client, collection: str
) -> None:
    load_items(stack.database, collection, documents(collection))
    ended = threading.Event()

    def divide() -> None:
        try:
            for period in ("year", None, "month", None):
                partitioning.divide(stack.database, collection, period)
        finally:
            ended.set()

    def read() -> int:
        count = 0
        while not ended.is_set():
            page = http.post("/search", json={"collections": [collection], "ids": ["i001", "i005", "i059"]})
            assert page.status_code == 200, page.text
            assert len(page.json()["features"]) == 3
            count += 1
        return count

    def write() -> int:
        count = 0
        while not ended.is_set():
            document = stac_item(collection, f"w{count}", datetime=f"{1990 + count % 20}-01-01T00:00:00Z")
            answer = http.post(f"/collections/{collection}/items", json=document)
            assert answer.status_code == 201, answer.text
            count += 1
        return count

    divided, reads, written = at_once(divide, read, write)
    assert divided is None
    assert isinstance(reads, int), reads
    assert isinstance(written, int), written
    assert query(stack.database, "SELECT count(*) FROM pgstac.items WHERE collection = %s", collection) == [
        (60 + written,)
    ]


def test_the_loader_of_pgstac_and_our_writes_share_a_divided_collection(
    stack: Any, http: httpx.Client, collection: str
) -> None:
    load_items(stack.database, collection, [stac_item(collection, "a", datetime="2020-06-01T00:00:00Z")])
    partitioning.divide(stack.database, collection, "year")
    with PgstacDB(dsn=stack.database) as db:
        Loader(db).load_items(
            iter(
                stac_item(collection, f"l{year}", datetime=f"{year}-06-01T00:00:00Z") for year in (2020, 2021)
            ),
            insert_mode=Methods.upsert,
        )
    # The Loader narrows the partitions to what they hold.
    for name, moment in (("b", "2020-01-01T00:00:00Z"), ("c", "2021-12-31T00:00:00Z")):
        document = stac_item(collection, name, datetime=moment)
        assert http.post(f"/collections/{collection}/items", json=document).status_code == 201
        load_items(stack.database, collection, [{**document, "id": f"{name}2"}])
    page = http.get(f"/collections/{collection}/items").json()
    assert {item["id"] for item in page["features"]} == {"a", "l2020", "l2021", "b", "b2", "c", "c2"}


def test_the_command_divides_and_unites(stack: Any, collection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANDBRIDGE_DATABASE_URL", stack.database)
    monkeypatch.setenv("LANDBRIDGE_STORE_URL", stack.store.as_uri())
    load_items(stack.database, collection, documents(collection))
    for period, count in (("year", "7 partitions"), ("none", "1 partition")):
        done = CliRunner().invoke(server, ["partition", collection, "--by", period])
        assert done.exit_code == 0, done.output
        assert f"{collection}: {count}\n" in done.output
        assert sum(map(int, re.findall(r": (\d+) images", done.output))) == 60
    refused = CliRunner().invoke(server, ["partition", "local:none", "--by", "year"])
    assert (refused.exit_code, "local:none" in refused.output) == (2, True)


def test_a_division_that_cannot_be_is_refused(stack: Any, collection: str) -> None:
    with pytest.raises(NotFoundError, match="local:none"):
        partitioning.divide(stack.database, "local:none", "year")
    with pytest.raises(BadRequestError, match="'week'"):
        partitioning.divide(stack.database, collection, "week")


MOMENTS = st.builds(
    "{:04}-{:02}-15T00:00:00Z".format, st.sampled_from((1999, 2000, 2020)), st.sampled_from((1, 12))
)
IDS = st.sampled_from(["a", "b", "c", "d"])
STEPS = st.one_of(
    st.tuples(st.just("create"), IDS, MOMENTS),
    st.tuples(st.just("change"), IDS, MOMENTS),
    st.tuples(st.just("delete"), IDS, st.none()),
    st.tuples(st.just("load"), IDS, MOMENTS),
    st.tuples(st.just("replace"), IDS, MOMENTS),
    st.tuples(st.just("divide"), st.sampled_from([None, "year", "month"]), st.none()),
)


@settings(max_examples=40 if LONG else 8)
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
def test_any_writes_and_divisions_leave_what_a_dictionary_would_hold(
    stack: Any, http: httpx.Client, steps: list[tuple[str, Any, Any]]
) -> None:
    collection = f"local:divided-{uuid.uuid4().hex[:8]}"
    http.post("/collections", json=stac_collection(collection)).raise_for_status()
    held: dict[str, str] = {}
    path = f"/collections/{collection}/items"
    for step, name, moment in steps:
        document = stac_item(collection, name, datetime=moment) if moment else {}
        if step == "create":
            assert http.post(path, json=document).status_code == (409 if name in held else 201)
            held.setdefault(name, moment)
        elif step == "change":
            answer = http.put(f"{path}/{name}", json=document)
            assert answer.status_code == (200 if name in held else 404), answer.text
            held |= {name: moment} if name in held else {}
        elif step == "delete":
            http.delete(f"{path}/{name}")
            held.pop(name, None)
        elif step == "divide":
            partitioning.divide(stack.database, collection, name)
        elif step == "replace":
            load_items(stack.database, collection, [document], replace=True)
            held[name] = moment
        elif name in held:
            with pytest.raises(ConflictError):
                load_items(stack.database, collection, [document])
        else:
            load_items(stack.database, collection, [document])
            held[name] = moment
        page = http.get(path, params={"limit": 10}).raise_for_status().json()
        found = [(item["id"], item["properties"]["datetime"]) for item in page["features"]]
        assert sorted(found) == sorted(held.items())
        assert page["numberMatched"] == len(held)
    wrong = "SELECT * FROM landbridge.wrong_item_counts() WHERE collection = %s"
    assert query(stack.database, wrong, collection) == []
