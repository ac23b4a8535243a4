"""Framework of all benchmarks: contests between our code and peers, measured in alternating runs.

A job is a generator function: it prepares, yields a `Contest`, and cleans up afterwards.

>>> @job("raster")
... def mosaic_of_twelve() -> Iterator[Contest]:
...     scenes = ...
...     yield Contest(lambda: ours(scenes), [Peer("gdalwarp", lambda: gdalwarp(scenes), aim=1.2)])

Every measure runs once to warm up, then `runs` times in turn with its peers, so that a slow machine slows all
of them. Every peer makes one row; a row is met if its ratio reaches its aim.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Measure = Callable[[], object]
    """Function that does the work once. A number that it returns is the result, else its duration is."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer: a function to measure, or a fixed figure, and the ratio to reach."""

    name: str
    measure: Measure | float
    aim: float = 1.0


@dataclass(frozen=True, slots=True)
class Contest:
    """Our code and its peers on the same work."""

    ours: Measure
    peers: Sequence[Peer]
    runs: int = 5
    warm_up: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the result: seconds or bytes, and ratio = theirs / ours."""

    job: str
    ours: float
    peer: str
    theirs: float
    ratio: float
    aim: float

    @property
    def met(self) -> bool:
        return self.ratio >= self.aim

    def to_json(self) -> str:
        values = asdict(self).items()
        return json.dumps({key: float(f"{v:.4g}") if isinstance(v, float) else v for key, v in values})


@dataclass(frozen=True, slots=True)
class Job:
    """A registered contest."""

    name: str
    group: str
    prepare: Callable[[], Iterator[Contest]]


JOBS: list[Job] = []


def job(group: str) -> Callable[[Callable[[], Iterator[Contest]]], Callable[[], Iterator[Contest]]]:
    """Register a generator function as a job of a group; its name is the job's, `_` written as a space."""

    def register(prepare: Callable[[], Iterator[Contest]]) -> Callable[[], Iterator[Contest]]:
        JOBS.append(Job(prepare.__name__.replace("_", " "), group, prepare))
        return prepare

    return register


def run(job: Job, log: Callable[[str], None]) -> list[Row]:
    """Run one job and return a row for each of its peers."""
    with contextmanager(job.prepare)() as contest:
        measures = [contest.ours, *(peer.measure for peer in contest.peers if callable(peer.measure))]
        if contest.warm_up:
            for measure in measures:
                measure()
        taken: dict[int, list[float]] = {id(measure): [] for measure in measures}
        for number in range(contest.runs):
            # Every other round in reverse order, because the first measure may find colder caches.
            for measure in measures if number % 2 == 0 else measures[::-1]:
                taken[id(measure)].append(_take(measure))
        median = {key: statistics.median(values) for key, values in taken.items()}
        ours = median[id(contest.ours)]
        rows = []
        for peer in contest.peers:
            theirs = median[id(peer.measure)] if callable(peer.measure) else float(peer.measure)
            rows.append(Row(job.name, ours, peer.name, theirs, theirs / ours, float(peer.aim)))
            verdict = f"{theirs / ours:.2f}, {'met' if rows[-1].met else 'MISSED'}"
            spread = ", ".join(f"{value:.3g}" for value in sorted(taken[id(contest.ours)]))
            log(f"{job.name}: {ours:.3g} [{spread}] against {peer.name} {theirs:.3g}: {verdict}")
        return rows


def _take(measure: Measure) -> float:
    gc.collect()
    start = time.perf_counter()
    result = measure()
    seconds = time.perf_counter() - start
    return float(result) if isinstance(result, int | float) and not isinstance(result, bool) else seconds


def in_fresh_process(code: str) -> Measure:
    """Make a measure that runs code in a new Python; what the code prints last is the figure."""

    def measure() -> float:
        # Without the setting that `__main__` makes for the peers, as in a user's process.
        ours = {name: value for name, value in os.environ.items() if name != "GDAL_CACHEMAX"}
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=ours
        )
        return float(done.stdout.split()[-1])

    return measure
