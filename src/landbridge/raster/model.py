"""The values that pass between the catalog and the raster engine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from landbridge.raster.plan.arguments import move_bands_axis

if TYPE_CHECKING:
    from odc.geo.geobox import GeoBox
    from shapely.geometry.base import BaseGeometry

    from landbridge.geo import GeoContext

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Band:
    """Band of a product, as the engine needs it; indices count from zero.

    `file_index` is the position in `Source.files`, `asset` the name of that file in messages.
    """

    name: str
    data_type: str = "UInt16"
    nodata: float | None = None
    band_index: int = 0
    file_index: int = 0
    asset: str | None = None
    type: str = "spectral"
    is_alpha: bool = False
    data_range: Range | None = None
    display_range: Range | None = None
    physical_range: Range | None = None
    processing_levels: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One image: its files (the empty string: not available), and its product's bands by name.

    `places` has those bands that this image has elsewhere than the product says: by name the position in
    `files` and the index in the file; None: the image does not have the band.
    `geometry` is the footprint in longitude and latitude. `coefficients` are the image's attributes that
    processing levels compute with: by name a number, or a list with an entry (a number, or several) per band.
    `sign` gives the address that a file elsewhere is read from, by its href; it is called just before the
    file is opened, and again where it gave an `Address` whose time is over.
    """

    id: str
    files: tuple[str, ...]
    bands: Mapping[str, Band]
    geometry: "BaseGeometry | None" = None
    product_id: str = ""
    coefficients: Mapping[str, Any] = field(default_factory=dict)
    sign: Callable[[str], str] | None = field(default=None, repr=False, compare=False)
    places: Mapping[str, tuple[int, int] | None] = field(default_factory=dict)

    def place(self, name: str) -> tuple[int, int] | None:
        """Return the position in `files` and the index there of a band; None if the image lacks it."""
        band = self.bands[name]
        place = self.places.get(name, (band.file_index, band.band_index))
        return place if place and place[0] < len(self.files) and self.files[place[0]] else None


@dataclass(frozen=True, slots=True)
class Request:
    """What is wanted: bands by name, on a complete GeoContext's grid, with these masks, values and types; of
    several images what `method` makes of them.
    """

    bands: tuple[str, ...]
    geocontext: "GeoContext"
    mask_nodata: bool = True
    mask_alpha: bool | str | None = None
    resampler: str = "near"
    processing_level: str | None = None
    scaling: Any = None
    data_type: str | None = None
    method: str = "last"


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Pixels with their grid: data (band, y, x), a mask of the same shape (True: not valid) or None, and
    bands.

    Data under the mask is 0. `files` are the addresses the pixels may come from.
    """

    data: np.ndarray[Any, np.dtype[Any]]
    mask: np.ndarray[Any, np.dtype[np.bool_]] | None
    geobox: "GeoBox"
    bands: tuple[Band, ...]
    files: tuple[str, ...] = field(default=())

    def array(self, bands_axis: int = 0) -> np.ndarray[Any, Any]:
        """The pixels as an array, masked if there is a mask, the bands on `bands_axis` (-2 to 2).

        Raises:
            ValueError: `bands_axis` is out of range.
        """
        pixels: np.ndarray[Any, Any] = self.data
        if self.mask is not None:
            pixels = np.ma.MaskedArray(self.data, mask=self.mask)
        return move_bands_axis(pixels, bands_axis)

    def info(self) -> dict[str, Any]:
        """The description of the raster that `raster_info=True` returns."""
        from landbridge.raster.output.info import raster_info

        return raster_info(self)
