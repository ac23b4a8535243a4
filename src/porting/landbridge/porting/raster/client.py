"""Client of the Raster service over the Catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from landbridge.geo import DLTile
from landbridge.porting import services
from landbridge.porting.arguments.areas import NO_PLACES, to_geometry
from landbridge.porting.arguments.keywords import old_method
from landbridge.porting.arguments.products import constellation_products
from landbridge.porting.old_keys.lookups import bands_of_image, bands_of_product
from landbridge.porting.raster import files
from landbridge.porting.raster.grids import Grid
from landbridge.porting.raster.parameters import PARAMETERS, STACK_PARAMETERS
from landbridge.porting.raster.pixels import Reading, arranged, image_ids, read_layers
from landbridge.porting.raster.tiles import tile_feature
from landbridge.utils import DotDict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["Raster"]

_MOSAIC = "ImageCollection.mosaic() or Image.ndarray()"
_DOWNLOAD = "Image.download() or ImageCollection.download_mosaic()"
# The first versions named arguments by GDAL's options `-ot`, `-of` and `-outsize`, and images by their keys.
_RENAMED: Final = {"ot": "data_type", "of": "output_format", "keys": "inputs", "outsize": "dimensions"}
_GONE: Final = {"place": NO_PLACES, "headers": "No request is sent to a service of rasters."}


class Raster:
    """Client of the Raster service: pixels of images, and tiles.

    Parameters
    ----------
    url, auth, retries : optional
        Settings of the service, which no longer exists. They are accepted so that old scripts run; the
        Catalog is configured by `LANDBRIDGE_URL` and `landbridge auth`.

    Examples
    --------
    >>> from landbridge.porting.raster import Raster
    >>> raster = Raster()
    >>> pixels, meta = raster.ndarray(
    ...     "local:docs-fields:2024-01", bands=["red", "nir"], scales=[[0, 4000], None], data_type="Byte"
    ... )
    >>> pixels.shape, meta["size"]
    ((40, 50, 2), [50, 40])
    """

    def __init__(self, url: Any = None, auth: Any = None, retries: Any = None) -> None:
        del url, auth, retries

    @old_method(_MOSAIC, renamed=_RENAMED, gone=_GONE, about=PARAMETERS)
    def ndarray(
        self,
        inputs: Any,
        bands: Any = None,
        scales: Any = None,
        data_type: str | None = None,
        srs: str | None = None,
        resolution: float | None = None,
        dimensions: Any = None,
        cutline: Any = None,
        bounds: Any = None,
        bounds_srs: str | None = None,
        align_pixels: bool = False,
        resampler: str | None = None,
        order: str = "image",
        dltile: Any = None,
        processing_level: str | None = None,
        cutline_all_touched: bool = False,
        masked: bool = False,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        drop_alpha: bool = False,
        progress: bool | None = None,
    ) -> tuple[NDArray[Any], dict[str, Any]]:
        """Return the pixels of images, later ones above earlier ones, and their description.

        Returns
        -------
        pixels : numpy.ndarray
            Pixels, (row, column, band) or (band, row, column); (row, column) for one band.
        meta : dict
            Georeference, size and bands, as `gdalinfo -json` describes a file.

        Raises
        ------
        NotFoundError
            If an image does not exist.
        ValueError
            If an argument is not valid.
        """
        reading = Reading(
            bands, scales, data_type, resampler, processing_level, masked, mask_nodata, mask_alpha, drop_alpha
        )
        grid = Grid(
            srs,
            resolution,
            dimensions,
            cutline,
            bounds,
            bounds_srs,
            align_pixels,
            dltile,
            cutline_all_touched,
        )
        arranged(np.empty((1, 1, 1)), order)
        (layer,) = read_layers([image_ids(inputs)], grid, reading, progress=progress)
        pixels = layer.pixels[0] if len(layer.pixels) == 1 else arranged(layer.pixels, order)
        return pixels, layer.info

    @old_method("ImageCollection.stack()", renamed=_RENAMED, gone=_GONE, about=STACK_PARAMETERS)
    def stack(
        self,
        inputs: Any,
        bands: Any = None,
        scales: Any = None,
        data_type: str | None = None,
        srs: str | None = None,
        resolution: float | None = None,
        dimensions: Any = None,
        cutline: Any = None,
        bounds: Any = None,
        bounds_srs: str | None = None,
        align_pixels: bool = False,
        resampler: str | None = None,
        order: str = "image",
        dltile: Any = None,
        processing_level: str | None = None,
        max_workers: int | None = None,
        cutline_all_touched: bool = False,
        masked: bool = False,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        drop_alpha: bool = False,
        progress: bool | None = None,
    ) -> tuple[NDArray[Any], list[dict[str, Any]]]:
        """Return the pixels of each input as a layer of one array, and the descriptions of the layers.

        Returns
        -------
        pixels : numpy.ndarray
            Pixels, (layer, row, column, band), or (layer, band, row, column) with `order="gdal"`.
        metas : list of dict
            Description of each layer.

        Raises
        ------
        NotFoundError
            If an image does not exist.
        ValueError
            If an argument is not valid.
        """
        reading = Reading(
            bands, scales, data_type, resampler, processing_level, masked, mask_nodata, mask_alpha, drop_alpha
        )
        grid = Grid(
            srs,
            resolution,
            dimensions,
            cutline,
            bounds,
            bounds_srs,
            align_pixels,
            dltile,
            cutline_all_touched,
        )
        arranged(np.empty((1, 1, 1)), order)
        groups = [image_ids(group) for group in ([inputs] if isinstance(inputs, str) else inputs)]
        if not groups:
            raise ValueError("`inputs` is empty: give the ids of images.")
        layers = read_layers(groups, grid, reading, progress=progress, max_workers=max_workers)
        join = np.ma.stack if masked else np.stack
        return arranged(join([layer.pixels for layer in layers]), order), [layer.info for layer in layers]

    @old_method(_DOWNLOAD, renamed=_RENAMED, gone=_GONE, about=PARAMETERS)
    def raster(
        self,
        inputs: Any,
        bands: Any = None,
        scales: Any = None,
        data_type: str | None = None,
        output_format: str = "GTiff",
        srs: str | None = None,
        resolution: float | None = None,
        dimensions: Any = None,
        cutline: Any = None,
        bounds: Any = None,
        bounds_srs: str | None = None,
        align_pixels: bool = False,
        resampler: str | None = None,
        dltile: Any = None,
        processing_level: str | None = None,
        save: bool = False,
        outfile_basename: str | None = None,
        cutline_all_touched: bool = False,
        mask_nodata: bool = True,
        mask_alpha: bool | str | None = None,
        drop_alpha: bool = False,
        progress: bool | None = None,
    ) -> DotDict:
        """Return a file with the pixels of images, later ones above earlier ones, and their description.

        Returns
        -------
        DotDict
            `files`, a dict from the name of the file to its bytes, and `metadata`, the description.

        Raises
        ------
        NotFoundError
            If an image does not exist.
        ValueError
            If an argument is not valid, or if the format cannot hold the bands or their type.
        """
        reading = Reading(
            bands=bands, scales=scales, data_type=data_type, resampler=resampler,
            processing_level=processing_level, mask_nodata=mask_nodata, mask_alpha=mask_alpha,
            drop_alpha=drop_alpha,
        )  # fmt: skip
        grid = Grid(
            srs,
            resolution,
            dimensions,
            cutline,
            bounds,
            bounds_srs,
            align_pixels,
            dltile,
            cutline_all_touched,
        )
        ids = image_ids(inputs)
        files.file_name(ids, (), output_format, outfile_basename)
        (layer,) = read_layers([ids], grid, reading, progress=progress)
        name = files.file_name(ids, layer.names, output_format, outfile_basename)
        content = files.encode(layer, output_format)
        if save:
            files.save(content, name)
        return DotDict({"files": {name: content}, "metadata": layer.info})

    @old_method("DLTile.from_key()")
    def dltile(self, key: str) -> DotDict:
        """Return the tile with a key as a GeoJSON Feature; ValueError if the key is not valid."""
        return tile_feature(DLTile.from_key(key))

    @old_method("DLTile.from_latlon()")
    def dltile_from_latlon(
        self, lat: float, lon: float, resolution: float, tilesize: int, pad: int
    ) -> DotDict:
        """Return the tile that contains a point as a GeoJSON Feature."""
        return tile_feature(DLTile.from_latlon(lat, lon, resolution, tilesize, pad))

    @old_method("DLTile.from_shape()")
    def dltiles_from_shape(
        self, resolution: float, tilesize: int, pad: int, shape: Any, maxtiles: int | None = None
    ) -> DotDict:
        """Return the tiles that intersect a shape as a GeoJSON FeatureCollection.

        `maxtiles` has no effect: it was the number of tiles of one request.
        """
        del maxtiles
        tiles = DLTile.from_shape(to_geometry(shape), resolution, tilesize, pad)
        return DotDict({"type": "FeatureCollection", "features": [tile_feature(tile) for tile in tiles]})

    @old_method("DLTile.iter_from_shape()")
    def iter_dltiles_from_shape(
        self, resolution: float, tilesize: int, pad: int, shape: Any, maxtiles: int | None = None
    ) -> Iterator[DotDict]:
        """Return an iterator over the tiles that intersect a shape, as GeoJSON Features."""
        del maxtiles
        return _tiles(resolution, tilesize, pad, shape)

    @old_method("DLTile.from_shape(keys_only=True)")
    def dlkeys_from_shape(
        self, resolution: float, tilesize: int, pad: int, shape: Any, maxtiles: int | None = None
    ) -> list[str]:
        """Return the keys of the tiles that intersect a shape."""
        del maxtiles
        return DLTile.from_shape(to_geometry(shape), resolution, tilesize, pad, keys_only=True)

    @old_method("DLTile.from_shape()")
    def dltiles_from_place(self, *_arguments: Any, **_options: Any) -> DotDict:
        """Raise HostedServiceError: the Places service no longer exists."""
        services.PLACES.refuse("Raster.dltiles_from_place()")

    @old_method("DLTile.from_shape()")
    def dlkeys_from_place(self, *_arguments: Any, **_options: Any) -> list[str]:
        """Raise HostedServiceError: the Places service no longer exists."""
        services.PLACES.refuse("Raster.dlkeys_from_place()")

    @old_method("Product.bands()")
    def get_bands_by_key(self, key: str) -> DotDict:
        """Return the bands of an image's product, by name; NotFoundError if the image does not exist."""
        return bands_of_image(key)

    @old_method("Product.bands()")
    def get_bands_by_id(self, id: str) -> DotDict:
        """Return the bands of an image's product, by name; NotFoundError if the image does not exist."""
        return bands_of_image(id)

    @old_method("Product.bands()")
    def get_bands_by_constellation(self, const: str) -> DotDict:
        """Return the bands of a constellation, by name; NotFoundError if no product has its pixels."""
        (product_id,) = constellation_products(const)
        return bands_of_product(product_id)


def _tiles(resolution: float, tilesize: int, pad: int, shape: Any) -> Iterator[DotDict]:
    for tile in DLTile.iter_from_shape(to_geometry(shape), resolution, tilesize, pad):
        yield tile_feature(tile)  # type: ignore[arg-type] # a tile, without `keys_only`
