"""Searches on a streaming replica; writes, credentials and records on the database itself."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from access.service import OPERATOR, started
from conftest import LONG
from integration.conftest import stac_collection, stac_item
from support.replicated_database import replicated, wait_for_replay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from access.service import Service
    from landbridge.stac_api.embedded.os_user import OsUser
    from landbridge.stac_api.embedded.postgres_programs import Installation
    from support.replicated_database import Server

pytestmark = pytest.mark.skipif(not LONG, reason="a second cluster takes long: make test-long")

FRESH = {"Cache-Control": "no-cache"}


@pytest.fixture(scope="module")
def servers(
    cluster_template: Path, installation: Installation, account: OsUser
) -> Iterator[tuple[Server, Server]]:
    with replicated(cluster_template, installation, account) as both:
        yield both


@pytest.fixture(scope="module")
def service(servers: tuple[Server, Server], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    primary, replica = servers
    store = tmp_path_factory.mktemp("store").as_uri()
    with started(primary.url, store, read_database_url=replica.url) as running:
        yield running


@contextlib.contextmanager
def paused(replica: Server) -> Iterator[None]:
    """Stop the replay, so that the replica is late."""
    with psycopg.connect(replica.url, autocommit=True) as conn:
        conn.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            conn.execute("SELECT pg_wal_replay_resume()")


def ask(service: Service, method: str, path: str, **options: Any) -> Any:
    return service.request(method, path, OPERATOR, **options)


@pytest.fixture
def collection(service: Service, servers: tuple[Server, Server], request: pytest.FixtureRequest) -> str:
    name = f"local:{request.node.name[:40].replace('[', '-').replace(']', '')}"
    ask(service, "POST", "/collections", json=stac_collection(name)).raise_for_status()
    wait_for_replay(*servers)
    return name


def test_searches_run_on_the_replica_unless_a_request_must_not_be_late(
    service: Service, servers: tuple[Server, Server], collection: str
) -> None:
    path = f"/collections/{collection}/items/a"
    searches = (
        ("GET", "/search", {"params": {"collections": collection}}),
        ("POST", "/search", {"json": {"collections": [collection]}}),
        ("GET", f"/collections/{collection}/items", {}),
    )
    with paused(servers[1]):
        item = stac_item(collection, "a")
        ask(service, "POST", f"/collections/{collection}/items", json=item).raise_for_status()
        assert ask(service, "GET", path).status_code == 404
        assert ask(service, "GET", path, headers=FRESH).status_code == 200
        for method, where, options in searches:
            assert ask(service, method, where, **options).json()["features"] == []
            assert len(ask(service, method, where, headers=FRESH, **options).json()["features"]) == 1
    wait_for_replay(*servers)
    assert ask(service, "GET", path).status_code == 200
    assert ask(service, "GET", f"/collections/{collection}/aggregate").json()["aggregations"][0]["value"] == 1


def test_writes_do_not_depend_on_what_the_replica_has(
    service: Service, servers: tuple[Server, Server]
) -> None:
    name = "local:written"
    with paused(servers[1]):
        ask(service, "POST", "/collections", json=stac_collection(name)).raise_for_status()
        item = stac_item(name, "a")
        ask(service, "POST", f"/collections/{name}/items", json=item).raise_for_status()
        path = f"/collections/{name}/items/a"
        patch = {"properties": {"title": "changed"}}
        changed = ask(service, "PATCH", path, json=patch)
        assert changed.json()["properties"]["title"] == "changed"
        body = {"item": stac_item(name, "b"), "files": [{"name": "b.tif", "size": 3}]}
        upload = ask(service, "POST", "/uploads", json=body)
        assert upload.status_code == 201, upload.text
        # A record that was just made is there.
        assert ask(service, "GET", f"/uploads/{upload.json()['id']}").status_code == 200
        assert ask(service, "DELETE", path).status_code in (200, 204)
        refused = ask(service, "POST", "/collections", json=stac_collection(name))
        assert refused.status_code == 409


def test_access_lists_and_tokens_are_read_from_the_database_itself(
    service: Service, servers: tuple[Server, Server]
) -> None:
    from landbridge.stac_api.access import tokens

    primary, replica = servers
    with paused(replica):
        from access.people import OWNER

        token = tokens.create_token(primary.url, OWNER)[0]
        me = service.request("GET", "/access/me", token)
        assert me.status_code == 200
        made = service.request("POST", "/collections", token, json=stac_collection(f"{OWNER.org}:own"))
        assert made.status_code == 201, made.text
        found = service.request("GET", f"/collections/{OWNER.org}:own", token, headers=FRESH)
        assert found.status_code == 200


def test_the_audit_log_has_writes_and_refusals(service: Service, servers: tuple[Server, Server]) -> None:
    assert service.request("POST", "/collections", json=stac_collection("local:refused")).status_code == 401
    ask(service, "POST", "/collections", json=stac_collection("local:audited")).raise_for_status()
    with psycopg.connect(servers[0].url) as conn:
        statuses = {row[0] for row in conn.execute("SELECT status FROM landbridge.audit").fetchall()}
    assert {201, 401} <= statuses


def test_reads_go_on_without_the_replica(
    service: Service, servers: tuple[Server, Server], collection: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, replica = servers
    replica.stop()
    try:
        with caplog.at_level(logging.WARNING):
            answers = [ask(service, "GET", f"/collections/{collection}") for _ in range(20)]
        # Connections that the pool had lent before are found to be broken by one request each.
        assert {answer.status_code for answer in answers[-5:]} == {200}
        assert {answer.status_code for answer in answers} <= {200, 503}
        assert "The replica does not answer" in caplog.text
    finally:
        replica.start()
    assert ask(service, "GET", f"/collections/{collection}").status_code == 200


def test_a_write_to_a_replica_is_a_503_that_clients_repeat(
    servers: tuple[Server, Server], tmp_path: Path
) -> None:
    # As after a failover: the address of the database leads to a server that only reads.
    with started(servers[1].url, tmp_path.as_uri()) as service:
        assert ask(service, "GET", "/collections").status_code == 200
        answer = ask(service, "POST", "/collections", json=stac_collection("local:lost"))
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers
