"""Many clients pan a map while others upload: `make test-long`."""

from __future__ import annotations

import itertools
import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import psutil
import pytest

from conftest import LONG
from landbridge.auth import Auth
from landbridge.catalog import CatalogClient, Image, Product, SpectralBand
from support.embedded_stack import running_stack

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS, UPLOADERS, SECONDS = 32, 2, 60
_GRID = {"cs_code": "EPSG:32621", "geotrans": (600000, 30, 0, 7000000, 0, -30)}
_PIXELS = np.random.default_rng(1).integers(1, 4000, (3, 1024, 1024)).astype("uint16")


def _memory(pid: int) -> int:
    """Return the resident bytes of a process and its children."""
    process = psutil.Process(pid)
    total = 0
    for each in [process, *process.children(recursive=True)]:
        try:
            total += each.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


@pytest.fixture
def stack(cluster_template: Path) -> Any:
    """A stack of its own, whose processes are counted."""
    with running_stack(cluster_template) as running:
        yield running


@dataclass
class Map:
    """A product on a stack, its pans and its uploads, until an end."""

    stack: Any
    client: CatalogClient
    product: Any
    until: float = 0.0
    uploaded: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)

    @property
    def is_going_on(self) -> bool:
        return time.monotonic() < self.until

    def upload(self) -> None:
        image = Image(
            product=self.product,
            name=f"i{next(self.numbers)}",
            acquired="2020-01-01",
            client=self.client,
            **_GRID,
        )
        done = image.upload_ndarray(_PIXELS)
        done.wait_for_completion(timeout=120)
        assert done.status == "success", done.events
        self.uploaded.append(image.name)

    def keep_uploading(self, _: int) -> None:
        while self.is_going_on:
            self.upload()

    def pan(self, seed: int) -> None:
        chosen = random.Random(seed)
        west, south, east, north = self.product.images().collect()[0].geometry.bounds
        template = self.product.tiles_url("red green blue")
        with httpx.Client(timeout=60) as http:
            while self.is_going_on:
                z = chosen.randint(9, 13)
                x = int((chosen.uniform(west, east) + 180) / 360 * 2**z)
                latitude = np.radians(chosen.uniform(south, north))
                y = int((1 - np.arcsinh(np.tan(latitude)) / np.pi) / 2 * 2**z)
                self.statuses.append(http.get(template.format(z=z, x=x, y=y)).status_code)

    def guarded(self, work: Any, number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - of a thread
            self.failures.append(error)

    def memory_meanwhile(self, threads: list[threading.Thread]) -> list[int]:
        """Return the memory of the server, again and again until all threads have ended."""
        found = []
        while any(thread.is_alive() for thread in threads):
            found.append(_memory(self.stack.pid))
            threads[0].join(0.5)
            threads = [thread for thread in threads if thread.is_alive()]
        return found


def _new_map(stack: Any) -> Map:
    client = CatalogClient(url=stack.url, auth=Auth(token=stack.token))
    product = Product(id="panning", name="Panning", client=client)
    product.save()
    for index, name in enumerate(("red", "green", "blue")):
        SpectralBand(
            name=name,
            product=product,
            client=client,
            data_type="UInt16",
            band_index=index,
            data_range=(0, 10000),
            display_range=(0, 4000),
            nodata=0,
            resolution="30m",
        ).save()
    return Map(stack, client, product)


@pytest.mark.skipif(not LONG, reason="takes a minute: `make test-long` runs it")
@pytest.mark.timeout(600)
def test_clients_pan_beside_uploads(stack: Any) -> None:
    drawn = _new_map(stack)
    for _ in range(4):
        drawn.upload()
    drawn.until = time.monotonic() + SECONDS
    works = [drawn.pan] * CLIENTS + [drawn.keep_uploading] * UPLOADERS
    threads = [
        threading.Thread(target=drawn.guarded, args=(work, number)) for number, work in enumerate(works)
    ]
    for thread in threads:
        thread.start()
    samples = drawn.memory_meanwhile(threads)
    assert drawn.failures == []
    assert len(drawn.uploaded) > 4
    assert set(drawn.statuses) == {200}
    # Caches fill in the first half; after it nothing grows.
    half = len(samples) // 2
    assert max(samples[half:]) < 1.25 * max(samples[:half]) + 64 * 2**20
    print(f"{len(drawn.statuses)} tiles, {len(drawn.uploaded)} uploads, {max(samples) / 2**20:.0f} MiB")  # noqa: T201
