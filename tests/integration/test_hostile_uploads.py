"""Invalid and malicious files fail with a reason and do not affect the server."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Self

import psutil
import pytest

from support.wait import wait_until

from .conftest import stac_collection
from .hostile import corpus
from .test_server_uploads import announce, draft, upload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

PLACED = {"proj:code": "EPSG:32621", "proj:transform": [30, 0, 600000, 0, -30, 4200000]}
MEMORY = 512 * 2**20
SECONDS = 30.0


class Watch(threading.Thread):
    """Measures the memory of a process and each of its children, many times a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._server = psutil.Process(pid)
        self._ended = threading.Event()
        self.most = 0

    def run(self) -> None:
        while not self._ended.wait(0.02):
            for process in [self._server, *self._server.children(recursive=True)]:
                try:
                    self.most = max(self.most, process.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()


@pytest.fixture
def watch(stack: Any) -> Iterator[Watch]:
    with Watch(stack.pid) as watching:
        yield watching


def test_every_hostile_file_fails_with_a_reason(
    stack: Any,
    http: httpx.Client,
    collection: str,
    tmp_path: Path,
    watch: Watch,
    geotiff: Callable[..., Path],
) -> None:
    files = corpus(tmp_path)
    assert len(files) >= 40
    photos = f"{collection}-photos"
    http.post("/collections", json=stac_collection(photos, data_type="uint8")).raise_for_status()
    wrong: dict[str, Any] = {}
    seconds: dict[str, float] = {}
    records = {}
    for name, path in files.items():
        product = photos if name.endswith(".jpg") else collection
        # These files lack only what the user may set.
        placed = PLACED if name.endswith((".jpg", ".png")) else {}
        record = announce(http, product, "x", path, item=draft(product, f"i-{name}", **placed)).json()
        http.put(record["resumable_urls"][0], content=path.read_bytes()).raise_for_status()
        records[name] = record["id"]

    def judge(name: str) -> None:
        begin = time.monotonic()
        http.post(f"/uploads/{records[name]}/submit").raise_for_status()
        record = http.get(f"/uploads/{records[name]}", params={"wait": 60}).json()
        seconds[name] = time.monotonic() - begin
        last = record["events"][-1]
        if record["status"] != "failure" or last["severity"] != "ERROR" or len(last["message"]) < 40:
            wrong[name] = (record["status"], last["message"])
        elif "Nothing is wrong with your files" in last["message"] or "its log has" in last["message"]:
            wrong[name] = last["message"]
        elif str(stack.home) in last["message"]:
            wrong[name] = f"reveals a path of the server: {last['message']}"

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(judge, files))
    assert not wrong
    assert {name: taken for name, taken in seconds.items() if taken > SECONDS} == {}
    assert watch.most < MEMORY
    found = http.get("/search", params={"collections": f"{collection},{photos}"}).json()
    assert found["features"] == []
    wait_until(lambda: not [path for path in stack.store.rglob("*") if collection in str(path)])
    folders = [stack.store / "uploads" / record for record in records.values()]
    wait_until(lambda: not any(folder.exists() for folder in folders))
    assert upload(http, collection, "good", geotiff())["status"] == "success"


@pytest.mark.parametrize(
    "projection",
    [
        "/etc/passwd", "http://127.0.0.1:9/crs", "file:///etc/passwd", "+init=/etc/passwd:1",
        "+proj=longlat +nadgrids=/etc/passwd", "ESRI::/etc/passwd", "nonsense",
    ],
)  # fmt: skip
def test_a_reference_system_cannot_name_files_or_urls(
    http: httpx.Client, collection: str, geotiff: Callable[..., Path], projection: str
) -> None:
    item = draft(collection, "a", **{"catalog:projection": projection})
    record = upload(http, collection, "a", geotiff(crs=None), item=item)
    assert record["status"] == "failure"
    assert "is no reference system" in record["events"][-1]["message"]
