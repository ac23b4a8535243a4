"""The routes, each with how it is called and what each caller is to get."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from access.matrix.world import BLOBS, CALLERS, World, blob_id
from integration.conftest import stac_collection, stac_item

if TYPE_CHECKING:
    import httpx

__all__ = ["ROWS", "Case", "Row"]

Expected: TypeAlias = Mapping[str, int]


def _statuses(*statuses: int) -> Expected:
    return dict(zip(CALLERS, statuses, strict=True))


# What the callers get, by what a route asks of them: anonymous, stranger, reader, writer, owner, owner of
# another organization, expired, revoked, read scope.
def _open(ok: int = 200) -> Expected:
    """Everybody may."""
    return _statuses(ok, ok, ok, ok, ok, ok, 401, 401, ok)


def _reads(ok: int = 200) -> Expected:
    """Of a product or a blob that not all may read."""
    return _statuses(404, 404, ok, ok, ok, 404, 401, 401, ok)


def _others(ok: int = 200) -> Expected:
    """Of what belongs to another organization."""
    return _statuses(404, 404, 404, 404, 404, ok, 401, 401, 404)


def _oversees(ok: int = 200) -> Expected:
    """Of what writers only know of."""
    return _statuses(404, 404, 404, ok, ok, 404, 401, 401, ok)


def _own_reads(ok: int = 200) -> Expected:
    """Of what only its user knows of."""
    return _statuses(404, 404, 404, 404, ok, 404, 401, 401, ok)


def _writes(ok: int = 200) -> Expected:
    """Writers may, and readers may know of it."""
    return _statuses(401, 404, 403, ok, ok, 404, 401, 401, 403)


def _owns(ok: int = 200) -> Expected:
    """Owners may, and readers and writers may know of it."""
    return _statuses(401, 404, 403, 403, ok, 404, 401, 401, 403)


def _drives(ok: int = 200) -> Expected:
    """Writers may, and nobody else may know of it."""
    return _statuses(401, 404, 404, ok, ok, 404, 401, 401, 403)


def _own_writes(ok: int = 200) -> Expected:
    """Its user may, and nobody else may know of it."""
    return _statuses(401, 404, 404, 404, ok, 404, 401, 401, 403)


def _carries(ok: int = 200) -> Expected:
    """Whoever has the signed URL and shows nothing else; a credential is what counts where there is one."""
    return _statuses(ok, 404, 404, ok, ok, 404, 401, 401, 403)


def _makes(ok: int = 201) -> Expected:
    """Everybody who may write at all."""
    return _statuses(401, ok, ok, ok, ok, ok, 401, 401, 403)


def _makes_there(ok: int = 201) -> Expected:
    """Who has the namespace."""
    return _statuses(401, 403, 403, 403, ok, 403, 401, 401, 403)


@dataclass(frozen=True)
class Case:
    """One request: what fills the route's path, what is sent with it, and what it would change.

    `watched` is a path that the operator reads before and after: it changes where the request succeeds, and
    only there.
    """

    path: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    watched: str | None = None


Prepare: TypeAlias = Callable[[World], Case]
Seen: TypeAlias = Callable[["httpx.Response"], set[str]]
Visible: TypeAlias = Callable[[World, str], set[str]]


@dataclass(frozen=True)
class Row:
    """A route in one case. `seen` are the ids in an answer of success, which have to be those `visible`."""

    method: str
    path: str
    expected: Expected
    case: str = ""
    prepare: Prepare = lambda _: Case()
    seen: Seen | None = None
    visible: Visible | None = None

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.method} {self.path}{f' ({self.case})' if self.case else ''}"


COLLECTION: Final = "/collections/{collection_id}"
ITEM: Final = f"{COLLECTION}/items/{{item_id}}"


# What is seen in answers
def _document(answer: httpx.Response) -> set[str]:
    return {answer.json()["id"]}


def _features(answer: httpx.Response) -> set[str]:
    page = answer.json()
    assert page.get("numberMatched", page["numberReturned"]) == len(page["features"])
    return {f"{item['collection']}/{item['id']}" for item in page["features"]}


def _collections(answer: httpx.Response) -> set[str]:
    page = answer.json()
    assert page["numberMatched"] == len(page["collections"])
    return {one["id"] for one in page["collections"]}


def _children(answer: httpx.Response) -> set[str]:
    children = [link for link in answer.json()["links"] if link["rel"] == "child"]
    return {link["href"].rpartition("/")[2] for link in children}


def _count(answer: httpx.Response) -> set[str]:
    (found,) = (one for one in answer.json()["aggregations"] if one["name"] == "total_count")
    return {f"{found['value']} items"}


def _records(answer: httpx.Response) -> set[str]:
    page = answer.json()
    assert page["numberMatched"] == len(page["uploads"])
    return {str(one["id"]) for one in page["uploads"]}


# What each caller is to see
def _products(world: World, caller: str) -> set[str]:
    return world.sees(caller, world.products)


def _all_collections(world: World, caller: str) -> set[str]:
    return _products(world, caller) | {BLOBS}  # what all blobs are in is no secret


def _images(world: World, caller: str) -> set[str]:
    return {f"{product}/one" for product in _products(world, caller)}


def _blobs(world: World, caller: str) -> set[str]:
    return {f"{BLOBS}/{blob}" for blob in world.sees(caller, world.blobs)}


def _items(world: World, caller: str) -> set[str]:
    return _images(world, caller) | _blobs(world, caller)


def _of_private(visible: Visible) -> Visible:
    """Of those visible, what is the private product's."""
    return lambda world, caller: {
        name for name in visible(world, caller) if name.startswith(world.products["private"])
    }


def _number(visible: Visible) -> Visible:
    return lambda world, caller: {f"{len(visible(world, caller))} items"}


def _own_uploads(world: World, caller: str) -> set[str]:
    whose = {"writer": ("private",), "owner": ("private", "public"), "other org": ("other",)}
    whose["read scope"] = whose["owner"]
    return {str(world.uploads[name]) for name in whose.get(caller, ())}


# How routes are called
def _of(whose: str, **options: Any) -> Prepare:
    """The standing product of somebody, its image, its file and its upload."""
    return lambda world: Case(
        {
            "collection_id": world.products[whose],
            "item_id": "one",
            "path": world.assets[whose],
            "upload_id": world.uploads[whose],
            "deletion_id": world.deletion,
        },
        options,
    )


def _of_blob(whose: str) -> Prepare:
    return lambda world: Case({"collection_id": BLOBS, "storage_type": "data", "item_id": world.blobs[whose]})


def _sent(method: Callable[[World], Any], key: str = "json") -> Prepare:
    """A body, and nothing in the path."""
    return lambda world: Case(options={key: method(world)})


def _on_product(
    send: Callable[[World, str], dict[str, Any]], watched: str | None = COLLECTION, **made: Any
) -> Prepare:
    """Something sent about a fresh product, which has the image `one`."""

    def prepare(world: World) -> Case:
        product = world.product(**made)
        path = {"collection_id": product, "item_id": "one"}
        return Case(path, send(world, product), watched.format(**path) if watched else None)

    return prepare


def _changed_product(world: World, product: str, **members: Any) -> dict[str, Any]:
    """What its owner would send back, changed."""
    document = world.ok("owner", "GET", f"/collections/{product}")
    mine = {name: value for name, value in document.items() if name not in _LISTS}
    return {"json": {**mine, "title": "Changed", **members}}


_LISTS: Final = ("catalog:owners", "catalog:writers", "catalog:readers")


def _merge(**members: Any) -> Callable[[World, str], dict[str, Any]]:
    return lambda _world, _product: {"json": members}


def _image(world: World, product: str) -> dict[str, Any]:
    return stac_item(product, "one", title="Changed")


def _features_of(collection: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(items), "collection": collection}


def _on_blob(send: Callable[[World, str], dict[str, Any]], watched: str = ITEM) -> Prepare:
    """Something sent about a fresh blob."""

    def prepare(world: World) -> Case:
        path = {"collection_id": BLOBS, "item_id": world.blob()}
        return Case(path, send(world, path["item_id"]), watched.format(**path))

    return prepare


def _blob_document(world: World, item: str) -> dict[str, Any]:
    document = world.ok("owner", "GET", f"/collections/{BLOBS}/items/{item}")
    for name in _LISTS:
        document["properties"].pop(name, None)
    document["properties"]["title"] = "Changed"
    return {"json": document}


def _fresh_upload(sent: bytes | None = None, **options: Any) -> Prepare:
    """A fresh upload to the private product, its file sent already where there is one."""

    def prepare(world: World) -> Case:
        upload = world.upload(world.products["private"])
        if sent is not None:
            world.ok("owner", "PUT", f"/uploads/{upload}/files/0", content=sent)
        path = {"upload_id": upload, "number": 0}
        # The bytes of a file are seen in no record, but submitting finds them.
        watched = f"/uploads/{upload}" if "content" not in options else None
        return Case(path, options, watched)

    return prepare


def _announced_blob(world: World) -> Case:
    item = world.blob_item()
    upload = world.ok("owner", "POST", "/blobs", json={"item": item})["id"]
    watched = ITEM.format(collection_id=BLOBS, item_id=item["id"])
    return Case({"upload_id": upload}, {"content": b"data"}, watched)


def _deleted_blob(world: World) -> Case:
    blob = world.blob()
    body = {"ids": [blob_id(blob)], "raise_on_missing": True}
    return Case({}, {"json": body}, ITEM.format(collection_id=BLOBS, item_id=blob))


def _signed_read(world: World) -> Case:
    path = world.assets["private"]
    answer = world.ok("owner", "POST", "/assets/signatures", json={"hrefs": [f"/assets/{path}"]})
    return Case({"path": path}, {"params": _query(answer["hrefs"][0])})


def _signed_write(world: World) -> Case:
    body = {
        "item": stac_item(world.products["private"], world.new("image")),
        "files": [{"name": "a.tif", "size": 3}],
    }
    upload = world.ok("owner", "POST", "/uploads", json=body)
    params = _query(upload["resumable_urls"][0])
    return Case({"upload_id": upload["id"], "number": 0}, {"params": params, "content": b"abc"})


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def _hrefs(whose: str) -> Prepare:
    return lambda world: Case(options={"json": {"hrefs": [f"/assets/{world.assets[whose]}"]}})


_TITLE: Final = [{"op": "add", "path": "/title", "value": "Changed"}]
_JSON_PATCH: Final = {
    "content": json.dumps(_TITLE),
    "headers": {"Content-Type": "application/json-patch+json"},
}

READS: Final = [
    Row("GET", "/", _open(), seen=_children, visible=_products),
    Row("GET", "/conformance", _open()),
    Row("GET", "/_mgmt/ping", _open()),
    Row("GET", "/_mgmt/health", _open()),
    Row("GET", "/schemas/catalog/v1.0.0/schema.json", _open()),
    Row("GET", "/access/me", _open()),
    Row("GET", "/collections", _open(), seen=_collections, visible=_all_collections),
    Row("GET", COLLECTION, _reads(), "private", _of("private"), _document, _of_private(_products)),
    Row("GET", COLLECTION, _open(), "public", _of("public")),
    Row("GET", COLLECTION, _others(), "of others", _of("other")),
    Row("GET", f"{COLLECTION}/items", _reads(), "private", _of("private"), _features, _of_private(_images)),
    Row("GET", f"{COLLECTION}/items", _open(), "public", _of("public")),
    Row("GET", f"{COLLECTION}/items", _others(), "of others", _of("other")),
    Row("GET", f"{COLLECTION}/items", _open(), "blobs", _of_blob("private"), _features, _blobs),
    Row("GET", ITEM, _reads(), "private", _of("private")),
    Row("GET", ITEM, _open(), "public", _of("public")),
    Row("GET", ITEM, _others(), "of others", _of("other")),
    Row("GET", ITEM, _reads(), "private blob", _of_blob("private")),
    Row("GET", ITEM, _open(), "public blob", _of_blob("public")),
    Row("GET", ITEM, _others(), "blob of others", _of_blob("other")),
    Row(
        "GET",
        "/search",
        _open(),
        "all",
        lambda _: Case(options={"params": {"limit": 100}}),
        _features,
        _items,
    ),
    Row(
        "GET",
        "/search",
        _open(),
        "private",
        lambda world: Case(options={"params": {"collections": world.products["private"]}}),
        _features,
        _of_private(_images),
    ),
    Row("POST", "/search", _open(), "all", _sent(lambda _: {"limit": 100}), _features, _items),
    Row(
        "POST",
        "/search",
        _open(),
        "private",
        _sent(lambda world: {"collections": [world.products["private"]], "conf": {"context": "on"}}),
        _features,
        _of_private(_images),
    ),
    Row(
        "POST",
        "/search",
        _open(),
        "by id",
        _sent(lambda world: {"ids": ["one", *world.blobs.values()]}),
        _features,
        _items,
    ),
    Row("GET", "/queryables", _open()),
    Row("GET", f"{COLLECTION}/queryables", _reads(), "private", _of("private")),
    Row("GET", f"{COLLECTION}/queryables", _open(), "public", _of("public")),
    Row("GET", "/aggregate", _open(), seen=_count, visible=_number(_items)),
    Row("POST", "/aggregate", _open(), "", _sent(lambda _: {}), _count, _number(_items)),
    Row(
        "GET",
        f"{COLLECTION}/aggregate",
        _reads(),
        "private",
        _of("private"),
        _count,
        _number(_of_private(_images)),
    ),
    Row("GET", f"{COLLECTION}/aggregate", _open(), "blobs", _of_blob("private"), _count, _number(_blobs)),
    Row(
        "POST",
        f"{COLLECTION}/aggregate",
        _reads(),
        "private",
        _of("private", json={}),
        _count,
        _number(_of_private(_images)),
    ),
    Row("POST", f"{COLLECTION}/aggregate", _others(), "of others", _of("other", json={})),
    Row("GET", "/aggregations", _open()),
    Row("POST", "/aggregations", _open()),
    Row("GET", f"{COLLECTION}/aggregations", _reads(), "private", _of("private")),
    Row("POST", f"{COLLECTION}/aggregations", _reads(), "private", _of("private")),
    Row("GET", "/uploads", _open(), seen=_records, visible=_own_uploads),
    Row("GET", "/uploads/{upload_id}", _oversees(), "private", _of("private")),
    Row("GET", "/uploads/{upload_id}", _others(), "of others", _of("other")),
    Row("GET", f"{COLLECTION}/deletion", _reads(), "private", _of("private")),
    Row("GET", f"{COLLECTION}/deletion", _others(), "of others", _of("other")),
    Row("GET", "/blobs/deletions/{deletion_id}", _own_reads(), "", _of("private")),
    *(
        row
        for method in ("GET", "HEAD")
        for row in (
            Row(method, "/blobs/{storage_type}/{item_id}/data", _reads(), "private", _of_blob("private")),
            Row(method, "/blobs/{storage_type}/{item_id}/data", _open(), "public", _of_blob("public")),
            Row(method, "/blobs/{storage_type}/{item_id}/data", _others(), "of others", _of_blob("other")),
            Row(method, "/assets/{path}", _reads(), "private", _of("private")),
            Row(method, "/assets/{path}", _open(), "public", _of("public")),
            Row(method, "/assets/{path}", _others(), "of others", _of("other")),
        )
    ),
    Row("GET", "/assets/{path}", _open(), "signed", _signed_read),
    Row("POST", "/assets/signatures", _reads(), "private", _hrefs("private")),
    Row("POST", "/assets/signatures", _open(), "public", _hrefs("public")),
    Row("POST", "/assets/signatures", _others(), "of others", _hrefs("other")),
]
WRITES: Final = [
    Row("POST", "/collections", _makes(), "", _sent(lambda world: stac_collection(world.new("mine")))),
    Row(
        "POST",
        "/collections",
        _makes_there(),
        "in the owner's namespace",
        _sent(lambda world: stac_collection(f"acme:{world.new('theirs')}")),
    ),
    Row(
        "POST",
        "/collections",
        _makes_there(409),
        "that there is",
        _sent(lambda world: stac_collection(world.products["private"])),
    ),
    Row("PUT", COLLECTION, _writes(), "", _on_product(_changed_product)),
    Row(
        "PUT",
        COLLECTION,
        _writes(400),
        "with another's id",
        _on_product(lambda world, product: _changed_product(world, product, id=world.products["other"])),
    ),
    Row(
        "PUT",
        COLLECTION,
        _owns(),
        "with other lists",
        _on_product(
            lambda world, product: _changed_product(world, product, **{"catalog:readers": ["public"]})
        ),
    ),
    Row("PATCH", COLLECTION, _writes(), "merge", _on_product(_merge(title="Changed"))),
    Row("PATCH", COLLECTION, _writes(), "JSON patch", _on_product(lambda *_: _JSON_PATCH)),
    Row("PATCH", COLLECTION, _owns(), "lists", _on_product(_merge(**{"catalog:readers": ["user:dan"]}))),
    Row(
        "PATCH",
        COLLECTION,
        _owns(409),
        "giving it away at once",
        _on_product(_merge(**{"catalog:owners": ["user:eve"]})),
    ),
    Row("DELETE", COLLECTION, _owns(204), "", _on_product(lambda *_: {}, images=False)),
    Row(
        "POST",
        f"{COLLECTION}/items",
        _writes(201),
        "item",
        _on_product(lambda _, product: {"json": stac_item(product, "two")}, f"{COLLECTION}/items"),
    ),
    Row(
        "POST",
        f"{COLLECTION}/items",
        _writes(201),
        "FeatureCollection that names another",
        _on_product(
            lambda world, product: {"json": _features_of(world.products["other"], stac_item(product, "two"))},
            f"{COLLECTION}/items",
        ),
    ),
    Row(
        "POST",
        f"{COLLECTION}/items",
        _makes_there(),
        "blob in the owner's namespace",
        lambda world: Case({"collection_id": BLOBS}, {"json": _remote_blob(world)}),
    ),
    Row("PUT", ITEM, _writes(), "", _on_product(lambda *of: {"json": _image(*of)}, ITEM)),
    Row(
        "PUT",
        ITEM,
        _writes(400),
        "with another's collection",
        _on_product(
            lambda world, product: {"json": _image(world, product) | {"collection": world.products["other"]}},
            ITEM,
        ),
    ),
    Row("PUT", ITEM, _writes(), "blob", _on_blob(_blob_document)),
    Row("PATCH", ITEM, _writes(), "", _on_product(_merge(properties={"title": "Changed"}), ITEM)),
    Row("PATCH", ITEM, _writes(), "blob", _on_blob(_merge(properties={"title": "Changed"}))),
    Row(
        "PATCH",
        ITEM,
        _owns(),
        "lists of a blob",
        _on_blob(_merge(properties={"catalog:readers": ["public"]})),
    ),
    Row("DELETE", ITEM, _writes(204), "", _on_product(lambda *_: {}, ITEM)),
    Row("DELETE", ITEM, _owns(204), "blob", _on_blob(lambda *_: {})),
    Row(
        "POST",
        f"{COLLECTION}/bulk_items",
        _writes(),
        "",
        _on_product(
            lambda _, product: {"json": {"items": {"two": stac_item(product, "two")}}}, f"{COLLECTION}/items"
        ),
    ),
    Row(
        "POST",
        f"{COLLECTION}/deletion",
        _writes(202),
        "",
        _on_product(lambda *_: {}, f"{COLLECTION}/deletion"),
    ),
    Row(
        "POST",
        "/uploads",
        _writes(201),
        "",
        _sent(
            lambda world: {
                "item": stac_item(world.products["private"], world.new("image")),
                "files": [{"name": "a.tif", "size": 3}],
            }
        ),
    ),
    Row("PUT", "/uploads/{upload_id}/files/{number}", _drives(204), "", _fresh_upload(content=b"abc")),
    Row("PUT", "/uploads/{upload_id}/files/{number}", _carries(204), "signed", _signed_write),
    Row("POST", "/uploads/{upload_id}/submit", _drives(), "", _fresh_upload(b"abc")),
    Row("POST", "/uploads/{upload_id}/cancel", _drives(), "", _fresh_upload()),
    Row(
        "POST",
        "/blobs",
        _makes_there(),
        "in the owner's namespace",
        _sent(lambda world: {"item": world.blob_item()}),
    ),
    Row("PUT", "/blobs/uploads/{upload_id}", _own_writes(201), "", _announced_blob),
    Row("POST", "/blobs/deletions", _owns(202), "", _deleted_blob),
]
ROWS: Final = (*READS, *WRITES)


def _remote_blob(world: World) -> dict[str, Any]:
    item = world.blob_item()
    item["assets"] = {"data": {"href": "https://elsewhere.test/data", "roles": ["data"]}}
    item["properties"]["catalog:storage_state"] = "remote"
    return item
