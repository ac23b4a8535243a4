"""Uploads survive a killed API and a killed PostgreSQL: each ends with a complete image, or with none."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from rasterio.io import MemoryFile

from landbridge.stac_api.embedded import control, postmaster
from landbridge.stac_api.embedded.cluster import open_cluster
from landbridge.stac_api.embedded.home_directory import Home
from landbridge.stac_api.embedded.stack import up
from support.embedded_stack import copy_cluster, new_home

from .conftest import stac_collection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("installation")

COLLECTION = "local:crash"
DEADLINE = 90.0


class Caller:
    """Calls the API as a client of the embedded stack does: starts it if it has ended, and repeats on 503."""

    def __init__(self, home: Home) -> None:
        self.home = home

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        deadline = time.monotonic() + DEADLINE
        while True:
            stack = up(self.home)
            headers = {"Authorization": f"Bearer {stack.token}"}
            try:
                answer = httpx.request(method, stack.url + path, headers=headers, timeout=60, **options)
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code != 503:
                return answer
            assert time.monotonic() < deadline, answer


@pytest.fixture(scope="module")
def call(cluster_template: Path) -> Iterator[Caller]:
    home = Home(new_home())
    copy_cluster(cluster_template, home.postgres)
    try:
        caller = Caller(home)
        assert caller("POST", "/collections", json=stac_collection(COLLECTION)).status_code == 201
        yield caller
    finally:
        control.remove(home)


def announce(call: Caller, name: str, path: Path) -> str:
    item = {
        "type": "Feature",
        "id": name,
        "collection": COLLECTION,
        "properties": {"datetime": "2024-05-01T00:00:00Z"},
    }
    files = [{"name": path.name, "size": path.stat().st_size}]
    record = call("POST", "/uploads", json={"item": item, "files": files}).json()
    assert call("PUT", f"/uploads/{record['id']}/files/0", content=path.read_bytes()).status_code == 204
    return str(record["id"])


def submit(call: Caller, upload: str) -> None:
    assert call("POST", f"/uploads/{upload}/submit").status_code == 200


def ended(call: Caller, upload: str) -> str:
    answer = call("GET", f"/uploads/{upload}", params={"wait": 50})
    assert answer.status_code == 200, answer.text
    record = answer.json()
    assert record["status"] in ("success", "failure", "canceled"), record
    return str(record["status"])


def kill_api(home: Home) -> None:
    pid = up(home).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def kill_postgres(home: Home) -> None:
    server = postmaster.running(open_cluster(home))
    assert server is not None
    os.kill(server.pid, signal.SIGKILL)


@pytest.mark.parametrize("kill", [kill_api, kill_postgres])
def test_a_kill_during_uploads_leaves_no_partial_image(
    call: Caller, geotiff: Callable[..., Path], kill: Callable[[Home], None]
) -> None:
    rng = np.random.default_rng(1)
    arrays = {
        f"{kill.__name__}-{n}": rng.integers(1, 9999, (2, 1200, 1200), "uint16", endpoint=True)
        for n in range(6)
    }
    names = list(arrays)
    uploads = {name: announce(call, name, geotiff(f"{name}.tif", arrays[name])) for name in names}
    submit(call, uploads[names[0]])
    assert ended(call, uploads[names[0]]) == "success"
    for name in names[1:5]:
        submit(call, uploads[name])  # the worker runs two of them when it is killed

    kill(call.home)

    submit(call, uploads[names[5]])  # the next call succeeds
    statuses = {name: ended(call, upload) for name, upload in uploads.items()}
    assert statuses[names[0]] == "success"
    assert statuses[names[5]] == "success"
    for name, status in statuses.items():
        answer = call("GET", f"/collections/{COLLECTION}/items/{name}")
        assert (answer.status_code == 200) == (status == "success"), (name, status)
        if status == "success":
            asset = answer.json()["assets"]["data"]
            content = call("GET", urlsplit(asset["href"]).path).content
            with MemoryFile(content) as file, file.open() as cog:
                assert (cog.read() == arrays[name]).all()
    search = call("GET", "/search", params={"collections": COLLECTION, "limit": 100}).json()
    mine = {item["id"] for item in search["features"]} & set(names)
    assert mine == {name for name, status in statuses.items() if status == "success"}
