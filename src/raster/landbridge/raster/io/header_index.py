"""Headers of remote files that were read before, in memory and on disk.

A file that is opened by a kept header costs no request. Its first read of pixels asks for the version that
the header is of (`If-Match`, and the size and ETag of the answer). So a file that was replaced is noticed
before any of its pixels are used: the read raises `StaleHeaderError`, and the caller reads the header again.

On disk, each header is a file of its own in the user's cache folder, named by a digest of the address without
its signature. Files are read only if their checksum is right, so that broken or foreign files are ignored and
replaced. The folder holds neither addresses nor secrets.
"""

import os
import threading
from collections import OrderedDict
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from landbridge.raster.io import header_codec, headers
from landbridge.raster.io.address_key import address_key
from landbridge.raster.io.bounded_folder import BoundedFolder, cache_folder
from landbridge.raster.io.byte_ranges import is_remote, reads_ranges
from landbridge.raster.io.connection import Connection, Version
from landbridge.raster.io.headers import Header
from landbridge.raster.io.remote_file import Confirmation, RemoteFile

__all__ = ["forget", "get", "put", "read_header", "read_native_header"]

# Largest size in bytes of the headers in memory.
_MAX_MEMORY = 64 * 2**20
# Largest size in bytes of the headers on disk, and number of letters by which the folder is divided.
_MAX_DISK, _PART_LETTERS = 256 * 2**20, 2
_key = address_key
_NO_LOCK = nullcontext()
_memory: "OrderedDict[str, tuple[Version, Header, int]]" = OrderedDict()
_memory_bytes = 0
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
        folder = _folder()
        kept = None if folder is None else _read_file(folder, key)
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
    if (folder := _folder()) is not None:
        folder.write(key, [header_codec.encode(key, header)])


def forget(address: str) -> None:
    """Forget the header of a file."""
    global _memory_bytes  # noqa: PLW0603 - there is one memory
    key = _key(address)
    with _lock:
        found = _memory.pop(key, None)
        _memory_bytes -= 0 if found is None else found[2]
    if (folder := _folder()) is not None:
        folder.delete(key)


def _folder() -> BoundedFolder | None:
    """Return the folder of kept headers; None if there is none."""
    cache = cache_folder()
    return None if cache is None else _folder_in(cache)


@lru_cache(maxsize=8)
def _folder_in(cache: Path) -> BoundedFolder:
    return BoundedFolder(cache / "headers", _MAX_DISK, _PART_LETTERS)


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


def _read_file(folder: BoundedFolder, key: str) -> tuple[Version, Header] | None:
    """Return a header from disk; None if there is none, or it is broken."""
    file = folder.open(key)
    if file is None:
        return None
    with file:
        try:
            data = file.read(header_codec.MAX_BYTES + 1)
        except OSError:
            return None
    return header_codec.decode(key, data)


def _reset_after_fork() -> None:
    """Replace the lock of a forked process, which another thread of its parent may hold."""
    global _lock  # noqa: PLW0603 - there is one
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)
