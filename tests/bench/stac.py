"""Our API against the stock stac-fastapi-pgstac application on the same database, with 200,000 items."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import orjson
import psycopg

from bench import landsat
from bench.frame import Contest, Peer, job
from bench.homes import Shared, empty_home, stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_COUNT = int(os.environ.get("BENCH_ITEMS", "200000"))
_STOCK = "stac-fastapi-pgstac as it comes"
_LOADED = 2000  # items of one bulk request
_FILTERED = {
    "collections": [landsat.COLLECTION],
    "bbox": [-60, -30, -40, -10],
    "datetime": "2020-01-01T00:00:00Z/2020-12-31T00:00:00Z",
    "filter-lang": "cql2-json",
    "filter": {"op": "<", "args": [{"property": "eo:cloud_cover"}, 40]},
    "sortby": [{"field": "properties.eo:cloud_cover", "direction": "asc"}],
}
_ALL = {"collections": [landsat.COLLECTION]}


class _Servers:
    """Yield both servers over one database."""

    def __init__(self, ours: httpx.Client, stock: httpx.Client, database: str) -> None:
        self.ours, self.stock, self.database = ours, stock, database


@contextmanager
def _stock(database: str, token: str) -> Iterator[httpx.Client]:
    """Start the stock application as its documentation does, with one worker like ours."""
    url = urlsplit(database)
    where = {name: values[0] for name, values in parse_qs(url.query).items()}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "PGUSER": url.username or "",
        "PGPASSWORD": "none",
        "PGHOST": quote(where["host"], safe=""),
        "PGPORT": where.get("port", "5432"),
        "PGDATABASE": url.path[1:],
        "ENABLE_TRANSACTIONS_EXTENSIONS": "TRUE",
        "INVALID_ID_CHARS": '["/"]',
    }
    command = [
        sys.executable, "-m", "uvicorn", "--factory", "stac_fastapi.pgstac.app:create_app",
        "--port", str(port), "--log-level", "error", "--no-access-log",
    ]  # fmt: skip
    with subprocess.Popen(command, env=environment) as server:
        headers = {"Authorization": f"Bearer {token}"}
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=300) as client:
            try:
                for _ in range(300):
                    try:
                        client.get("/_mgmt/ping")
                        break
                    except httpx.TransportError:
                        time.sleep(0.1)
                yield client
            finally:
                server.terminate()


@contextmanager
def _servers() -> Iterator[_Servers]:
    with empty_home() as home:
        stack("up")
        state = orjson.loads((home / "state.json").read_bytes())
        headers = {"Authorization": f"Bearer {state['token']}", "Accept-Encoding": "identity"}
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
        with (
            httpx.Client(base_url=state["url"], headers=headers, timeout=300, limits=limits) as ours,
            _stock(state["database"], state["token"]) as stock,
        ):
            stock.headers["Accept-Encoding"] = "identity"
            landsat.load(ours, _COUNT)
            with psycopg.connect(state["database"], autocommit=True) as conn:
                conn.execute("VACUUM ANALYZE")
            yield _Servers(ours, stock, state["database"])


_SHARED = Shared(_servers, jobs=11)


def _post(client: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post("/search", json=body).raise_for_status()
    found: dict[str, Any] = orjson.loads(answer.content)
    return found


def _same(servers: _Servers, body: dict[str, Any]) -> None:
    ids = [[item["id"] for item in _post(one, body)["features"]] for one in (servers.ours, servers.stock)]
    if ids[0] != ids[1] or not ids[0]:
        raise AssertionError(f"{body}: {len(ids[0])} and {len(ids[1])} items, not the same")


def _searches(body: dict[str, Any], requests: int, aim: float, clients: int = 1) -> Iterator[Contest]:
    with _SHARED.use() as servers:
        _same(servers, body)

        def measure(client: httpx.Client) -> Callable[[], None]:
            def run() -> None:
                if clients == 1:
                    for _ in range(requests):
                        client.post("/search", json=body).raise_for_status()
                    return
                with ThreadPoolExecutor(clients) as pool:
                    for answer in pool.map(lambda _: client.post("/search", json=body), range(requests)):
                        answer.raise_for_status()

            return run

        yield Contest(measure(servers.ours), [Peer(_STOCK, measure(servers.stock), aim)], runs=3)


@job("stac")
def filtered_search_limit_10() -> Iterator[Contest]:
    yield from _searches({**_FILTERED, "limit": 10}, 10, 1)


@job("stac")
def search_limit_10() -> Iterator[Contest]:
    yield from _searches({**_ALL, "limit": 10}, 10, 1)


@job("stac")
def search_limit_100() -> Iterator[Contest]:
    yield from _searches({**_ALL, "limit": 100}, 3, 3)


@job("stac")
def filtered_search_limit_100() -> Iterator[Contest]:
    yield from _searches({**_FILTERED, "limit": 100}, 5, 3)


@job("stac")
def search_limit_1000() -> Iterator[Contest]:
    yield from _searches({**_ALL, "limit": 1000}, 1, 3)


@job("stac")
def search_of_8_clients() -> Iterator[Contest]:
    yield from _searches({**_FILTERED, "limit": 10}, 32, 1, clients=8)


@job("stac")
def search_of_32_clients() -> Iterator[Contest]:
    yield from _searches({**_FILTERED, "limit": 10}, 64, 1, clients=32)


@job("stac")
def item_by_id() -> Iterator[Contest]:
    with _SHARED.use() as servers:
        names = [item["id"] for item in _post(servers.ours, {**_ALL, "limit": 50})["features"]]
        path = f"/collections/{landsat.COLLECTION}/items"

        def measure(client: httpx.Client) -> Callable[[], None]:
            def run() -> None:
                for name in names:
                    client.get(f"{path}/{name}").raise_for_status()

            return run

        yield Contest(measure(servers.ours), [Peer(_STOCK, measure(servers.stock))], runs=3)


@job("stac")
def count_of_a_filter() -> Iterator[Contest]:
    """Return the number of matches, which the stock application returns only if `conf` requests it."""
    body = {**_FILTERED, "limit": 1}
    asking = {**body, "conf": {"context": "on", "context_stats_ttl": "0 s"}}
    with _SHARED.use() as servers:
        matched = {_post(servers.ours, body)["numberMatched"], _post(servers.stock, asking)["numberMatched"]}
        if len(matched) != 1:
            raise AssertionError(f"the counts differ: {matched}")

        def ours() -> None:
            for _ in range(10):
                _post(servers.ours, body)

        def theirs() -> None:
            for _ in range(10):
                _post(servers.stock, asking)

        yield Contest(ours, [Peer(_STOCK, theirs)], runs=3)


@job("stac")
def summary_of_a_filter() -> Iterator[Contest]:
    """Return number, bytes and months of a filter's matches within half a second."""
    body = {
        "collections": [landsat.COLLECTION],
        "aggregations": ["total_count", "total_bytes", "datetime_frequency"],
        "filter": "eo:cloud_cover < 40",
    }
    with _SHARED.use() as servers:
        yield Contest(
            lambda: servers.ours.post("/aggregate", json=body).raise_for_status(),
            [Peer("half a second", 0.5)],
        )


@job("stac")
def bulk_load() -> Iterator[Contest]:
    batches = itertools.count(_COUNT, _LOADED)
    path = f"/collections/{landsat.COLLECTION}/bulk_items"
    with _SHARED.use() as servers:

        def measure(client: httpx.Client) -> Callable[[], float]:
            def run() -> float:
                start = next(batches)
                body = {
                    "items": {item["id"]: item for item in landsat.items(start, start + _LOADED)},
                    "method": "insert",
                }
                content = orjson.dumps(body)
                begin = time.perf_counter()
                client.post(
                    path, content=content, headers={"Content-Type": "application/json"}
                ).raise_for_status()
                return time.perf_counter() - begin

            return run

        yield Contest(measure(servers.ours), [Peer(_STOCK, measure(servers.stock), aim=5)], runs=3)
