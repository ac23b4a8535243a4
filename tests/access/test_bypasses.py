"""Ways round the rules that others' servers were found to have, each closed; see server.md, section 6."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from access.people import People, alike, new_id, share
from integration.conftest import stac_collection, stac_item

if TYPE_CHECKING:
    from access.conftest import Service


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_body_with_the_id_of_another_collection_does_not_overwrite_that(
    people: People, product: str, method: str
) -> None:
    own = new_id("delta")
    people.stranger.ok("POST", "/collections", json=stac_collection(own))
    before = people.owner.ok("GET", f"/collections/{product}")
    body = stac_collection(product, title="mine now")
    assert people.stranger(method, f"/collections/{own}", json=body).status_code == 400
    assert people.owner.ok("GET", f"/collections/{product}") == before


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_body_with_the_id_of_another_item_or_collection_changes_neither(
    people: People, product: str, method: str
) -> None:
    own = new_id("delta")
    people.stranger.ok("POST", "/collections", json=stac_collection(own))
    people.stranger.ok("POST", f"/collections/{own}/items", json=stac_item(own, "one"))
    before = people.owner.ok("GET", f"/collections/{product}/items/one")
    for body in (stac_item(product, "one"), stac_item(own, "two")):
        assert people.stranger(method, f"/collections/{own}/items/one", json=body).status_code == 400
    assert people.owner.ok("GET", f"/collections/{product}/items/one") == before


@pytest.mark.parametrize("member", ["collection", "id"])
def test_an_array_of_patches_moves_nothing_elsewhere(people: People, product: str, member: str) -> None:
    own = new_id("delta")
    people.stranger.ok("POST", "/collections", json=stac_collection(own))
    people.stranger.ok("POST", f"/collections/{own}/items", json=stac_item(own, "mine"))
    patch = [{"op": "replace", "path": f"/{member}", "value": product if member == "collection" else "one"}]
    assert people.stranger("PATCH", f"/collections/{own}/items/mine", json=patch).status_code == 400


def test_a_feature_collection_that_names_ones_own_collection_does_not_write_into_a_hidden_one(
    people: People, product: str
) -> None:
    own = new_id("delta")
    people.stranger.ok("POST", "/collections", json=stac_collection(own))
    for named in (own, product):
        features = [stac_item(named, "planted")]
        body = {"type": "FeatureCollection", "collection": own, "features": features}
        assert people.stranger("POST", f"/collections/{product}/items", json=body).status_code == 404
    assert people.owner("GET", f"/collections/{product}/items/planted").status_code == 404


@pytest.mark.parametrize("way", ["items", "bulk_items", "features"])
def test_items_that_name_another_collection_than_the_path_are_refused(
    people: People, product: str, way: str
) -> None:
    own = new_id("delta")
    people.stranger.ok("POST", "/collections", json=stac_collection(own))
    item = stac_item(product, "planted")
    body = {
        "items": item,
        "bulk_items": {"items": {"planted": item}},
        "features": {"type": "FeatureCollection", "features": [item]},
    }[way]
    path = "bulk_items" if way == "bulk_items" else "items"
    assert people.stranger("POST", f"/collections/{own}/{path}", json=body).status_code == 400
    for collection in (product, own):
        assert people.operator("GET", f"/collections/{collection}/items/planted").status_code == 404


def test_bulk_writes_into_a_hidden_collection_find_none(people: People, product: str) -> None:
    for method in ("insert", "upsert"):
        body = {"items": {"one": stac_item("{id}", "one")}, "method": method}
        assert (
            alike(people.stranger, "POST", "/collections/{id}/bulk_items", product, json=body).status_code
            == 404
        )


def test_a_query_is_of_what_the_caller_may_see(people: People, product: str) -> None:
    query = {"eo:cloud_cover": {"lt": 20}}
    mine = {f"{product}/one", f"{product}/two"}
    assert people.reader.found(query=query) >= mine
    for outsider in people.outsiders:
        assert not outsider.found(query=query) & mine
        assert outsider.found(query=query, collections=[product]) == set()


def test_queryables_of_a_hidden_collection_are_of_none(people: People, product: str) -> None:
    for outsider in people.outsiders:
        assert alike(outsider, "GET", "/collections/{id}/queryables", product).status_code == 404
    assert people.reader.ok("GET", f"/collections/{product}/queryables")["properties"]


def test_global_queryables_tell_nothing_of_hidden_collections(people: People) -> None:
    before = people.stranger.ok("GET", "/queryables")
    summaries = {"hidden:property": ["secret"]}
    share(people, summaries=summaries, item_assets={"hidden": {"bands": [{"name": "hidden-band"}]}})
    assert people.stranger.ok("GET", "/queryables") == before
    assert "hidden" not in orjson.dumps(before).decode()


def test_aggregations_are_of_what_the_caller_may_see(people: People, product: str) -> None:
    counted = ("total_count", "collection_frequency", "datetime_min", "datetime_frequency")
    narrow: list[dict[str, Any]] = [
        {},
        {"collections": [product]},
        {"ids": ["one", "two"]},
        {"bbox": [0, 0, 90, 80]},
        {"query": {"eo:cloud_cover": {"eq": 5}}},
        {"filter": {"op": "=", "args": [{"property": "collection"}, product]}, "filter-lang": "cql2-json"},
    ]
    for body in narrow:
        seen = people.reader.aggregated(*counted, **body)
        assert seen["collection_frequency"][product] == 2, body
        for outsider in people.outsiders:
            hidden = outsider.aggregated(*counted, **body)
            assert product not in hidden["collection_frequency"], body
            assert hidden["total_count"] == sum(hidden["collection_frequency"].values()), body
            if "collections" in body:
                assert (hidden["total_count"], hidden["datetime_min"]) == (0, None)
                assert hidden["datetime_frequency"] == {}


@pytest.mark.parametrize(("method", "path"), [
    ("GET", "aggregate"), ("POST", "aggregate"), ("GET", "aggregations"), ("POST", "aggregations"),
])  # fmt: skip
def test_aggregations_of_a_hidden_collection_are_of_none(
    people: People, product: str, method: str, path: str
) -> None:
    body = {"json": {}} if method == "POST" else {}
    for outsider in people.outsiders:
        answer = alike(outsider, method, f"/collections/{{id}}/{path}", product, **body)
        assert answer.status_code == 404
    assert people.reader(method, f"/collections/{product}/{path}", **body).status_code == 200


def test_an_id_in_anothers_namespace_is_refused_whether_or_not_it_is_taken(
    people: People, product: str
) -> None:
    answer = alike(people.stranger, "POST", "/collections", product, json=stac_collection("{id}"))
    assert answer.status_code == 403


def test_a_conflict_does_not_reveal_the_id_of_a_hidden_item(people: People, product: str) -> None:
    for item in ("one", "no-such"):
        answer = people.stranger("POST", f"/collections/{product}/items", json=stac_item(product, item))
        assert answer.status_code == 404
        assert answer.json()["description"] == f"Collection {product} does not exist."


def _token(*values: Any, order: str, direction: str = "next") -> str:
    raw = base64.urlsafe_b64encode(orjson.dumps([order, *values])).decode().rstrip("=")
    return f"{direction}:{raw}"


def test_a_paging_token_made_up_for_a_hidden_item_is_as_good_as_one_for_none(
    people: People, product: str
) -> None:
    own = new_id("delta")
    people.stranger.ok("POST", "/collections", json=stac_collection(own))
    for name in ("a", "b", "c"):
        people.stranger.ok("POST", f"/collections/{own}/items", json=stac_item(own, name))
    page = people.stranger.ok("POST", "/search", json={"limit": 1, "collections": [own]})
    given = next(link["body"]["token"] for link in page["links"] if link["rel"] == "next")
    order, when, *_ = orjson.loads(base64.urlsafe_b64decode(given.partition(":")[2] + "=="))
    for direction in ("next", "prev"):
        answers = []
        for item in ("one", "one-that-is-not"):
            token = _token(when, product, item, order=order, direction=direction)
            body = {"limit": 10, "token": token, "collections": [own, product]}
            answer = people.stranger("POST", "/search", json=body)
            assert answer.status_code == 200
            document = answer.json()
            assert {one["collection"] for one in document["features"]} <= {own}
            answers.append((document["features"], document["numberMatched"]))
        assert answers[0] == answers[1]


def test_pages_end_with_the_last_visible_item(people: People, product: str) -> None:
    own = new_id("delta")
    people.stranger.ok("POST", "/collections", json=stac_collection(own))
    people.stranger.ok("POST", f"/collections/{own}/items", json=stac_item(own, "only"))
    page = people.stranger.ok("POST", "/search", json={"limit": 1, "collections": [own, product]})
    assert page["numberMatched"] == 1
    assert {link["rel"] for link in page["links"]}.isdisjoint({"next", "previous"})


def test_stock_tokens_that_name_an_item_tell_nothing(people: People, product: str) -> None:
    for token in (f"next:{product}:one", f"next:{product}:nothing", "next:one"):
        assert people.stranger("POST", "/search", json={"token": token}).status_code == 400


@pytest.mark.parametrize("missing", ["id", "type", "properties", "geometry"])
def test_a_body_without_a_property_is_a_bad_request(people: People, missing: str) -> None:
    own = new_id("delta")
    people.stranger.ok("POST", "/collections", json=stac_collection(own))
    body = stac_item(own, "some")
    del body[missing]
    answer = people.stranger("POST", f"/collections/{own}/items", json=body)
    assert answer.status_code in (400, 201), answer.text
    assert people.stranger("POST", "/collections", json={"type": "Collection"}).status_code == 400


def _writes(product: str) -> list[tuple[str, str, Any]]:
    here, item = f"/collections/{product}", stac_item(product, "one")
    return [
        ("PUT", here, stac_collection(product)),
        ("PATCH", here, {"title": "changed"}),
        ("PATCH", here, [{"op": "replace", "path": "/title", "value": "changed"}]),
        ("DELETE", here, None),
        ("POST", f"{here}/items", stac_item(product, "three")),
        ("POST", f"{here}/items", {"type": "FeatureCollection", "features": [stac_item(product, "three")]}),
        ("PUT", f"{here}/items/one", item),
        ("PATCH", f"{here}/items/one", {"properties": {"eo:cloud_cover": 1}}),
        ("DELETE", f"{here}/items/one", None),
        ("POST", f"{here}/bulk_items", {"items": {"one": item}, "method": "upsert"}),
        ("POST", f"{here}/deletion", None),
        ("POST", "/uploads", {"item": item, "files": [{"name": "a.tif", "size": 1}], "overwrite": True}),
    ]


def test_readers_write_nothing_and_outsiders_know_of_nothing_to_write(people: People, product: str) -> None:
    before = people.owner.ok("GET", f"/collections/{product}"), people.owner.found(collections=[product])
    for method, path, body in _writes(product):
        options = {} if body is None else {"json": body}
        assert people.reader(method, path, **options).status_code == 403, (method, path)
        assert people.anybody(method, path, **options).status_code == 401, (method, path)
        assert people.stranger(method, path, **options).status_code == 404, (method, path)
    assert (
        people.owner.ok("GET", f"/collections/{product}"),
        people.owner.found(collections=[product]),
    ) == before


def test_a_write_to_what_is_hidden_is_answered_as_one_to_what_there_is_not(
    people: People, product: str
) -> None:
    for method, path, body in _writes("{id}"):
        options = {} if body is None else {"json": body}
        assert alike(people.stranger, method, path, product, **options).status_code == 404


def test_a_read_of_what_is_hidden_is_answered_as_one_of_what_there_is_not(
    people: People, product: str
) -> None:
    here = "/collections/{id}"
    for path in (
        here,
        f"{here}/items",
        f"{here}/items/one",
        f"{here}/deletion",
        "/assets/images/{id}/one/v/f.tif",
    ):
        for outsider in people.outsiders:
            assert alike(outsider, "GET", path, product).status_code == 404


def test_conf_of_a_search_changes_nothing(people: People, product: str) -> None:
    conf = {"context": "on", "nohydrate": True, "context_stats_ttl": "0", "statement_timeout": "0"}
    for outsider in people.outsiders:
        plain = outsider.ok("POST", "/search", json={"collections": [product]})
        assert outsider.ok("POST", "/search", json={"collections": [product], "conf": conf}) == plain | {
            "links": outsider.ok("POST", "/search", json={"collections": [product], "conf": conf})["links"]
        }
        assert (plain["features"], plain["numberMatched"]) == ([], 0)


def test_searches_by_id_place_and_filter_find_nothing_hidden(people: People, product: str) -> None:
    mine = {f"{product}/one", f"{product}/two"}
    ways: list[dict[str, Any]] = [
        {"ids": ["one", "two"]},
        {"collections": [product]},
        {"bbox": [10, 10, 11, 11]},
        {"filter": {"op": "=", "args": [{"property": "collection"}, product]}},
        {"filter": {"op": "or", "args": [{"op": "=", "args": [{"property": "id"}, "one"]}, True]}},
        {"filter": {"op": "not", "args": [{"op": "=", "args": [{"property": "id"}, "nothing"]}]}},
        {"filter": ") OR TRUE OR (", "filter-lang": "cql2-text"},
    ]
    for body in ways[:-1]:
        assert people.reader.found(**body) & mine, body
        for outsider in people.outsiders:
            assert not outsider.found(**body) & mine, body
    assert people.stranger("POST", "/search", json=ways[-1]).status_code == 400


def test_lists_and_counts_include_only_visible_collections(people: People, product: str) -> None:
    ways: list[dict[str, Any]] = [
        {},
        {"bbox": "0,0,90,80"},
        {"datetime": "2024-05-01T00:00:00Z/2024-05-02T00:00:00Z"},
        {"q": "test"},
        {"filter": f"id = '{product}'", "filter-lang": "cql2-text"},
    ]
    for params in ways:
        assert product in people.reader.collections(**params), params
        for outsider in people.outsiders:
            assert product not in outsider.collections(**params), params


def test_the_landing_page_links_to_what_the_caller_may_see(people: People, product: str) -> None:
    def children(caller: Any) -> set[str]:
        links = caller.ok("GET", "/")["links"]
        return {link["href"].rpartition("/")[2] for link in links if link["rel"] == "child"}

    assert product in children(people.reader)
    assert product not in children(people.stranger) | children(people.anybody)


def test_public_objects_are_readable_by_every_caller(people: People) -> None:
    product = share(people, **{"catalog:readers": ["public"]})
    for outsider in people.outsiders:
        assert product in outsider.collections()
        assert outsider.found(collections=[product]) == {f"{product}/one", f"{product}/two"}
        assert outsider.ok("GET", f"/collections/{product}/items/one")["id"] == "one"
    assert people.stranger("PATCH", f"/collections/{product}", json={"title": "x"}).status_code == 403


def test_a_collection_without_owners_is_the_operators_alone(people: People) -> None:
    product = new_id()
    document = stac_collection(product, **{"catalog:readers": ["org:gamma"], "catalog:writers": []})
    people.operator.ok("POST", "/collections", json=document)
    people.operator.ok("PATCH", f"/collections/{product}", json=[{"op": "remove", "path": "/catalog:owners"}])
    assert people.reader("GET", f"/collections/{product}").status_code == 200
    assert people.owner("GET", f"/collections/{product}").status_code == 404
    assert people.reader("PATCH", f"/collections/{product}", json={"title": "x"}).status_code == 403


def test_errors_of_database_constraints_hide_the_rows(people: People, service: Service) -> None:
    import asyncpg
    import psycopg

    from landbridge.stac_api.api import error_responses

    for error in (
        asyncpg.UniqueViolationError('duplicate key value violates unique constraint "_items_7_pk"'),
        psycopg.errors.UniqueViolation("Key (collection, id)=(acme:hidden, one) already exists."),
        psycopg.errors.CheckViolation("Failing row contains (one, secret)"),
    ):
        answer = service.run(error_responses.handle(None, error))
        assert answer.status_code in (400, 409)
        for told in (b"hidden", b"_items_7", b"secret"):
            assert told not in answer.body
