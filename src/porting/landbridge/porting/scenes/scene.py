"""One scene: an image with the interface of the Scenes client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog import Image, ImageCollection
from landbridge.exceptions import NotFoundError
from landbridge.geo import AOI
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.deprecations import warn_deprecated
from landbridge.porting.scenes.alpha import read_with_alpha
from landbridge.porting.scenes.areas import lonlat_area
from landbridge.porting.scenes.scene_properties import BandRecords, scene_properties

if TYPE_CHECKING:
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

    from landbridge.geo import GeoContext
    from landbridge.utils import DotDict

__all__ = ["Scene"]


class Scene:
    """Image with `geometry` and `properties` as the Scenes client had them.

    Scenes come from `scenes.search` and `Scene.from_id`.

    Parameters
    ----------
    image : Image
        Image of the Catalog.
    bands : BandRecords, optional
        Bands that were read for other scenes already.

    Examples
    --------
    >>> from descarteslabs.scenes import Scene
    >>> scene, ctx = Scene.from_id("local:docs-fields:2024-01")
    >>> scene.properties.date.isoformat(), ctx.resolution
    ('2024-01-15T10:00:00', 30.0)
    >>> scene.ndarray("red nir", ctx.assign(resolution=60)).shape
    (2, 20, 25)
    """

    def __init__(self, image: Image, bands: BandRecords | None = None) -> None:
        self._image = image
        self._bands = BandRecords() if bands is None else bands
        self._properties: DotDict | None = None

    @classmethod
    def from_id(cls, scene_id: str, metadata_client: object = None) -> tuple[Scene, AOI]:
        """Return a scene by its id, and a geocontext of its own pixels.

        Parameters
        ----------
        scene_id : str
            Id of the image.
        metadata_client : object, optional
            No effect: the Catalog is asked.

        Returns
        -------
        scene : Scene
            Scene.
        ctx : AOI
            Bounds, reference system and resolution of the stored pixels, without a geometry.

        Raises
        ------
        NotFoundError
            If the image does not exist.

        Examples
        --------
        >>> from descarteslabs.scenes import Scene
        >>> scene, ctx = Scene.from_id("local:docs-fields:2024-01")
        >>> ctx.crs
        'EPSG:32612'
        """
        del metadata_client
        warn_deprecated("Scene.from_id", "Image.get(), and Image.geocontext for its area")
        image = Image.get(scene_id)
        if image is None:
            raise NotFoundError(
                f"Image {scene_id!r} does not exist. The ids of images differ between sources: search for it "
                "with Image.search()."
            )
        scene = cls(image)
        return scene, scene.default_geocontext()

    @property
    def properties(self) -> DotDict:
        """Metadata by old keys, such as `id`, `product`, `acquired`, `date`, `cloud_fraction` and `bands`."""
        if self._properties is None:
            self._properties = scene_properties(self._image, self._bands)
        return self._properties

    @property
    def geometry(self) -> BaseGeometry:
        """Footprint in longitude and latitude."""
        geometry: BaseGeometry = self._image.geometry
        return geometry

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """Footprint as GeoJSON."""
        return self._image.__geo_interface__

    def __repr__(self) -> str:
        image = self._image
        lines = [f'Scene "{image.id}"', f'  * Product: "{image.product_id}"']
        if image.cs_code or image.projection:
            lines.append(f'  * CRS: "{image.cs_code or image.projection}"')
        if image.acquired is not None:
            lines.append(f"  * Date: {image.acquired:%c}")
        return "\n".join(lines)

    def default_geocontext(self) -> AOI:
        """Return a geocontext of the stored pixels: their bounds, reference system and resolution.

        Returns
        -------
        AOI
            Area without a geometry. It has a shape in place of the resolution if the pixels are not square.

        Examples
        --------
        >>> from descarteslabs.scenes import Scene
        >>> Scene.from_id("local:docs-fields:2024-01")[0].default_geocontext().geometry is None
        True
        """
        grid = self._image.geocontext
        if grid.crs is None:
            return _grid_of_files(self._image)
        whole = AOI(
            crs=grid.crs,
            bounds=grid.bounds,
            bounds_crs=grid.bounds_crs,
            shape=grid.shape,
            resolution=grid.resolution,
            align_pixels=False,
        )
        return whole if grid.shape is None else _with_resolution(whole, self._image.geotrans)

    def coverage(self, geom: Any) -> float:
        """Return the fraction of a geometry that the footprint covers.

        Parameters
        ----------
        geom : dict, shapely geometry or GeoContext
            Geometry in longitude and latitude.

        Returns
        -------
        float
            Fraction from 0 to 1.

        Examples
        --------
        >>> from descarteslabs.scenes import Scene
        >>> Scene.from_id("local:docs-fields:2024-01")[0].coverage(area)
        1.0
        """
        return self._image.coverage(lonlat_area(geom))

    @old_method("Image.scaling_parameters()")
    def scaling_parameters(
        self,
        bands: str | list[str] | tuple[str, ...],
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
    ) -> tuple[list[Any] | None, str]:
        """Return the scaling of each band and the data type, as `Image.scaling_parameters`."""
        return self._image.scaling_parameters(bands, processing_level, scaling, data_type)

    @old_method("Image.ndarray()")
    def ndarray(
        self,
        bands: str | list[str] | tuple[str, ...],
        ctx: GeoContext,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        bands_axis: int = 0,
        raster_info: bool = False,
        resampler: str = "near",
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        progress: bool | None = None,
        raster_client: object = None,
    ) -> Any:
        """Read pixels as a NumPy array of shape (band, row, column), as `Image.ndarray`.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands. "alpha" is possible for products without such a band; see `scenes.alpha`.
        ctx : GeoContext
            Area and grid of the result.
        mask_nodata, mask_alpha, bands_axis, raster_info, resampler
            As those of `Image.ndarray`.
        processing_level, scaling, data_type, progress
            As those of `Image.ndarray`.
        raster_client : object, optional
            No effect: there is one service.

        Returns
        -------
        numpy.ma.MaskedArray, numpy.ndarray, or a pair of the array and a dict
            Pixels.

        Raises
        ------
        ValueError
            If a band is not available, or an argument is invalid.
        """
        del raster_client
        return read_with_alpha(
            self._image.ndarray,
            bands,
            list(self._bands.of(self._image.product_id)),
            geocontext=ctx,
            mask_nodata=mask_nodata,
            mask_alpha=mask_alpha,
            bands_axis=bands_axis,
            raster_info=raster_info,
            resampler=resampler,
            processing_level=processing_level,
            scaling=scaling,
            data_type=data_type,
            progress=progress,
        )

    @old_method("Image.download()")
    def download(
        self,
        bands: str | list[str] | tuple[str, ...],
        ctx: GeoContext,
        dest: str | Path | None = None,
        format: str = "tif",
        resampler: str = "near",
        processing_level: str | None = None,
        scaling: Any = None,
        data_type: str | None = None,
        nodata: float | None = None,
        progress: bool | None = None,
        raster_client: object = None,
    ) -> str | Path:
        """Write pixels to a file, as `Image.download`.

        Parameters
        ----------
        bands : str, list of str or tuple of str
            Names of the bands.
        ctx : GeoContext
            Area and grid of the file.
        dest : str or Path, optional
            Path. By default `{id}-{bands}.{format}` in the current folder.
        format : str, default "tif"
            "tif", "png" or "jpg", if there is no `dest`.
        resampler, processing_level, scaling, data_type, nodata, progress
            As those of `Image.download`.
        raster_client : object, optional
            No effect: there is one service.

        Returns
        -------
        str or Path
            Path of the file.

        Raises
        ------
        ValueError
            If a band is not available, or an argument is invalid.
        """
        del raster_client
        return self._image.download(
            bands,
            ctx,
            dest=dest,
            format=format,
            resampler=resampler,
            processing_level=processing_level,
            scaling=scaling,
            data_type=data_type,
            nodata=nodata,
            progress=progress,
        )


def _grid_of_files(image: Image) -> AOI:
    """Return the bounds of an image whose document states no grid, with that of its files."""
    area = ImageCollection([image], geocontext=image.geometry).geocontext
    assert isinstance(area, AOI)  # of a geometry
    return area.assign(geometry=None)


def _with_resolution(area: AOI, geotrans: tuple[float, ...] | None) -> AOI:
    """Return an area with a resolution in place of its shape, if its pixels are square and not rotated."""
    if geotrans is None:
        return area
    _, width, row_rotation, _, column_rotation, height = geotrans
    if row_rotation or column_rotation or abs(width) != abs(height):
        return area
    return area.assign(resolution=abs(width))
