"""Images: pixels of one place and time, with what is known about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

from landbridge.catalog.enums import DownloadFileFormat, OverviewResampler, ResampleAlgorithm, StorageState
from landbridge.catalog.model.attributes import EnumAttribute, TupleAttribute, TypedAttribute
from landbridge.catalog.model.containers import ListAttribute, ValueAttribute
from landbridge.catalog.model.converters import GeometryAttribute, Timestamp, at_home, to_shape
from landbridge.catalog.model.product_member import NamedCatalogObject
from landbridge.catalog.model.values import File
from landbridge.catalog.stac.images import IMAGES
from landbridge.utils.properties import properties

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import BinaryIO

    import numpy as np
    from xarray import DataArray

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.image_upload import ImageUpload, ImageUploadOptions
    from landbridge.catalog.search.search import ImageSearch, Search
    from landbridge.catalog.stac.resource import Resource
    from landbridge.geo import AOI, GeoContext

__all__ = ["Image"]


def _number(doc: str) -> TypedAttribute:
    return TypedAttribute(float, coerce=True, doc=f"{doc} *Filterable, sortable.*")


def _text(doc: str) -> TypedAttribute:
    return TypedAttribute(str, doc=doc)


def _numbers(doc: str) -> ListAttribute:
    return ListAttribute(TypedAttribute(float, coerce=True), doc=doc)


def _rows(doc: str) -> ListAttribute:
    return ListAttribute(ListAttribute(TypedAttribute(float, coerce=True)), doc=doc)


class Image(NamedCatalogObject):
    """One image of a product.

    Upload its data with `upload` or `upload_ndarray`; `save` alone makes a remote image, which can be found
    but has no pixels. Pixels come from `ndarray` and `download`.
    """

    _resource: ClassVar[Resource] = IMAGES
    _doc_type = "image"
    _keep_record = False

    SUPPORTED_DATATYPES = (
        *("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"),
        *("float16", "float32", "float64"),
    )

    geometry = GeometryAttribute(doc="Its footprint in longitude and latitude. *Filterable.*")
    cs_code = _text("Its coordinate reference system, as 'EPSG:32615'.")
    projection = _text("Its coordinate reference system as WKT or a PROJ string.")
    geotrans = TupleAttribute(
        float, coerce=True, min_length=6, max_length=6, doc="The affine transformation, in GDAL's order."
    )
    x_pixels = TypedAttribute(int, doc="Its width in pixels.")
    y_pixels = TypedAttribute(int, doc="Its height in pixels.")
    acquired = Timestamp(doc="When it was taken. *Filterable, sortable.*")
    acquired_end = Timestamp(doc="When taking it ended. *Filterable, sortable.*")
    published = Timestamp(doc="When its provider published it. *Filterable, sortable.*")
    storage_state = EnumAttribute(StorageState, doc="Whether its data is held here. *Filterable, sortable.*")
    files = ListAttribute(ValueAttribute(File), doc="The files with its data.")
    area = _number("The area it covers in square kilometers.")
    azimuth_angle = _number("The sensor's azimuth in degrees.")
    bits_per_pixel = _numbers("The bits that each band needs for a pixel.")
    bright_fraction = _number("The fraction of it that is bright, 0 to 1.")
    brightness_temperature_k1_k2 = _rows("The K1 and K2 constants of each thermal band.")
    c6s_dlsr = _rows("Coefficients of the 6S surface reflectance model.")
    cloud_fraction = _number("The fraction of it that is clouds, 0 to 1.")
    confidence_dlsr = _number("The confidence of its surface reflectance.")
    alt_cloud_fraction = _number("The fraction that is clouds by another measure, 0 to 1.")
    processing_pipeline_id = TypedAttribute(str, doc="What produced it. *Filterable, sortable.*")
    fill_fraction = _number("The fraction of it that has data, 0 to 1.")
    incidence_angle = _number("The incidence angle in degrees.")
    radiance_gain_bias = _rows("Gain and bias from pixel values to radiance, for each band.")
    reflectance_gain_bias = _rows("Gain and bias from pixel values to reflectance, for each band.")
    reflectance_scale = _numbers("The scale from radiance to reflectance, for each band.")
    roll_angle = _number("The satellite's roll in degrees.")
    solar_azimuth_angle = _number("The sun's azimuth in degrees.")
    solar_elevation_angle = _number("The sun's elevation in degrees.")
    temperature_gain_bias = _rows("Gain and bias from pixel values to temperature, for each band.")
    view_angle = _number("The view angle from nadir in degrees.")
    satellite_id = TypedAttribute(str, doc="The satellite. *Filterable, sortable.*")
    provider_id = TypedAttribute(str, doc="The provider's id of it. *Filterable, sortable.*")
    provider_url = _text("A page about it.")
    preview_url = _text("A picture of it.")
    preview_file = _text("The file of its picture.")

    @classmethod
    def search(
        cls,
        client: CatalogClient | None = None,
        request_params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> ImageSearch:
        """A search for images; it must be filtered by product_id."""
        from landbridge.catalog.search.search import ImageSearch

        return ImageSearch(cls, client, request_params=request_params, headers=headers)

    @property
    def date(self) -> Any:
        """When it was taken: the same as `acquired`."""
        return self.acquired

    @property
    def geocontext(self) -> AOI:
        """The image's own grid: its bounds and shape in its own reference system, with its footprint."""
        from landbridge.catalog.pixels.requests import image_geocontext

        if not hasattr(self, "_geocontext"):
            self._geocontext = image_geocontext(self)
        return self._geocontext

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """The footprint as GeoJSON."""
        return cast("dict[str, Any]", self.geometry.__geo_interface__)

    def coverage(self, geom: Any) -> float:
        """The part of a geometry that the footprint covers, 0 to 1, by areas in square degrees.

        Takes GeoJSON, shapely geometries and GeoContexts.
        """
        area = at_home(to_shape(geom))
        return float(area.intersection(at_home(self.geometry)).area / area.area)

    # Uploads
    def image_uploads(self) -> Search[ImageUpload]:
        """A search for the uploads of this image."""
        from landbridge.catalog.image_upload import ImageUpload

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
