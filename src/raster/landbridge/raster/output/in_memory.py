"""Rendering of plans into arrays in memory, on threads or on a dask cluster."""

import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.array_types import Array, BoolArray, Window
from landbridge.raster.composite.render_reduction import BlockRenderer, make_renderer
from landbridge.raster.dtypes import compute_type
from landbridge.raster.errors import WiderTypeError
from landbridge.raster.grids.block_windows import BLOCK, SMALLEST_BLOCK
from landbridge.raster.grids.windows import shape_of
from landbridge.raster.io.file_types import with_file_types
from landbridge.raster.io.gdal_threads import run_jobs, worker_count_for
from landbridge.raster.io.open_files import PlanFiles, SharedFiles
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.model import Request, Source
from landbridge.raster.output.chunks import chunk_windows
from landbridge.raster.output.cluster import active_client, render_on
from landbridge.raster.output.raster import Raster
from landbridge.raster.pixel_cache import PixelCache, process_cache
from landbridge.raster.plan.plan import Plan, make_plans
from landbridge.raster.rescale import actual_scale, rescale_values
from landbridge.raster.runtime import buffer_pool
from landbridge.raster.runtime.cancel_token import CancelToken
from landbridge.raster.runtime.progress import Progress, progress_bar
from landbridge.raster.runtime.thread_pools import default_worker_count

_MAX_PIXELS_VARIABLE = "LANDBRIDGE_MAX_PIXELS"


_MAX_PIXELS = 10**9


def stack_plans(groups: Sequence[Sequence[Source]], request: Request) -> list[Plan]:
    """Return the plans of the layers of a stack, with one grid and type.

    Raises:
        ValueError: if there are no groups, or an argument is not valid for the images.
        RasterError: if an image has none of the files, or a file that tells the type of its bands cannot be
            read.
    """
    if not groups:
        raise ValueError("there are no images to stack")
    return make_plans(with_file_types(groups, request), request)


def mosaic_plan(sources: Sequence[Source], request: Request) -> Plan:
    """Return the plan of a mosaic of images, or of a single image; it raises errors as `stack_plans`."""
    return stack_plans([sources], request)[0]


def stack_layers(arrays: Sequence[Array]) -> Array:
    """Stack arrays along a new first axis, without a copy if they are all the layers of one array."""
    whole = arrays[0].base
    if (
        isinstance(whole, np.ndarray)
        and whole.shape == (len(arrays), *arrays[0].shape)
        and all(
            array.base is whole and array.ctypes.data == layer.ctypes.data
            for array, layer in zip(arrays, whole, strict=True)
        )
    ):
        return whole
    return np.stack(arrays)


def render_whole(
    plans: Sequence[Plan],
    progress: bool | None,
    name: str,
    max_workers: int | None = None,
    chunks: Any = None,
    cache: PixelCache | None = None,
    cancel: CancelToken | None = None,
) -> list[Raster]:
    """Render plans that share grid, bands and types into one array, on threads or on a dask cluster."""
    check_size(plans[0], len(plans))
    with progress_bar(progress, len(plans) * pixel_count(plans[0].geobox), name) as bar:
        while True:
            try:
                return _render_all(plans, bar, max_workers or worker_count_for(plans), chunks, cache, cancel)
            except WiderTypeError as wider:
                plans = widened(plans, wider.dtype)


def _render_all(
    plans: Sequence[Plan],
    bar: Progress,
    workers: int,
    chunks: Any,
    cache: PixelCache | None,
    cancel: CancelToken | None,
) -> list[Raster]:
    first = plans[0]
    # The actual range of a band is known only after all its pixels are read.
    auto = first.scales is not None and () in first.scales
    worked = without_scaling(first) if auto else first
    values = buffer_pool.empty((len(plans), *first.shape), worked.output_dtype)
    masked = any(plan.masked for plan in plans)
    masks = buffer_pool.empty(values.shape, np.dtype(bool)) if masked else None

    rendered = [without_scaling(plan) if auto else plan for plan in plans]
    client = active_client(chunks)
    if client is not None:
        for layer, window, pixels, mask in render_on(client, rendered, chunks):
            if cancel is not None:
                cancel.check()
            values[(layer, slice(None), *window)] = pixels
            if masks is not None:
                masks[(layer, slice(None), *window)] = False if mask is None else mask
            bar.update(math.prod(shape_of(window)))
    else:
        _render_on_threads(rendered, values, masks, bar, workers, chunks, cache or process_cache(), cancel)
    masks_by_plan = [None if masks is None or not p.masked else masks[layer] for layer, p in enumerate(plans)]
    if auto:
        values = np.stack(
            [
                rescale_to_actual_range(plan, v, m)
                for plan, v, m in zip(plans, values, masks_by_plan, strict=True)
            ]
        )
    return [
        Raster(layer, mask, plan.geobox, plan.bands, plan.hrefs)
        for plan, layer, mask in zip(plans, values, masks_by_plan, strict=True)
    ]


def _render_on_threads(
    plans: Sequence[Plan],
    values: Array,
    masks: BoolArray | None,
    bar: Progress,
    workers: int,
    chunks: Any,
    shared_cache: PixelCache | None,
    cancel: CancelToken | None,
) -> None:
    """Render plans on threads of this process."""

    def render(renderer: BlockRenderer, layer: int, window: Window) -> None:
        y, x = window
        mask = None if masks is None or not renderer.plan.masked else masks[layer, :, y, x]
        renderer.render(window, values[layer, :, y, x], mask)
        bar.update((y.stop - y.start) * (x.stop - x.start))

    first = plans[0]
    cache = TileCache() if shared_cache is None else shared_cache.tiles
    shared_files = SharedFiles()
    blocks_per_layer = -(-min(workers, default_worker_count()) // len(plans))
    windows = [chunk_windows(first.geobox, chunks, blocks_per_layer, max_edge=BLOCK)] * len(plans)
    if workers <= default_worker_count():
        # Otherwise one thread would work on the last image while the others are idle.
        whole = len(plans) > 1 and len(windows[0]) == 1
        windows[-1] = chunk_windows(
            first.geobox, chunks, workers, max_edge=SMALLEST_BLOCK if whole else BLOCK
        )
    renderers = [make_renderer(plan, cache, PlanFiles(plan, cache, shared_files), cancel) for plan in plans]
    jobs = [
        partial(render, renderer, layer, window)
        for layer, renderer in enumerate(renderers)
        for window in windows[layer]
    ]
    try:
        run_jobs(jobs, workers)
    finally:
        for renderer in renderers:
            renderer.close()


def check_size(plan: Plan, layer_count: int = 1) -> None:
    """Raise ValueError if the result has more pixels than one call may hold in memory."""
    check_pixels(layer_count, *plan.shape)


def check_pixels(layer_count: int, bands: int, rows: int, columns: int) -> None:
    """Raise ValueError if a result has more pixels than one call may hold in memory."""
    text = os.environ.get(_MAX_PIXELS_VARIABLE) or str(_MAX_PIXELS)
    try:
        limit = int(text)
    except ValueError:
        raise ValueError(f"{_MAX_PIXELS_VARIABLE} must be a whole number of pixels, got {text!r}") from None
    wanted = layer_count * bands * rows * columns
    if wanted > limit:
        raise ValueError(
            f"{layer_count} x {bands} x {rows} x {columns} (images, bands, rows, columns) are {wanted:,} "
            f"pixels, more than {limit:,}: use a coarser resolution, smaller bounds or fewer images, write "
            "the mosaic to a file by download_mosaic, read it lazily by to_xarray(chunks=...), or raise "
            f"{_MAX_PIXELS_VARIABLE}"
        )


def pixel_count(geobox: GeoBox) -> int:
    """Return the number of pixels of a grid."""
    rows, columns = geobox.shape.yx
    return int(rows * columns)


def widened(plans: Sequence[Plan], dtype: np.dtype[Any]) -> list[Plan]:
    """Return plans whose type also holds a file's values; warn that the bands declare a narrower type."""
    wider = [plan.widened(dtype) for plan in plans]
    declared = plans[0].output_type if plans[0].passes_float16 else plans[0].data_type
    warnings.warn(
        f"a file holds {dtype} values, which the bands' data type {declared} does not: "
        f"reading as {wider[0].data_type}",
        UserWarning,
        stacklevel=4,
    )
    return wider


def without_scaling(plan: Plan) -> Plan:
    """Return the plan without its scaling, in the type in which its method computes values."""
    return replace(plan, scales=None, output_type=compute_type(plan.method, plan.compute_type))


def rescale_to_actual_range(plan: Plan, values: Array, mask: BoolArray | None) -> Array:
    """Return values as the plan scales them; a scale of () is the range of the values that are not masked."""
    out = np.empty(values.shape, plan.output_dtype)
    for band, scale in enumerate(plan.scales or ()):
        masks_by_plan = None if mask is None else mask[band]
        bounds = actual_scale(values[band], masks_by_plan) if scale == () else scale
        out[band] = rescale_values(values[band], bounds, out.dtype, halves_up=plan.blends)
        if masks_by_plan is not None:
            out[band][masks_by_plan] = 0
    return out
