"""Comparison with another checkout: our side of each job of both, in turns, without the peers.

python -m bench.against CHECKOUT MODULE...

The modules are those of this package, such as `raster`. The other checkout needs an environment of its own
(`scripts/uv sync --locked --group bench`). In each environment a process prepares a job; each round runs it
once in both. The ratio of a line is the other's median by ours: a job with 1.00 or more is as fast as it was.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).parents[2]
_ROUNDS = int(os.environ.get("LANDBRIDGE_BENCH_ROUNDS", "7"))
_MARK = "answer "  # a job may print lines of its own


class _Side:
    """A process in the environment of a checkout that answers each line with a line."""

    def __init__(self, checkout: Path, modules: list[str]) -> None:
        paths = os.pathsep.join(str(checkout / folder) for folder in ("examples", "tests"))
        self._process = subprocess.Popen(
            [checkout / ".venv/bin/python", __file__, "--work", *modules],
            cwd=checkout,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONSAFEPATH": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, question: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{question}\n")
        self._process.stdin.flush()
        for line in self._process.stdout:
            if line.startswith(_MARK):
                return line.removeprefix(_MARK).strip()
        raise RuntimeError(f"{self._process.args!r} has ended with {self._process.wait()} at {question!r}.")

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


@contextlib.contextmanager
def _sides(checkouts: list[Path], modules: list[str]) -> Iterator[list[_Side]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(contextlib.closing(_Side(one, modules))) for one in checkouts]


def _work(modules: list[str]) -> None:
    """Answer `names` with the jobs of the modules, `prepare NAME` and `run` with seconds."""
    from bench import frame

    for module in modules:
        importlib.import_module(f"bench.{module}")
    jobs = {job.name: job for job in frame.JOBS}
    with contextlib.ExitStack() as stack:
        for line in sys.stdin:
            verb, _, name = line.strip().partition(" ")
            answer: object = None
            if verb == "names":
                answer = list(jobs)
            elif verb == "prepare":
                contest = stack.enter_context(contextlib.contextmanager(jobs[name].prepare)())
                if contest.warm_up:
                    contest.ours()
            else:
                answer = frame._take(contest.ours)
            print(_MARK + json.dumps(answer), flush=True)


def _compare(other: Path, modules: list[str], name: str) -> None:
    with _sides([_ROOT, other], modules) as sides:
        for side in sides:
            side.ask(f"prepare {name}")
        taken: list[list[float]] = [[], []]
        for number in range(_ROUNDS):
            for place in (0, 1) if number % 2 == 0 else (1, 0):
                taken[place].append(float(sides[place].ask("run")))
    ours, theirs = map(statistics.median, taken)
    line = {"job": name, "ours": ours, "other": theirs, "ratio": theirs / ours}
    print(
        json.dumps({key: v if isinstance(v, str) else float(f"{v:.4g}") for key, v in line.items()}),
        flush=True,
    )


def main(checkout: str, *modules: str) -> None:
    other = Path(checkout).resolve()
    with _sides([_ROOT, other], list(modules)) as sides:
        ours, theirs = (json.loads(side.ask("names")) for side in sides)
    for name in ours:
        if name in theirs:
            _compare(other, list(modules), name)


if __name__ == "__main__":
    if sys.argv[1] == "--work":
        _work(sys.argv[2:])
    else:
        main(*sys.argv[1:])
