"""Decoded tiles of remote files on disk, which other processes may use."""

import os
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from struct import Struct

import numpy as np

from landbridge.raster.array_types import Array
from landbridge.raster.dtypes import NUMPY_TYPES
from landbridge.raster.io.bounded_folder import BoundedFolder
from landbridge.raster.io.file_protocol import Key

__all__ = ["TileFolder"]

# The number is the version of the form: files of others are not read.
_MAGIC = b"LBTILE1\n"
# Magic, digest of the key, data type, shape (y, x, sample), and 1 if all pixels equal the one that follows.
_HEAD = Struct("<8s20s8s3IB11x")
# Of the head and the pixels, which begin at a multiple of 64 bytes.
_CHECKSUM = Struct("<I")
_DTYPES = {dtype.str: dtype for dtype in NUMPY_TYPES.values()}
_PART_LETTERS = 1
# Largest size in bytes of the tiles that wait to be written; further ones are not kept.
_MAX_WAITING = 64 * 2**20


class TileFolder:
    """Decoded tiles in a folder that processes share, kept below a size.

    A tile's file has the digest of its key as its name and in its head, with a checksum of the pixels, so
    that a file that is broken, or another one, is as good as none. Tiles are written by a thread of its own.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        """Use a folder, which need not exist yet."""
        self._folder = BoundedFolder(path, max_bytes, _PART_LETTERS)
        self._waiting = 0
        self._lock = threading.Lock()

    def __contains__(self, key: Key) -> bool:
        """Return whether there is a file of a tile's key."""
        return _digest(key).hex() in self._folder

    def get(self, key: Key) -> Array | None:
        """Return the pixels (y, x, sample) of a tile; None if there is none, or it is broken."""
        digest = _digest(key)
        file = self._folder.open(digest.hex())
        if file is None:
            return None
        with file:
            try:
                data = np.fromfile(file, np.uint8)
            except OSError:
                return None
        return _decoded(digest, data)

    def put(self, key: Key, pixels: Array) -> None:
        """Keep the pixels (y, x, sample) of a tile. They must not change any more."""
        if pixels.dtype.str not in _DTYPES:
            return
        with self._lock:
            if self._waiting + pixels.nbytes > _MAX_WAITING:
                return
            self._waiting += pixels.nbytes
        # At the end of the process no more tasks are accepted.
        with suppress(RuntimeError):
            _writer(os.getpid()).submit(self._write, key, pixels)

    def flush(self) -> None:
        """Wait until all tiles are written."""
        _writer(os.getpid()).submit(lambda: None).result()

    def _write(self, key: Key, pixels: Array) -> None:
        try:
            digest = _digest(key)
            self._folder.write(digest.hex(), _encoded(digest, pixels))
        finally:
            with self._lock:
                self._waiting -= pixels.nbytes


def _encoded(digest: bytes, pixels: Array) -> list[bytes | memoryview]:
    # The same bits, not equal numbers: 0.0 equals -0.0.
    bits = pixels.view(f"u{pixels.itemsize}")
    is_constant = bool((bits == bits.flat[0]).all())
    content = np.ascontiguousarray(bits.reshape(-1)[:1] if is_constant else bits).data.cast("B")
    head = _HEAD.pack(_MAGIC, digest, pixels.dtype.str.encode(), *pixels.shape, is_constant)
    return [head, _CHECKSUM.pack(zlib.crc32(content, zlib.crc32(head))), content]


def _decoded(digest: bytes, data: Array) -> Array | None:
    """Return the pixels that were encoded with a digest; None if the bytes are anything else."""
    content = data[_HEAD.size + _CHECKSUM.size :]
    if not content.size:
        return None
    head = data[: _HEAD.size].tobytes()
    magic, whose, name, *shape, is_constant = _HEAD.unpack(head)
    (checksum,) = _CHECKSUM.unpack_from(data.data, _HEAD.size)
    if (magic, whose, checksum) != (_MAGIC, digest, zlib.crc32(content.data, zlib.crc32(head))):
        return None
    dtype = _DTYPES.get(name.rstrip(b"\0").decode())
    if dtype is None:
        # A machine with another order of bytes wrote it.
        return None
    pixels = content.view(dtype)
    return np.full(shape, pixels[0]) if is_constant else pixels.reshape(shape)


def _digest(key: Key) -> bytes:
    # Another version of the engine might decode a tile otherwise.
    return blake2b(repr((_engine_version(), key)).encode(), digest_size=20).digest()


@lru_cache(maxsize=1)
def _engine_version() -> str:
    from importlib.metadata import version

    return version("landbridge-raster")


@lru_cache(maxsize=1)
def _writer(_process: int) -> ThreadPoolExecutor:
    """Return the thread that writes; keyed by process id, as a forked child has no threads."""
    return ThreadPoolExecutor(1, thread_name_prefix="landbridge-keep")
