"""The raster engine: what the catalog calls for pixels."""

import math
import os
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.composite.last_valid import WiderTypeError
from landbridge.raster.composite.reducers import worked_type
from landbridge.raster.composite.reduction import Renders, renderer_of
from landbridge.raster.composite.render import BLOCK, SMALLEST_BLOCK, default_workers, run, workers_for
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.windows import Window, shape_of
from landbridge.raster.io.open_files import Files, Opened
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.model import Raster, Request, Source
from landbridge.raster.output.chunks import windows
from landbridge.raster.output.rescale import actual_scale, scaled
from landbridge.raster.plan.arguments import move_stack_bands_axis
from landbridge.raster.plan.plan import Plan, make_plan, make_plans
from landbridge.raster.runtime import buffer_pool
from landbridge.raster.runtime.cluster import active_client, render_on
from landbridge.raster.runtime.progress import Progress, progress_bar

Array = np.ndarray[Any, Any]

_MAX_PIXELS_VARIABLE = "LANDBRIDGE_MAX_PIXELS"
_MAX_PIXELS = 10**9


def read_image(source: Source, request: Request, *, progress: bool | None = None) -> Raster:
    """One image's pixels, read in this process.

    Raises:
        ValueError: an argument is not valid for this image.
        RasterError: a file is missing, broken or cut short.
    """
    return render_whole([make_plan([source], request)], progress, source.id, chunks=False)[0]


def mosaic(
    sources: Sequence[Source], request: Request, *, progress: bool | None = None, chunks: Any = None
) -> Raster:
    """Images laid over each other: of each pixel the last of the sequence that is valid there, or what
    `request.method` makes of all that are.

    `chunks` is the size of the blocks that are rendered at once (see `pieces.chunk_shape`). If the process
    has a dask.distributed client, its cluster renders them, unless `chunks` is False.

    Raises:
        ValueError: there are no images, or an argument is not valid for them.
        RasterError: a file is missing, broken or cut short.
    """
    return render_whole([make_plan(sources, request)], progress, "mosaic", chunks=chunks)[0]


def stack(
    groups: Sequence[Sequence[Source]],
    request: Request,
    *,
    max_workers: int | None = None,
    progress: bool | None = None,
    chunks: Any = None,
) -> list[Raster]:
    """One raster for each group of images, in order; a group of several is their mosaic.

    All have one data type and grid, and their arrays are the layers of one (see `stacked`); whether alpha
    masks is decided group by group. `chunks` is as in `mosaic`.

    Raises:
        ValueError: there are no groups, or an argument is not valid for the images.
        RasterError: a file is missing, broken or cut short.
    """
    plans = stack_plans(groups, request)
    return render_whole(plans, progress, f"stack of {len(plans)}", max_workers, chunks)


def stack_plans(groups: Sequence[Sequence[Source]], request: Request) -> list[Plan]:
    """The plans of the layers of a stack, of one grid and type.

    Raises:
        ValueError: there are no groups, or an argument is not valid for the images.
    """
    if not groups:
        raise ValueError("there are no images to stack")
    return make_plans(groups, request)


def stacked(rasters: Sequence[Raster], bands_axis: int = 1) -> Array:
    """The rasters of a stack as one array (image, band, y, x), masked if any of them is.

    Raises:
        NotImplementedError: `bands_axis` is that of the images, 0 or -4.
        ValueError: `bands_axis` is out of range.
    """
    values = layers([raster.data for raster in rasters])
    array: Array = values
    if any(raster.mask is not None for raster in rasters):
        masks = [np.zeros(r.data.shape, bool) if r.mask is None else r.mask for r in rasters]
        array = np.ma.MaskedArray(values, mask=layers(masks))
    return move_stack_bands_axis(array, bands_axis)


def layers(arrays: Sequence[Array]) -> Array:
    """Arrays along a new first axis, without a copy if they are all the layers of one array."""
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
) -> list[Raster]:
    """The rasters of plans that share grid, bands and types, rendered on threads straight into one array, or
    on a cluster.
    """
    check_size(plans[0], len(plans))
    with progress_bar(progress, len(plans) * pixel_count(plans[0].geobox), name) as bar:
        while True:
            try:
                return _render_all(plans, bar, max_workers or workers_for(plans), chunks)
            except WiderTypeError as wider:
                plans = widened(plans, wider.dtype)


def _render_all(plans: Sequence[Plan], bar: Progress, workers: int, chunks: Any) -> list[Raster]:
    first = plans[0]
    # Nothing is known of a band's range before all its pixels are there.
    auto = first.scales is not None and () in first.scales
    worked = unscaled(first) if auto else first
    values = buffer_pool.empty((len(plans), *first.shape), worked.output_dtype)
    masked = any(plan.masked for plan in plans)
    masks = buffer_pool.empty(values.shape, np.dtype(bool)) if masked else None

    rendered = [unscaled(plan) if auto else plan for plan in plans]
    client = active_client(chunks)
    if client is not None:
        for layer, window, pixels, mask in render_on(client, rendered, chunks):
            values[(layer, slice(None), *window)] = pixels
            if masks is not None:
                masks[(layer, slice(None), *window)] = False if mask is None else mask
            bar.update(math.prod(shape_of(window)))
    else:
        _render_here(rendered, values, masks, bar, workers, chunks)
    hidden = [None if masks is None or not p.masked else masks[layer] for layer, p in enumerate(plans)]
    if auto:
        values = np.stack([_by_actual(plan, v, m) for plan, v, m in zip(plans, values, hidden, strict=True)])
    return [
        Raster(layer, mask, plan.geobox, plan.bands, plan.hrefs)
        for plan, layer, mask in zip(plans, values, hidden, strict=True)
    ]


def _render_here(
    plans: Sequence[Plan], values: Array, masks: BoolArray | None, bar: Progress, workers: int, chunks: Any
) -> None:
    """Render on threads of this process."""

    def render(renderer: Renders, layer: int, window: Window) -> None:
        y, x = window
        mask = None if masks is None or not renderer.plan.masked else masks[layer, :, y, x]
        renderer.render(window, values[layer, :, y, x], mask)
        bar.update((y.stop - y.start) * (x.stop - x.start))

    first = plans[0]
    cache = TileCache()
    opened = Opened()
    shares = -(-min(workers, default_workers()) // len(plans))
    places = [windows(first.geobox, chunks, shares, most=BLOCK)] * len(plans)
    if workers <= default_workers():
        # Else one thread would be left with the last image while the others have nothing to do.
        whole = len(plans) > 1 and len(places[0]) == 1
        places[-1] = windows(first.geobox, chunks, workers, most=SMALLEST_BLOCK if whole else BLOCK)
    renderers = [renderer_of(plan, cache, Files(plan, cache, opened)) for plan in plans]
    jobs = [
        partial(render, renderer, layer, window)
        for layer, renderer in enumerate(renderers)
        for window in places[layer]
    ]
    try:
        run(jobs, workers)
    finally:
        for renderer in renderers:
            renderer.close()


def check_size(plan: Plan, layers: int = 1) -> None:
    """Raise ValueError if the result has more pixels than one call may hold in memory."""
    check_pixels(layers, *plan.shape)


def check_pixels(layers: int, bands: int, rows: int, columns: int) -> None:
    """Raise ValueError if these are more pixels than memory may hold."""
    text = os.environ.get(_MAX_PIXELS_VARIABLE) or str(_MAX_PIXELS)
    try:
        limit = int(text)
    except ValueError:
        raise ValueError(f"{_MAX_PIXELS_VARIABLE} must be a whole number of pixels, got {text!r}") from None
    wanted = layers * bands * rows * columns
    if wanted > limit:
        raise ValueError(
            f"{layers} x {bands} x {rows} x {columns} (images, bands, rows, columns) are {wanted:,} pixels, "
            f"more than {limit:,}: use a coarser resolution, smaller bounds or fewer images, write the "
            "mosaic to a file by download_mosaic, read it lazily by to_xarray(chunks=...), or raise "
            f"{_MAX_PIXELS_VARIABLE}"
        )


def pixel_count(geobox: GeoBox) -> int:
    """How many pixels a grid has."""
    rows, columns = geobox.shape.yx
    return int(rows * columns)


def widened(plans: Sequence[Plan], dtype: np.dtype[Any]) -> list[Plan]:
    """Plans whose type also holds that of a file, with a warning that the bands do not say so."""
    wider = [plan.widened(dtype) for plan in plans]
    declared = plans[0].output_type if plans[0].is_half else plans[0].data_type
    warnings.warn(
        f"a file holds {dtype} values, which the bands' data type {declared} does not: "
        f"reading as {wider[0].data_type}",
        UserWarning,
        stacklevel=4,
    )
    return wider


def unscaled(plan: Plan) -> Plan:
    """The plan without its scaling, its values in the type that its method computes them in."""
    return replace(plan, scales=None, output_type=worked_type(plan.method, plan.worked_type))


def _by_actual(plan: Plan, values: Array, mask: BoolArray | None) -> Array:
    out = np.empty(values.shape, plan.output_dtype)
    for band, scale in enumerate(plan.scales or ()):
        hidden = None if mask is None else mask[band]
        bounds = actual_scale(values[band], hidden) if scale == () else scale
        out[band] = scaled(values[band], bounds, out.dtype, halves_up=plan.blends)
        if hidden is not None:
            out[band][hidden] = 0
    return out
