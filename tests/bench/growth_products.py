"""Growth of a catalog by products of twenty items each, all in one area and year (`make bench-growth`).

`LANDBRIDGE_BENCH_PRODUCTS` has the numbers of products; `LANDBRIDGE_BENCH_HOME` keeps the home, so that a
later run goes on where an earlier one has stopped.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from bench.homes import client_of, kept_home
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.pgstac.bulk_load import load_items

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

_SIZES = tuple(map(int, os.environ.get("LANDBRIDGE_BENCH_PRODUCTS", "100,1000,10000").split(",")))
_ITEMS = 20
_CREATED = 10  # by the API
_AT_ONCE = 100
_REPEATS = 20
_KEY = "SELECT key FROM pgstac.collections WHERE id = %s"
_COUNT = "SELECT count(*) FROM pgstac.collections WHERE id LIKE 'local:product-%'"
_FIRST = datetime(2013, 4, 1, tzinfo=UTC)


def _collection(number: int) -> dict[str, Any]:
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": _id(number),
        "title": f"Product {number}",
        "description": "One of many",
        "license": "other",
        "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}},
        "links": [],
    }


def _id(number: int) -> str:
    return f"local:product-{number:05}"


def _item(number: int, place: int) -> dict[str, Any]:
    """Return an item in the product's area of ten degrees and year."""
    area, chosen = random.Random(number), random.Random(number * _ITEMS + place)
    west, south = area.uniform(-170, 160), area.uniform(-60, 60)
    west, south = west + chosen.uniform(0, 8), south + chosen.uniform(0, 8)
    days = 365 * area.randrange(10) + chosen.uniform(0, 365)
    moment = (_FIRST + timedelta(days=days)).isoformat().replace("+00:00", "Z")
    ring = [[west, south], [west + 2, south], [west + 2, south + 2], [west, south + 2], [west, south]]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": f"scene-{place}",
        "collection": _id(number),
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [west, south, west + 2, south + 2],
        "properties": {"datetime": moment, "eo:cloud_cover": chosen.uniform(0, 100)},
        "links": [],
        "assets": {
            "b0": {"href": f"s3://bench/{number}/{place}.tif", "type": "image/tiff; application=geotiff"}
        },
    }


# What pgstac's check_partition does; through the API this takes much longer for each product.
_PARTITION = """
CREATE TABLE pgstac._items_{key} PARTITION OF pgstac.items FOR VALUES IN ({id});
CREATE UNIQUE INDEX _items_{key}_pk ON pgstac._items_{key} (id);
GRANT ALL ON pgstac._items_{key} TO pgstac_ingest;
"""


def _fill(database: str, start: int, stop: int) -> None:
    """Make the products from `start` on with their items in the database itself."""
    with psycopg.connect(database, autocommit=True, options="-c search_path=pgstac,public") as conn:
        for first in range(start, stop, _AT_ONCE):
            numbers = range(first, min(first + _AT_ONCE, stop))
            with conn.transaction():
                for number in numbers:
                    document = incoming.collection(_collection(number), "/")
                    conn.execute("SELECT create_collection(%s)", (Jsonb(document),))
                    (key,) = conn.execute(_KEY, (_id(number),)).fetchone() or (0,)
                    made = sql.SQL(_PARTITION).format(key=sql.SQL(str(key)), id=sql.Literal(_id(number)))
                    conn.execute(made)
            for number in numbers:
                document = incoming.collection(_collection(number), "/")
                items = [incoming.item(_item(number, place), document, "/") for place in range(_ITEMS)]
                load_items(database, _id(number), items)
        conn.execute("ANALYZE")


def _create(api: httpx.Client, start: int, stop: int) -> float:
    """Create the products from `start` on by the API, each with an item, and return the seconds for one."""
    begin = time.perf_counter()
    for number in range(start, stop):
        api.post("/collections", json=_collection(number)).raise_for_status()
        api.post(f"/collections/{_id(number)}/items", json=_item(number, 0)).raise_for_status()
    return (time.perf_counter() - begin) / (stop - start)


def _measures(products: int) -> dict[str, Callable[[httpx.Client, random.Random], httpx.Response]]:
    def place(chosen: random.Random) -> dict[str, Any]:
        west, south = chosen.uniform(-170, 160), chosen.uniform(-60, 60)
        start = _FIRST + timedelta(days=chosen.randrange(3_000))
        interval = f"{start:%Y-%m-%dT%H:%M:%SZ}/{start + timedelta(days=90):%Y-%m-%dT%H:%M:%SZ}"
        return {"bbox": [west, south, west + 20, south + 20], "datetime": interval, "limit": 10}

    def one(chosen: random.Random) -> str:
        return _id(chosen.randrange(products))

    def search(api: httpx.Client, **body: Any) -> httpx.Response:
        return api.post("/search", json=body)

    return {
        "a product": lambda api, chosen: api.get(f"/collections/{one(chosen)}"),
        "100 products": lambda api, _: api.get("/collections", params={"limit": 100}),
        "products by text": lambda api, chosen: api.get(
            "/collections", params={"q": f"Product {chosen.randrange(products)}", "limit": 10}
        ),
        "search in a product": lambda api, chosen: search(api, collections=[one(chosen)], limit=10),
        "search in all": lambda api, chosen: search(api, **place(chosen)),
        "filter in all": lambda api, chosen: search(
            api, filter={"op": "<", "args": [{"property": "eo:cloud_cover"}, chosen.uniform(1, 20)]}, limit=10
        ),
        "newest of all": lambda api, _: search(
            api, sortby=[{"field": "datetime", "direction": "desc"}], limit=10
        ),
        "an item": lambda api, chosen: api.get(f"/collections/{one(chosen)}/items/scene-0"),
        "months of all": lambda api, _: api.post(
            "/aggregate", json={"aggregations": ["datetime_frequency", "total_count"]}
        ),
    }


def main() -> None:
    """Create and measure; print medians in milliseconds for each number of products, and their growth."""
    lines: list[dict[str, float]] = []
    with kept_home() as home:
        client, database = client_of(home)
        with client as api:
            with psycopg.connect(database) as conn:
                (there,) = conn.execute(_COUNT).fetchone() or (0,)
            for size in _SIZES:
                line: dict[str, float] = {"products": size}
                if there < size:
                    filled = max(there, size - _CREATED)
                    _fill(database, there, filled)
                    line["create one"] = round(1000 * _create(api, filled, size), 1)
                    there = size
                for name, measure in _measures(size).items():
                    times = []
                    for number in range(_REPEATS + 2):
                        begin = time.perf_counter()
                        measure(api, random.Random(number)).raise_for_status()
                        times.append(1000 * (time.perf_counter() - begin))
                    line[name] = round(statistics.median(times[2:]), 1)
                lines.append(line)
                print(orjson.dumps(line).decode(), flush=True)
    growth = {name: round(lines[-1][name] / lines[0][name], 2) for name in lines[0].keys() & lines[-1].keys()}
    print(orjson.dumps({"growth": growth}).decode(), flush=True)


if __name__ == "__main__":
    main()
