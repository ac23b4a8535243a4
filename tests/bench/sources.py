"""Imagery of other providers: searches of an API, and mosaics of items whose files lie behind HTTP.

Every library runs in a process of its own (`sources_worker`), cold and warm. lazycogs and rasteret need
Python 3.12: `LANDBRIDGE_BENCH_PEERS` is the interpreter of an environment that has them, made for example by

    uv venv --python 3.12 peers
    uv pip install --python peers lazycogs rasteret rustac-duckdb-extensions
    uv pip install --python peers --no-deps rustac==0.9.9  # the newest whose DuckDB has these extensions

Without it they are left out, with a note.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import sources_scenes as scenes
from bench.frame import Contest, Peer, job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_LATENCY = 0.05
_HERE = Path(__file__).parent
_SEARCHED = int(os.environ.get("LANDBRIDGE_BENCH_ITEMS", "2000"))
_RUNS = int(os.environ.get("LANDBRIDGE_BENCH_RUNS", "5"))
# The usual settings of GDAL for reading from the cloud.
_GDAL = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".tif",
    # Otherwise every run except the first would read pixels from GDAL's cache.
    "CPL_VSIL_CURL_NON_CACHED": "/vsicurl/",
    "VSI_CACHE": "TRUE",
}
# Ratios to reach, cold and warm alike
_AIMS = {"odc_stac": 5.0, "rio_tiler": 1.5, "lazycogs": 1.2, "rasteret": 1.2}
_OF_ANOTHER_PYTHON = ("lazycogs", "rasteret")


@contextmanager
def _process(command: list[str], **options: Any) -> Iterator[str]:
    """Run a server inside the `with` block and yield the first line that it prints."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, **options) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@contextmanager
def _far() -> Iterator[str]:
    """Serve the files of the items with the latency of a store far away; yield their address."""
    script = str(_HERE / "latency_server.py")
    with _process([sys.executable, script, str(scenes.folder()), str(_LATENCY)]) as address:
        yield address


@contextmanager
def _work() -> Iterator[Path]:
    """Yield the folder of a description of the work, its items served by an API and in a parquet file."""
    import rustac

    from support.replay_server import ReplayServer

    with _far() as address, tempfile.TemporaryDirectory() as name:
        collection, items = scenes.documents(address)
        api: Any = ReplayServer([collection], items)  # type: ignore[no-untyped-call]
        folder = Path(name)
        rustac.write_sync(str(folder / "items.parquet"), items)
        work = {
            "api": api.url,
            "collection": scenes.COLLECTION,
            "items": items,
            "parquet": str(folder / "items.parquet"),
            "bands": list(scenes.BANDS),
            "bounds": scenes.area(),
            "epsg": scenes.EPSG,
            "gdal": _GDAL,
            "local": [str(scenes.folder() / f"{scene.name}_red.tif") for scene in scenes.SCENES[:4]],
        }
        (folder / "work.json").write_text(json.dumps(work))
        try:
            yield folder
        finally:
            api.stop()


def _interpreter(library: str) -> str | None:
    return os.environ.get("LANDBRIDGE_BENCH_PEERS") if library in _OF_ANOTHER_PYTHON else sys.executable


def _run(library: str, folder: Path, cache: Path, **variables: str) -> Mapping[str, float]:
    """Read the mosaic with a library in a new process, check its pixels, and return the seconds."""
    interpreter = _interpreter(library)
    assert interpreter is not None
    output = folder / f"{library}.npy"
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("GDAL_CACHEMAX", "PYTHONPATH")},
        "LANDBRIDGE_CACHE": str(cache),
        "LANDBRIDGE_SOURCES": "bench",
        "LANDBRIDGE_PROGRESS": "0",
        **variables,
    }
    script, work = str(_HERE / "sources_worker.py"), str(folder / "work.json")
    done = subprocess.run(
        [interpreter, script, library, work, str(output)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{library} failed: {done.stderr[-2000:]}")
    found = np.load(output)
    wanted = scenes.expected(scenes.area())
    wrong = float((found.reshape(wanted.shape) != wanted).mean())
    if wrong > (0 if library == "landbridge" else 0.01):
        raise RuntimeError(f"{wrong:.2%} of {library}'s pixels are wrong")
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _measure(library: str, state: str, folder: Path) -> Callable[[], float]:
    """Return a measure of the cold or the warm call of a library, with an empty cache of headers."""

    def measure() -> float:
        cache = folder / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        return _run(library, folder, cache)[state]

    return measure


def _mosaic(state: str) -> Iterator[Contest]:
    there = [name for name in _AIMS if _interpreter(name)]
    for name in set(_AIMS) - set(there):
        print(f"{name} is left out: LANDBRIDGE_BENCH_PEERS names no Python that has it", file=sys.stderr)
    with _work() as folder:
        peers = [Peer(name, _measure(name, state, folder), _AIMS[name]) for name in there]
        yield Contest(_measure("landbridge", state, folder), peers, runs=_RUNS, warm_up=False)


@job("sources")
def mosaic_of_twelve_items_far_away_cold() -> Iterator[Contest]:
    """Read twelve items for the first time: nothing of their files is known."""
    yield from _mosaic("cold")


@job("sources")
def mosaic_of_twelve_items_far_away_warm() -> Iterator[Contest]:
    """Read them again in the same process."""
    yield from _mosaic("warm")


def _second_process(aim: float, **variables: str) -> Iterator[Contest]:
    """Compare a second process over the same place with a first one, which finds nothing on disk."""
    with _work() as folder:
        cache = folder / "cache"

        def first(**its_variables: str) -> float:
            shutil.rmtree(cache, ignore_errors=True)
            return _run("landbridge", folder, cache, **its_variables)["cold"]

        def second() -> float:
            first(**variables)
            return _run("landbridge", folder, cache, **variables)["cold"]

        peers = [Peer("first process", partial(first, **variables), aim)]
        if variables:
            peers.append(Peer("first process that keeps no pixels", first, aim))
        yield Contest(second, peers, runs=_RUNS, warm_up=False)


@job("sources")
def second_process_that_finds_headers() -> Iterator[Contest]:
    """Read them in a second process, which finds the headers on disk; the peer is the first process."""
    yield from _second_process(1.25)


@job("sources")
def second_process_that_finds_headers_and_pixels() -> Iterator[Contest]:
    """Read them in a second process, which finds the pixels on disk too."""
    yield from _second_process(2.0, LANDBRIDGE_PIXEL_CACHE_DISK="1024")


@job("sources")
def search_of_two_thousand_items() -> Iterator[Contest]:
    """Search an API like Earth Search, and collect the images; pystac-client collects its items."""
    import pystac_client

    from landbridge import sources
    from landbridge.catalog import Product
    from landbridge.mappings.sources import shipped

    command = [sys.executable, "-m", "support.replay", "earth-search", str(_SEARCHED)]
    with _process(command, env={**os.environ, "PYTHONPATH": str(_HERE.parent)}) as line:
        url = json.loads(line)["api"]
        sources.add(replace(shipped("earth-search"), url=url))
        os.environ["LANDBRIDGE_SOURCES"] = "earth-search"
        product = Product.get("earth-search:sentinel-2-c1-l2a")
        client = pystac_client.Client.open(url)

        def ours() -> None:
            assert product is not None
            assert len(product.images().collect()) == _SEARCHED

        def theirs() -> None:
            search = client.search(collections=["sentinel-2-c1-l2a"], limit=200)
            assert len(search.item_collection()) == _SEARCHED

        yield Contest(ours, [Peer("pystac-client", theirs, 3.0)], runs=_RUNS)
        sources.remove("earth-search")


def _driver(variant: str) -> Iterator[Contest]:
    import odc.stac

    from bench import raster_peers
    from bench.raster_scenes import ground
    from bench.raster_work import RGB, work
    from landbridge.raster import odc_driver

    todo = work("b", variant, ground())
    items = raster_peers.items(todo)

    def load(driver: Any) -> np.ndarray[Any, Any]:
        cube = odc.stac.load(
            items[::-1],
            bands=RGB,
            geobox=todo.grid,
            resampling="nearest",
            groupby=lambda *_: 0,
            preserve_original_order=True,
            pool=raster_peers.THREADS,
            driver=driver,
        )
        return np.stack([cube[name].values[0] for name in RGB])

    ours = odc_driver()
    # GDAL's nearest is off by up to an eighth of a pixel between two systems.
    assert (load(ours) != load(None)).mean() < 0.05
    aim = 2.0 if variant == "multi" else 1.5
    yield Contest(
        partial(load, ours), [Peer("odc.stac.load without our driver", partial(load, None), aim)], runs=_RUNS
    )


@job("sources")
def odc_stac_with_our_driver_on_interleaved_files() -> Iterator[Contest]:
    """Load twelve scenes of all bands in a file by odc.stac.load, with and without our driver."""
    yield from _driver("multi")


@job("sources")
def odc_stac_with_our_driver_on_one_file_a_band() -> Iterator[Contest]:
    """Load twelve scenes of a file for each band by odc.stac.load, with and without our driver."""
    yield from _driver("split")
