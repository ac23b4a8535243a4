"""Rasters of images: reading, mosaicking, stacking and writing by the raster engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from landbridge.catalog.enums import DocumentState
from landbridge.catalog.errors import RasterArgumentError
from landbridge.catalog.pixels.engine_inputs import bands_of, sources
from landbridge.catalog.pixels.raster_requests import parse_bands
from landbridge.catalog.stac.images import STORED_PIXELS
from landbridge.exceptions import ClientError, NotFoundError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.raster import Band, Raster, RasterError, Request, Source

__all__ = [
    "download",
    "download_mosaic",
    "mosaic",
    "read_image",
    "scaling_parameters",
    "source_groups",
    "stack",
    "with_current_files",
]

Result = TypeVar("Result")


def scaling_parameters(
    images: Sequence[ImageMetadata],
    bands: Any,
    processing_level: str | None,
    scaling: Any,
    data_type: str | None,
    *,
    several: bool = False,
) -> tuple[list[Any] | None, str]:
    """Return the scale of each band and the data type of a raster of these images.

    The scales of a single image are for its own stored values; those of several images are for values at the
    scale and offset of their product.
    """
    from landbridge import raster
    from landbridge.raster.plan import arguments

    names = parse_bands(bands)
    products = {(id(image._client), image.product_id): image for image in images}
    chosen = []
    for (_, product_id), image in products.items():
        available, _ = bands_of(image._client, product_id).engine
        arguments.check_available(names, available, product_id)
        chosen.append([available[name] for name in names])
    if any(band.data_type is None for product in chosen for band in product):
        chosen = _with_file_types(sources(images), names)
    if several:
        return raster.collection_scaling_parameters(chosen, processing_level, scaling, data_type)
    if images[0]._service_values().get(STORED_PIXELS):
        from landbridge.raster.plan.image_levels import own_ranges

        (source,) = sources(images[:1])
        chosen[0] = [own_ranges(band, source) for band in chosen[0]]
    return raster.scaling_parameters(chosen[0], processing_level, scaling, data_type)


def _with_file_types(found: Sequence[Source], names: Sequence[str]) -> list[list[Band]]:
    """Return the bands of each product with the types of their files, if no document states them."""
    from landbridge.raster.io.file_types import typed_bands
    from landbridge.raster.plan.image_levels import with_stored_types

    typed = typed_bands(found, names)
    products = {id(source.bands): source.bands for source in found}
    return [
        with_stored_types([typed.get(key, bands)[name] for name in names], found)
        for key, bands in products.items()
    ]


def with_current_files(
    groups: Sequence[Sequence[ImageMetadata]], request: Request, work: Callable[[list[list[Source]]], Result]
) -> Result:
    """Return the result of `work` for the images in the engine's form.

    If pixels cannot be read because an image was overwritten and has other files now, all work is done again
    with the current files, so that no result mixes old and new pixels.

    Raises:
        RasterArgumentError: the engine refused the arguments.
        NotFoundError: pixels could not be read, and their image does not exist.
        RasterError: pixels could not be read.
    """
    from landbridge.raster import RasterError

    try:
        try:
            return work(source_groups(groups))
        except RasterError as error:
            if not (current := _overwritten_images(groups, error)):
                raise
        return work(source_groups(current))
    except ValueError as error:
        # Without the engine's own error, whose traceback says nothing about the arguments.
        raise RasterArgumentError(f"{error}; the arguments are {_describe(request)}") from None


def _overwritten_images(
    groups: Sequence[Sequence[ImageMetadata]], error: RasterError
) -> list[list[ImageMetadata]] | None:
    """Return the images as they are now if the unreadable image was overwritten, else None.

    NotFoundError if that image does not exist any more.
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
        # The caller raises the reading error, which says more.
        return None

    def current(image: ImageMetadata) -> ImageMetadata:
        now = found.get((id(image._client), image.id))
        return now if now is not None and _is_overwritten(image, now) else image

    return [[current(image) for image in group] for group in groups]


def _is_overwritten(image: ImageMetadata, now: ImageMetadata) -> bool:
    """Return whether the files of an image have changed since it was read from the service."""
    if image.state != DocumentState.SAVED:
        return False  # the user's own changes are kept
    return [file.href for file in image.files or ()] != [file.href for file in now.files or ()]


def _describe(request: Request) -> str:
    """Return the arguments of a request as text, for an error."""
    area = {name: value for name, value in request.geocontext.raster_params.items() if name != "cutline"}
    others = ("resampler", "processing_level", "scaling", "data_type", "mask_nodata", "mask_alpha")
    arguments = {
        "bands": " ".join(request.bands),
        **area,
        **{name: getattr(request, name) for name in others},
    }
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())


def read_image(image: ImageMetadata, request: Request, bands_axis: int, progress: bool | None) -> Raster:
    """Return the raster of one image."""
    from landbridge import raster

    _check_axis(bands_axis)
    return with_current_files(
        [[image]], request, lambda groups: raster.read_image(groups[0][0], request, progress=progress)
    )


def mosaic(
    images: Sequence[ImageMetadata],
    request: Request,
    bands_axis: int,
    progress: bool | None,
    chunks: Any = None,
) -> Raster:
    """Return the mosaic of images."""
    from landbridge import raster

    _check_axis(bands_axis)
    return with_current_files(
        [images], request, lambda groups: raster.mosaic(groups[0], request, progress=progress, chunks=chunks)
    )


def _check_axis(bands_axis: int) -> None:
    """Raise ValueError if the axis does not exist, before anything is read."""
    import numpy as np

    from landbridge.raster.plan import arguments

    arguments.move_bands_axis(np.empty((1, 1, 1)), bands_axis)


def stack(
    groups: Sequence[Sequence[ImageMetadata]],
    request: Request,
    max_workers: int | None,
    progress: bool | None,
    chunks: Any = None,
) -> list[Raster]:
    """Return the mosaic of each group."""
    from landbridge import raster

    return with_current_files(
        groups,
        request,
        lambda found: raster.stack(found, request, max_workers=max_workers, progress=progress, chunks=chunks),
    )


def source_groups(groups: Sequence[Sequence[ImageMetadata]]) -> list[list[Source]]:
    """Return the engine's form of groups of images."""
    flat = iter(sources([image for group in groups for image in group]))
    return [[next(flat) for _ in group] for group in groups]


def download(
    image: ImageMetadata, request: Request, path: str | Path, nodata: float | None, progress: bool
) -> None:
    """Write the raster of one image, block by block."""
    from landbridge import raster

    with_current_files(
        [[image]],
        request,
        lambda groups: raster.download(groups[0][0], request, path, nodata=nodata, progress=progress),
    )


def download_mosaic(
    images: Sequence[ImageMetadata],
    request: Request,
    path: str | Path,
    nodata: float | None,
    progress: bool,
    chunks: Any = None,
) -> None:
    """Write the mosaic of images, block by block."""
    from landbridge import raster

    with_current_files(
        [images],
        request,
        lambda groups: raster.download_mosaic(
            groups[0], request, path, nodata=nodata, progress=progress, chunks=chunks
        ),
    )
