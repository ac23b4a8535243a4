"""Access lists: who sees them, who changes them, and how ownership moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import psycopg
import pytest

from access.people import Caller, People, new_id, share
from integration.conftest import stac_collection
from landbridge.stac_api.access.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.conftest import Service

OWNERS, WRITERS, READERS = "catalog:owners", "catalog:writers", "catalog:readers"
LISTS = {
    OWNERS: ["user:ann", "org:acme"],
    WRITERS: ["user:ben"],
    READERS: ["group:flood", "email:Cat@Gamma.test", "org:elsewhere"],
}


def lists_of(caller: Caller, product: str) -> dict[str, Any]:
    document = caller.ok("GET", f"/collections/{product}")
    return {name: document.get(name) for name in LISTS}


def test_a_new_product_belongs_to_its_maker_and_its_organization(people: People) -> None:
    people.owner.ok("POST", "/collections", json=stac_collection(name := new_id()))
    assert lists_of(people.owner, name) == {OWNERS: LISTS[OWNERS], WRITERS: [], READERS: []}


def test_a_new_product_gets_the_prefix_of_its_makers_organization(people: People) -> None:
    bare = new_id().partition(":")[2]
    answer = people.owner("POST", "/collections", json=stac_collection(bare))
    assert (answer.status_code, answer.json()["id"]) == (201, f"acme:{bare}")
    assert answer.headers["Location"].endswith(f"/collections/acme:{bare}")


@pytest.mark.parametrize("identifier", ["delta:taken", ":mine", "acme:", "acme2:one", "ACME:one"])
def test_a_product_in_anothers_namespace_is_refused(people: People, identifier: str) -> None:
    answer = people.owner("POST", "/collections", json=stac_collection(identifier))
    assert answer.status_code == 403
    assert "'acme:'" in answer.json()["description"]


def test_without_an_organization_the_user_id_is_the_prefix(
    service: Service, token: Callable[..., str]
) -> None:
    alone = Caller(service, token(Principal("eve")))
    made = alone.ok("POST", "/collections", json=stac_collection(new_id().partition(":")[2]))
    assert made["id"].startswith("eve:")
    assert made[OWNERS] == ["user:eve"]


def test_an_operator_keeps_the_id_it_gives(people: People) -> None:
    name = new_id("any")
    assert people.operator.ok("POST", "/collections", json=stac_collection(name))["id"] == name


def test_owners_see_whole_lists_and_others_the_entries_that_let_them_in(people: People, product: str) -> None:
    assert lists_of(people.owner, product) == LISTS
    assert lists_of(people.operator, product) == LISTS
    assert lists_of(people.writer, product) == {OWNERS: [], WRITERS: ["user:ben"], READERS: []}
    seen = {OWNERS: [], WRITERS: [], READERS: ["group:flood", "email:Cat@Gamma.test"]}
    assert lists_of(people.reader, product) == seen
    listed = people.reader.ok("GET", "/collections", params={"limit": 10_000})["collections"]
    assert [{name: one[name] for name in LISTS} for one in listed if one["id"] == product] == [seen]


def test_fields_show_no_more_of_a_list(people: People, product: str) -> None:
    params = {"fields": f"id,{READERS},{OWNERS}", "limit": 10_000}
    listed = people.writer.ok("GET", "/collections", params=params)["collections"]
    assert [one[OWNERS] + one[READERS] for one in listed if one["id"] == product] == [[]]


def test_everybody_in_an_organization_owns_what_the_organization_owns(
    people: People, service: Service, token: Callable[..., str], product: str
) -> None:
    colleague = Caller(service, token(Principal("abe", org="acme")))
    assert lists_of(colleague, product) == LISTS


@pytest.mark.parametrize("name", [OWNERS, WRITERS, READERS])
@pytest.mark.parametrize("language", ["json", "text"])
def test_a_filter_by_a_list_finds_by_what_the_caller_sees_of_it(
    people: People, product: str, name: str, language: str
) -> None:
    def found(caller: Caller, entry: str) -> bool:
        if language == "json":
            tree = {"op": "a_contains", "args": [{"property": name}, [entry]]}
            params = {"filter": orjson.dumps(tree).decode(), "filter-lang": "cql2-json"}
        else:
            params = {"filter": f"A_CONTAINS(\"{name}\", ('{entry}'))", "filter-lang": "cql2-text"}
        return product in caller.collections(**params)

    for entry in LISTS[name]:
        assert found(people.owner, entry), entry
        for caller in (people.writer, people.reader):
            seen = entry in lists_of(caller, product)[name]
            assert found(caller, entry) == seen, entry
    assert not found(people.owner, "user:nobody")


@pytest.mark.parametrize(
    "condition",
    [
        f'"{READERS}" IS NULL',
        f'NOT ("{READERS}" IS NULL)',
        f"A_EQUALS(\"{READERS}\", ('group:flood', 'email:Cat@Gamma.test', 'org:elsewhere'))",
        f"NOT A_CONTAINS(\"{READERS}\", ('org:elsewhere'))",
        f"A_OVERLAPS(\"{READERS}\", ('org:elsewhere', 'x'))",
        f"\"properties.{READERS}\" = 'org:elsewhere'",
        f"\"{READERS}.2\" = 'org:elsewhere'",
        f"\"{READERS}.org:elsewhere\" = 'x'",
    ],
)
def test_no_filter_tells_whether_a_hidden_entry_is_there(people: People, condition: str) -> None:
    shared = {WRITERS: ["user:ben"], READERS: ["group:flood", "email:Cat@Gamma.test"]}
    product, other = share(people, **{**shared, READERS: LISTS[READERS]}), share(people, **shared)
    listed = people.reader.collections(filter=condition, **{"filter-lang": "cql2-text"})
    assert (product in listed) == (other in listed)


def test_nothing_is_sorted_by_a_list(people: People) -> None:
    for name in LISTS:
        for field in (name, f"properties.{name}", f"{name}.0"):
            assert people.reader("GET", "/collections", params={"sortby": field}).status_code == 400
            assert people.reader("GET", "/search", params={"sortby": f"-{field}"}).status_code == 400


def test_a_patch_cannot_ask_what_is_in_a_list(people: People, product: str) -> None:
    for entry in ("org:elsewhere", "org:nowhere"):
        patch = [{"op": "test", "path": f"/{READERS}/0", "value": entry}]
        answer = people.writer("PATCH", f"/collections/{product}", json=patch)
        assert answer.status_code == 409
        assert "group:flood" not in answer.text


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_writer_that_gives_the_lists_back_as_shown_changes_none(
    people: People, product: str, method: str
) -> None:
    document = people.writer.ok("GET", f"/collections/{product}")
    changed = people.writer.ok(method, f"/collections/{product}", json={**document, "title": "better"})
    assert changed["title"] == "better"
    assert changed[READERS] == []
    assert lists_of(people.owner, product) == LISTS


def test_a_document_put_without_lists_changes_none(people: People, product: str) -> None:
    for caller in (people.writer, people.owner, people.operator):
        people_document = caller.ok("GET", f"/collections/{product}")
        document = {key: value for key, value in people_document.items() if key not in LISTS}
        caller.ok("PUT", f"/collections/{product}", json=document)
        assert lists_of(people.owner, product) == LISTS


@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in LISTS for value in (["user:ben", "org:beta"], ["public"])] + [(WRITERS, None)],
)
def test_a_writer_that_changes_a_list_is_refused(
    people: People, product: str, name: str, value: list[str] | None
) -> None:
    answer = people.writer("PATCH", f"/collections/{product}", json={name: value})
    assert answer.status_code == 403
    assert name in answer.json()["description"]
    assert lists_of(people.owner, product) == LISTS


def test_a_writer_that_says_its_document_is_of_another_type_changes_no_list(
    people: People, product: str
) -> None:
    for body in (
        {"type": "Feature", "properties": {}, READERS: ["public"]},
        {"type": "Feature", "properties": {READERS: [], WRITERS: ["user:ben"]}, READERS: ["public"]},
    ):
        answer = people.writer("PATCH", f"/collections/{product}", json=body)
        assert answer.status_code in (400, 403)
        assert lists_of(people.owner, product) == LISTS
    assert people.anybody("GET", f"/collections/{product}").status_code == 404


def test_a_malformed_stored_list_is_hidden_from_writers(people: People, product: str, database: str) -> None:
    with psycopg.connect(database, autocommit=True, options="-c search_path=pgstac,public") as conn:
        odd = "jsonb_set(content, '{catalog:readers}', '[\"hidden-entry\", \"user:cat\"]')"
        conn.execute(f"UPDATE collections SET content = {odd} WHERE id = %s", (product,))
    changed = people.writer("PATCH", f"/collections/{product}", json={"title": "mine"})
    assert "hidden-entry" not in changed.text
    assert changed.status_code == 200
    assert lists_of(people.owner, product)[READERS] == ["hidden-entry", "user:cat"]


def test_an_owner_grants_and_revokes_and_that_holds_at_once(people: People, product: str) -> None:
    here = f"/collections/{product}"
    assert people.stranger("GET", here).status_code == 404
    people.owner.ok("PATCH", here, json={READERS: ["user:dan"]})
    assert people.stranger("GET", here).status_code == 200
    assert people.stranger.found(collections=[product])
    assert people.reader("GET", here).status_code == 404
    assert not people.reader.found(collections=[product])
    people.owner.ok("PATCH", here, json={READERS: None, WRITERS: ["org:delta"]})
    assert people.stranger.ok("PATCH", here, json={"title": "from delta"})["title"] == "from delta"
    people.owner.ok("PATCH", here, json={WRITERS: []})
    assert people.stranger("GET", here).status_code == 404


def test_ownership_moves_in_two_steps(people: People) -> None:
    people.owner.ok("POST", "/collections", json=stac_collection(name := new_id()))
    here = f"/collections/{name}"
    people.owner.ok("PATCH", here, json={OWNERS: ["user:ann"]})
    for given in (["user:dan"], ["org:delta"], [], None):
        answer = people.owner("PATCH", here, json={OWNERS: given})
        assert answer.status_code == 409
        assert "add the new owner" in answer.json()["description"]
    people.owner.ok("PATCH", here, json={OWNERS: ["user:ann", "user:dan"]})
    people.stranger.ok("PATCH", here, json={OWNERS: ["user:dan"]})
    assert people.owner("GET", here).status_code == 404
    assert lists_of(people.stranger, name)[OWNERS] == ["user:dan"]


def test_a_product_cannot_be_made_for_another_user(people: People) -> None:
    document = stac_collection(new_id(), **{OWNERS: ["user:dan"]})
    assert people.owner("POST", "/collections", json=document).status_code == 409


@pytest.mark.parametrize(
    ("name", "entry"),
    [(OWNERS, "email:a@b.c"), (OWNERS, "group:g"), (OWNERS, "public"), (WRITERS, "public"), (READERS, "dan")],
)
def test_an_entry_of_the_wrong_kind_is_refused(people: People, product: str, name: str, entry: str) -> None:
    body = {name: [*LISTS[name], entry]}
    assert people.owner("PATCH", f"/collections/{product}", json=body).status_code == 400


def test_only_owners_delete_a_product(people: People) -> None:
    lists = {WRITERS: ["user:ben"], READERS: ["user:cat"]}
    people.owner.ok("POST", "/collections", json=stac_collection(name := new_id(), bands=[], **lists))
    here = f"/collections/{name}"
    assert people.writer("DELETE", here).status_code == 403
    assert people.reader("DELETE", here).status_code == 403
    assert people.stranger("DELETE", here).status_code == 404
    assert people.owner("DELETE", here).status_code == 204
    assert people.reader("GET", here).status_code == 404
    assert name not in people.reader.collections()


def test_an_address_has_no_case(people: People, service: Service, token: Callable[..., str]) -> None:
    product = share(people, **{READERS: ["email:Zoë@Gamma.TEST"], WRITERS: []})
    zoe = Caller(service, token(Principal("zoe", email="zoË@gamma.test")))
    assert product in zoe.collections()
    assert lists_of(zoe, product)[READERS] == ["email:Zoë@Gamma.TEST"]
    assert product in zoe.collections(
        filter=f"A_CONTAINS(\"{READERS}\", ('email:Zoë@Gamma.TEST'))", **{"filter-lang": "cql2-text"}
    )
