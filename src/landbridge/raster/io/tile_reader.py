"""The tiles of TIFF files: fetched, decoded by imagecodecs once for all bands, shared by the blocks that
need them.
"""

import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from landbridge.raster import kernels
from landbridge.raster.grids.windows import Window, shape_of
from landbridge.raster.io import tiff_directory
from landbridge.raster.io.byte_ranges import File, Read
from landbridge.raster.io.byte_ranges import Place as Span
from landbridge.raster.io.tiff_directory import Level
from landbridge.raster.runtime.thread_pools import memory

Array = np.ndarray[Any, Any]
Key = tuple[object, ...]
Bytes = bytes | memoryview

_CACHED = 128 * 2**20
# How many packed bytes of a remote file are in memory at once, for each thread.
_BATCH = 16 * 2**20


def _stored(data: Any, out: memoryview) -> Any:
    out[:] = data
    return out


# What of imagecodecs unpacks bytes.
_CODECS: Mapping[int, str] = MappingProxyType(
    {
        tiff_directory.LZW: "lzw_decode",
        tiff_directory.DEFLATE: "deflate_decode",
        tiff_directory.OLD_DEFLATE: "deflate_decode",
        tiff_directory.ZSTD: "zstd_decode",
    }
)


@cache
def _decoder(compression: int) -> Callable[..., Any]:
    """What unpacks bytes, into a buffer of the size they must have."""
    if compression == tiff_directory.STORED:
        return _stored
    import imagecodecs

    return getattr(imagecodecs, _CODECS[compression])  # type: ignore[no-any-return]  # it has no types


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A decoded tile (y, x, sample); with `differences` it still has its horizontal predictor.

    Its samples are the file's, or for a file whose bands lie in tiles of their own those that were asked for.
    """

    pixels: Array
    differences: bool = False


class TileCache:
    """Decoded tiles that several blocks need: each made by whoever asks first, the longest unused dropped
    first.
    """

    def __init__(self, size: int = _CACHED) -> None:
        """Take the size in bytes."""
        self._size = size
        self._used = 0
        self._tiles: OrderedDict[Key, Tile] = OrderedDict()
        self._pending: dict[Key, Future[Tile | None]] = {}
        self._lock = threading.Lock()

    def claim(self, key: Key) -> "Tile | Future[Tile | None] | None":
        """A tile if it is there, the promise of one that somebody makes, or None: then the caller must
        `put` it.
        """
        with self._lock:
            tile = self._tiles.get(key)
            if tile is not None:
                self._tiles.move_to_end(key)
                return tile
            promised = self._pending.get(key)
            if promised is None:
                self._pending[key] = Future()
            return promised

    def put(self, key: Key, tile: Tile | None) -> None:
        """Keep a tile that was claimed; None where it could not be made."""
        with self._lock:
            promised = self._pending.pop(key, None)
            if tile is not None and key not in self._tiles:
                self._tiles[key] = tile
                self._used += tile.pixels.nbytes
                while self._used > self._size and len(self._tiles) > 1:
                    self._used -= self._tiles.popitem(last=False)[1].pixels.nbytes
        if promised is not None:
            promised.set_result(tile)


@dataclass(frozen=True, slots=True, eq=False)
class Tiles:
    """The tiles of one level of a file; `fill` is the value of those that are not stored (None: not
    known).
    """

    file: File
    level: Level
    number: int
    fill: float | None
    cache: TileCache

    def samples(self, indexes: Sequence[int]) -> list[int]:
        """Where in a decoded tile the bands are that were asked for, counted from one."""
        return [*range(len(indexes))] if self.level.planar else [index - 1 for index in indexes]

    def read(self, indexes: Sequence[int], window: Window) -> Array | None:
        """Pixels (band, y, x) of a window, not to be written to; None if a tile cannot be decoded here.

        `indexes` count the bands from one.

        Raises:
            OSError: the file cannot be read, or is not the one any more that was opened.
        """
        (y, x), (height, width) = window, self.level.tile
        rows = range(y.start // height, (y.stop - 1) // height + 1)
        columns = range(x.start // width, (x.stop - 1) // width + 1)
        out = np.empty((len(indexes), *shape_of(window)), self.level.dtype)
        places = [(row, column) for row in rows for column in columns]
        samples = self.samples(indexes)
        for (row, column), tile in self.decoded(indexes, places, lambda place: self._within(place, window)):
            if tile is None:
                return None
            top, left = row * height, column * width
            # Counted from the tile's corner.
            ys = slice(max(0, y.start - top), min(height, y.stop - top))
            xs = slice(max(0, x.start - left), min(width, x.stop - left))
            pixels = plain(tile, ys).pixels[ys, xs]
            top, left = top + ys.start - y.start, left + xs.start - x.start
            part = out[:, top : top + ys.stop - ys.start, left : left + xs.stop - xs.start]
            for band, sample in zip(part, samples, strict=True):
                band[:] = pixels[:, :, sample]
        return out

    def _within(self, place: tuple[int, int], window: Window) -> bool:
        """Whether all of a tile that lies in the file lies in a window."""
        return all(
            span.start <= at * edge and min((at + 1) * edge, size) <= span.stop
            for at, edge, size, span in zip(place, self.level.tile, self.level.size, window, strict=True)
        )

    def stored(self, place: tuple[int, int], indexes: Sequence[int]) -> bool:
        """Whether a tile (row, column) is stored; one that is not is all `fill`."""
        return any(self.level.counts[number] for number in self._numbers(place, indexes))

    def decoded(
        self,
        indexes: Sequence[int],
        places: Sequence[tuple[int, int]],
        alone: Callable[[tuple[int, int]], bool],
    ) -> Iterator[tuple[tuple[int, int], Tile | None]]:
        """Bands of tiles (row, column), in any order, each to be used before the next is asked
        for.

        None for a tile that cannot be decoded here: damaged, or of an unknown kind. `alone` tells of which
        tiles nobody else will need pixels: the others are shared.

        Raises:
            OSError: the file cannot be read, or is not the one any more that was opened.
        """
        keys: dict[tuple[int, int], Key | None] = {
            place: None if alone(place) else (*self.file.key, self.number, place, *indexes)
            for place in places
        }
        return self._asked_together(indexes, keys) if self.file.remote else self._one_by_one(indexes, keys)

    def _one_by_one(
        self, indexes: Sequence[int], keys: Mapping[tuple[int, int], Key | None]
    ) -> Iterator[tuple[tuple[int, int], Tile | None]]:
        """Tiles of a file on this machine: what is shared is claimed when its turn comes, so that threads
        that need the same tiles make them between them.
        """
        promised: list[tuple[tuple[int, int], Future[Tile | None]]] = []
        with self.file.reading() as read:
            # What nobody else needs comes first.
            for place in sorted(keys, key=lambda place: keys[place] is not None):
                key = keys[place]
                tile = None if key is None else self.cache.claim(key)
                if isinstance(tile, Future):
                    promised.append((place, tile))
                    continue
                if tile is None:
                    try:
                        tile = self._made(read, place, indexes, keep=key is not None)
                    finally:
                        # Nobody must wait for what will not come.
                        if key is not None:
                            self.cache.put(key, tile)
                yield place, tile
        for place, promise in promised:
            yield place, self._promised(promise, place, indexes)

    def _asked_together(
        self, indexes: Sequence[int], keys: Mapping[tuple[int, int], Key | None]
    ) -> Iterator[tuple[tuple[int, int], Tile | None]]:
        """Tiles of a file elsewhere, by few requests."""
        mine: dict[tuple[int, int], Key | None] = {}
        ready: list[tuple[tuple[int, int], Tile]] = []
        promised: list[tuple[tuple[int, int], Future[Tile | None]]] = []
        try:
            for place, key in keys.items():
                found = None if key is None else self.cache.claim(key)
                if found is None:
                    mine[place] = key
                elif isinstance(found, Future):
                    promised.append((place, found))
                else:
                    ready.append((place, found))
            yield from ready
            for place, stored in self._stored([*mine], indexes):
                key = mine[place]
                tile = self._decode(indexes, stored, keep=key is not None)
                if key is not None:
                    self.cache.put(key, tile)
                del mine[place]
                yield place, tile
        finally:
            for key in mine.values():
                if key is not None:
                    self.cache.put(key, None)
        for place, promise in promised:
            yield place, self._promised(promise, place, indexes)

    def _made(self, read: Read, place: tuple[int, int], indexes: Sequence[int], *, keep: bool) -> Tile | None:
        spans = self._spans(place, indexes)
        found = dict(read([span for span in spans if all(span)]))
        return self._decode(indexes, [found.get(span, b"") for span in spans], keep=keep)

    def _promised(
        self, promise: "Future[Tile | None]", place: tuple[int, int], indexes: Sequence[int]
    ) -> Tile | None:
        """A tile that another thread makes, or makes here after all if that one failed."""
        tile = promise.result()
        return self._made(self.file.read, place, indexes, keep=False) if tile is None else tile

    def _numbers(self, place: tuple[int, int], indexes: Sequence[int]) -> list[int]:
        """The stored tiles that hold a place's bands."""
        level = self.level
        number = place[0] * level.across + place[1]
        if not level.planar:
            return [number]
        return [(index - 1) * level.down * level.across + number for index in indexes]

    def _spans(self, place: tuple[int, int], indexes: Sequence[int]) -> list[Span]:
        """Where in the file a tile is, in one part or one for each band; not stored if a number is 0."""
        offsets, counts = self.level.offsets, self.level.counts
        return [(int(offsets[n]), int(counts[n])) for n in self._numbers(place, indexes)]

    def _stored(
        self, places: Sequence[tuple[int, int]], indexes: Sequence[int]
    ) -> Iterator[tuple[tuple[int, int], list[Bytes]]]:
        """The stored bytes of tiles, an empty one for what is not stored, as they come: by as few requests as
        memory allows.
        """
        batch: dict[tuple[int, int], list[Span]] = {}
        size = 0
        for place in places:
            batch[place] = self._spans(place, indexes)
            size += sum(length for _, length in batch[place])
            if size >= _BATCH:
                yield from self._fetched(batch)
                batch, size = {}, 0
        yield from self._fetched(batch)

    def _fetched(
        self, batch: Mapping[tuple[int, int], Sequence[Span]]
    ) -> Iterator[tuple[tuple[int, int], list[Bytes]]]:
        """The stored bytes of tiles in these parts, as they come."""
        lacking = {place: {span for span in spans if all(span)} for place, spans in batch.items()}
        takers: dict[Span, list[tuple[int, int]]] = {}
        for place, spans in lacking.items():
            for span in spans:
                takers.setdefault(span, []).append(place)
            if not spans:
                yield place, [b""] * len(batch[place])
        found: dict[Span, Bytes] = {}
        for span, data in self.file.read([*takers]) if takers else ():
            found[span] = data
            for place in takers[span]:
                lacking[place].discard(span)
                if not lacking[place]:
                    yield place, [found.get(part, b"") for part in batch[place]]

    def _decode(self, indexes: Sequence[int], stored: Sequence[Bytes], *, keep: bool) -> Tile | None:
        level = self.level
        samples = len(indexes) if level.planar else level.samples
        shape = (*level.tile, samples)
        if keep or level.planar:
            out = np.empty(shape, level.dtype)
        else:
            buffer = memory("tile", math.prod(shape) * level.dtype.itemsize)
            out = np.frombuffer(buffer, level.dtype).reshape(shape)
        if not level.planar:
            tile = self._unpack(stored[0], out)
            return tile if tile is None or not keep else plain(tile)
        band = np.empty((*level.tile, 1), level.dtype)
        for number, data in enumerate(stored):
            tile = self._unpack(data, band)
            if tile is None:
                return None
            out[:, :, number] = plain(tile).pixels[:, :, 0]
        return Tile(out)

    def _unpack(self, data: Bytes, out: Array) -> Tile | None:
        """A stored tile, in the memory of `out` (y, x, sample) if it can be; None if that cannot be done
        here.
        """
        if not data:
            if self.fill is None:
                return None
            out.fill(self.fill)
            return Tile(out)
        level = self.level
        try:
            unpacked = _decoder(level.compression)(data, out=out.data.cast("B"))
            pixels = np.frombuffer(unpacked, level.dtype).reshape(out.shape)
        except (RuntimeError, ValueError):
            return None
        if level.predictor == tiff_directory.FLOATING:
            from imagecodecs import floatpred_decode

            pixels = np.asarray(floatpred_decode(pixels, axis=-2))
        if level.predictor != tiff_directory.HORIZONTAL:
            return Tile(pixels)
        # The differences are those of the bits.
        return Tile(pixels, differences=True) if level.dtype.kind != "f" else _undone(pixels)


def plain(tile: Tile, rows: slice | None = None) -> Tile:
    """A tile without its horizontal predictor, which is undone in place: in some rows, or in all."""
    return _undone(tile.pixels, rows) if tile.differences else tile


def _undone(pixels: Array, rows: slice | None = None) -> Tile:
    rows = rows or slice(0, len(pixels))
    kernels.undo_differences(pixels.view(f"u{pixels.itemsize}"), rows.start, rows.stop)
    return Tile(pixels)
