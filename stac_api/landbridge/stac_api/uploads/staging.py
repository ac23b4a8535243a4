"""Folders on the worker's own disk in which files are read and written, each of one job."""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

# Workers on other machines may share the folder, and their processes have the same numbers.
_PREFIX = f"landbridge-{socket.gethostname()}-"
_NAMED = re.compile(re.escape(_PREFIX) + r"(\d+)-").match


@contextmanager
def folder(parent: Path | None) -> Iterator[Path]:
    """A folder for a job, below `parent` or the system's temporary folder; it goes with the job."""
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent) as name:
        yield Path(name)


def clear(parent: Path | None) -> None:
    """Delete the folders of workers of this machine that were killed."""
    for path in Path(parent or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        named = _NAMED(path.name)
        if named and int(named[1]) != os.getpid() and not psutil.pid_exists(int(named[1])):
            shutil.rmtree(path, ignore_errors=True)
