"""Directories of local TIFF files that were parsed before, in memory.

A directory belongs to one version of a file: its device, inode, size and times of the last changes. A file
that has just been written may change again without another time, so that its directory is not kept.
"""

import os
import threading
from collections import OrderedDict

from landbridge.raster.io.local_file import LocalFile
from landbridge.raster.io.tiff_directory import Tiff, read_tiff

__all__ = ["read_local_tiff"]

# Largest size in bytes of the directories in memory, and smallest size of one.
_MAX_BYTES, _MIN_TIFF_BYTES = 32 * 2**20, 1024

_tiffs: "OrderedDict[str, tuple[Tiff, int]]" = OrderedDict()
_used = 0
_lock = threading.Lock()


def read_local_tiff(file: LocalFile) -> Tiff | None:
    """Return the directory of a TIFF that the native reader supports; it is parsed once for each version.

    Raises:
        OSError: if the file cannot be read, or has changed since it was opened.
    """
    with _lock:
        found = _tiffs.get(file.path)
        if found is not None and found[0].file.key == file.key:
            _tiffs.move_to_end(file.path)
            return found[0]
    tiff = read_tiff(file)
    if tiff is not None and file.is_settled:
        _keep(file.path, tiff)
    return tiff


def _keep(path: str, tiff: Tiff) -> None:
    global _used  # noqa: PLW0603 - there is one memory
    size = _MIN_TIFF_BYTES + sum(page.offsets.nbytes + page.counts.nbytes for page in tiff.pages)
    with _lock:
        _, before = _tiffs.pop(path, (None, 0))
        _tiffs[path] = (tiff, size)
        _used += size - before
        while _used > _MAX_BYTES:
            _used -= _tiffs.popitem(last=False)[1][1]


def _reset_after_fork() -> None:
    """Replace the lock of a forked process, which another thread of its parent may hold."""
    global _lock  # noqa: PLW0603 - there is one
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
