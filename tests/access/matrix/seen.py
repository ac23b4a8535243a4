"""The ids in answers, and those that each caller is to see."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from access.matrix.world import BLOBS, PIXELS, USERS, World
from support.html_pages import PageReader

if TYPE_CHECKING:
    import httpx

Seen: TypeAlias = Callable[["httpx.Response"], set[str]]
Visible: TypeAlias = Callable[[World, str], set[str]]


# What is seen in answers
def document(answer: httpx.Response) -> set[str]:
    return {answer.json()["id"]}


def user(answer: httpx.Response) -> set[str]:
    return {str(answer.json()["user"])}


def features(answer: httpx.Response) -> set[str]:
    page = answer.json()
    assert page.get("numberMatched", page["numberReturned"]) == len(page["features"])
    return {f"{item['collection']}/{item['id']}" for item in page["features"]}


def collections(answer: httpx.Response) -> set[str]:
    page = answer.json()
    assert page["numberMatched"] == len(page["collections"])
    return {one["id"] for one in page["collections"]}


def children(answer: httpx.Response) -> set[str]:
    children = [link for link in answer.json()["links"] if link["rel"] == "child"]
    return {link["href"].rpartition("/")[2] for link in children}


def cards(answer: httpx.Response) -> set[str]:
    """The last parts of the addresses to which the cards of a page lead."""
    return {url.rpartition("/")[2] for url in PageReader(answer.text).cards}


def count(answer: httpx.Response) -> set[str]:
    (found,) = (one for one in answer.json()["aggregations"] if one["name"] == "total_count")
    return {f"{found['value']} items"}


def records(answer: httpx.Response) -> set[str]:
    page = answer.json()
    assert page["numberMatched"] == len(page["uploads"])
    return {str(one["id"]) for one in page["uploads"]}


def destinations(answer: httpx.Response) -> set[str]:
    return {one["id"] for one in answer.json()["destinations"]}


def subscriptions(answer: httpx.Response) -> set[str]:
    return {one["id"] for one in answer.json()["subscriptions"]}


def values(answer: httpx.Response) -> set[str]:
    pixels, mask = np.load(io.BytesIO(answer.content))
    return {f"pixels of {value:g}" for value in np.unique(pixels[mask > 0])}


def conditions(answer: httpx.Response) -> set[str]:
    return {"conditions"} if "search" in answer.json() else set()


# What each caller is to see
def itself(_: World, caller: str) -> set[str]:
    return {str(USERS[caller])}


def products(world: World, caller: str) -> set[str]:
    return world.sees(caller, world.products)


def all_collections(world: World, caller: str) -> set[str]:
    return products(world, caller) | {BLOBS}  # what all blobs are in is no secret


def images(world: World, caller: str) -> set[str]:
    return {f"{product}/one" for product in products(world, caller)}


def blobs(world: World, caller: str) -> set[str]:
    return {f"{BLOBS}/{blob}" for blob in world.sees(caller, world.blobs)}


def items(world: World, caller: str) -> set[str]:
    return images(world, caller) | blobs(world, caller)


def of_private(visible: Visible) -> Visible:
    """Of those visible, what is the private product's."""
    return lambda world, caller: {
        name for name in visible(world, caller) if name.startswith(world.products["private"])
    }


def pixels(world: World, caller: str) -> set[str]:
    return {f"pixels of {value}" for whose, value in PIXELS.items() if whose in world.whose(caller)}


def private_pixels(world: World, caller: str) -> set[str]:
    return {f"pixels of {PIXELS['private']}"} & pixels(world, caller)


def own_conditions(_world: World, caller: str) -> set[str]:
    return {"conditions"} if caller in ("owner", "read scope") else set()


def number(visible: Visible) -> Visible:
    return lambda world, caller: {f"{len(visible(world, caller))} items"}


def own_uploads(world: World, caller: str) -> set[str]:
    whose = {"writer": ("private",), "owner": ("private", "public"), "other org": ("other",)}
    whose["read scope"] = whose["owner"]
    return {str(world.uploads[name]) for name in whose.get(caller, ())}


def own_destinations(world: World, caller: str) -> set[str]:
    return {world.destination} if caller in ("owner", "read scope") else set()


def own_subscriptions(world: World, caller: str) -> set[str]:
    return {world.subscription} if caller in ("owner", "read scope") else set()


def methods(answer: httpx.Response) -> set[str]:
    return set(answer.headers["Allow"].split(", "))


_READ = frozenset({"GET", "HEAD", "OPTIONS"})
_COLLECTION = "/collections/{collection_id}"
_CHANGES = {
    _COLLECTION: {"PUT", "PATCH"},
    f"{_COLLECTION}/items": {"POST"},
    f"{_COLLECTION}/items/{{item_id}}": {"PUT", "PATCH", "DELETE"},
}


def allowed(path: str, whose: str) -> Visible:
    """Return the methods that a caller may use on a product, which other callers are not told of."""
    owner, writers = {"other": ("other org", ()), "": ("", ())}.get(whose, ("owner", ("writer",)))
    writers = () if whose == "public" else writers

    def visible(_world: World, caller: str) -> set[str]:
        found = set(_READ)
        if caller == owner or caller in writers:
            found |= _CHANGES[path]
        if caller == owner and path == _COLLECTION:
            found.add("DELETE")
        return found

    return visible
