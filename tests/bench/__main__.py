"""Runs the benchmarks: JSON lines on stdout, progress on stderr.

python -m bench [GROUP...]
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback

from bench import frame

GROUPS = {
    "start": ("start",),
    "search": ("search",),
    "raster": ("raster", "raster_http", "raster_cluster", "raster_memory", "raster_growth"),
    "uploads": ("uploads",),
    "stac": ("stac",),
    "access": ("access",),
}
"""The groups of jobs, and the modules of this package that have them."""
ON_REQUEST = {"large": ("large",)}
"""Groups that take too long for a run of all."""


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(wanted: list[str]) -> int:
    unknown = set(wanted).difference(GROUPS, ON_REQUEST)
    if unknown:
        _log(f"no such group: {', '.join(sorted(unknown))}; there is {', '.join((*GROUPS, *ON_REQUEST))}")
        return 2
    # GDAL's own default, which ours would else make less for the peers in this process.
    os.environ.setdefault("GDAL_CACHEMAX", "5%")
    for group in wanted or GROUPS:
        for module in (GROUPS | ON_REQUEST)[group]:
            importlib.import_module(f"bench.{module}")
    failed = missed = 0
    for job in frame.JOBS:
        try:
            rows = frame.run(job, _log)
        except Exception:  # noqa: BLE001 - one broken job does not take the others' rows with it
            failed += 1
            _log(f"{job.name}: FAILED\n{traceback.format_exc()}")
            continue
        missed += sum(not row.met for row in rows)
        for row in rows:
            print(row.to_json(), flush=True)
    _log(f"{len(frame.JOBS)} jobs, {missed} rows missed, {failed} jobs failed")
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
