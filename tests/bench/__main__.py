"""Runs the benchmarks: JSON lines on stdout and in the history, progress on stderr.

python -m bench [GROUP...]
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback

from bench import frame, history

GROUPS = {
    "start": ("start",),
    "cold": ("cold",),
    "search": ("search",),
    "raster": ("raster", "raster_http", "raster_cluster", "raster_memory", "raster_growth"),
    "uploads": ("uploads",),
    "stac": ("stac",),
    "sources": ("sources",),
    "porting": ("porting",),
}
"""Groups of jobs, and their modules in this package."""
ON_REQUEST = {"large": ("large",), "access": ("access",), "tiles": ("tiles",)}
"""Groups that take too long for a run of all."""


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(wanted: list[str]) -> int:
    unknown = set(wanted).difference(GROUPS, ON_REQUEST)
    if unknown:
        _log(f"unknown group: {', '.join(sorted(unknown))}; use one of {', '.join((*GROUPS, *ON_REQUEST))}")
        return 2
    # Our engine lowers GDAL's cache for the whole process. Keep GDAL's default for the peers.
    os.environ.setdefault("GDAL_CACHEMAX", "5%")
    for group in wanted or GROUPS:
        for module in (GROUPS | ON_REQUEST)[group]:
            importlib.import_module(f"bench.{module}")
    file, details = history.path(), history.run_details()
    failed = missed = 0
    for job in frame.JOBS:
        try:
            rows = frame.run(job, _log)
        except Exception:  # noqa: BLE001 - a failed job must not stop the others
            failed += 1
            _log(f"{job.name}: FAILED\n{traceback.format_exc()}")
            continue
        missed += sum(not row.met for row in rows)
        for row in rows:
            print(row.to_json(), flush=True)
        if file is not None:
            history.append(file, rows, details)
    _log(f"{len(frame.JOBS)} jobs, {missed} rows missed, {failed} jobs failed")
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
