"""Stacks as dask arrays, whose blocks are read when they are computed, each by one task."""

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.array_types import Array
from landbridge.raster.dtypes import data_type_of, representable_nodata
from landbridge.raster.errors import RasterError, WiderTypeError
from landbridge.raster.grids.windows import shape_of
from landbridge.raster.io.gdal_threads import run_jobs
from landbridge.raster.io.headers import read_header
from landbridge.raster.io.open_files import signed_url
from landbridge.raster.io.redact import redact_url
from landbridge.raster.model import Request, Source
from landbridge.raster.output.chunks import Chunk, chunk_windows, render_chunk, split_plan
from landbridge.raster.output.in_memory import check_pixels, render_whole, stack_layers, stack_plans
from landbridge.raster.plan.plan import Plan
from landbridge.raster.plan.reads import FileRead, SourceRead

if TYPE_CHECKING:
    import dask.array

Fill = float | int | None


def lazy_stack(
    groups: Sequence[Sequence[Source]], request: Request, chunks: Any, nodata: float | None = None
) -> "tuple[dask.array.Array, GeoBox, Fill]":
    """Return the mosaics of groups of images as one dask array.

    A chunk of the array is a block of one group with all its bands, and one task. The data type is the one
    that the bands declare: a file of a wider type raises an error.

    Parameters
    ----------
    groups : sequence of sequence of Source
        Images of each layer, bottom to top.
    request : Request
        Bands, grid, masks, values and types.
    chunks : int, tuple, mapping or "auto"
        Size of the blocks in pixels: one edge, (y, x), or {"y": …, "x": …}; -1 is a whole edge.
    nodata : float, optional
        Value of masked pixels; by default NaN for floating types, otherwise the nodata that all bands
        declare if the values are unscaled and the type holds it, otherwise 0.

    Returns
    -------
    array : dask.array.Array
        Pixels (group, band, y, x).
    geobox : odc.geo.geobox.GeoBox
        Grid of the pixels.
    fill : float, int or None
        Value of masked pixels; None if nothing is masked and the bands declare no nodata.

    Raises
    ------
    ImportError
        If dask is not installed.
    ValueError
        If there are no groups, or an argument is not valid for the images.

    See Also
    --------
    filled_stack : the same as an array in memory.
    """
    try:
        import dask.array as da
        from dask.highlevelgraph import HighLevelGraph
        from dask.task_spec import Task
    except ImportError as error:
        raise ImportError("chunks need dask: install landbridge[dask]") from error

    plans = stack_plans(groups, request)
    first = plans[0]
    if first.scales is not None and () in first.scales:
        raise ValueError(
            'the scaling "auto" takes the range of all pixels, which a lazy array does not know: give the '
            "range as (low, high), or leave out chunks"
        )
    windows = chunk_windows(first.geobox, chunks, 1)
    check_pixels(1, len(first.bands), *shape_of(windows[0]))
    heights = tuple(y.stop - y.start for y, x in windows if x.start == 0)
    widths = tuple(x.stop - x.start for y, x in windows if y.start == 0)
    call = uuid4().hex
    name = f"landbridge-{call}"
    fill = fill_value_for(plans, nodata)
    tasks: dict[Any, Any] = {}
    for layer, plan in enumerate(plans):
        for number, chunk in enumerate(split_plan(plan, windows, layer, call)):
            y, x = divmod(number, len(widths))
            key = (name, layer, 0, y, x)
            tasks[key] = Task(key, render_filled, chunk, fill)
    graph = HighLevelGraph.from_collections(name, tasks, dependencies=[])
    sizes = ((1,) * len(plans), (len(first.bands),), heights, widths)
    array = da.Array(graph, name, sizes, dtype=first.output_dtype)  # type: ignore[no-untyped-call]
    return array, first.geobox, fill


def filled_stack(
    groups: Sequence[Sequence[Source]],
    request: Request,
    nodata: float | None = None,
    *,
    max_workers: int | None = None,
    progress: bool | None = None,
    chunks: Any = None,
) -> tuple[Array, GeoBox, Fill]:
    """Read the mosaics of groups of images into one array without a mask.

    Parameters
    ----------
    groups : sequence of sequence of Source
        Images of each layer, bottom to top.
    request : Request
        Bands, grid, masks, values and types.
    nodata : float, optional
        Value of masked pixels, as in `lazy_stack`.
    max_workers : int, optional
        Number of threads; by default one per core, or more for remote files.
    progress : bool, optional
        Show a progress bar: True always, False never, None on a terminal.
    chunks : int, tuple, mapping, "auto", False or None
        Size of the blocks in pixels, as in `mosaic`.

    Returns
    -------
    array : numpy.ndarray
        Pixels (group, band, y, x).
    geobox : odc.geo.geobox.GeoBox
        Grid of the pixels.
    fill : float, int or None
        Value of masked pixels.

    Raises
    ------
    ValueError
        If there are no groups, or an argument is not valid for the images.
    RasterError
        If a file is missing, broken or truncated.
    """
    plans = stack_plans(groups, request)
    fill_value_for(plans, nodata)
    rasters = render_whole(plans, progress, f"stack of {len(plans)}", max_workers, chunks)
    # A file of a wider type widens the type of the whole stack.
    fill = fill_value_for(plans, nodata, rasters[0].data.dtype)
    for raster in rasters:
        if raster.mask is not None:
            raster.data[raster.mask] = fill
    return stack_layers([raster.data for raster in rasters]), plans[0].geobox, fill


def fill_value_for(plans: Sequence[Plan], nodata: float | None, dtype: np.dtype[Any] | None = None) -> Fill:
    """Return the value of masked pixels in an array without a mask; None if there is no such value.

    The value is `nodata`, otherwise NaN for floating types. For integer types it is the nodata that all bands
    declare if the values are unscaled and the type holds it, otherwise 0. If nothing is masked, it is the
    nodata that the bands declare.

    Raises:
        ValueError: if the type cannot hold `nodata`.
    """
    first = plans[0]
    dtype = dtype or first.output_dtype
    if nodata is not None:
        held = representable_nodata(dtype, nodata)
        if held is None:
            raise ValueError(f"the data type {data_type_of(dtype)} cannot hold nodata {nodata}")
        return held
    masked = any(plan.masked for plan in plans)
    if masked and dtype.kind == "f":
        return math.nan
    declared = {band.nodata for band in first.bands}
    if first.scales is None and first.method != "count" and len(declared) == 1:
        held = representable_nodata(dtype, declared.pop())
        if held is not None:
            return held
    return 0 if masked else None


def render_filled(chunk: Chunk, fill: Fill) -> Array:
    """Render a chunk (1, band, y, x) of a lazy array.

    Raises:
        RasterError: if a file is missing, broken or truncated, or its type is wider than its band's.
    """
    try:
        values, mask = render_chunk(chunk)
    except WiderTypeError as wider:
        raise _wider_type_error(chunk, wider) from None
    if mask is not None:
        values[mask] = fill
    return values[None]


def _wider_type_error(chunk: Chunk, wider: WiderTypeError) -> RasterError:
    """Return the error that names the file whose data type is wider than its bands declare."""
    plan = chunk.plan
    declared = plan.output_type if plan.passes_float16 else plan.data_type
    message = (
        f"{wider.dtype} values, which the declared data type {declared} does not hold: correct the "
        "band's data_type, or read without chunks"
    )
    (found,) = run_jobs([partial(_file_of_type, plan, wider.dtype)], 1)
    if found is None:
        return RasterError(f"a file has {message}")
    source, file = found
    return RasterError(
        f"image {source.source.id!r}: bands {', '.join(map(repr, file.names))} in {redact_url(file.href)!r} "
        f"have {message}",
        source.source.id,
        file.names,
        redact_url(file.href),
    )


def _file_of_type(plan: Plan, dtype: np.dtype[Any]) -> tuple[SourceRead, FileRead] | None:
    """Return the first file with a band of a data type."""
    for source in plan.sources:
        for file in source.files:
            dtypes = read_header(signed_url(source, file)).dtypes
            if any(
                data_type_of(np.dtype(dtypes[index - 1])) == data_type_of(dtype)
                and position < len(plan.bands)
                for index, position in zip(file.indexes, file.positions, strict=True)
            ):
                return source, file
    return None
