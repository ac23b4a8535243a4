"""Collections of images, rastered together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Self, TypeVar

from landbridge.catalog.enums import DownloadFileFormat, ResampleAlgorithm
from landbridge.catalog.image_metadata import ImageMetadata
from landbridge.catalog.model.collection import Collection, Predicate
from landbridge.catalog.pixels.default_geocontext import DefaultContext

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
    """Images, in a list-like collection that can be rastered.

    Parameters
    ----------
    iterable
        The images.
    geocontext
        The default area of rasters: a GeoContext, or a geometry, which is completed by the images' most
        common reference system and their products' finest resolution.
    """

    def __init__(self, iterable: Iterable[T] | None = None, geocontext: Any = None) -> None:
        super().__init__(iterable)
        self._context = DefaultContext(list(self._list), geocontext)

    @property
    def geocontext(self) -> GeoContext | None:
        """The default area of rasters; None where none was given."""
        return self._context.get()

    def filter_coverage(self, geom: Any, minimum_coverage: float = 1) -> Self:
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
        from landbridge.catalog.pixels.requests import scaling_parameters

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
        *,
        method: str = "last",
        chunks: Any = None,
    ) -> Any:
        """The pixels of every image, as an array (image, band, y, x).

        Parameters are those of `Image.ndarray`, and:

        flatten
            A function or attribute name, or several, as in `groupby`: images with the same key make one
            mosaic, by `method`; the layers are in the order of the keys.
        bands_axis
            The axis of the bands: 1 to 3, -1 or -2.
        raster_info
            Whether to return the list of the layers' descriptions too.
        max_workers
            How many threads of this process read at once.
        method, chunks
            As in `mosaic`.

        Raises
        ------
        ValueError
            The collection is empty or has no geocontext, a band is not in every product, or an argument is
            invalid.
        NotImplementedError
            `bands_axis` is the axis of the images.
        """
        from landbridge.catalog.pixels import requests as rasters

        self._check_not_empty()
        names = rasters.parse_bands(bands)
        rasters.check_stack_axis(bands_axis)
        context = rasters.collection_context(self.geocontext, geocontext, crs, resolution, all_touched)
        groups = [[image] for image in self._list]
        if flatten is not None:
            keys = flatten if isinstance(flatten, (list, tuple)) else (flatten,)
            groups = [list(group) for _, group in self.groupby(*keys)]
        wanted = rasters.request(
            names, context, mask_nodata, mask_alpha, resampler, processing_level, scaling, data_type, method
        )
        layers = rasters.stack(groups, wanted, max_workers, progress, chunks)
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
        *,
        method: str = "last",
        chunks: Any = None,
    ) -> Any:
        """One array (band, y, x) of all images: each pixel is of the last image that is valid there.

        Parameters and errors are those of `Image.ndarray`; without a geocontext, of the collection or given,
        it is a ValueError, as it is where the collection is empty. And:

        method
            What each pixel is made of, band by band, among the images that are valid there, that is neither
            nodata nor under an alpha of 0; where none is, it is masked.

            - "last", "first": the pixel of the last or first image in the collection's order.
            - "min", "max": the least or greatest value.
            - "mean", "median": computed in 64 bit floating point. Values are scaled after that, and rounded
              half to even only where the result's type is an integer type: without `scaling` and `data_type`
              it is the bands' own, and `data_type="Float64"` keeps the fractions.
            - "count": how many images are valid, in 16 bit, at most 65535; it takes no `scaling`.

            All but the first two read every image. Memory stays bounded, however many there are.
        chunks
            The size of the blocks that are rendered at once: an edge in pixels, (y, x), {"y": …, "x": …} or
            "auto". Pixels don't depend on it. Where this process has a `dask.distributed.Client`, its
            cluster renders the blocks, and must be able to read the images' files; False renders here all
            the same.
        """
        from landbridge.catalog.pixels import requests as rasters

        self._check_not_empty()
        names = rasters.parse_bands(bands)
        context = rasters.collection_context(self.geocontext, geocontext, crs, resolution, all_touched)
        wanted = rasters.request(
            names, context, mask_nodata, mask_alpha, resampler, processing_level, scaling, data_type, method
        )
        raster = rasters.mosaic(self._list, wanted, bands_axis, progress, chunks)
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
        from landbridge.catalog.pixels import downloads
        from landbridge.catalog.pixels import requests as rasters

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
        *,
        method: str = "last",
        chunks: Any = None,
    ) -> str | Path:
        """Write the mosaic of all images to a file, and give its path.

        Parameters are those of `mosaic`, and of `Image.download`; the default name starts with `mosaic`, or
        with the image's id where there is only one. The file may be larger than memory: blocks are written
        as they are done.
        """
        from landbridge.catalog.pixels import requests as rasters

        self._check_not_empty()
        names = rasters.parse_bands(bands)
        context = rasters.collection_context(self.geocontext, geocontext, crs, resolution, all_touched)
        wanted = rasters.request(
            names, context, True, mask_alpha, resampler, processing_level, scaling, data_type, method
        )
        stem = self._list[0].id if len(self) == 1 else "mosaic"
        path = rasters.default_name(stem, names, format) if dest is None else dest
        rasters.format_of(path)
        rasters.download_mosaic(self._list, wanted, path, nodata, progress or False, chunks)
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
        """The pixels as an `xarray.DataArray` (time, band, y, x), as `Image.to_xarray` gives those of one.

        Parameters are those of `Image.to_xarray`, `stack` and `mosaic`, and:

        groupby
            What makes one layer, the mosaic of its images by `method`: None, each image by itself; "time",
            the moment; "solar_day", the day by the sun at the middle of the area; or a function or attribute
            name, or several, as in the method `groupby`. Layers by a key of one's own lie along the dimension
            "group", in the order of the keys, which are its coordinate; all others along "time", those of
            images by themselves in the order of the collection.

        Along that dimension lie also the coordinates `time` (of a layer of several the earliest), `id` and
        `product_id` (of several separated by spaces).
        """
        from landbridge.catalog.pixels import data_arrays
        from landbridge.catalog.pixels import requests as rasters

        self._check_not_empty()
        names = rasters.parse_bands(bands)
        context = rasters.collection_context(self.geocontext, geocontext, crs, resolution, all_touched)
        wanted = rasters.request(
            names, context, mask_nodata, mask_alpha, resampler, processing_level, scaling, data_type, method
        )
        grouping = data_arrays.grouped(self, groupby, context)
        return data_arrays.data_array(grouping, wanted, chunks, nodata, max_workers, progress)
