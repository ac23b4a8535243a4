"""Blobs over HTTP: complete or missing, read in ranges, deleted with their data, made again."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from landbridge.mappings import blob, ids
from landbridge.stac_api.access.grants import GrantCache
from landbridge.stac_api.assets.store import AssetStore
from landbridge.stac_api.blobs import deletion
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.pgstac import pools
from landbridge.stac_api.services import Services
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.stac_api.embedded import stack as embedded

DATA = bytes(range(256)) * 8
POINT = {"type": "Point", "coordinates": [10.0, 20.0]}


def announced(name: str | None = None, **attributes: Any) -> dict[str, Any]:
    """Return the item of a new blob."""
    named = {"storage_type": "data", "namespace": "local:tests", "name": name or f"some/{uuid.uuid4().hex}"}
    return blob.to_stac({**named, **attributes})


@pytest.fixture
def send(http: httpx.Client) -> Callable[..., httpx.Response]:
    """Announce a blob and send its data."""

    def run(item: dict[str, Any], data: Any = DATA) -> httpx.Response:
        answer = http.post("/blobs", json={"item": item})
        return http.put(answer.json()["url"], content=data) if answer.status_code == 201 else answer

    return run


@pytest.fixture
def made(send: Callable[..., httpx.Response]) -> dict[str, Any]:
    """Item of a new blob with `DATA`."""
    answer = send(announced())
    assert answer.status_code == 201, answer.text
    return answer.json()


def place(item: dict[str, Any]) -> str:
    return f"/blobs/{item['collection'].removeprefix('blobs:')}/{item['id']}/data"


def path(item: dict[str, Any]) -> str:
    return f"/collections/{item['collection']}/items/{item['id']}"


def identifier(item: dict[str, Any]) -> str:
    return str(blob.from_stac(item)["id"])


def stored(stack: embedded.Stack) -> set[str]:
    """Return the paths of all blobs' data in the store."""
    folder = stack.store / "blobs"
    return {str(file.relative_to(stack.store)) for file in folder.rglob("*") if file.is_file()}


def test_a_blob_is_an_item_with_one_asset(http, made):
    item = http.get(path(made)).json()
    assert item["geometry"] is None
    assert "bbox" not in item
    assert item["properties"]["datetime"] == item["properties"]["created"]
    assert item["properties"]["catalog:storage_state"] == "available"
    assert item["properties"]["catalog:owners"] == ["user:local", "org:local"]
    data = item["assets"]["data"]
    assert data["file:size"] == len(DATA)
    assert data["file:checksum"] == "d50110" + hashlib.md5(DATA, usedforsecurity=False).hexdigest()
    assert http.get(data["href"]).content == DATA
    assert http.get(place(item)).content == DATA


@pytest.mark.parametrize(
    ("asked", "status", "expected"),
    [
        ("bytes=0-9", 206, DATA[:10]),
        ("bytes=5-", 206, DATA[5:]),
        ("bytes=-7", 206, DATA[-7:]),
        ("bytes=2040-99999", 206, DATA[2040:]),
        ("bytes=99999-", 416, None),
        ("lines=1-2", 200, DATA),
    ],
)
def test_data_is_read_in_ranges(http, made, asked, status, expected):
    answer = http.get(place(made), headers={"Range": asked})
    assert answer.status_code == status
    assert expected is None or answer.content == expected


def test_the_entity_tag_is_the_md5(http, made):
    tag = f'"{hashlib.md5(DATA, usedforsecurity=False).hexdigest()}"'
    head = http.head(place(made))
    assert head.headers["ETag"] == tag
    assert head.headers["Content-Length"] == str(len(DATA))
    assert http.get(place(made), headers={"If-None-Match": tag}).status_code == 304
    assert http.get(place(made), headers={"If-Match": tag}).status_code == 200
    assert http.get(place(made), headers={"If-Match": '"other"'}).status_code == 412


@pytest.mark.parametrize("data", [b"", b"x", DATA])
def test_data_of_any_size_arrives(http, send, data):
    answer = send(announced(), data)
    assert answer.status_code == 201, answer.text
    assert http.get(place(answer.json())).content == data


@pytest.mark.parametrize(
    "known",
    [{"size_bytes": 5}, {"size_bytes": 10**6}, {"hash": "0" * 32}, {"size_bytes": 2048, "hash": "1" * 32}],
)
def test_data_other_than_announced_is_refused_and_deleted(http, stack, send, known):
    before = stored(stack)
    item = announced(**known)
    answer = send(item)
    assert answer.status_code == 400
    assert any(name in answer.text for name in known)
    assert http.get(path(item)).status_code == 404
    assert stored(stack) == before


def test_data_as_announced_is_accepted(send):
    known = {"size_bytes": len(DATA), "hash": hashlib.md5(DATA, usedforsecurity=False).hexdigest().upper()}
    assert send(announced(**known)).status_code == 201


def test_interrupted_data_leaves_nothing(http, stack):
    before = stored(stack)
    item = announced()
    url = http.post("/blobs", json={"item": item}).json()["url"]

    def broken():
        yield DATA
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        http.put(url, content=broken())
    assert http.put(url, content=DATA).status_code == 201
    assert http.get(place(item)).content == DATA
    assert len(stored(stack) - before) == 1


def test_an_id_can_be_used_once(http, stack, send, made):
    before = stored(stack)
    again = announced(made["properties"]["title"])
    assert send(again).status_code == 409
    assert stored(stack) == before


def test_one_of_two_concurrent_uploads_of_an_id_succeeds(http, stack):
    before = stored(stack)
    item = announced()
    urls = [http.post("/blobs", json={"item": item}).json()["url"] for _ in range(4)]
    with ThreadPoolExecutor(4) as executor:
        answers = list(executor.map(lambda n: http.put(urls[n], content=bytes([n]) * 1000), range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    winner = next(n for n, answer in enumerate(answers) if answer.status_code == 201)
    assert http.get(place(item)).content == bytes([winner]) * 1000
    assert len(stored(stack) - before) == 1


def test_a_repeated_put_returns_the_existing_blob(http, stack):
    item = announced()
    url = http.post("/blobs", json={"item": item}).json()["url"]
    first, second = http.put(url, content=DATA), http.put(url, content=b"other")
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.json()["assets"]["data"] == first.json()["assets"]["data"]
    assert http.get(place(item)).content == DATA


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"collection": "blobs:logs"}, 403),
        ({"collection": "blobs:compute"}, 403),
        ({"collection": "blobs:else"}, 400),
        ({"id": "no-namespace"}, 400),
        ({"id": "n~2F~2Fa"}, 400),
        ({"properties": {"expires": "soon"}}, 400),
        ({"geometry": {"type": "Point"}}, 400),
        ({"assets": {"data": {"file:size": -1}}}, 400),
        ({"assets": {"data": {"catalog:hash": "zz"}}}, 400),
    ],
)
def test_an_invalid_blob_is_refused_before_its_data_is_sent(http, change, status):
    answer = http.post("/blobs", json={"item": {**announced(), **change}})
    assert answer.status_code == status, answer.text
    assert answer.json()["description"]


def test_writes_need_the_token(stack, made):
    with httpx.Client(base_url=stack.url) as anonymous:
        assert anonymous.post("/blobs", json={"item": announced()}).status_code == 401
        assert anonymous.put(f"/blobs/uploads/{uuid.uuid4()}", content=b"").status_code == 401
        assert anonymous.post("/blobs/deletions", json={"ids": [identifier(made)]}).status_code == 401


def test_only_paths_of_items_data_are_served(http, stack):
    for guess in ("blobs", "blobs/", "blobs/data", "blobs/../uploads/1/0", "blobs/data/x/data"):
        assert http.get(f"/assets/{guess.replace('..', '%2e%2e')}").status_code == 404


def finished(http: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    record = answer.json()
    while record["status"] == "RUNNING":
        record = http.get(f"/blobs/deletions/{record['id']}").json()
    return record


def test_a_deletion_removes_the_item_at_once_and_the_data_soon(http, stack, made):
    before = stored(stack)
    answer = http.post("/blobs/deletions", json={"ids": [identifier(made), "data/x/missing", "foreign"]})
    assert answer.status_code == 202
    assert answer.json()["ids"] == [identifier(made)]
    assert http.get(path(made)).status_code == 404
    assert http.get(place(made)).status_code == 404
    record = finished(http, answer)
    assert record["status"] == "SUCCESS"
    assert record["objects_deleted"] == 1
    assert len(before - stored(stack)) == 1


def test_a_strict_deletion_deletes_all_or_none(http, made):
    body = {"ids": [identifier(made), "data/x/missing"], "raise_on_missing": True}
    answer = http.post("/blobs/deletions", json=body)
    assert answer.status_code == 404
    assert "data/x/missing" in answer.text
    assert http.get(path(made)).status_code == 200


def test_a_blob_made_again_keeps_its_data(http, send, made):
    """The old data may be deleted at any time, because the new data has a path of its own."""
    for n in range(5):
        answer = http.post("/blobs/deletions", json={"ids": [identifier(made)]})
        again = send(announced(made["properties"]["title"]), bytes([n]) * 100)
        assert again.status_code == 201
        assert finished(http, answer)["status"] == "SUCCESS"
        assert http.get(place(made)).content == bytes([n]) * 100


def replaced(http, item, data, **more):
    answer = http.post("/blobs", json={"item": item, "overwrite": True, **more})
    return http.put(answer.json()["url"], content=data) if answer.status_code == 201 else answer


def test_a_blob_is_replaced_in_one_step(http, stack, made):
    """Readers get the old data or the new data at any time, and the old data is deleted."""
    before = stored(stack)
    name, done = made["properties"]["title"], threading.Event()
    seen = []

    def read():
        while not done.is_set():
            answer = http.get(place(made))
            seen.append((answer.status_code, answer.content))

    with ThreadPoolExecutor(1) as executor:
        reading = executor.submit(read)
        for number in range(5):
            answer = replaced(http, announced(name, tags=[str(number)]), bytes([number]) * 1000)
            assert answer.status_code == 201, answer.text
        done.set()
        reading.result()
    assert {status for status, _ in seen} == {200}
    assert {content for _, content in seen} <= {DATA, *(bytes([number]) * 1000 for number in range(5))}
    assert http.get(place(made)).content == bytes([4]) * 1000
    assert http.get(path(made)).json()["properties"]["keywords"] == ["4"]
    wait_until(lambda: len(stored(stack)) == len(before))
    assert len(before - stored(stack)) == 1


def test_data_that_is_not_in_the_store_is_missing(http, stack, send):
    before = stored(stack)
    item = send(announced()).json()
    (lost,) = stored(stack) - before
    (stack.store / lost).unlink()
    assert http.get(place(item)).status_code == 404


def test_a_replacement_creates_a_blob_that_does_not_exist(http):
    item = announced()
    assert replaced(http, item, b"first").status_code == 201
    assert http.get(place(item)).content == b"first"


def test_concurrent_replacements_leave_one_of_them(http, stack, made):
    before = stored(stack)
    with ThreadPoolExecutor(4) as executor:
        item = announced(made["properties"]["title"])
        answers = list(executor.map(lambda n: replaced(http, item, bytes([n]) * 1000), range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert http.get(place(made)).content in [bytes([n]) * 1000 for n in range(4)]
    wait_until(lambda: len(stored(stack)) == len(before))


def test_a_replacement_that_fails_leaves_the_old_blob(http, stack, made):
    before = stored(stack)
    wrong = announced(made["properties"]["title"], hash=hashlib.md5(b"else").hexdigest())
    assert replaced(http, wrong, b"data").status_code == 400
    url = http.post("/blobs", json={"item": announced(made["properties"]["title"]), "overwrite": True})

    def broken():
        yield b"some"
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        http.put(url.json()["url"], content=broken())
    assert replaced(http, wrong, b"data", overwrite="yes").status_code == 400
    assert http.get(path(made)).json() == made
    assert http.get(place(made)).content == DATA
    assert before <= stored(stack)


def test_stac_clients_delete_data_with_the_item(http, stack, made):
    before = stored(stack)
    assert http.delete(path(made)).status_code == 204
    assert http.get(path(made)).status_code == 404
    assert http.delete(path(made)).status_code == 404
    # Its job is queued before this one, and both run in order.
    last = finished(http, http.post("/blobs/deletions", json={"ids": []}))
    assert last["status"] == "SUCCESS"
    remaining = stored(stack)
    for _ in range(1000):
        if len(before - remaining) == 1:
            break
        remaining = stored(stack)
        http.get("/_mgmt/ping")
    assert len(before - remaining) == 1


def test_stac_clients_change_metadata_and_not_data(http, made):
    changed = http.patch(path(made), json={"properties": {"keywords": ["new"], "title": "lie"}})
    assert changed.status_code == 200, changed.text
    assert changed.json()["properties"]["keywords"] == ["new"]
    assert changed.json()["properties"]["title"] == made["properties"]["title"]
    for member, value in (
        ("href", "http://elsewhere/"),
        ("file:size", 1),
        ("file:checksum", "d50110" + "0" * 32),
    ):
        answer = http.patch(path(made), json={"assets": {"data": {member: value}}})
        assert answer.status_code == 400
    assert http.get(place(made)).content == DATA


def test_a_geometry_comes_and_goes(http, made):
    assert http.patch(path(made), json={"geometry": POINT}).json()["bbox"] == [10, 20, 10, 20]
    assert http.get(path(made)).json()["geometry"] == POINT
    gone = http.patch(path(made), json={"geometry": None}).json()
    assert gone["geometry"] is None
    assert "bbox" not in gone


def test_stac_clients_can_refer_to_remote_data_only(http, made):
    item = announced(href="https://example.com/data", storage_state="available")
    made_remote = http.post("/collections/blobs:data/items", json=item)
    assert made_remote.status_code == 201, made_remote.text
    assert made_remote.json()["properties"]["catalog:storage_state"] == "remote"
    assert http.get(place(item)).status_code == 400
    stolen = announced(href=made["assets"]["data"]["href"])
    assert http.post("/collections/blobs:data/items", json=stolen).status_code == 400
    bulk = {"items": {stolen["id"]: stolen}, "method": "upsert"}
    assert http.post("/collections/blobs:data/bulk_items", json=bulk).status_code == 400


def test_collections_of_blobs_are_reserved(http, made):
    collection = {**http.get("/collections/blobs:data").json(), "id": "blobs:mine"}
    assert http.post("/collections", json=collection).status_code == 400
    assert http.delete("/collections/blobs:data").status_code == 409


def test_blobs_are_found_with_and_without_a_geometry(http, send):
    namespace = f"local:{uuid.uuid4().hex}"
    placed = [announced(f"n{n}", namespace=namespace, geometry=g) for n, g in enumerate((POINT, None))]
    for item in placed:
        assert send(item).status_code == 201
    own = {"op": "=", "args": [{"property": "catalog:namespace"}, namespace]}

    def names(condition: dict[str, Any], **more: Any) -> list[str]:
        body = {"collections": ["blobs:data"], "filter-lang": "cql2-json", **more}
        answer = http.post("/search", json={**body, "filter": {"op": "and", "args": [own, condition]}})
        assert answer.status_code == 200, answer.text
        return sorted(feature["properties"]["title"] for feature in answer.json()["features"])

    far = {"type": "Point", "coordinates": [-10.0, 0.0]}
    from landbridge.mappings import cql2

    assert names(cql2.geometry_filter(POINT)) == ["n0"]
    assert names(cql2.geometry_filter(far)) == []
    assert names(cql2.geometry_filter(far, match_null_geometry=True)) == ["n1"]
    assert names(cql2.geometry_filter(POINT, match_null_geometry=True)) == ["n0", "n1"]
    assert names(cql2.text_filter("N1", "blob")) == ["n1"]
    assert names(cql2.to_cql2({"range": {"size_bytes": {"gt": 2000}}}, "blob")) == ["n0", "n1"]


def test_pages_and_fields_show_null_too(http, send):
    namespace = f"local:{uuid.uuid4().hex}"
    for n in range(3):
        send(announced(f"n{n}", namespace=namespace))
    body = {
        "collections": ["blobs:data"],
        "filter": {"op": "=", "args": [{"property": "catalog:namespace"}, namespace]},
        "filter-lang": "cql2-json",
        "sortby": [{"field": "properties.title", "direction": "asc"}],
        "fields": {"include": ["id", "geometry", "properties.title"]},
        "limit": 2,
    }
    first = http.post("/search", json=body).json()
    link = next(link for link in first["links"] if link["rel"] == "next")
    second = http.post("/search", json=link["body"]).json()
    features = first["features"] + second["features"]
    assert [feature["properties"]["title"] for feature in features] == ["n0", "n1", "n2"]
    assert all(feature["geometry"] is None for feature in features)
    assert first["numberMatched"] == 3


def test_the_longest_names_are_accepted(http, send):
    name = "名/" * 240
    item = announced(name.rstrip("/") + "x" * 5, namespace="local")
    answer = send(item)
    assert answer.status_code == 201, answer.text
    assert http.get(place(item)).content == DATA
    assert http.post("/blobs/deletions", json={"ids": [identifier(item)]}).json()["ids"] == [identifier(item)]


async def _run(stack: embedded.Stack, do: Callable[[Services], Any]) -> Any:
    settings = Settings(database_url=stack.database, store_url=stack.store.as_uri())
    read, write = await pools.open_pools(settings)
    try:
        store = AssetStore(settings.store_url)
        return await do(Services(settings, read, write, store, GrantCache(settings, read)))
    finally:
        await read.close()
        await write.close()


def test_expired_blobs_are_deleted(http, stack, send):
    old = send(announced(expires="2020-01-01T00:00:00Z")).json()
    young = send(announced(expires="2120-01-01T00:00:00Z")).json()

    async def expire(services: Services) -> None:
        for expired in await deletion.delete_expired(services.writepool):
            await deletion.run(services, expired, last_try=True)

    before = stored(stack)
    asyncio.run(_run(stack, expire))
    assert http.get(path(old)).status_code == 404
    assert http.get(path(young)).status_code == 200
    assert len(before - stored(stack)) == 1


def test_abandoned_uploads_are_cleaned_up(http, stack, made):
    item = announced()
    upload = http.post("/blobs", json={"item": item}).json()["id"]
    left = f"blobs/data/{uuid.uuid4().hex}/data"
    (stack.store / left).parent.mkdir(parents=True)
    (stack.store / left).write_bytes(b"left by a server that was killed")

    async def sweep(services: Services) -> None:
        await services.writepool.execute(
            "UPDATE landbridge.blob_uploads SET paths = $2 WHERE id = $1",
            uuid.UUID(upload),
            [left],
        )
        await services.writepool.execute(
            "UPDATE landbridge.blob_uploads SET modified = now() - interval '2 days'"
        )
        await deletion.clean_up(services.writepool, services.store)

    asyncio.run(_run(stack, sweep))
    assert left not in stored(stack)
    assert http.put(f"/blobs/uploads/{upload}", content=DATA).status_code == 404
    assert http.get(place(made)).content == DATA
    assert ids.is_blob_collection(made["collection"])
