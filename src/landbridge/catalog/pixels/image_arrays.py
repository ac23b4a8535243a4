"""Reading the pixels of one image as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from landbridge.catalog.enums import ResampleAlgorithm
from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.pixels.short_traceback import short_traceback

if TYPE_CHECKING:
    from xarray import DataArray

    from landbridge.geo import GeoContext
    from landbridge.raster.array_types import MaskedArray

__all__ = ["ImageArrays"]


class ImageArrays(ImageMetadata):
    """Methods of `Image` that read pixels as NumPy and xarray arrays."""

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
            If a band is not available, or if the scaling or the data type is invalid.
        DeletedObjectError
            If the image has been deleted.

        Examples
        --------
        >>> image.scaling_parameters("red nir", scaling="display")
        ([(0, 4000, 0, 255), (0, 4000, 0, 255)], 'Byte')
        >>> image.scaling_parameters("red nir", scaling={"nir": (0, 5000), "default_": "display"})
        ([(0, 4000, 0, 255), (0, 5000, 0, 255)], 'Byte')
        """
        from landbridge.catalog.pixels.rasters import scaling_parameters

        self._check_not_deleted()
        return scaling_parameters([self], bands, processing_level, scaling, data_type)

    @overload
    def ndarray(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        raster_info: Literal[False] = False,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
    ) -> MaskedArray: ...
    @overload
    def ndarray(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        *,
        raster_info: Literal[True],
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
    ) -> tuple[MaskedArray, dict[str, Any]]: ...
    @overload
    def ndarray(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        *,
        raster_info: bool,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
    ) -> MaskedArray | tuple[MaskedArray, dict[str, Any]]: ...
    @short_traceback
    def ndarray(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        raster_info: bool = False,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
    ) -> Any:
        """Read pixels as a NumPy array.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands, in the order of the result. In a string, single spaces separate them.
        geocontext : GeoContext, optional
            Area and grid of the result. Pixels outside its geometry are masked. By default the image's own
            grid, whole.
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
            True if the product has an alpha band.
        bands_axis : int, default 0
            Axis of the bands in the result, -2 to 2.
        raster_info : bool, default False
            Return a description of the raster too: a dict with the georeferencing, size and bands, in the
            form that `upload_ndarray` takes.
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

        Returns
        -------
        numpy.ma.MaskedArray, numpy.ndarray, or a pair of the array and a dict
            Pixels of shape (band, row, column), also for one band. The array is masked if nodata, alpha or a
            geometry can mask pixels; masked pixels are 0 underneath.

        Raises
        ------
        ValueError
            If a band is not available, the area is incomplete, or an argument is invalid.
        NotFoundError
            If the image does not exist.
        RasterError
            If a file is missing or broken, or if the image lacks coefficients that the processing level
            needs.
        DeletedObjectError
            If the image has been deleted.

        Examples
        --------
        >>> pixels = image.ndarray("red nir")
        >>> pixels.shape, pixels.dtype
        ((2, 40, 50), dtype('uint16'))
        >>> image.ndarray("red", resolution=60, scaling="display").shape
        (1, 20, 25)
        >>> pixels, info = image.ndarray("red", raster_info=True)
        >>> info["size"]
        [50, 40]

        See Also
        --------
        Image.to_xarray : Pixels with coordinates.
        Image.download : Pixels in a file.
        ImageCollection.stack : Pixels of several images.
        """
        from landbridge.catalog.pixels import raster_requests, rasters

        self._check_not_deleted()
        request = raster_requests.image_request(
            self,
            bands,
            raster_requests.Area(geocontext, crs, resolution, all_touched),
            raster_requests.Masks(mask_nodata, mask_alpha),
            raster_requests.Values(resampler, processing_level, scaling, data_type),
        )
        raster = rasters.read_image(self, request, bands_axis, progress)
        array = raster.array(bands_axis)
        return (array, raster.info()) if raster_info else array

    @short_traceback
    def to_xarray(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        *,
        chunks: Any = None,
        nodata: float | None = None,
        progress: bool | None = None,
        loader: str = "landbridge",
    ) -> DataArray:
        """Read pixels as an xarray.DataArray with coordinates.

        `y` and `x` are the centers of the pixels, `spatial_ref` holds the coordinate reference system as
        odc-geo (`.odc`) and rioxarray (`.rio`) read it, and `time` is the image's `acquired` in UTC.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands, in the order of the result. In a string, single spaces separate them.
        geocontext : GeoContext, optional
            Area and grid of the result. Pixels outside its geometry are masked. By default the image's own
            grid, whole.
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
            True if the product has an alpha band.
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
        chunks : int, tuple, dict or str, optional
            Make a lazy array on dask with blocks of this size: an edge in pixels, (y, x), {"y": …, "x": …} or
            "auto"; -1 is the whole edge. Each block is one task, which reads its own pixels when it is
            computed. Then the scaling "auto" is not possible, the type is the bands' type, and a file with a
            wider type is an error. By default all pixels are read at once.
        nodata : float, optional
            Value of masked pixels, also stored in the attribute `nodata`. By default NaN in floating-point
            types; in integer types the nodata value of the bands if they have the same one, are not scaled
            and the type holds it, else 0.
        progress : bool, optional
            Show a progress bar for pixels that are read at once. By default only on a terminal.
        loader : str, default "landbridge"
            Library that makes the array: "landbridge", or "odc-stac", which is `odc.stac.load` with
            `landbridge.raster.odc_driver()` on the image's Item; see `ImageCollection.to_xarray`.

        Returns
        -------
        xarray.DataArray
            Pixels with the dimensions (band, y, x).

        Raises
        ------
        ValueError
            If a band is not available, the area is incomplete, or an argument is invalid.
        NotFoundError
            If the image does not exist.
        RasterError
            If a file is missing or broken, or if the image lacks coefficients that the processing level
            needs.
        DeletedObjectError
            If the image has been deleted.

        Examples
        --------
        >>> array = image.to_xarray("red nir")
        >>> array.dims, array.shape
        (('band', 'y', 'x'), (2, 40, 50))
        >>> int(array.sel(band="nir").max())
        400

        See Also
        --------
        Image.ndarray : Pixels as a NumPy array.
        ImageCollection.to_xarray : Pixels of several images, along the dimension time.
        """
        from landbridge.catalog.pixels import data_arrays, raster_requests

        self._check_not_deleted()
        request = raster_requests.image_request(
            self,
            bands,
            raster_requests.Area(geocontext, crs, resolution, all_touched),
            raster_requests.Masks(mask_nodata, mask_alpha),
            raster_requests.Values(resampler, processing_level, scaling, data_type),
        )
        if data_arrays.check_loader(loader) == "odc-stac":
            from landbridge.catalog.pixels import datasets

            return datasets.data_array([self], request, None, chunks, nodata, None).isel(time=0)
        # Without chunks, this process reads the pixels itself, as in ndarray.
        chunks = False if chunks is None else chunks
        layers = data_arrays.single_layer(self)
        array = data_arrays.data_array(layers, request, chunks, nodata, None, progress)
        return array.isel(time=0)
