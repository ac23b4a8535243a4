"""Table of faults at each point of an upload, and the checks of the state that they leave."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
import rasterio
from rasterio.transform import from_origin

from faults import failpoints, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from faults.site import Site

COLLECTION = "local:faults"
_SIDE = 160
_PATIENCE = 1.5  # seconds that a temporary fault lasts
_WAIT = 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at a point of an upload.

    `action` causes the fault. If `is_temporary` it ends after a moment, else it lasts until the upload has
    ended. `ends` are the states in which the upload may end. If `overwrites`, the upload replaces an image,
    which must be readable until then, and its files for some time after.
    """

    name: str
    action: str
    stores: tuple[str, ...] = ("local", "s3")
    is_temporary: bool = False
    ends: frozenset[str] = frozenset({"success"})
    disk: bool = False
    file: str = "good"
    overwrites: bool = False
    at: tuple[str, ...] = failpoints.POINTS


_EITHER = frozenset({"success", "failure"})
_FAILS = frozenset({"failure"})
_EARLY = (failpoints.RECEIVED, failpoints.STORED)


def bad_files() -> dict[str, Callable[[Path], None]]:
    """Return functions that write invalid files, by name."""
    from integration import hostile

    return {
        "truncated": lambda path: path.write_bytes(_content(path)[: len(_content(path)) // 2]),
        "empty": lambda path: path.write_bytes(b""),
        "no image": lambda path: path.write_bytes(b"no image at all" * 100),
        "bomb": lambda path: path.write_bytes(hostile.bomb(100_352)),
        "wrongly typed": lambda path: _write(path, _array("x").astype("float32")),
        "ungeoreferenced": lambda path: _write(path, _array("x"), crs=None),
        "band short": lambda path: _write(path, _array("x")[:1]),
        "complex": lambda path: _write(path, _array("x").astype("complex64")),
        "geocentric": lambda path: _write(path, _array("x"), crs="EPSG:4978"),
    }


def faults() -> list[Fault]:
    kinds = [
        Fault("worker killed", "kill server"),
        Fault("reader killed", "kill worker process"),
        Fault("database killed", "kill postgres"),
        Fault("database full", "fill database", ends=_EITHER),
        Fault("database full for a moment", "fill database", is_temporary=True),
        Fault("disk full", "fill", disk=True, ends=_EITHER),
        Fault("disk full for a moment", "fill", disk=True, is_temporary=True),
        Fault("store read-only", "read only", ("local",), disk=True, ends=_EITHER),
        Fault("store refuses", "refuse", ("s3",), ends=_EITHER),
        Fault("store refuses for a moment", "refuse", ("s3",), is_temporary=True),
        Fault("store stalls", "stall", ("s3",), ends=_EITHER),
    ]
    kinds += [
        Fault("worker killed over an overwrite", "kill server", ("local",), overwrites=True),
        Fault("database full over an overwrite", "fill database", ("local",), ends=_EITHER, overwrites=True),
    ]
    # An invalid file alone, and with a killed worker.
    for name in bad_files():
        kinds.append(Fault(f"{name} file", "", ("local",), ends=_FAILS, file=name, at=("",)))
        # No bytes of an empty file are received.
        early = _EARLY[name == "empty" :]
        kinds.append(
            Fault(f"{name} file, worker killed", "kill server", ("local",), ends=_FAILS, file=name, at=early)
        )
    return kinds


def cases(store: str, *, disk: bool) -> Iterator[tuple[Fault, str]]:
    """Yield every fault of a store with each of its points."""
    for fault in faults():
        if store in fault.stores and (disk or not fault.disk):
            for point in fault.at:
                yield fault, point


def prepare(site: Site) -> None:
    """Make the product of the images."""
    from integration.conftest import stac_collection

    answer = site.call("POST", "/collections", json=stac_collection(COLLECTION))
    assert answer.status_code == 201, answer.text
    serve.let_database_fill(site.home)


def run_case(site: Site, fault: Fault, point: str) -> str:
    """Run one case; return a text of what is wrong, empty if it passed."""
    name = hashlib.sha256(f"{fault.name} {point}".encode()).hexdigest()[:12]
    path = site.home / f"{name}.tif"
    bad_files().get(fault.file, lambda path: _write(path, _array(name)))(path)
    errors: list[float] = []

    def suffered(_: str) -> None:
        """End the fault some time after the client's first error."""
        if site.struck:
            errors.append(time.monotonic())
            if time.monotonic() - errors[0] > _PATIENCE:
                site.heal()

    replaced = _replaced(site, name) if fault.overwrites else set()
    site.on_error = suffered
    if fault.action:
        site.arm(point, name, fault.action)
    try:
        record = _upload(site, name, path, fault)
        if fault.action and not site.struck:
            return "the point was never reached"
        site.heal()
        return "; ".join(_wrong(site, name, record, fault, replaced))
    except AssertionError as error:
        return f"stuck: {error}"
    finally:
        site.on_error = lambda _: None
        site.heal()
        path.unlink(missing_ok=True)


def _upload(site: Site, name: str, path: Path, fault: Fault) -> dict[str, Any]:
    """Upload as a client does, repeating failed requests; return the final record."""
    content = path.read_bytes()
    item = {
        "type": "Feature",
        "id": name,
        "collection": COLLECTION,
        "properties": {"datetime": "2024-05-01T00:00:00Z"},
    }
    files = [{"name": path.name, "size": len(content)}]
    announced = {"item": item, "files": files, "overwrite": fault.overwrites}
    upload = site.call("POST", "/uploads", json=announced).json()["id"]
    sent = site.call("PUT", f"/uploads/{upload}/files/0", content=content)
    assert sent.status_code == 204, sent.text
    submitted = site.call("POST", f"/uploads/{upload}/submit")
    assert submitted.status_code == 200, submitted.text
    begin = time.monotonic()
    while True:
        # The item first: once it exists, the record must have ended.
        answer = site.call("GET", f"/collections/{COLLECTION}/items/{name}")
        assert answer.status_code == 200 or not fault.overwrites, "the old image is missing"
        shown = answer.status_code == 200 and not fault.overwrites
        record: dict[str, Any] = site.call("GET", f"/uploads/{upload}", params={"wait": 0.3}).json()
        assert not shown or record["status"] == "success", (
            f"an unfinished image is visible: {record['status']}"
        )
        if record["status"] in ("success", "failure", "canceled"):
            return record
        if fault.is_temporary and site.struck and time.monotonic() - begin > _PATIENCE:
            site.heal()
        assert time.monotonic() - begin < _WAIT, record["events"]


def _replaced(site: Site, name: str) -> set[str]:
    """Upload the image to be overwritten; return the paths of its files."""
    path = site.home / f"{name}-before.tif"
    _write(path, _array(_before(name)))
    record = _upload(site, name, path, Fault("none", ""))
    path.unlink()
    assert record["status"] == "success", record["events"]
    return _paths(site, name)


def _before(name: str) -> str:
    return f"{name} before"


def _paths(site: Site, name: str) -> set[str]:
    assets = site.call("GET", f"/collections/{COLLECTION}/items/{name}").json()["assets"]
    return {asset["href"].partition("/assets/")[2] for asset in assets.values()}


def _wrong(site: Site, name: str, record: dict[str, Any], fault: Fault, replaced: set[str]) -> Iterator[str]:
    status = record["status"]
    if status not in fault.ends:
        yield f"ended as {status}: {record['events'][-1]['message']}"
    answer = site.call("GET", f"/collections/{COLLECTION}/items/{name}")
    expected: set[str] = set()
    if status == "success" or replaced:
        if answer.status_code != 200:
            yield "without an item"
        else:
            sent = name if status == "success" else _before(name)
            assets = answer.json()["assets"]
            # Not by vsicurl, which blocks this process while it waits, and so the proxy.
            content = site.call("GET", urlsplit(assets["data"]["href"]).path).content
            with rasterio.MemoryFile(content) as memory, memory.open() as cog:
                if not (cog.read() == _array(sent)).all():
                    yield "the pixels differ from those sent"
            expected = {asset["href"].partition("/assets/")[2] for asset in assets.values()} | replaced
    elif answer.status_code != 404:
        yield "failed, but there is an item"
    if status != "success":
        last = record["events"][-1]
        if last["severity"] != "ERROR" or len(last["message"]) < 40:
            yield f"failed without a reason: {last['message']!r}"
    findings, objects = site.left()
    yield from map(str, findings)
    mine = {path for path in objects if f"/{name}/" in path or path.startswith("uploads/")}
    if mine != expected:
        yield f"left in the store: {sorted(mine - expected)}; missing: {sorted(expected - mine)}"


def _array(name: str) -> np.ndarray:
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    return np.random.default_rng(seed).integers(1, 60000, (2, _SIDE, _SIDE)).astype("uint16")


def _content(path: Path) -> bytes:
    _write(path, _array("x"))
    return path.read_bytes()


def _write(path: Path, array: np.ndarray, crs: str | None = "EPSG:32621") -> None:
    with rasterio.open(
        path, "w", driver="GTiff", count=len(array), height=_SIDE, width=_SIDE, dtype=array.dtype, crs=crs,
        transform=from_origin(600000, 4200000, 30, 30),
    ) as file:  # fmt: skip
        file.write(array)
