"""Pages of any STAC API: followed as the links say, each item once, and never for ever."""

import warnings

import pytest

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, DuplicateItemsWarning, Image
from landbridge.catalog import properties as p
from landbridge.exceptions import BadRequestError, ServerError
from support.model_api import STYLES, ModelApi

COUNT = 10_000


def item(number, collection="many", **properties):
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": f"i{number:05}",
        "collection": collection,
        "geometry": {"type": "Point", "coordinates": [number % 90, number % 45]},
        "properties": {"datetime": f"2024-01-01T00:{number // 60 % 60:02}:{number % 60:02}Z", **properties},
        "assets": {},
        "links": [],
    }


ITEMS = [item(number) for number in range(COUNT)]


@pytest.fixture
def api():
    started = []

    def start(*args, **kwargs):
        started.append(ModelApi(*args, **kwargs))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def connect(server, **kwargs):
    kwargs.setdefault("retries", 0)
    return CatalogClient(url=server.url, auth=Auth(user="local", org="local"), **kwargs)


def search(client, collection="many"):
    return Image.search(client=client).filter(p.product_id == collection)


@pytest.mark.parametrize("style", STYLES)
def test_no_item_is_lost_or_twice_and_each_page_is_one_request(api, style):
    server = api(ITEMS, style=style)
    client = connect(server)
    assert [image.name for image in search(client)] == [one["id"] for one in ITEMS]
    empty_page_at_the_end = style == "next"
    assert len(server.searches) == COUNT / 250 + empty_page_at_the_end
    before = len(server.searches)
    assert len(list(search(client).limit(300))) == 300
    methods = [method for method, _ in server.searches[before:]]
    assert methods == ["POST", "GET" if style == "cursor" else "POST"]


@pytest.mark.parametrize("style", STYLES)
def test_a_search_is_sent_by_get_to_an_api_without_post(api, style):
    server = api(ITEMS[:600], style=style, methods=("GET",))
    client = connect(server)
    for refused in (1, 0):  # the second search knows it
        before = len(server.searches)
        assert [image.name for image in search(client)] == [one["id"] for one in ITEMS[:600]]
        assert [method for method, _ in server.searches[before:]].count("POST") == refused
        assert len(server.searches) - before == refused + 3 + (style == "next")


@pytest.mark.parametrize("broken", ["same link", "one page again"])
@pytest.mark.parametrize("style", STYLES)
def test_pages_that_repeat_end_with_an_error(api, style, broken):
    server = api(ITEMS[:600], style=style, broken=broken)
    with pytest.raises(ServerError, match="never end"):
        list(search(connect(server)))
    assert len(server.searches) <= 4


def test_items_that_an_api_repeats_are_found_once_with_a_warning(api):
    server = api(ITEMS[:600], repeats=5)
    with pytest.warns(DuplicateItemsWarning, match="10 of 610 features"):
        names = [image.name for image in search(connect(server))]
    assert names == [one["id"] for one in ITEMS[:600]]


def test_items_of_several_collections_may_have_the_same_id(api):
    server = api([item(1, "a"), item(1, "b")])
    found = Image.search(client=connect(server)).filter(p.product_id.any_of(["a", "b"]))
    assert [image.id for image in found] == ["a:i00001", "b:i00001"]


@pytest.mark.parametrize(
    ("largest", "refusal", "requests"),
    # Half of 250 until the page is small enough; after a status of 400 sizes of 100 and 10.
    [(100, 413, [250, 125, 62]), (150, 502, [250, 125]), (120, 400, [250, 100]), (20, 400, [250, 100, 10])],
)
def test_pages_become_smaller_until_the_api_answers_them(api, largest, refusal, requests):
    server = api(ITEMS[:300], largest=largest, refusal=refusal)
    client = connect(server)
    assert len(list(search(client))) == 300
    asked = [query["limit"] for _, query in server.searches]
    assert asked[: len(requests)] == requests
    assert set(asked[len(requests) :]) == {requests[-1]}
    before = len(server.searches)
    assert len(list(search(client))) == 300
    assert {query["limit"] for _, query in server.searches[before:]} == {requests[-1]}
    assert connect(server).observations.page_size is None


def test_a_request_that_is_refused_at_any_size_fails_with_the_first_error(api):
    server = api(ITEMS[:300], largest=0, refusal=400)
    with pytest.raises(BadRequestError, match="Bad request"):
        list(search(connect(server)))
    assert len(server.searches) == 3


def test_pages_that_are_cut_silently_are_all_read(api):
    server = api(ITEMS[:1000], largest=100)
    assert len(list(search(connect(server)))) == 1000
    assert len(server.searches) == 10


def test_the_token_goes_to_no_other_origin(api):
    other = api(ITEMS[:300])
    server = api(ITEMS[:300])
    link = server._link
    server._link = lambda *args: link(*args) | {"href": f"{other.url}/search"}
    client = CatalogClient(url=server.url, auth=Auth(token="secret-token"), retries=0)
    found = Image.search(client=client, headers={"X-Own": "yes"}).filter(p.product_id == "many")
    assert len(list(found)) == 300
    (sent,) = [headers for _, path, _, headers in server.requests if path == "/search"]
    assert sent["Authorization"] == "Bearer secret-token"
    assert sent["X-Own"] == "yes"
    (sent,) = [headers for _, _, _, headers in other.requests]
    assert "Authorization" not in sent
    assert "X-Own" not in sent


def test_a_link_with_only_a_position_keeps_the_conditions(api):
    """Old versions of datacube-explorer forgot to say that the body is merged."""
    server = api(ITEMS[:300] + [item(number, "other") for number in range(9)], style="offset")
    link = server._link
    server._link = lambda *args: {k: v for k, v in link(*args).items() if k != "merge"}
    assert len(list(search(connect(server)))) == 300


def test_an_empty_page_is_not_the_end(api):
    server = api(ITEMS[:500], stated=None)
    answer = server._search

    def with_empty_page(method, query, headers):
        status, document = answer(method, query, headers)
        if query.get("token") == "250":
            document["features"], document["links"] = (
                [],
                [
                    {
                        "rel": "next",
                        "href": "search",
                        "method": "POST",
                        "body": {**query, "token": "250", "n": 1},
                    }
                ],
            )
        if "n" in query:
            status, document = answer(method, {**query, "token": "250"}, headers)
        return status, document

    server._search = with_empty_page
    assert len(list(search(connect(server)))) == 500


def test_an_api_that_waits_is_asked_again(api):
    server = api(ITEMS[:500])
    answer, refused = server._search, []

    def busy(method, query, headers):
        if query.get("token") == "250" and not refused:
            refused.append(query)
            return 429, {"detail": "Too many requests."}
        return answer(method, query, headers)

    server._search = busy
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(search(connect(server, retries=1)))) == 500
    assert len(refused) == 1
