"""Uploads: a scene against GDAL alone, a blob against bytes over HTTP alone."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import orjson
import rasterio
from rasterio.transform import from_origin

from bench.frame import Contest, Peer, in_fresh_process, job
from bench.homes import empty_home, stack
from landbridge.catalog import Blob, CatalogClient, Image, Product, SpectralBand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ROWS, _COLUMNS = 7700, 7800
_BANDS = ("red", "green", "blue")
_BLOB_BYTES = int(os.environ.get("BENCH_BLOB_BYTES", str(2**30)))
_CHUNK = 2**20
_CLIENT_MEMORY = 64 * 2**20
# The options of the service; see `landbridge.stac_api.uploads.cog`.
_OPTIONS = {
    "BLOCKSIZE": "512",
    "COMPRESS": "DEFLATE",
    "PREDICTOR": "YES",
    "BIGTIFF": "IF_SAFER",
    "NUM_THREADS": "2",
    "OVERVIEW_RESAMPLING": "AVERAGE",
}


@contextmanager
def _service() -> Iterator[Path]:
    with empty_home() as home:
        stack("up")
        CatalogClient.clear_all_default_clients()
        try:
            yield home
        finally:
            CatalogClient.get_default_client().close()
            CatalogClient.clear_all_default_clients()


def _scene(path: Path) -> None:
    """Write a scene of hills in haze: smooth, with the noise of a sensor."""
    rng = np.random.default_rng(0)
    with rasterio.open(
        path, "w", driver="GTiff", count=3, height=_ROWS, width=_COLUMNS, dtype="uint16", crs="EPSG:32621",
        transform=from_origin(600000, 4200000, 30, 30), tiled=True, blockxsize=512, blockysize=512, nodata=0,
    ) as file:  # fmt: skip
        for band in (1, 2, 3):
            hills = np.kron(rng.normal(0, 1, (_ROWS // 25, _COLUMNS // 25)), np.ones((25, 25)))
            noise = rng.normal(0, 30, hills.shape)
            values = (3000 + 800 * hills + noise).clip(1, 10000).astype("uint16")
            file.write(values, band)


def _gdal_translate(source: Path, target: Path) -> None:
    """Run `gdal_translate -of COG`, or the equivalent call if the command is not installed."""
    if shutil.which("gdal_translate"):
        pairs = [part for key, value in _OPTIONS.items() for part in ("-co", f"{key}={value}")]
        command = ["gdal_translate", "-q", "-of", "COG", *pairs, str(source), str(target)]
    else:
        code = (
            "import sys, json, rasterio.shutil\n"
            "source, target, options = sys.argv[1:]\n"
            "rasterio.shutil.copy(source, target, driver='COG', **json.loads(options))\n"
        )
        command = [sys.executable, "-c", code, str(source), str(target), orjson.dumps(_OPTIONS).decode()]
    subprocess.run(command, check=True)


@job("uploads")
def ingest_of_a_scene() -> Iterator[Contest]:
    """Measure the time from the submission of uploaded files to the image."""
    with _service(), tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "scene.tif"
        _scene(source)
        product = Product(id="uploads", name="Scenes")
        product.save()
        for place, name in enumerate(_BANDS):
            SpectralBand(
                name=name, product=product, data_type="UInt16", band_index=place, nodata=0,
                data_range=(0, 10000), display_range=(0, 6000), resolution="30m",
            ).save()  # fmt: skip
        number = 0

        def ours() -> float:
            nonlocal number
            number += 1
            client = CatalogClient.get_default_client()
            item = {
                "type": "Feature",
                "id": f"scene-{number}",
                "collection": product.id,
                "properties": {"datetime": "2024-05-01T00:00:00Z"},
            }
            files = [{"name": source.name, "size": source.stat().st_size}]
            record = client.post("/uploads", {"item": item, "files": files})

            def content() -> Iterator[bytes]:
                with source.open("rb") as file:
                    while chunk := file.read(_CHUNK):
                        yield chunk

            path = f"/uploads/{record['id']}"
            client.request("PUT", f"{path}/files/0", content=content)
            begin = time.perf_counter()
            client.post(f"{path}/submit")
            while record["status"] not in ("success", "failure"):
                record = client.get(path, {"wait": 60})
            taken = time.perf_counter() - begin
            if record["status"] != "success":
                raise AssertionError(record["events"])
            image = Image.get(f"{product.id}:scene-{number}")
            assert image is not None
            image.delete()
            return taken

        def theirs() -> None:
            target = Path(folder) / "translated.tif"
            _gdal_translate(source, target)
            target.unlink()

        name = "gdal_translate -of COG" if shutil.which("gdal_translate") else "GDAL's CreateCopy of a COG"
        yield Contest(ours, [Peer(name, theirs, aim=1 / 1.25)], runs=3)


_CAT = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import FileResponse, Response
from starlette.routing import Route

async def put(request):
    with open(sys.argv[2], "wb") as file:
        async for chunk in request.stream():
            file.write(chunk)
    return Response(status_code=204)

async def get(request):
    return FileResponse(sys.argv[2])

routes = [Route("/", put, methods=["PUT"]), Route("/", get)]
uvicorn.run(Starlette(routes=routes), port=int(sys.argv[1]), log_level="error", ws="none")
"""


@contextmanager
def _cat(file: Path) -> Iterator[str]:
    """A server of the same framework that writes a body to a file and sends it back."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, "-c", _CAT, str(port), str(file)]) as server:
        try:
            for _ in range(600):
                with contextlib.suppress(httpx.TransportError):
                    httpx.put(url, content=b"")
                    break
                time.sleep(0.05)
            yield url
        finally:
            server.kill()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _data(path: Path) -> None:
    block = np.random.default_rng(0).bytes(_CHUNK)
    with path.open("wb") as file:
        for _ in range(_BLOB_BYTES // _CHUNK):
            file.write(block)


@contextmanager
def _both(folder: Path) -> Iterator[tuple[Path, str, httpx.Client]]:
    source = folder / "source"
    _data(source)
    with _service(), _cat(folder / "cat") as url, httpx.Client(timeout=120, trust_env=False) as client:
        yield source, url, client


def _uploading(source: Path, *, until_hash: bool = False) -> Callable[[], float]:
    """Return a measure of uploads of a file as blobs, until the answer or until the hash is known."""
    numbers = itertools.count(1)

    def measure() -> float:
        begin = time.perf_counter()
        blob = Blob(name=f"blob-{next(numbers)}").upload(str(source))
        answered = time.perf_counter()
        # In either case, so that a hash computed afterwards does not slow the next run.
        assert blob.hash
        hashed = time.perf_counter()
        blob.delete().wait_for_completion()
        return (hashed if until_hash else answered) - begin

    return measure


@job("uploads")
def upload_of_a_blob_of_1_GiB() -> Iterator[Contest]:
    with tempfile.TemporaryDirectory() as name, _both(Path(name)) as (source, url, client):

        def theirs() -> float:
            begin = time.perf_counter()
            client.put(url, content=_chunks(source)).raise_for_status()
            taken = time.perf_counter() - begin
            (Path(name) / "cat").unlink()  # a new file costs more than an overwritten one
            return taken

        peer = Peer("the same bytes over the framework alone", theirs, aim=1 / 1.3)
        yield Contest(_uploading(source), [peer], runs=3)


@job("uploads")
def upload_of_a_blob_of_1_GiB_until_its_hash_is_there() -> Iterator[Contest]:
    with tempfile.TemporaryDirectory() as name, _both(Path(name)) as (source, url, client):

        def theirs() -> None:
            client.put(url, content=_chunks(source)).raise_for_status()
            with (Path(name) / "cat").open("rb") as file:
                hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False))
            (Path(name) / "cat").unlink()

        peer = Peer("the same bytes over the framework, then their MD5", theirs, aim=1 / 1.5)
        yield Contest(_uploading(source, until_hash=True), [peer], runs=3)


@job("uploads")
def download_of_a_blob_of_1_GiB() -> Iterator[Contest]:
    with tempfile.TemporaryDirectory() as name, _both(Path(name)) as (source, url, client):
        blob = Blob(name="blob").upload(str(source))
        client.put(url, content=_chunks(source)).raise_for_status()
        target = Path(name) / "target"

        def ours() -> float:
            begin = time.perf_counter()
            blob.download(str(target))
            taken = time.perf_counter() - begin
            target.unlink()
            return taken

        def theirs() -> float:
            begin = time.perf_counter()
            with client.stream("GET", url) as answer, target.open("wb") as file:
                for chunk in answer.iter_raw(_CHUNK):
                    file.write(chunk)
            taken = time.perf_counter() - begin
            target.unlink()
            return taken

        yield Contest(ours, [Peer("the same bytes over the framework alone", theirs, aim=1 / 1.3)], runs=3)


_MEMORY = """
import psutil
from bench.memory import peak
from landbridge.catalog import Blob
Blob(name="small").upload_data(b"x").data()
before = psutil.Process().memory_info().rss
blob = Blob(name="large").upload({source!r})
assert sum(map(len, blob.iter_data(chunk_size=2**20))) == {size}
blob.download({target!r})
print(peak() - before)
"""


@job("uploads")
def memory_of_a_client_with_1_GiB() -> Iterator[Contest]:
    """Measure the growth of a client's memory while it sends and reads the blob."""
    with tempfile.TemporaryDirectory() as name, _service():
        source = Path(name) / "source"
        _data(source)
        code = _MEMORY.format(source=str(source), target=str(Path(name) / "target"), size=_BLOB_BYTES)
        yield Contest(in_fresh_process(code), [Peer("64 MiB", _CLIENT_MEMORY)], runs=1, warm_up=False)
