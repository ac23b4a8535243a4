"""The routes, each with how it is called and what each caller is to get."""

from __future__ import annotations

from typing import Final

from access.matrix import calls, expected, maps, seen
from access.matrix.calls import COLLECTION, DESTINATION, ITEM, SUBSCRIPTION, Case
from access.matrix.row import Row
from access.matrix.world import BLOBS
from integration.conftest import stac_collection, stac_item

__all__ = ["ROWS", "Row"]


READS: Final = [
    Row("GET", "/", expected.opened(), seen=seen.children, visible=seen.products),
    Row("GET", "/conformance", expected.opened()),
    Row("GET", "/_mgmt/ping", expected.opened()),
    Row("GET", "/_mgmt/health", expected.opened()),
    Row("GET", "/_mgmt/metrics", expected.operators()),
    Row("GET", "/schemas/catalog/v1.0.0/schema.json", expected.opened()),
    Row("GET", "/pages/{version}/{name}", expected.opened(), prepare=calls.static_file),
    Row("GET", "/", expected.opened(), "page", calls.page(calls.nothing_sent), seen.cards, seen.products),
    Row(
        "GET",
        "/collections",
        expected.opened(),
        "page",
        calls.page(calls.nothing_sent),
        seen.cards,
        seen.products,
    ),
    Row("GET", COLLECTION, expected.reads(), "private page", calls.page(calls.of("private"))),
    Row("GET", COLLECTION, expected.others(), "page of others", calls.page(calls.of("other"))),
    Row("GET", f"{COLLECTION}/items", expected.reads(), "private page", calls.page(calls.of("private"))),
    Row("GET", ITEM, expected.reads(), "private page", calls.page(calls.of("private"))),
    Row("GET", ITEM, expected.reads(), "page of private blob", calls.page(calls.of_blob("private"))),
    Row("GET", ITEM, expected.others(), "page of blob of others", calls.page(calls.of_blob("other"))),
    Row("GET", "/access/me", expected.opened(), seen=seen.user, visible=seen.itself),
    Row("GET", "/collections", expected.opened(), seen=seen.collections, visible=seen.all_collections),
    Row(
        "GET",
        COLLECTION,
        expected.reads(),
        "private",
        calls.of("private"),
        seen.document,
        seen.of_private(seen.products),
    ),
    Row("GET", COLLECTION, expected.opened(), "public", calls.of("public")),
    Row("GET", COLLECTION, expected.others(), "of others", calls.of("other")),
    Row(
        "GET",
        f"{COLLECTION}/items",
        expected.reads(),
        "private",
        calls.of("private"),
        seen.features,
        seen.of_private(seen.images),
    ),
    Row("GET", f"{COLLECTION}/items", expected.opened(), "public", calls.of("public")),
    Row("GET", f"{COLLECTION}/items", expected.others(), "of others", calls.of("other")),
    Row(
        "GET",
        f"{COLLECTION}/items",
        expected.opened(),
        "blobs",
        calls.of_blob("private"),
        seen.features,
        seen.blobs,
    ),
    Row("GET", ITEM, expected.reads(), "private", calls.of("private")),
    Row("GET", ITEM, expected.opened(), "public", calls.of("public")),
    Row("GET", ITEM, expected.others(), "of others", calls.of("other")),
    Row("GET", ITEM, expected.reads(), "private blob", calls.of_blob("private")),
    Row("GET", ITEM, expected.opened(), "public blob", calls.of_blob("public")),
    Row("GET", ITEM, expected.others(), "blob of others", calls.of_blob("other")),
    Row(
        "GET",
        "/search",
        expected.opened(),
        "all",
        lambda _: Case(options={"params": {"limit": 100}}),
        seen.features,
        seen.items,
    ),
    Row(
        "GET",
        "/search",
        expected.opened(),
        "private",
        lambda world: Case(options={"params": {"collections": world.products["private"]}}),
        seen.features,
        seen.of_private(seen.images),
    ),
    Row(
        "POST",
        "/search",
        expected.opened(),
        "all",
        calls.sent(lambda _: {"limit": 100}),
        seen.features,
        seen.items,
    ),
    Row(
        "POST",
        "/search",
        expected.opened(),
        "private",
        calls.sent(lambda world: {"collections": [world.products["private"]], "conf": {"context": "on"}}),
        seen.features,
        seen.of_private(seen.images),
    ),
    Row(
        "POST",
        "/search",
        expected.opened(),
        "by id",
        calls.sent(lambda world: {"ids": ["one", *world.blobs.values()]}),
        seen.features,
        seen.items,
    ),
    Row("GET", "/queryables", expected.opened()),
    Row("GET", f"{COLLECTION}/queryables", expected.reads(), "private", calls.of("private")),
    Row("GET", f"{COLLECTION}/queryables", expected.opened(), "public", calls.of("public")),
    Row("GET", "/aggregate", expected.opened(), seen=seen.count, visible=seen.number(seen.items)),
    Row(
        "POST",
        "/aggregate",
        expected.opened(),
        "",
        calls.sent(lambda _: {}),
        seen.count,
        seen.number(seen.items),
    ),
    Row(
        "GET",
        f"{COLLECTION}/aggregate",
        expected.reads(),
        "private",
        calls.of("private"),
        seen.count,
        seen.number(seen.of_private(seen.images)),
    ),
    Row(
        "GET",
        f"{COLLECTION}/aggregate",
        expected.opened(),
        "blobs",
        calls.of_blob("private"),
        seen.count,
        seen.number(seen.blobs),
    ),
    Row(
        "POST",
        f"{COLLECTION}/aggregate",
        expected.reads(),
        "private",
        calls.of("private", json={}),
        seen.count,
        seen.number(seen.of_private(seen.images)),
    ),
    Row("POST", f"{COLLECTION}/aggregate", expected.others(), "of others", calls.of("other", json={})),
    Row("GET", "/aggregations", expected.opened()),
    Row("POST", "/aggregations", expected.opened()),
    Row("GET", f"{COLLECTION}/aggregations", expected.reads(), "private", calls.of("private")),
    Row("POST", f"{COLLECTION}/aggregations", expected.reads(), "private", calls.of("private")),
    Row("GET", "/uploads", expected.opened(), seen=seen.records, visible=seen.own_uploads),
    Row("GET", "/uploads/{upload_id}", expected.oversees(), "private", calls.of("private")),
    Row("GET", "/uploads/{upload_id}", expected.others(), "of others", calls.of("other")),
    Row("GET", f"{COLLECTION}/deletion", expected.reads(), "private", calls.of("private")),
    Row("GET", f"{COLLECTION}/deletion", expected.others(), "of others", calls.of("other")),
    Row("GET", "/blobs/deletions/{deletion_id}", expected.own_reads(), "", calls.of("private")),
    Row(
        "GET",
        "/notifications/destinations",
        expected.opened(),
        seen=seen.destinations,
        visible=seen.own_destinations,
    ),
    Row("GET", DESTINATION, expected.own_reads(), "", calls.of("private")),
    Row(
        "GET",
        "/notifications/subscriptions",
        expected.opened(),
        seen=seen.subscriptions,
        visible=seen.own_subscriptions,
    ),
    Row("GET", SUBSCRIPTION, expected.own_reads(), "", calls.of("private")),
    Row("GET", f"{SUBSCRIPTION}/dead-letters", expected.own_reads(), "", calls.of("private")),
    Row("GET", "/blobs/{storage_type}/{item_id}/hash", expected.reads(), "private", calls.of_blob("private")),
    Row("GET", "/blobs/{storage_type}/{item_id}/hash", expected.opened(), "public", calls.of_blob("public")),
    Row(
        "GET", "/blobs/{storage_type}/{item_id}/hash", expected.others(), "of others", calls.of_blob("other")
    ),
    *(
        row
        for method in ("GET", "HEAD")
        for row in (
            Row(
                method,
                "/blobs/{storage_type}/{item_id}/data",
                expected.reads(),
                "private",
                calls.of_blob("private"),
            ),
            Row(
                method,
                "/blobs/{storage_type}/{item_id}/data",
                expected.opened(),
                "public",
                calls.of_blob("public"),
            ),
            Row(
                method,
                "/blobs/{storage_type}/{item_id}/data",
                expected.others(),
                "of others",
                calls.of_blob("other"),
            ),
            Row(method, "/assets/{path}", expected.reads(), "private", calls.of("private")),
            Row(method, "/assets/{path}", expected.opened(), "public", calls.of("public")),
            Row(method, "/assets/{path}", expected.others(), "of others", calls.of("other")),
        )
    ),
    Row("GET", "/assets/{path}", expected.opened(), "signed", calls.signed_read),
    Row("POST", "/assets/signatures", expected.reads(), "private", calls.hrefs("private")),
    Row("POST", "/assets/signatures", expected.opened(), "public", calls.hrefs("public")),
    Row("POST", "/assets/signatures", expected.others(), "of others", calls.hrefs("other")),
]
WRITES: Final = [
    Row(
        "POST",
        "/collections",
        expected.makes(),
        "",
        calls.sent(lambda world: stac_collection(world.new("mine"))),
    ),
    Row(
        "POST",
        "/collections",
        expected.makes_there(),
        "in the owner's namespace",
        calls.sent(lambda world: stac_collection(f"acme:{world.new('theirs')}")),
    ),
    Row(
        "POST",
        "/collections",
        expected.makes_there(409),
        "that there is",
        calls.sent(lambda world: stac_collection(world.products["private"])),
    ),
    Row("PUT", COLLECTION, expected.writes(), "", calls.on_product(calls.changed_product)),
    Row(
        "PUT",
        COLLECTION,
        expected.writes(400),
        "with another's id",
        calls.on_product(
            lambda world, product: calls.changed_product(world, product, id=world.products["other"])
        ),
    ),
    Row(
        "PUT",
        COLLECTION,
        expected.owns(),
        "with other lists",
        calls.on_product(
            lambda world, product: calls.changed_product(world, product, **{"catalog:readers": ["public"]})
        ),
    ),
    Row("PATCH", COLLECTION, expected.writes(), "merge", calls.on_product(calls.merge(title="Changed"))),
    Row("PATCH", COLLECTION, expected.writes(), "JSON patch", calls.on_product(lambda *_: calls.JSON_PATCH)),
    Row(
        "PATCH",
        COLLECTION,
        expected.owns(),
        "lists",
        calls.on_product(calls.merge(**{"catalog:readers": ["user:dan"]})),
    ),
    Row(
        "PATCH",
        COLLECTION,
        expected.owns(409),
        "giving it away at once",
        calls.on_product(calls.merge(**{"catalog:owners": ["user:eve"]})),
    ),
    Row("DELETE", COLLECTION, expected.owns(204), "", calls.on_product(lambda *_: {}, images=False)),
    Row(
        "POST",
        f"{COLLECTION}/items",
        expected.writes(201),
        "item",
        calls.on_product(lambda _, product: {"json": stac_item(product, "two")}, f"{COLLECTION}/items"),
    ),
    Row(
        "POST",
        f"{COLLECTION}/items",
        expected.writes(201),
        "FeatureCollection that names another",
        calls.on_product(
            lambda world, product: {
                "json": calls.features_of(world.products["other"], stac_item(product, "two"))
            },
            f"{COLLECTION}/items",
        ),
    ),
    Row(
        "POST",
        f"{COLLECTION}/items",
        expected.makes_there(),
        "blob in the owner's namespace",
        lambda world: Case({"collection_id": BLOBS}, {"json": calls.remote_blob(world)}),
    ),
    Row("PUT", ITEM, expected.writes(), "", calls.on_product(lambda *of: {"json": calls.image(*of)}, ITEM)),
    Row(
        "PUT",
        ITEM,
        expected.writes(400),
        "with another's collection",
        calls.on_product(
            lambda world, product: {
                "json": calls.image(world, product) | {"collection": world.products["other"]}
            },
            ITEM,
        ),
    ),
    Row("PUT", ITEM, expected.writes(), "blob", calls.on_blob(calls.blob_document)),
    Row(
        "PATCH",
        ITEM,
        expected.writes(),
        "",
        calls.on_product(calls.merge(properties={"title": "Changed"}), ITEM),
    ),
    Row(
        "PATCH", ITEM, expected.writes(), "blob", calls.on_blob(calls.merge(properties={"title": "Changed"}))
    ),
    Row(
        "PATCH",
        ITEM,
        expected.owns(),
        "lists of a blob",
        calls.on_blob(calls.merge(properties={"catalog:readers": ["public"]})),
    ),
    Row("DELETE", ITEM, expected.writes(204), "", calls.on_product(lambda *_: {}, ITEM)),
    Row("DELETE", ITEM, expected.owns(204), "blob", calls.on_blob(lambda *_: {})),
    Row(
        "POST",
        f"{COLLECTION}/bulk_items",
        expected.writes(),
        "",
        calls.on_product(
            lambda _, product: {"json": {"items": {"two": stac_item(product, "two")}}}, f"{COLLECTION}/items"
        ),
    ),
    Row(
        "POST",
        f"{COLLECTION}/deletion",
        expected.writes(202),
        "",
        calls.on_product(lambda *_: {}, f"{COLLECTION}/deletion"),
    ),
    Row(
        "POST",
        "/uploads",
        expected.writes(201),
        "",
        calls.sent(
            lambda world: {
                "item": stac_item(world.products["private"], world.new("image")),
                "files": [{"name": "a.tif", "size": 3}],
            }
        ),
    ),
    Row(
        "PUT",
        "/uploads/{upload_id}/files/{number}",
        expected.drives(204),
        "",
        calls.fresh_upload(content=b"abc"),
    ),
    Row("PUT", "/uploads/{upload_id}/files/{number}", expected.carries(204), "signed", calls.signed_write),
    Row("POST", "/uploads/{upload_id}/submit", expected.drives(), "", calls.fresh_upload(b"abc")),
    Row("POST", "/uploads/{upload_id}/cancel", expected.drives(), "", calls.fresh_upload()),
    Row(
        "POST",
        "/blobs",
        expected.makes_there(),
        "in the owner's namespace",
        calls.sent(lambda world: {"item": world.blob_item()}),
    ),
    Row("PUT", "/blobs/uploads/{upload_id}", expected.own_writes(201), "", calls.announced_blob),
    Row("POST", "/blobs/deletions", expected.owns(202), "", calls.deleted_blob),
    Row(
        "POST",
        "/notifications/destinations",
        expected.makes(),
        "",
        calls.sent(lambda world: {"name": world.new("hook"), "url": "https://hooks.invalid/new"}),
    ),
    Row(
        "PATCH", DESTINATION, expected.own_writes(), "", calls.on_destination(json={"description": "Changed"})
    ),
    Row("DELETE", DESTINATION, expected.own_writes(204), "", calls.on_destination()),
    Row("POST", f"{DESTINATION}/test", expected.own_writes(), "", calls.on_destination(None)),
    Row(
        "POST",
        "/notifications/subscriptions",
        expected.own_writes(201),
        "to the owner's destination",
        calls.sent(lambda world: world.subscription_body("private")),
    ),
    Row(
        "POST",
        "/notifications/subscriptions",
        expected.own_writes(404),
        "on a product of others",
        calls.sent(lambda world: world.subscription_body("other")),
    ),
    Row(
        "PATCH",
        SUBSCRIPTION,
        expected.own_writes(),
        "",
        calls.on_subscription(json={"description": "Changed"}),
    ),
    Row("DELETE", SUBSCRIPTION, expected.own_writes(204), "", calls.on_subscription()),
    Row(
        "POST",
        f"{SUBSCRIPTION}/dead-letters",
        expected.own_writes(),
        "",
        calls.on_subscription(None, json={}),
    ),
]
_HEADED: Final = {row.path for row in READS if row.method == "HEAD"}
# HEAD tells as much as GET, and no more.
HEADS: Final = [
    Row("HEAD", row.path, row.expected, row.case, row.prepare)
    for row in READS
    if row.method == "GET" and row.path not in _HEADED
]
# OPTIONS is answered alike for what a caller may not know of and for what there is not.
OPTIONS: Final = [
    Row("OPTIONS", path, expected.opened(204), case, prepare, seen.methods, seen.allowed(path, whose))
    for path in (COLLECTION, ITEM, f"{COLLECTION}/items")
    for case, whose, prepare in (
        ("private", "private", calls.of("private")),
        ("public", "public", calls.of("public")),
        ("of others", "other", calls.of("other")),
        ("missing", "", calls.of_missing),
    )
]
# A caller that may not write gets 403 for any entity tag.
CONDITIONS: Final = [
    Row("PUT", COLLECTION, expected.writes(412), "if it is another", calls.outdated(calls.changed_product)),
    Row(
        "PATCH", COLLECTION, expected.writes(412), "if it is another", calls.outdated(calls.merge(title="X"))
    ),
    Row("DELETE", COLLECTION, expected.owns(412), "if it is another", calls.outdated(calls.nothing)),
    Row(
        "PATCH",
        ITEM,
        expected.writes(412),
        "if it is another",
        calls.outdated(calls.merge(properties={"title": "X"}), ITEM),
    ),
    Row("DELETE", ITEM, expected.writes(412), "if it is another", calls.outdated(calls.nothing, ITEM)),
    Row(
        "DELETE",
        ITEM,
        expected.owns(412),
        "blob, if it is another",
        calls.on_blob(lambda *_: {"headers": calls.OUTDATED}),
    ),
]
ROWS: Final = (*READS, *maps.ROWS, *HEADS, *OPTIONS, *WRITES, *CONDITIONS)
