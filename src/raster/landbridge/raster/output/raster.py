"""Result of a raster call: pixels with their grid, mask and bands."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from landbridge.raster.model import Band
from landbridge.raster.plan.arguments import move_bands_axis

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Pixels with their grid and bands.

    Attributes
    ----------
    data : numpy.ndarray
        Pixels, shape (band, y, x); 0 where the mask is True.
    mask : numpy.ndarray of bool, optional
        Mask of the same shape, True for pixels that are not valid; None if nothing is masked.
    geobox : odc.geo.geobox.GeoBox
        Grid of the pixels.
    bands : tuple of Band
        Bands in the order of `data`.
    files : tuple of str
        Paths or URLs that the pixels may come from.
    """

    data: np.ndarray[Any, np.dtype[Any]]
    mask: np.ndarray[Any, np.dtype[np.bool_]] | None
    geobox: "GeoBox"
    bands: tuple[Band, ...]
    files: tuple[str, ...] = field(default=())

    def array(self, bands_axis: int = 0) -> np.ndarray[Any, Any]:
        """Return the pixels as an array.

        Parameters
        ----------
        bands_axis : int, default 0
            Axis of the bands in the result, from -2 to 2.

        Returns
        -------
        numpy.ndarray or numpy.ma.MaskedArray
            Pixels (band, y, x) with the bands moved to `bands_axis`; masked if the raster has a mask.

        Raises
        ------
        ValueError
            If `bands_axis` is out of range.
        """
        pixels: np.ndarray[Any, Any] = self.data
        if self.mask is not None:
            pixels = np.ma.MaskedArray(self.data, mask=self.mask)
        return move_bands_axis(pixels, bands_axis)

    def info(self) -> dict[str, Any]:
        """Return the description of the raster, as `raster_info=True` returns it.

        Returns
        -------
        dict
            Georeference, size and bands in the terms of GDAL's `gdalinfo -json`.
        """
        from landbridge.raster.output.info import raster_info

        return raster_info(self.geobox, self.data.dtype, self.bands, self.files)
