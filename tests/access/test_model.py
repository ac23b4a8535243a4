"""Three users and anybody, who share, revoke, give away, write and delete at random, against a small model.

No read returns what the model forbids, nor keeps back what it allows, whatever door it goes through.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from access.conftest import OPERATOR
from access.people import BASE, Caller
from conftest import LONG
from integration.conftest import stac_collection, stac_item
from landbridge.mappings import ids
from landbridge.stac_api.access.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.conftest import Service

EXAMPLES, STEPS = (170, 100) if LONG else (6, 50)
BLOBS = "blobs:data"
OWNERS, WRITERS, READERS = LISTS = ("catalog:owners", "catalog:writers", "catalog:readers")
USERS = (
    Principal("m-a", org="m-x"),
    Principal("m-b", org="m-y", groups=("m-g",)),
    Principal("m-c", org="m-y", email="m-c@y.test"),
)
# What each answers to, written down rather than asked of the code under test.
SUBJECTS: tuple[frozenset[str], ...] = (
    frozenset({"public", "user:m-a", "org:m-x"}),
    frozenset({"public", "user:m-b", "org:m-y", "group:m-g"}),
    frozenset({"public", "user:m-c", "org:m-y", "email:m-c@y.test"}),
    frozenset({"public"}),
)
ANYBODY = 3
who = st.integers(0, 2)
anyone = st.integers(0, 3)
which = st.integers(0, 999)
owning = st.sampled_from(["user:m-a", "user:m-b", "user:m-c", "org:m-x", "org:m-y"])
entering = st.one_of(owning, st.sampled_from(["group:m-g", "email:m-c@y.test", "org:m-z"]))
reading = st.one_of(entering, st.just("public"))
lists = st.fixed_dictionaries(
    {},
    optional={
        OWNERS: st.lists(owning, unique=True, max_size=3),
        WRITERS: st.lists(entering, unique=True, max_size=2),
        READERS: st.lists(reading, unique=True, max_size=2),
    },
)
_numbers = itertools.count(1)


@dataclass
class Thing:
    """A product or a blob as the model has it."""

    id: str
    lists: dict[str, list[str]]
    items: set[str] = field(default_factory=set)
    href: str = ""

    def role(self, caller: int) -> int:
        """0 none, 1 reader, 2 writer, 3 owner."""
        for strength, name in zip((3, 2, 1), LISTS, strict=True):
            if SUBJECTS[caller] & set(self.lists[name]):
                return strength
        return 0

    def shown(self, caller: int) -> dict[str, list[str]]:
        if self.role(caller) == 3:
            return self.lists
        return {name: [one for one in held if one in SUBJECTS[caller]] for name, held in self.lists.items()}

    def changed(self, caller: int, wanted: dict[str, list[str]]) -> int:
        """Return the status of a patch of the access lists; it takes effect if that is 200."""
        role = self.role(caller)
        if caller == ANYBODY:
            return 401
        if role < 2:
            return 403 if role else 404
        shown = self.shown(caller)
        if role == 2:
            return 403 if any(shown[name] != value for name, value in wanted.items()) else 200
        if OWNERS in wanted and not SUBJECTS[caller] & set(wanted[OWNERS]):
            return 409
        self.lists = {**self.lists, **wanted}
        return 200


class Model(RuleBasedStateMachine):
    service: ClassVar[Service]
    tokens: ClassVar[list[str]]
    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.callers = [*(Caller(self.service, one) for one in self.tokens), Caller(self.service, None)]
        self.operator = Caller(self.service, OPERATOR)
        self.products: dict[str, Thing] = {}
        self.blobs: dict[str, Thing] = {}
        self.gone: list[str] = []
        self.round = next(_numbers)

    @initialize()
    def begin(self) -> None:
        self.make_product(0, {WRITERS: ["user:m-b"]})
        self.make_blob(1, {READERS: ["public"]})

    def teardown(self) -> None:
        for product in self.products.values():
            for name in product.items:
                self.operator("DELETE", f"/collections/{product.id}/items/{name}")
            self.operator("PATCH", f"/collections/{product.id}", json={"bands": []})
            self.operator.ok("DELETE", f"/collections/{product.id}")
        for blob in self.blobs.values():
            self.operator.ok("DELETE", f"/collections/{BLOBS}/items/{blob.id}")

    def product(self, number: int) -> Thing:
        return list(self.products.values())[number % len(self.products)]

    def blob(self, number: int) -> Thing:
        return list(self.blobs.values())[number % len(self.blobs)]

    def new_lists(self, caller: int, wanted: dict[str, list[str]]) -> dict[str, list[str]]:
        owners = wanted.get(OWNERS) or [f"user:{USERS[caller].user}", f"org:{USERS[caller].org}"]
        return {WRITERS: [], READERS: [], **wanted, OWNERS: owners}

    # Writes
    @precondition(lambda self: len(self.products) < 4)
    @rule(caller=who, wanted=lists)
    def make_product(self, caller: int, wanted: dict[str, list[str]]) -> None:
        name = f"{USERS[caller].org}:m{self.round}-{next(_numbers)}"
        made = Thing(name, self.new_lists(caller, wanted))
        answer = self.callers[caller]("POST", "/collections", json=stac_collection(name, bands=[], **wanted))
        assert answer.status_code == (201 if made.role(caller) == 3 else 409), answer.text
        if answer.status_code == 201:
            self.products[name] = made

    @rule(caller=anyone, number=which)
    def take_anothers_id(self, caller: int, number: int) -> None:
        name = self.product(number).id if self.products else "m-x:nothing"
        own = caller != ANYBODY and name.startswith(f"{USERS[caller].org}:")
        expected = 401 if caller == ANYBODY else 409 if own and name in self.products else None
        if expected is None and own:
            return
        answer = self.callers[caller]("POST", "/collections", json=stac_collection(name, bands=[]))
        assert answer.status_code == (expected or 403), answer.text

    @precondition(lambda self: self.products)
    @rule(caller=anyone, number=which, wanted=lists)
    def share_product(self, caller: int, number: int, wanted: dict[str, list[str]]) -> None:
        product = self.product(number)
        answer = self.callers[caller]("PATCH", f"/collections/{product.id}", json=wanted)
        assert answer.status_code == product.changed(caller, wanted), answer.text

    @precondition(lambda self: self.products)
    @rule(caller=anyone, number=which, named=which, bulk=st.booleans())
    def write_item(self, caller: int, number: int, named: int, bulk: bool) -> None:
        product, name = self.product(number), f"i{named % 3}"
        item = stac_item(product.id, name)
        path = f"/collections/{product.id}/{'bulk_items' if bulk else 'items'}"
        body = {"items": {name: item}, "method": "upsert"} if bulk else item
        answer = self.callers[caller]("POST", path, json=body)
        taken = name in product.items and not bulk
        allowed = 409 if taken else 200 if bulk else 201
        assert answer.status_code == self.write_status(caller, product, allowed), answer.text
        if answer.is_success:
            product.items.add(name)

    @precondition(lambda self: self.products)
    @rule(caller=anyone, number=which, named=which)
    def change_item(self, caller: int, number: int, named: int) -> None:
        product, name = self.product(number), f"i{named % 3}"
        path = f"/collections/{product.id}/items/{name}"
        answer = self.callers[caller]("PATCH", path, json={"properties": {"eo:cloud_cover": named % 100}})
        expected = self.write_status(caller, product, 200)
        if name not in product.items and expected != 401:
            expected = 404
        assert answer.status_code == expected, answer.text

    @precondition(lambda self: self.products)
    @rule(caller=anyone, number=which, named=which)
    def delete_item(self, caller: int, number: int, named: int) -> None:
        product, name = self.product(number), f"i{named % 3}"
        answer = self.callers[caller]("DELETE", f"/collections/{product.id}/items/{name}")
        expected = self.write_status(caller, product, 204)
        if name not in product.items and expected != 401:
            expected = 404
        assert answer.status_code == expected, answer.text
        if answer.is_success:
            product.items.discard(name)

    @precondition(lambda self: self.products)
    @rule(caller=anyone, number=which)
    def delete_product(self, caller: int, number: int) -> None:
        product = self.product(number)
        answer = self.callers[caller]("DELETE", f"/collections/{product.id}")
        expected = (
            401 if caller == ANYBODY else (404, 403, 403, 409 if product.items else 204)[product.role(caller)]
        )
        assert answer.status_code == expected, answer.text
        if answer.is_success:
            self.gone.append(self.products.pop(product.id).id)

    @precondition(lambda self: len(self.blobs) < 5)
    @rule(caller=who, wanted=lists)
    def make_blob(self, caller: int, wanted: dict[str, list[str]]) -> None:
        name = ids.blob_item_id(str(USERS[caller].org), f"m{self.round}-{next(_numbers)}")
        made = Thing(name, self.new_lists(caller, {key: value for key, value in wanted.items() if value}))
        item = {
            **stac_item(BLOBS, name),
            "properties": {"datetime": None, **{key: value for key, value in wanted.items() if value}},
        }
        answer = self.callers[caller]("POST", "/blobs", json={"item": item})
        assert answer.status_code == (201 if made.role(caller) == 3 else 409), answer.text
        if answer.status_code == 201:
            sent = self.callers[caller].ok("PUT", answer.json()["url"], content=b"data")
            made.href = sent["assets"]["data"]["href"]
            self.blobs[name] = made

    @precondition(lambda self: self.blobs)
    @rule(caller=anyone, number=which, wanted=lists)
    def share_blob(self, caller: int, number: int, wanted: dict[str, list[str]]) -> None:
        blob = self.blob(number)
        path = f"/collections/{BLOBS}/items/{blob.id}"
        answer = self.callers[caller]("PATCH", path, json={"properties": wanted})
        assert answer.status_code == blob.changed(caller, wanted), answer.text

    @precondition(lambda self: self.blobs)
    @rule(caller=anyone, number=which, many=st.booleans())
    def delete_blob(self, caller: int, number: int, many: bool) -> None:
        blob = self.blob(number)
        role = 0 if caller == ANYBODY else blob.role(caller)
        if many:
            name = ids.blob_id("data", *ids.split_blob_item_id(blob.id))
            answer = self.callers[caller]("POST", "/blobs/deletions", json={"ids": [name]})
            expected = (202, 403, 403, 202)[role]
        else:
            answer = self.callers[caller]("DELETE", f"/collections/{BLOBS}/items/{blob.id}")
            expected = (404, 403, 403, 204)[role]
        assert answer.status_code == (401 if caller == ANYBODY else expected), answer.text
        if answer.is_success and role == 3:
            del self.blobs[blob.id]

    @staticmethod
    def write_status(caller: int, product: Thing, allowed: int) -> int:
        if caller == ANYBODY:
            return 401
        return (404, 403, allowed, allowed)[product.role(caller)]

    # Reads
    def visible(self, caller: int) -> tuple[set[str], set[str]]:
        """The collections and the items that a caller may see."""
        products = [one for one in self.products.values() if one.role(caller)]
        items = {f"{one.id}/{name}" for one in products for name in one.items}
        blobs = {f"{BLOBS}/{one.id}" for one in self.blobs.values() if one.role(caller)}
        return {one.id for one in products}, items | blobs

    def mine(self, found: set[str]) -> set[str]:
        """Of what is found, what is of this round."""
        return {one for one in found if f":m{self.round}-" in one or f"~2Fm{self.round}-" in one}

    @invariant()
    def searches_find_what_may_be_seen(self) -> None:
        Model.steps += 1
        for caller, door in enumerate(self.callers):
            collections, items = self.visible(caller)
            assert self.mine(door.found()) == items
            assert self.mine(door.collections()) == collections

    @rule(caller=anyone)
    def count(self, caller: int) -> None:
        _, items = self.visible(caller)
        for narrow in ({}, {"bbox": [-180, -90, 180, 90]}):
            found = self.callers[caller].aggregated("collection_frequency", "total_count", **narrow)
            assert found["total_count"] == len(self.callers[caller].found(**narrow))
            counted = {
                name: number for name, number in found["collection_frequency"].items() if self.mine({name})
            }
            names = [one.partition("/")[0] for one in items if not one.startswith(BLOBS)]
            assert counted == {name: names.count(name) for name in names}

    @precondition(lambda self: self.products)
    @rule(caller=anyone, number=which, named=which)
    def look_at_a_product(self, caller: int, number: int, named: int) -> None:
        product, door = self.product(number), self.callers[caller]
        role, here = product.role(caller), f"/collections/{product.id}"
        answer = door("GET", here)
        assert answer.status_code == (200 if role else 404)
        if role:
            assert {name: answer.json()[name] for name in LISTS} == product.shown(caller)
        maps = ("/WebMercatorQuad/tilejson.json", "/WMTSCapabilities.xml", "/tiles")
        for path in ("/queryables", "/items", "/aggregate", "/aggregations", "/deletion", *maps):
            assert door("GET", here + path).status_code == (200 if role else 404), path
        for path in ("/preview.png", "/tiles/WorldCRS84Quad/2/4/1.png"):
            # The products have no bands that could be drawn.
            assert door("GET", here + path).status_code == (400 if role else 404), path
        name = f"i{named % 3}"
        there = role and name in product.items
        for path in ("", "/WMTSCapabilities.xml", "/WebMercatorQuad/tilejson.json"):
            assert door("GET", f"{here}/items/{name}{path}").status_code == (200 if there else 404), path
        found = door.found(collections=[product.id], ids=[name])
        assert found == ({f"{product.id}/{name}"} if there else set())
        child = {link["href"] for link in door.ok("GET", "/")["links"] if link["rel"] == "child"}
        assert any(href.endswith(f"/{product.id}") for href in child) == bool(role)

    @precondition(lambda self: self.products)
    @rule(caller=anyone, maker=who, number=which)
    def look_at_a_map_of_a_search(self, caller: int, maker: int, number: int) -> None:
        """Anybody may have the id of a search, and a URL that another signed."""
        product = self.product(number)
        search = self.callers[maker].ok("POST", "/searches/register", json={"collections": [product.id]})
        path = f"/searches/{search['id']}/WebMercatorQuad/tilejson.json"
        seen = self.callers[caller].ok("GET", path)
        # The place of the images, or of those deleted before.
        assert product.role(caller) or seen["bounds"][0] == -180
        document = "/WebMercatorQuad/tilejson.json"
        hrefs = [f"{BASE}collections/{product.id}{document}"]
        signed = self.callers[maker]("POST", "/tiles/signatures", json={"hrefs": hrefs})
        assert signed.status_code == (200 if product.role(maker) else 404)
        if signed.status_code == 200:
            url = signed.json()["hrefs"][0].removeprefix(BASE.rstrip("/"))
            assert self.callers[ANYBODY]("GET", url).status_code == 200
            elsewhere = url.replace(document, "")
            assert self.callers[ANYBODY]("GET", elsewhere).status_code == 401

    @precondition(lambda self: self.blobs)
    @rule(caller=anyone, number=which)
    def look_at_a_blob(self, caller: int, number: int) -> None:
        blob, door = self.blob(number), self.callers[caller]
        role = blob.role(caller)
        answer = door("GET", f"/collections/{BLOBS}/items/{blob.id}")
        assert answer.status_code == (200 if role else 404)
        if role:
            assert {name: answer.json()["properties"][name] for name in LISTS} == blob.shown(caller)
        for path in (f"/blobs/data/{blob.id}/data", blob.href):
            assert door("GET", path).status_code == (200 if role else 404)
        signed = door("POST", "/assets/signatures", json={"hrefs": [blob.href]})
        assert signed.status_code == (200 if role else 404)

    @precondition(lambda self: self.products or self.blobs)
    @rule(caller=anyone, name=st.sampled_from(LISTS), entry=reading)
    def filter_by_a_list(self, caller: int, name: str, entry: str) -> None:
        params = {"filter": f"A_CONTAINS(\"{name}\", ('{entry}'))", "filter-lang": "cql2-text"}
        found = self.mine(self.callers[caller].collections(**params))
        held = [
            one for one in self.products.values() if one.role(caller) and entry in one.shown(caller)[name]
        ]
        assert found == {one.id for one in held}
        tree = {"op": "a_contains", "args": [{"property": name}, [entry]]}
        seen = self.mine(self.callers[caller].found(filter=tree))
        blobs = [one for one in self.blobs.values() if one.role(caller) and entry in one.shown(caller)[name]]
        assert seen == {f"{BLOBS}/{one.id}" for one in blobs}

    @precondition(lambda self: self.gone)
    @rule(caller=anyone, number=which)
    def look_at_what_is_gone(self, caller: int, number: int) -> None:
        name = self.gone[number % len(self.gone)]
        assert self.callers[caller]("GET", f"/collections/{name}").status_code == 404


@pytest.mark.timeout(1800)
def test_no_read_returns_what_the_model_forbids(serve: Callable[..., Any], token: Callable[..., str]) -> None:
    bounded = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    many = 10**9  # of requests: how many may come is for other tests
    kinds = ("", "anonymous_", "tile_", "anonymous_tile_")
    rates = {f"{kind}rate_{name}": many for kind in kinds for name in ("per_second", "burst")}
    with serve(**rates) as service:
        Model.service, Model.tokens = service, [token(who) for who in USERS]
        run_state_machine_as_test(Model, settings=bounded)
    print(f"{Model.steps} steps")  # noqa: T201 - `make test-long` shows it
    assert Model.steps >= (10_000 if LONG else 200)
