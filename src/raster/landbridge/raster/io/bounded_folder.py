"""Folders of files that only save time, kept below a size."""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from landbridge.atomic_files import write_atomically

__all__ = ["CACHE_VARIABLE", "BoundedFolder", "cache_folder"]

CACHE_VARIABLE = "LANDBRIDGE_CACHE"
_DISABLED = frozenset({"off", "no", "none", "false", "0"})

# Seconds after which the time of the last use of a file is renewed, and an unfinished file is deleted.
_USE_SECONDS, _UNFINISHED_SECONDS = 86_400, 3600
_UNFINISHED = "."  # first letter of the files of `write_atomically` that are not finished


@dataclass(frozen=True, eq=False)
class BoundedFolder:
    """Folder of small files, named by digests, that several processes share.

    It is divided into parts by the first letters of the digests, each of which is kept below its share of
    `max_bytes`: the files that were not used for longest are deleted. Files are written beside and renamed,
    and only their owner may read them; those of other users are not read. Whatever fails is as if the file
    were not there, since the folder only saves time; those who read a file check its content.
    """

    path: Path
    max_bytes: int
    part_letters: int
    _written: dict[str, int] = field(default_factory=lambda: defaultdict(int), repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def max_part_bytes(self) -> int:
        """Largest size of a part, and of a file."""
        return int(self.max_bytes // 16**self.part_letters)

    def __contains__(self, digest: object) -> bool:
        """Return whether there is a file of a digest."""
        return os.path.exists(self._path(str(digest)))  # noqa: PTH110 - a tenth of the time of Path.exists

    def open(self, digest: str) -> BinaryIO | None:
        """Open a file for reading, and note that it is used; return None if there is none of this user."""
        path = self._path(digest)
        try:
            file = path.open("rb")
        except OSError:
            return None
        status = os.fstat(file.fileno())
        if status.st_uid != os.geteuid() or status.st_size > self.max_part_bytes:
            file.close()
            return None
        if time.time() - status.st_mtime > _USE_SECONDS:
            with suppress(OSError):
                os.utime(path)
        return file

    def write(self, digest: str, chunks: Sequence[bytes | memoryview]) -> None:
        """Write a file, unless it is larger than a part."""
        size = sum(len(chunk) for chunk in chunks)
        if size > self.max_part_bytes:
            return
        path = self._path(digest)
        with suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(path, chunks, mode=0o600)
            if self._has_to_be_trimmed(digest[: self.part_letters], size):
                self._trim(path.parent)

    def delete(self, digest: str) -> None:
        """Delete a file, if there is one."""
        with suppress(OSError):
            self._path(digest).unlink()

    def _path(self, digest: str) -> Path:
        return self.path / digest[: self.part_letters] / digest

    def _has_to_be_trimmed(self, part: str, size: int) -> bool:
        """Return whether a part has to be looked through: about once for so many bytes that are written."""
        with self._lock:
            # A process that writes little would else never look through a folder to which many write.
            is_first = part not in self._written
            self._written[part] += size
            if not is_first and self._written[part] <= self.max_part_bytes // 16:
                return False
            self._written[part] = 0
            return True

    def _trim(self, part: Path) -> None:
        """Delete those files of a part that were not used for longest, down to its size limit."""
        now, kept, total = time.time(), [], 0
        for path, status in _statuses(part):
            if path.name.startswith(_UNFINISHED):
                if now - status.st_mtime > _UNFINISHED_SECONDS:
                    path.unlink(missing_ok=True)
                continue
            kept.append((status.st_mtime, status.st_size, path))
            total += status.st_size
        for _, size, path in sorted(kept):
            if total <= self.max_part_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size


def cache_folder() -> Path | None:
    """Return the folder for what is kept of remote files; None if `LANDBRIDGE_CACHE` is "off"."""
    chosen = os.environ.get(CACHE_VARIABLE, "")
    return None if chosen.lower() in _DISABLED else _chosen_folder(chosen)


@lru_cache(maxsize=8)
def _chosen_folder(chosen: str) -> Path:
    import platformdirs

    return Path(chosen) if chosen else platformdirs.user_cache_path("landbridge", appauthor=False)


def _statuses(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.iterdir():
        # Another process may have deleted it.
        with suppress(FileNotFoundError):
            yield path, path.stat()
