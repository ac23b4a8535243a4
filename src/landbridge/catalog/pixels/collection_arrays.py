"""Reading the pixels of several images as NumPy arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from landbridge.catalog.enums import ResampleAlgorithm
from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.pixels.collection_stacks import CollectionStacks
from landbridge.catalog.pixels.short_traceback import short_traceback

if TYPE_CHECKING:
    from landbridge.geo import GeoContext
    from landbridge.raster.array_types import MaskedArray

__all__ = ["CollectionArrays"]

T = TypeVar("T", bound=ImageMetadata)


class CollectionArrays(CollectionStacks[T]):
    """Methods of `ImageCollection` that read pixels as NumPy arrays."""

    @short_traceback
    def scaling_parameters(
        self,
        bands: str | list[str] | tuple[str, ...],
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
    ) -> tuple[list[Any] | None, str]:
        """Return the scaling of each band and the data type that a raster with these arguments has.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands, in the order of the result. In a string, single spaces separate them.
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

        Returns
        -------
        scales : list or None
            For each band None (no scaling), () (the band's smallest to greatest value becomes 0 to 255) or
            (in0, in1, out0, out1). None if no band is scaled.
        data_type : str
            Name of the result's type.

        Raises
        ------
        ValueError
            If the collection is empty, if a band is missing in one of the products or is scaled differently
            in two of them, or if the scaling or the data type is invalid.

        Examples
        --------
        >>> images.scaling_parameters("red nir", scaling="display")
        ([(0, 4000, 0, 255), (0, 4000, 0, 255)], 'Byte')
        >>> images.scaling_parameters("red", scaling=[(0, 5000)], data_type="Float32")
        ([(0, 5000, 0.0, 1.0)], 'Float32')
        """
        from landbridge.catalog.pixels.rasters import scaling_parameters

        self._check_not_empty()
        return scaling_parameters(self._list, bands, processing_level, scaling, data_type, several=True)

    @overload
    def mosaic(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        raster_info: Literal[False] = False,
        *,
        method: str = "last",
        chunks: Any = None,
    ) -> MaskedArray: ...
    @overload
    def mosaic(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        *,
        raster_info: Literal[True],
        method: str = "last",
        chunks: Any = None,
    ) -> tuple[MaskedArray, dict[str, Any]]: ...
    @overload
    def mosaic(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        *,
        raster_info: bool,
        method: str = "last",
        chunks: Any = None,
    ) -> MaskedArray | tuple[MaskedArray, dict[str, Any]]: ...
    @short_traceback
    def mosaic(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        raster_info: bool = False,
        *,
        method: str = "last",
        chunks: Any = None,
    ) -> Any:
        """Combine the images into one NumPy array.

        By default each pixel is that of the last image that is valid there.

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
        mask_nodata : bool, default True
            Mask the pixels that equal their band's nodata value, in that band only.
        mask_alpha : bool or str, optional
            Mask the pixels at which the alpha band is 0, in all bands. A string names that band. By default
            True if every product has an alpha band.
        bands_axis : int, default 0
            Axis of the bands in the result, -2 to 2.
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
        raster_info : bool, default False
            Return a description of the raster too: a dict with the georeferencing, size and bands.
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
        numpy.ma.MaskedArray, numpy.ndarray, or a pair of the array and a dict
            Pixels of shape (band, row, column). The array is masked if nodata, alpha or a geometry can mask
            pixels; masked pixels are 0 underneath.

        Raises
        ------
        ValueError
            If the collection is empty, or too large for a raster without a geocontext, if a band is missing
            in one of the products, or if an argument is invalid.
        NotFoundError
            If an image does not exist.
        RasterError
            If a file is missing or broken, or if an image lacks coefficients that the processing level needs.

        Examples
        --------
        >>> mosaic = images.mosaic("red green blue")
        >>> mosaic.shape, mosaic.dtype
        ((3, 20, 30), dtype('uint16'))
        >>> int(images.mosaic("red", method="count").max())
        3

        See Also
        --------
        ImageCollection.stack : One layer for each image.
        ImageCollection.download_mosaic : Mosaic in a file, which may be larger than memory.
        """
        from landbridge.catalog.pixels import raster_requests, rasters

        self._check_not_empty()
        request = raster_requests.collection_request(
            self._context,
            self._list,
            bands,
            raster_requests.Area(geocontext, crs, resolution, all_touched),
            raster_requests.Masks(mask_nodata, mask_alpha),
            raster_requests.Values(resampler, processing_level, scaling, data_type),
            method,
        )
        raster = rasters.mosaic(self._list, request, bands_axis, progress, chunks)
        array = raster.array(bands_axis)
        return (array, raster.info()) if raster_info else array
