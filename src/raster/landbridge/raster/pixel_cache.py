"""Cache of decoded pixels that calls share."""

import os
from functools import lru_cache
from pathlib import Path

from landbridge.raster.io.bounded_folder import cache_folder
from landbridge.raster.io.tile_cache import TileCache
from landbridge.raster.io.tile_folder import TileFolder

__all__ = ["CACHE_VARIABLE", "DISK_VARIABLE", "PixelCache", "process_cache"]

CACHE_VARIABLE = "LANDBRIDGE_PIXEL_CACHE"
DISK_VARIABLE = "LANDBRIDGE_PIXEL_CACHE_DISK"
_MIB = 2**20
# Size in MiB of the memory if only that on disk is set: as much as each call uses without a cache.
_MEMORY_BESIDE_DISK = 128


class PixelCache:
    """Decoded tiles of files, which later calls over the same place need not read and decode again.

    A tile belongs to one version of its file: device, inode, size and times of a local file, ETag and size of
    a remote one. A call still asks for the version of each remote file that it needs, by its own credentials.
    Files that were written less than two seconds ago, and remote files without ETags, are not kept.

    Threads may share a cache. If it is full, the tiles that were not used for longest are deleted.

    Parameters
    ----------
    max_bytes : int, default 268435456
        Largest size of the tiles in memory in bytes. A tile of 512 x 512 pixels with four bands of 16 bits
        has 2 MiB. A cache that is smaller than the tiles of one call saves nothing.
    folder : str or pathlib.Path, optional
        Folder in which tiles of remote files are kept too, for later processes; several may use it at once.
        Only you may read it. By default nothing is written.
    max_folder_bytes : int, default 2147483648
        Largest size of the tiles in the folder in bytes. Tiles larger than a sixteenth of it are not kept.

    Raises
    ------
    ValueError
        If `max_bytes` or `max_folder_bytes` is negative.

    Examples
    --------
    >>> from landbridge.raster import PixelCache
    >>> cache = PixelCache(512 * 2**20)
    >>> cache.used_bytes
    0
    >>> # mosaic(sources, request, cache=cache)
    """

    def __init__(
        self,
        max_bytes: int = 256 * _MIB,
        folder: str | Path | None = None,
        max_folder_bytes: int = 2048 * _MIB,
    ) -> None:
        """Create a cache whose memory is empty."""
        for name, size in (("max_bytes", max_bytes), ("max_folder_bytes", max_folder_bytes)):
            if size < 0:
                raise ValueError(f"{name} must not be negative, got {size}")
        self._max_bytes = max_bytes
        tile_folder = None if folder is None else TileFolder(Path(folder), max_folder_bytes)
        self._tiles = TileCache(max_bytes, keeps_all=True, folder=tile_folder)

    def __repr__(self) -> str:
        return f"PixelCache({self._max_bytes}): {self.used_bytes} bytes used"

    @property
    def max_bytes(self) -> int:
        """Largest size of the tiles in memory in bytes."""
        return self._max_bytes

    @property
    def used_bytes(self) -> int:
        """Size of the tiles in memory in bytes."""
        return self._tiles.used

    @property
    def tiles(self) -> TileCache:
        """The tiles."""
        return self._tiles

    def clear(self) -> None:
        """Delete all tiles in memory; those in the folder stay."""
        self._tiles.clear()

    def flush(self) -> None:
        """Wait until the tiles of earlier calls are in the folder; the end of the process waits too."""
        if self._tiles.folder is not None:
            self._tiles.folder.flush()


def process_cache() -> PixelCache | None:
    """Return the cache that the process uses by default; None if no variable sets one.

    `LANDBRIDGE_PIXEL_CACHE` sets its memory, `LANDBRIDGE_PIXEL_CACHE_DISK` its size on disk.

    Raises
    ------
    ValueError
        If a variable is not a whole number of MiB.
    """
    memory, disk = _mebibytes(CACHE_VARIABLE), _mebibytes(DISK_VARIABLE)
    folder = cache_folder() if disk else None
    if folder is None:
        return _cache_of(os.getpid(), memory, None, 0) if memory else None
    return _cache_of(os.getpid(), memory or _MEMORY_BESIDE_DISK, folder / "tiles", disk)


def _mebibytes(variable: str) -> int:
    text = os.environ.get(variable) or "0"
    if not text.isdecimal():
        raise ValueError(f"{variable} must be a whole number of MiB, got {text!r}")
    return int(text)


@lru_cache(maxsize=1)
def _cache_of(_process: int, memory: int, folder: Path | None, disk: int) -> PixelCache:
    """Return the cache of a process; a forked child has one of its own, whose locks no thread holds."""
    return PixelCache(memory * _MIB, folder, disk * _MIB)
