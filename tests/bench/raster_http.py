"""The raster jobs over HTTP with a latency of 20 ms, like a remote object store.

`LANDBRIDGE_BENCH_JOBS` picks them as "b-http" or "d-http-split".
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import rasterio

from bench import raster_peers as peers
from bench.frame import Contest, Peer, job
from bench.raster import OURS, THEIRS, checked, ours, runs, wanted
from bench.raster_reference import reference
from bench.raster_scenes import ground
from bench.raster_work import work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from bench.raster_work import Work

_LATENCY = 0.02
# Ratios to reach against odc.stac.load and the best other peer.
_AIMS = {"b": (10, 1.7), "d": (1.5, 1.5)}
_TITLES = {"b": "b over HTTP mosaic of twelve", "d": "d over HTTP stack of twelve"}
# Number of concurrent reads, for our engine and for the peers: more than there are cores.
_AT_ONCE = 16
# The usual settings of GDAL for reading from the cloud.
_GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_VERSION": "2",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif",
    # Otherwise every run except the first would read from GDAL's cache.
    "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/",
    "VSI_CACHE": "TRUE",
}


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """Serve the folder over HTTP by a separate process that adds the latency."""
    script = Path(__file__).with_name("latency_server.py")
    command = [sys.executable, str(script), str(folder), str(_LATENCY)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@contextmanager
def _as_in_the_cloud() -> Iterator[None]:
    """Set GDAL's options for all threads of the process, and the peers' number of threads."""
    before = {name: os.environ.get(name) for name in _GDAL}
    threads = peers.THREADS
    os.environ.update(_GDAL)
    peers.THREADS = _AT_ONCE
    try:
        with rasterio.Env(**_GDAL):
            yield
    finally:
        peers.THREADS = threads
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _contest(key: str, variant: str) -> Iterator[Contest]:
    near = ground()
    todo = work(key, variant, near)
    expected = reference(todo)
    odc, best = _AIMS[key]
    with _served(near.folder) as address:
        far = replace(todo, ground=replace(near, address=address))

        def peer(name: str, run: Callable[[Work], np.ndarray], aim: float) -> Peer:
            def measured() -> np.ndarray:
                with _as_in_the_cloud():
                    return run(far)

            return Peer(name, checked(name, measured, expected, THEIRS), aim)

        others = [("rasterio in threads", peers.rasterio_threads), ("rio-tiler", peers.rio_tiler)]
        if variant == "split":
            others.append(("stackstac", peers.stackstac))
        yield Contest(
            checked("landbridge", ours(far), expected, OURS),
            [peer("odc.stac.load", peers.odc_stac, odc), *(peer(name, run, best) for name, run in others)],
            runs=runs(),
        )


def _register(key: str, variant: str) -> None:
    def prepare() -> Iterator[Contest]:
        yield from _contest(key, variant)

    prepare.__name__ = f"{_TITLES[key]}, {variant}"
    job("raster")(prepare)


for _key in _AIMS:
    for _variant in ("multi", "split"):
        if wanted(f"{_key}-http", _variant):
            _register(_key, _variant)
