"""Growth of the cost of mosaics with the number of hidden scenes, and with the number of pixels."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from bench.frame import Contest, Peer, job
from bench.raster import OURS, checked, ours, runs, wanted
from bench.raster_reference import reference
from bench.raster_scenes import COUNT, FULL, context, ground
from bench.raster_work import RGB, Work, work
from landbridge.raster import PixelCache, Request, Source, mosaic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    import numpy as np

    from bench.frame import Measure

# Part of each edge of job e's area that the scenes cover.
_COVERED = 0.7
_SCENES = (48, 200)
_SCENES_AIM = 1 / 1.3
_EDGES = (256, 512, 1024, 2048, 4096, 8192)
# Four times the pixels may take up to five times as long.
_PIXELS_AIM = 4 / 5
# A call whose tiles are cached against one that has to decode them.
_SECOND_AIM = 3.0


def _under(sources: list[Source], count: int, folder: str) -> list[Source]:
    """Return `count` scenes; additional ones are the same files under other names."""
    further = []
    for number in range(count - len(sources)):
        original = sources[number % len(sources)]
        files = []
        for file in original.files:
            link = Path(folder) / f"{number}-{Path(file).name}"
            if not link.exists():
                os.link(file, link)
            files.append(str(link))
        further.append(replace(original, id=f"{original.id}-{number}", files=tuple(files)))
    return [*further, *sources]


def _covered(todo: Work) -> Work:
    """Return the part of the area that the scenes fill; only there hidden scenes need not be read."""
    rows, columns = (round(size * _COVERED) for size in todo.shape)
    return replace(todo, grid=todo.grid[:rows, :columns])


def _register_scenes(variant: str, count: int) -> None:
    def prepare() -> Iterator[Contest]:
        todo = _covered(work("e", variant, ground()))
        expected = reference(todo)
        assert expected.pixels.all(), "the scenes leave pixels open"
        request = Request(RGB, context(todo.grid), mask_alpha=False)
        sources = todo.ground.sources(variant)
        with tempfile.TemporaryDirectory(dir=todo.ground.folder) as folder:

            def measure(chosen: list[Source]) -> Measure:
                def run() -> np.ndarray[Any, Any]:
                    return mosaic(chosen, request, progress=False).data

                return checked(f"{len(chosen)} scenes", run, expected, OURS)

            peer = Peer(f"{COUNT} scenes", measure(sources), _SCENES_AIM)
            yield Contest(measure(_under(sources, count, folder)), [peer], runs=runs())

    prepare.__name__ = f"covered part of e with {count} scenes over the same ground, {variant}"
    job("raster")(prepare)


def _area(variant: str, edge: int) -> Work:
    """Return job b's mosaic in a larger or smaller square, scaled to the size of the scenes."""
    todo = work("b", variant, ground())
    pixels = max(1, round(edge * todo.ground.size / FULL))
    return replace(todo, grid=todo.ground.grid(40 / 231, 50 / 234, pixels))


def _register_step(variant: str, small: int, large: int) -> None:
    def per_pixel(todo: Work) -> Callable[[], float]:
        run = checked("landbridge", ours(todo), reference(todo), OURS)

        def measure() -> float:
            start = time.perf_counter()
            run()
            return (time.perf_counter() - start) / (todo.shape[0] * todo.shape[1])

        return measure

    def prepare() -> Iterator[Contest]:
        base = per_pixel(_area(variant, small))
        peer = Peer(f"per pixel of {small} x {small}", base, _PIXELS_AIM)
        yield Contest(per_pixel(_area(variant, large)), [peer], runs=runs())

    prepare.__name__ = f"b in {large} x {large}, seconds per pixel, {variant}"
    job("raster")(prepare)


def _register_second(variant: str) -> None:
    def prepare() -> Iterator[Contest]:
        todo = work("b", variant, ground())
        expected = reference(todo)
        request = Request(RGB, context(todo.grid), mask_alpha=False)
        sources = todo.ground.sources(variant)
        cache = PixelCache()

        def run() -> np.ndarray[Any, Any]:
            return mosaic(sources, request, progress=False, cache=cache).data

        def first() -> np.ndarray[Any, Any]:
            cache.clear()
            return run()

        def second() -> float:
            first()
            start = time.perf_counter()
            run()
            return time.perf_counter() - start

        run_checked = checked("first call", first, expected, OURS)
        yield Contest(second, [Peer("first call", run_checked, _SECOND_AIM)], runs=runs())

    prepare.__name__ = f"second call of b with a cache, {variant}"
    job("raster")(prepare)


for _variant in ("multi", "split"):
    if wanted("second", _variant):
        _register_second(_variant)
    if wanted("growth", _variant):
        for _count in _SCENES:
            _register_scenes(_variant, _count)
        for _small, _large in pairwise(_EDGES):
            _register_step(_variant, _small, _large)
