"""Tiles of TIFF files: read, decoded once for all bands, and shared among blocks."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np

from landbridge.kernels import decode_tile, undo_differences
from landbridge.raster.array_types import Array, Window
from landbridge.raster.grids.windows import shape_of
from landbridge.raster.io import tiff_directory
from landbridge.raster.io.file_protocol import ByteRange, File, Key, RangeReader
from landbridge.raster.io.read_ahead import Budget
from landbridge.raster.io.remote_file import CONFIRMING, RemoteFile
from landbridge.raster.io.shared_work import results_of
from landbridge.raster.io.tiff_directory import TiffPage
from landbridge.raster.io.tile_cache import Tile, TileCache
from landbridge.raster.io.tile_folder import TileFolder
from landbridge.raster.runtime.thread_pools import borrow_buffer, give_back, scratch_buffer

__all__ = ["Tile", "TileCache", "TileReader", "without_predictor"]

Bytes = bytes | memoryview

# Largest number of encoded bytes of a remote file in memory, per thread.
_BATCH_BYTES = 16 * 2**20


class _Memory(Enum):
    """Memory of a decoded tile: of its thread until the next one, its own, or its own without a predictor."""

    SCRATCH = auto()
    OWN = auto()
    CACHED = auto()


@dataclass(frozen=True, slots=True, eq=False)
class TileReader:
    """Reader of the tiles of one page of a file.

    `fill` is the value of tiles that are not stored; None if it is unknown.
    """

    file: File
    page: TiffPage
    number: int
    fill: float | None
    cache: TileCache

    def samples(self, indexes: Sequence[int]) -> list[int]:
        """Return the positions in a decoded tile of bands, whose `indexes` count from 1."""
        return [*range(len(indexes))] if self.page.planar else [index - 1 for index in indexes]

    def read(self, indexes: Sequence[int], window: Window) -> Array | None:
        """Return pixels (band, y, x) of a window, read-only; None if a tile cannot be decoded.

        `indexes` count the bands from 1.

        Raises:
            OSError: if the file cannot be read, or has changed since it was opened.
        """
        (y, x), (height, width) = window, self.page.tile
        rows = range(y.start // height, (y.stop - 1) // height + 1)
        columns = range(x.start // width, (x.stop - 1) // width + 1)
        out = np.empty((len(indexes), *shape_of(window)), self.page.dtype)
        tile_indexes = [(row, column) for row in rows for column in columns]
        samples = self.samples(indexes)
        for (row, column), tile in self.decoded(
            indexes, tile_indexes, lambda tile_index: self._lies_within(tile_index, window)
        ):
            if tile is None:
                return None
            top, left = row * height, column * width
            # Relative to the tile's corner.
            ys = slice(max(0, y.start - top), min(height, y.stop - top))
            xs = slice(max(0, x.start - left), min(width, x.stop - left))
            pixels = without_predictor(tile, ys).pixels[ys, xs]
            top, left = top + ys.start - y.start, left + xs.start - x.start
            part = out[:, top : top + ys.stop - ys.start, left : left + xs.stop - xs.start]
            for band, sample in zip(part, samples, strict=True):
                band[:] = pixels[:, :, sample]
        return out

    def _lies_within(self, tile_index: tuple[int, int], window: Window) -> bool:
        """Return whether the part of a tile inside the file lies within a window."""
        return all(
            byte_range.start <= at * edge and min((at + 1) * edge, size) <= byte_range.stop
            for at, edge, size, byte_range in zip(
                tile_index, self.page.tile, self.page.size, window, strict=True
            )
        )

    def stored(self, tile_index: tuple[int, int], indexes: Sequence[int]) -> bool:
        """Return whether a tile (row, column) is stored; the others are filled with `fill`."""
        if any(self.page.counts[number] for number in self._stored_numbers(tile_index, indexes)):
            return True
        self.file.confirm()
        return False

    def read_ahead(
        self, indexes: Sequence[int], tile_indexes: Sequence[tuple[int, int]], budget: Budget
    ) -> None:
        """Request tiles of a remote file that `decoded` will be asked for, and return at once."""
        file = self.file
        if isinstance(file, RemoteFile):
            unknown = [each for each in tile_indexes if not self.cache.knows(self._key(each, indexes))]
            wanted = [
                byte_range
                for tile_index in unknown
                for byte_range in self._byte_ranges(tile_index, indexes)
                if all(byte_range)
            ]
            if not wanted and tile_indexes and file.is_unconfirmed:
                wanted = [CONFIRMING]
            file.read_ahead(wanted, budget)

    def confirm_ahead(
        self, indexes: Sequence[int], tile_indexes: Sequence[tuple[int, int]], budget: Budget
    ) -> None:
        """Request the version of a remote file if some of its tiles are cached, and return at once."""
        file = self.file
        if (
            isinstance(file, RemoteFile)
            and file.is_unconfirmed
            and any(self.cache.knows(self._key(each, indexes)) for each in tile_indexes)
        ):
            file.read_ahead([CONFIRMING], budget)

    def decoded(
        self,
        indexes: Sequence[int],
        tile_indexes: Sequence[tuple[int, int]],
        is_unshared: Callable[[tuple[int, int]], bool],
    ) -> Iterator[tuple[tuple[int, int], Tile | None]]:
        """Yield bands of tiles (row, column) in any order; each is valid until the next is requested.

        The tile is None if it is damaged or unsupported. Tiles for which `is_unshared` is false are cached
        for other blocks.

        Raises:
            OSError: if the file cannot be read, or has changed since it was opened.
        """
        keeps_all = self.cache.keeps_all and self.file.is_settled
        keys: dict[tuple[int, int], Key | None] = {
            tile_index: None if not keeps_all and is_unshared(tile_index) else self._key(tile_index, indexes)
            for tile_index in tile_indexes
        }
        return self._decode_remote(indexes, keys) if self.file.remote else self._decode_local(indexes, keys)

    def _decode_local(
        self, indexes: Sequence[int], keys: Mapping[tuple[int, int], Key | None]
    ) -> Iterator[tuple[tuple[int, int], Tile | None]]:
        """Yield tiles of a local file.

        Shared tiles are claimed one by one, so that threads that need the same tiles divide the work.
        """
        pending: list[tuple[tuple[int, int], Future[Tile | None]]] = []

        def take(
            read: RangeReader, tile_index: tuple[int, int], memory: "_Memory"
        ) -> "Tile | Future[Tile | None] | None":
            key = keys[tile_index]
            tile = None if key is None else self.cache.claim(key)
            if tile is None:
                memory = memory if key is None else _Memory.CACHED
                try:
                    tile = self._read_and_decode(read, tile_index, indexes, memory)
                finally:
                    # Waiting threads must be released even after an error.
                    if key is not None:
                        self.cache.store(key, tile)
            return tile

        # Unshared tiles come first.
        order = sorted(keys, key=lambda tile_index: keys[tile_index] is not None)
        with self.file.reader() as read:
            for tile_index, tile in results_of(
                order,
                lambda tile_index: take(read, tile_index, _Memory.SCRATCH),
                lambda tile_index: take(self.file.read, tile_index, _Memory.OWN),
            ):
                if isinstance(tile, Future):
                    pending.append((tile_index, tile))
                else:
                    yield tile_index, tile
                    if tile is not None and tile.borrowed is not None:
                        give_back(tile.borrowed)
        for tile_index, promise in pending:
            yield tile_index, self._await_tile(promise, tile_index, indexes)

    def _decode_remote(
        self, indexes: Sequence[int], keys: Mapping[tuple[int, int], Key | None]
    ) -> Iterator[tuple[tuple[int, int], Tile | None]]:
        """Yield tiles of a remote file, with few requests."""
        owned: dict[tuple[int, int], Key | None] = {}
        ready: list[tuple[tuple[int, int], Tile]] = []
        pending: list[tuple[tuple[int, int], Future[Tile | None]]] = []
        try:
            for tile_index, key in keys.items():
                found = None if key is None else self.cache.claim(key)
                if found is None:
                    owned[tile_index] = key
                elif isinstance(found, Future):
                    pending.append((tile_index, found))
                else:
                    ready.append((tile_index, found))
            in_folder = self._in_folder(owned)
            if ready or pending or in_folder:
                # Other calls may have decoded these tiles of a file that has been replaced since.
                self.file.confirm()
            yield from ready
            yield from self._take_from_folder(in_folder, owned)
            yield from self._fetch_and_decode(indexes, owned)
        finally:
            for key in owned.values():
                if key is not None:
                    self.cache.store(key, None)
        for tile_index, promise in pending:
            yield tile_index, self._await_tile(promise, tile_index, indexes)

    @property
    def _folder(self) -> TileFolder | None:
        """Folder for the tiles of a file whose key is sure to differ for another content."""
        return self.cache.folder if self.file.is_settled else None

    def _in_folder(self, owned: Mapping[tuple[int, int], Key | None]) -> list[tuple[int, int]]:
        """Return those of claimed tiles that the folder has."""
        folder = self._folder
        if folder is None:
            return []
        return [tile_index for tile_index, key in owned.items() if key is not None and key in folder]

    def _take_from_folder(
        self, tile_indexes: Sequence[tuple[int, int]], owned: dict[tuple[int, int], Key | None]
    ) -> Iterator[tuple[tuple[int, int], Tile]]:
        """Yield claimed tiles from the folder, but no broken ones; they are cached, and owned no longer."""
        for tile_index in tile_indexes:
            key, folder = owned[tile_index], self._folder
            pixels = None if key is None or folder is None else folder.get(key)
            if key is not None and pixels is not None:
                tile = Tile(pixels)
                self.cache.store(key, tile)
                del owned[tile_index]
                yield tile_index, tile

    def _fetch_and_decode(
        self, indexes: Sequence[int], owned: dict[tuple[int, int], Key | None]
    ) -> Iterator[tuple[tuple[int, int], Tile | None]]:
        """Yield claimed tiles from the file; they are cached, and owned no longer."""
        for tile_index, stored in self._stored([*owned], indexes):
            key = owned[tile_index]
            tile = self._decode(indexes, stored, _Memory.SCRATCH if key is None else _Memory.CACHED)
            if key is not None:
                self.cache.store(key, tile)
                if tile is not None and self._folder is not None:
                    self._folder.put(key, tile.pixels)
            del owned[tile_index]
            yield tile_index, tile

    def _read_and_decode(
        self, read: RangeReader, tile_index: tuple[int, int], indexes: Sequence[int], memory: "_Memory"
    ) -> Tile | None:
        ranges = self._byte_ranges(tile_index, indexes)
        found = dict(read([byte_range for byte_range in ranges if all(byte_range)]))
        return self._decode(indexes, [found.get(byte_range, b"") for byte_range in ranges], memory)

    def _await_tile(
        self, promise: "Future[Tile | None]", tile_index: tuple[int, int], indexes: Sequence[int]
    ) -> Tile | None:
        """Return a tile that another thread decodes; decode it here if that thread failed."""
        tile = promise.result()
        return (
            self._read_and_decode(self.file.read, tile_index, indexes, _Memory.SCRATCH)
            if tile is None
            else tile
        )

    def _key(self, tile_index: tuple[int, int], indexes: Sequence[int]) -> Key:
        """Return the key of a decoded tile, which holds the bands `indexes` only if the file is planar."""
        bands = indexes if self.page.planar else ()
        return (*self.file.key, self.number, str(self.fill), tile_index, *bands)

    def _stored_numbers(self, tile_index: tuple[int, int], indexes: Sequence[int]) -> list[int]:
        """Return the numbers of the stored tiles that hold the bands of a tile."""
        page = self.page
        number = tile_index[0] * page.across + tile_index[1]
        if not page.planar:
            return [number]
        return [(index - 1) * page.down * page.across + number for index in indexes]

    def _byte_ranges(self, tile_index: tuple[int, int], indexes: Sequence[int]) -> list[ByteRange]:
        """Return the byte ranges of a tile, one or one per band; a range with a 0 is not stored."""
        offsets, counts = self.page.offsets, self.page.counts
        return [(int(offsets[n]), int(counts[n])) for n in self._stored_numbers(tile_index, indexes)]

    def _stored(
        self, tile_indexes: Sequence[tuple[int, int]], indexes: Sequence[int]
    ) -> Iterator[tuple[tuple[int, int], list[Bytes]]]:
        """Yield the encoded bytes of tiles as they arrive, in batches that bound the memory.

        Tiles that are not stored have empty bytes.
        """
        batch: dict[tuple[int, int], list[ByteRange]] = {}
        size = 0
        for tile_index in tile_indexes:
            batch[tile_index] = self._byte_ranges(tile_index, indexes)
            size += sum(length for _, length in batch[tile_index])
            if size >= _BATCH_BYTES:
                yield from self._fetch_batch(batch)
                batch, size = {}, 0
        yield from self._fetch_batch(batch)

    def _fetch_batch(
        self, batch: Mapping[tuple[int, int], Sequence[ByteRange]]
    ) -> Iterator[tuple[tuple[int, int], list[Bytes]]]:
        """Yield the encoded bytes of a batch of tiles as they arrive."""
        missing_ranges = {
            tile_index: {byte_range for byte_range in ranges if all(byte_range)}
            for tile_index, ranges in batch.items()
        }
        tiles_by_range: dict[ByteRange, list[tuple[int, int]]] = {}
        for tile_index, ranges in missing_ranges.items():
            for byte_range in ranges:
                tiles_by_range.setdefault(byte_range, []).append(tile_index)
            if not ranges:
                self.file.confirm()
                yield tile_index, [b""] * len(batch[tile_index])
        found: dict[ByteRange, Bytes] = {}
        for byte_range, data in self.file.read([*tiles_by_range]) if tiles_by_range else ():
            found[byte_range] = data
            for tile_index in tiles_by_range[byte_range]:
                missing_ranges[tile_index].discard(byte_range)
                if not missing_ranges[tile_index]:
                    yield tile_index, [found.get(part, b"") for part in batch[tile_index]]

    def _decode(self, indexes: Sequence[int], stored: Sequence[Bytes], memory: "_Memory") -> Tile | None:
        page = self.page
        samples = len(indexes) if page.planar else page.samples
        shape = (*page.tile, samples)
        borrowed = None
        if memory is _Memory.CACHED or page.planar:
            out = np.empty(shape, page.dtype)
        else:
            count = math.prod(shape)
            size = count * page.dtype.itemsize
            borrowed = borrow_buffer(size) if memory is _Memory.OWN else None
            buffer = scratch_buffer("tile", size) if borrowed is None else borrowed
            out = np.frombuffer(buffer, page.dtype, count).reshape(shape)
        if not page.planar:
            tile = self._unpack(stored[0], out)
            if tile is not None and borrowed is not None:
                return replace(tile, borrowed=borrowed)
            return tile if tile is None or memory is not _Memory.CACHED else without_predictor(tile)
        band = np.empty((*page.tile, 1), page.dtype)
        for number, data in enumerate(stored):
            tile = self._unpack(data, band)
            if tile is None:
                return None
            out[:, :, number] = without_predictor(tile).pixels[:, :, 0]
        return Tile(out)

    def _unpack(self, data: Bytes, out: Array) -> Tile | None:
        """Decode a tile into the memory of `out` (y, x, sample); return None if it fails."""
        if not data:
            if self.fill is None:
                return None
            out.fill(self.fill)
            return Tile(out)
        page = self.page
        # Differences of integers are undone later, in the rows that are used; those of floats apply to the
        # bit patterns.
        differences = page.predictor == tiff_directory.HORIZONTAL and page.dtype.kind != "f"
        try:
            decode_tile(
                np.frombuffer(data, np.uint8),
                out,
                page.compression,
                tiff_directory.NO_PREDICTOR if differences else page.predictor,
                page.swapped,
            )
        except ValueError:
            # GDAL reads the tile in another way, or reports what is wrong with it.
            return None
        return Tile(out, differences)


def without_predictor(tile: Tile, rows: slice | None = None) -> Tile:
    """Return a tile with its horizontal predictor undone in place, in some rows or in all."""
    return _undo_predictor(tile.pixels, rows) if tile.differences else tile


def _undo_predictor(pixels: Array, rows: slice | None = None) -> Tile:
    rows = rows or slice(0, len(pixels))
    undo_differences(pixels.view(f"u{pixels.itemsize}"), rows.start, rows.stop)
    return Tile(pixels)
