"""Peak memory of a process, for child processes of benchmarks. Linux only."""

from __future__ import annotations

from pathlib import Path


def peak() -> int:
    """Return the peak memory of this process in bytes.

    `getrusage` would not do: what the parent held when it started the child counts there too.
    """
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
