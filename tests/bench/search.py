"""Searches of ten thousand images: our client, pystac-client, and only fetching and parsing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from bench import landsat
from bench.frame import Contest, Peer, in_fresh_process, job
from bench.homes import empty_home, stack
from landbridge.catalog import CatalogClient, Image
from landbridge.catalog import properties as p
from landbridge.private_addresses import private_url

if TYPE_CHECKING:
    from collections.abc import Iterator

_COUNT, _PAGE = 10_000, 1000
_ALLOWED = 4096  # bytes that an Image may need above its item's JSON

_MEMORY = f"""
import gc, tracemalloc
from landbridge.catalog import Image, properties as p
search = Image.search().filter(p.product_id == {landsat.COLLECTION!r})
search.limit(1).collect()
gc.collect()
tracemalloc.start()
images = search.collect()
gc.collect()
print(tracemalloc.get_traced_memory()[0] / len(images))
"""


@contextmanager
def _scenes() -> Iterator[str]:
    """Yield the private address of a stack with the scenes, which every client can read."""
    with empty_home() as home:
        stack("up")
        state = orjson.loads((home / "state.json").read_bytes())
        headers = {"Authorization": f"Bearer {state['token']}"}
        with httpx.Client(base_url=state["url"], headers=headers, timeout=120) as api:
            landsat.load(api, _COUNT)
        CatalogClient.clear_all_default_clients()
        try:
            yield private_url(state["url"], home / "private_key").rstrip("/")
        finally:
            CatalogClient.get_default_client().close()
            CatalogClient.clear_all_default_clients()


def _pages(url: str) -> Iterator[bytes]:
    """Yield the bytes of every page."""
    body: dict[str, Any] | None = {"collections": [landsat.COLLECTION], "limit": _PAGE}
    with httpx.Client(base_url=url, timeout=120) as api:
        while body is not None:
            page = api.post("/search", json=body).raise_for_status().content
            yield page
            body = next((link["body"] for link in orjson.loads(page)["links"] if link["rel"] == "next"), None)


def _expect(count: int) -> None:
    if count != _COUNT:
        raise AssertionError(f"{count} images were found, not {_COUNT}")


def _search() -> Any:
    return Image.search().filter(p.product_id == landsat.COLLECTION)


@job("search")
def collect_ten_thousand_images() -> Iterator[Contest]:
    from pystac_client import Client

    def ours() -> None:
        _expect(len(_search().collect()))

    with _scenes() as url:

        def pystac_client() -> None:
            search = Client.open(url).search(collections=[landsat.COLLECTION], limit=_PAGE)
            _expect(len(search.item_collection()))

        def floor() -> None:
            # `_pages` parses each page to find the next one.
            _expect(_PAGE * sum(1 for _ in _pages(url)))

        yield Contest(
            ours,
            [
                Peer("pystac-client item_collection()", pystac_client, aim=3),
                Peer("httpx and orjson.loads of the same pages", floor, aim=1 / 1.6),
            ],
        )


@job("search")
def first_of_ten_thousand_images() -> Iterator[Contest]:
    """The first image must be available long before the last of ten pages."""

    def first() -> None:
        next(iter(_search()))

    def whole() -> None:
        _expect(sum(1 for _ in _search()))

    with _scenes():
        yield Contest(first, [Peer("the last of them", whole, aim=5)])


@job("search")
def memory_of_an_image() -> Iterator[Contest]:
    with _scenes() as url:
        size = sum(map(len, _pages(url))) / _COUNT
        yield Contest(
            in_fresh_process(_MEMORY), [Peer("its JSON and 4 KiB", size + _ALLOWED)], runs=1, warm_up=False
        )
