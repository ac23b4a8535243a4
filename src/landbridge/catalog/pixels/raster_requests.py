"""Requests for pixels, made from the arguments of the pixel methods of images and collections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from landbridge.catalog.pixels.file_grids import own_grid
from landbridge.catalog.pixels.union_geocontext import union_geocontext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.catalog.pixels.default_geocontext import DefaultGeoContext
    from landbridge.geo import GeoContext
    from landbridge.raster import Request

__all__ = [
    "Area",
    "Masks",
    "Values",
    "check_format",
    "check_stack_axis",
    "collection_request",
    "default_name",
    "image_request",
    "parse_bands",
]


class Area(NamedTuple):
    """The arguments for the area and grid of a raster."""

    geocontext: GeoContext | None
    crs: str | None
    resolution: float | None
    all_touched: bool | None

    def of_image(self, image: ImageMetadata, names: Sequence[str]) -> GeoContext:
        """Return the area for bands of one image; its own grid without a cutline is the default.

        If the image's document states no grid, it is that of the bands' files.
        """
        if self.geocontext is None:
            grid = own_grid(image, names).assign(geometry=None)
            return self._with_overrides(grid, whole=self.resolution is not None)
        return self._with_overrides(self.geocontext)

    def of_collection(self, default: DefaultGeoContext, images: Sequence[ImageMetadata]) -> GeoContext:
        """Return the area for a collection: by default its own, else the union of its images."""
        chosen = default.get() if self.geocontext is None else self.geocontext
        if chosen is None:
            chosen = union_geocontext(images, self.crs, self.resolution)
        return self._with_overrides(chosen)

    def _with_overrides(self, context: GeoContext, *, whole: bool = False) -> GeoContext:
        """Return the geocontext with those of the other arguments that are set; ValueError if incomplete."""
        from landbridge.geo import GeoContext
        from landbridge.raster.plan import arguments

        if not isinstance(context, GeoContext):
            raise TypeError(f"`geocontext` must be a GeoContext such as AOI(...); got {context!r}.")
        complete = arguments.override(
            context, crs=self.crs, resolution=self.resolution, all_touched=self.all_touched
        )
        _ = complete.raster_params  # raises ValueError that names a missing field
        arguments.check_resolution(complete, whole=whole)
        return complete


class Masks(NamedTuple):
    """The arguments for masked pixels."""

    nodata: bool
    alpha: bool | str | None


class Values(NamedTuple):
    """The arguments for resampling and converting pixel values."""

    resampler: str
    processing_level: str | None
    scaling: Any
    data_type: str | None


def image_request(image: ImageMetadata, bands: Any, area: Area, masks: Masks, values: Values) -> Request:
    """Return the request for pixels of one image."""
    names = parse_bands(bands)
    return _request(names, area.of_image(image, names), masks, values, "last")


def collection_request(
    default: DefaultGeoContext,
    images: Sequence[ImageMetadata],
    bands: Any,
    area: Area,
    masks: Masks,
    values: Values,
    method: str = "last",
) -> Request:
    """Return the request for pixels of a collection."""
    names = parse_bands(bands)
    return _request(names, area.of_collection(default, images), masks, values, method)


def _request(
    names: tuple[str, ...], context: GeoContext, masks: Masks, values: Values, method: str
) -> Request:
    from landbridge.raster import Request
    from landbridge.raster.plan import arguments

    return Request(
        bands=names,
        geocontext=context,
        mask_nodata=masks.nodata,
        mask_alpha=masks.alpha,
        resampler=arguments.check_resampler(values.resampler),
        processing_level=values.processing_level,
        scaling=values.scaling,
        data_type=None if values.data_type is None else str(values.data_type),
        method=arguments.check_method(method),
    )


def parse_bands(bands: Any) -> tuple[str, ...]:
    """Return the names of bands from a text, list or tuple; ValueError or TypeError if there are none."""
    from landbridge.raster.plan import arguments

    return arguments.parse_bands(bands)


def default_name(stem: str, names: Sequence[str], format: str) -> str:
    """Return the default file name of a download."""
    from landbridge.raster.plan import arguments

    return arguments.default_name(stem, names, str(format))


def check_format(path: Any) -> None:
    """Raise ValueError if the path's extension is not that of a supported format."""
    from landbridge.raster.plan import arguments

    arguments.format_of(path)


def check_stack_axis(bands_axis: int) -> None:
    """Raise an error if a stack cannot have its bands on this axis, before anything is read."""
    from landbridge.raster.plan import arguments

    arguments.check_stack_bands_axis(bands_axis)
