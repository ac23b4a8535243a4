"""Executes the plan of a mosaic whose method needs every image of a block."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np

from landbridge.raster.array_types import Array, BoolArray, Window
from landbridge.raster.composite.reducers import REDUCERS, pixel_bytes
from landbridge.raster.composite.render import Renderer
from landbridge.raster.grids.cutlines import mask_outside
from landbridge.raster.grids.grid_footprint import ground_footprint
from landbridge.raster.grids.windows import extent, shape_of, within
from landbridge.raster.io.open_files import PlanFiles
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.plan.footprints import Footprints
from landbridge.raster.plan.plan import Plan
from landbridge.raster.rescale import rescale_values
from landbridge.raster.runtime.cancel_token import CancelToken
from landbridge.raster.runtime.thread_pools import default_worker_count

# Largest working memory of a call in bytes, and the smallest share of a thread.
_WORKING_BYTES = 256 * 2**20
_MIN_THREAD_BYTES = 16 * 2**20
# Edges of parts are multiples of these if they are that large, so that parts cut few tiles.
_EDGES = (512, 64)


class BlockRenderer(Protocol):
    """Executor of a plan."""

    plan: Plan

    def render(self, window: Window, values: Array, mask: BoolArray | None) -> None:
        """Render a window; see `Renderer.render`."""
        ...

    def close(self) -> None:
        """Stop prefetching files."""
        ...


def make_renderer(
    plan: Plan, cache: TileCache, files: PlanFiles | None = None, cancel: CancelToken | None = None
) -> BlockRenderer:
    """Return the renderer of a plan's method."""
    if plan.method in REDUCERS:
        return ReducingRenderer(plan, cache, files, cancel)
    if plan.method == "first":
        plan = replace(plan, sources=plan.sources[::-1])
        files = PlanFiles(plan, cache, None if files is None else files.shared)
    return Renderer(plan, cache, files, cancel)


class ReducingRenderer:
    """Executor of a plan whose method needs every image.

    Each image is rendered by itself, with the same pixels as in any other call, and added to the block's
    reducer. Any thread may render a block.
    """

    def __init__(
        self, plan: Plan, cache: TileCache, files: PlanFiles | None = None, cancel: CancelToken | None = None
    ) -> None:
        """Prepare a plan, with a cache of tiles and open files that blocks share."""
        self.plan = plan
        self._cache = cache
        self._cancel = cancel
        self._files = PlanFiles(plan, cache) if files is None else files
        self._footprints = Footprints([source.source for source in plan.sources])
        self._plain = replace(plan, method="last", scales=None, output_type=plan.compute_type)
        self._single = replace(self._plain, cutline=None, mask_nodata=True)
        # Means round half to even; picked pixels round as in other calls.
        self._halves_up = plan.blends and plan.method in ("min", "max")
        self._plain_renderer = Renderer(self._plain, cache, self._files, cancel)

    def render(self, window: Window, values: Array, mask: BoolArray | None) -> None:
        """Write `values` (band, y, x) and `mask` (True: not valid) of a window (y, x), in parts.

        Raises:
            RasterError: if a file is missing, broken or truncated.
            WiderTypeError: if a file has a data type that the plan's type cannot hold.
        """
        plan = self.plan
        grid = plan.geobox[window]
        touching = self._footprints.touching(ground_footprint(grid))
        wanted = np.ones(shape_of(window), bool)
        if plan.cutline is not None:
            wanted = ~mask_outside(plan.cutline, grid, all_touched=plan.all_touched)
        for part in self._parts(shape_of(window), int(touching.sum())):
            self._render(
                within(window, part),
                touching,
                wanted[part],
                values[(slice(None), *part)],
                None if mask is None else mask[(slice(None), *part)],
            )

    def close(self) -> None:
        """Stop prefetching files."""
        self._files.stop()

    def _parts(self, shape: tuple[int, int], images: int) -> Iterator[Window]:
        plan = self.plan
        share = max(_MIN_THREAD_BYTES, _WORKING_BYTES // default_worker_count())
        pixels = share // (len(plan.bands) * pixel_bytes(plan.method, plan.compute_dtype, images))
        edge = max(1, math.isqrt(pixels))
        unit = next((unit for unit in _EDGES if edge >= unit), 1)
        edge -= edge % unit
        rows, columns = shape
        for y in range(0, rows, edge):
            for x in range(0, columns, edge):
                yield slice(y, min(rows, y + edge)), slice(x, min(columns, x + edge))

    def _render(
        self, window: Window, touching: BoolArray, wanted: BoolArray, values: Array, mask: BoolArray | None
    ) -> None:
        plan = self.plan
        missing = np.ones(values.shape, bool)
        part = extent(wanted)
        if part is not None:
            inner = (slice(None), *part)
            pixels, missing[inner] = self._reduced(within(window, part), touching)
            for target, worked, scale in zip(
                values[inner], pixels, plan.scales or (None,) * len(pixels), strict=True
            ):
                target[:] = rescale_values(worked, scale, values.dtype, halves_up=self._halves_up)
            missing |= ~wanted
            values[missing] = 0
        if plan.mask_nodata or plan.method == "count":
            if mask is not None:
                mask[:] = missing
        elif missing.any():
            self._show_unmasked_nodata(window, missing, values, mask)
        elif mask is not None:
            mask.fill(False)

    def _reduced(self, window: Window, touching: BoolArray) -> tuple[Array, BoolArray]:
        plan = self._single
        shape = (len(plan.bands), *shape_of(window))
        sources = [source for source, is_near in zip(plan.sources, touching, strict=True) if is_near]
        reduction = REDUCERS[self.plan.method](shape, plan.compute_dtype, len(sources))
        # Files are prefetched in this order.
        for source in reversed(sources):
            if reduction.is_done:
                break
            renderer = Renderer(replace(plan, sources=(source,)), self._cache, self._files, self._cancel)
            missing = reduction.missing
            renderer.render(window, reduction.image, missing)
            if not missing.all():
                reduction.add_image()
        return reduction.result()

    def _show_unmasked_nodata(
        self, window: Window, missing: BoolArray, values: Array, mask: BoolArray | None
    ) -> None:
        """Fill pixels that no image has with the nodata of the plain mosaic, if nodata is not masked."""
        plain = np.empty(values.shape, self._plain.compute_dtype)
        hidden = None if mask is None else np.empty(values.shape, bool)
        self._plain_renderer.render(window, plain, hidden)
        scales = self.plan.scales or (None,) * len(plain)
        for target, shown, where, scale in zip(values, plain, missing, scales, strict=True):
            np.copyto(
                target, rescale_values(shown, scale, values.dtype, halves_up=self._halves_up), where=where
            )
        if mask is not None and hidden is not None:
            np.logical_and(missing, hidden, out=mask)
            values[mask] = 0
