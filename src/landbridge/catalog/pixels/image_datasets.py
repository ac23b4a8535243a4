"""Loading one image as an xarray.Dataset by odc-stac."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.pixels.image_arrays import ImageArrays

if TYPE_CHECKING:
    from xarray import Dataset

    from landbridge.geo import GeoContext

__all__ = ["ImageDatasets"]


class ImageDatasets(ImageArrays):
    """Methods of `Image` that load pixels as xarray.Dataset."""

    def to_dataset(
        self,
        bands: str | list[str] | tuple[str, ...] | None = None,
        geocontext: GeoContext | None = None,
        **options: Any,
    ) -> Dataset:
        """Load the image with `odc.stac.load` as an xarray.Dataset, one variable for each band.

        The image's Item is read from its API again. Its files are read by Landbridge's tile reader, and hrefs
        are signed as in all other methods. Names of Landbridge's bands and of odc-stac's are both known.

        Parameters
        ----------
        bands : str, list of str or tuple of str, optional
            Names of the bands. In a string, single spaces separate them. By default all bands of the Item.
        geocontext : GeoContext, optional
            Grid of the result; its geometry masks nothing. By default odc-stac chooses the grid, by the
            options and the Item.
        **options
            Arguments of `odc.stac.load`, such as `chunks`, `like`, `geobox`, `bbox`, `crs`, `resolution`,
            `resampling`, `dtype`, `fail_on_error` or `stac_cfg`. Further, `driver` is "landbridge" by
            default; None is odc-stac's own reader.

        Returns
        -------
        xarray.Dataset
            Variables with the dimensions (time, y, x); time has length 1.

        Raises
        ------
        ValueError
            If a band is missing, or if odc-stac refuses an argument.
        NotFoundError
            If the image does not exist.
        RasterError
            If a file is missing or broken.
        DeletedObjectError
            If the image has been deleted.

        Examples
        --------
        >>> dataset = image.to_dataset("red nir")
        >>> sorted(dataset.data_vars), dataset["red"].dims, dataset["red"].shape
        (['nir', 'red'], ('time', 'y', 'x'), (1, 40, 50))

        See Also
        --------
        Image.to_xarray : One array by Landbridge's own engine, with masks and scaling.
        ImageCollection.to_dataset : Several images.
        """
        from landbridge.catalog.pixels import datasets

        self._check_not_deleted()
        return datasets.dataset([self], bands, datasets.with_grid(geocontext, geocontext, options))
