"""Collections of scenes, with the interface of the Scenes client."""

from __future__ import annotations

from collections import Counter
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Self

from landbridge.catalog import ImageCollection
from landbridge.catalog.model.collection import Collection
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.scenes.alpha import read_with_alpha
from landbridge.porting.scenes.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from landbridge.geo import GeoContext

__all__ = ["SceneCollection"]


class SceneCollection(Collection[Scene]):
    """List of scenes that can be filtered, grouped and read together.

    `filter`, `groupby` and `sorted` take functions of a scene and names of its attributes, such as
    `"properties.date.day"`. `each` reads an attribute of all scenes.

    Parameters
    ----------
    iterable : iterable of Scene, optional
        Scenes.
    raster_client : object, optional
        No effect: there is one service.

    Examples
    --------
    >>> from descarteslabs import scenes
    >>> found, ctx = scenes.search(area, "local:docs-fields", start_datetime="2024-01-01")
    >>> found
    SceneCollection of 3 scenes
      * Dates: Jan 15, 2024 to Jul 15, 2024
      * Products: local:docs-fields: 3
    >>> [month for month, _ in found.groupby("properties.date.month")]
    [1, 4, 7]
    >>> found.mosaic("red nir", ctx).shape
    (2, 20, 30)
    """

    _item_type: ClassVar[type | None] = Scene

    def __init__(self, iterable: Iterable[Scene] | None = None, raster_client: object = None) -> None:
        del raster_client
        super().__init__(iterable)

    def __repr__(self) -> str:
        count = len(self)
        lines = [f"SceneCollection of {count} scene{'' if count == 1 else 's'}"]
        images = [scene._image for scene in self]  # noqa: SLF001 - a scene and its collection belong together
        dates = [image.acquired for image in images if image.acquired is not None]
        if dates:
            lines.append(f"  * Dates: {min(dates):%b %d, %Y} to {max(dates):%b %d, %Y}")
        if count:
            products = Counter(image.product_id for image in images)
            lines.append(
                "  * Products: " + ", ".join(f"{name}: {number}" for name, number in products.items())
            )
        return "\n".join(lines)

    def _images(self) -> ImageCollection[Any]:
        return ImageCollection(scene._image for scene in self)  # noqa: SLF001 - likewise

    def _band_names(self) -> list[str]:
        """Return the names of the bands of all products."""
        scenes = {scene._image.product_id: scene for scene in self}  # noqa: SLF001 - likewise
        return [name for scene in scenes.values() for name in scene.properties.bands]

    def filter_coverage(self, ctx: Any, minimum_coverage: float = 1) -> Self:
        """Return the scenes whose footprint covers enough of a geometry.

        Parameters
        ----------
        ctx : dict, shapely geometry or GeoContext
            Geometry in longitude and latitude.
        minimum_coverage : float, default 1
            Fraction of the geometry that a scene must cover, from 0 to 1.

        Returns
        -------
        SceneCollection
            Scenes in their order.
        """
        return self.filter(lambda scene: scene.coverage(ctx) >= minimum_coverage)

    @old_method("ImageCollection.scaling_parameters()")
    def scaling_parameters(
        self,
        bands: str | list[str] | tuple[str, ...],
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
    ) -> tuple[list[Any] | None, str]:
        """Return the scaling of each band and the data type, as `ImageCollection.scaling_parameters`."""
        return self._images().scaling_parameters(bands, processing_level, scaling, data_type)

    @old_method("ImageCollection.stack()")
    def stack(
        self,
        bands: str | list[str] | tuple[str, ...],
        ctx: GeoContext,
        flatten: str | Callable[[Scene], Any] | Sequence[str | Callable[[Scene], Any]] | None = None,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 1,
        raster_info: bool = False,
        resampler: str = "near",
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        max_workers: int | None = None,
        raster_client: object = None,
    ) -> Any:
        """Read all scenes as an array of shape (scene, band, row, column), as `ImageCollection.stack`.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands. "alpha" is possible for products without such a band; see `scenes.alpha`.
        ctx : GeoContext
            Area and grid of the result.
        flatten : str, callable or sequence of these, optional
            Names of attributes or functions of a scene. Scenes with equal values are combined to one layer,
            as `mosaic` does; layers are in the order of the values.
        mask_nodata, mask_alpha, bands_axis, raster_info, resampler, processing_level, scaling, data_type
            As those of `ImageCollection.stack`.
        progress, max_workers
            As those of `ImageCollection.stack`.
        raster_client : object, optional
            No effect: there is one service.

        Returns
        -------
        numpy.ma.MaskedArray, numpy.ndarray, or a pair of the array and a list of dicts
            Pixels.

        Raises
        ------
        ValueError
            If the collection is empty, a band is not available, or an argument is invalid.
        """
        del raster_client
        return read_with_alpha(
            self._images().stack,
            bands,
            self._band_names(),
            geocontext=ctx,
            flatten=self._predicates_on_images(flatten),
            mask_nodata=mask_nodata,
            mask_alpha=mask_alpha,
            bands_axis=bands_axis,
            raster_info=raster_info,
            resampler=resampler,
            processing_level=processing_level,
            scaling=scaling,
            data_type=data_type,
            progress=progress,
            max_workers=max_workers,
        )

    def _predicates_on_images(self, flatten: Any) -> list[Callable[[Any], Any]] | None:
        """Return functions of an image that give what the predicates give for its scene."""
        if flatten is None:
            return None
        predicates = [flatten] if isinstance(flatten, str) or callable(flatten) else list(flatten)
        if not predicates:
            return None
        scenes = {id(scene._image): scene for scene in self}  # noqa: SLF001 - likewise
        functions = [attrgetter(each) if isinstance(each, str) else each for each in predicates]
        return [_on_image(function, scenes) for function in functions]

    @old_method("ImageCollection.mosaic()")
    def mosaic(
        self,
        bands: str | list[str] | tuple[str, ...],
        ctx: GeoContext,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        resampler: str = "near",
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        raster_info: bool = False,
        raster_client: object = None,
    ) -> Any:
        """Read all scenes as one array of shape (band, row, column), as `ImageCollection.mosaic`.

        The last scene that has a valid pixel gives it.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands. "alpha" is possible for products without such a band; see `scenes.alpha`.
        ctx : GeoContext
            Area and grid of the result.
        mask_nodata, mask_alpha, bands_axis, resampler, processing_level
            As those of `ImageCollection.mosaic`.
        scaling, data_type, progress, raster_info
            As those of `ImageCollection.mosaic`.
        raster_client : object, optional
            No effect: there is one service.

        Returns
        -------
        numpy.ma.MaskedArray, numpy.ndarray, or a pair of the array and a dict
            Pixels.

        Raises
        ------
        ValueError
            If the collection is empty, a band is not available, or an argument is invalid.
        """
        del raster_client
        return read_with_alpha(
            self._images().mosaic,
            bands,
            self._band_names(),
            geocontext=ctx,
            mask_nodata=mask_nodata,
            mask_alpha=mask_alpha,
            bands_axis=bands_axis,
            resampler=resampler,
            processing_level=processing_level,
            scaling=scaling,
            data_type=data_type,
            progress=progress,
            raster_info=raster_info,
        )

    @old_method("ImageCollection.download()")
    def download(
        self,
        bands: str | list[str] | tuple[str, ...],
        ctx: GeoContext,
        dest: str | Path | Sequence[str | Path] | None = None,
        format: str = "tif",
        resampler: str = "near",
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        max_workers: int | None = None,
        raster_client: object = None,
    ) -> Any:
        """Write each scene to a file, as `ImageCollection.download`.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands.
        ctx : GeoContext
            Area and grid of the files.
        dest : str, Path or sequence of these, optional
            Folder, or a path for each scene. By default the current folder.
        format : str, default "tif"
            "tif", "png" or "jpg", for files in a folder.
        resampler, processing_level, scaling, data_type, progress, max_workers
            As those of `ImageCollection.download`.
        raster_client : object, optional
            No effect: there is one service.

        Returns
        -------
        list of str or Path
            Paths, in the order of the scenes.

        Raises
        ------
        RuntimeError
            If a file cannot be written.
        ValueError
            If the collection is empty, a band is not available, or an argument is invalid.
        """
        del raster_client
        return self._images().download(
            bands,
            ctx,
            dest=dest,
            format=format,
            resampler=resampler,
            processing_level=processing_level,
            scaling=scaling,
            data_type=data_type,
            progress=progress,
            max_workers=max_workers,
        )

    download_all = download

    @old_method("ImageCollection.download_mosaic()")
    def download_mosaic(
        self,
        bands: str | list[str] | tuple[str, ...],
        ctx: GeoContext,
        dest: str | Path | None = None,
        format: str = "tif",
        resampler: str = "near",
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        mask_alpha: bool | str | None = None,
        nodata: float | None = None,
        progress: bool | None = None,
        raster_client: object = None,
    ) -> Any:
        """Write all scenes to one file, as `ImageCollection.download_mosaic`.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands.
        ctx : GeoContext
            Area and grid of the file.
        dest : str or Path, optional
            Path. By default `mosaic-{bands}.{format}` in the current folder.
        format : str, default "tif"
            "tif", "png" or "jpg", if there is no `dest`.
        resampler, processing_level, scaling, data_type, mask_alpha, nodata, progress
            As those of `ImageCollection.download_mosaic`.
        raster_client : object, optional
            No effect: there is one service.

        Returns
        -------
        str or Path
            Path of the file.

        Raises
        ------
        ValueError
            If the collection is empty, a band is not available, or an argument is invalid.
        """
        del raster_client
        return self._images().download_mosaic(
            bands,
            ctx,
            dest=dest,
            format=format,
            resampler=resampler,
            processing_level=processing_level,
            scaling=scaling,
            data_type=data_type,
            mask_alpha=mask_alpha,
            nodata=nodata,
            progress=progress,
        )


def _on_image(function: Callable[[Scene], Any], scenes: dict[int, Scene]) -> Callable[[Any], Any]:
    """Return a function of an image that gives what a function gives for the image's scene."""
    return lambda image: function(scenes[id(image)])
