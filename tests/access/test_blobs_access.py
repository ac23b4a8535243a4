"""Blobs have lists of their own, in collections that all share."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from access.people import Caller, People, alike
from landbridge.mappings import ids
from landbridge.stac_api.access.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.conftest import Service

OWNERS, WRITERS, READERS = "catalog:owners", "catalog:writers", "catalog:readers"
COLLECTION = "blobs:data"
ITEMS = f"/collections/{COLLECTION}/items"


def item(namespace: str = "acme", **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "id": ids.blob_item_id(namespace, f"b-{uuid.uuid4().hex[:8]}"),
        "collection": COLLECTION,
        "geometry": {"type": "Point", "coordinates": [170.5, -45.5]},
        "properties": {"datetime": None, **properties},
        "assets": {},
        "links": [],
    }


def upload(caller: Caller, document: dict[str, Any], data: bytes = b"pixels") -> dict[str, Any]:
    announced = caller.ok("POST", "/blobs", json={"item": document})
    made: dict[str, Any] = caller.ok("PUT", announced["url"], content=data)
    return made


@pytest.fixture
def blob(people: People) -> dict[str, Any]:
    """Of `owner`; `writer` may change it and `reader` may read it."""
    return upload(people.owner, item(**{WRITERS: ["user:ben"], READERS: ["group:flood", "org:elsewhere"]}))


def name_of(blob: dict[str, Any]) -> str:
    return f"{COLLECTION}/{blob['id']}"


def test_the_announcer_of_a_blob_owns_it_even_if_another_uses_its_url(people: People) -> None:
    announced = people.owner.ok("POST", "/blobs", json={"item": item()})
    made = people.anybody.ok("PUT", announced["url"], content=b"by the bearer of the URL")
    assert made["properties"][OWNERS] == ["user:ann", "org:acme"]
    again = people.stranger("PUT", announced["url"].partition("?")[0], content=b"x")
    assert again.status_code == 404, "without the signature, the upload is its announcer's"


def test_searches_find_only_readable_blobs(people: People, blob: dict[str, Any]) -> None:
    private = upload(people.owner, item())
    public = upload(people.owner, item(**{READERS: ["public"]}))
    for body in ({}, {"collections": [COLLECTION]}, {"ids": [one["id"] for one in (blob, private, public)]}):
        assert {name_of(one) for one in (blob, private, public)} <= people.owner.found(**body)
        for caller in (people.writer, people.reader):
            seen = caller.found(**body)
            assert {name_of(blob), name_of(public)} <= seen
            assert name_of(private) not in seen
        for outsider in people.outsiders:
            seen = outsider.found(**body)
            assert name_of(public) in seen
            assert seen.isdisjoint({name_of(blob), name_of(private)})


def test_counts_include_only_readable_blobs(people: People, blob: dict[str, Any]) -> None:
    counted = ("total_count", "total_bytes", "namespace_frequency", "collection_frequency")
    bodies: list[dict[str, Any]] = [
        {},
        {"collections": [COLLECTION]},
        {"collections": [COLLECTION], "bbox": [170, -46, 171, -45]},
    ]
    for body in bodies:
        for caller in (people.owner, people.reader, people.stranger, people.anybody):
            mine = [name for name in caller.found(**body) if name.startswith("blobs:")]
            found = caller.aggregated(*counted, **body)
            assert found["collection_frequency"].get(COLLECTION, 0) == len(mine), body
            assert sum(found["namespace_frequency"].values()) == len(mine), body
        assert "acme" in people.reader.aggregated(*counted, **body)["namespace_frequency"]
    one = {"ids": [blob["id"]]}
    assert people.reader.aggregated("total_bytes", **one) == {"total_bytes": 6}
    assert people.stranger.aggregated("total_bytes", **one) == {"total_bytes": 0}


def test_a_hidden_blob_is_answered_for_as_one_that_there_is_not(people: People, blob: dict[str, Any]) -> None:
    here = f"{ITEMS}/{{id}}"
    for method, path, options in (
        ("GET", here, {}),
        ("GET", "/blobs/data/{id}/data", {}),
        ("GET", "/blobs/data/{id}/hash", {}),
        ("GET", "/search", {"params": {"ids": "{id}"}}),
    ):
        for outsider in people.outsiders:
            answer = alike(outsider, method, path, blob["id"], **options)
            assert answer.status_code == (404 if "{id}" in path else 200)
    patch = {"properties": {"keywords": ["x"]}}
    for method, options in (
        ("PATCH", {"json": patch}),
        ("DELETE", {}),
        ("PUT", {"json": {**blob, "id": "{id}"}}),
    ):
        assert alike(people.stranger, method, here, blob["id"], **options).status_code == 404
    assert people.owner.ok("GET", f"{ITEMS}/{blob['id']}") == blob | {"links": blob["links"]}


def test_readers_read_writers_change_and_owners_delete(people: People, blob: dict[str, Any]) -> None:
    here, data = f"{ITEMS}/{blob['id']}", f"/blobs/data/{blob['id']}/data"
    patch = {"properties": {"keywords": ["x"]}}
    for caller in (people.owner, people.writer, people.reader):
        assert caller("GET", data).content == b"pixels"
    assert people.reader("PATCH", here, json=patch).status_code == 403
    assert people.writer.ok("PATCH", here, json=patch)["properties"]["keywords"] == ["x"]
    for caller in (people.reader, people.writer):
        assert caller("DELETE", here).status_code == 403
    assert people.owner("DELETE", here).status_code == 204
    assert people.owner("GET", here).status_code == 404


def test_only_owners_replace_a_blob(people: People, blob: dict[str, Any]) -> None:
    again = {**item(), "id": blob["id"]}
    for caller, status in ((people.reader, 403), (people.writer, 403), (people.stranger, 403)):
        answer = caller("POST", "/blobs", json={"item": again, "overwrite": True})
        assert answer.status_code == status, answer.text
    announced = people.owner.ok("POST", "/blobs", json={"item": again, "overwrite": True})
    people.owner.ok("PUT", announced["url"], content=b"others")
    assert people.owner("GET", f"/blobs/data/{blob['id']}/data").content == b"others"
    # The readers of the old blob are not those of the new one.
    assert people.reader("GET", f"/blobs/data/{blob['id']}/data").status_code == 404


def test_the_url_of_a_replacement_ends_with_the_ownership_of_its_caller(
    people: People, blob: dict[str, Any]
) -> None:
    here = f"{ITEMS}/{blob['id']}"
    again = {**item(), "id": blob["id"]}
    announced = people.owner.ok("POST", "/blobs", json={"item": again, "overwrite": True})
    owners = {"properties": {OWNERS: ["org:brick"], READERS: ["user:ann"]}}
    people.operator.ok("PATCH", here, json=owners)
    assert people.anybody("PUT", announced["url"], content=b"late").status_code == 403
    people.operator.ok("PATCH", here, json={"properties": {READERS: []}})
    assert people.anybody("PUT", announced["url"], content=b"late").status_code == 409
    assert people.operator("GET", f"/blobs/data/{blob['id']}/data").content == b"pixels"


def test_lists_of_a_blob_are_seen_and_changed_by_its_owners(people: People, blob: dict[str, Any]) -> None:
    here = f"{ITEMS}/{blob['id']}"

    def lists(caller: Caller) -> list[Any]:
        properties = caller.ok("GET", here)["properties"]
        (found,) = caller.ok("POST", "/search", json={"ids": [blob["id"]]})["features"]
        assert [found["properties"][name] for name in (OWNERS, WRITERS, READERS)] == [
            properties[name] for name in (OWNERS, WRITERS, READERS)
        ]
        return [properties[name] for name in (OWNERS, WRITERS, READERS)]

    whole = [["user:ann", "org:acme"], ["user:ben"], ["group:flood", "org:elsewhere"]]
    assert lists(people.owner) == whole
    assert lists(people.writer) == [[], ["user:ben"], []]
    assert lists(people.reader) == [[], [], ["group:flood"]]
    document = people.writer.ok("GET", here)
    changed = people.writer.ok("PUT", here, json=document)
    assert changed["properties"][READERS] == []
    assert lists(people.owner) == whole
    for body in (
        {"properties": {READERS: ["public"]}},
        {"type": "Collection", "properties": {READERS: ["public"]}},
        {"type": "Collection", READERS: [], "properties": {OWNERS: ["user:ben"]}},
    ):
        assert people.writer("PATCH", here, json=body).status_code == 403
    assert lists(people.owner) == whole
    assert people.owner("PATCH", here, json={"properties": {OWNERS: ["user:dan"]}}).status_code == 409
    people.owner.ok("PATCH", here, json={"properties": {OWNERS: ["org:acme", "user:dan"]}})
    people.stranger.ok("PATCH", here, json={"properties": {OWNERS: ["user:dan"]}})
    assert people.owner("GET", here).status_code == 404
    assert name_of(blob) not in people.owner.found()
    assert name_of(blob) in people.stranger.found()


@pytest.mark.parametrize("name", [OWNERS, READERS])
def test_a_filter_by_a_list_finds_by_what_the_caller_sees_of_it(
    people: People, blob: dict[str, Any], name: str
) -> None:
    for entry in blob["properties"][name]:
        body = {"filter": {"op": "a_contains", "args": [{"property": name}, [entry]]}, "ids": [blob["id"]]}
        assert people.owner.found(**body) == {name_of(blob)}
        seen = people.reader.ok("GET", f"{ITEMS}/{blob['id']}")["properties"][name]
        assert people.reader.found(**body) == ({name_of(blob)} if entry in seen else set()), entry
        assert people.reader.aggregated("total_count", **body) == {"total_count": int(entry in seen)}


@pytest.mark.parametrize("namespace", ["delta", "acme2", "delta:acme", "local", "ben"])
def test_a_blob_in_anothers_namespace_is_refused_before_anything_is_looked_up(
    people: People, namespace: str
) -> None:
    document = item(namespace)
    for path, body in (
        ("/blobs", {"item": document}),
        (ITEMS, document),
        (ITEMS, {"type": "FeatureCollection", "features": [document]}),
        (f"/collections/{COLLECTION}/bulk_items", {"items": {document["id"]: document}}),
    ):
        answer = people.owner("POST", path, json=body)
        assert answer.status_code == 403, path
        assert namespace in answer.json()["description"]


@pytest.mark.parametrize("namespace", ["acme", "acme:maps", "ann"])
def test_a_blob_in_ones_own_namespace_is_made(people: People, namespace: str) -> None:
    assert upload(people.owner, item(namespace))["properties"]["catalog:namespace"] == namespace


def test_a_remote_blob_is_its_makers_by_each_way_of_making_items(people: People) -> None:
    def remote() -> dict[str, Any]:
        return {**item(), "assets": {"data": {"href": "https://example.org/a.bin"}}}

    single, many, bulk = remote(), remote(), remote()
    upload(people.owner, item())  # so that the collection is there
    people.owner.ok("POST", ITEMS, json=single)
    people.owner.ok("POST", ITEMS, json={"type": "FeatureCollection", "features": [many]})
    people.owner.ok("POST", f"/collections/{COLLECTION}/bulk_items", json={"items": {bulk["id"]: bulk}})
    for document in (single, many, bulk):
        made = people.owner.ok("GET", f"{ITEMS}/{document['id']}")
        assert made["properties"][OWNERS] == ["user:ann", "org:acme"]
        assert people.stranger("GET", f"{ITEMS}/{document['id']}").status_code == 404
        foreign = {**remote(), "properties": {"datetime": None, OWNERS: ["user:dan"]}}
        assert people.owner("POST", ITEMS, json=foreign).status_code == 409


def test_deleting_many_passes_over_hidden_ones_as_over_those_that_there_are_not(
    people: People, blob: dict[str, Any]
) -> None:
    name = ids.blob_id("data", *ids.split_blob_item_id(blob["id"]))
    answer = people.stranger("POST", "/blobs/deletions", json={"ids": [name, f"{name}x"]})
    assert (answer.status_code, answer.json()["objects_deleted"], answer.json()["ids"]) == (202, 0, [])
    strict = alike(
        people.stranger, "POST", "/blobs/deletions", name, json={"ids": ["{id}"], "raise_on_missing": True}
    )
    assert strict.status_code == 404
    for caller in (people.reader, people.writer):
        assert caller("POST", "/blobs/deletions", json={"ids": [name]}).status_code == 403
    assert people.owner("GET", f"{ITEMS}/{blob['id']}").status_code == 200
    assert people.owner.ok("POST", "/blobs/deletions", json={"ids": [name]})["ids"] == [name]


def test_a_deletion_is_visible_to_its_creator(people: People, blob: dict[str, Any]) -> None:
    name = ids.blob_id("data", *ids.split_blob_item_id(blob["id"]))
    record = people.owner.ok("POST", "/blobs/deletions", json={"ids": [name]})
    path = f"/blobs/deletions/{record['id']}"
    assert people.owner.ok("GET", path)["ids"] == [name]
    assert people.operator.ok("GET", path)["ids"] == [name]
    for caller in (people.reader, people.stranger, people.anybody):
        assert caller("GET", path).status_code == 404


def test_readers_of_a_blob_read_its_data_under_its_name(people: People, blob: dict[str, Any]) -> None:
    href = blob["assets"]["data"]["href"]
    for caller in (people.owner, people.writer, people.reader, people.operator):
        answer = caller("GET", href)
        assert answer.content == b"pixels"
        assert answer.headers["Cache-Control"].startswith("private")
    for outsider in people.outsiders:
        answer = alike(outsider, "GET", "{id}", href.replace("http://service.test", "").removesuffix("/data"))
        assert answer.status_code == 404
        assert outsider("GET", href).status_code == 404
        assert outsider("HEAD", href).status_code == 404


def test_the_collections_of_blobs_are_seen_by_all_without_what_their_items_cover(
    people: People, blob: dict[str, Any]
) -> None:
    here = f"/collections/{COLLECTION}"
    world = [[-180, -90, 180, 90]]
    for caller in (people.owner, people.reader, people.stranger, people.anybody):
        assert caller.ok("GET", here)["extent"]["spatial"]["bbox"] == world
        listed = caller.ok("GET", "/collections", params={"limit": 10_000})["collections"]
        (one,) = (one for one in listed if one["id"] == COLLECTION)
        assert one["extent"]["spatial"]["bbox"] == world
        params = {"bbox": "-10,-10,0,0", "limit": 10_000}
        assert COLLECTION in {
            one["id"] for one in caller.ok("GET", "/collections", params=params)["collections"]
        }
    assert people.operator.ok("GET", here)["extent"]["spatial"]["bbox"] != world


def test_the_collections_of_blobs_are_changed_by_operators_only(people: People, blob: dict[str, Any]) -> None:
    here = f"/collections/{COLLECTION}"
    document = people.owner.ok("GET", here)
    assert people.owner("PUT", here, json=document).status_code == 403
    assert people.owner("PATCH", here, json={OWNERS: ["user:ann"]}).status_code == 403
    assert people.owner("DELETE", here).status_code == 403
    assert people.owner("POST", f"{here}/deletion").status_code == 403


def test_blobs_of_the_service_itself_are_made_by_it_only(people: People) -> None:
    for kind in ("compute", "logs"):
        document = {**item(), "collection": f"blobs:{kind}"}
        assert people.owner("POST", "/blobs", json={"item": document}).status_code == 403


def test_grants_of_blobs_follow_their_items_by_whatever_way_they_are_written(
    people: People, blob: dict[str, Any], database: str
) -> None:
    def rows(conn: psycopg.Connection) -> list[Any]:
        query = "SELECT subjects FROM landbridge.blob_grants WHERE id = %s"
        return [sorted(row[0]) for row in conn.execute(query, (blob["id"],))]

    with psycopg.connect(database, autocommit=True, options="-c search_path=pgstac,public") as conn:
        assert rows(conn) == [["group:flood", "org:acme", "org:elsewhere", "user:ann", "user:ben"]]
        written = "jsonb_set(content, '{properties,catalog:readers}', '[\"user:dan\", 7]')"
        query = f"UPDATE items SET content = {written} WHERE collection = %s AND id = %s"
        conn.execute(query, (COLLECTION, blob["id"]))
        assert rows(conn) == [["org:acme", "user:ann", "user:ben", "user:dan"]]
        assert name_of(blob) in people.stranger.found()
        conn.execute("DELETE FROM items WHERE collection = %s AND id = %s", (COLLECTION, blob["id"]))
        assert rows(conn) == []


def test_an_organization_of_a_user_shares_its_blobs(
    people: People, service: Service, token: Callable[..., str], blob: dict[str, Any]
) -> None:
    colleague = Caller(service, token(Principal("abe", org="acme")))
    assert name_of(blob) in colleague.found(collections=[COLLECTION])


def test_an_upload_that_is_repeated_does_not_show_what_another_has_made_since(
    people: People, service: Service, token: Callable[..., str]
) -> None:
    colleague = Caller(service, token(Principal("abe", org="acme")))
    document = item(**{OWNERS: ["user:ann"]})
    announced = people.owner.ok("POST", "/blobs", json={"item": document})
    people.owner.ok("PUT", announced["url"], content=b"first")
    people.owner("DELETE", f"{ITEMS}/{document['id']}")
    upload(colleague, {**document, "properties": {"datetime": None, OWNERS: ["user:abe"]}})
    again = people.owner("PUT", announced["url"], content=b"first")
    assert again.status_code == 404
    assert "user:abe" not in again.text


def test_access_lists_of_a_collection_of_blobs_give_no_access(
    people: People, blob: dict[str, Any], database: str, service: Service
) -> None:
    options = "-c search_path=pgstac,public"
    with psycopg.connect(database, autocommit=True, options=options) as conn:
        for odd in ('["public", "user:dan"]', "[]"):
            lists = ", ".join(f"'{name}', '{odd}'::jsonb" for name in (OWNERS, WRITERS, READERS))
            changed = f"content || jsonb_build_object({lists})"
            conn.execute(f"UPDATE collections SET content = {changed} WHERE id = %s", (COLLECTION,))
            service.app.state.services.grants.clear()
            for outsider in people.outsiders:
                assert name_of(blob) not in outsider.found()
                assert outsider("GET", f"{ITEMS}/{blob['id']}").status_code == 404
            body = {"keywords": ["x"]}
            assert people.stranger("PATCH", f"/collections/{COLLECTION}", json=body).status_code == 403
