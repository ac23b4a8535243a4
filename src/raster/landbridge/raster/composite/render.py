"""Executes the plan of a mosaic block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.array_types import Array, BoolArray, Window
from landbridge.raster.composite.compositor import FileLayer
from landbridge.raster.composite.last_valid import LastValid
from landbridge.raster.composite.read_block import can_composite_tiles, composite_file_tiles, read_block
from landbridge.raster.composite.tiles_ahead import TilesAhead
from landbridge.raster.dtypes import representable_nodata
from landbridge.raster.errors import RasterError, RenderCancelledError, WiderTypeError
from landbridge.raster.grids.cutlines import mask_outside
from landbridge.raster.grids.grid_footprint import ground_footprint
from landbridge.raster.grids.windows import extent, within
from landbridge.raster.io.byte_ranges import is_remote
from landbridge.raster.io.file_windows import OpenFile, check_bands, effective_nodata
from landbridge.raster.io.gdal_threads import run_jobs
from landbridge.raster.io.open_files import PlanFiles
from landbridge.raster.io.read_errors import annotate_read_errors
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.plan.calibration import calibrate, fill_missing
from landbridge.raster.plan.footprints import Footprints
from landbridge.raster.plan.plan import Plan
from landbridge.raster.plan.reads import FileRead, SourceRead
from landbridge.raster.resample.block import Block, BlockMappings
from landbridge.raster.resample.validity import Pixels
from landbridge.raster.rescale import rescale_values, to_float16
from landbridge.raster.runtime.cancel_token import CancelToken


@dataclass(frozen=True, slots=True, eq=False)
class MosaicBlock:
    """Block of a mosaic in progress: a window (y, x) of the output grid, to which images are added.

    `values` and `mask` are the result; `raw` are the values before they are scaled, or the same array.
    """

    window: Window
    values: Array
    mask: BoolArray | None
    raw: Array
    last_valid: LastValid
    mappings: BlockMappings

    @property
    def is_done(self) -> bool:
        """True if no further image can change a pixel."""
        return self.last_valid.is_done


class Renderer:
    """Executor of a plan. Any thread may render a block; each file's header is read once."""

    def __init__(
        self, plan: Plan, cache: TileCache, files: PlanFiles | None = None, cancel: CancelToken | None = None
    ) -> None:
        """Prepare a plan, with a cache of tiles and open files that blocks or plans share."""
        self.plan = plan
        self._files = PlanFiles(plan, cache) if files is None else files
        self._cancel = cancel

    def render(self, window: Window, values: Array, mask: BoolArray | None) -> None:
        """Write `values` (band, y, x) and `mask` (True: not valid) of a window (y, x) of the output grid.

        Raises:
            RasterError: if a file is missing, broken or truncated.
            RenderCancelledError: if the token says so.
            WiderTypeError: if a file has a data type that the plan's type cannot hold.
        """
        block = self.begin(window, values, mask)
        self.composite(block)
        self.finish(block)

    def begin(self, window: Window, values: Array, mask: BoolArray | None) -> MosaicBlock:
        """Return a window without any image."""
        plan = self.plan
        is_direct = plan.scales is None and plan.output_type == plan.compute_type
        raw = values if is_direct else np.empty(values.shape, plan.compute_dtype)
        missing = mask if mask is not None and plan.mask_nodata else np.empty(values.shape, bool)
        block = Block(plan.geobox, (0, 0), plan.geobox.shape.yx).part(window)
        cut = (
            None
            if plan.cutline is None
            else mask_outside(plan.cutline, block.grid, all_touched=plan.all_touched)
        )
        last_valid = LastValid(
            raw,
            missing,
            fill_values=None if plan.masked else self._fill_values(raw.dtype),
            excluded=cut,
            show_invalid=not plan.mask_nodata,
        )
        mappings = BlockMappings(block, self._files.shared.coordinate_grids)
        return MosaicBlock(window, values, mask, raw, last_valid, mappings)

    def composite(self, block: MosaicBlock) -> None:
        """Add the plan's images, the last one first, to the still-empty pixels of a block.

        Raises:
            RasterError, RenderCancelledError, WiderTypeError: as `render`.
        """
        try:
            self._composite(block)
        except (RasterError, RenderCancelledError) as error:
            self._files.stop(error)
            raise

    def finish(self, block: MosaicBlock) -> None:
        """Complete the values and the mask of a block, after which no image can be added."""
        shown = block.last_valid.finish()
        if block.mask is not None and shown is not None:
            block.mask[:] = ~shown
        if block.raw is not block.values:
            self._scale(block.raw, block.values, block.mask)

    def close(self) -> None:
        """Stop prefetching files."""
        self._files.stop()

    def _scale(self, raw: Array, values: Array, mask: BoolArray | None) -> None:
        if self.plan.passes_float16 and not np.array_equal(raw, to_float16(raw), equal_nan=True):
            raise WiderTypeError(raw.dtype)
        scales = self.plan.scales or (None,) * len(raw)
        for band, scale in enumerate(scales):
            values[band] = rescale_values(raw[band], scale, values.dtype, halves_up=self.plan.blends)
        if mask is not None:
            values[mask] = 0

    def _composite(self, block: MosaicBlock) -> None:
        last_valid, mappings = block.last_valid, block.mappings
        images = self._touching_sources(block.window)[::-1]
        request_ahead = self._tiles_ahead.of_block(
            images,
            mappings,
            last_valid.canvas,
            lambda opened, file: self._file_layer(opened, file, None, last_valid),
        )
        for number, source in enumerate(images):
            if last_valid.is_done:
                break
            if self._cancel is not None:
                self._cancel.check()
            request_ahead(number)
            self._composite_image(source, mappings, last_valid)

    @cached_property
    def _tiles_ahead(self) -> TilesAhead:
        return TilesAhead(self.plan, self._files)

    @cached_property
    def _footprints(self) -> Footprints:
        return Footprints([source.source for source in self.plan.sources])

    def _touching_sources(self, window: Window) -> Sequence[SourceRead]:
        """Return the images that may touch a window."""
        sources = self.plan.sources
        if len(sources) < 2:
            return sources
        touching = self._footprints.touching(ground_footprint(self.plan.geobox[window]))
        return [source for source, touches in zip(sources, touching, strict=True) if touches]

    def _fill_values(self, dtype: np.dtype[Any]) -> Array:
        """Return the bands' nodata values, which missing pixels show if there is no mask."""
        held = [representable_nodata(dtype, band.nodata) for band in self.plan.bands]
        return np.array([0 if nodata is None else nodata for nodata in held], dtype)

    def _composite_image(self, source: SourceRead, mappings: BlockMappings, last_valid: LastValid) -> None:
        """Composite one image into the still-empty pixels; the file with the alpha band comes first."""
        alpha = self.plan.alpha
        visible: BoolArray | None = None
        if alpha is not None and len(source.files) > 1:
            # Pixels without alpha are hidden.
            visible = np.zeros(mappings.block.grid.shape.yx, bool)
        first = [file for file in source.files if alpha in file.positions]
        others = [file for file in source.files if alpha not in file.positions]
        for file in first:
            self._composite_file(source, file, mappings, visible, last_valid)
        if len(others) > 1 and all(is_remote(file.href) for file in others):
            self._composite_concurrently(source, others, mappings, visible, last_valid)
        else:
            for file in others:
                self._composite_file(source, file, mappings, visible, last_valid)

    def _composite_concurrently(
        self,
        source: SourceRead,
        files: Sequence[FileRead],
        mappings: BlockMappings,
        visible: BoolArray | None,
        last_valid: LastValid,
    ) -> None:
        """Composite an image's remote files concurrently; each has bands of its own."""
        # Shared data is prepared before the threads start.
        last_valid.canvas.initialise()
        if self.plan.resampler == "near":
            mappings.get(self._files.get(source, files[0]).read_level.grid)
        jobs = [partial(self._composite_file, source, file, mappings, visible, last_valid) for file in files]
        run_jobs(jobs, len(jobs))

    def _composite_file(
        self,
        source: SourceRead,
        file: FileRead,
        mappings: BlockMappings,
        visible: BoolArray | None,
        last_valid: LastValid,
    ) -> None:
        """Composite one file into the still-empty pixels."""
        # If a kept header is an old one, this is found before any pixel is read.
        self._files.with_current_header(
            file, partial(self._composite_opened, source, file, mappings, visible, last_valid)
        )

    def _composite_opened(
        self,
        source: SourceRead,
        file: FileRead,
        mappings: BlockMappings,
        visible: BoolArray | None,
        last_valid: LastValid,
    ) -> None:
        opened = self._files.get(source, file)
        with annotate_read_errors(source, file):
            check_bands(opened.header, file)
        hides = self.plan.alpha in file.positions
        # Alpha and all bands are in this file, so the kernels can apply alpha themselves.
        alone = hides and len(source.files) == 1
        if (not hides or alone) and can_composite_tiles(opened, file, self.plan.resampler, self.plan.dtype):
            layer = self._file_layer(opened, file, visible, last_valid)
            with annotate_read_errors(source, file, opened.header.address):
                composite_file_tiles(opened, mappings, layer, last_valid.canvas)
            return
        if self.plan.alpha is not None and visible is None:
            visible = np.zeros(mappings.block.grid.shape.yx, bool)
        self._composite_pixels(source, file, opened, mappings, visible, last_valid)

    def _file_layer(
        self, opened: OpenFile, file: FileRead, visible: BoolArray | None, last_valid: LastValid
    ) -> FileLayer:
        """Return the layer of a file's bands for compositing by tiles."""
        alpha, count = self.plan.alpha, len(self.plan.bands)
        if alpha is not None and alpha not in file.positions and visible is None:
            visible = np.zeros(last_valid.canvas.shape[1:], bool)
        nodata = effective_nodata(opened.header, file)
        kept = [number for number, position in enumerate(file.positions) if position < count]
        return FileLayer(
            indexes=file.indexes,
            samples=tuple(kept),
            bands=tuple(file.positions[number] for number in kept),
            # Alpha is valid even if it equals its nodata value.
            nodata=tuple(None if file.positions[number] == alpha else nodata[number] for number in kept),
            alpha=file.positions.index(alpha) if alpha in file.positions else -1,
            visible=None if visible is None else visible.view(np.uint8),
            show_invalid=last_valid.show_invalid,
        )

    def _composite_pixels(
        self,
        source: SourceRead,
        file: FileRead,
        opened: OpenFile,
        mappings: BlockMappings,
        visible: BoolArray | None,
        last_valid: LastValid,
    ) -> None:
        """Add a file's pixels to the mosaic, and mark in `visible` those that its alpha band shows."""
        count = len(self.plan.bands)
        bands = [position for position in file.positions if position < count]
        hides = self.plan.alpha in file.positions
        needed = last_valid.wanted(range(count) if hides else bands)
        if visible is not None and not hides:
            needed = needed & visible
        part = extent(needed)
        if part is None:
            return
        within_part = (
            mappings if needed[part].shape == needed.shape else BlockMappings(mappings.block.part(part))
        )
        for pixels in self._read(source, file, opened, within_part, needed[part]):
            where = within(part, pixels.roi)
            visible_pixels = pixels.covered
            if visible is not None:
                if hides:
                    self._mark_visible(file, pixels, visible[where])
                visible_pixels = visible[where] if visible_pixels is None else visible_pixels & visible[where]
            if bands:
                kept = [number for number, position in enumerate(file.positions) if position < count]
                values, valid = pixels.values[kept], pixels.valid[kept]
                if file.calibrated:
                    values, valid = self._calibrated(file, kept, values, valid)
                last_valid.add_image(where, bands, values, valid, visible_pixels)

    def _calibrated(
        self, file: FileRead, kept: list[int], values: Array, valid: BoolArray
    ) -> tuple[Array, BoolArray]:
        """Return pixels of some of a file's bands at their processing levels, and their validity."""
        calibrations = [file.calibrations[number] for number in kept]
        values, valid = calibrate(
            values, valid, calibrations, self.plan.compute_dtype, exact=self.plan.blends
        )
        if not self.plan.mask_nodata:
            nodata = [self.plan.bands[file.positions[number]].nodata for number in kept]
            fill_missing(values, valid, calibrations, nodata)
        return values, valid

    def _read_alpha(self, source: SourceRead, grid: GeoBox) -> BoolArray:
        """Return flags (y, x) of the pixels of a file's grid that the alpha band of another file shows."""
        visible_pixels = np.zeros(grid.shape.yx, bool)
        hiding = [file for file in source.files if self.plan.alpha in file.positions]
        for file in (each.single_band(each.positions.index(self.plan.alpha)) for each in hiding):
            self._files.with_current_header(
                file, partial(self._mark_shown, source, file, grid, visible_pixels)
            )
        return visible_pixels

    def _mark_shown(
        self, source: SourceRead, file: FileRead, grid: GeoBox, visible_pixels: BoolArray
    ) -> None:
        """Mark the pixels of a grid that an alpha band shows."""
        opened = self._files.get_for(source, file, grid)
        mappings = BlockMappings(Block(grid, (0, 0), grid.shape.yx))
        with annotate_read_errors(source, file, opened.header.address):
            for part in read_block(opened, file, "near", mappings, ~visible_pixels):
                shown = part.values[0] != 0
                visible_pixels[part.roi] |= shown if part.covered is None else shown & part.covered

    def _mark_visible(self, file: FileRead, pixels: Pixels, visible: BoolArray) -> None:
        """Mark in `visible` (y, x) pixels whose alpha is not 0, even if it equals the band's nodata."""
        assert self.plan.alpha is not None
        band = file.positions.index(self.plan.alpha)
        visible_pixels = pixels.values[band] != 0 if pixels.visible is None else pixels.visible
        if pixels.covered is not None:
            visible_pixels &= pixels.covered
        # Another part of the file, a period of x further, may have marked pixels before.
        visible |= visible_pixels
        pixels.valid[band] = True

    def _read(
        self, source: SourceRead, file: FileRead, opened: OpenFile, mappings: BlockMappings, wanted: BoolArray
    ) -> Iterator[Pixels]:
        """Yield a file's bands on a block of the grid, in parts."""
        plan = self.plan
        for position, index, how in zip(file.positions, file.indexes, file.calibrations, strict=True):
            if position < len(plan.bands) and how is None:
                dtype = np.dtype(opened.header.dtypes[index - 1])
                if dtype != plan.dtype and plan.widened(dtype).data_type != plan.data_type:
                    raise WiderTypeError(dtype)
        # With "near", the alpha value nearest to each output pixel decides, so it is not needed here.
        resampler = plan.resampler_of(file)
        elsewhere = file.alpha < 0 and resampler != "near"
        alpha = partial(self._read_alpha, source) if elsewhere else None
        parts = read_block(opened, file, resampler, mappings, wanted, alpha)
        while True:
            # The context excludes the yield: errors of the consumer are not errors of the file.
            with annotate_read_errors(source, file, opened.header.address):
                pixels = next(parts, None)
            if pixels is None:
                return
            yield pixels
