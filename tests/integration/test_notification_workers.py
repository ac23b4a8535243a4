"""Notifications by real workers: at least once and in order, also if a worker is killed while it sends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from conftest import LONG
from integration.conftest import stac_collection, stac_item
from support.embedded_stack import running_stack
from support.receiver import Receiver
from support.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from landbridge.stac_api.embedded.stack import Stack

IMAGES = 200 if LONG else 12
KILLS = 20 if LONG else 2
PRODUCT = "local:notified"


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
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def start(stack: Stack, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start a worker process of the service."""
    environment = {
        **os.environ,
        "LANDBRIDGE_DATABASE_URL": stack.database,
        "LANDBRIDGE_STORE_URL": tmp_path.as_uri(),
        "LANDBRIDGE_TOKEN": str(stack.token),
        "LANDBRIDGE_NOTIFICATION_URLS": "*",
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


def test_killed_workers_lose_no_image_and_keep_the_order(
    http: httpx.Client, receiver: Receiver, start: Callable[[], subprocess.Popen[bytes]]
) -> None:
    posted(http, "/collections", **stac_collection(PRODUCT))
    hook = posted(http, "/notifications/destinations", name="hook", url=receiver.url)
    posted(http, "/notifications/subscriptions", name="all", products=[PRODUCT], destination=hook["id"])
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
