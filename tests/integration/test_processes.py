"""Several processes on one database: APIs of `serve --workers`, workers of some queues, turns of users."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from access.people import OWNER, WRITER
from access.service import OPERATOR, started
from integration.conftest import stac_collection, stac_item
from landbridge.stac_api.access import tokens
from landbridge.stac_api.core.settings import Settings
from support import s3_server
from support.embedded_stack import fresh_database
from support.wait import wait_until

from .test_server_uploads import announce, draft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def environment(stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of processes on a database and a store of their own."""
    store = tmp_path_factory.mktemp("store")
    with fresh_database(stack.database, f"processes_{uuid.uuid4().hex[:8]}") as database:
        yield os.environ | {
            "LANDBRIDGE_DATABASE_URL": database,
            "LANDBRIDGE_STORE_URL": store.as_uri(),
            "LANDBRIDGE_TOKEN": OPERATOR,
            "LANDBRIDGE_WORKER": "false",
            "LANDBRIDGE_WORKER_TIMEOUT": "4",
        }


@contextlib.contextmanager
def process(environment: dict[str, str], log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `landbridge-server` until the end of the block; its output goes to a file."""
    command = [sys.executable, "-m", "landbridge.stac_api", *arguments]
    with (
        log.open("ab") as output,
        subprocess.Popen(command, env=environment, stdout=output, stderr=output) as running,
    ):
        try:
            yield running
        finally:
            running.terminate()
            running.wait(timeout=60)


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url).is_success
    return False


def client(url: str, token: str = OPERATOR) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


def test_several_processes_serve_one_port_and_a_killed_one_is_replaced(
    environment: dict[str, str], tmp_path: Path
) -> None:
    log, port = tmp_path / "log", s3_server.free_port()
    url = f"http://127.0.0.1:{port}"

    def processes() -> list[int]:
        return [int(number) for number in re.findall(r"Started server process \[(\d+)\]", log.read_text())]

    with process(environment, log, "serve", "--port", str(port), "--workers", "2") as parent:
        wait_until(lambda: len(processes()) == 2 and answers(url))
        assert parent.pid not in processes()
        with client(url) as http:
            http.post("/collections", json=stac_collection("local:several")).raise_for_status()
        os.kill(processes()[0], signal.SIGKILL)
        wait_until(lambda: len(processes()) == 3 and answers(url))
        for number in range(10):
            # A new connection for each, so that both processes answer.
            with client(url) as http:
                item = stac_item("local:several", f"i{number}")
                http.post("/collections/local:several/items", json=item).raise_for_status()
                assert http.get("/search?collections=local:several").json()["numberMatched"] == number + 1
    assert parent.returncode in (0, -signal.SIGTERM)
    assert not answers(url)


def queued(database: str) -> list[tuple[str, str, int]]:
    """Return queue, user and priority of the waiting jobs of uploads, in the order in which they will run."""
    query = """
    SELECT j.queue_name, u.username, j.priority FROM procrastinate.procrastinate_jobs j
    JOIN landbridge.uploads u ON u.id = (j.args->>'upload')::bigint
    WHERE j.task_name = 'ingest' AND j.status = 'todo' ORDER BY j.priority DESC, j.id
    """
    with psycopg.connect(database) as conn:
        return conn.execute(query).fetchall()


def submit(http: httpx.Client, collection: str, name: str, path: Path) -> str:
    answer = announce(http, collection, name, path, item=draft(collection, name))
    assert answer.status_code == 201, answer.text
    record = answer.json()
    httpx.put(record["resumable_urls"][0], content=path.read_bytes()).raise_for_status()
    http.post(f"/uploads/{record['id']}/submit").raise_for_status()
    return str(record["id"])


def test_users_take_turns_and_each_job_runs_once_by_a_worker_of_its_queue(
    environment: dict[str, str], tmp_path: Path, geotiff: Callable[..., Path]
) -> None:
    database, path, port = environment["LANDBRIDGE_DATABASE_URL"], geotiff(), s3_server.free_port()
    url = f"http://127.0.0.1:{port}"
    names = {person: tokens.create_token(database, person)[0] for person in (OWNER, WRITER)}
    shared = {**stac_collection("acme:turns"), "catalog:writers": [f"user:{WRITER.user}"]}
    logs = [tmp_path / name for name in ("api", "upkeep", "one", "two")]
    with process(environment, logs[0], "serve", "--port", str(port)):
        wait_until(lambda: answers(url))
        with client(url, names[OWNER]) as owner, client(url, names[WRITER]) as writer:
            owner.post("/collections", json=shared).raise_for_status()
            records = [submit(owner, "acme:turns", f"a{number}", path) for number in range(4)]
            records.append(submit(writer, "acme:turns", "b", path))
            waiting = queued(database)
            assert [queue for queue, _, _ in waiting] == ["ingest"] * 5
            order = [user for _, user, _ in waiting]
            # The first upload of the second user comes right after the first one of the first user.
            assert order.index(order[-1]) == 0
            assert len(set(order[:2])) == 2
            with process(environment, logs[1], "work", "--queue", "default", "--queue", "hash"):
                wait_until(lambda: _heartbeats(database) > 0)
                assert len(queued(database)) == 5  # it runs no uploads
                with (
                    process(environment, logs[2], "work", "--queue", "ingest"),
                    process(environment, logs[3], "work", "--queue", "ingest"),
                ):
                    for record in records:
                        document = owner.get(f"/uploads/{record}", params={"wait": 50}).json()
                        assert document["status"] == "success", document
                        events = [event["event_type"] for event in document["events"]]
                        assert events.count("run") == events.count("complete") == 1


def _heartbeats(database: str) -> int:
    with psycopg.connect(database) as conn:
        row = conn.execute("SELECT count(*) FROM procrastinate.procrastinate_workers").fetchone()
    assert row
    return int(row[0])


def test_an_access_list_that_one_process_changes_counts_in_the_other_at_once(
    environment: dict[str, str],
) -> None:
    database, store = environment["LANDBRIDGE_DATABASE_URL"], environment["LANDBRIDGE_STORE_URL"]
    token = tokens.create_token(database, WRITER)[0]
    name = "local:lists"
    with started(database, store) as first, started(database, store) as second:
        first.request("POST", "/collections", OPERATOR, json=stac_collection(name)).raise_for_status()
        path = f"/collections/{name}"
        assert second.request("GET", path, token).status_code == 404
        for role, status in (("catalog:readers", 200), (None, 404)) * 3:
            lists = {"catalog:readers": [f"user:{WRITER.user}"] if role else []}
            first.request("PATCH", path, OPERATOR, json=lists).raise_for_status()

            def seen() -> int:
                return int(second.request("GET", path, token).status_code)

            wait_until(lambda expected=status: seen() == expected)  # type: ignore[misc]


def test_an_unknown_queue_is_refused() -> None:
    with pytest.raises(ValueError, match="worker_queues has 'ingset'; choose from default, ingest"):
        Settings(database_url="postgresql://x", store_url="file:///x", worker_queues="ingset,hash")
