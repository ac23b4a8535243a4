"""Journal of an upload of many images: what was sent, so that the upload can go on after any interruption.

Each line is a JSON object about one image; the last line of an image counts. A line is written before and
after each step that changes something in the service.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

__all__ = ["Entry", "Journal", "SourceFile", "default_journal"]

_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file as it was sent: size and modification time, and the SHA-256 of its content."""

    path: str
    size: int
    modified: int
    sha256: str = ""

    @classmethod
    def of(cls, path: str) -> Self:
        """Return the state of a file, without its checksum."""
        found = Path(path).stat()
        return cls(path, found.st_size, found.st_mtime_ns)

    def hashed(self) -> Self:
        """Return the state with the checksum of the file's content."""
        digest = hashlib.sha256()
        with Path(self.path).open("rb") as file:
            while chunk := file.read(_READ_AT_ONCE):
                digest.update(chunk)
        return replace(self, sha256=digest.hexdigest())

    def is_unchanged(self) -> bool:
        """Return whether the file has the size and the content that were sent.

        The content is read if the modification time differs.
        """
        now = SourceFile.of(self.path)
        if now.size != self.size:
            return False
        return now.modified == self.modified or now.hashed().sha256 == self.sha256


@dataclass(frozen=True, slots=True)
class Entry:
    """State of an image: `starting`, `announced`, `submitted`, `success` or `failure`."""

    image: str
    state: str
    upload: str = ""
    files: tuple[SourceFile, ...] = ()

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> Self:
        """Return the entry of a line's JSON."""
        files = tuple(SourceFile(**file) for file in document["files"])
        return cls(document["image"], document["state"], document["upload"], files)


@dataclass(slots=True)
class Journal:
    """The entries of a file, and additions to it. One process at a time can open it."""

    path: Path
    entries: dict[str, Entry] = field(default_factory=dict)
    _file: Any = None
    _lock: Lock = field(default_factory=Lock)

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("a+", encoding="utf-8")
        try:
            _lock_file(self._file, self.path)
        except BaseException:
            self._file.close()
            raise
        self._file.seek(0)
        text = self._file.read()
        for line in text.splitlines():
            try:
                entry = Entry.of_document(json.loads(line))
            except (ValueError, KeyError, TypeError):
                continue  # the process ended while it wrote this line
            self.entries[entry.image] = entry
        if text and not text.endswith("\n"):
            self._file.write("\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def unfinished(self) -> Sequence[str]:
        """Names of images whose upload has begun and not ended."""
        return [entry.image for entry in self.entries.values() if entry.state not in ("success", "failure")]

    def write(self, entry: Entry) -> None:
        """Add a line. Any thread may call this."""
        line = json.dumps(asdict(entry), separators=(",", ":"))
        with self._lock:
            self._file.write(f"{line}\n")
            self._file.flush()
            self.entries[entry.image] = entry


def _lock_file(file: Any, path: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise click.ClickException(
            f"Another process uploads by the journal {path}; wait for its end."
        ) from error


def default_journal(home: Path, service: str, product_id: str, locations: Sequence[str]) -> Path:
    """Return the path of the journal of an upload: the same for the same service, product and folders."""
    places = [str(Path(one).resolve()) for one in locations]
    digest = hashlib.sha256(json.dumps([service, product_id, sorted(places)]).encode()).hexdigest()
    return home / "uploads" / f"{digest[:16]}.jsonl"
