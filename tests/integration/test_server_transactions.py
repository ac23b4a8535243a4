"""Writes over the STAC API: whole, validated, never lost to another writer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from .conftest import stac_collection, stac_item

if TYPE_CHECKING:
    from collections.abc import Callable

UNCLOSED = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}


def items_url(collection: str, item: str = "") -> str:
    return f"/collections/{collection}/items{'/' if item else ''}{item}"


def test_ids_with_colons_work_raw_and_escaped(http: httpx.Client, collection: str) -> None:
    assert ":" in collection
    for spelled in (collection, quote(collection, safe="")):
        assert http.get(f"/collections/{spelled}").json()["id"] == collection


def test_an_id_that_is_taken_is_a_conflict(http: httpx.Client, collection: str) -> None:
    again = http.post("/collections", json=stac_collection(collection))
    assert again.status_code == 409
    assert collection in again.json()["description"]
    item = stac_item(collection, "a")
    assert http.post(items_url(collection), json=item).status_code == 201
    again = http.post(items_url(collection), json=item)
    assert again.status_code == 409
    assert "Item a" in again.json()["description"]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_the_id_in_a_body_must_be_the_one_in_the_path(
    http: httpx.Client, collection: str, method: str
) -> None:
    other = f"{collection}-other"
    http.post("/collections", json=stac_collection(other, title="untouched")).raise_for_status()
    body = stac_collection(other, title="hijacked")
    answer = http.request(method, f"/collections/{collection}", json=body)
    assert answer.status_code == 400
    assert http.get(f"/collections/{other}").json()["title"] == "untouched"


def test_an_item_of_another_collection_is_refused(http: httpx.Client, collection: str) -> None:
    feature_collection = {
        "type": "FeatureCollection",
        "collection": "elsewhere",
        "features": [stac_item("elsewhere", "a")],
    }
    for body in (stac_item("elsewhere", "a"), feature_collection):
        answer = http.post(items_url(collection), json=body)
        assert answer.status_code == 400
        assert "elsewhere" in answer.json()["description"]


def test_patches_of_one_item_at_once_all_stay(http: httpx.Client, collection: str) -> None:
    http.post(items_url(collection), json=stac_item(collection, "a")).raise_for_status()

    def patch(number: int) -> int:
        body = {"properties": {f"test:key-{number}": number}}
        return http.patch(items_url(collection, "a"), json=body).status_code

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(patch, range(30))) == {200}
    properties = http.get(items_url(collection, "a")).json()["properties"]
    assert {properties.get(f"test:key-{n}") for n in range(30)} == set(range(30))


def test_patches_of_one_collection_at_once_all_stay(http: httpx.Client, collection: str) -> None:
    def add(number: int) -> int:
        band = {
            "name": f"b{number}",
            "data_type": "uint8",
            "catalog:type": "generic",
            "catalog:band_index": number,
        }
        band |= {"catalog:data_range": [0, 255], "catalog:display_range": [0, 255]}
        operation = {"op": "add", "path": "/bands/-", "value": band}
        headers = {"Content-Type": "application/json-patch+json"}
        return http.patch(f"/collections/{collection}", json=[operation], headers=headers).status_code

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(add, range(20))) == {200}
    names = {band["name"] for band in http.get(f"/collections/{collection}").json()["bands"]}
    assert names == {"red", "nir", *(f"b{n}" for n in range(20))}


def test_a_json_patch_whose_test_fails_changes_nothing(http: httpx.Client, collection: str) -> None:
    operations = [
        {"op": "test", "path": "/bands/0/name", "value": "blue"},
        {"op": "add", "path": "/bands/0/description", "value": "wrong"},
    ]
    assert http.patch(f"/collections/{collection}", json=operations).status_code == 409
    assert "description" not in http.get(f"/collections/{collection}").json()["bands"][0]


def test_first_writers_of_a_new_collection_do_not_collide(http: httpx.Client, collection: str) -> None:
    def create(number: int) -> int:
        item = stac_item(collection, f"i{number}", datetime=f"20{number:02d}-01-01T00:00:00Z")
        return http.post(items_url(collection), json=item).status_code

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(create, range(48))) == {201}
    assert http.get("/search", params={"collections": collection, "limit": 1}).json()["numberMatched"] == 48


def _bulk(http: httpx.Client, collection: str, item: dict[str, Any]) -> httpx.Response:
    return http.post(f"/collections/{collection}/bulk_items", json={"items": {item["id"]: item}})


def _one(http: httpx.Client, collection: str, item: dict[str, Any]) -> httpx.Response:
    return http.post(items_url(collection), json=item)


def _many(http: httpx.Client, collection: str, item: dict[str, Any]) -> httpx.Response:
    good = stac_item(collection, "good")
    return http.post(items_url(collection), json={"type": "FeatureCollection", "features": [good, item]})


@pytest.mark.parametrize("write", [_one, _many, _bulk])
@pytest.mark.parametrize(
    "spoil",
    [
        {"geometry": UNCLOSED},
        {"geometry": None},
        {"properties": {"datetime": "not a date"}},
        {"properties": {}},
        {"assets": {"data": {"title": "no href"}}},
    ],
    ids=["unclosed ring", "no geometry", "bad datetime", "no datetime", "asset without href"],
)
def test_an_invalid_item_gets_in_by_no_way(
    http: httpx.Client, collection: str, write: Callable[..., httpx.Response], spoil: dict[str, Any]
) -> None:
    answer = write(http, collection, {**stac_item(collection, "bad"), **deepcopy(spoil)})
    assert answer.status_code == 400, answer.text
    assert http.get("/search", params={"collections": collection}).json()["numberMatched"] == 0


def test_bulk_writes_are_all_or_none(http: httpx.Client, collection: str) -> None:
    http.post(items_url(collection), json=stac_item(collection, "taken")).raise_for_status()
    items = {name: stac_item(collection, name) for name in ("new", "taken")}
    assert http.post(f"/collections/{collection}/bulk_items", json={"items": items}).status_code == 409
    assert http.get(items_url(collection, "new")).status_code == 404
    upsert = http.post(f"/collections/{collection}/bulk_items", json={"items": items, "method": "upsert"})
    assert upsert.json()["success"] == 2
    assert http.get(items_url(collection, "new")).status_code == 200


def test_a_collection_with_bands_or_items_is_not_deleted(http: httpx.Client, collection: str) -> None:
    http.post(items_url(collection), json=stac_item(collection, "a")).raise_for_status()
    refused = http.delete(f"/collections/{collection}")
    assert refused.status_code == 409
    assert "bands and images" in refused.json()["description"]
    http.delete(items_url(collection, "a")).raise_for_status()
    http.patch(f"/collections/{collection}", json={"bands": []}).raise_for_status()
    assert http.delete(f"/collections/{collection}").status_code == 204
    assert http.get(f"/collections/{collection}").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_missing_documents_give_404(http: httpx.Client, collection: str, method: str) -> None:
    body = None if method in ("GET", "DELETE") else stac_item(collection, "nope")
    assert http.request(method, items_url(collection, "nope"), json=body).status_code == 404
    body = None if method in ("GET", "DELETE") else stac_collection("local:nope")
    assert http.request(method, "/collections/local:nope", json=body).status_code == 404
    assert http.post(items_url("local:nope"), json=stac_item("local:nope", "a")).status_code == 404


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic Zm9v"}])
def test_a_write_without_the_token_is_refused(
    http: httpx.Client, collection: str, header: dict[str, str]
) -> None:
    url = f"{http.base_url}".rstrip("/")
    here = f"/collections/{collection}"
    writes = [
        ("POST", "/collections"), ("PUT", here), ("PATCH", here), ("DELETE", here),
        ("POST", items_url(collection)), ("POST", "/uploads"), ("POST", f"{here}/bulk_items"),
        ("POST", f"{here}/deletion"), ("PUT", "/uploads/1/files/0"),
        ("POST", "/uploads/1/submit"), ("POST", "/no/such/route"),
    ]  # fmt: skip
    for method, path in writes:
        answer = httpx.request(method, url + path, headers=header, json={})
        assert answer.status_code == 401, (method, path)
        why = ', error="invalid_token"' if header else ""
        assert answer.headers["WWW-Authenticate"] == f'Bearer realm="landbridge"{why}'
    assert http.get(f"/collections/{collection}").status_code == 200
    assert http.post("/search", json={"limit": 1}).status_code == 200


def test_unknown_members_survive_a_save(http: httpx.Client) -> None:
    collection = "local:foreign-members"
    http.post(
        "/collections", json=stac_collection(collection, **{"x:top": {"a": [1, None]}})
    ).raise_for_status()
    item = stac_item(collection, "a", **{"x:property": {"deep": [1, 2]}})
    item["x:top"] = "kept"
    item["links"] = [{"rel": "via", "href": "https://example.com/a", "x:note": "kept"}]
    http.post(items_url(collection), json=item).raise_for_status()
    http.patch(items_url(collection, "a"), json={"properties": {"eo:cloud_cover": 5}}).raise_for_status()
    http.patch(f"/collections/{collection}", json={"title": "New"}).raise_for_status()
    saved = http.get(items_url(collection, "a")).json()
    assert saved["x:top"] == "kept"
    assert saved["properties"]["x:property"] == {"deep": [1, 2]}
    assert saved["properties"]["eo:cloud_cover"] == 5
    assert {"rel": "via", "href": "https://example.com/a", "x:note": "kept"} in saved["links"]
    assert http.get(f"/collections/{collection}").json()["x:top"] == {"a": [1, None]}


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (b"", "no body"),
        (b"{", "not JSON"),
        (b'{"type": "Feature", "id": "a\\u0000b"}', "NUL"),
        (b'{"type": "Point"}', "Feature"),
        (b"[]", "Feature"),
    ],
)
def test_bodies_that_are_no_item_are_bad_requests(
    http: httpx.Client, collection: str, body: bytes, hint: str
) -> None:
    answer = http.post(items_url(collection), content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert hint in answer.json()["description"]


@pytest.mark.parametrize("bad", ["a/b", "..", "x" * 2000, ""])
def test_ids_that_no_url_could_name_are_refused(http: httpx.Client, collection: str, bad: str) -> None:
    assert http.post(items_url(collection), json=stac_item(collection, bad)).status_code == 400
    assert http.post("/collections", json=stac_collection(bad)).status_code == 400


def test_two_bands_of_one_name_are_refused(http: httpx.Client, collection: str) -> None:
    band = http.get(f"/collections/{collection}").json()["bands"][0]
    answer = http.patch(f"/collections/{collection}", json=[{"op": "add", "path": "/bands/-", "value": band}])
    assert answer.status_code in (400, 409)
    assert "red" in answer.json()["description"]
    assert len(http.get(f"/collections/{collection}").json()["bands"]) == 2


def test_saves_are_dated(http: httpx.Client, collection: str) -> None:
    created = http.post(items_url(collection), json=stac_item(collection, "a")).json()["properties"]
    patched = http.patch(items_url(collection, "a"), json={"properties": {"x:y": 1}}).json()["properties"]
    assert patched["created"] == created["created"]
    assert patched["updated"] > created["updated"]
