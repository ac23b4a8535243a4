"""Notifications by real workers: at least once and in order, also if a worker is killed while it sends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest

from conftest import LONG
from integration.conftest import stac_collection, stac_item
from support.embedded_stack import running_stack
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from landbridge.stac_api.embedded.stack import Stack
    from support.receiver import Receiver

IMAGES = 200 if LONG else 12
KILLS = 8 if LONG else 2
PRODUCT = "local:notified"
_JOBS = "SELECT count(*) FROM procrastinate.procrastinate_jobs WHERE task_name = 'notification'"


@pytest.fixture(scope="module")
def stack(cluster_template: Path) -> Iterator[Stack]:
    """A stack without a worker in its process; workers are found dead after a second."""
    settings = {"LANDBRIDGE_WORKER": "false", "LANDBRIDGE_WORKER_TIMEOUT": "1"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        with running_stack(cluster_template) as running:
            yield running


@pytest.fixture(scope="module")
def http(stack: Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def start(stack: Stack, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start a worker process of the service."""
    environment = {
        **os.environ,
        "LANDBRIDGE_DATABASE_URL": stack.database,
        "LANDBRIDGE_STORE_URL": tmp_path.as_uri(),
        "LANDBRIDGE_TOKEN": str(stack.token),
        "LANDBRIDGE_NOTIFICATION_URLS": "*",
        "LANDBRIDGE_NOTIFICATION_TIMEOUT": "60",
        "LANDBRIDGE_WORKER_TIMEOUT": "1",
    }
    with ExitStack() as ends:
        log = ends.enter_context((tmp_path / "workers.log").open("ab"))

        def start() -> subprocess.Popen[bytes]:
            command = [sys.executable, "-m", "landbridge.stac_api", "work"]
            worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            ends.callback(worker.wait)
            ends.callback(worker.kill)
            return worker

        yield start


def posted(http: httpx.Client, path: str, **body: Any) -> Any:
    answer = http.post(path, json=body)
    assert answer.is_success, answer.text
    return answer.json()


def subscribed(http: httpx.Client, product: str, url: str, count: int = 1) -> None:
    """Make a product, a destination and subscriptions."""
    posted(http, "/collections", **stac_collection(product))
    name = product.removeprefix("local:")
    hook = posted(http, "/notifications/destinations", name=name, url=url)["id"]
    for number in range(count):
        body = {"name": f"{name}{number}", "products": [product], "destination": hook}
        posted(http, "/notifications/subscriptions", **body)


@pytest.mark.parametrize("method", ["insert", "upsert"])
def test_the_images_of_a_bulk_load_are_in_its_order(http: httpx.Client, stack: Stack, method: str) -> None:
    product = f"local:loaded-{method}"
    subscribed(http, product, "http://127.0.0.1:9/never")
    names = [f"image{number * 7 % 100:02d}" for number in range(100)]
    items = {name: stac_item(product, name) for name in names}
    posted(http, f"/collections/{product}/bulk_items", items=items, method=method)
    with psycopg.connect(stack.database) as conn:
        query = "SELECT item FROM landbridge.new_images WHERE collection = %s ORDER BY id"
        assert [name for (name,) in conn.execute(query, (product,))] == names


def test_killed_workers_lose_no_image_and_keep_the_order(
    http: httpx.Client, receiver: Receiver, start: Callable[[], subprocess.Popen[bytes]]
) -> None:
    subscribed(http, PRODUCT, receiver.url)
    workers = [start()]
    names = [f"image{number:04d}" for number in range(IMAGES)]
    victims = {names[(number + 1) * IMAGES // (KILLS + 1)] for number in range(KILLS)}

    def answer(event: dict[str, Any]) -> int:
        if (name := event["data"]["id"]) in victims:
            # The image was received, but the worker does not learn of it.
            victims.remove(name)
            workers[-1].send_signal(signal.SIGKILL)
            workers.append(start())
        return 204

    receiver.answer = answer
    for name in names[: IMAGES // 2]:
        posted(http, f"/collections/{PRODUCT}/items", **stac_item(PRODUCT, name))
    items = {name: stac_item(PRODUCT, name) for name in names[IMAGES // 2 :]}
    posted(http, f"/collections/{PRODUCT}/bulk_items", items=items)
    wait_until(lambda: set(receiver.items()) == set(names))
    assert victims == set()
    assert [worker.wait(10) for worker in workers[:-1]] == [-signal.SIGKILL] * KILLS
    # A repeated event has the id of the first one; without repetitions, the order is that of the writes.
    once = list(dict.fromkeys(event["id"] for event in receiver.events))
    assert list(dict.fromkeys(receiver.items())) == names
    assert len(once) == len(names)
    assert receiver.items() == sorted(receiver.items())
    assert len(receiver.events) == len(names) + KILLS


def test_receivers_that_hang_do_not_delay_other_jobs(
    http: httpx.Client, receiver: Receiver, start: Callable[[], subprocess.Popen[bytes]]
) -> None:
    """More subscriptions than a worker serves at once wait for answers, while a deletion is done."""
    product, hanging = "local:hanging", threading.Event()
    subscribed(http, product, receiver.url, count=6)

    def answer(_event: dict[str, Any]) -> int:
        hanging.wait()
        return 204

    receiver.answer = answer
    posted(http, f"/collections/{product}/items", **stac_item(product, "one"))
    start()
    try:
        wait_until(lambda: len(receiver.events) == 4)
        path = f"/collections/{product}/deletion"
        assert http.post(path).status_code == 202
        wait_until(lambda: http.get(path).json()["status"] == "SUCCESS")
        assert len(receiver.events) == 4
    finally:
        hanging.set()


@pytest.mark.skipif(not LONG, reason="part of `make test-long`")
def test_a_frozen_worker_keeps_its_place_in_the_order(
    stack: Stack,
    http: httpx.Client,
    receiver: Receiver,
    start: Callable[[], subprocess.Popen[bytes]],
    tmp_path: Path,
) -> None:
    """A worker that counts as dead, and is not, does not send beside the one that was to replace it."""
    product = "local:frozen"
    subscribed(http, product, receiver.url)
    frozen = start()

    def answer(event: dict[str, Any]) -> int:
        if event["data"]["id"] == "a" and len(receiver.events) == 1:
            frozen.send_signal(signal.SIGSTOP)
            start()
        return 204

    receiver.answer = answer
    items = {name: stac_item(product, name) for name in "abc"}
    posted(http, f"/collections/{product}/bulk_items", items=items)
    log = tmp_path / "workers.log"
    wait_until(lambda: "left by a worker that died" in log.read_text())
    with psycopg.connect(stack.database, autocommit=True) as conn:
        # The other worker has run the job, and has left it.
        wait_until(lambda: conn.execute(_JOBS).fetchone() == (0,))
    assert receiver.items() == ["a"]
    frozen.send_signal(signal.SIGKILL)
    wait_until(lambda: receiver.items() == ["a", "a", "b", "c"])
