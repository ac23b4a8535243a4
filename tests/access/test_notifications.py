"""Notifications of new images: what is sent, in which order, to whom; and the records of subscriptions."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.people import OWNER, READER, STRANGER, WRITER, Caller
from access.service import OPERATOR, started
from conftest import LONG
from integration.conftest import stac_collection, stac_item
from landbridge.stac_api.access import tokens
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.notifications import deliveries, job
from landbridge.stac_api.notifications.problems import Problem, problems
from landbridge.stac_api.notifications.sender import Sender
from landbridge.stac_api.pgstac import partitioning
from support.embedded_stack import fresh_database
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from access.conftest import Service
    from support.receiver import Receiver

_numbers = itertools.count(1)
LISTS = {"catalog:writers": ["user:ben"], "catalog:readers": ["group:flood"]}


@pytest.fixture(scope="module")
def database(stack: Any) -> Iterator[str]:
    with fresh_database(stack.database, "notification_tests") as url:
        yield url


@pytest.fixture(scope="module")
def service(database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    store = tmp_path_factory.mktemp("store").as_uri()
    settings = {"notification_urls": ["*"], "notification_tries": 3, "notification_pause": 1e-6}
    with started(database, store, audit_stdout=False, max_notifications=1000, **settings) as running:
        yield running


class Site:
    """The callers, a fresh product of the owner, and a worker that runs when it is told."""

    def __init__(self, service: Service, database: str, receiver: Receiver) -> None:
        self.service, self.database, self.receiver = service, database, receiver
        self.operator = Caller(service, OPERATOR)
        self.owner = self.caller(OWNER)
        self.product = self.new_product()

    def caller(self, principal: Principal) -> Caller:
        return Caller(self.service, tokens.create_token(self.database, principal)[0])

    def new_product(self, **lists: Any) -> str:
        product = f"acme:watched{next(_numbers)}"
        self.owner.ok("POST", "/collections", json=stac_collection(product, **{**LISTS, **lists}))
        return product

    def subscribe(self, caller: Caller, **members: Any) -> dict[str, Any]:
        """Make a destination and a subscription, and return the latter with the secret of the former."""
        name = f"one{next(_numbers)}"
        hook = caller.ok("POST", "/notifications/destinations", json={"name": name, "url": self.receiver.url})
        body = {"name": name, "products": [self.product], "destination": hook["id"], **members}
        made: dict[str, Any] = caller.ok("POST", "/notifications/subscriptions", json=body)
        return {**made, "secret": hook["secret"]}

    def add(self, *names: str, product: str = "", **properties: Any) -> None:
        product = product or self.product
        for name in names:
            item = stac_item(product, name, **dict(properties))
            self.owner.ok("POST", f"/collections/{product}/items", json=item)

    def work(self, *, turns: int = 1) -> None:
        """Run the jobs that a worker would run now."""
        services = self.service.app.state.services

        async def run() -> None:
            sender = Sender(services.settings)
            for _ in range(turns):
                for cursor in await deliveries.due(services.writepool):
                    await job.run(services, sender, cursor)
            await sender.close()

        self.service.run(run())

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as conn:
            cursor = conn.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    def shown(self, caller: Caller, subscription: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = caller.ok("GET", f"/notifications/subscriptions/{subscription['id']}")
        return found


@pytest.fixture
def site(service: Service, database: str, receiver: Receiver) -> Iterator[Site]:
    made = Site(service, database, receiver)
    yield made
    made.sql("DELETE FROM landbridge.notification_subscriptions")
    made.sql("TRUNCATE landbridge.new_images")


def test_a_new_image_is_sent_as_a_signed_cloud_event(site: Site, receiver: Receiver) -> None:
    subscription = site.subscribe(site.owner)
    site.add("a")
    site.work()
    (event,) = receiver.events
    assert receiver.is_signed(0, subscription["secret"])
    assert not receiver.is_signed(0, "whsec_AAAA")
    assert receiver.headers[0]["content-type"] == "application/cloudevents+json"
    assert receiver.headers[0]["webhook-id"] == event["id"]
    assert event["specversion"] == "1.0"
    assert event["type"] == "io.landbridge.image.new"
    assert event["source"] == f"http://service.test/collections/{site.product}"
    assert event["subject"] == f"{site.product}:a"
    assert event["subscription"] == subscription["id"]
    assert event["time"].endswith("Z")
    item = site.owner.ok("GET", f"/collections/{site.product}/items/a")
    assert event["data"] == item
    site.work()
    assert len(receiver.events) == 1


def bulk(site: Site, *names: str, method: str = "insert") -> None:
    items = {name: stac_item(site.product, name) for name in names}
    site.owner.ok("POST", f"/collections/{site.product}/bulk_items", json={"items": items, "method": method})


def features(site: Site, *names: str) -> None:
    body = {"type": "FeatureCollection", "features": [stac_item(site.product, name) for name in names]}
    site.owner.ok("POST", f"/collections/{site.product}/items", json=body)


def loader(site: Site, *names: str) -> None:
    from pypgstac.db import PgstacDB
    from pypgstac.load import Loader, Methods

    with PgstacDB(dsn=site.database) as db:
        items = [stac_item(site.product, name) for name in names]
        Loader(db).load_items(iter(items), insert_mode=Methods.insert)


@pytest.mark.parametrize("write", [Site.add, bulk, features, loader])
def test_every_way_of_writing_is_noticed(site: Site, receiver: Receiver, write: Callable[..., None]) -> None:
    site.subscribe(site.owner)
    write(site, "a", "b", "c")
    site.work()
    assert receiver.items() == ["a", "b", "c"]


def test_changed_and_replaced_images_are_not_new(site: Site, receiver: Receiver) -> None:
    site.add("old")
    site.subscribe(site.owner)
    path = f"/collections/{site.product}/items/old"
    site.owner.ok("PATCH", path, json={"properties": {"title": "Changed"}})
    site.owner.ok("PUT", path, json=stac_item(site.product, "old"))
    bulk(site, "old", "new", method="upsert")
    site.work()
    assert receiver.items() == ["new"]
    site.owner.ok("DELETE", path)
    site.add("old")
    site.work()
    assert receiver.items() == ["new", "old"]


def test_images_are_not_new_because_they_move_to_another_partition(site: Site, receiver: Receiver) -> None:
    site.add("old", datetime="2020-05-01T00:00:00Z")
    site.subscribe(site.owner)
    partitioning.divide(site.database, site.product, "year")
    path = f"/collections/{site.product}/items/old"
    site.owner.ok("PATCH", path, json={"properties": {"datetime": "2021-05-01T00:00:00Z"}})
    site.add("new", datetime="2020-05-01T00:00:00Z")
    partitioning.divide(site.database, site.product, "month")
    site.work()
    assert receiver.items() == ["new"]


def test_images_of_a_failed_request_and_deleted_ones_are_not_sent(site: Site, receiver: Receiver) -> None:
    site.subscribe(site.owner)
    site.add("there")
    items = {name: stac_item(site.product, name) for name in ("one", "there")}
    assert site.owner("POST", f"/collections/{site.product}/bulk_items", json={"items": items}).is_error
    site.add("gone")
    site.owner.ok("DELETE", f"/collections/{site.product}/items/gone")
    site.work()
    assert receiver.items() == ["there"]


def test_geometry_and_filter_select_images(site: Site, receiver: Receiver) -> None:
    square = {"type": "Polygon", "coordinates": [[[30, 30], [32, 30], [32, 32], [30, 32], [30, 30]]]}
    site.subscribe(site.owner, geometry=square, filter="eo:cloud_cover < 20")
    site.add("cloudy", corner=(31.0, 31.0), **{"eo:cloud_cover": 80})
    site.add("elsewhere", corner=(50.0, 31.0), **{"eo:cloud_cover": 1})
    site.add("unknown", corner=(31.0, 31.0))
    site.add("wanted", corner=(31.0, 31.0), **{"eo:cloud_cover": 1})
    site.work()
    assert receiver.items() == ["wanted"]
    assert site.sql("SELECT position FROM landbridge.notification_cursors") == site.sql(
        "SELECT max(position) FROM landbridge.new_images"
    )


def test_the_order_is_that_of_transactions_also_if_a_later_one_ends_first(
    site: Site, receiver: Receiver
) -> None:
    site.subscribe(site.owner)
    insert = "INSERT INTO landbridge.new_images (collection, item) VALUES (%s, %s)"
    bulk(site, "late", "early", "last")
    site.sql("TRUNCATE landbridge.new_images")
    with psycopg.connect(site.database) as slow:
        slow.execute(insert, (site.product, "early"))
        site.sql(insert, site.product, "late")
        site.work()
        assert receiver.items() == []  # `early` could still be stored
    site.sql(insert, site.product, "last")
    site.work()
    assert receiver.items() == ["early", "late", "last"]
    numbers = [event["sequence"] for event in receiver.events]
    assert numbers == sorted(numbers)


KINDS = st.sampled_from(["store", "replace", "delete", "commit", "rollback", "order"])


@settings(max_examples=300 if LONG else 15)
@given(st.lists(st.tuples(st.integers(0, 2), KINDS), max_size=30))
def test_any_interleaving_of_transactions_is_put_in_one_order(
    database: str, steps: list[tuple[int, str]]
) -> None:
    """Three writers store, replace and delete images while places are given: none is lost or out of order."""
    insert = "INSERT INTO landbridge.new_images (collection, item, deleted) VALUES ('p', %s, %s)"
    in_order = "SELECT item, position FROM landbridge.new_images WHERE position IS NOT NULL ORDER BY position"
    unordered = "SELECT count(*) FROM landbridge.new_images WHERE position IS NULL"
    by_transaction = "SELECT item FROM landbridge.new_images ORDER BY transaction_id, id"
    numbers = itertools.count()
    open_: list[list[str]] = [[], [], []]
    expected: set[str] = set()
    placed: list[tuple[Any, ...]] = []
    with ExitStack() as stack:
        writers = [stack.enter_context(psycopg.connect(database)) for _ in range(3)]
        worker = stack.enter_context(psycopg.connect(database, autocommit=True))
        worker.execute("TRUNCATE landbridge.new_images")

        def give_places() -> bool:
            worker.execute("SELECT landbridge.order_new_images('p')")
            now = worker.execute(in_order).fetchall()
            assert now[: len(placed)] == placed  # what has a place keeps it, and nothing comes before it
            placed[:] = now
            return worker.execute(unordered).fetchone() == (0,)

        for number, kind in (*steps, *((number, "commit") for number in range(3))):
            name = str(next(numbers))
            if kind == "order":
                give_places()
            elif kind in ("commit", "rollback"):
                expected |= set(open_[number] if kind == "commit" else ())
                open_[number] = []
                getattr(writers[number], kind)()
            else:
                for deleted in {"store": [False], "replace": [True, False], "delete": [True]}[kind]:
                    writers[number].execute(insert, (name, deleted))
                open_[number] += [name] * (kind == "store")
        wait_until(give_places)  # transactions of other databases may be running
        assert [item for item, _ in placed] == [item for (item,) in worker.execute(by_transaction)]
        assert {item for item, _ in placed} == expected
        worker.execute("TRUNCATE landbridge.new_images")


def test_a_failed_attempt_holds_back_the_next_images_and_is_repeated(site: Site, receiver: Receiver) -> None:
    subscription = site.subscribe(site.owner)
    statuses = iter([500, 302, 204, 204])
    receiver.answer = lambda _: next(statuses)
    site.add("a", "b")
    site.work()
    (progress,) = site.shown(site.owner, subscription)["deliveries"]
    assert (progress["waiting"], progress["attempts"]) == (2, 1)
    assert progress["last_error"] == "The receiver answered 500."
    site.work(turns=2)
    assert receiver.items() == ["a", "a", "a", "b"]
    assert len({event["id"] for event in receiver.events[:3]}) == 1
    assert receiver.bodies[0] == receiver.bodies[2]
    (progress,) = site.shown(site.owner, subscription)["deliveries"]
    assert (progress["waiting"], progress["attempts"], progress["last_error"]) == (0, 0, None)


@pytest.mark.parametrize(("status", "attempts"), [(500, 3), (400, 1)])
def test_dead_letters_do_not_hold_back_others_and_can_be_sent_again(
    site: Site, receiver: Receiver, status: int, attempts: int
) -> None:
    subscription = site.subscribe(site.owner)
    receiver.answer = lambda event: status if event["data"]["id"] == "bad" else 204
    site.add("bad", "good")
    site.work(turns=attempts)
    assert receiver.items() == [*["bad"] * attempts, "good"]
    path = f"/notifications/subscriptions/{subscription['id']}/dead-letters"
    (letter,) = site.owner.ok("GET", path)["dead_letters"]
    assert (letter["item"], letter["attempts"]) == ("bad", attempts)
    assert letter["error"] == f"The receiver answered {status}."
    assert site.shown(site.owner, subscription)["dead_letters"] == 1

    assert site.owner.ok("POST", path, json={"ids": [letter["id"]]}) == {"retried": 1}
    site.work()
    (letter,) = site.owner.ok("GET", path)["dead_letters"]
    assert (letter["attempts"], letter["retry"]) == (attempts + 1, False)
    receiver.answer = lambda _: 204
    site.owner.ok("POST", path, json={})
    site.work()
    assert receiver.items()[-1] == "bad"
    assert receiver.events[-1]["id"] == receiver.events[0]["id"]
    assert site.owner.ok("GET", path)["dead_letters"] == []


def test_old_images_are_dead_letters_without_an_attempt(site: Site, receiver: Receiver) -> None:
    subscription = site.subscribe(site.owner)
    site.add("a")
    site.sql("UPDATE landbridge.new_images SET created = now() - interval '80 hours'")
    site.work()
    assert receiver.events == []
    path = f"/notifications/subscriptions/{subscription['id']}/dead-letters"
    assert site.owner.ok("GET", path)["dead_letters"][0]["error"] == "It was not delivered in time."


def test_the_database_shows_secrets_to_its_owner_only(site: Site) -> None:
    rows = site.sql(
        """SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%%' AND NOT rolsuper
           AND rolname <> (SELECT tableowner FROM pg_tables WHERE tablename = 'notification_destinations')
           AND (has_table_privilege(oid, 'landbridge.notification_destinations', 'SELECT')
                OR has_any_column_privilege(oid, 'landbridge.notification_destinations', 'SELECT'))"""
    )
    assert rows == []
    others = site.sql("SELECT count(*) FROM pg_roles WHERE rolname IN ('pgstac_read', 'pgstac_ingest')")
    assert others == [(2,)], "roles of pgstac exist, and have no right to the table"


def test_operators_are_told_what_does_not_arrive(site: Site, receiver: Receiver) -> None:
    subscription = site.subscribe(site.owner)["id"]

    def told() -> list[Problem]:
        found: list[Problem] = site.service.run(problems(site.service.app.state.services.writepool))
        assert {one.subscription for one in found} <= {subscription}
        return found

    site.add("good")
    site.work()
    assert told() == []
    receiver.answer = lambda _: 400
    site.add("bad")
    site.work()
    (letters,) = told()
    assert "1 dead letters, the last one with: The receiver answered 400.;" in letters.detail
    receiver.answer = lambda _: 503
    site.add("slow")
    site.work(turns=2)
    assert told() == [letters], "two failed attempts may be a restart"
    site.sql("UPDATE landbridge.notification_cursors SET attempts = 3")
    again, failing = told()
    assert again == letters
    assert failing.detail == (
        f"3 attempts at the next image of {site.product} have failed, the last one with: "
        "The receiver answered 503."
    )
    site.sql("UPDATE landbridge.notification_subscriptions SET suspended = 'Its token was revoked.'")
    assert [one.detail for one in told()] == [letters.detail, "suspended: Its token was revoked."]
    site.sql("UPDATE landbridge.notification_subscriptions SET enabled = false")
    assert told() == [letters]
    path = f"/notifications/subscriptions/{subscription}/dead-letters"
    site.owner.ok("POST", path, json={})
    assert told() == []


# Access
def test_images_are_not_sent_once_the_owner_cannot_read_them(site: Site, receiver: Receiver) -> None:
    reader = site.caller(READER)
    site.subscribe(reader)
    site.add("before")
    site.work()
    site.add("between")
    site.owner.ok("PATCH", f"/collections/{site.product}", json={"catalog:readers": []})
    site.work()
    site.owner.ok("PATCH", f"/collections/{site.product}", json={"catalog:readers": ["group:flood"]})
    site.add("after")
    site.work()
    assert receiver.items() == ["before", "after"]


def test_a_right_taken_away_while_others_are_sent_holds(site: Site, receiver: Receiver) -> None:
    site.subscribe(site.caller(READER))
    site.add("a", "b")

    def answer(_event: dict[str, Any]) -> int:
        site.sql("DELETE FROM landbridge.grants WHERE collection = %s", site.product)
        return 204

    receiver.answer = answer
    site.work()
    assert receiver.items() == ["a"]


def test_a_revoked_token_suspends_until_the_owner_confirms(site: Site, receiver: Receiver) -> None:
    subscription = site.subscribe(site.caller(READER))
    site.add("a")
    site.sql("UPDATE landbridge.tokens SET revoked = now() WHERE username = %s", READER.user)
    site.work()
    reader = site.caller(READER)
    shown = site.shown(reader, subscription)
    assert (shown["state"], shown["deliveries"]) == ("suspended", [])
    assert "token" in shown["reason"]
    site.add("b")
    assert (
        reader.ok("PATCH", f"/notifications/subscriptions/{subscription['id']}", json={})["state"] == "active"
    )
    site.add("c")
    site.work()
    assert receiver.items() == ["c"]


def test_claims_of_an_issuer_are_not_trusted_for_ever(site: Site, receiver: Receiver) -> None:
    subscription = site.subscribe(site.owner)
    site.sql("UPDATE landbridge.notification_subscriptions SET credential = NULL, trusted_until = now()")
    site.add("a")
    site.work()
    assert receiver.events == []
    assert site.shown(site.owner, subscription)["state"] == "suspended"


def test_groups_of_a_token_count(site: Site) -> None:
    outsider = site.caller(STRANGER)
    body = {"name": "x", "products": [site.product], "destination": "delta:none"}
    assert outsider("POST", "/notifications/subscriptions", json=body).status_code == 404
    assert site.subscribe(site.caller(READER))["state"] == "active"


def test_others_see_neither_subscriptions_nor_destinations(site: Site) -> None:
    subscription = site.subscribe(site.owner)
    writer = site.caller(WRITER)
    for path in (f"subscriptions/{subscription['id']}", f"destinations/{subscription['destination']}"):
        assert writer("GET", f"/notifications/{path}").status_code == 404
        assert writer("PATCH", f"/notifications/{path}", json={}).status_code == 404
        assert writer("DELETE", f"/notifications/{path}").status_code == 404
        assert site.operator.ok("GET", f"/notifications/{path}")["owner"] == "user:ann"
    body = {"name": "mine", "products": [site.product], "destination": subscription["destination"]}
    assert writer("POST", "/notifications/subscriptions", json=body).status_code == 404
    anonymous = Caller(site.service, None)
    assert anonymous.ok("GET", "/notifications/subscriptions")["subscriptions"] == []


def test_an_operator_lends_no_rights_to_the_subscription_of_a_user(site: Site, receiver: Receiver) -> None:
    subscription = site.subscribe(site.caller(READER))
    secret = site.new_product(**{"catalog:readers": []})
    path = f"/notifications/subscriptions/{subscription['id']}"
    changed = site.operator.ok("PATCH", path, json={"products": [site.product, secret]})
    assert changed["owner"] == "user:cat"
    site.add("a", product=secret)
    site.add("b")
    site.work()
    assert receiver.items() == ["b"]


def test_a_user_named_as_the_operator_does_not_own_what_the_operator_made(site: Site) -> None:
    subscription = site.subscribe(site.operator)
    namesake = site.caller(Principal("local", org="local"))
    path = f"/notifications/subscriptions/{subscription['id']}"
    assert namesake("GET", path).status_code == 404
    assert namesake("PATCH", path, json={"enabled": False}).status_code == 404


def test_secrets_are_shown_once_and_in_no_list_log_or_text(
    site: Site, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    body = {"name": f"h{next(_numbers)}", "url": receiver.url, "headers": {"X-Api-Key": "open sesame"}}
    made = site.owner.ok("POST", "/notifications/destinations", json=body)
    secret = made.pop("secret")
    path = f"/notifications/destinations/{made['id']}"
    assert made["headers"] == ["X-Api-Key"]
    subscription = {"name": made["id"].split(":")[1], "products": [site.product], "destination": made["id"]}
    site.owner.ok("POST", "/notifications/subscriptions", json=subscription)
    receiver.answer = lambda _: 500
    site.add("a")
    site.work()
    assert receiver.headers[0]["x-api-key"] == "open sesame"
    shown = [
        site.owner("GET", path).text,
        site.owner("GET", "/notifications/destinations").text,
        site.owner("PATCH", path, json={"headers": {"X-Api-Key": "another one"}}).text,
        site.owner("PATCH", path, json={"headers": {"X-Api-Key": "bad\nvalue"}}).text,
        *(record.getMessage() for record in caplog.records),
    ]
    for text in shown:
        assert secret.removeprefix("whsec_") not in text
        assert "sesame" not in text
        assert "another" not in text
        assert "bad" not in text


# Records
def test_a_subscription_starts_with_images_stored_after_it(site: Site, receiver: Receiver) -> None:
    site.subscribe(site.owner)
    site.add("a")
    site.subscribe(site.owner)
    site.add("b")
    site.work()
    assert sorted(receiver.items()) == ["a", "b", "b"]


def test_disabled_and_expired_subscriptions_get_nothing(site: Site, receiver: Receiver) -> None:
    subscription = site.subscribe(site.owner)
    path = f"/notifications/subscriptions/{subscription['id']}"
    assert site.owner.ok("PATCH", path, json={"enabled": False})["state"] == "disabled"
    site.add("a")
    site.work()
    assert site.owner.ok("PATCH", path, json={"enabled": True})["state"] == "active"
    site.add("b")
    site.sql("UPDATE landbridge.notification_subscriptions SET expires = now()")
    site.work()
    site.add("c")
    site.service.run(deliveries.clean_up(site.service.app.state.writepool))
    assert site.shown(site.owner, subscription)["state"] == "expired"
    assert receiver.events == []
    assert site.sql("SELECT item FROM landbridge.new_images") == []


def test_what_all_have_received_is_deleted(site: Site, receiver: Receiver) -> None:
    site.subscribe(site.owner)
    site.add("a", "b")
    site.work()
    site.add("c")
    site.service.run(deliveries.clean_up(site.service.app.state.writepool))
    assert site.sql("SELECT item FROM landbridge.new_images") == [("c",)]
    site.work()
    assert receiver.items() == ["a", "b", "c"]


def test_nothing_is_recorded_without_a_subscription(site: Site) -> None:
    site.add("a")
    assert site.sql("SELECT item FROM landbridge.new_images") == []


def test_a_deleted_subscription_sends_nothing_more(site: Site, receiver: Receiver) -> None:
    subscription = site.subscribe(site.owner)
    site.add("a", "b")

    def answer(_event: dict[str, Any]) -> int:
        site.sql("DELETE FROM landbridge.notification_subscriptions WHERE id = %s", subscription["id"])
        return 204

    receiver.answer = answer
    site.work()
    assert receiver.items() == ["a"]


def test_a_dump_that_is_restored_elsewhere_goes_on(site: Site, receiver: Receiver) -> None:
    site.subscribe(site.owner)
    site.add("a", "b")
    # A new cluster counts its transactions from the beginning.
    site.sql("UPDATE landbridge.new_images SET transaction_id = '9000000000000'")
    site.work()
    assert receiver.items() == ["a", "b"]


def test_a_test_event_tells_what_the_receiver_answers(site: Site, receiver: Receiver) -> None:
    body = {"name": f"t{next(_numbers)}", "url": receiver.url}
    made = site.owner.ok("POST", "/notifications/destinations", json=body)
    path = f"/notifications/destinations/{made['id']}/test"
    assert site.owner.ok("POST", path) == {"delivered": True, "status": 204, "error": None}
    assert receiver.events[0]["type"] == "io.landbridge.ping"
    assert receiver.is_signed(0, made["secret"])
    receiver.answer = lambda _: 404
    assert site.owner.ok("POST", path)["status"] == 404
