"""Cache of decoded tiles."""

import threading
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from landbridge.raster.array_types import Array
from landbridge.raster.io.file_protocol import Key

if TYPE_CHECKING:
    from landbridge.raster.io.tile_folder import TileFolder

__all__ = ["Tile", "TileCache"]

_CACHE_BYTES = 128 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """Decoded tile (y, x, sample); with `differences` its horizontal predictor is not undone yet.

    The samples are all bands of the file; for planar files only the requested ones. `borrowed` is the buffer
    of the pixels, if it has to be given back after use.
    """

    pixels: Array
    differences: bool = False
    borrowed: bytearray | None = None


class TileCache:
    """Least-recently-used cache of decoded tiles that several blocks need; one thread decodes each tile."""

    def __init__(
        self,
        size: int = _CACHE_BYTES,
        *,
        evicts: bool = True,
        keeps_all: bool = False,
        folder: "TileFolder | None" = None,
    ) -> None:
        """Create a cache of a size in bytes.

        If it is full, it evicts the oldest tiles; with `evicts=False` it keeps them and no later ones, which
        serves more reads if all tiles are read again in the same order. With `keeps_all` it is given all
        tiles, and otherwise those that several blocks of a call need. Tiles of remote files are kept in the
        `folder` too.
        """
        self.keeps_all = keeps_all
        self.folder = folder
        self._size = size
        self._evicts = evicts
        self._used = 0
        self._tiles: OrderedDict[Key, Tile] = OrderedDict()
        self._pending: dict[Key, Future[Tile | None]] = {}
        self._lock = threading.Lock()

    def claim(self, key: Key) -> "Tile | Future[Tile | None] | None":
        """Return a cached tile, or the future of one in progress; after None the caller must `store` it."""
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
                return tile
            pending = self._pending.get(key)
            if pending is None:
                self._pending[key] = Future()
            return pending

    @property
    def used(self) -> int:
        """Size of the cached tiles in bytes."""
        return self._used

    def clear(self) -> None:
        """Delete all tiles."""
        with self._lock:
            self._tiles.clear()
            self._used = 0

    def knows(self, key: Key) -> bool:
        """Return whether a tile of a remote file is cached, in the folder or in progress."""
        with self._lock:
            if key in self._tiles or key in self._pending:
                return True
        return self.folder is not None and key in self.folder

    def store(self, key: Key, tile: Tile | None) -> None:
        """Store a claimed tile; None if it could not be decoded."""
        with self._lock:
            pending = self._pending.pop(key, None)
            if tile is not None and key not in self._tiles and (self._evicts or self._used < self._size):
                self._tiles[key] = tile
                self._used += tile.pixels.nbytes
                while self._used > self._size and (len(self._tiles) > 1 or self.keeps_all):
                    self._used -= self._tiles.popitem(last=False)[1].pixels.nbytes
        if pending is not None:
            pending.set_result(tile)
