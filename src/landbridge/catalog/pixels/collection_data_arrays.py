"""Reading the pixels of several images as xarray.DataArray."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from landbridge.catalog.enums import ResampleAlgorithm
from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.pixels.collection_arrays import CollectionArrays
from landbridge.catalog.pixels.short_traceback import short_traceback

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xarray import DataArray, Dataset

    from landbridge.catalog.model.collection import Predicate
    from landbridge.geo import GeoContext

__all__ = ["CollectionDataArrays"]

T = TypeVar("T", bound=ImageMetadata)


class CollectionDataArrays(CollectionArrays[T]):
    """Methods of `ImageCollection` that read pixels as xarray.DataArray."""

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
        groupby: Predicate | Sequence[Predicate] | None = None,
        method: str = "last",
        nodata: float | None = None,
        max_workers: int | None = None,
        progress: bool | None = None,
        loader: str = "landbridge",
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
        loader : str, default "landbridge"
            Library that makes the array: "landbridge", or "odc-stac", which is `odc.stac.load` with
            `landbridge.raster.odc_driver()` on the images' Items. The pixels are the same where odc-stac
            knows the nodata values. With odc-stac the only coordinate of the dimension "time" is `time`,
            `groupby` is also a property of the Items or a function (item, parsed item, index), the geometry
            of the geocontext masks nothing, and masks by alpha, processing levels, scaling and methods but
            "last" and "first" are refused.

        Returns
        -------
        xarray.DataArray
            Pixels with the dimensions (time, band, y, x), or (group, band, y, x).

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
            self._list,
            bands,
            raster_requests.Area(geocontext, crs, resolution, all_touched),
            raster_requests.Masks(mask_nodata, mask_alpha),
            raster_requests.Values(resampler, processing_level, scaling, data_type),
            method,
        )
        if data_arrays.check_loader(loader) == "odc-stac":
            from landbridge.catalog.pixels import datasets

            return datasets.data_array(self._list, request, groupby, chunks, nodata, max_workers)
        layers = data_arrays.group_layers(self, groupby, request.geocontext)
        return data_arrays.data_array(layers, request, chunks, nodata, max_workers, progress)

    def to_dataset(
        self,
        bands: str | list[str] | tuple[str, ...] | None = None,
        geocontext: GeoContext | None = None,
        **options: Any,
    ) -> Dataset:
        """Load the images with `odc.stac.load` as an xarray.Dataset, one variable for each band.

        The images' Items are read from their API again, in batches; odc-stac decides how they are grouped,
        ordered and masked. Files are read by Landbridge's tile reader, and hrefs are signed as in all other
        methods. Names of Landbridge's bands and of odc-stac's are both known.

        Parameters
        ----------
        bands : str, list of str or tuple of str, optional
            Names of the bands. In a string, single spaces separate them. By default all bands of the Items.
        geocontext : GeoContext, optional
            Grid of the result; its geometry masks nothing. By default `ImageCollection.geocontext`, unless
            one of the options says which area or grid to load.
        **options
            Arguments of `odc.stac.load`, such as `groupby`, `chunks`, `like`, `geobox`, `bbox`,
            `resampling`, `dtype`, `fail_on_error` or `stac_cfg`. Further, `driver` is "landbridge" by
            default; None is odc-stac's own reader.

        Returns
        -------
        xarray.Dataset
            Variables with the dimensions (time, y, x).

        Raises
        ------
        ValueError
            If the collection is empty, if a band is missing, or if odc-stac refuses an argument.
        NotFoundError
            If an image does not exist.
        RasterError
            If a file is missing or broken.

        Examples
        --------
        >>> dataset = images.to_dataset("red nir", groupby="solar_day")
        >>> sorted(dataset.data_vars), dataset["red"].dims, dataset["red"].shape
        (['nir', 'red'], ('time', 'y', 'x'), (3, 20, 30))

        See Also
        --------
        ImageCollection.to_xarray : One array by Landbridge's own engine, with masks and scaling.
        """
        from landbridge.catalog.pixels import datasets

        self._check_not_empty()
        context = self._context.get() if geocontext is None else geocontext
        return datasets.dataset(self._list, bands, datasets.with_grid(context, geocontext, options))
