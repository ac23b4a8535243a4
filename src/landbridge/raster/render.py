"""Rendering: a plan carried out block by block, on threads."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.dtypes import held_nodata
from landbridge.raster.files import errors_about, gdal_env
from landbridge.raster.footprints import Footprints
from landbridge.raster.grid import BoolArray, outside, reach
from landbridge.raster.opened import OpenFiles
from landbridge.raster.plan import FileRead, Plan, SourceRead
from landbridge.raster.read import Block, Pixels, Samples, read_block
from landbridge.raster.rescale import scaled
from landbridge.raster.sample import Window, extent, shape_of, within
from landbridge.raster.strategy import LastValid, WiderTypeError
from landbridge.raster.tiles import TileCache

Array = np.ndarray[Any, Any]
T = TypeVar("T")

BLOCK = 2048
_SMALLEST_BLOCK = 512


class Renderer:
    """A plan at work: renders blocks on any thread, and opens each file's header once."""

    def __init__(self, plan: Plan, cache: TileCache, files: OpenFiles | None = None) -> None:
        """Take the plan, and where the tiles and files are kept that several blocks, or plans, need."""
        self.plan = plan
        self._footprints = Footprints([source.source for source in plan.sources])
        self._files = OpenFiles(plan.geobox, plan.resampler, cache) if files is None else files

    def render(self, window: Window, values: Array, mask: BoolArray | None) -> None:
        """Fill `values` (band, y, x), zeros before, and `mask` (True: not valid) with a window (y, x) of the
        output grid.

        Raises:
            RasterError: a file is missing, broken or cut short.
            WiderTypeError: a file has a type that the plan's cannot hold.
        """
        plan = self.plan
        direct = plan.scales is None and plan.output_type == plan.data_type
        raw = values if direct else np.zeros(values.shape, plan.dtype)
        missing = mask if mask is not None and plan.mask_nodata else np.empty(values.shape, bool)
        shown = np.zeros(values.shape[1:], bool)
        self._mosaic(window, raw, missing, shown)
        if mask is not None and not plan.mask_nodata:
            mask[:] = ~shown
        if not direct:
            self._scale(raw, values, mask)

    def _scale(self, raw: Array, values: Array, mask: BoolArray | None) -> None:
        scales = self.plan.scales or (None,) * len(raw)
        for band, scale in enumerate(scales):
            values[band] = scaled(raw[band], scale, values.dtype)
        if mask is not None:
            values[mask] = 0

    def _mosaic(self, window: Window, raw: Array, missing: BoolArray, shown: BoolArray) -> None:
        plan = self.plan
        grid = plan.geobox[window]
        cut = None if plan.cutline is None else outside(plan.cutline, grid, all_touched=plan.all_touched)
        strategy = LastValid(raw, missing, outside=cut, keep_raw=not plan.mask_nodata)
        if not plan.masked:
            self._fill_nodata(raw)
        for source in reversed(self._near(window)):
            if strategy.is_done:
                break
            self._feed(source, window, strategy, shown)
        strategy.finish()
        if cut is not None:
            shown &= ~cut

    def _near(self, window: Window) -> Sequence[SourceRead]:
        """The images that may touch a window."""
        sources = self.plan.sources
        if len(sources) < 2:
            return sources
        touching = self._footprints.touching(reach(self.plan.geobox[window]))
        return [source for source, touches in zip(sources, touching, strict=True) if touches]

    def _fill_nodata(self, raw: Array) -> None:
        """Without a mask, what is missing shows as the band's nodata."""
        for position, band in enumerate(self.plan.bands):
            nodata = held_nodata(raw.dtype, band.nodata)
            if nodata is not None:
                raw[position] = nodata

    def _feed(self, source: SourceRead, window: Window, strategy: LastValid, shown: BoolArray) -> None:
        """Lay one image under what the strategy has, where that still misses bands: alpha's file comes
        first.
        """
        everything = range(len(self.plan.bands))
        wanted = strategy.wanted(everything)
        part = extent(wanted)
        if part is None:
            return
        wanted = wanted[part]
        block = Block(self.plan.geobox, (0, 0)).part(within(window, part))
        samples = Samples()
        visible: BoolArray | None = None
        if self.plan.alpha is not None:
            # Where the image has no alpha nothing says that it may be seen.
            visible = np.zeros(shape_of(part), bool)
        for file in sorted(source.files, key=lambda file: self.plan.alpha not in file.positions):
            bands = [position for position in file.positions if position in everything]
            alpha = self.plan.alpha in file.positions
            needed = wanted if alpha else strategy.wanted(bands)[part]
            if visible is not None and not alpha:
                needed = needed & visible
            if not needed.any():
                continue
            for pixels in self._read(source, file, block, samples, needed):
                if alpha and visible is not None:
                    self._see(file, pixels, visible)
                if bands:
                    self._lay(file, bands, part, pixels, visible, strategy, shown)

    def _see(self, file: FileRead, pixels: Pixels, visible: BoolArray) -> None:
        """Note in `visible` (y, x) where an image's alpha is not 0, whatever that band's nodata is."""
        assert self.plan.alpha is not None
        band = file.positions.index(self.plan.alpha)
        visible[pixels.roi] = pixels.values[band] != 0
        if pixels.covered is not None:
            visible[pixels.roi] &= pixels.covered
        pixels.valid[band] = True

    def _lay(
        self,
        file: FileRead,
        bands: list[int],
        part: Window,
        pixels: Pixels,
        visible: BoolArray | None,
        strategy: LastValid,
        shown: BoolArray,
    ) -> None:
        """Feed a file's pixels to the strategy as far as their image's alpha lets them be seen."""
        covered = pixels.covered
        if visible is not None:
            seen = visible[pixels.roi]
            covered = seen if covered is None else covered & seen
        where = within(part, pixels.roi)
        if len(bands) == len(file.positions):
            values, valid = pixels.values, pixels.valid
        else:
            kept = [index for index, position in enumerate(file.positions) if position in bands]
            values, valid = pixels.values[kept], pixels.valid[kept]
        strategy.feed(where, bands, values, valid, covered)
        if covered is None:
            shown[where] = True
        else:
            shown[where] |= covered

    def _read(
        self, source: SourceRead, file: FileRead, block: Block, samples: Samples, wanted: BoolArray
    ) -> Iterator[Pixels]:
        """A file's bands on a block of the grid, in parts."""
        plan = self.plan
        with errors_about(source, file):
            opened = self._files.get(file.href)
        dtypes = opened.header.dtypes
        parts = read_block(opened, file, block, plan.resampler, samples, wanted)
        while True:
            # Not around the yield: what the taker does is not about the file.
            with errors_about(source, file):
                pixels = next(parts, None)
            if pixels is None:
                return
            for position, index in zip(file.positions, file.indexes, strict=True):
                dtype = np.dtype(dtypes[index - 1])
                if position < len(plan.bands) and plan.widened(dtype).data_type != plan.data_type:
                    raise WiderTypeError(dtype)
            yield pixels


def blocks(geobox: GeoBox, workers: int) -> list[Window]:
    """The windows (y, x) that cover a grid, row by row; a small grid is shared among the workers."""
    rows, columns = geobox.shape.yx
    height = min(BLOCK, max(_SMALLEST_BLOCK, -(-rows // workers)))
    return [
        (slice(y, min(rows, y + height)), slice(x, min(columns, x + BLOCK)))
        for y in range(0, rows, height)
        for x in range(0, columns, BLOCK)
    ]


def default_workers() -> int:
    """How many threads a call uses: one for each core it may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(jobs: Sequence[Callable[[], T]], max_workers: int | None = None) -> list[T]:
    """The results of jobs, in their order, each run with GDAL's settings on one of the threads.

    After a failure no further job starts; the error is raised when those that run have ended.
    """

    def job_in_env(job: Callable[[], T]) -> T:
        with gdal_env():
            return job()

    workers = min(max_workers or default_workers(), len(jobs))
    if workers <= 1:
        return [job_in_env(job) for job in jobs]
    with ThreadPoolExecutor(workers, thread_name_prefix="landbridge-raster") as pool:
        futures: list[Future[T]] = [pool.submit(job_in_env, job) for job in jobs]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            for future in futures:
                future.cancel()
    failed = next((future for future in futures if not future.cancelled() and future.exception()), None)
    if failed is not None:
        failed.result()
    return [future.result() for future in futures]
