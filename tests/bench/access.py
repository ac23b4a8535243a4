"""Cost of access lists: a caller who may read a tenth of ten thousand products, against the operator.

Each product has a partition of its own in pgstac. To make them takes some minutes; BENCH_PRODUCTS makes
fewer.
"""

from __future__ import annotations

import os
import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import psycopg
from psycopg.types.json import Jsonb

from bench.frame import Contest, Peer, job
from bench.homes import Shared, empty_home, stack
from landbridge.stac_api.access import tokens
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.pgstac import dehydration
from landbridge.stac_api.pgstac.bulk_load import COPY
from landbridge.stac_api.pgstac.item_rows import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PRODUCTS = int(os.environ.get("BENCH_PRODUCTS", "10000"))
_READABLE = 10  # of these products one may be read
_IMAGES = 10  # of each product
_BATCH = 100  # products made in one transaction
_REQUESTS = 15  # of one measure, which is their median
_AIM = 1 / 1.3
_READER = Principal("reader", org="bench", groups=("readers",))
_OPERATOR = "an operator's"


class _Callers:
    """Clients of the same API for the operator and for a caller who may read a tenth."""

    def __init__(self, operator: httpx.Client, reader: httpx.Client) -> None:
        self.operator, self.reader = operator, reader


def _name(number: int) -> str:
    return f"bench:p{number:05d}"


def _collection(number: int) -> dict[str, Any]:
    document = {
        "type": "Collection",
        "id": _name(number),
        "title": f"Product {number}",
        "description": "One of many",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
        },
        "links": [],
        "bands": [],
        "catalog:owners": ["user:somebody", "org:else"],
        "catalog:readers": ["group:readers", "email:a@b.test"] if number % _READABLE == 0 else ["org:third"],
    }
    return incoming.collection(document, "/")


def _item(collection: dict[str, Any], number: int, image: int) -> dict[str, Any]:
    x, y = (number * 7 + image) % 350 - 178.0, (number * 3 + image) % 150 - 78.0
    ring = [[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1], [x, y]]
    document = {
        "type": "Feature",
        "id": f"i{image}",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {
            "datetime": f"202{image % 5}-{number % 12 + 1:02d}-{(number + image) % 28 + 1:02d}T10:00:00Z",
            "eo:cloud_cover": (number * 13 + image * 7) % 100,
            "catalog:storage_state": "remote",
        },
        "assets": {"red": {"href": f"https://example.org/{number}/{image}.tif", "file:size": 1000}},
        "links": [],
    }
    return incoming.item(document, collection, "/")


def _fill(database: str) -> None:
    """The products and their images, by what the API's writes call, past HTTP.

    First all partitions and then all images: with both in turn the partitions would be looked through anew
    for each image that follows a new one.
    """
    collections = [_collection(number) for number in range(_PRODUCTS)]
    options = "-c search_path=pgstac,public"
    with psycopg.connect(database, options=options, autocommit=True) as conn:
        for start in range(0, _PRODUCTS, _BATCH):
            with conn.transaction():
                for collection in collections[start : start + _BATCH]:
                    conn.execute("SELECT create_collection(%s)", (Jsonb(collection),))
                    conn.execute("SELECT landbridge.create_partitions(%s)", (collection["id"],))
        base = dehydration.Base({})  # none of the collections has item_assets
        copying = COPY.format(table="pgstac.items")
        with conn.transaction(), conn.cursor() as cursor, cursor.copy(copying) as copy:
            for number, collection in enumerate(collections):
                for image in range(_IMAGES):
                    copy.write_row(Row.of(_item(collection, number, image), base))
        # Of ten thousand partitions it would take an hour.
        conn.execute(
            "ANALYZE landbridge.item_stats, landbridge.grants, landbridge.extents, pgstac.collections"
        )


@contextmanager
def _callers() -> Iterator[_Callers]:
    with empty_home() as home:
        stack("up")
        state = orjson.loads((home / "state.json").read_bytes())
        _fill(state["database"])
        token, _ = tokens.create_token(state["database"], _READER)

        def client(bearer: str) -> httpx.Client:
            headers = {"Authorization": f"Bearer {bearer}", "Accept-Encoding": "identity"}
            return httpx.Client(base_url=state["url"], headers=headers, timeout=300)

        with client(state["token"]) as operator, client(token) as reader:
            yield _Callers(operator, reader)


_SHARED = Shared(_callers, jobs=5)


def _matched(client: httpx.Client, body: dict[str, Any]) -> int:
    answer = client.post("/search", json=body).raise_for_status()
    found: int = orjson.loads(answer.content)["numberMatched"]
    return found


def _median(send: Callable[[], httpx.Response]) -> Callable[[], float]:
    def run() -> float:
        taken = []
        for _ in range(_REQUESTS):
            start = time.perf_counter()
            send().raise_for_status()
            taken.append(time.perf_counter() - start)
        return statistics.median(taken)

    return run


def _searches(body: dict[str, Any], share: float) -> Iterator[Contest]:
    """Compare a search of both; the reader must find its share of the operator's results."""
    with _SHARED.use() as callers:
        all_, found = _matched(callers.operator, body), _matched(callers.reader, body)
        if not 0.5 * share * all_ <= found <= 1.5 * share * all_ or not found:
            raise AssertionError(f"{body}: {found} of {all_} items, not a share of {share}")
        yield _contest(callers, lambda client: client.post("/search", json=body))


def _contest(callers: _Callers, send: Callable[[httpx.Client], httpx.Response]) -> Contest:
    ours, theirs = _median(lambda: send(callers.reader)), _median(lambda: send(callers.operator))
    return Contest(ours, [Peer(_OPERATOR, theirs, _AIM)], runs=3)


@job("access")
def search_of_a_thousand_of_ten_thousand_products() -> Iterator[Contest]:
    yield from _searches({"limit": 10}, 1 / _READABLE)


@job("access")
def filtered_search_of_twenty_products_by_who_may_read_a_thousand() -> Iterator[Contest]:
    body = {
        "limit": 10,
        "collections": [_name(number * _READABLE) for number in range(20)],
        "bbox": [-120, -60, 120, 60],
        "datetime": "2021-01-01T00:00:00Z/2022-12-31T00:00:00Z",
        "query": {"eo:cloud_cover": {"lt": 80}},
    }
    yield from _searches(body, 1)


@job("access")
def search_of_one_product_by_who_may_read_a_thousand() -> Iterator[Contest]:
    yield from _searches({"limit": 10, "collections": [_name(0)]}, 1)


@job("access")
def list_of_a_thousand_of_ten_thousand_products() -> Iterator[Contest]:
    with _SHARED.use() as callers:
        yield _contest(callers, lambda client: client.get("/collections", params={"limit": 100}))


@job("access")
def counts_of_a_thousand_of_ten_thousand_products() -> Iterator[Contest]:
    with _SHARED.use() as callers:
        names = "total_count,datetime_frequency"
        yield _contest(callers, lambda client: client.get("/aggregate", params={"aggregations": names}))
