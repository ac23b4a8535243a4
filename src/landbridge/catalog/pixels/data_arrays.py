"""Rasters of images as xarray.DataArrays, in memory or lazy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from landbridge.catalog.pixels import array_attributes, rasters

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from xarray import DataArray

    from landbridge.catalog.image_metadata import ImageMetadata
    from landbridge.catalog.model.collection import Collection, Predicate
    from landbridge.geo import GeoContext
    from landbridge.raster import Request, Source

__all__ = ["Layers", "check_loader", "data_array", "group_layers", "single_layer"]

_LOADERS = ("landbridge", "odc-stac")

_DEGREES_PER_HOUR = 15

T = TypeVar("T", bound="ImageMetadata")


@dataclass(frozen=True, slots=True)
class Layers:
    """The images of each layer of an array; `keys` are the coordinates of the dimension "group"."""

    groups: Sequence[Sequence[ImageMetadata]]
    keys: Sequence[Any] | None = None


def check_loader(loader: str) -> str:
    """Return the name of a loader; ValueError if there is none of that name."""
    if loader not in _LOADERS:
        raise ValueError(f"loader must be one of {', '.join(map(repr, _LOADERS))}, got {loader!r}")
    return loader


def single_layer(image: ImageMetadata) -> Layers:
    """Return one image as the only layer."""
    return Layers([[image]])


def group_layers(
    images: Collection[T], groupby: Predicate | Sequence[Predicate] | None, context: GeoContext
) -> Layers:
    """Return the layers for an argument `groupby`; see `ImageCollection.to_xarray`.

    ValueError for a grouping by time if an image has no acquired time.
    """
    if groupby is None:
        return Layers([[image] for image in images])
    if groupby in ("time", "solar_day"):
        undated = [image.id for image in images if image.acquired is None]
        if undated:
            raise ValueError(f"Image {undated[0]} has no acquired time, which groupby={groupby!r} needs.")
        offset = timedelta(hours=0 if groupby == "time" else solar_offset(context))

        def moment(image: ImageMetadata) -> Any:
            return image.acquired if groupby == "time" else (image.acquired + offset).date()

        return Layers([list(group) for _, group in images.groupby(moment)])
    predicates = groupby if isinstance(groupby, (list, tuple)) else (groupby,)
    pairs = [(key, list(group)) for key, group in images.groupby(*predicates)]
    return Layers([group for _, group in pairs], [key for key, _ in pairs])


def solar_offset(context: GeoContext) -> int:
    """Return the solar time at the middle of an area minus UTC, in whole hours, as odc-stac computes it."""
    from landbridge.geo.grids.crs import grid_crs, parse_crs, transformer
    from landbridge.geo.grids.geobox import output_grid

    grid = output_grid(context)
    x, y = grid.extent.centroid.coords[0]
    longitude, _ = transformer(grid_crs(grid), parse_crs("EPSG:4326")).transform(x, y)
    return int(((longitude + 180) % 360 - 180) / _DEGREES_PER_HOUR)


def data_array(
    layers: Layers,
    request: Request,
    chunks: Any,
    nodata: float | None,
    max_workers: int | None,
    progress: bool | None,
) -> DataArray:
    """Return the layers as an array (time or group, band, y, x); see `ImageCollection.to_xarray`."""
    try:
        import xarray
        from odc.geo.xr import xr_coords
    except ImportError as error:
        raise ImportError("to_xarray needs xarray: install landbridge[dask].") from error
    from landbridge import raster

    def read(groups: list[list[Source]]) -> Any:
        if chunks is None or chunks is False:
            return raster.filled_stack(
                groups, request, nodata, max_workers=max_workers, progress=progress, chunks=chunks
            )
        return raster.lazy_stack(groups, request, chunks, nodata)

    values, geobox, fill = rasters.with_current_files(layers.groups, request, read)
    dimension = "time" if layers.keys is None else "group"
    coordinates: dict[Any, Any] = {
        "time": (dimension, _times([_earliest(group) for group in layers.groups])),
        "id": (dimension, [" ".join(image.id for image in group) for group in layers.groups]),
        "product_id": (
            dimension,
            [" ".join(dict.fromkeys(image.product_id for image in group)) for group in layers.groups],
        ),
        "band": list(request.bands),
        **xr_coords(geobox, always_yx=True),
    }
    if layers.keys is not None:
        coordinates["group"] = (dimension, _labels(layers.keys))
    attributes = {} if fill is None else {"nodata": fill}
    array = xarray.DataArray(values, coordinates, (dimension, "band", "y", "x"), attrs=attributes)
    array.encoding["grid_mapping"] = "spatial_ref"
    images = [image for group in layers.groups for image in group]
    return array_attributes.describe_array(array, images, request.scaling)


def _earliest(group: Sequence[ImageMetadata]) -> datetime | None:
    return min((image.acquired for image in group if image.acquired is not None), default=None)


def _times(moments: Sequence[datetime | None]) -> np.ndarray[Any, Any]:
    """Return moments as UTC in nanoseconds, xarray's type of time coordinates."""
    import numpy as np

    naive = [None if moment is None else moment.astimezone(UTC).replace(tzinfo=None) for moment in moments]
    return np.array(naive, "datetime64[ns]")


def _labels(keys: Sequence[Any]) -> np.ndarray[Any, Any]:
    """Return group keys as a coordinate: times and scalars by their type, other keys as objects."""
    import numpy as np

    if all(isinstance(key, datetime) for key in keys):
        return _times(keys)
    if all(isinstance(key, date) for key in keys):
        return np.array(keys, "datetime64[ns]")
    if len({type(key) for key in keys}) == 1 and isinstance(keys[0], (str, bool, int, float)):
        return np.array(keys)
    labels = np.empty(len(keys), object)
    labels[:] = keys
    return labels
