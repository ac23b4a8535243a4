"""The largest request of each kind is answered within two seconds; the next larger one is refused at once."""

from __future__ import annotations

import asyncio
import gc
import json
import math
import time
from collections.abc import Callable  # noqa: TC003 - a dataclass has it
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from access.service import OPERATOR, started
from conftest import LONG
from integration.conftest import stac_collection, stac_item
from landbridge.stac_api.access.request_limits import MAX_HEADER_BYTES, MAX_URL_BYTES
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.documents import incoming, positions
from landbridge.stac_api.search import limits
from support.embedded_stack import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from access.service import Service

COLLECTION = "local:limits"
_NAP = 0.001  # between two looks at the event loop
ITEM = f"/collections/{COLLECTION}/items/one"
# Seconds that the service promises, checked by long runs, beside which no other tests run.
ANSWERED, REFUSED, HELD = (2.0, 0.1, 0.2) if LONG else (math.inf, math.inf, math.inf)
DEFAULTS = Settings(database_url="", store_url="")


@dataclass(frozen=True)
class Kind:
    """One kind of request, made of a number of something."""

    name: str
    most: int
    request: Callable[[int], dict[str, Any]]
    method: str = "POST"
    path: str = "/search"
    refusal: int = 400
    over: int = 1  # how much larger the next larger one is
    accepted: tuple[int, ...] = field(default=(200, 201))


def prop(name: str) -> dict[str, str]:
    return {"property": name}


def op(name: str, *args: Any) -> dict[str, Any]:
    return {"op": name, "args": list(args)}


def body(**members: Callable[[int], Any]) -> Callable[[int], dict[str, Any]]:
    def request(count: int) -> dict[str, Any]:
        return {
            "content": json.dumps({name: make(count) for name, make in members.items()}),
            "headers": {"Content-Type": "application/json"},
        }

    return request


def query(**parameters: Callable[[int], str]) -> Callable[[int], dict[str, Any]]:
    return lambda count: {"params": {name: make(count) for name, make in parameters.items()}}


def either(term: Callable[[int], dict[str, Any]]) -> Callable[[int], dict[str, Any]]:
    return lambda count: op("or", *(term(number) for number in range(count)))


def nested(term: Callable[[Any, int], dict[str, Any]]) -> Callable[[int], dict[str, Any]]:
    def request(count: int) -> dict[str, Any]:
        tree: Any = prop("x.y")
        for number in range(count):
            tree = term(tree, number)
        return op("=", tree, 1)

    return request


def ring(count: int) -> dict[str, Any]:
    """Return a polygon of so many positions."""
    line = [[number * 1e-3, 5 + (number % 7) * 1e-4] for number in range(count - 2)]
    return {"type": "Polygon", "coordinates": [[*line, [3.0, 60.0], line[0]]]}


def zigzag(count: int) -> str:
    """Return a line in so many characters of JSON, as a URL has them."""
    positions = [[10, 10 + number % 2] for number in range(count // 16)]
    return orjson.dumps({"type": "LineString", "coordinates": positions}).decode()


def points(count: int) -> dict[str, Any]:
    return {"type": "MultiPoint", "coordinates": [[number * 1e-3, 5.5] for number in range(count)]}


def dated(number: int) -> dict[str, Any]:
    return op("t_overlaps", prop(f"p{number}.x"), {"interval": ["2020-01-01", "2021-01-01"]})


def bulk(count: int) -> dict[str, Any]:
    items = {f"b{number}": stac_item(COLLECTION, f"b{number}") for number in range(count)}
    return body(items=lambda _: items, method=lambda _: "upsert")(count)


def features(count: int) -> dict[str, Any]:
    found = [stac_item(COLLECTION, f"f{time.time_ns()}-{number}") for number in range(count)]
    return body(type=lambda _: "FeatureCollection", features=lambda _: found)(count)


def operations(make: Callable[[int], dict[str, Any]]) -> Callable[[int], dict[str, Any]]:
    return lambda count: {
        "content": orjson.dumps([make(number) for number in range(count)]),
        "headers": {"Content-Type": "application/json"},
    }


def doubled(count: int) -> dict[str, Any]:
    """Return operations each of which doubles the properties."""
    return operations(lambda n: {"op": "copy", "from": "/properties", "path": f"/properties/x{n}"})(count)


def item_with(count: int) -> dict[str, Any]:
    return {"content": orjson.dumps({**stac_item(COLLECTION, "one"), "geometry": ring(count)})}


_SEARCHED = limits.MOST_PARTS - 1  # less the `or`
_AND = limits.MOST_PARTS - 1
KINDS = [
    Kind("query", _AND // 2, body(query=lambda n: {f"p{i}": {"eq": 1} for i in range(n)})),
    Kind(
        "query of patterns",
        _AND // 2,
        body(query=lambda n: {f"a.b.p{i}": {"contains": "x"} for i in range(n)}),
    ),
    Kind(
        "query and filter",
        _AND // 4,
        body(
            query=lambda n: {f"p{i}": {"lt": 1} for i in range(n)},
            filter=lambda n: op("and", *(op("<", prop(f"q{i}"), 1) for i in range(n))),
        ),
    ),
    Kind("comparisons", _SEARCHED // 2, body(filter=either(lambda n: op("=", prop(f"p{n}"), n)))),
    Kind(
        "comparisons of properties",
        _SEARCHED // 3,
        body(filter=either(lambda n: op("<", prop(f"p{n}.x"), prop(f"q{n}.x")))),
    ),
    Kind(
        "between properties",
        _SEARCHED // 4,
        body(filter=either(lambda n: op("between", prop(f"p{n}.x"), prop(f"q{n}.x"), prop(f"r{n}.x")))),
    ),
    Kind(
        "patterns",
        _SEARCHED // 4,
        body(filter=either(lambda n: op("like", op("casei", prop(f"p{n}.x")), op("casei", "a%")))),
    ),
    Kind("arrays", _SEARCHED // 2, body(filter=either(lambda n: op("a_overlaps", prop(f"p{n}.x"), ["a"])))),
    Kind("intervals", _SEARCHED // 3, body(filter=either(dated))),
    Kind(
        "geometries",
        _SEARCHED // 2,
        body(
            filter=either(
                lambda n: op("s_within", prop("geometry"), {"type": "Point", "coordinates": [1, n / 1e3]})
            )
        ),
    ),
    Kind(
        "arithmetic in itself",
        limits.MOST_DEPTH - 4,
        body(filter=nested(lambda tree, n: op("+", tree, prop(f"p{n}.x")))),
        over=10,
    ),
    Kind(
        "choices in themselves", 4, body(filter=nested(lambda tree, _: op("in", tree, [True, False]))), over=6
    ),
    Kind(
        "values",
        limits.MOST_VALUES - 10,
        body(filter=lambda n: op("in", prop("x"), [f"v{i}" for i in range(n)])),
        over=20,
    ),
    Kind(
        "CQL2 text",
        limits.MOST_PARTS // 2 - 1,
        body(filter=lambda n: " OR ".join(f"p{i} = {i}" for i in range(n))),
    ),
    Kind(
        "CQL2 text by GET",
        limits.MOST_PARTS // 2 - 1,
        query(filter=lambda n: " OR ".join(f"p{i} = {i}" for i in range(n))),
        "GET",
    ),
    Kind(
        "cql-json",
        _SEARCHED // 2,
        body(filter=lambda n: {"or": [{"eq": [prop(f"p{i}"), i]} for i in range(n)]}),
    ),
    Kind("intersects", limits.MOST_POSITIONS, body(intersects=ring), over=positions._SLACK + 1),
    Kind("intersects of points", limits.MOST_POSITIONS, body(intersects=points), over=positions._SLACK + 1),
    Kind("intersects by GET", 60_000, query(intersects=zigzag), "GET", refusal=414, over=3_000),
    Kind(
        "geometry of a filter",
        limits.MOST_POSITIONS,
        body(filter=lambda n: op("s_within", prop("geometry"), ring(n))),
        over=positions._SLACK + 1,
    ),
    Kind("ids", limits.MOST_IDS, body(ids=lambda n: [f"i{i}" for i in range(n)])),
    Kind("collections", limits.MOST_COLLECTIONS, body(collections=lambda n: [f"c{i}" for i in range(n)])),
    Kind(
        "sortby",
        limits.MOST_SORTED,
        body(sortby=lambda n: [{"field": f"properties.s{i}", "direction": "asc"} for i in range(n)]),
    ),
    Kind(
        "sortby by GET",
        limits.MOST_SORTED,
        query(sortby=lambda n: ",".join(f"s{i}" for i in range(n))),
        "GET",
    ),
    Kind(
        "fields",
        limits.MOST_FIELDS,
        body(fields=lambda n: {"include": [f"properties.f{i}" for i in range(n)]}),
    ),
    Kind(
        "fields by GET",
        limits.MOST_FIELDS,
        query(fields=lambda n: ",".join(f"f{i}" for i in range(n))),
        "GET",
    ),
    Kind(
        "q of collections",
        limits.MOST_WORDS,
        query(q=lambda n: ",".join(f"w{i}" for i in range(n))),
        "GET",
        "/collections",
    ),
    Kind(
        "filter of collections",
        limits.MOST_PARTS // 2 - 1,
        query(filter=lambda n: " OR ".join(f"p{i} = {i}" for i in range(n))),
        "GET",
        "/collections",
    ),
    Kind(
        "aggregation",
        _SEARCHED // 2,
        body(
            filter=either(lambda n: op("=", prop(f"p{n}"), n)),
            aggregations=lambda _: ["datetime_frequency", "total_count"],
        ),
        path="/aggregate",
    ),
    Kind(
        "ids of an aggregation",
        limits.MOST_IDS,
        body(ids=lambda n: [f"i{i}" for i in range(n)]),
        path="/aggregate",
    ),
    Kind("signatures", 10_000, body(hrefs=lambda n: ["https://a.example/b"] * n), path="/assets/signatures"),
    Kind(
        "URL", MAX_URL_BYTES - 20, lambda n: {"params": {"ids": "a" * (n - 20)}}, "GET", refusal=414, over=100
    ),
    Kind(
        "headers",
        MAX_HEADER_BYTES - 500,
        lambda n: {"headers": {"X-Long": "a" * n}},
        "GET",
        refusal=431,
        over=1000,
    ),
    Kind(
        "body of a search",
        DEFAULTS.max_query_bytes,
        lambda n: {"content": b'{"limit": 1}'.ljust(n), "headers": {"Content-Type": "application/json"}},
        refusal=413,
    ),
    Kind(
        "body of a document",
        DEFAULTS.max_document_bytes,
        lambda n: {"content": orjson.dumps(stac_item(COLLECTION, "one")).ljust(n)},
        "PUT",
        ITEM,
        refusal=413,
    ),
    Kind(
        "bulk items", DEFAULTS.max_bulk_items, bulk, path=f"/collections/{COLLECTION}/bulk_items", refusal=413
    ),
    Kind("features", DEFAULTS.max_bulk_items, features, path=f"/collections/{COLLECTION}/items", refusal=413),
    Kind(
        "operations of a patch",
        incoming.MOST_OPERATIONS,
        operations(lambda n: {"op": "add", "path": f"/properties/x{n}", "value": n}),
        "PATCH",
        ITEM,
    ),
    Kind(
        "copies of a patch",
        incoming.MOST_COPIES,
        operations(lambda n: {"op": "copy", "from": "/properties/datetime", "path": f"/properties/c{n}"}),
        "PATCH",
        ITEM,
    ),
    Kind("doubling copies of a patch", 8, doubled, "PATCH", ITEM, over=22),
    Kind("positions of an item", incoming.MOST_POSITIONS, item_with, "PUT", ITEM, over=positions._SLACK + 1),
]


@pytest.fixture(scope="module")
def service(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with one empty collection but for the item that is written to."""
    store = tmp_path_factory.mktemp("store").as_uri()
    with (
        fresh_database(stack.database, "request_limits") as database,
        started(database, store, audit_stdout=False) as service,
    ):
        answer = service.request("POST", "/collections", OPERATOR, json=stac_collection(COLLECTION))
        assert answer.status_code == 201, answer.text
        yield service


@pytest.fixture
def item(service: Service) -> None:
    """The item that is written to, as it was."""
    path = ITEM.rpartition("/")[0]
    service.request("DELETE", ITEM, OPERATOR)
    assert service.request("POST", path, OPERATOR, json=stac_item(COLLECTION, "one")).status_code == 201


def timed(service: Service, kind: Kind, count: int) -> tuple[Any, float, float]:
    """Return the answer, its seconds, and the longest time that no other request would have been served."""
    options = kind.request(count)
    if LONG:
        gc.collect()  # the service shares its process with the tests and their garbage
    lags = [0.0]

    async def watch() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_NAP)
            lags.append(time.perf_counter() - before - _NAP)

    watching = service.run(start(watch()))
    began = time.perf_counter()
    answer = service.request(kind.method, kind.path, OPERATOR, **options)
    seconds = time.perf_counter() - began
    watching.cancel()
    return answer, seconds, max(lags)


async def start(coroutine: Any) -> asyncio.Task[None]:
    return asyncio.create_task(coroutine)


@pytest.mark.usefixtures("item")
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_largest_request_is_answered_and_the_next_larger_one_is_refused(
    service: Service, kind: Kind
) -> None:
    answer, seconds, lag = timed(service, kind, kind.most + kind.over)
    assert answer.status_code == kind.refusal, answer.text[:500]
    assert len(answer.json()["description"]) > 20
    assert seconds < REFUSED

    answer, seconds, lag = timed(service, kind, kind.most)
    assert answer.status_code in kind.accepted, answer.text[:500]
    assert seconds < ANSWERED
    assert lag < HELD or kind.path.endswith("items")  # thousands of documents are read at once
    print(f"{kind.name}: {kind.most} in {seconds:.3f} s, the event loop held {lag:.3f} s")  # noqa: T201 - what a long run is to tell
