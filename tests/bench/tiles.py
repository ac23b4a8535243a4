"""Map tiles beside titiler-pgstac: twelve overlapping scenes, tiles of 512 pixels, zooms 8 to 14.

CPU is that of the server, its worker processes and the database. Warm: each server has drawn the same tiles
before, and keeps what it keeps by default: ours decoded pixels (`LANDBRIDGE_TILE_CACHE_BYTES` in each of
`LANDBRIDGE_TILE_WORKERS` processes), titiler its searches for five minutes, and GDAL's blocks in 5 % of the
machine's memory. Neither keeps pictures. Cold: both have just been started. The system keeps the files' pages
in either case. `LANDBRIDGE_BENCH_SIZE=full` makes the scenes as large as real ones.
"""

from __future__ import annotations

import os
import sys
import time
from functools import cache
from typing import TYPE_CHECKING, Any

from bench.frame import Contest, Peer, job
from bench.homes import Shared
from bench.tile_servers import PNG, PNGRAW, TILES, Pass, Servers, servers

if TYPE_CHECKING:
    from collections.abc import Iterator

_OTHERS = int(os.environ.get("BENCH_ITEMS", "200000"))
_ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
_TITILER = "titiler-pgstac"
_SHARED = Shared(servers, jobs=11)


@cache
def _warm(clients: int, selection: str = "first", *, is_item: bool = False) -> dict[str, Pass]:
    """Return the medians of passes that alternate: ours, titiler's `.png` and its `.pngraw`."""
    with_servers = _current[0]
    item = with_servers.newest if is_item else None
    query = {} if is_item else {"pixel_selection": selection}
    measures = {
        "ours": (with_servers.ours, PNG),
        PNG: (with_servers.titiler, PNG),
        PNGRAW: (with_servers.titiler, PNGRAW),
    }
    rounds = max(1, clients // 8)
    tiles = with_servers.tiles_of_newest if is_item else TILES
    taken: dict[str, list[Pass]] = {name: [] for name in measures}
    for number in range(_ROUNDS + 1):
        for name, (server, extension) in measures.items():
            found = server.run(
                extension, query, clients=clients, item=item, tiles=tiles, rounds=rounds if number else 1
            )
            if number:  # the first pass warms up
                taken[name].append(found)
    for name, passes in taken.items():
        figures = ", ".join(
            f"{one.cpu * 1000:.0f}/{1 / one.seconds:.1f}/{one.p95 * 1000:.0f}" for one in passes
        )
        _log(f"{clients} clients, {'one item' if is_item else selection}, {name}: {figures}")
    _log(
        f"resident: ours {with_servers.ours.resident_bytes() >> 20} MiB, "
        f"titiler {with_servers.titiler.resident_bytes() >> 20} MiB"
    )
    return {name: Pass.median(passes) for name, passes in taken.items()}


_current: list[Servers] = []


def _log(line: str) -> None:
    """Print figures of passes: CPU ms per tile / tiles per second / p95 in ms."""
    print(line, file=sys.stderr, flush=True)


def _contest(figure: str, aims: dict[str, float], clients: int, **options: Any) -> Iterator[Contest]:
    with _SHARED.use() as running:
        _current[:] = [running]
        found = _warm(clients, **options)
        peers = [Peer(f"{_TITILER} .{name}", getattr(found[name], figure), aim) for name, aim in aims.items()]
        yield Contest(lambda: getattr(found["ours"], figure), peers, runs=1, warm_up=False)


@job("tiles")
def cpu_per_tile_warm() -> Iterator[Contest]:
    yield from _contest("cpu", {PNG: 5, PNGRAW: 4}, 8)


@job("tiles")
def seconds_per_tile_of_8_clients() -> Iterator[Contest]:
    yield from _contest("seconds", {PNG: 5, PNGRAW: 4}, 8)


@job("tiles")
def p95_of_8_clients() -> Iterator[Contest]:
    yield from _contest("p95", {PNG: 4, PNGRAW: 4}, 8)


@job("tiles")
def seconds_per_tile_of_one_item() -> Iterator[Contest]:
    yield from _contest("seconds", {PNG: 3, PNGRAW: 3}, 8, is_item=True)


@job("tiles")
def seconds_per_tile_of_means() -> Iterator[Contest]:
    yield from _contest("seconds", {PNG: 2, PNGRAW: 2}, 8, selection="mean")


@job("tiles")
def seconds_per_tile_of_medians() -> Iterator[Contest]:
    yield from _contest("seconds", {PNG: 2, PNGRAW: 2}, 8, selection="median")


@job("tiles")
def seconds_per_tile_of_32_clients() -> Iterator[Contest]:
    yield from _contest("seconds", {PNG: 5, PNGRAW: 4}, 32)


@job("tiles")
def p95_of_32_clients() -> Iterator[Contest]:
    yield from _contest("p95", {PNG: 4, PNGRAW: 4}, 32)


@job("tiles")
def first_tile_of_a_fresh_process() -> Iterator[Contest]:
    with _SHARED.use() as running:
        running.restart()

        def measure() -> float:
            start = time.perf_counter()
            running.ours.get(TILES[0], PNG, {})
            return time.perf_counter() - start

        yield Contest(measure, [Peer("one second", 1.0)], runs=1, warm_up=False)


@job("tiles")
def cpu_per_tile_cold() -> Iterator[Contest]:
    with _SHARED.use() as running:
        running.restart()
        found = {
            "ours": running.ours.run(PNG, {}, clients=8),
            PNG: running.titiler.run(PNG, {}, clients=8),
        }
        running.restart()
        found[PNGRAW] = running.titiler.run(PNGRAW, {}, clients=8)
        peers = [Peer(f"{_TITILER} .{name}", found[name].cpu) for name in (PNG, PNGRAW)]
        yield Contest(lambda: found["ours"].cpu, peers, runs=1, warm_up=False)


@job("tiles")
def cpu_per_tile_beside_200_000_items() -> Iterator[Contest]:
    with _SHARED.use() as running:

        def passes() -> Pass:
            # The first fills the caches, which are cold after a restart.
            return Pass.median([running.ours.run(PNG, {}, clients=8) for _ in range(1 + _ROUNDS)][1:])

        before = passes().cpu
        running.load_others(_OTHERS)
        yield Contest(lambda: passes().cpu, [Peer("without them", before, 1 / 1.3)], runs=1, warm_up=False)
