"""The way from images to the raster engine: their bands, files and areas as the engine takes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from landbridge.catalog.enums import DocumentState
from landbridge.catalog.errors import RasterArgumentError
from landbridge.catalog.pixels.engine_inputs import bands_of, sources
from landbridge.exceptions import ClientError, NotFoundError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.geo import GeoContext
    from landbridge.raster import Raster, RasterError, Request, Source

__all__ = [
    "collection_context",
    "download",
    "download_mosaic",
    "grouped_sources",
    "image_context",
    "mosaic",
    "read",
    "reading",
    "request",
    "scaling_parameters",
    "stack",
    "stacked",
]


Result = TypeVar("Result")


# Arguments
def parse_bands(bands: Any) -> tuple[str, ...]:
    """Names of bands from a text, list or tuple; ValueError or TypeError where it holds none."""
    from landbridge.raster.plan import arguments

    return arguments.parse_bands(bands)


def default_name(stem: str, names: Sequence[str], format: str) -> str:
    """The name of a download that was given none."""
    from landbridge.raster.plan import arguments

    return arguments.default_name(stem, names, str(format))


def format_of(path: Any) -> str:
    """The format that a path's extension says."""
    from landbridge.raster.plan import arguments

    return arguments.format_of(path)


def check_stack_axis(bands_axis: int) -> None:
    """Refuse an axis that the bands of a stack cannot have, before anything is read."""
    import numpy as np

    from landbridge.raster.plan import arguments

    arguments.move_stack_bands_axis(np.empty((1, 1, 1, 1)), bands_axis)


def request(
    names: tuple[str, ...],
    context: GeoContext,
    mask_nodata: bool,
    mask_alpha: bool | str | None,
    resampler: str,
    processing_level: str | None,
    scaling: Any,
    data_type: str | None,
    method: str = "last",
) -> Request:
    """What is wanted, checked as far as the arguments alone allow."""
    from landbridge.raster import Request
    from landbridge.raster.plan import arguments

    return Request(
        bands=names,
        geocontext=context,
        mask_nodata=mask_nodata,
        mask_alpha=mask_alpha,
        resampler=arguments.check_resampler(resampler),
        processing_level=processing_level,
        scaling=scaling,
        data_type=None if data_type is None else str(data_type),
        method=arguments.check_method(method),
    )


# Areas
def image_context(
    image: ImageMetadata,
    geocontext: GeoContext | None,
    crs: str | None,
    resolution: float | None,
    all_touched: bool | None,
) -> GeoContext:
    """The area for a raster of one image: the given one, else the image's own without a cutline."""
    if geocontext is None:
        own = image.geocontext.assign(geometry=None)
        return _complete(own, crs, resolution, all_touched, whole=resolution is not None)
    return _complete(geocontext, crs, resolution, all_touched)


def collection_context(
    default: GeoContext | None,
    geocontext: GeoContext | None,
    crs: str | None,
    resolution: float | None,
    all_touched: bool | None,
) -> GeoContext:
    """The area for a raster of a collection: the given one, else the collection's."""
    chosen = default if geocontext is None else geocontext
    if chosen is None:
        raise ValueError("the collection has no geocontext of its own (no intersects was searched): give one")
    return _complete(chosen, crs, resolution, all_touched)


def _complete(
    context: GeoContext,
    crs: str | None,
    resolution: float | None,
    all_touched: bool | None,
    *,
    whole: bool = False,
) -> GeoContext:
    from landbridge.geo import GeoContext
    from landbridge.raster.plan import arguments

    if not isinstance(context, GeoContext):
        raise TypeError(f"geocontext must be a GeoContext such as AOI(...); got {context!r}")
    complete = arguments.override(context, crs=crs, resolution=resolution, all_touched=all_touched)
    _ = complete.raster_params  # raises ValueError, naming the field, where one is missing
    arguments.check_resolution(complete, whole=whole)
    return complete


# Rasters
def scaling_parameters(
    images: Sequence[ImageMetadata],
    bands: Any,
    processing_level: str | None,
    scaling: Any,
    data_type: str | None,
    *,
    several: bool = False,
) -> tuple[list[Any] | None, str]:
    """The scales and the data type that a raster of these images would have."""
    from landbridge import raster
    from landbridge.raster.plan import arguments

    names = parse_bands(bands)
    products = {(id(image._client), image.product_id): image for image in images}
    chosen = []
    for (_, product_id), image in products.items():
        available, _ = bands_of(image._client, product_id).engine
        arguments.check_available(names, available, product_id)
        chosen.append([available[name] for name in names])
    if several:
        return raster.collection_scaling_parameters(chosen, processing_level, scaling, data_type)
    return raster.scaling_parameters(chosen[0], processing_level, scaling, data_type)


def reading(
    groups: Sequence[Sequence[ImageMetadata]], wanted: Request, work: Callable[[list[list[Source]]], Result]
) -> Result:
    """Return what `work` makes of images in the engine's form.

    If pixels of an image can't be read, the service is asked for it once more: if it has other files by now,
    for it was overwritten, all work is done again with these. So no result mixes old pixels and new ones.

    Raises:
        RasterArgumentError: the engine refused the arguments.
        NotFoundError: pixels could not be read, for there is no such image.
        RasterError: pixels could not be read.
    """
    from landbridge.raster import RasterError

    try:
        try:
            return work(grouped_sources(groups))
        except RasterError as error:
            if not (current := _current(groups, error)):
                raise
        return work(grouped_sources(current))
    except ValueError as error:
        raise RasterArgumentError(f"{error}; the arguments are {_arguments(wanted)}") from error


def _current(
    groups: Sequence[Sequence[ImageMetadata]], error: RasterError
) -> list[list[ImageMetadata]] | None:
    """Return the images as they are now if the one that could not be read was overwritten, else None.

    Raises:
        NotFoundError: it does not exist any more.
    """
    images = [image for group in groups for image in group]
    failed = next((image for image in images if image.id == error.image_id), None)
    if failed is None:
        return None
    try:
        now = failed.get(failed.id, client=failed._client)
        if now is None:
            raise NotFoundError(f"Image {failed.id} does not exist.") from error
        if not _is_overwritten(failed, now):
            return None
        found: dict[tuple[int, str | None], ImageMetadata] = {}
        for client in {id(image._client): image._client for image in images}.values():
            names = list(dict.fromkeys(image.id for image in images if image._client is client))
            for each in failed.get_many(names, ignore_missing=True, client=client):
                found[id(client), each.id] = each
    except (ClientError, ServerError) as answer:
        if isinstance(answer, NotFoundError):
            raise
        # Why the pixels could not be read says more.
        return None

    def current(image: ImageMetadata) -> ImageMetadata:
        now = found.get((id(image._client), image.id))
        return now if now is not None and _is_overwritten(image, now) else image

    return [[current(image) for image in group] for group in groups]


def _is_overwritten(image: ImageMetadata, now: ImageMetadata) -> bool:
    """Return whether an image as it was read from the service has other files there by now."""
    if image.state != DocumentState.SAVED:
        return False  # what its user has changed stays as it is
    return [file.href for file in image.files or ()] != [file.href for file in now.files or ()]


def _arguments(wanted: Request) -> str:
    place = {name: value for name, value in wanted.geocontext.raster_params.items() if name != "cutline"}
    others = ("resampler", "processing_level", "scaling", "data_type", "mask_nodata", "mask_alpha")
    arguments = {"bands": " ".join(wanted.bands), **place, **{name: getattr(wanted, name) for name in others}}
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def read(image: ImageMetadata, wanted: Request, bands_axis: int, progress: bool | None) -> Raster:
    """The raster of one image."""
    from landbridge import raster

    _check_axis(bands_axis)
    return reading(
        [[image]], wanted, lambda groups: raster.read_image(groups[0][0], wanted, progress=progress)
    )


def mosaic(
    images: Sequence[ImageMetadata],
    wanted: Request,
    bands_axis: int,
    progress: bool | None,
    chunks: Any = None,
) -> Raster:
    """The raster that images make together."""
    from landbridge import raster

    _check_axis(bands_axis)
    return reading(
        [images], wanted, lambda groups: raster.mosaic(groups[0], wanted, progress=progress, chunks=chunks)
    )


def _check_axis(bands_axis: int) -> None:
    """Refuse an axis that does not exist before anything is read."""
    import numpy as np

    from landbridge.raster.plan import arguments

    arguments.move_bands_axis(np.empty((1, 1, 1)), bands_axis)


def stack(
    groups: Sequence[Sequence[ImageMetadata]],
    wanted: Request,
    max_workers: int | None,
    progress: bool | None,
    chunks: Any = None,
) -> list[Raster]:
    """The mosaic of each group."""
    from landbridge import raster

    return reading(
        groups,
        wanted,
        lambda found: raster.stack(found, wanted, max_workers=max_workers, progress=progress, chunks=chunks),
    )


def grouped_sources(groups: Sequence[Sequence[ImageMetadata]]) -> list[list[Source]]:
    """The engine's form of groups of images."""
    flat = iter(sources([image for group in groups for image in group]))
    return [[next(flat) for _ in group] for group in groups]


def stacked(layers: Sequence[Raster], bands_axis: int) -> Any:
    """The layers as one array (layer, band, y, x), masked where any of them can be."""
    from landbridge import raster

    return raster.stacked(layers, bands_axis)


def download(
    image: ImageMetadata, wanted: Request, path: str | Path, nodata: float | None, progress: bool
) -> None:
    """Write the raster of one image, block by block."""
    from landbridge import raster

    reading(
        [[image]],
        wanted,
        lambda groups: raster.download(groups[0][0], wanted, path, nodata=nodata, progress=progress),
    )


def download_mosaic(
    images: Sequence[ImageMetadata],
    wanted: Request,
    path: str | Path,
    nodata: float | None,
    progress: bool,
    chunks: Any = None,
) -> None:
    """Write the mosaic of images, block by block."""
    from landbridge import raster

    reading(
        [images],
        wanted,
        lambda groups: raster.download_mosaic(
            groups[0], wanted, path, nodata=nodata, progress=progress, chunks=chunks
        ),
    )
