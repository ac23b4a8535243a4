"""Cache of decoded pixels that calls share."""

import os
from functools import lru_cache

from landbridge.raster.io.tile_cache import TileCache

__all__ = ["CACHE_VARIABLE", "PixelCache", "process_cache"]

CACHE_VARIABLE = "LANDBRIDGE_PIXEL_CACHE"
_MIB = 2**20


class PixelCache:
    """Decoded tiles of files, which later calls over the same place need not read and decode again.

    A tile belongs to one version of its file: device, inode, size and times of a local file, ETag and size of
    a remote one. A call still asks for the version of each remote file that it needs, by its own credentials.
    Files that were written less than two seconds ago, and remote files without ETags, are not kept.

    Threads may share a cache. If it is full, the tiles that were not used for longest are deleted.

    Parameters
    ----------
    max_bytes : int, default 268435456
        Largest size of the tiles in bytes. A tile of 512 x 512 pixels with four bands of 16 bits has 2 MiB. A
        cache that is smaller than the tiles of one call saves nothing.

    Raises
    ------
    ValueError
        If `max_bytes` is negative.

    Examples
    --------
    >>> from landbridge.raster import PixelCache
    >>> cache = PixelCache(512 * 2**20)
    >>> cache.used_bytes
    0
    >>> # mosaic(sources, request, cache=cache)
    """

    def __init__(self, max_bytes: int = 256 * _MIB) -> None:
        """Create an empty cache."""
        if max_bytes < 0:
            raise ValueError(f"max_bytes must not be negative, got {max_bytes}")
        self._max_bytes = max_bytes
        self._tiles = TileCache(max_bytes, keeps_all=True)

    def __repr__(self) -> str:
        return f"PixelCache({self._max_bytes}): {self.used_bytes} bytes used"

    @property
    def max_bytes(self) -> int:
        """Largest size of the tiles in bytes."""
        return self._max_bytes

    @property
    def used_bytes(self) -> int:
        """Size of the tiles in bytes."""
        return self._tiles.used

    @property
    def tiles(self) -> TileCache:
        """The tiles."""
        return self._tiles

    def clear(self) -> None:
        """Delete all tiles."""
        self._tiles.clear()


def process_cache() -> PixelCache | None:
    """Return the cache that the process uses by default; None if `LANDBRIDGE_PIXEL_CACHE` is not set.

    Raises
    ------
    ValueError
        If the variable is not a whole number of MiB.
    """
    text = os.environ.get(CACHE_VARIABLE) or "0"
    if not text.isdecimal():
        raise ValueError(f"{CACHE_VARIABLE} must be a whole number of MiB, got {text!r}")
    return _cache_of(os.getpid(), int(text)) if int(text) else None


@lru_cache(maxsize=1)
def _cache_of(_process: int, size: int) -> PixelCache:
    """Return the cache of a process; a forked child has one of its own, whose locks no thread holds."""
    return PixelCache(size * _MIB)
