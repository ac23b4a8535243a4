"""Growth of a collection of full items: rate of loading, searches, pages and summaries (`make bench-growth`).

`LANDBRIDGE_BENCH_SIZES` has the numbers of items; `LANDBRIDGE_BENCH_HOME` keeps the home, so that a later run
goes on where an earlier one has stopped. `LANDBRIDGE_BENCH_PERIOD` is the period by which the collection is
divided before each measurement: `year`, `month`, or both and `none`, separated by commas. No search is asked
twice, and each measurement follows a VACUUM, as it does when autovacuum has run.
"""

from __future__ import annotations

import itertools
import os
import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import psycopg

from bench.homes import client_of, kept_home
from landbridge.stac_api.pgstac import partitioning
from landbridge.stac_api.pgstac.bulk_load import load_items

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

_SIZES = tuple(map(int, os.environ.get("LANDBRIDGE_BENCH_SIZES", "200000,1000000,5000000").split(",")))
_PERIODS = os.environ.get("LANDBRIDGE_BENCH_PERIOD", "none,year").split(",")
_KNOWN: dict[str, partitioning.Period | None] = {"none": None, "year": "year", "month": "month"}
_PRODUCT = "local:growth"
_BATCH = 5_000
_REPEATS = 200
_FIRST = datetime(2013, 4, 1, tzinfo=UTC)
_SEARCHES = itertools.count()
_COUNT = "SELECT count(*) FROM pgstac.items WHERE collection = %s"


def _item(number: int) -> dict[str, Any]:
    """Return a scene of ten and a half years, somewhere on land, with ten files."""
    chosen = random.Random(number)
    west, south = chosen.uniform(-170, 168), chosen.uniform(-60, 70)
    moment = (_FIRST + timedelta(seconds=66 * (number * 7919 % 5_000_000))).isoformat().replace("+00:00", "Z")
    ring = [[west, south], [west + 2, south], [west + 2, south + 2], [west, south + 2], [west, south]]
    assets = {
        f"b{band}": {
            "href": f"s3://bench/scenes/{number}/b{band}.tif",
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "roles": ["data"],
            "file:size": 60_000_000 + number * 7919 % 40_000_000,
        }
        for band in range(10)
    }
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": f"LC08_L2SP_{number:09}",
        "collection": _PRODUCT,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [west, south, west + 2, south + 2],
        "properties": {
            "datetime": moment,
            "created": moment,
            "updated": moment,
            "eo:cloud_cover": chosen.uniform(0, 100),
            "platform": "landsat-8",
            "view:sun_elevation": chosen.uniform(10, 70),
        },
        "links": [],
        "assets": assets,
    }


def _load(database: str, start: int, stop: int) -> float:
    """Load the items from `start` on, and return the items per second."""
    begin = time.perf_counter()
    for first in range(start, stop, _BATCH):
        load_items(database, _PRODUCT, map(_item, range(first, min(first + _BATCH, stop))))
    return (stop - start) / (time.perf_counter() - begin) if stop > start else 0.0


def _search(api: httpx.Client) -> None:
    chosen = random.Random(next(_SEARCHES))
    west, south = chosen.uniform(-170, 160), chosen.uniform(-60, 60)
    start = _FIRST + timedelta(days=chosen.randrange(3_000))
    interval = f"{start:%Y-%m-%dT%H:%M:%SZ}/{start + timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}"
    body = {"collections": [_PRODUCT], "bbox": [west, south, west + 5, south + 5], "datetime": interval}
    api.post("/search", json={**body, "limit": 10}).raise_for_status()


def _page(api: httpx.Client) -> None:
    found = api.post("/search", json={"collections": [_PRODUCT], "limit": 100}).raise_for_status().json()
    assert found["numberMatched"] > 0


def _months(api: httpx.Client) -> None:
    body = {"collections": [_PRODUCT], "aggregations": ["datetime_frequency"]}
    api.post("/aggregate", json=body).raise_for_status()


def _times(measure: Callable[[httpx.Client], None], api: httpx.Client) -> list[float]:
    found = []
    for _ in range(_REPEATS + 2):
        begin = time.perf_counter()
        measure(api)
        found.append(1000 * (time.perf_counter() - begin))
    return sorted(found[2:])


def _measured(api: httpx.Client) -> dict[str, float]:
    searches, pages, months = (_times(one, api) for one in (_search, _page, _months))
    return {
        "search p50 ms": round(statistics.median(searches), 1),
        "search p95 ms": round(searches[int(len(searches) * 0.95)], 1),
        "page of 100 ms": round(statistics.median(pages), 1),
        "months ms": round(statistics.median(months), 1),
    }


def main() -> None:
    """Load and measure; print a line for each number of items, and the growth from the first to the last."""
    lines: list[dict[str, Any]] = []
    with kept_home() as home:
        client, database = client_of(home)
        with client as api:
            if api.get(f"/collections/{_PRODUCT}").status_code == 404:
                document = {
                    "type": "Collection",
                    "stac_version": "1.1.0",
                    "id": _PRODUCT,
                    "description": "Full items",
                    "license": "other",
                    "extent": {
                        "spatial": {"bbox": [[-180, -90, 180, 90]]},
                        "temporal": {"interval": [[None, None]]},
                    },
                    "links": [],
                }
                api.post("/collections", json=document).raise_for_status()
            for size in _SIZES:
                with psycopg.connect(database, autocommit=True) as conn:
                    (there,) = conn.execute(_COUNT, (_PRODUCT,)).fetchone() or (0,)
                    rate = _load(database, there, size)
                for period in _PERIODS:
                    begin = time.perf_counter()
                    partitioning.divide(database, _PRODUCT, _KNOWN[period])
                    line = {"items": max(size, there), "by": period, "items/s": round(rate)}
                    line["division s"] = round(time.perf_counter() - begin, 1)
                    with psycopg.connect(database, autocommit=True) as conn:
                        conn.execute("VACUUM ANALYZE")
                    lines.append(line | _measured(api))
                    print(orjson.dumps(lines[-1]).decode(), flush=True)
    for period in _PERIODS:
        of_period = [line for line in lines if line["by"] == period]
        first, last = of_period[0], of_period[-1]
        growth = {name: round(last[name] / first[name], 2) for name in first if " ms" in name}
        print(orjson.dumps({"growth": growth, "by": period}).decode(), flush=True)


if __name__ == "__main__":
    main()
