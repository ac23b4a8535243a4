"""Entry points of the raster engine: single images, mosaics and stacks in memory."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from landbridge.raster.array_types import Array
from landbridge.raster.model import Request, Source
from landbridge.raster.output.in_memory import mosaic_plan, render_whole, stack_layers, stack_plans
from landbridge.raster.output.paged import mosaic_of_pages
from landbridge.raster.output.raster import Raster
from landbridge.raster.pixel_cache import PixelCache
from landbridge.raster.plan.arguments import move_stack_bands_axis
from landbridge.raster.runtime.cancel_token import CancelToken


def read_image(
    source: Source,
    request: Request,
    *,
    progress: bool | None = None,
    cache: PixelCache | None = None,
    cancel: CancelToken | None = None,
) -> Raster:
    """Read the pixels of one image in this process.

    Parameters
    ----------
    source : Source
        Image to read.
    request : Request
        Bands, grid, masks, values and types.
    progress : bool, optional
        Show a progress bar: True always, False never, None on a terminal.
    cache : PixelCache, optional
        Decoded tiles that calls share; by default that of the process, if `LANDBRIDGE_PIXEL_CACHE` sets one.
    cancel : CancelToken, optional
        Token that ends the call early.

    Returns
    -------
    Raster
        Pixels (band, y, x) in the data type that `request` asks for, with a mask if anything can be masked.

    Raises
    ------
    ValueError
        If an argument is not valid for the image.
    RasterError
        If a file is missing, broken or truncated.
    RenderCancelledError
        If `cancel` ended the call.

    See Also
    --------
    mosaic : combine several images.
    """
    return render_whole(
        [mosaic_plan([source], request)], progress, source.id, chunks=False, cache=cache, cancel=cancel
    )[0]


def mosaic(
    sources: Sequence[Source],
    request: Request,
    *,
    progress: bool | None = None,
    chunks: Any = None,
    cache: PixelCache | None = None,
    cancel: CancelToken | None = None,
) -> Raster:
    """Combine images: each pixel is the last valid one, or the result of `request.method`.

    Parameters
    ----------
    sources : sequence of Source
        Images, bottom to top.
    request : Request
        Bands, grid, masks, values and types.
    progress : bool, optional
        Show a progress bar: True always, False never, None on a terminal.
    chunks : int, tuple, mapping, "auto", False or None
        Size of the blocks in pixels: one edge, (y, x), or {"y": …, "x": …}; -1 is a whole edge. If the
        process has a dask.distributed client, its cluster renders the blocks unless `chunks` is False.
    cache : PixelCache, optional
        Decoded tiles that calls share; by default that of the process, if `LANDBRIDGE_PIXEL_CACHE` sets one.
    cancel : CancelToken, optional
        Token that ends the call early.

    Returns
    -------
    Raster
        Pixels (band, y, x) in the data type that `request` asks for, with a mask if anything can be masked.

    Raises
    ------
    ValueError
        If there are no images, or an argument is not valid for them.
    RasterError
        If a file is missing, broken or truncated.
    RenderCancelledError
        If `cancel` ended the call.

    See Also
    --------
    stack : keep groups of images apart.
    download_mosaic : write a mosaic that does not fit into memory.
    """
    return render_whole(
        [mosaic_plan(sources, request)], progress, "mosaic", chunks=chunks, cache=cache, cancel=cancel
    )[0]


def mosaic_pages(
    pages: Iterable[Sequence[Source]],
    request: Request,
    *,
    limit: int | None = None,
    cache: PixelCache | None = None,
    cancel: CancelToken | None = None,
) -> Raster:
    """Combine images that come by pages, such as those of a search, the topmost image first.

    With the methods "last" and "first" no page is asked for after all pixels are valid; each pixel is that of
    the first image that is valid there. All other methods need every page. The pixels are those of `mosaic`
    with the images of the pages that were asked for, which takes them in reverse order unless the method is
    "first". Types and scales follow from these images, so that `data_type` and `scaling` should be given if
    images of several products are combined.

    Parameters
    ----------
    pages : iterable of sequence of Source
        Images by pages. Those that win come first: the newest for "last", the oldest for "first".
    request : Request
        Bands, grid, masks, values and types.
    limit : int, optional
        Largest number of images that are combined.
    cache : PixelCache, optional
        Decoded tiles that calls share; by default that of the process, if `LANDBRIDGE_PIXEL_CACHE` sets one.
    cancel : CancelToken, optional
        Token that ends the call early.

    Returns
    -------
    Raster
        Pixels (band, y, x) in the data type that `request` asks for, with a mask if anything can be masked.

    Raises
    ------
    ValueError
        If there are no images, or an argument is not valid for them.
    RasterError
        If a file is missing, broken or truncated.
    RenderCancelledError
        If `cancel` ended the call.
    TooManyImagesError
        If pixels are missing after `limit` images and there are more images.

    See Also
    --------
    mosaic : combine images that are all known.
    """
    return mosaic_of_pages(pages, request, limit, cache, cancel)


def stack(
    groups: Sequence[Sequence[Source]],
    request: Request,
    *,
    max_workers: int | None = None,
    progress: bool | None = None,
    chunks: Any = None,
    cache: PixelCache | None = None,
    cancel: CancelToken | None = None,
) -> list[Raster]:
    """Render one raster per group of images; a group of several images becomes their mosaic.

    All rasters have one grid and data type, and their arrays are layers of a single array, which `stacked`
    returns without a copy. Whether an alpha band masks pixels is decided for each group.

    Parameters
    ----------
    groups : sequence of sequence of Source
        Images of each layer, bottom to top.
    request : Request
        Bands, grid, masks, values and types.
    max_workers : int, optional
        Number of threads; by default one per core, or more for remote files.
    progress : bool, optional
        Show a progress bar: True always, False never, None on a terminal.
    chunks : int, tuple, mapping, "auto", False or None
        Size of the blocks in pixels, as in `mosaic`.
    cache : PixelCache, optional
        Decoded tiles that calls share; by default that of the process, if `LANDBRIDGE_PIXEL_CACHE` sets one.
    cancel : CancelToken, optional
        Token that ends the call early.

    Returns
    -------
    list of Raster
        One raster (band, y, x) per group, in order.

    Raises
    ------
    ValueError
        If there are no groups, or an argument is not valid for the images.
    RasterError
        If a file is missing, broken or truncated.
    RenderCancelledError
        If `cancel` ended the call.

    See Also
    --------
    stacked : join the rasters into one array.
    lazy_stack : the same as a dask array.
    """
    plans = stack_plans(groups, request)
    return render_whole(plans, progress, f"stack of {len(plans)}", max_workers, chunks, cache, cancel)


def stacked(rasters: Sequence[Raster], bands_axis: int = 1) -> Array:
    """Join the rasters of a stack into one array.

    Parameters
    ----------
    rasters : sequence of Raster
        Result of `stack`.
    bands_axis : int, default 1
        Axis of the bands in the result: 1, 2, 3, -1 or -2.

    Returns
    -------
    numpy.ndarray or numpy.ma.MaskedArray
        Pixels (image, band, y, x) with the bands moved to `bands_axis`; masked if any raster has a mask.

    Raises
    ------
    NotImplementedError
        If `bands_axis` is the axis of the images, 0 or -4.
    ValueError
        If `bands_axis` is out of range.
    """
    values = stack_layers([raster.data for raster in rasters])
    array: Array = values
    if any(raster.mask is not None for raster in rasters):
        masks = [np.zeros(r.data.shape, bool) if r.mask is None else r.mask for r in rasters]
        array = np.ma.MaskedArray(values, mask=stack_layers(masks))
    return move_stack_bands_axis(array, bands_axis)
