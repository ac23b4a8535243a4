"""Collections of images, rastered together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from landbridge.catalog.collections import Collection, Predicate
from landbridge.catalog.enums import DownloadFileFormat, ResampleAlgorithm
from landbridge.catalog.image import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from landbridge.geo import GeoContext

__all__ = ["ImageCollection"]

METERS_PER_DEGREE = 111_111.0


class _DefaultContext:
    """The GeoContext of a collection and all its parts, completed from the images when it is first read."""

    def __init__(self, images: list[Image], area: Any) -> None:
        self._images = images
        self._area = area
        self._complete = False

    def get(self) -> GeoContext | None:
        if not self._complete:
            self._area = self._derived()
            self._complete, self._images = True, []
        return self._area  # type: ignore[no-any-return] # a GeoContext once it is complete

    def _derived(self) -> Any:
        from landbridge.geo import AOI, GeoContext

        area = self._area
        if area is None:
            return None
        if not isinstance(area, GeoContext):
            area = AOI(geometry=area)
        if not isinstance(area, AOI) or not self._images:
            return area
        if area.crs is None:
            codes = Counter(code for image in self._images if (code := image.cs_code or image.projection))
            if codes:
                area = area.assign(crs=codes.most_common(1)[0][0])
        if area.resolution is None and area.shape is None:
            resolution = _finest_resolution(self._images)
            if resolution is not None:
                area = area.assign(resolution=resolution)
        return area


def _finest_resolution(images: list[Image]) -> float | None:
    """The finest resolution of the products' bands, in the unit that most of the bands have."""
    from landbridge.catalog.image_raster import bands_of

    products = {image.product_id: image for image in images}
    found = [
        (float(resolution["value"]), str(resolution["unit"]))
        for image in products.values()
        for record in bands_of(image._client, image.product_id)
        if (resolution := record.attributes.get("resolution"))
    ]
    if not found:
        return None
    unit = Counter(unit for _, unit in found).most_common(1)[0][0]
    factors = {"meters": 1.0, "degrees": METERS_PER_DEGREE}
    return min(value * factors[kind] / factors[unit] for value, kind in found)


class ImageCollection(Collection[Image]):
    """Images, in a list-like collection that can be rastered.

    Parameters
    ----------
    iterable
        The images.
    geocontext
        The default area of rasters: a GeoContext, or a geometry, which is completed by the images' most
        common reference system and their products' finest resolution.
    """

    _item_type = Image

    def __init__(self, iterable: Iterable[Image] | None = None, geocontext: Any = None) -> None:
        super().__init__(iterable)
        self._context = _DefaultContext(list(self._list), geocontext)

    @property
    def geocontext(self) -> GeoContext | None:
        """The default area of rasters; None where none was given."""
        return self._context.get()

    def filter_coverage(self, geom: Any, minimum_coverage: float = 1) -> ImageCollection:
        """The images that cover at least so much of a geometry, 0 to 1."""
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
        """How each band is scaled, and the data type of the result, for these arguments of a raster.

        ValueError where a band is scaled differently in different products.
        """
        from landbridge.catalog.image_raster import scaling_parameters

        self._check_not_empty()
        return scaling_parameters(self._list, bands, processing_level, scaling, data_type, several=True)

    def _check_not_empty(self) -> None:
        if not self._list:
            raise ValueError("the collection has no images")

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
    ) -> Any:
        """The pixels of every image, as an array (image, band, y, x).

        Parameters are those of `Image.ndarray`, and:

        flatten
            A function or attribute name, or several, as in `groupby`: images with the same key make one
            mosaic; the layers are in the order of the keys.
        bands_axis
            The axis of the bands: 1 to 3, -1 or -2.
        raster_info
            Whether to return the list of the layers' descriptions too.
        max_workers
            How many threads read at once.

        Raises
        ------
        ValueError
            The collection is empty or has no geocontext, a band is not in every product, or an argument is
            invalid.
        NotImplementedError
            `bands_axis` is the axis of the images.
        """
        from landbridge.catalog import image_raster as rasters

        self._check_not_empty()
        names = rasters.parse_bands(bands)
        rasters.check_stack_axis(bands_axis)
        context = rasters.collection_context(self.geocontext, geocontext, crs, resolution, all_touched)
        groups = [[image] for image in self._list]
        if flatten is not None:
            keys = flatten if isinstance(flatten, (list, tuple)) else (flatten,)
            groups = [list(group) for _, group in self.groupby(*keys)]
        wanted = rasters.request(
            names, context, mask_nodata, mask_alpha, resampler, processing_level, scaling, data_type
        )
        layers = rasters.stack(groups, wanted, max_workers, progress)
        array = rasters.stacked(layers, bands_axis)
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
    ) -> Any:
        """One array (band, y, x) of all images: each pixel is of the last image that is valid there.

        Parameters and errors are those of `Image.ndarray`; without a geocontext, of the collection or given,
        it is a ValueError, as it is where the collection is empty.
        """
        from landbridge.catalog import image_raster as rasters

        self._check_not_empty()
        names = rasters.parse_bands(bands)
        context = rasters.collection_context(self.geocontext, geocontext, crs, resolution, all_touched)
        wanted = rasters.request(
            names, context, mask_nodata, mask_alpha, resampler, processing_level, scaling, data_type
        )
        raster = rasters.mosaic(self._list, wanted, bands_axis, progress)
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
        """Write each image to a file of its own, all on one grid, and give the paths.

        Parameters are those of `stack`, and:

        dest
            A folder, by default the working directory, in which files are named by image id and bands; or one
            path for each image.
        format
            The format of files in a folder.

        Raises
        ------
        ValueError
            As in `stack`, or the number of paths is not that of the images.
        RuntimeError
            Two paths are the same; or files could not be written: it names each with its error, after all
            others have been written.
        """
        from landbridge.catalog import downloads
        from landbridge.catalog import image_raster as rasters

        self._check_not_empty()
        names = rasters.parse_bands(bands)
        context = rasters.collection_context(self.geocontext, geocontext, crs, resolution, all_touched)
        wanted = rasters.request(names, context, True, False, resampler, processing_level, scaling, data_type)
        # What is wrong with the arguments is so for all images, and known before any is read.
        self.scaling_parameters(list(names), processing_level, scaling, data_type)
        paths = downloads.paths_for(self._list, names, dest, format)
        return downloads.download_each(self._list, wanted, paths, max_workers, progress or False)

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
    ) -> str | Path:
        """Write the mosaic of all images to a file, and give its path.

        Parameters are those of `mosaic`, and of `Image.download`; the default name starts with `mosaic`, or
        with the image's id where there is only one.
        """
        from landbridge.catalog import image_raster as rasters

        self._check_not_empty()
        names = rasters.parse_bands(bands)
        context = rasters.collection_context(self.geocontext, geocontext, crs, resolution, all_touched)
        wanted = rasters.request(
            names, context, True, mask_alpha, resampler, processing_level, scaling, data_type
        )
        stem = self._list[0].id if len(self) == 1 else "mosaic"
        path = rasters.default_name(stem, names, format) if dest is None else dest
        rasters.format_of(path)
        rasters.download_mosaic(self._list, wanted, path, nodata, progress or False)
        return path


Image._collection_type = ImageCollection
