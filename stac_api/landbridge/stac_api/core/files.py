"""Atomic replacement of files: a reader sees the old content or all of the new."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Replacement", "sync"]


class Replacement:
    """New file that takes the place of another in one step.

    Parameters
    ----------
    target : Path
        File to replace; it may not exist.
    temporary : Path
        New path in the same folder, for the incomplete file.
    """

    def __init__(self, target: Path, temporary: Path) -> None:
        self._target = target
        self._temporary = temporary

    def open(self, mode: int = 0o666) -> IO[bytes]:
        """Create the incomplete file and open it for writing; existing files and links are never followed."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.fdopen(os.open(self._temporary, flags, mode), "wb")

    def commit(self, *, durable: bool) -> None:
        """Move the complete file to its target; `durable` flushes the folder's entry to the disk."""
        self._temporary.replace(self._target)
        if durable:
            sync(self._target.parent)

    def discard(self) -> None:
        """Delete the incomplete file."""
        self._temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file or a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
