"""Images: pixels of one place and time, with what is known about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.enums import DownloadFileFormat, OverviewResampler, ResampleAlgorithm
from landbridge.catalog.image_collection import ImageCollection
from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.image_search import ImageSearch
from landbridge.catalog.image_upload import ImageUpload
from landbridge.utils.properties import properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import BinaryIO, Self

    import numpy as np
    from xarray import DataArray

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.image_upload import ImageUploadOptions
    from landbridge.catalog.search.search import Search
    from landbridge.geo import GeoContext

__all__ = ["Image"]


class Image(ImageMetadata):
    """One image of a product.

    Upload its data with `upload` or `upload_ndarray`; `save` alone makes a remote image, which can be found
    but has no pixels. Pixels come from `ndarray` and `download`.
    """

    _doc_type = "image"

    @classmethod
    def search(
        cls,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ImageSearch[Self]:
        """A search for images; it must be filtered by product_id."""
        return ImageSearch(cls, client, request_params=request_params, headers=headers)

    # Uploads
    def image_uploads(self) -> Search[ImageUpload]:
        """A search for the uploads of this image."""
        self._check_not_deleted()
        search = ImageUpload.search(self._client).filter(properties.product_id == self.product_id)
        return search.filter(properties.image_id == self.id)

    def upload(
        self,
        files: str | BinaryIO | Iterable[str | BinaryIO],
        upload_options: ImageUploadOptions | None = None,
        overwrite: bool = False,
        *,
        progress: bool | None = False,
    ) -> ImageUpload:
        """Send files with the image's data; the image exists once the upload has succeeded.

        Parameters
        ----------
        files
            Paths or open binary files, one or several in the order of the bands' file_index.
        upload_options
            How to process them.
        overwrite
            Whether an image of the same id may be replaced.
        progress
            True shows a progress bar, None does on a terminal.

        Raises
        ------
        ValueError
            An attribute is missing (product, name, acquired), the image was saved already, or `files` holds
            anything else than texts and binary files.
        ConflictError
            The image exists. The error is a ValueError too.
        """
        from landbridge.catalog.transfer.upload import upload

        return upload(self, files, upload_options, overwrite, progress)

    def upload_ndarray(
        self,
        ndarray: np.ndarray[Any, Any] | Iterable[np.ndarray[Any, Any]],
        upload_options: ImageUploadOptions | None = None,
        raster_meta: Mapping[str, Any] | None = None,
        overviews: list[int] | None = None,
        overview_resampler: OverviewResampler | str | None = None,
        overwrite: bool = False,
        *,
        progress: bool | None = False,
    ) -> ImageUpload:
        """Send arrays as the image's data; the image exists once the upload has succeeded.

        Parameters
        ----------
        ndarray
            An array (band, y, x), or (y, x) for one band, of a type in SUPPORTED_DATATYPES; several arrays
            make one file each.
        upload_options, overwrite, progress
            As in `upload`.
        raster_meta
            What `raster_info=True` returned: the georeferencing, where the image's geotrans and cs_code or
            projection do not give it.
        overviews
            Up to 16 factors to make overviews for.
        overview_resampler
            How to make them.

        Raises
        ------
        ValueError
            As in `upload`, or an array has another type or number of dimensions, or nothing georeferences it.
        """
        from landbridge.catalog.transfer.upload import upload_ndarray

        return upload_ndarray(
            self, ndarray, upload_options, raster_meta, overviews, overview_resampler, overwrite, progress
        )

    # Pixels
    def scaling_parameters(
        self,
        bands: str | list[str] | tuple[str, ...],
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
    ) -> tuple[list[Any] | None, str]:
        """How each band is scaled, and the data type of the result, for these arguments of `ndarray`."""
        from landbridge.catalog.pixels.requests import scaling_parameters

        self._check_not_deleted()
        return scaling_parameters([self], bands, processing_level, scaling, data_type)

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
        """The pixels of some bands as an array (band, y, x).

        Parameters
        ----------
        bands
            Names of bands, in a list or separated by spaces.
        geocontext
            The area and grid; by default the image's own, whole.
        crs, resolution, all_touched
            Replace those of the geocontext. The resolution is in units of the crs.
        mask_nodata
            Whether pixels that equal their band's nodata are masked.
        mask_alpha
            Whether pixels are masked where the alpha band is 0; a text names that band. By default, where
            the product has one.
        bands_axis
            The axis of the bands in the result, -2 to 2.
        raster_info
            Whether to return the raster's description too, as a dict.
        resampler
            How pixels are resampled.
        processing_level
            The level of the pixels, by default the bands' level "default", else as they are stored; see
            `Band.processing_levels`.
        scaling, data_type
            What the values are made into; see `scaling_parameters`.
        progress
            True shows a progress bar, None does on a terminal.

        Returns
        -------
        array or (array, dict)
            A masked array where anything can be masked, else a plain one.

        Raises
        ------
        ValueError
            A band is not available, or an argument is invalid.
        NotFoundError
            There is no such image.
        RasterError
            A file is missing or broken, or the image lacks coefficients that the processing level takes.
        """
        from landbridge.catalog.pixels import requests as rasters

        self._check_not_deleted()
        names = rasters.parse_bands(bands)
        context = rasters.image_context(self, geocontext, crs, resolution, all_touched)
        raster = rasters.read(
            self,
            rasters.request(
                names, context, mask_nodata, mask_alpha, resampler, processing_level, scaling, data_type
            ),
            bands_axis,
            progress,
        )
        array = raster.array(bands_axis)
        return (array, raster.info()) if raster_info else array

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
    ) -> DataArray:
        """The pixels of some bands as an `xarray.DataArray` (band, y, x), which knows its coordinates.

        `y` and `x` are the pixels' centers; `spatial_ref` holds the reference system, as odc-geo (`.odc`) and
        rioxarray (`.rio`) read it; `time` is when the image was taken, in UTC.

        Parameters are those of `ndarray`, and:

        chunks
            The size of the blocks of a lazy array on dask: an edge in pixels, (y, x), {"y": …, "x": …} or
            "auto"; -1 is the whole edge. Nothing is read before it is computed; then each block is one task
            that reads only what it needs. The scaling "auto" is not possible. The type is the bands', and a
            file with a wider one is an error. By default all is read at once.
        nodata
            The value of masked pixels, also noted in the attribute `nodata`. By default it is NaN in floating
            types; in integer types the nodata that all bands have, if they are not scaled and the type holds
            it, else 0.
        progress
            As in `ndarray`, of what is read at once.
        """
        from landbridge.catalog.pixels import data_arrays
        from landbridge.catalog.pixels import requests as rasters

        self._check_not_deleted()
        names = rasters.parse_bands(bands)
        context = rasters.image_context(self, geocontext, crs, resolution, all_touched)
        wanted = rasters.request(
            names, context, mask_nodata, mask_alpha, resampler, processing_level, scaling, data_type
        )
        # As in ndarray, what is read at once is read in this process.
        lazily = False if chunks is None else chunks
        array = data_arrays.data_array(data_arrays.alone(self), wanted, lazily, nodata, None, progress)
        return array.isel(time=0)

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
        """Write the pixels of some bands to a file, and give its path.

        Parameters are those of `ndarray`, and:

        dest
            The path, whose extension (.tif, .png, .jpg) decides the format; by default the image's id and
            the bands' names, in the working directory.
        format
            The format where there is no dest.
        nodata
            The value of masked pixels in a GeoTIFF. By default the nodata that all bands have, if they are
            not scaled; else NaN in floating types, and in integer types a mask in the file.
        """
        from landbridge.catalog.pixels import requests as rasters

        self._check_not_deleted()
        names = rasters.parse_bands(bands)
        context = rasters.image_context(self, geocontext, crs, resolution, all_touched)
        wanted = rasters.request(names, context, True, False, resampler, processing_level, scaling, data_type)
        path = rasters.default_name(self.id, names, format) if dest is None else dest
        rasters.format_of(path)
        rasters.download(self, wanted, path, nodata, progress or False)
        return path


ImageCollection._item_type = Image
Image._collection_type = ImageCollection
