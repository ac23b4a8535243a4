"""Searches over the STAC API: exact counts, paging that loses nothing, the answers pgstac itself gives."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import psycopg
import pytest

from integration.conftest import stac_item
from landbridge.mappings import schema
from landbridge.stac_api.api.app import create_app
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.pgstac.bulk_load import load_items

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.stac_api.embedded.stack import Stack

Add = "Callable[..., list[dict[str, Any]]]"


def post(http: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = http.post("/search", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def walk(http: httpx.Client, rel: str = "next", **body: Any) -> list[list[str]]:
    """Return the ids of every page, following links."""
    pages = []
    page = post(http, **body)
    while True:
        pages.append([item["id"] for item in page["features"]])
        link = next((link for link in page["links"] if link["rel"] == rel), None)
        if link is None:
            return pages
        page = http.request(link["method"], link["href"], json=link.get("body")).json()


def test_the_number_matched_is_exact_at_every_moment(
    http: httpx.Client, collection: str, add_items: Callable[..., Any]
) -> None:
    def matched(limit: int) -> int:
        return post(http, collections=[collection], limit=limit)["numberMatched"]

    assert matched(10) == 0
    add_items(*({} for _ in range(25)))
    assert [matched(1), matched(25), matched(100)] == [25, 25, 25]
    http.delete(f"/collections/{collection}/items/item-0003").raise_for_status()
    assert [matched(1), matched(100)] == [24, 24]


def test_matches_of_a_place_are_counted_whether_they_are_few_or_many(
    http: httpx.Client, stack: Stack, collection: str
) -> None:
    first = datetime(2020, 1, 1, tzinfo=UTC)
    times = [f"{first + timedelta(days=number):%Y-%m-%dT%H:%M:%SZ}" for number in range(510)]
    load_items(
        stack.database,
        collection,
        [stac_item(collection, f"i{n:04}", datetime=times[n]) for n in range(len(times))],
    )
    bbox = stac_item(collection, "any")["bbox"]
    around = {
        "type": "Polygon",
        "coordinates": [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]],
    }
    for number in (1, 9, 10, 11, 499, 500, 501, 502):
        newest = [f"i{n:04}" for n in reversed(range(number))]
        for place in ({"bbox": bbox}, {"intersects": around}):
            body = {"collections": [collection], "datetime": f"../{times[number - 1]}", **place}
            for limit in (10, number):
                page = post(http, **body, limit=limit)
                assert page["numberMatched"] == number
                assert [item["id"] for item in page["features"]] == newest[:limit]
        assert [one for page in walk(http, **body, limit=100) for one in page] == newest
    nowhere = post(http, collections=[collection], bbox=[-179, -89, -178, -88])
    assert (nowhere["numberMatched"], nowhere["features"]) == (0, [])


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_paging_by_a_number_with_ties_and_gaps_gives_every_item_once(
    http: httpx.Client, collection: str, add_items: Callable[..., Any], direction: str
) -> None:
    covers = [100, 9, 10, 9, 55.5, 1e-3, 9, None, 20, None]
    add_items(*({"eo:cloud_cover": c} if c is not None else {} for c in covers))
    sortby = [{"field": "properties.eo:cloud_cover", "direction": direction}]
    pages = walk(http, collections=[collection], sortby=sortby, limit=3)
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    ids = [item for page in pages for item in page]
    assert len(set(ids)) == 10
    found = [covers[int(item[-4:])] for item in ids]
    numbers = [c for c in found if c is not None]
    assert numbers == sorted(numbers, reverse=direction == "desc")


def test_paging_continues_after_a_deleted_item(
    http: httpx.Client, collection: str, add_items: Callable[..., Any]
) -> None:
    add_items(*({"eo:cloud_cover": n} for n in range(9)))
    body = {
        "collections": [collection],
        "sortby": [{"field": "eo:cloud_cover", "direction": "asc"}],
        "limit": 3,
    }
    first = post(http, **body)
    http.delete(f"/collections/{collection}/items/item-0002").raise_for_status()
    link = next(link for link in first["links"] if link["rel"] == "next")
    second = http.post(link["href"], json=link["body"])
    assert second.status_code == 200
    assert [item["id"] for item in second.json()["features"]] == ["item-0003", "item-0004", "item-0005"]


def test_previous_leads_back(http: httpx.Client, collection: str, add_items: Callable[..., Any]) -> None:
    add_items(*({"datetime": f"2024-01-{n + 1:02d}T00:00:00Z"} for n in range(7)))
    pages = walk(http, collections=[collection], limit=3)
    token = post(http, collections=[collection], limit=3)
    for _ in range(len(pages) - 1):
        link = next(link for link in token["links"] if link["rel"] == "next")
        token = http.post(link["href"], json=link["body"]).json()
    back = [[item["id"] for item in token["features"]]]
    while link := next((link for link in token["links"] if link["rel"] == "previous"), None):
        token = http.post(link["href"], json=link["body"]).json()
        back.append([item["id"] for item in token["features"]])
    assert back[::-1] == pages


def test_get_and_post_agree_and_page_alike(
    http: httpx.Client, collection: str, add_items: Callable[..., Any]
) -> None:
    add_items(*({"eo:cloud_cover": n} for n in range(6)))
    page = http.get(
        "/search",
        params={
            "collections": collection, "filter": "eo:cloud_cover < 5", "filter-lang": "cql2-text",
            "sortby": "-eo:cloud_cover", "limit": 3,
        },
    ).json()  # fmt: skip
    assert page["numberMatched"] == 5
    ids = [item["id"] for item in page["features"]]
    link = next(link for link in page["links"] if link["rel"] == "next")
    ids += [item["id"] for item in http.get(link["href"]).json()["features"]]
    assert ids == [f"item-{n:04d}" for n in (4, 3, 2, 1, 0)]
    items = http.get(f"/collections/{collection}/items", params={"limit": 2}).json()
    assert items["numberMatched"] == 6


def _served(http: httpx.Client, url: str) -> str:
    """Return the URL under which the API shows an extension."""
    return url.replace(schema.DEFAULT_URL, f"{http.base_url}".rstrip("/") + schema.URL_PATH)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sortby": [{"field": "eo:cloud_cover", "direction": "desc"}]},
        {"bbox": [12.5, 9, 30, 30]},
        {"datetime": "2024-02-01T00:00:00Z/2024-04-01T00:00:00Z"},
        {"ids": ["item-0001", "item-0004"]},
        {"filter": {"op": "<", "args": [{"property": "eo:cloud_cover"}, 30]}, "filter-lang": "cql2-json"},
    ],
)
def test_answers_are_those_of_pgstac_itself(
    stack: Any, http: httpx.Client, collection: str, add_items: Callable[..., Any], query: dict[str, Any]
) -> None:
    """Compare `search.execute`, which bypasses pgstac.search(), with it."""
    add_items(
        *(
            {
                "eo:cloud_cover": 7 * n % 50,
                "datetime": f"2024-{n + 1:02d}-15T00:00:00Z",
                "corner": (10 + n, 10),
            }
            for n in range(8)
        )
    )
    body = {**query, "collections": [collection], "limit": 5}
    ours = post(http, **body)
    with psycopg.connect(stack.database) as conn:
        conn.execute("SET search_path TO pgstac, public")
        row = conn.execute("SELECT search(%s::jsonb)", (orjson.dumps(body).decode(),)).fetchone()
    theirs = row[0]["features"]
    assert [item["id"] for item in ours["features"]] == [item["id"] for item in theirs]
    for mine, other in zip(ours["features"], theirs, strict=True):
        mine.pop("links"), other.pop("links", None)
        assert mine == {**other, "stac_extensions": [_served(http, url) for url in other["stac_extensions"]]}


@pytest.mark.parametrize(
    "body",
    [
        {"filter": {"op": "no_such_operator", "args": [{"property": "id"}, 1]}, "filter-lang": "cql2-json"},
        {"filter": {"op": "between", "args": [{"property": "gsd"}, 1]}, "filter-lang": "cql2-json"},
        {"datetime": "yesterday"},
        {"token": "next:rubbish"},
        {"token": ""},
        {"sortby": [{"field": "", "direction": "asc"}]},
        {"limit": -1},
        {"intersects": {"type": "Point", "coordinates": ["a", 1]}},
    ],
)
def test_a_search_that_makes_no_sense_is_a_bad_request(http: httpx.Client, body: dict[str, Any]) -> None:
    answer = http.post("/search", json=body)
    assert answer.status_code == 400 or (body == {"token": ""} and answer.status_code == 200), answer.text
    if answer.status_code == 400:
        assert answer.json()["description"]


def test_searching_writes_nothing(stack: Any, http: httpx.Client, collection: str) -> None:
    def recorded() -> int:
        with psycopg.connect(stack.database) as conn:
            return conn.execute("SELECT count(*) FROM pgstac.searches").fetchone()[0]

    before = recorded()
    for limit in range(1, 4):
        post(http, collections=[collection], limit=limit, conf={"readonly": "false"})
    assert recorded() == before


def test_fields_choose_what_an_item_shows(
    http: httpx.Client, collection: str, add_items: Callable[..., Any]
) -> None:
    add_items({"eo:cloud_cover": 3})
    fields = {"include": ["id", "properties.eo:cloud_cover"], "exclude": []}
    answer = http.post("/search", json={"collections": [collection], "fields": fields})
    assert answer.headers["content-type"] == "application/geo+json"
    item = answer.json()["features"][0]
    assert item["properties"] == {"eo:cloud_cover": 3}
    assert "assets" not in item


def test_items_keep_all_values_when_their_collections_bands_change(
    http: httpx.Client, collection: str, add_items: Callable[..., Any]
) -> None:
    """An item is stored without the values that its collection had when the item was saved."""
    add_items({})
    before = http.get(f"/collections/{collection}/items/item-0000").json()
    http.patch(f"/collections/{collection}", json=[{"op": "remove", "path": "/bands/1"}]).raise_for_status()
    after = http.get(f"/collections/{collection}/items/item-0000").json()
    searched = post(http, collections=[collection])["features"][0]
    assert before == after == searched


def test_queryables_are_inlined(http: httpx.Client, collection: str) -> None:
    for url in ("/queryables", f"/collections/{collection}/queryables"):
        answer = http.get(url)
        assert answer.headers["content-type"].startswith("application/schema+json")
        cover = answer.json()["properties"]["eo:cloud_cover"]
        assert cover["type"] == "number"
        assert "$ref" not in answer.text
    assert http.get("/collections/local:nope/queryables").status_code == 404


def test_sorting_without_an_index_is_refused_for_too_many_items(
    stack: Stack, collection: str, add_items: Callable[..., Any]
) -> None:
    add_items(*({"odd:number": number, "eo:cloud_cover": number} for number in (3, 1, 2)))
    settings = Settings(
        database_url=stack.database,
        store_url=stack.store.as_uri(),
        token=stack.token,
        worker=False,
        max_unindexed_sort=2,
    )

    async def answers(*searches: dict[str, Any]) -> list[httpx.Response]:
        app = create_app(settings)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=transport,
                base_url="http://test",
                headers={"Authorization": f"Bearer {stack.token}"},
            ) as client,
        ):
            return [
                await client.post("/search", json={"collections": [collection], **one}) for one in searches
            ]

    odd, cloudy, few = asyncio.run(
        answers(
            {"sortby": [{"field": "odd:number", "direction": "asc"}]},
            {"sortby": [{"field": "eo:cloud_cover", "direction": "asc"}]},
            {"sortby": [{"field": "odd:number", "direction": "asc"}], "filter": "odd:number < 3"},
        )
    )
    assert odd.status_code == 400
    assert "3 items would have to be sorted by odd:number" in odd.json()["description"]
    assert [item["properties"]["eo:cloud_cover"] for item in cloudy.json()["features"]] == [1, 2, 3]
    assert [item["properties"]["odd:number"] for item in few.json()["features"]] == [1, 2]
