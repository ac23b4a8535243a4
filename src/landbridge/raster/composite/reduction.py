"""Rendering mosaics by methods that need every image of a block."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from landbridge.raster.composite.reducers import REDUCTIONS, pixel_bytes
from landbridge.raster.composite.render import Renderer, default_workers
from landbridge.raster.grids.cutlines import outside
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.grid_footprint import reach
from landbridge.raster.grids.windows import Window, extent, shape_of, within
from landbridge.raster.io.open_files import Files
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.output.rescale import scaled
from landbridge.raster.plan.footprints import Footprints
from landbridge.raster.plan.plan import Plan

Array = np.ndarray[Any, Any]

# What the threads of a call work on at once takes up to this many bytes, each thread no less than its share.
_IN_FLIGHT = 256 * 2**20
_LEAST_SHARE = 16 * 2**20
# Blocks have edges of whole numbers of these where they are that large, so that they cut few tiles.
_EDGES = (512, 64)


class Renders(Protocol):
    """A plan at work."""

    plan: Plan

    def render(self, window: Window, values: Array, mask: BoolArray | None) -> None:
        """Fill a window; see Renderer."""
        ...

    def close(self) -> None:
        """Ask for nothing any more."""
        ...


def renderer_of(plan: Plan, cache: TileCache, files: Files | None = None) -> Renders:
    """What renders a plan by its method."""
    if plan.method in REDUCTIONS:
        return Reducer(plan, cache, files)
    if plan.method == "first":
        plan = replace(plan, sources=plan.sources[::-1])
        files = Files(plan, cache, None if files is None else files.shared)
    return Renderer(plan, cache, files)


class Reducer:
    """A plan whose method needs every image, at work: renders blocks on any thread.

    Each image is rendered by itself, so that it brings the same pixels as anywhere else, and fed to the
    block's reduction.
    """

    def __init__(self, plan: Plan, cache: TileCache, files: Files | None = None) -> None:
        """Take the plan, and where files and tiles are kept that several blocks need."""
        self.plan = plan
        self._cache = cache
        self._files = Files(plan, cache) if files is None else files
        self._footprints = Footprints([source.source for source in plan.sources])
        self._plain = replace(plan, method="last", scales=None, output_type=plan.worked_type)
        self._single = replace(self._plain, cutline=None, mask_nodata=True)
        # Means round to the even neighbor, pixels as they do elsewhere.
        self._halves_up = plan.blends and plan.method in ("min", "max")
        self._below = Renderer(self._plain, cache, self._files)

    def render(self, window: Window, values: Array, mask: BoolArray | None) -> None:
        """Write all of `values` (band, y, x) and `mask` (True: not valid) of a window (y, x) of the output
        grid, in parts that memory allows.

        Raises:
            RasterError: a file is missing, broken or cut short.
            WiderTypeError: a file has a type that the plan's cannot hold.
        """
        plan = self.plan
        grid = plan.geobox[window]
        near = self._footprints.touching(reach(grid))
        wanted = np.ones(shape_of(window), bool)
        if plan.cutline is not None:
            wanted = ~outside(plan.cutline, grid, all_touched=plan.all_touched)
        for part in self._parts(shape_of(window), int(near.sum())):
            self._render(
                within(window, part),
                near,
                wanted[part],
                values[(slice(None), *part)],
                None if mask is None else mask[(slice(None), *part)],
            )

    def close(self) -> None:
        """Ask for nothing any more."""
        self._files.stop()

    def _parts(self, shape: tuple[int, int], images: int) -> Iterator[Window]:
        plan = self.plan
        share = max(_LEAST_SHARE, _IN_FLIGHT // default_workers())
        pixels = share // (len(plan.bands) * pixel_bytes(plan.method, plan.worked_dtype, images))
        edge = max(1, math.isqrt(pixels))
        unit = next((unit for unit in _EDGES if edge >= unit), 1)
        edge -= edge % unit
        rows, columns = shape
        for y in range(0, rows, edge):
            for x in range(0, columns, edge):
                yield slice(y, min(rows, y + edge)), slice(x, min(columns, x + edge))

    def _render(
        self, window: Window, near: BoolArray, wanted: BoolArray, values: Array, mask: BoolArray | None
    ) -> None:
        plan = self.plan
        missing = np.ones(values.shape, bool)
        part = extent(wanted)
        if part is not None:
            inner = (slice(None), *part)
            pixels, missing[inner] = self._reduced(within(window, part), near)
            for target, worked, scale in zip(
                values[inner], pixels, plan.scales or (None,) * len(pixels), strict=True
            ):
                target[:] = scaled(worked, scale, values.dtype, halves_up=self._halves_up)
            missing |= ~wanted
            values[missing] = 0
        if plan.mask_nodata or plan.method == "count":
            if mask is not None:
                mask[:] = missing
        elif missing.any():
            self._show_plain(window, missing, values, mask)
        elif mask is not None:
            mask.fill(False)

    def _reduced(self, window: Window, near: BoolArray) -> tuple[Array, BoolArray]:
        plan = self._single
        shape = (len(plan.bands), *shape_of(window))
        sources = [source for source, is_near in zip(plan.sources, near, strict=True) if is_near]
        reduction = REDUCTIONS[self.plan.method](shape, plan.worked_dtype, len(sources))
        values, missing = np.empty(shape, plan.worked_dtype), np.empty(shape, bool)
        # Files are asked for ahead in this order.
        for source in reversed(sources):
            if reduction.is_done:
                break
            renderer = Renderer(replace(plan, sources=(source,)), self._cache, self._files)
            renderer.render(window, values, missing)
            if not missing.all():
                reduction.feed(values, ~missing)
        return reduction.result()

    def _show_plain(self, window: Window, missing: BoolArray, values: Array, mask: BoolArray | None) -> None:
        """Where no image is valid and nodata is not masked, show what the plain mosaic has there: nodata."""
        plain = np.empty(values.shape, self._plain.worked_dtype)
        hidden = None if mask is None else np.empty(values.shape, bool)
        self._below.render(window, plain, hidden)
        scales = self.plan.scales or (None,) * len(plain)
        for target, shown, where, scale in zip(values, plain, missing, scales, strict=True):
            np.copyto(target, scaled(shown, scale, values.dtype, halves_up=self._halves_up), where=where)
        if mask is not None and hidden is not None:
            np.logical_and(missing, hidden, out=mask)
            values[mask] = 0
