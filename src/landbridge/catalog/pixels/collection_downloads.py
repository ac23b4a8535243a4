"""Writing the pixels of several images to files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from landbridge.catalog.enums import DownloadFileFormat, ResampleAlgorithm
from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.pixels.collection_data_arrays import CollectionDataArrays
from landbridge.catalog.pixels.short_traceback import short_traceback

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from landbridge.geo import GeoContext

__all__ = ["CollectionDownloads"]

T = TypeVar("T", bound=ImageMetadata)


class CollectionDownloads(CollectionDataArrays[T]):
    """Methods of `ImageCollection` that write pixels to files."""

    @short_traceback
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
            Show a progress bar. By default no bar is shown.
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
            If the collection is empty, or too large for a raster without a geocontext, if a band is missing
            in one of the products, if the number of paths is not the number of images, or if an argument is
            invalid.
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
            self._list,
            bands,
            raster_requests.Area(geocontext, crs, resolution, all_touched),
            raster_requests.Masks(True, False),
            raster_requests.Values(resampler, processing_level, scaling, data_type),
        )
        # Invalid arguments are so for all images: they raise before any image is read.
        self.scaling_parameters(list(request.bands), processing_level, scaling, data_type)
        paths = downloads.file_paths(self._list, request.bands, dest, format)
        return downloads.download_each(self._list, request, paths, max_workers, progress or False)

    @short_traceback
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
            Show a progress bar. By default no bar is shown.
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
            If the collection is empty, or too large for a raster without a geocontext, if a band is missing
            in one of the products, if the extension is unknown, if the format cannot hold so many bands, or
            if an argument is invalid.
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
            self._list,
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
