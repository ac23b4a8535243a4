"""Headers of remote files that were read before, in memory and on disk.

A file that is opened by a kept header costs no request. Its first read of pixels asks for the version that
the header is of (`If-Match`, and the size and ETag of the answer). So a file that was replaced is noticed
before any of its pixels are used: the read raises `StaleHeaderError`, and the caller reads the header again.

On disk, each header is a file of its own in the user's cache folder, named by a digest of the address without
its signature. Files are written beside and renamed, and are read only if their checksum is right, so that
processes can share the folder, and broken or foreign files are ignored and replaced. The folder holds neither
addresses nor secrets.
"""

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from landbridge.atomic_files import write_atomically
from landbridge.raster.io import header_codec, headers
from landbridge.raster.io.address_key import address_key
from landbridge.raster.io.byte_ranges import is_remote, reads_ranges
from landbridge.raster.io.connection import Connection, Version
from landbridge.raster.io.headers import Header
from landbridge.raster.io.remote_file import Confirmation, RemoteFile

__all__ = ["CACHE_VARIABLE", "forget", "get", "header_folder", "put", "read_header", "read_native_header"]

CACHE_VARIABLE = "LANDBRIDGE_CACHE"
_DISABLED = frozenset({"off", "no", "none", "false", "0"})

# Largest size in bytes of the headers in memory.
_MAX_MEMORY = 64 * 2**20
# The folder is divided by the first letters of the digests: each part is kept below its share of 256 MiB.
_PART_LETTERS, _MAX_PART_BYTES = 2, 2**20
# A part is looked through when about so many bytes were written to it by this process.
_WRITTEN_BEFORE_TRIM = _MAX_PART_BYTES // 16
# Seconds after which the time of the last use of a file is renewed, and an unfinished file is deleted.
_USE_SECONDS, _UNFINISHED_SECONDS = 86_400, 3600
_UNFINISHED = "."  # first letter of the files of `write_atomically` that are not finished
_key = address_key
_NO_LOCK = nullcontext()
_memory: "OrderedDict[str, tuple[Version, Header, int]]" = OrderedDict()
_memory_bytes = 0
_written: dict[str, int] = {}
_lock = threading.Lock()


def read_header(address: str, parse_lock: AbstractContextManager[Any] = _NO_LOCK) -> Header:
    """Return the header that was kept for a file; else read it, as `headers.read_header`, and keep it."""
    header = get(address)
    if header is None:
        header = headers.read_header(address, parse_lock)
        put(address, header)
    return header


def read_native_header(address: str) -> Header | None:
    """Return the header that was kept for a file; else read it, as `headers.read_native_header`."""
    header = get(address)
    if header is None:
        header = headers.read_native_header(address)
        if header is not None:
            put(address, header)
    return header


def get(address: str) -> Header | None:
    """Return the header that was kept for a remote file, to be confirmed by its first read; else None.

    Raises:
        CredentialsError: if the credentials of the file's access are missing or cannot be fetched.
    """
    if not is_remote(address) or not reads_ranges(address):
        return None
    key = _key(address)
    with _lock:
        found = _memory.get(key)
        if found is not None:
            _memory.move_to_end(key)
    if found is None:
        kept = _read_file(key)
        if kept is None:
            return None
        found = _remember(key, *kept)
    version, header, _ = found
    assert header.tiff is not None
    file = RemoteFile(address, Connection(address), version, b"", Confirmation(), place=key)
    return replace(header, address=address, tiff=replace(header.tiff, file=file))


def put(address: str, header: Header) -> None:
    """Keep the header of a remote file, if it can be checked later that the file is the same."""
    if not header_codec.is_encodable(header):
        return
    version = header_codec.version_of(header)
    assert version is not None
    key = _key(address)
    _remember(key, version, header_codec.without_file(header))
    _write_file(key, header_codec.encode(key, header))


def forget(address: str) -> None:
    """Forget the header of a file."""
    global _memory_bytes  # noqa: PLW0603 - there is one memory
    key = _key(address)
    with _lock:
        found = _memory.pop(key, None)
        _memory_bytes -= 0 if found is None else found[2]
    with suppress(OSError):
        if (path := _path(key)) is not None:
            path.unlink()


def header_folder() -> Path | None:
    """Return the folder of kept headers; None if `LANDBRIDGE_CACHE` is "off"."""
    chosen = os.environ.get(CACHE_VARIABLE, "")
    return None if chosen.lower() in _DISABLED else _folder(chosen)


@lru_cache(maxsize=8)
def _folder(chosen: str) -> Path:
    import platformdirs

    cache = Path(chosen) if chosen else platformdirs.user_cache_path("landbridge", appauthor=False)
    return cache / "headers"


def _remember(key: str, version: Version, header: Header) -> tuple[Version, Header, int]:
    global _memory_bytes  # noqa: PLW0603 - there is one memory
    assert header.tiff is not None
    size = 1024 + sum(page.offsets.nbytes + page.counts.nbytes for page in header.tiff.pages)
    with _lock:
        previous = _memory.pop(key, None)
        kept = _memory[key] = (version, header, size)
        _memory_bytes += size - (0 if previous is None else previous[2])
        while _memory_bytes > _MAX_MEMORY and len(_memory) > 1:
            _memory_bytes -= _memory.popitem(last=False)[1][2]
    return kept


def _path(key: str) -> Path | None:
    folder = header_folder()
    return None if folder is None else folder / key[:_PART_LETTERS] / key


def _read_file(key: str) -> tuple[Version, Header] | None:
    """Return a header from disk; None if there is none, or it is broken."""
    path = _path(key)
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            data = file.read(header_codec.MAX_BYTES + 1)
            age = time.time() - os.fstat(file.fileno()).st_mtime
    except OSError:
        return None
    if age > _USE_SECONDS:
        with suppress(OSError):
            os.utime(path)
    return header_codec.decode(key, data)


def _write_file(key: str, data: bytes) -> None:
    """Write a header to disk, if that is possible: the cache only saves time."""
    path = _path(key)
    if path is None or len(data) > min(header_codec.MAX_BYTES, _MAX_PART_BYTES):
        return
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(path, [data], mode=0o600)
        part = key[:_PART_LETTERS]
        # A process that writes little would else never look through a folder to which many write.
        first = part not in _written
        _written[part] = _written.get(part, 0) + len(data)
        if first or _written[part] > _WRITTEN_BEFORE_TRIM:
            _written[part] = 0
            _trim(path.parent)


def _trim(folder: Path) -> None:
    """Delete those files of a part of the cache that were not used for longest, down to the size limit."""
    now, kept, total = time.time(), [], 0
    for path, status in _statuses(folder):
        if path.name.startswith(_UNFINISHED):
            if now - status.st_mtime > _UNFINISHED_SECONDS:
                path.unlink(missing_ok=True)
            continue
        kept.append((status.st_mtime, status.st_size, path))
        total += status.st_size
    for _, size, path in sorted(kept):
        if total <= _MAX_PART_BYTES:
            return
        path.unlink(missing_ok=True)
        total -= size


def _statuses(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.iterdir():
        # Another process may have deleted it.
        with suppress(FileNotFoundError):
            yield path, path.stat()


def _reset_after_fork() -> None:
    """Replace the lock of a forked process, which another thread of its parent may hold."""
    global _lock  # noqa: PLW0603 - there is one
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
