"""Limits and habits that all worker processes have in common, and the parent's view of them."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
from typing import Final

import psutil

__all__ = [
    "LIBRARIES",
    "end_with_parent",
    "environment",
    "leave_out_unused_libraries",
    "limit_memory",
    "resident_memory",
]

# rasterio imports boto3, and odc-geo dask, if they are installed. Workers have no credentials and no lazy
# arrays; without the two, they start in 0.35 in place of 0.57 s.
_UNUSED = ("boto3", "dask")
_PR_SET_PDEATHSIG = 1  # prctl(2)
LIBRARIES: Final = 96 * 2**20
"""Bytes of a worker process that its limit on private memory does not count."""
# Environment variables that a worker process gets. The others may hold credentials or settings of GDAL, which
# also looks for settings in the user's home.
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPATH")


def environment(**variables: str) -> dict[str, str]:
    """Return the environment of a worker process, with more variables."""
    known = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return {**known, "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", **variables}


def leave_out_unused_libraries() -> None:
    """Let imports of optional libraries that no worker uses fail; call it before rasterio is imported."""
    for name in _UNUSED:
        sys.modules[name] = None  # type: ignore[assignment]  # documented: the import raises an error


def limit_memory(limit: int) -> None:
    """Limit private memory (on Linux; elsewhere the parent watches it), and write no core dumps."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent ends (on Linux)."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)


def resident_memory(process: psutil.Process) -> int:
    """Return the resident memory of a process in bytes; 0 if it has ended."""
    try:
        resident: int = process.memory_info().rss
    except psutil.Error:
        return 0
    return resident
