"""Raster jobs: one scene, mosaics and stacks of twelve, each against other libraries.

`LANDBRIDGE_BENCH_SIZE` is the scenes' edge in pixels, or "full" (see raster_scenes); `LANDBRIDGE_BENCH_JOBS`
picks jobs by letter and variant, as in "b-multi,e". Results are held against a reference before they count.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import raster_peers as peers
from bench.frame import Contest, Peer, job
from bench.raster_reference import reference
from bench.raster_scenes import context, ground
from bench.raster_work import RGB, Work, work
from landbridge.raster import Request, mosaic, read_image, stack, stacked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.frame import Measure
    from bench.raster_reference import Reference

Array = np.ndarray[Any, Any]

_TITLES = {
    "a": "a whole scene on its own grid",
    "b": "b mosaic of twelve",
    "balpha": "balpha mosaic of twelve under an alpha band",
    "c": "c whole scene at an eighth in web mercator",
    "d": "d stack of twelve",
    "e": "e large mosaic of twelve",
}
# Job and variant: ratios to reach against odc.stac.load, the best other peer, and decoding alone.
_AIMS: dict[tuple[str, str], tuple[float, float, float]] = {
    ("a", "multi"): (2.5, 1.2, 0.3),
    ("a", "split"): (2.5, 1.2, 0.3),
    ("b", "multi"): (15, 3, 0),
    ("b", "split"): (8, 3, 0),
    ("balpha", "multi"): (15, 3, 0),
    ("balpha", "split"): (8, 3, 0),
    ("c", "multi"): (1.5, 1.0, 0),
    ("c", "split"): (1.5, 1.0, 0),
    ("d", "multi"): (3.5, 1.4, 0.3),
    ("d", "split"): (1.7, 1.4, 0.3),
    ("e", "multi"): (8, 7, 0.3),
    ("e", "split"): (8, 7, 0.3),
}
# Our nearest is exact except for centers on the border of two pixels; GDAL's and rio-tiler's is off by up to
# an eighth of a pixel between two systems, and for a coarse grid they may take another overview.
OURS, THEIRS, _COARSE = 1e-4, 0.05, 0.1


def ours(todo: Work) -> Callable[[], Array]:
    """Return a job as a call of our engine."""
    sources = todo.ground.sources(todo.variant)
    sources = [source for source in sources if source.id in {scene.name for scene in todo.scenes}]
    request = Request(RGB, context(todo.grid), mask_alpha=todo.alpha)

    def run() -> Array:
        if todo.stacked:
            return stacked(stack([[source] for source in sources], request, progress=False))
        if len(sources) == 1:
            return read_image(sources[0], request, progress=False).data
        return mosaic(sources, request, progress=False).data

    return run


def _others(todo: Work) -> Iterator[tuple[str, Callable[[Work], Array]]]:
    """Return the peers that can do a job, except odc-stac."""
    yield "rasterio in threads", peers.rasterio_threads
    if todo.alpha:
        return
    yield "rio-tiler", peers.rio_tiler
    yield "WarpedVRT in threads", peers.warped_vrt
    if peers.has_gdalwarp():
        yield "gdalwarp", peers.gdalwarp
    if todo.variant == "split":
        yield "stackstac", peers.stackstac
    if todo.name in "be":
        yield "rasterio.merge", peers.rasterio_merge
    if todo.name == "a":
        yield "rasterio with GDAL's threads", peers.rasterio_gdal_threads


def checked(
    name: str, run: Callable[[], Array], expected: Reference, tolerance: float, *, alike: bool = False
) -> Measure:
    """Return a measure that checks its first result, which is not counted, against the reference."""
    pending = [True]

    def measure() -> None:
        result = run()
        if pending:
            pending.clear()
            expected.check(name, np.ma.getdata(result), tolerance, alike=alike)

    return measure


def _contest(key: str, variant: str) -> Iterator[Contest]:
    todo = work(key, variant, ground())
    expected = reference(todo)
    odc, best, floor = _AIMS[key, variant]
    alike = todo.overview is not None
    theirs = _COARSE if alike else THEIRS

    def peer(name: str, run: Callable[[Work], Array], aim: float) -> Peer:
        return Peer(name, checked(name, lambda: run(todo), expected, theirs, alike=alike), aim)

    yield Contest(
        checked("landbridge", ours(todo), expected, OURS),
        [
            peer("odc.stac.load", peers.odc_stac, odc),
            *(peer(name, run, best) for name, run in _others(todo)),
            Peer("decoding alone", peers.decode_only(todo, expected), floor),
        ],
        runs=runs(),
    )


def _register(key: str, variant: str) -> None:
    def prepare() -> Iterator[Contest]:
        yield from _contest(key, variant)

    prepare.__name__ = f"{_TITLES[key]}, {variant}"
    job("raster")(prepare)


def wanted(key: str, variant: str) -> bool:
    """Say if a job is selected."""
    chosen = os.environ.get("LANDBRIDGE_BENCH_JOBS")
    return not chosen or bool({key, variant, f"{key}-{variant}"}.intersection(chosen.split(",")))


def runs() -> int:
    """Return the number of measurements of a job."""
    return int(os.environ.get("LANDBRIDGE_BENCH_RUNS") or 5)


for _key, _variant in _AIMS:
    if wanted(_key, _variant):
        _register(_key, _variant)
