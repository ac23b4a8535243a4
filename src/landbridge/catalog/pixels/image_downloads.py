"""Writing the pixels of one image to a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.enums import DownloadFileFormat, ResampleAlgorithm
from landbridge.catalog.pixels.image_datasets import ImageDatasets
from landbridge.catalog.pixels.short_traceback import short_traceback

if TYPE_CHECKING:
    from pathlib import Path

    from landbridge.geo import GeoContext

__all__ = ["ImageDownloads"]


class ImageDownloads(ImageDatasets):
    """Methods of `Image` that write pixels to files."""

    @short_traceback
    def download(
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
        nodata: float | None = None,
        progress: bool | None = None,
    ) -> str | Path:
        """Write pixels to a GeoTIFF, PNG or JPEG file.

        Pixels are masked by nodata; the alpha band is only written if it is among the bands.

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
        dest : str or Path, optional
            Path of the file. Its extension (.tif, .png or .jpg) decides the format. Missing folders are
            created, and an existing file is replaced. By default a file in the working directory, named by
            the image's id and the bands.
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
        nodata : float, optional
            Value of masked pixels in a GeoTIFF. By default the nodata value of the bands if they have the
            same one and are not scaled; else NaN in floating-point types, and a mask in the file for integer
            types.
        progress : bool, optional
            Show a progress bar. By default no bar is shown.

        Returns
        -------
        str or Path
            Path of the file.

        Raises
        ------
        ValueError
            If a band is not available, the area is incomplete, the extension is unknown, the format cannot
            hold so many bands, or an argument is invalid.
        NotFoundError
            If the image does not exist.
        RasterError
            If a file is missing or broken, or cannot be written.
        DeletedObjectError
            If the image has been deleted.

        Examples
        --------
        >>> image.download("red green blue", dest="fields.png", scaling="display")
        'fields.png'

        See Also
        --------
        ImageCollection.download : One file for each image.
        ImageCollection.download_mosaic : One file for all images.
        """
        from landbridge.catalog.pixels import raster_requests, rasters

        self._check_not_deleted()
        request = raster_requests.image_request(
            self,
            bands,
            raster_requests.Area(geocontext, crs, resolution, all_touched),
            raster_requests.Masks(True, False),
            raster_requests.Values(resampler, processing_level, scaling, data_type),
        )
        path = raster_requests.default_name(self.id, request.bands, format) if dest is None else dest
        raster_requests.check_format(path)
        rasters.download(self, request, path, nodata, progress or False)
        return path
