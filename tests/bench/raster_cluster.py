"""The large mosaic on a dask cluster of two processes: our engine against odc.stac.load in chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import distributed

from bench import raster_peers as peers
from bench.frame import Contest, Peer, job
from bench.raster import OURS, THEIRS, checked, ours, runs, wanted
from bench.raster_reference import reference
from bench.raster_scenes import ground
from bench.raster_work import work
from landbridge.raster.grids.block_windows import BLOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORKERS = 2
_AIM = 4


def _contest(variant: str) -> Iterator[Contest]:
    todo = work("e", variant, ground())
    expected = reference(todo)
    dask: Any = distributed
    with (
        dask.LocalCluster(_WORKERS, threads_per_worker=1, memory_limit=0, dashboard_address=":0") as cluster,
        # If there is a client, our engine runs on its cluster.
        dask.Client(cluster),
    ):
        yield Contest(
            checked("landbridge", ours(todo), expected, OURS),
            [
                Peer(
                    "odc.stac.load on the same cluster",
                    checked("odc", lambda: peers.odc_stac_on_dask(todo, BLOCK), expected, THEIRS),
                    _AIM,
                )
            ],
            runs=runs(),
        )


def _register(variant: str) -> None:
    def prepare() -> Iterator[Contest]:
        yield from _contest(variant)

    prepare.__name__ = f"e on LocalCluster({_WORKERS}), {variant}"
    job("raster")(prepare)


for _variant in ("multi", "split"):
    if wanted("cluster", _variant):
        _register(_variant)
