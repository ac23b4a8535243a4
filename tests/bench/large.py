"""Summaries of a product of five million images, whose rows are made in SQL (`make bench-large`)."""

from __future__ import annotations

import os
import statistics
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from bench.frame import Contest, Peer, job
from bench.homes import Shared, client_of, empty_home, stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

# `LANDBRIDGE_BENCH_SIZES=200000,1000000` measures smaller numbers of rows.
_SIZES = tuple(map(int, os.environ.get("LANDBRIDGE_BENCH_SIZES", "200000,1000000,5000000").split(",")))
_PRODUCT = "local:large"
_OTHERS = 100_000  # rows of another product, which must not count
_COLLECTION = {
    "type": "Collection",
    "stac_version": "1.1.0",
    "id": _PRODUCT,
    "description": "Rows of the side table alone",
    "license": "other",
    "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
    "links": [],
}
# A scene every 66 seconds of ten and a half years.
_ROWS = """
INSERT INTO landbridge.item_stats (collection_key, id, datetime, created, updated, published, bytes)
SELECT c.key, 'LC08_L2SP_' || n, moment, moment + '1 day', moment + '2 days', moment + '1 day',
       600000000 + n * 7919 %% 400000000
FROM generate_series(%(start)s::bigint, %(stop)s::bigint - 1) AS n,
     LATERAL (SELECT '2013-04-01Z'::timestamptz + n * 7919 %% 5000000 * interval '66 seconds' AS moment) AS m,
     pgstac.collections AS c
WHERE c.id = %(collection)s
"""


@contextmanager
def _rows() -> Iterator[tuple[httpx.Client, Callable[[int], None]]]:
    """Yield the API, and a function that fills the product up to a number of rows."""
    with empty_home() as home:
        stack("up")
        client, database = client_of(home)
        with (
            client as api,
            psycopg.connect(database, autocommit=True) as conn,
        ):
            for name in (_PRODUCT, "local:other"):
                api.post("/collections", json={**_COLLECTION, "id": name}).raise_for_status()
            conn.execute(_ROWS, {"start": 0, "stop": _OTHERS, "collection": "local:other"})
            filled = 0

            def fill(count: int) -> None:
                nonlocal filled
                conn.execute(_ROWS, {"start": filled, "stop": count, "collection": _PRODUCT})
                conn.execute("VACUUM ANALYZE landbridge.item_stats")
                filled = count

            yield api, fill


def _aggregate(api: httpx.Client, *names: str, **more: Any) -> Any:
    body = {"collections": [_PRODUCT], "aggregations": list(names), **more}
    return api.post("/aggregate", json=body).raise_for_status().json()["aggregations"]


_YEAR = {
    "op": "and",
    "args": [
        {"op": ">=", "args": [{"property": "datetime"}, {"timestamp": "2016-01-01T00:00:00Z"}]},
        {"op": "<=", "args": [{"property": "datetime"}, {"timestamp": "2016-12-31T23:59:59Z"}]},
    ],
}


def _total(api: httpx.Client) -> Any:
    return _aggregate(api, "collection_frequency")


def _monthly(api: httpx.Client) -> Any:
    return _aggregate(api, "datetime_frequency")


def _year(api: httpx.Client) -> Any:
    return _aggregate(api, "datetime_frequency", filter=_YEAR)


_MEASURES = {"the whole": _total, "by month": _monthly, "one year by month": _year}


@contextmanager
def _filled() -> Iterator[httpx.Client]:
    """Yield the API with all rows; print times for smaller numbers of rows to stderr."""
    with _rows() as (api, fill):
        for count in _SIZES:
            fill(count)
            (found,) = _total(api)
            if [bucket["frequency"] for bucket in found["buckets"]] != [count]:
                raise AssertionError(f"{count} rows were made, and {found['buckets']} are counted")
            for name, measure in _MEASURES.items():
                print(f"{count:,} rows, {name}: {_median(measure, api):.3f} s", file=sys.stderr, flush=True)
        yield api


_SHARED = Shared(_filled, jobs=3)


def _contest(measure: Callable[[httpx.Client], Any], seconds: float) -> Iterator[Contest]:
    with _SHARED.use() as api:
        yield Contest(lambda: measure(api), [Peer(f"{seconds} s", seconds)])


@job("large")
def summary_of_five_million() -> Iterator[Contest]:
    yield from _contest(_total, 0.5)


@job("large")
def months_of_five_million() -> Iterator[Contest]:
    yield from _contest(_monthly, 1.5)


@job("large")
def one_year_of_five_million_by_month() -> Iterator[Contest]:
    yield from _contest(_year, 0.3)


def _median(measure: Callable[[httpx.Client], Any], api: httpx.Client) -> float:
    seconds = []
    for _ in range(6):
        begin = time.perf_counter()
        measure(api)
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds[1:])
