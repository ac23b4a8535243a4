"""Rasters as dask arrays: nothing is read before they are computed, and then each block by one task."""

import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
from odc.geo.geobox import GeoBox

from landbridge.raster.api import check_pixels, layers, render_whole, stack_plans
from landbridge.raster.composite.last_valid import WiderTypeError
from landbridge.raster.composite.render import run
from landbridge.raster.dtypes import data_type_of, held_nodata
from landbridge.raster.errors import RasterError
from landbridge.raster.grids.windows import shape_of
from landbridge.raster.io.gdal import public, read_header
from landbridge.raster.io.open_files import address_of
from landbridge.raster.model import Request, Source
from landbridge.raster.output.chunks import Piece, pieces, render_piece, windows
from landbridge.raster.plan.plan import FileRead, Plan, SourceRead

if TYPE_CHECKING:
    import dask.array

Array = np.ndarray[Any, Any]
Fill = float | int | None


def lazy_stack(
    groups: Sequence[Sequence[Source]], request: Request, chunks: Any, nodata: float | None = None
) -> "tuple[dask.array.Array, GeoBox, Fill]":
    """The mosaics of groups of images as one dask array (group, band, y, x), its grid, and the value of
    masked pixels (see `fill_of`).

    A block is one group with all its bands, and one task. Types are those that the bands declare.

    Raises:
        ImportError: dask is not installed.
        ValueError: there are no groups, or an argument is not valid for the images.
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
    places = windows(first.geobox, chunks, 1)
    check_pixels(1, len(first.bands), *shape_of(places[0]))
    heights = tuple(y.stop - y.start for y, x in places if x.start == 0)
    widths = tuple(x.stop - x.start for y, x in places if y.start == 0)
    call = uuid4().hex
    name = f"landbridge-{call}"
    fill = fill_of(plans, nodata)
    tasks: dict[Any, Any] = {}
    for layer, plan in enumerate(plans):
        for number, piece in enumerate(pieces(plan, places, layer, call)):
            y, x = divmod(number, len(widths))
            key = (name, layer, 0, y, x)
            tasks[key] = Task(key, render_filled, piece, fill)
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
    """The same as `lazy_stack`, but read at once: see `stack`."""
    plans = stack_plans(groups, request)
    fill_of(plans, nodata)
    rasters = render_whole(plans, progress, f"stack of {len(plans)}", max_workers, chunks)
    # A file of a wider type widens that of all.
    fill = fill_of(plans, nodata, rasters[0].data.dtype)
    for raster in rasters:
        if raster.mask is not None:
            raster.data[raster.mask] = fill
    return layers([raster.data for raster in rasters]), plans[0].geobox, fill


def fill_of(plans: Sequence[Plan], nodata: float | None, dtype: np.dtype[Any] | None = None) -> Fill:
    """What marks masked pixels of a stack's plans in an array without a mask; None where nothing does.

    `nodata`, or else NaN in floating types, and in integer types the nodata that all bands declare if their
    values are unscaled and the type holds it, else 0. Where nothing is masked it is what the bands say.

    Raises:
        ValueError: the type cannot hold `nodata`.
    """
    first = plans[0]
    dtype = dtype or first.output_dtype
    if nodata is not None:
        held = held_nodata(dtype, nodata)
        if held is None:
            raise ValueError(f"nodata {nodata} is no value of the data type {data_type_of(dtype)}")
        return held
    masked = any(plan.masked for plan in plans)
    if masked and dtype.kind == "f":
        return math.nan
    declared = {band.nodata for band in first.bands}
    if first.scales is None and first.method != "count" and len(declared) == 1:
        held = held_nodata(dtype, declared.pop())
        if held is not None:
            return held
    return 0 if masked else None


def render_filled(piece: Piece, fill: Fill) -> Array:
    """A piece as a block (1, band, y, x) of a lazy array.

    Raises:
        RasterError: a file is missing, broken or cut short, or its type is wider than its band's.
    """
    try:
        values, mask = render_piece(piece)
    except WiderTypeError as wider:
        raise _wider(piece, wider) from None
    if mask is not None:
        values[mask] = fill
    return values[None]


def _wider(piece: Piece, wider: WiderTypeError) -> RasterError:
    """The error that says which file is of a wider type than its bands declare."""
    plan = piece.plan
    declared = plan.output_type if plan.is_half else plan.data_type
    message = (
        f"{wider.dtype} values, which the declared data type {declared} does not hold: correct the "
        "band's data_type, or read without chunks"
    )
    (found,) = run([partial(_widest, plan, wider.dtype)], 1)
    if found is None:
        return RasterError(f"a file has {message}")
    source, file = found
    return RasterError(
        f"image {source.source.id!r}: bands {', '.join(map(repr, file.names))} in {public(file.href)!r} have "
        f"{message}",
        source.source.id,
        file.names,
        public(file.href),
    )


def _widest(plan: Plan, dtype: np.dtype[Any]) -> tuple[SourceRead, FileRead] | None:
    """The first file with a band of a type."""
    for source in plan.sources:
        for file in source.files:
            dtypes = read_header(address_of(source, file)).dtypes
            if any(
                data_type_of(np.dtype(dtypes[index - 1])) == data_type_of(dtype)
                and position < len(plan.bands)
                for index, position in zip(file.indexes, file.positions, strict=True)
            ):
                return source, file
    return None
