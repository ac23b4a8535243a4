"""The aggregation extension, and `item_stats`, the table that it counts in."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pypgstac.db import PgstacDB
from pypgstac.load import Loader, Methods

from conftest import LONG
from integration.conftest import stac_collection, stac_item
from landbridge.mappings import image

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    Add = Callable[..., list[dict[str, Any]]]

DATA = "image/tiff; application=geotiff"


def sized(collection: str, name: str, *sizes: int, **properties: Any) -> dict[str, Any]:
    """Return an item with a data asset for each size, and with assets that do not count."""
    item = stac_item(collection, name, **properties)
    item["assets"] = {
        f"b{number}": {
            "href": f"https://example.org/{name}-{number}.tif",
            "type": DATA,
            "roles": ["data"],
            "file:size": size,
        }
        for number, size in enumerate(sizes)
    } | {
        "thumbnail": {
            "href": "https://example.org/t.png",
            "type": "image/png",
            "roles": ["thumbnail"],
            "file:size": 9999,
        },
        "mtl": {
            "href": "https://example.org/m.json",
            "type": "application/json",
            "roles": ["metadata"],
            "file:size": 777,
        },
    }
    return item


def insert(http: httpx.Client, collection: str, *items: dict[str, Any]) -> None:
    body = {"items": {item["id"]: item for item in items}, "method": "upsert"}
    answer = http.post(f"/collections/{collection}/bulk_items", json=body)
    assert answer.status_code == 200, answer.text


@pytest.fixture
def scenes(http: httpx.Client, collection: str) -> str:
    moments = ["2019-12-31T23:59:59Z", "2020-01-01T00:00:00Z", "2020-01-06T00:00:00Z", "2020-03-01T12:00:00Z"]
    items = [
        sized(
            collection,
            f"s{n}",
            10 * (n + 1),
            1,
            datetime=moment,
            **{"eo:cloud_cover": 10 * n},
            published=moments[0],
        )
        for n, moment in enumerate(moments)
    ]
    insert(http, collection, *items)
    return collection


def aggregated(http: httpx.Client, *names: str, **body: Any) -> dict[str, Any]:
    answer = http.post("/aggregate", json={"aggregations": list(names), **body})
    assert answer.status_code == 200, answer.text
    assert answer.json()["type"] == "AggregationCollection"
    return {one["name"]: one for one in answer.json()["aggregations"]}


def frequencies(aggregation: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {
        bucket["key"]: (bucket["frequency"], bucket["catalog:bytes"]) for bucket in aggregation["buckets"]
    }


def test_totals_count_items_and_the_bytes_of_their_files(http: httpx.Client, scenes: str) -> None:
    found = aggregated(
        http,
        "total_count",
        "total_bytes",
        "datetime_min",
        "datetime_max",
        "collection_frequency",
        collections=[scenes],
    )
    assert found["total_count"]["value"] == 4
    assert found["total_bytes"]["value"] == 104
    assert found["datetime_min"]["value"] == "2019-12-31T23:59:59Z"
    assert found["datetime_max"]["value"] == "2020-03-01T12:00:00Z"
    assert frequencies(found["collection_frequency"]) == {scenes: (4, 104)}


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("year", {"2019-01-01T00:00:00Z": (1, 11), "2020-01-01T00:00:00Z": (3, 93)}),
        ("quarter", {"2019-10-01T00:00:00Z": (1, 11), "2020-01-01T00:00:00Z": (3, 93)}),
        (
            "week",
            {
                "2019-12-30T00:00:00Z": (2, 32),
                "2020-01-06T00:00:00Z": (1, 31),
                "2020-02-24T00:00:00Z": (1, 41),
            },
        ),
        (
            None,
            {
                "2019-12-01T00:00:00Z": (1, 11),
                "2020-01-01T00:00:00Z": (2, 52),
                "2020-03-01T00:00:00Z": (1, 41),
            },
        ),
    ],
)
def test_frequencies_by_date_leave_empty_intervals_out(
    http: httpx.Client, scenes: str, interval: str | None, expected: dict[str, Any]
) -> None:
    asked = {"datetime_frequency_interval": interval} if interval else {}
    found = aggregated(http, "datetime_frequency", collections=[scenes], **asked)
    assert frequencies(found["datetime_frequency"]) == expected


@pytest.mark.parametrize(
    "search",
    [
        {"filter": {"op": "<", "args": [{"property": "eo:cloud_cover"}, 15]}},
        {"filter": "eo:cloud_cover < 15"},
        {"filter": "datetime <= TIMESTAMP('2020-01-01T00:00:00Z')"},
        {"datetime": "../2020-01-01T00:00:00Z"},
        {"ids": ["s0", "s1"]},
        {"query": {"eo:cloud_cover": {"lte": 10}}},
        {
            "filter": "eo:cloud_cover < 15 AND datetime > TIMESTAMP('2000-01-01T00:00:00Z')",
            "bbox": [9, 9, 12, 12],
        },
    ],
    ids=str,
)
def test_an_aggregation_counts_the_items_of_the_same_search(
    http: httpx.Client, scenes: str, search: dict[str, Any]
) -> None:
    found = aggregated(
        http, "total_count", "total_bytes", "published_frequency", collections=[scenes], **search
    )
    assert (found["total_count"]["value"], found["total_bytes"]["value"]) == (2, 32)
    assert frequencies(found["published_frequency"]) == {"2019-12-01T00:00:00Z": (2, 32)}
    assert http.post("/search", json={"collections": [scenes], **search}).json()["numberMatched"] == 2


def test_a_get_and_a_collection_of_its_own_give_the_same(http: httpx.Client, scenes: str) -> None:
    params = {
        "aggregations": "total_count,datetime_frequency",
        "datetime_frequency_interval": "year",
        "filter": "eo:cloud_cover < 25",
    }
    by_get = http.get("/aggregate", params={**params, "collections": scenes}).json()["aggregations"]
    of_one = http.get(f"/collections/{scenes}/aggregate", params=params).json()["aggregations"]
    body = {**params, "aggregations": params["aggregations"].split(",")}
    posted = http.post(f"/collections/{scenes}/aggregate", json=body).json()["aggregations"]
    assert by_get == of_one == posted
    assert by_get[0]["value"] == 3
    assert http.get("/collections/local:nope/aggregate").status_code == 404
    assert http.post("/aggregate", json={"aggregations": ["guess"]}).status_code == 400
    assert http.get("/aggregate", params={"datetime_frequency_interval": "decade"}).status_code == 400
    offered = {one["name"] for one in http.get("/aggregations").json()["aggregations"]}
    assert {"total_count", "total_bytes", "datetime_frequency", "collection_frequency"} <= offered
    assert http.get(f"/collections/{scenes}/aggregations").status_code == 200


def test_the_landing_page_leads_to_the_aggregations(http: httpx.Client) -> None:
    page = http.get("/").json()
    assert "https://api.stacspec.org/v0.3.0/aggregation" in page["conformsTo"]
    for rel in ("aggregate", "aggregations"):
        (link,) = [one for one in page["links"] if one["rel"] == rel]
        assert http.get(link["href"]).status_code == 200


# Consistency of item_stats
_sizes = st.lists(st.integers(0, 1000), max_size=3)
_days = st.integers(1, 28)
_names = st.sampled_from(["a", "b", "c", "d"])
_places = st.tuples(st.integers(-5, 5), st.integers(-5, 5))
_item = st.tuples(_names, _sizes, _days, _places)
_ways = (
    "create", "put", "bulk", "bulk_of_many", "loaded", "loaded_new", "patch", "remove", "removed_in_sql",
    "changed_in_sql", "renamed_in_sql", "other_bands", "dropped",
)  # fmt: skip
_writes = st.lists(st.tuples(st.sampled_from(_ways), _item), min_size=8, max_size=25)


class Writer:
    """All the ways in which items are written."""

    def __init__(self, http: httpx.Client, database: str, collections: list[str]) -> None:
        self.http, self.database, self.collections = http, database, collections

    def __call__(self, how: str, item: tuple[Any, ...]) -> None:
        name, sizes, day, corner = item
        collection = self.collections[day % 2]
        moment = f"2020-01-{day:02}T00:00:00Z"
        document = sized(collection, name, *sizes, datetime=moment, corner=corner)
        getattr(self, how)(document)

    def create(self, document: dict[str, Any]) -> None:
        self.http.post(f"/collections/{document['collection']}/items", json=document)

    def put(self, document: dict[str, Any]) -> None:
        self.http.put(self._path(document), json=document)

    def bulk(self, document: dict[str, Any]) -> None:
        insert(self.http, document["collection"], document)

    def bulk_of_many(self, document: dict[str, Any]) -> None:
        collection, name = document["collection"], document["id"]
        days = {1, 2, _day(document)}
        others = [
            sized(collection, f"{name}-{day}", day, datetime=f"2021-03-{day:02}T12:00:00Z") for day in days
        ]
        insert(self.http, collection, document, *others)

    def loaded(self, document: dict[str, Any]) -> None:
        self.load(Methods.upsert, document)

    def loaded_new(self, document: dict[str, Any]) -> None:
        self.load(Methods.ignore, document)

    def patch(self, document: dict[str, Any]) -> None:
        properties = {"published": f"2021-02-{_day(document):02}T00:00:00Z"}
        self.http.patch(self._path(document), json={"properties": properties})

    def remove(self, document: dict[str, Any]) -> None:
        self.http.delete(self._path(document))

    def removed_in_sql(self, document: dict[str, Any]) -> None:
        query = "DELETE FROM pgstac.items WHERE collection = %s AND id >= %s"
        self.sql(query, (document["collection"], document["id"]))

    def changed_in_sql(self, document: dict[str, Any]) -> None:
        query = (
            "UPDATE pgstac.items SET datetime = %s, geometry = ST_Translate(geometry, 3, 0), "
            'content = jsonb_set(content, \'{assets,b0}\', \'{"href": "x.tif", "file:size": 5}\') '
            "WHERE collection = %s AND id = %s"
        )
        self.sql(
            query, (datetime(2019, 5, _day(document), tzinfo=UTC), document["collection"], document["id"])
        )

    def renamed_in_sql(self, document: dict[str, Any]) -> None:
        query = "UPDATE pgstac.items SET id = 'moved-' || id WHERE collection = %s AND id = %s"
        self.sql(query, (document["collection"], document["id"]))

    def other_bands(self, document: dict[str, Any]) -> None:
        bands = stac_collection(document["collection"])["bands"][: _day(document) % 3]
        self.http.patch(
            f"/collections/{document['collection']}", json=[{"op": "add", "path": "/bands", "value": bands}]
        )

    def dropped(self, document: dict[str, Any]) -> None:
        self.sql("SELECT pgstac.delete_collection(%s)", (document["collection"],))
        assert self.http.post("/collections", json=stac_collection(document["collection"])).status_code == 201

    @staticmethod
    def _path(document: dict[str, Any]) -> str:
        return f"/collections/{document['collection']}/items/{document['id']}"

    def load(self, mode: Methods, *items: dict[str, Any]) -> None:
        with PgstacDB(dsn=self.database) as db:
            Loader(db).load_items(iter(items), insert_mode=mode)

    def sql(self, query: str, values: tuple[Any, ...]) -> None:
        # The Loader narrows a partition to the dates it holds, so a later write outside of them fails.
        with (
            contextlib.suppress(psycopg.errors.CheckViolation, psycopg.errors.UniqueViolation),
            psycopg.connect(self.database, options="-c search_path=pgstac,public") as conn,
        ):
            conn.execute(query, values)


def _day(document: dict[str, Any]) -> int:
    return int(document["properties"]["datetime"][8:10])


@settings(
    max_examples=60 if LONG else 6,
    # Shrinking on a live stack takes longer than reading what failed.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(writes=_writes)
def test_item_stats_stay_current_however_items_are_written(
    stack: Any, http: httpx.Client, collection: str, writes: list[Any]
) -> None:
    collections = [collection, f"{collection}-b"]
    if http.get(f"/collections/{collections[1]}").status_code == 404:
        http.post("/collections", json=stac_collection(collections[1])).raise_for_status()
    write = Writer(http, stack.database, collections)
    for how, item in writes:
        write(how, item)

    query = (
        "SELECT f.* FROM {} f JOIN pgstac.collections c ON c.key = f.collection_key "
        "WHERE c.id = ANY (%s) ORDER BY f.collection_key, f.id"
    )
    with psycopg.connect(stack.database, options="-c search_path=pgstac,public") as conn:
        kept = conn.execute(query.format("landbridge.item_stats"), (collections,)).fetchall()
        recount = "(SELECT (landbridge.stats_of_item(i)).* FROM pgstac.items i)"
        counted = conn.execute(query.format(recount), (collections,)).fetchall()
        wrong = "SELECT * FROM landbridge.wrong_item_counts() WHERE collection = ANY (%s)"
        assert conn.execute(wrong, (collections,)).fetchall() == []
        conn.execute("SELECT landbridge.merge_item_counts(100000)")
        assert conn.execute(wrong, (collections,)).fetchall() == []
    assert kept == counted

    for one in collections:
        # Count again from the documents, as the object API reads them.
        items = http.post("/search", json={"collections": [one], "limit": 1000}).json()["features"]
        files = [image.from_stac(item).get("files") or [] for item in items]
        total = sum(file.get("size_bytes") or 0 for found in files for file in found)
        found = aggregated(http, "total_count", "total_bytes", collections=[one])
        assert (found["total_count"]["value"], found["total_bytes"]["value"]) == (len(items), total)
        extent = http.get(f"/collections/{one}").json()["extent"]
        if items:
            (box,) = extent["spatial"]["bbox"]
            corners = [_box(item["geometry"]) for item in items]
            assert (
                box
                == [*map(min, zip(*corners, strict=True))][:2] + [*map(max, zip(*corners, strict=True))][2:]
            )
        else:
            assert extent["spatial"]["bbox"] == [[-180, -90, 180, 90]]


def _box(geometry: dict[str, Any]) -> tuple[float, ...]:
    (ring,) = geometry["coordinates"]
    xs, ys = [x for x, _ in ring], [y for _, y in ring]
    return min(xs), min(ys), max(xs), max(ys)


def test_a_deleted_or_emptied_collection_leaves_nothing_behind(
    stack: Any, http: httpx.Client, scenes: str
) -> None:
    with psycopg.connect(stack.database) as conn:
        (key,) = conn.execute("SELECT key FROM pgstac.collections WHERE id = %s", (scenes,)).fetchone()
        conn.execute("SET search_path TO pgstac, public")
        conn.execute("SELECT delete_collection(%s)", (scenes,))
        for table in ("item_stats", "extents", "item_counts", "item_count_changes"):
            query = f"SELECT count(*) FROM landbridge.{table} WHERE collection_key = %s"
            assert conn.execute(query, (key,)).fetchone() == (0,)
