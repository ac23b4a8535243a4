"""Load on a service: clients that write and read without pause, and a record of what was acknowledged."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import rasterio
from rasterio.transform import from_origin

from landbridge.mappings import blob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.topology import Topology

_TIMEOUT = 20.0
_PAUSE_AFTER_ERROR = 0.2
_UPLOAD_PAUSE = 0.5  # between uploads of one client, so that the workers keep up
_FINISH_SECONDS = 180.0
_SIDE = 64


class _FailedError(Exception):
    """A request had no good answer; it is recorded."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request: when it was sent and answered, and what went wrong."""

    begin: float
    end: float
    kind: str
    error: str


@dataclass
class Load:
    """Clients of one user, who may write to a product."""

    topology: Topology
    token: str
    product: str
    calls: list[Call] = field(default_factory=list)
    items: dict[str, int] = field(default_factory=dict)  # acknowledged ids and their number
    blobs: dict[str, str] = field(default_factory=dict)  # acknowledged addresses and MD5
    uploads: dict[str, tuple[str, int]] = field(default_factory=dict)  # acknowledged records: item and seed
    wrong: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _ended: threading.Event = field(default_factory=threading.Event)

    def client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx.Client(
            base_url=self.topology.url, headers=headers, verify=self.topology.tls(), timeout=_TIMEOUT
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Send requests inside the `with` block."""
        works = (
            self._write_items,
            self.write_blob,
            self._upload,
            self._upload,
            self._read,
            self._read_pixels,
        )
        threads = [threading.Thread(target=self._repeat, args=(work,), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended.set()
            for thread in threads:
                thread.join()

    def _repeat(self, work: Callable[[httpx.Client], None]) -> None:
        with self.client() as client:
            while not self._ended.is_set():
                try:
                    work(client)
                except _FailedError:
                    self._ended.wait(_PAUSE_AFTER_ERROR)

    def _send(self, kind: str, client: httpx.Client, method: str, url: str, **options: Any) -> httpx.Response:
        begin = time.monotonic()
        error = ""
        answer = None
        try:
            answer = client.request(method, url, **options)
        except httpx.HTTPError as problem:
            error = type(problem).__name__
        else:
            if not answer.is_success:
                error = f"{answer.status_code} {answer.text[:200]}"
        self.calls.append(Call(begin, time.monotonic(), kind, error))
        if error or answer is None:
            raise _FailedError
        return answer

    # Writers
    def _write_items(self, client: httpx.Client) -> None:
        number = next(self._numbers)
        item = f"item-{number}"
        document = {
            "type": "Feature",
            "stac_version": "1.1.0",
            "id": item,
            "geometry": {"type": "Point", "coordinates": [number % 180, number % 90]},
            "bbox": [number % 180, number % 90, number % 180, number % 90],
            "properties": {"datetime": "2024-06-01T00:00:00Z", "number": number},
            "assets": {},
            "links": [],
        }
        self._send("item", client, "POST", f"/collections/{self.product}/items", json=document)
        self.items[item] = number

    def write_blob(self, client: httpx.Client) -> None:
        """Make a blob, and record it when it is acknowledged."""
        data = np.random.default_rng(next(self._numbers)).bytes(100_000)
        named = {"storage_type": "data", "namespace": "acme:ann", "name": f"load/{uuid.uuid4().hex}"}
        announced = self._send("blob", client, "POST", "/blobs", json={"item": blob.to_stac(named)}).json()
        stored = self._send("blob data", client, "PUT", announced["url"], content=data).json()
        self.blobs[stored["assets"]["data"]["href"]] = hashlib.md5(data, usedforsecurity=False).hexdigest()

    def _upload(self, client: httpx.Client) -> None:
        seed = next(self._numbers)
        name, content = f"upload-{seed}", geotiff(seed)
        body = {
            "item": {
                "type": "Feature",
                "id": name,
                "collection": self.product,
                "properties": {"datetime": "2024-07-01T00:00:00Z"},
            },
            "files": [{"name": "scene.tif", "size": len(content)}],
        }
        record = self._send("upload", client, "POST", "/uploads", json=body).json()
        # The signed URL suffices.
        with httpx.Client(verify=self.topology.tls(), timeout=_TIMEOUT) as anybody:
            self._send("bytes", anybody, "PUT", record["resumable_urls"][0], content=content)
        self._send("submit", client, "POST", f"/uploads/{record['id']}/submit")
        self.uploads[record["id"]] = name, seed
        self._ended.wait(_UPLOAD_PAUSE)

    # Readers
    def _read(self, client: httpx.Client) -> None:
        found = self._send(
            "search", client, "GET", "/search", params={"collections": self.product, "limit": 5}
        )
        if len(found.json()["features"]) < 3:
            self.wrong.append(f"a search found {len(found.json()['features'])} items")

    def _read_pixels(self, client: httpx.Client) -> None:
        item = self._send("item read", client, "GET", f"/collections/{self.product}/items/scene-0").json()
        answer = client.build_request("GET", data_href(item))
        with httpx.Client(verify=self.topology.tls(), timeout=_TIMEOUT, follow_redirects=True) as reader:
            url, headers = str(answer.url), {"Authorization": f"Bearer {self.token}"}
            part = self._send("pixels", reader, "GET", url, headers={**headers, "Range": "bytes=0-1023"})
        if part.status_code != 206 or part.content[:2] != b"II":
            self.wrong.append(f"a read of pixels got {part.status_code} with {part.content[:8]!r}")

    # Afterwards
    def lost(self) -> list[str]:
        """Return what was acknowledged and is not there, or not as it was sent."""
        with self.client() as client:
            client.timeout = httpx.Timeout(60.0)
            problems = [*self._lost_items(client), *self._lost_blobs(client), *self._lost_uploads(client)]
        return [*problems, *self.wrong]

    def _lost_items(self, client: httpx.Client) -> Iterator[str]:
        for item, number in self.items.items():
            answer = client.get(f"/collections/{self.product}/items/{item}")
            if not answer.is_success or answer.json()["properties"]["number"] != number:
                yield f"item {item}: {answer.status_code}"

    def _lost_blobs(self, client: httpx.Client) -> Iterator[str]:
        for href, digest in self.blobs.items():
            answer = client.get(href, follow_redirects=True)
            if (
                not answer.is_success
                or hashlib.md5(answer.content, usedforsecurity=False).hexdigest() != digest
            ):
                yield f"blob {href}: {answer.status_code}, {len(answer.content)} bytes"

    def _lost_uploads(self, client: httpx.Client) -> Iterator[str]:
        deadline = time.monotonic() + _FINISH_SECONDS
        for upload, (item, seed) in self.uploads.items():
            while (record := client.get(f"/uploads/{upload}", params={"wait": 20}).json())["status"] in (
                "pending",
                "running",
            ) and time.monotonic() < deadline:
                pass
            if record["status"] != "success":
                yield f"upload {upload}: {record['status']}, {record.get('events')}"
                continue
            document = client.get(f"/collections/{self.product}/items/{item}").json()
            content = client.get(data_href(document), follow_redirects=True).content
            with rasterio.MemoryFile(content) as memory, memory.open() as file:
                if (file.read() != pixels(seed)).any():
                    yield f"upload {upload}: other pixels"


def data_href(item: dict[str, Any]) -> str:
    """Return the address of an item's pixels."""
    return next(asset["href"] for asset in item["assets"].values() if "data" in asset["roles"])


def pixels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 10_000, (1, _SIDE, _SIDE), "uint16")


def geotiff(seed: int) -> bytes:
    file = io.BytesIO()
    profile = {"driver": "GTiff", "count": 1, "width": _SIDE, "height": _SIDE, "dtype": "uint16"}
    transform = from_origin(500_000, 5_000_000, 30, 30)
    with rasterio.open(file, "w", crs="EPSG:32633", transform=transform, **profile) as target:
        target.write(pixels(seed))
    return file.getvalue()
