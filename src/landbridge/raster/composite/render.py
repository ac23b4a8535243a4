"""Rendering: a plan carried out block by block, on threads."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.composite.compositor import EVERYWHERE, Layer
from landbridge.raster.composite.last_valid import LastValid, WiderTypeError
from landbridge.raster.composite.read_block import lay_tiles, lays_tiles, read_block
from landbridge.raster.dtypes import held_nodata
from landbridge.raster.errors import RasterError
from landbridge.raster.grids.cutlines import outside
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.grid_footprint import reach
from landbridge.raster.grids.windows import Window, extent, within
from landbridge.raster.io.byte_ranges import is_remote
from landbridge.raster.io.file_windows import OpenFile, Pixels, check_bands, effective_nodata
from landbridge.raster.io.gdal import errors_about, gdal_env
from landbridge.raster.io.open_files import Files
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.output.rescale import halved, scaled
from landbridge.raster.plan.calibration import calibrate, fill_missing
from landbridge.raster.plan.footprints import Footprints
from landbridge.raster.plan.plan import FileRead, Plan, SourceRead
from landbridge.raster.resample.block import Block, Samples
from landbridge.raster.runtime.thread_pools import borrow, give_back, tidy

Array = np.ndarray[Any, Any]
T = TypeVar("T")

BLOCK = 2048
SMALLEST_BLOCK = 512
# Requests that are under way at the same time.
_REMOTE_WORKERS = 16


class Renderer:
    """A plan at work: renders blocks on any thread, and opens each file's header once."""

    def __init__(self, plan: Plan, cache: TileCache, files: Files | None = None) -> None:
        """Take the plan, and where the tiles and files are kept that several blocks, or plans, need."""
        self.plan = plan
        self._files = Files(plan, cache) if files is None else files

    def render(self, window: Window, values: Array, mask: BoolArray | None) -> None:
        """Write all of `values` (band, y, x) and `mask` (True: not valid) of a window (y, x) of the output
        grid.

        Raises:
            RasterError: a file is missing, broken or cut short.
            WiderTypeError: a file has a type that the plan's cannot hold.
        """
        try:
            self._render(window, values, mask)
        except RasterError as error:
            self._files.stop(error)
            raise

    def close(self) -> None:
        """Ask for nothing any more."""
        self._files.stop()

    def _render(self, window: Window, values: Array, mask: BoolArray | None) -> None:
        plan = self.plan
        direct = plan.scales is None and plan.output_type == plan.worked_type
        raw = values if direct else np.empty(values.shape, plan.worked_dtype)
        missing = mask if mask is not None and plan.mask_nodata else np.empty(values.shape, bool)
        shown = self._mosaic(window, raw, missing)
        if mask is not None and shown is not None:
            mask[:] = ~shown
        if not direct:
            self._scale(raw, values, mask)

    def _scale(self, raw: Array, values: Array, mask: BoolArray | None) -> None:
        if self.plan.is_half and not np.array_equal(raw, halved(raw), equal_nan=True):
            raise WiderTypeError(raw.dtype)
        scales = self.plan.scales or (None,) * len(raw)
        for band, scale in enumerate(scales):
            values[band] = scaled(raw[band], scale, values.dtype, halves_up=self.plan.blends)
        if mask is not None:
            values[mask] = 0

    def _mosaic(self, window: Window, raw: Array, missing: BoolArray) -> BoolArray | None:
        """Fill `raw` and `missing`; where (y, x) anything is shown, unless nodata masks."""
        plan = self.plan
        block = Block(plan.geobox, (0, 0), plan.geobox.shape.yx).part(window)
        cut = (
            None if plan.cutline is None else outside(plan.cutline, block.grid, all_touched=plan.all_touched)
        )
        ground = None if plan.masked else self._nodata(raw.dtype)
        strategy = LastValid(raw, missing, ground=ground, outside=cut, keep_raw=not plan.mask_nodata)
        samples = Samples(block, self._files.shared.nets)
        for source in reversed(self._near(window)):
            if strategy.is_done:
                break
            self._feed(source, samples, strategy)
        return strategy.finish()

    @cached_property
    def _footprints(self) -> Footprints:
        return Footprints([source.source for source in self.plan.sources])

    def _near(self, window: Window) -> Sequence[SourceRead]:
        """The images that may touch a window."""
        sources = self.plan.sources
        if len(sources) < 2:
            return sources
        touching = self._footprints.touching(reach(self.plan.geobox[window]))
        return [source for source, touches in zip(sources, touching, strict=True) if touches]

    def _nodata(self, dtype: np.dtype[Any]) -> Array:
        """The bands' nodata: what is missing shows as that, without a mask."""
        held = [held_nodata(dtype, band.nodata) for band in self.plan.bands]
        return np.array([0 if nodata is None else nodata for nodata in held], dtype)

    def _feed(self, source: SourceRead, samples: Samples, strategy: LastValid) -> None:
        """Lay one image under what the strategy has: alpha's file comes first."""
        alpha = self.plan.alpha
        visible: BoolArray | None = None
        if alpha is not None and len(source.files) > 1:
            # Where the image has no alpha nothing says that it may be seen.
            visible = np.zeros(samples.block.grid.shape.yx, bool)
        first = [file for file in source.files if alpha in file.positions]
        others = [file for file in source.files if alpha not in file.positions]
        for file in first:
            self._feed_file(source, file, samples, visible, strategy)
        if len(others) > 1 and all(is_remote(file.href) for file in others):
            self._feed_at_once(source, others, samples, visible, strategy)
        else:
            for file in others:
                self._feed_file(source, file, samples, visible, strategy)

    def _feed_at_once(
        self,
        source: SourceRead,
        files: Sequence[FileRead],
        samples: Samples,
        visible: BoolArray | None,
        strategy: LastValid,
    ) -> None:
        """Lay an image's files all together: each waits for a network, and has bands of its own."""
        # What they share is made before.
        strategy.canvas.begin()
        if self.plan.resampler == "near":
            samples.get(self._files.get(source, files[0]).view.grid)
        feeds = [partial(self._feed_file, source, file, samples, visible, strategy) for file in files]
        run(feeds, len(feeds))

    def _feed_file(
        self,
        source: SourceRead,
        file: FileRead,
        samples: Samples,
        visible: BoolArray | None,
        strategy: LastValid,
    ) -> None:
        opened = self._files.get(source, file)
        with errors_about(source, file):
            check_bands(opened.header, file)
        hides = self.plan.alpha in file.positions
        # The file's own pixels tell where it may be seen, and there is no other that this is told.
        alone = hides and len(source.files) == 1
        if (not hides or alone) and lays_tiles(opened, file, self.plan.resampler, self.plan.dtype):
            layer = self._layer(opened, file, visible, strategy)
            with errors_about(source, file, opened.header.address):
                lay_tiles(opened, samples, layer, strategy.canvas)
            return
        if self.plan.alpha is not None and visible is None:
            visible = np.zeros(samples.block.grid.shape.yx, bool)
        self._feed_pixels(source, file, opened, samples, visible, strategy)

    def _layer(
        self, opened: OpenFile, file: FileRead, visible: BoolArray | None, strategy: LastValid
    ) -> Layer:
        """How a file's bands are laid by tiles."""
        alpha, count = self.plan.alpha, len(self.plan.bands)
        if alpha is not None and alpha not in file.positions and visible is None:
            visible = np.zeros(strategy.canvas.shape[1:], bool)
        nodata = effective_nodata(opened.header, file)
        kept = [number for number, position in enumerate(file.positions) if position < count]
        return Layer(
            indexes=file.indexes,
            samples=tuple(kept),
            bands=tuple(file.positions[number] for number in kept),
            # Alpha is valid whatever its nodata is.
            nodata=tuple(None if file.positions[number] == alpha else nodata[number] for number in kept),
            alpha=file.positions.index(alpha) if alpha in file.positions else -1,
            visible=EVERYWHERE if visible is None else visible.view(np.uint8),
            raw=strategy.keep_raw,
        )

    def _feed_pixels(
        self,
        source: SourceRead,
        file: FileRead,
        opened: OpenFile,
        samples: Samples,
        visible: BoolArray | None,
        strategy: LastValid,
    ) -> None:
        """Feed a file's pixels to the strategy, and note in `visible` where its alpha lets them be seen."""
        count = len(self.plan.bands)
        bands = [position for position in file.positions if position < count]
        hides = self.plan.alpha in file.positions
        needed = strategy.wanted(range(count) if hides else bands)
        if visible is not None and not hides:
            needed = needed & visible
        part = extent(needed)
        if part is None:
            return
        within_part = samples if needed[part].shape == needed.shape else Samples(samples.block.part(part))
        for pixels in self._read(source, file, opened, within_part, needed[part]):
            where = within(part, pixels.roi)
            seen = pixels.covered
            if visible is not None:
                if hides:
                    self._see(file, pixels, visible[where])
                seen = visible[where] if seen is None else seen & visible[where]
            if bands:
                kept = [number for number, position in enumerate(file.positions) if position < count]
                values, valid = pixels.values[kept], pixels.valid[kept]
                if file.calibrated:
                    values, valid = self._calibrated(file, kept, values, valid)
                strategy.feed(where, bands, values, valid, seen)

    def _calibrated(
        self, file: FileRead, kept: list[int], values: Array, valid: BoolArray
    ) -> tuple[Array, BoolArray]:
        """Pixels of some of a file's bands at their levels, and which of them are valid."""
        calibrations = [file.calibrations[number] for number in kept]
        values, valid = calibrate(values, valid, calibrations, self.plan.worked_dtype, exact=self.plan.blends)
        if not self.plan.mask_nodata:
            nodata = [self.plan.bands[file.positions[number]].nodata for number in kept]
            fill_missing(values, valid, calibrations, nodata)
        return values, valid

    def _alpha_on(self, source: SourceRead, grid: GeoBox) -> BoolArray:
        """Return the pixels (y, x) of a file's grid that the image's alpha, in another file, shows."""
        seen = np.zeros(grid.shape.yx, bool)
        hiding = [file for file in source.files if self.plan.alpha in file.positions]
        for file in (each.only(each.positions.index(self.plan.alpha)) for each in hiding):
            opened = self._files.get_for(source, file, grid)
            samples = Samples(Block(grid, (0, 0), grid.shape.yx))
            with errors_about(source, file, opened.header.address):
                for part in read_block(opened, file, "near", samples, ~seen):
                    shown = part.values[0] != 0
                    seen[part.roi] |= shown if part.covered is None else shown & part.covered
        return seen

    def _see(self, file: FileRead, pixels: Pixels, visible: BoolArray) -> None:
        """Note in `visible` (y, x) where an image's alpha is not 0, whatever that band's nodata is."""
        assert self.plan.alpha is not None
        band = file.positions.index(self.plan.alpha)
        seen = pixels.values[band] != 0 if pixels.seen is None else pixels.seen
        if pixels.covered is not None:
            seen &= pixels.covered
        # Beside what another part of the file, a turn of longitudes further, has noted.
        visible |= seen
        pixels.valid[band] = True

    def _read(
        self, source: SourceRead, file: FileRead, opened: OpenFile, samples: Samples, wanted: BoolArray
    ) -> Iterator[Pixels]:
        """A file's bands on a block of the grid, in parts."""
        plan = self.plan
        for position, index, how in zip(file.positions, file.indexes, file.calibrations, strict=True):
            if position < len(plan.bands) and how is None:
                dtype = np.dtype(opened.header.dtypes[index - 1])
                if dtype != plan.dtype and plan.widened(dtype).data_type != plan.data_type:
                    raise WiderTypeError(dtype)
        # The nearest pixel is seen or not by the alpha that is nearest to it, on the output's grid.
        elsewhere = file.alpha < 0 and plan.resampler != "near"
        alpha = partial(self._alpha_on, source) if elsewhere else None
        parts = read_block(opened, file, plan.resampler, samples, wanted, alpha)
        while True:
            # Not around the yield: what the taker does is not about the file.
            with errors_about(source, file, opened.header.address):
                pixels = next(parts, None)
            if pixels is None:
                return
            yield pixels


def blocks(geobox: GeoBox, workers: int, most: int | None = None) -> list[Window]:
    """The windows (y, x) that cover a grid, row by row, with edges of `most` at most; a small grid is shared
    among the workers.
    """
    rows, columns = geobox.shape.yx
    width = min(most or BLOCK, BLOCK)
    height = min(width, max(SMALLEST_BLOCK, -(-rows // workers)))
    return [
        (slice(y, min(rows, y + height)), slice(x, min(columns, x + width)))
        for y in range(0, rows, height)
        for x in range(0, columns, width)
    ]


def default_workers() -> int:
    """How many threads a call uses: one for each core it may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def workers_for(plans: Sequence[Plan]) -> int:
    """How many threads plans are rendered on: more than there are cores where they wait for a network."""
    remote = any(is_remote(href) for plan in plans for href in plan.hrefs)
    return max(_REMOTE_WORKERS, default_workers()) if remote else default_workers()


def run(jobs: Sequence[Callable[[], T]], max_workers: int | None = None) -> list[T]:
    """The results of jobs, in their order, each run with GDAL's settings on one of the threads.

    After a failure no further job starts; the error is raised when those that run have ended.
    """
    failures: list[BaseException] = []
    results: dict[int, T] = {}
    todo = deque(enumerate(jobs))

    def work() -> None:
        try:
            # Once for all of them: it takes as long as planning a small job.
            with gdal_env():
                while not failures and (taken := _first(todo)):
                    place, job = taken
                    results[place] = job()
        except BaseException as error:  # noqa: BLE001 - the caller gets it
            failures.append(error)
        finally:
            tidy()

    # Never on the caller's thread: on the main one GDAL's settings would be those of the whole process.
    workers = max(1, min(max_workers or default_workers(), len(jobs)))
    pool = borrow(workers)
    started: list[Future[None]] = []
    try:
        started += [pool.submit(work) for _ in range(workers)]
        wait(started)
    finally:
        # Where the caller was interrupted no further job starts.
        todo.clear()
        wait(started)
        give_back(workers, pool)
    if failures:
        raise failures[0]
    return [results[place] for place in range(len(jobs))]


def _first(todo: "deque[T]") -> T | None:
    """Take what is first; None if nothing is left, as another thread may have taken the last."""
    try:
        return todo.popleft()
    except IndexError:
        return None
