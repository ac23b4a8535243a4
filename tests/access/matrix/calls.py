"""Calls of routes: on shared test data, or on a fresh object that may be changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from access.matrix.world import BLOBS, World, blob_id
from integration.conftest import stac_item
from landbridge.stac_api.pages import static_files

COLLECTION: Final = "/collections/{collection_id}"
ITEM: Final = f"{COLLECTION}/items/{{item_id}}"
DESTINATION: Final = "/notifications/destinations/{destination_id}"
SUBSCRIPTION: Final = "/notifications/subscriptions/{subscription_id}"


@dataclass(frozen=True)
class Case:
    """One request: what fills the route's path, what is sent with it, and what it would change.

    `watched` is a path that the operator reads before and after: it changes if the request succeeds, and
    only there.
    """

    path: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    watched: str | None = None


Prepare: TypeAlias = Callable[[World], Case]


def of(whose: str, **options: Any) -> Prepare:
    """The standing product of somebody, its image, its file and its upload."""
    return lambda world: Case(
        {
            "collection_id": world.products[whose],
            "item_id": "one",
            "path": world.assets[whose],
            "upload_id": world.uploads[whose],
            "deletion_id": world.deletion,
            "destination_id": world.destination,
            "subscription_id": world.subscription,
        },
        options,
    )


def nothing_sent(_world: World) -> Case:
    return Case()


def page(prepare: Prepare) -> Prepare:
    """The same request by a browser."""

    def prepared(world: World) -> Case:
        case = prepare(world)
        return replace(case, options={**case.options, "headers": {"Accept": "text/html"}})

    return prepared


def static_file(_world: World) -> Case:
    """A file of the pages."""
    version, _, name = static_files.static_url("", "page.css").removeprefix("pages/").partition("/")
    return Case({"version": version, "name": name})


def of_blob(whose: str) -> Prepare:
    return lambda world: Case({"collection_id": BLOBS, "storage_type": "data", "item_id": world.blobs[whose]})


def sent(method: Callable[[World], Any], key: str = "json") -> Prepare:
    """A body, and nothing in the path."""
    return lambda world: Case(options={key: method(world)})


def on_product(
    send: Callable[[World, str], dict[str, Any]], watched: str | None = COLLECTION, **made: Any
) -> Prepare:
    """Something sent about a fresh product, which has the image `one`."""

    def prepare(world: World) -> Case:
        product = world.product(**made)
        path = {"collection_id": product, "item_id": "one"}
        return Case(path, send(world, product), watched.format(**path) if watched else None)

    return prepare


def changed_product(world: World, product: str, **members: Any) -> dict[str, Any]:
    """Return the product with a change, as its owner would send it."""
    document = world.ok("owner", "GET", f"/collections/{product}")
    mine = {name: value for name, value in document.items() if name not in _LISTS}
    return {"json": {**mine, "title": "Changed", **members}}


_LISTS: Final = ("catalog:owners", "catalog:writers", "catalog:readers")


def merge(**members: Any) -> Callable[[World, str], dict[str, Any]]:
    return lambda _world, _product: {"json": members}


def image(world: World, product: str) -> dict[str, Any]:
    return stac_item(product, "one", title="Changed")


def features_of(collection: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(items), "collection": collection}


def on_blob(send: Callable[[World, str], dict[str, Any]], watched: str = ITEM) -> Prepare:
    """Something sent about a fresh blob."""

    def prepare(world: World) -> Case:
        path = {"collection_id": BLOBS, "item_id": world.blob()}
        return Case(path, send(world, path["item_id"]), watched.format(**path))

    return prepare


def blob_document(world: World, item: str) -> dict[str, Any]:
    document = world.ok("owner", "GET", f"/collections/{BLOBS}/items/{item}")
    for name in _LISTS:
        document["properties"].pop(name, None)
    document["properties"]["title"] = "Changed"
    return {"json": document}


def fresh_upload(sent: bytes | None = None, **options: Any) -> Prepare:
    """A fresh upload to the private product; its file is already sent if there is one."""

    def prepare(world: World) -> Case:
        upload = world.upload(world.products["private"])
        if sent is not None:
            world.ok("owner", "PUT", f"/uploads/{upload}/files/0", content=sent)
        path = {"upload_id": upload, "number": 0}
        # The bytes of a file are seen in no record, but submitting finds them.
        watched = f"/uploads/{upload}" if "content" not in options else None
        return Case(path, options, watched)

    return prepare


def announced_blob(world: World) -> Case:
    item = world.blob_item()
    upload = world.ok("owner", "POST", "/blobs", json={"item": item})["id"]
    watched = ITEM.format(collection_id=BLOBS, item_id=item["id"])
    return Case({"upload_id": upload}, {"content": b"data"}, watched)


def on_destination(watched: str | None = DESTINATION, **options: Any) -> Prepare:
    """Something sent about a fresh destination of the owner."""

    def prepare(world: World) -> Case:
        path = {"destination_id": world.new_destination()}
        return Case(path, options, watched.format(**path) if watched else None)

    return prepare


def on_subscription(watched: str | None = SUBSCRIPTION, **options: Any) -> Prepare:
    """Something sent about a fresh subscription of the owner."""

    def prepare(world: World) -> Case:
        path = {"subscription_id": world.new_subscription()}
        return Case(path, options, watched.format(**path) if watched else None)

    return prepare


def deleted_blob(world: World) -> Case:
    blob = world.blob()
    body = {"ids": [blob_id(blob)], "raise_on_missing": True}
    return Case({}, {"json": body}, ITEM.format(collection_id=BLOBS, item_id=blob))


def signed_read(world: World) -> Case:
    path = world.assets["private"]
    answer = world.ok("owner", "POST", "/assets/signatures", json={"hrefs": [f"/assets/{path}"]})
    return Case({"path": path}, {"params": _query(answer["hrefs"][0])})


def signed_write(world: World) -> Case:
    body = {
        "item": stac_item(world.products["private"], world.new("image")),
        "files": [{"name": "a.tif", "size": 3}],
    }
    upload = world.ok("owner", "POST", "/uploads", json=body)
    params = _query(upload["resumable_urls"][0])
    return Case({"upload_id": upload["id"], "number": 0}, {"params": params, "content": b"abc"})


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def hrefs(whose: str) -> Prepare:
    return lambda world: Case(options={"json": {"hrefs": [f"/assets/{world.assets[whose]}"]}})


_TITLE: Final = [{"op": "add", "path": "/title", "value": "Changed"}]
JSON_PATCH: Final = {
    "content": json.dumps(_TITLE),
    "headers": {"Content-Type": "application/json-patch+json"},
}


def remote_blob(world: World) -> dict[str, Any]:
    item = world.blob_item()
    item["assets"] = {"data": {"href": "https://elsewhere.test/data", "roles": ["data"]}}
    item["properties"]["catalog:storage_state"] = "remote"
    return item


OUTDATED: Final = {"If-Match": '"outdated"'}


def nothing(_world: World, _product: str) -> dict[str, Any]:
    return {}


def outdated(send: Callable[[World, str], dict[str, Any]], watched: str = COLLECTION) -> Prepare:
    """Return the request about a fresh product by a caller that has read another version of it."""
    return on_product(lambda *of: {**send(*of), "headers": OUTDATED}, watched)


def of_missing(_world: World) -> Case:
    return Case({"collection_id": "acme:missing", "item_id": "one"})
