"""History of benchmark results: JSON lines with commit, date and machine, one for each row."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.frame import Row

ROOT = Path(__file__).parents[2]
VARIABLE = "BENCH_HISTORY"
DEFAULT = Path(".bench/history.jsonl")
# Packages whose version may change a result.
PACKAGES = ("numpy", "rasterio", "httpx", "orjson", "pypgstac", "stac-fastapi-pgstac", "asyncpg")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of one run."""

    job: str
    peer: str
    ours: float
    theirs: float
    ratio: float
    aim: float
    commit: str
    date: datetime
    machine: dict[str, Any]


def path() -> Path | None:
    """Return the file that keeps the history, relative to the checkout; None if the variable is empty."""
    text = os.environ.get(VARIABLE, str(DEFAULT))
    return ROOT / text if text else None


def run_details() -> dict[str, Any]:
    """Return the commit, date and machine of this run."""
    commit = _output("git", "rev-parse", "--short=12", "HEAD") or "unknown"
    if _output("git", "status", "--porcelain", "--untracked-files=no"):
        commit += "+"  # with uncommitted changes
    return {
        "commit": commit,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cpu": _cpu(),
            "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
            "system": platform.platform(terse=True),
            "python": platform.python_version(),
            "versions": {name: version for name in PACKAGES if (version := _version(name))},
        },
    }


def append(file: Path, rows: Iterable[Row], details: dict[str, Any]) -> None:
    """Append the rows of one job to the history."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({**json.loads(row.to_json()), **details}) + "\n" for row in rows]
    with file.open("a", encoding="utf-8") as history:
        history.write("".join(lines))


def read(file: Path) -> list[Entry]:
    """Return the entries of a history, the oldest first. Raises ValueError if a line is malformed."""
    entries = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
            entries.append(Entry(**{**values, "date": datetime.fromisoformat(values["date"])}))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file}, line {number}: not a row of the history: {error}") from error
    return sorted(entries, key=lambda entry: entry.date)


def _output(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return done.stdout.strip()


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    names = (
        [line for line in info.read_text().splitlines() if line.startswith("model name")]
        if info.exists()
        else []
    )
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
