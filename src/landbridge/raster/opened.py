"""The files that a call has opened: their headers are read once, and no more are kept than memory allows."""

import os
import threading
from collections import OrderedDict
from collections.abc import Callable

from odc.geo.geobox import GeoBox

from landbridge.raster.files import read_header
from landbridge.raster.read import OpenFile, View, view_of
from landbridge.raster.tiles import TileCache, find_tiles

# What is known of files takes up to about this many bytes: a header some thousands, each tile's place 80.
_KEPT = 64 * 2**20
_HEADER = 4096
_TILE = 80

Stamp = tuple[int, int, int]


class OpenFiles:
    """Files as they are read for one output grid, the longest unused forgotten first; for any thread.

    With `renew` it looks each time whether a local file is still the one that was opened, and else forgets
    all that is known, and keeps tiles in what `renew` makes: for files that are kept beyond one call.
    """

    def __init__(
        self,
        geobox: GeoBox,
        resampler: str,
        cache: TileCache,
        *,
        renew: Callable[[], TileCache] | None = None,
        kept: int = _KEPT,
    ) -> None:
        """Take the whole output grid and how it is sampled, and where the files' tiles are kept."""
        self.cache = cache
        self._geobox = geobox
        self._resampler = resampler
        self._renew = renew
        self._kept = kept
        self._size = 0
        self._files: OrderedDict[str, tuple[OpenFile, int, Stamp | None]] = OrderedDict()
        self._views: dict[tuple[GeoBox, tuple[int, ...]], View] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._files)

    def get(self, href: str) -> OpenFile:
        """A file, opened if it is not yet.

        Raises:
            RasterioError: it is missing, broken or without a coordinate reference system.
        """
        stamp = None if self._renew is None else _stamp(href)
        with self._lock:
            known = self._files.get(href)
            if known is not None:
                if known[2] == stamp or self._renew is None:
                    self._files.move_to_end(href)
                    return known[0]
                self._files.clear()
                self._views.clear()
                self._size = 0
                self.cache = self._renew()
            cache = self.cache
        # Two threads may both get here: they read the same.
        header = read_header(href)
        grids = (header.grid, header.overviews)
        view = self._views.get(grids)
        if view is None:
            view = view_of(header, self._geobox, self._resampler)
        tiles = find_tiles(header, view.level, view.grid, cache)
        opened = OpenFile(header, view, tiles)
        size = _HEADER + (0 if tiles is None else _TILE * len(tiles.offsets))
        with self._lock:
            if href not in self._files:
                self._files[href] = (opened, size, stamp)
                self._size += size
                self._views[grids] = view
                while self._size > self._kept and len(self._files) > 1:
                    self._size -= self._files.popitem(last=False)[1][1]
                    self._views = {} if len(self._views) > 2 * len(self._files) else self._views
        return opened


def _stamp(href: str) -> Stamp | None:
    try:
        status = os.stat(href)  # noqa: PTH116 - an address
    except (OSError, ValueError):
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)
