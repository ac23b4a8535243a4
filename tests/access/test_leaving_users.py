"""A user leaves: the access lists, files, uploads, tokens and records that name the user."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from access.people import Caller, new_id
from access.test_blobs_access import item as blob_item
from access.test_blobs_access import upload as send_blob
from access.test_tokens import command
from integration.conftest import stac_collection, stac_item
from landbridge.stac_api.access.audit import stream_entries
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.admin import users
from landbridge.stac_api.assets.store import href

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.people import People
    from access.service import Service

__all__ = ["command"]

OWNERS, WRITERS, READERS = "catalog:owners", "catalog:writers", "catalog:readers"


class Leaver:
    """A user without an organization, with a product, a shared one, blobs, an upload and a subscription."""

    def __init__(self, service: Service, people: People, token: Callable[..., str], database: str) -> None:
        self.name = f"eve{uuid.uuid4().hex[:6]}"
        self.email = f"{self.name}@gone.test"
        self.token = token(Principal(self.name, email=self.email))
        self.caller = Caller(service, self.token)
        self.database = database
        self.own = new_id(self.name)
        self.caller.ok("POST", "/collections", json=stac_collection(self.own))
        self.path = f"images/{self.own}/one/v1/red.tif"
        root = service.app.state.services.store.root
        self.file = root / self.path
        self.file.parent.mkdir(parents=True)
        self.file.write_bytes(b"pixels")
        document = stac_item(self.own, "one")
        document["assets"] = {"red": {"href": f"http://service.test{href(self.path)}", "roles": ["data"]}}
        self.caller.ok("POST", f"/collections/{self.own}/items", json=document)
        self.shared = new_id()
        lists = {OWNERS: ["user:ann", f"user:{self.name}"], WRITERS: [f"email:{self.email.upper()}"]}
        people.operator.ok("POST", "/collections", json=stac_collection(self.shared, **lists))
        self.blob = send_blob(self.caller, blob_item(self.name))
        entry = [f"user:{self.name}", "user:ann"]
        self.shared_blob = send_blob(people.owner, blob_item("acme", **{READERS: entry}))
        body = {"item": stac_item(self.own, "two"), "files": [{"name": "a.tif", "size": 6}]}
        self.upload = self.caller.ok("POST", "/uploads", json=body)["id"]
        hook = {"name": "hook", "url": "https://hooks.example.org/new"}
        made = self.caller.ok("POST", "/notifications/destinations", json=hook)["id"]
        self.caller.ok(
            "POST",
            "/notifications/subscriptions",
            json={"name": "s", "products": [self.own], "destination": made},
        )

    def rows(self, query: str) -> list[Any]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode(), {"user": self.name}).fetchall()

    def counts(self) -> dict[str, int]:
        tables = (
            "uploads",
            "blob_uploads",
            "tokens",
            "notification_subscriptions",
            "notification_destinations",
        )
        query = "SELECT count(*) FROM landbridge.{} WHERE username = %(user)s"
        return {table: self.rows(query.format(table))[0][0] for table in tables}

    def mentions(self) -> list[Any]:
        """Return the rows of access lists that name the user or the address."""
        found = self.rows(
            f"SELECT * FROM landbridge.grants WHERE subject IN ('user:{self.name}', 'email:{self.email}')"
        )
        where = f"subjects && ARRAY['user:{self.name}', 'email:{self.email}']"
        return found + self.rows(f"SELECT * FROM landbridge.blob_grants WHERE {where}")


@pytest.fixture
def leaver(service: Service, people: People, token: Callable[..., str], database: str) -> Leaver:
    return Leaver(service, people, token, database)


def test_what_belongs_to_a_user_is_listed(service: Service, leaver: Leaver) -> None:
    found = service.run(users.describe(service.app.state.services, leaver.name, leaver.email))
    assert set(found.products) == {leaver.own, leaver.shared}
    assert len(found.blobs) == 2
    assert found.counts["uploads"] == found.counts["tokens"] == found.counts["subscriptions"] == 1
    assert found.counts["audit_entries"] >= 5


def test_a_user_is_transferred_to_another(
    service: Service, leaver: Leaver, people: People, token: Callable[..., str]
) -> None:
    heir = Caller(service, token(Principal("kim")))
    assert heir("GET", f"/collections/{leaver.own}").status_code == 404
    report = service.run(users.transfer(service.app.state.services, leaver.name, "user:kim", leaver.email))
    assert set(report.products) == {leaver.own, leaver.shared}
    assert leaver.mentions() == []
    assert heir.ok("GET", f"/collections/{leaver.own}")[OWNERS] == ["user:kim"]
    shared = people.operator.ok("GET", f"/collections/{leaver.shared}")
    assert (shared[OWNERS], shared[WRITERS]) == (["user:ann", "user:kim"], ["user:kim"])
    assert heir.ok("GET", f"/collections/{leaver.own}/items/one")["id"] == "one"
    assert leaver.file.read_bytes() == b"pixels"
    blob = f"/collections/blobs:data/items/{leaver.blob['id']}"
    assert heir.ok("GET", blob)["properties"][OWNERS] == ["user:kim"]
    assert set(leaver.counts().values()) == {0, 1}  # one token, which is revoked
    assert leaver.counts()["tokens"] == 1
    assert leaver.rows(f"SELECT username, status FROM landbridge.uploads WHERE id = {leaver.upload}") == [
        ("kim", "canceled")
    ]
    with pytest.raises(ValueError, match="cannot own"):
        service.run(users.transfer(service.app.state.services, leaver.name, "public"))
    with pytest.raises(ValueError, match="that leaves"):
        service.run(users.transfer(service.app.state.services, leaver.name, f"user:{leaver.name}"))


def test_the_tokens_of_a_user_that_was_transferred_are_refused(
    serve: Callable[..., Any], leaver: Leaver, service: Service
) -> None:
    service.run(users.transfer(service.app.state.services, leaver.name, "org:acme"))
    with serve() as another:  # whose cache does not know the token yet
        assert another.request("GET", "/access/me", leaver.token).status_code == 401


def test_a_user_is_erased_with_what_nobody_else_owns(
    service: Service, leaver: Leaver, people: People
) -> None:
    report = service.run(users.erase(service.app.state.services, leaver.name, leaver.email, audit=True))
    assert report.deleted_products == [leaver.own]
    assert len(report.deleted_blobs) == 1
    assert people.operator("GET", f"/collections/{leaver.own}").status_code == 404
    assert not leaver.file.exists()
    assert leaver.mentions() == []
    shared = people.operator.ok("GET", f"/collections/{leaver.shared}")
    assert (shared[OWNERS], shared[WRITERS]) == (["user:ann"], [])
    assert people.operator("GET", f"/collections/blobs:data/items/{leaver.blob['id']}").status_code == 404
    kept = people.owner.ok("GET", f"/collections/blobs:data/items/{leaver.shared_blob['id']}")
    assert kept["properties"][READERS] == ["user:ann"]
    assert set(leaver.counts().values()) == {0}
    assert leaver.rows("SELECT * FROM landbridge.audit WHERE username = %(user)s") == []
    assert service.run(users.describe(service.app.state.services, leaver.name, leaver.email)).products == []
    again = service.run(users.erase(service.app.state.services, leaver.name, leaver.email))
    assert (again.products, again.deleted_products, again.blobs, again.deleted_blobs) == ([], [], [], [])
    # The log can still not be changed by others.
    with pytest.raises(psycopg.Error, match=r"append|only"):
        leaver.rows("UPDATE landbridge.audit SET username = 'x' RETURNING id")


def test_the_whole_audit_log_is_exported(
    leaver: Leaver, database: str, command: Callable[..., Any], tmp_path: Any
) -> None:
    whole = [entry.document() for entry in stream_entries(database)]
    assert any(entry["username"] == leaver.name for entry in whole)
    target = tmp_path / "audit.jsonl"
    assert command("audit-export", str(target))[0] == 0
    assert [json.loads(line) for line in target.read_text().splitlines()] == whole
    assert target.stat().st_mode & 0o777 == 0o600
    assert command("audit-export", str(target))[0] == 2
    middle = whole[len(whole) // 2]["time"]
    parts = []
    for name, option in (("a", "--until"), ("b", "--since")):
        assert command("audit-export", str(tmp_path / name), option, middle, "--format", "csv")[0] == 0
        parts.append(len((tmp_path / name).read_text().splitlines()) - 1)
    assert sum(parts) == len(whole)
    assert min(parts) > 0


def test_users_are_erased_by_a_command(leaver: Leaver, command: Callable[..., Any]) -> None:
    code, output = command("users", "show", leaver.name, "--json")[:2]
    assert code == 0
    assert leaver.own in json.loads(output)["products"]
    code, output = command("users", "erase", leaver.name, "--email", leaver.email, "--yes")[:2]
    assert code == 0
    assert f"deleted products  {leaver.own}" in output
    assert leaver.mentions() == []
    assert command("users", "transfer", leaver.name, "--to", "nobody")[0] == 2
