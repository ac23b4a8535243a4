"""Temporary folders of jobs, on the worker's own disk."""

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

# Workers on several machines may share the parent folder, and process ids are unique per machine only.
_PREFIX = f"landbridge-{socket.gethostname()}-"
_NAMED = re.compile(re.escape(_PREFIX) + r"(\d+)-").match


@contextmanager
def job_folder(parent: Path | None) -> Iterator[Path]:
    """Make a folder for a job, in `parent` or the system's temporary folder, and delete it afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent) as name:
        yield Path(name)


def remove_abandoned(parent: Path | None) -> None:
    """Delete the folders of this machine's workers that were killed."""
    for path in Path(parent or tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        named = _NAMED(path.name)
        if named and int(named[1]) != os.getpid() and not psutil.pid_exists(int(named[1])):
            shutil.rmtree(path, ignore_errors=True)
