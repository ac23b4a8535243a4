"""Mosaics of images that come by pages, the topmost first; no page is asked for after all pixels are valid.

A search may find thousands of images in an area whose first twenty fill it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np

from landbridge.raster.composite.reducers import REDUCERS
from landbridge.raster.composite.render import MosaicBlock, Renderer
from landbridge.raster.errors import RasterError, TooManyImagesError, WiderTypeError
from landbridge.raster.grids.block_windows import BLOCK, block_windows
from landbridge.raster.io.gdal_threads import run_jobs, worker_count_for
from landbridge.raster.io.open_files import PlanFiles, SharedFiles
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.model import Request, Source
from landbridge.raster.output.in_memory import (
    check_size,
    mosaic_plan,
    render_whole,
    rescale_to_actual_range,
    widened,
    without_scaling,
)
from landbridge.raster.output.raster import Raster
from landbridge.raster.pixel_cache import PixelCache, process_cache
from landbridge.raster.plan.plan import Plan
from landbridge.raster.plan.reads import SourceRead
from landbridge.raster.runtime import buffer_pool
from landbridge.raster.runtime.cancel_token import CancelToken
from landbridge.raster.runtime.thread_pools import default_worker_count

__all__ = ["mosaic_of_pages"]


def mosaic_of_pages(
    pages: Iterable[Sequence[Source]],
    request: Request,
    limit: int | None,
    cache: PixelCache | None,
    cancel: CancelToken | None,
) -> Raster:
    """Return the mosaic of images by pages; see `landbridge.raster.mosaic_pages`."""
    bounded = _bounded(pages, limit)
    if request.method in REDUCERS:
        sources = _in_order_of_a_call([*chain.from_iterable(bounded)], request)
        return render_whole([mosaic_plan(sources, request)], False, "mosaic", None, False, cache, cancel)[0]
    return _PagedMosaic(request, cache or process_cache(), cancel).of(bounded)


def _bounded(pages: Iterable[Sequence[Source]], limit: int | None) -> Iterator[Sequence[Source]]:
    """Yield pages of at most `limit` images together; then raise TooManyImagesError if there are more."""
    count = 0
    for page in pages:
        rest = page if limit is None else page[: limit - count]
        count += len(rest)
        if rest:
            yield rest
        if limit is not None and len(rest) < len(page):
            raise TooManyImagesError(limit)


def _in_order_of_a_call(topmost_first: list[Source], request: Request) -> list[Source]:
    """Return images, the topmost first, in the order in which `mosaic` takes them for a method."""
    return topmost_first if request.method == "first" else topmost_first[::-1]


class _PagedMosaic:
    """Mosaic of the images that came so far, with the values and types that `mosaic` gives to them.

    Types and scales follow from the products of all images. If those of a later page change them, the images
    are composited anew.
    """

    def __init__(self, request: Request, cache: PixelCache | None, cancel: CancelToken | None) -> None:
        self._request = request
        self._cache = TileCache() if cache is None else cache.tiles
        self._cancel = cancel
        self._sources: list[Source] = []
        self._wider_types: list[np.dtype[Any]] = []
        self._plan: Plan | None = None
        self._canvas: _Canvas | None = None

    def of(self, pages: Iterable[Sequence[Source]]) -> Raster:
        """Return the mosaic of pages."""
        absent: RasterError | None = None
        for page in pages:
            if self._cancel is not None:
                self._cancel.check()
            self._sources += page
            try:
                canvas = self._add()
            except RasterError as error:
                # A later image may have the bands that those of the first pages lack.
                if self._canvas is not None:
                    raise
                absent = error
                continue
            absent = None
            if canvas.is_done:
                break
        if absent is not None:
            raise absent
        if self._canvas is None:
            raise ValueError("there are no images to raster")
        assert self._plan is not None
        return self._canvas.finish(self._plan)

    def _add(self) -> "_Canvas":
        """Composite the images that are new; all images if what `mosaic` makes of them is another."""
        while True:
            plan = self._planned()
            before = self._plan
            if self._canvas is None or before is None or not _continues(before, plan):
                self._canvas = _Canvas(plan, self._cache)
                before = None
            self._plan = plan
            # Reads are the topmost first here, so that the new ones are the last.
            added = _topmost_first(plan)[0 if before is None else len(before.sources) :]
            try:
                self._canvas.add(added, self._cancel)
            except WiderTypeError as wider:
                widened([plan], wider.dtype)
                self._wider_types.append(wider.dtype)
                self._canvas = None
            else:
                return self._canvas

    def _planned(self) -> Plan:
        plan = mosaic_plan(_in_order_of_a_call(self._sources, self._request), self._request)
        for dtype in self._wider_types:
            plan = plan.widened(dtype)
        return plan


def _topmost_first(plan: Plan) -> tuple[SourceRead, ...]:
    return plan.sources if plan.method == "first" else plan.sources[::-1]


def _continues(before: Plan, plan: Plan) -> bool:
    """Return whether images can be added to a canvas of a plan by a later plan of more images."""
    known = zip(_topmost_first(before), _topmost_first(plan), strict=False)
    return _facts(before) == _facts(plan) and all(one.files == other.files for one, other in known)


def _facts(plan: Plan) -> tuple[Any, ...]:
    # Nodata values of the bands are used if they are not masked.
    nodata = () if plan.mask_nodata else tuple(str(band.nodata) for band in plan.bands)
    declared = tuple(band.data_type for band in plan.bands)
    types = (plan.data_type, plan.output_type, plan.passes_float16, declared, nodata)
    return (plan.read_bands, plan.alpha, plan.scales, *types)


class _Canvas:
    """Values and mask of a mosaic in progress, in blocks that threads work on."""

    def __init__(self, plan: Plan, cache: TileCache) -> None:
        check_size(plan)
        self._is_actual_range = plan.scales is not None and () in plan.scales
        worked = without_scaling(plan) if self._is_actual_range else plan
        # All images win over those that come later.
        self._empty = replace(worked, sources=(), method="last")
        self._cache = cache
        self._files = SharedFiles()
        self._values = buffer_pool.empty(plan.shape, worked.output_dtype)
        self._mask = buffer_pool.empty(plan.shape, np.dtype(bool)) if plan.masked else None
        windows = block_windows(plan.geobox, default_worker_count(), BLOCK)
        renderer = self._renderer(self._empty, None)
        self._unfinished = [
            renderer.begin(
                window,
                self._values[(slice(None), *window)],
                None if self._mask is None else self._mask[(slice(None), *window)],
            )
            for window in windows
        ]

    @property
    def is_done(self) -> bool:
        """True if no further image can change a pixel."""
        return not self._unfinished

    def add(self, topmost_first: Sequence[SourceRead], cancel: CancelToken | None) -> None:
        """Composite images below those that were added before."""
        plan = replace(self._empty, sources=tuple(topmost_first[::-1]))
        renderer = self._renderer(plan, cancel)

        def work(block: MosaicBlock) -> bool:
            renderer.composite(block)
            if block.is_done:
                # Its pixels are in this processor's cache.
                renderer.finish(block)
            return block.is_done

        jobs = [partial(work, block) for block in self._unfinished]
        try:
            finished = run_jobs(jobs, worker_count_for([plan]))
        finally:
            renderer.close()
        self._unfinished = [
            block for block, is_done in zip(self._unfinished, finished, strict=True) if not is_done
        ]

    def finish(self, plan: Plan) -> Raster:
        """Return the mosaic; no image can be added afterwards."""
        renderer = self._renderer(self._empty, None)
        run_jobs([partial(renderer.finish, block) for block in self._unfinished])
        values = self._values
        if self._is_actual_range:
            values = rescale_to_actual_range(plan, values, self._mask)
        return Raster(values, self._mask, plan.geobox, plan.bands, plan.hrefs)

    def _renderer(self, plan: Plan, cancel: CancelToken | None) -> Renderer:
        return Renderer(plan, self._cache, PlanFiles(plan, self._cache, self._files), cancel)
