"""Memory of the large mosaic, in bytes of a separate process, against output x 1.5 + 512 MiB.

The output is the values alone: its mask is part of what ours takes. One job counts what the peak grows beyond
the state after imports, the other the whole process, with the interpreter and all libraries. Linux only.
"""

from __future__ import annotations

import zlib
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from bench.frame import Contest, Peer, in_fresh_process, job
from bench.raster import OURS, checked, ours, runs, wanted
from bench.raster_reference import reference
from bench.raster_scenes import ground
from bench.raster_work import work

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPARE = 512 * 2**20
_CHILD = """
import zlib
import landbridge.raster.api
from bench.memory import peak
from bench.raster_scenes import context, ground
from bench.raster_work import RGB, work
from landbridge.raster import Request, mosaic

todo = work("e", {variant!r}, ground())
sources = todo.ground.sources({variant!r})
before = peak() if {beyond} else 0
pixels = mosaic(sources, Request(RGB, context(todo.grid), mask_alpha=False), progress=False).data
grown = peak() - before
assert zlib.crc32(pixels) == {checksum}, "these are other pixels"
print(grown)
"""


def _contest(variant: str, *, beyond: bool) -> Iterator[Contest]:
    todo = work("e", variant, ground())
    pixels = ours(todo)()
    checked("landbridge", partial(np.asarray, pixels), reference(todo), OURS)()
    yield Contest(
        in_fresh_process(_CHILD.format(variant=variant, checksum=zlib.crc32(pixels.data), beyond=beyond)),
        [Peer("output x 1.5 + 512 MiB", 1.5 * pixels.nbytes + _SPARE)],
        runs=min(3, runs()),
        warm_up=False,
    )


def _register(variant: str, title: str, *, beyond: bool) -> None:
    def prepare() -> Iterator[Contest]:
        yield from _contest(variant, beyond=beyond)

    prepare.__name__ = f"peak memory at e, {title}, {variant}"
    job("raster")(prepare)


for _variant in ("multi", "split"):
    if wanted("memory", _variant):
        _register(_variant, "beyond imports", beyond=True)
        _register(_variant, "whole process", beyond=False)
