"""Collections of images, rastered together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Self, TypeVar

from landbridge.catalog.enums import DownloadFileFormat, ResampleAlgorithm
from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.model.collection import Collection, Predicate
from landbridge.catalog.pixels.default_geocontext import DefaultGeoContext

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import typing_extensions
    from xarray import DataArray

    from landbridge.geo import GeoContext

__all__ = ["ImageCollection"]

if TYPE_CHECKING:
    # For type checkers, `ImageCollection` without an argument has images of any class.
    T = typing_extensions.TypeVar("T", bound=ImageMetadata, default=Any)
else:
    T = TypeVar("T", bound=ImageMetadata)


class ImageCollection(Collection[T]):
    """List of images that can be read as one raster.

    Parameters
    ----------
    iterable : iterable of Image, optional
        Images.
    geocontext : GeoContext, shapely geometry or dict, optional
        Default area of the collection's rasters. If an AOI or geometry lacks a coordinate reference system,
        it gets the most common one of the images. If it lacks both resolution and shape, it gets the finest
        resolution of the products' bands and the images' grid.

    Raises
    ------
    ValueError
        If an item is not an image.

    Examples
    --------
    >>> search = product.images().intersects(area).sort("acquired")
    >>> images = search.collect()
    >>> images
    ImageCollection of 3 images
      * Dates: Jan 15, 2024 to Jul 15, 2024
      * Products: local:docs-fields: 3
    >>> images.mosaic("red green blue").shape
    (3, 20, 30)
    """

    def __init__(self, iterable: Iterable[T] | None = None, geocontext: Any = None) -> None:
        super().__init__(iterable)
        self._context = DefaultGeoContext(list(self._list), geocontext)

    @property
    def geocontext(self) -> GeoContext | None:
        """Default area and grid of the collection's rasters; None if none was given or searched."""
        return self._context.get()

    def filter_coverage(self, geom: Any, minimum_coverage: float = 1) -> Self:
        """Return the images whose footprint covers enough of a geometry.

        Parameters
        ----------
        geom : dict, shapely geometry or GeoContext
            Geometry in longitude and latitude, also as GeoJSON or with `__geo_interface__`.
        minimum_coverage : float, default 1
            Fraction of the geometry that an image must cover, from 0 to 1.

        Returns
        -------
        ImageCollection
            Images in their order, with the same geocontext.

        Raises
        ------
        TypeError, ValueError
            If `geom` is not a geometry.

        Examples
        --------
        >>> len(images.filter_coverage(area, minimum_coverage=0.9))
        2

        See Also
        --------
        Image.coverage : Covered fraction of one image.
        """
        return self.filter(lambda image: image.coverage(geom) >= minimum_coverage)

    def __repr__(self) -> str:
        count = len(self)
        lines = [f"ImageCollection of {count} image{'' if count == 1 else 's'}"]
        dates = [image.acquired for image in self if image.acquired is not None]
        if dates:
            lines.append(f"  * Dates: {min(dates):%b %d, %Y} to {max(dates):%b %d, %Y}")
        if count:
            products = Counter(image.product_id for image in self)
            lines.append(
                "  * Products: " + ", ".join(f"{name}: {number}" for name, number in products.items())
            )
        return "\n".join(lines)

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

    def _check_not_empty(self) -> None:
        if not self._list:
            raise ValueError("The collection has no images.")

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
            `ImageCollection.geocontext`, the area that the images were searched in.
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
            If the collection is empty or has no geocontext, if a band is missing in one of the products, or
            if an argument is invalid.
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
            `ImageCollection.geocontext`, the area that the images were searched in.
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
            If the collection is empty or has no geocontext, if a band is missing in one of the products, or
            if an argument is invalid.
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
            bands,
            raster_requests.Area(geocontext, crs, resolution, all_touched),
            raster_requests.Masks(mask_nodata, mask_alpha),
            raster_requests.Values(resampler, processing_level, scaling, data_type),
            method,
        )
        raster = rasters.mosaic(self._list, request, bands_axis, progress, chunks)
        array = raster.array(bands_axis)
        return (array, raster.info()) if raster_info else array

    def download(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        dest: str | Path | Sequence[str | Path] | None = None,
        format: DownloadFileFormat | str = DownloadFileFormat.TIF,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        max_workers: int | None = None,
    ) -> list[str | Path]:
        """Write each image to a GeoTIFF, PNG or JPEG file, all on the same grid.

        Pixels are masked by nodata; an alpha band is only written if it is among the bands.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands, in the order of the result. In a string, single spaces separate them.
        geocontext : GeoContext, optional
            Area and grid of the result. Pixels outside its geometry are masked. By default
            `ImageCollection.geocontext`, the area that the images were searched in.
        crs : str, optional
            Coordinate reference system of the result, in place of the geocontext's: an EPSG code such as
            "EPSG:32612", a PROJ string or WKT.
        resolution : float, optional
            Side of a pixel in units of the crs (meters or degrees), in place of the geocontext's.
        all_touched : bool, optional
            True keeps each pixel that the geometry touches, False each pixel whose center it contains. By
            default as the geocontext says.
        dest : str, Path, or sequence of these, optional
            Folder in which files are named by image id and bands, or one path for each image. Missing folders
            are created, and existing files are replaced. By default the working directory.
        format : DownloadFileFormat or str, default "tif"
            Format of files in a folder: "tif", "png" or "jpg". The extension of a path decides its format.
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
            Show a progress bar. By default there is none.
        max_workers : int, optional
            Number of threads of this process that read at the same time. By default as many as the processor
            and the files allow.

        Returns
        -------
        list of str or Path
            Paths of the files, in the order of the images.

        Raises
        ------
        ValueError
            If the collection is empty or has no geocontext, if a band is missing in one of the products, if
            the number of paths is not the number of images, or if an argument is invalid.
        RuntimeError
            If two paths are the same, or if files could not be written. All other files are written first;
            the message names each failed path with its error.

        Examples
        --------
        >>> paths = images.download("red nir", dest="fields")
        >>> len(paths)
        3

        See Also
        --------
        ImageCollection.download_mosaic : One file for all images.
        """
        from landbridge.catalog.pixels import downloads, raster_requests

        self._check_not_empty()
        request = raster_requests.collection_request(
            self._context,
            bands,
            raster_requests.Area(geocontext, crs, resolution, all_touched),
            raster_requests.Masks(True, False),
            raster_requests.Values(resampler, processing_level, scaling, data_type),
        )
        # Invalid arguments are so for all images: they raise before any image is read.
        self.scaling_parameters(list(request.bands), processing_level, scaling, data_type)
        paths = downloads.file_paths(self._list, request.bands, dest, format)
        return downloads.download_each(self._list, request, paths, max_workers, progress or False)

    def download_mosaic(
        self,
        bands: str | list[str] | tuple[str, ...],
        geocontext: GeoContext | None = None,
        crs: str | None = None,
        resolution: float | None = None,
        all_touched: bool | None = None,
        dest: str | Path | None = None,
        format: DownloadFileFormat | str = DownloadFileFormat.TIF,
        resampler: ResampleAlgorithm | str = ResampleAlgorithm.NEAR,
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        mask_alpha: bool | str | None = None,
        nodata: float | None = None,
        progress: bool | None = None,
        *,
        method: str = "last",
        chunks: Any = None,
    ) -> str | Path:
        """Write the mosaic of all images to a GeoTIFF, PNG or JPEG file.

        Blocks are written as soon as they are rendered, so the file may be larger than memory.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands, in the order of the result. In a string, single spaces separate them.
        geocontext : GeoContext, optional
            Area and grid of the result. Pixels outside its geometry are masked. By default
            `ImageCollection.geocontext`, the area that the images were searched in.
        crs : str, optional
            Coordinate reference system of the result, in place of the geocontext's: an EPSG code such as
            "EPSG:32612", a PROJ string or WKT.
        resolution : float, optional
            Side of a pixel in units of the crs (meters or degrees), in place of the geocontext's.
        all_touched : bool, optional
            True keeps each pixel that the geometry touches, False each pixel whose center it contains. By
            default as the geocontext says.
        dest : str or Path, optional
            Path of the file. Its extension (.tif, .png or .jpg) decides the format. Missing folders are
            created, and an existing file is replaced. By default a file in the working directory, named
            "mosaic" (or by the id of the only image) and the bands.
        format : DownloadFileFormat or str, default "tif"
            Format of the file if there is no `dest`: "tif", "png" or "jpg".
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
        mask_alpha : bool or str, optional
            Mask the pixels at which the alpha band is 0, in all bands. A string names that band. By default
            True if every product has an alpha band.
        nodata : float, optional
            Value of masked pixels in a GeoTIFF. By default the nodata value of the bands if they have the
            same one and are not scaled; else NaN in floating-point types, and a mask in the file for integer
            types.
        progress : bool, optional
            Show a progress bar. By default there is none.
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
        str or Path
            Path of the file.

        Raises
        ------
        ValueError
            If the collection is empty or has no geocontext, if a band is missing in one of the products, if
            the extension is unknown, if the format cannot hold so many bands, or if an argument is invalid.
        NotFoundError
            If an image does not exist.
        RasterError
            If a file is missing or broken, or cannot be written.

        Examples
        --------
        >>> images.download_mosaic("red green blue", dest="mosaic.tif")
        'mosaic.tif'

        See Also
        --------
        ImageCollection.mosaic : Mosaic as an array.
        """
        from landbridge.catalog.pixels import raster_requests, rasters

        self._check_not_empty()
        request = raster_requests.collection_request(
            self._context,
            bands,
            raster_requests.Area(geocontext, crs, resolution, all_touched),
            raster_requests.Masks(True, mask_alpha),
            raster_requests.Values(resampler, processing_level, scaling, data_type),
            method,
        )
        stem = self._list[0].id if len(self) == 1 else "mosaic"
        path = raster_requests.default_name(stem, request.bands, format) if dest is None else dest
        raster_requests.check_format(path)
        rasters.download_mosaic(self._list, request, path, nodata, progress or False, chunks)
        return path

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
        groupby: Predicate | Sequence[Predicate] | None = None,
        method: str = "last",
        nodata: float | None = None,
        max_workers: int | None = None,
        progress: bool | None = None,
    ) -> DataArray:
        """Read the pixels of the images as an xarray.DataArray with coordinates.

        `y` and `x` are the centers of the pixels, and `spatial_ref` holds the coordinate reference system as
        odc-geo (`.odc`) and rioxarray (`.rio`) read it. Along the dimension of the layers lie the coordinates
        `time` (the earliest of the layer, in UTC), `id` and `product_id` (of several images separated by
        spaces).

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands, in the order of the result. In a string, single spaces separate them.
        geocontext : GeoContext, optional
            Area and grid of the result. Pixels outside its geometry are masked. By default
            `ImageCollection.geocontext`, the area that the images were searched in.
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
            True for each layer whose products have an alpha band.
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
        chunks : int, tuple, dict, str or False, optional
            Make a lazy array on dask with blocks of this size: an edge in pixels, (y, x), {"y": …, "x": …} or
            "auto"; -1 is the whole edge. Each block is one task, which reads its own pixels when it is
            computed. Then the scaling "auto" is not possible, the type is the bands' type, and a file with a
            wider type is an error. By default all pixels are read at once.
        groupby : str, callable, or sequence of these, optional
            Rule that puts images into one layer, which is their mosaic by `method`: "time", the same
            `acquired`; "solar_day", the same day by the sun at the middle of the area; or an attribute name
            or function of an image. Layers of an attribute or function lie along the dimension "group" in the
            order of the keys, all others along "time". By default each image is a layer, in the order of the
            collection.
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
        nodata : float, optional
            Value of masked pixels, also stored in the attribute `nodata`. By default NaN in floating-point
            types; in integer types the nodata value of the bands if they have the same one, are not scaled
            and the type holds it, else 0.
        max_workers : int, optional
            Number of threads of this process that read at the same time. By default as many as the processor
            and the files allow.
        progress : bool, optional
            Show a progress bar for pixels that are read at once. By default only on a terminal.

        Returns
        -------
        xarray.DataArray
            Pixels with the dimensions (time, band, y, x), or (group, band, y, x).

        Raises
        ------
        ValueError
            If the collection is empty or has no geocontext, if a band is missing in one of the products, or
            if an argument is invalid.
        NotFoundError
            If an image does not exist.
        RasterError
            If a file is missing or broken, or if an image lacks coefficients that the processing level needs.

        Examples
        --------
        >>> array = images.to_xarray("red nir")
        >>> array.dims, array.shape
        (('time', 'band', 'y', 'x'), (3, 2, 20, 30))
        >>> images.to_xarray("red", groupby="acquired.year", method="median").dims
        ('group', 'band', 'y', 'x')

        See Also
        --------
        ImageCollection.stack : The same as a NumPy array.
        Image.to_xarray : Pixels of one image.
        """
        from landbridge.catalog.pixels import data_arrays, raster_requests

        self._check_not_empty()
        request = raster_requests.collection_request(
            self._context,
            bands,
            raster_requests.Area(geocontext, crs, resolution, all_touched),
            raster_requests.Masks(mask_nodata, mask_alpha),
            raster_requests.Values(resampler, processing_level, scaling, data_type),
            method,
        )
        layers = data_arrays.group_layers(self, groupby, request.geocontext)
        return data_arrays.data_array(layers, request, chunks, nodata, max_workers, progress)
