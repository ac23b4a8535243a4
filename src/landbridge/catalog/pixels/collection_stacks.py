"""Reading the pixels of several images as one NumPy array with a layer for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from landbridge.catalog.enums import ResampleAlgorithm
from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.pixels.short_traceback import short_traceback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.catalog.model.collection import Predicate
    from landbridge.catalog.pixels.default_geocontext import DefaultGeoContext
    from landbridge.geo import GeoContext
    from landbridge.raster.array_types import MaskedArray

__all__ = ["CollectionStacks"]

T = TypeVar("T", bound=ImageMetadata)


class CollectionStacks(Collection[T]):
    """Method of `ImageCollection` that reads pixels as a NumPy array with a layer for each image."""

    _context: DefaultGeoContext

    @overload
    def stack(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        flatten: Predicate | Sequence[Predicate] | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 1,
        raster_info: Literal[False] = False,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        max_workers: int | None = None,
        *,
        method: str = "last",
        chunks: Any = None,
    ) -> MaskedArray: ...
    @overload
    def stack(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        flatten: Predicate | Sequence[Predicate] | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 1,
        *,
        raster_info: Literal[True],
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        max_workers: int | None = None,
        method: str = "last",
        chunks: Any = None,
    ) -> tuple[MaskedArray, list[dict[str, Any]]]: ...
    @overload
    def stack(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        flatten: Predicate | Sequence[Predicate] | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 1,
        *,
        raster_info: bool,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        max_workers: int | None = None,
        method: str = "last",
        chunks: Any = None,
    ) -> MaskedArray | tuple[MaskedArray, list[dict[str, Any]]]: ...
    @short_traceback
    def stack(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        flatten: Predicate | Sequence[Predicate] | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 1,
        raster_info: bool = False,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        max_workers: int | None = None,
        *,
        method: str = "last",
        chunks: Any = None,
    ) -> Any:
        """Read the pixels of every image as one NumPy array.

        All images are put on the same grid. With `flatten`, images with the same key make one layer.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands, in the order of the result. In a string, single spaces separate them.
        geocontext : GeoContext, optional
            Area and grid of the result. Pixels outside its geometry are masked. By default
            `ImageCollection.geocontext`, the area that the images were searched in; else the area of all
            images at the finest resolution, which a warning states.
        crs : str, optional
            Coordinate reference system of the result, in place of the geocontext's: an EPSG code such as
            "EPSG:32612", a PROJ string or WKT.
        resolution : float, optional
            Side of a pixel in units of the crs (meters or degrees), in place of the geocontext's.
        all_touched : bool, optional
            True keeps each pixel that the geometry touches, False each pixel whose center it contains. By
            default as the geocontext says.
        flatten : str, callable, or sequence of these, optional
            Attribute name such as "acquired.month", or function of an image. Images with the same key make
            one mosaic by `method`, and the layers are in the order of their keys. By default each image is a
            layer, in the order of the collection.
        mask_nodata : bool, default True
            Mask the pixels that equal their band's nodata value, in that band only.
        mask_alpha : bool or str, optional
            Mask the pixels at which the alpha band is 0, in all bands. A string names that band. By default
            True for each layer whose products have an alpha band.
        bands_axis : int, default 1
            Axis of the bands in the result: 1 to 3, -1 or -2.
        raster_info : bool, default False
            Return a list with a description of each layer too: dicts with the georeferencing, size and bands.
        resampler : ResampleAlgorithm or str, default "near"
            Resampling algorithm for pixels that do not lie on the grid of the result: "near", "bilinear",
            "cubic", "cubicspline", "lanczos", "average", "mode", "max", "min", "med", "q1" or "q3".
        processing_level : str, optional
            Processing level of the pixels, a key of `Band.processing_levels`. By default "default" if the
            bands have that level, else the pixels as they are stored.
        scaling : str, list, tuple or dict, optional
            Conversion of the pixel values. By default they stay as they are. A mode for all bands, or a list
            with one entry for each band, or a dict from band names to entries, in which "default_" is the
            entry for all other bands except mask and class bands. An entry is one of

            - None or "raw": no conversion.
            - "display": `Band.display_range` becomes 0 to 255.
            - "auto" or (): the smallest to the greatest pixel of the band becomes 0 to 255.
            - "physical": `Band.data_range` becomes `Band.physical_range`.
            - (in0, in1): this range becomes 0 to 255, or the physical range if the mode of other bands is
              "physical".
            - (in0, in1, out0, out1): the first range becomes the second one.

            A bound may be a string such as "25%", a part of the range that the mode uses. Explicit modes of
            several bands must agree, except that "auto" and "display" can be mixed. Results are clipped to
            `data_type`.
        data_type : DataType or str, optional
            Type of the result, such as "UInt16". By default "Byte" for "display" and "auto", "Float64" for
            "physical", else the smallest type that holds the values of all bands.
        progress : bool, optional
            Show a progress bar. By default only on a terminal.
        max_workers : int, optional
            Number of threads of this process that read at the same time. By default as many as the processor
            and the files allow.
        method : str, default "last"
            Rule that makes one pixel out of those of several images, band by band. Masked pixels do not
            count; a pixel that is masked in all images is masked in the result.

            - "last", "first": the last or first valid pixel, in the order of the collection.
            - "min", "max": the smallest or greatest value.
            - "mean", "median": computed in 64-bit floating point, then scaled, and rounded half to even if
              the result's type is an integer type. `data_type="Float64"` keeps the fractions.
            - "count": the number of images that are valid there, as 16-bit integer, at most 65535. It takes
              no `scaling`.

            All but "last" and "first" read every image; memory stays bounded.
        chunks : int, tuple, dict, str or False, optional
            Size of the blocks that are rendered at once: an edge in pixels, (y, x), {"y": …, "x": …} or
            "auto". The pixels do not depend on it. If this process has a `dask.distributed.Client`, its
            cluster renders the blocks and must be able to read the images' files; False renders in this
            process.

        Returns
        -------
        numpy.ma.MaskedArray, numpy.ndarray, or a pair of the array and a list of dict
            Pixels of shape (layer, band, row, column). The array is masked if nodata, alpha or a geometry can
            mask pixels; masked pixels are 0 underneath.

        Raises
        ------
        ValueError
            If the collection is empty, or too large for a raster without a geocontext, if a band is missing
            in one of the products, or if an argument is invalid.
        NotFoundError
            If an image does not exist.
        RasterError
            If a file is missing or broken, or if an image lacks coefficients that the processing level needs.
        NotImplementedError
            If `bands_axis` is the axis of the layers.

        Examples
        --------
        >>> images.stack("red green blue").shape
        (3, 3, 20, 30)
        >>> images.stack("red", resolution=60, flatten="acquired.year", method="mean").shape
        (1, 1, 11, 15)
        >>> images.stack("red nir", scaling="display", bands_axis=-1).dtype
        dtype('uint8')

        See Also
        --------
        ImageCollection.mosaic : One layer for all images.
        ImageCollection.to_xarray : The same with coordinates, also as a lazy dask array.
        """
        from landbridge import raster
        from landbridge.catalog.pixels import raster_requests, rasters

        self._check_not_empty()
        raster_requests.check_stack_axis(bands_axis)
        request = raster_requests.collection_request(
            self._context,
            self._list,
            bands,
            raster_requests.Area(geocontext, crs, resolution, all_touched),
            raster_requests.Masks(mask_nodata, mask_alpha),
            raster_requests.Values(resampler, processing_level, scaling, data_type),
            method,
        )
        groups = [[image] for image in self._list]
        if flatten is not None:
            keys = flatten if isinstance(flatten, (list, tuple)) else (flatten,)
            groups = [list(group) for _, group in self.groupby(*keys)]
        layers = rasters.stack(groups, request, max_workers, progress, chunks)
        array = raster.stacked(layers, bands_axis)
        return (array, [layer.info() for layer in layers]) if raster_info else array

    def _check_not_empty(self) -> None:
        if not self._list:
            raise ValueError("The collection has no images.")
