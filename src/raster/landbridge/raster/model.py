"""Inputs of the raster engine: bands, images and requests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from landbridge.geo import GeoContext

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Band:
    """Band of a product.

    Attributes
    ----------
    name : str
        Name of the band, unique in its product.
    data_type : str, optional
        Data type of the stored pixels, one of `landbridge.raster.dtypes.DATA_TYPES`; None is the file's.
    nodata : float, optional
        Value of missing pixels. A nodata value in the file takes precedence.
    band_index : int
        Position of the band in its file, from 0.
    file_index : int
        Position of the file in `Source.files`, from 0.
    asset : str, optional
        Name of the file in messages.
    type : str
        Kind of the band: "spectral", "derived", "generic", "mask", "class", ….
    is_alpha : bool
        True if the band hides pixels whose value is 0.
    data_range, display_range, physical_range : tuple of float, optional
        Lowest and highest value: as stored, for display, and in physical units.
    processing_levels : mapping, optional
        Steps of each processing level by its name, or the name of another level.
    """

    name: str
    data_type: str | None = "UInt16"
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
class StoredPixels:
    """Data type and nodata value of a band's pixels in one image; None is as the product declares.

    If `is_certain` is true, the nodata value takes precedence over the file's, which is known to be wrong.
    """

    data_type: str | None = None
    nodata: float | None = None
    is_certain: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """One image: its files and the bands of its product.

    Attributes
    ----------
    id : str
        Id of the image, for messages.
    files : tuple of str
        Paths or URLs of the files; an empty string marks a file that is not available.
    bands : mapping of str to Band
        Bands of the product by name.
    geometry : shapely geometry, optional
        Footprint in longitude and latitude, in degrees.
    product_id : str
        Id of the product, for messages.
    coefficients : mapping
        Attributes of the image that processing levels compute with: a number, or a list with an entry (a
        number or several) per band.
    sign : callable, optional
        Returns the URL from which a remote href is read. It is called just before the file is opened, and
        again when the `ExpiringUrl` that it returned has expired.
    places : mapping
        Bands that this image stores elsewhere than its product declares: by name the position in `files` and
        the index in that file, or None if the image lacks the band.
    radiometry : mapping
        Scale and offset, by name, of bands whose stored values have other physical values in this image than
        the product declares: a stored value times scale plus offset.
    stored : mapping
        Bands whose pixels this image stores in another way than the product declares, by name.
    """

    id: str
    files: tuple[str, ...]
    bands: Mapping[str, Band]
    geometry: "BaseGeometry | None" = None
    product_id: str = ""
    coefficients: Mapping[str, Any] = field(default_factory=dict)
    sign: Callable[[str], str] | None = field(default=None, repr=False, compare=False)
    places: Mapping[str, tuple[int, int] | None] = field(default_factory=dict)
    radiometry: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    stored: Mapping[str, StoredPixels] = field(default_factory=dict)

    def place(self, name: str) -> tuple[int, int] | None:
        """Return the position in `files` and the index there of a band; None if the image lacks it."""
        band = self.bands[name]
        place = self.places.get(name, (band.file_index, band.band_index))
        return place if place and place[0] < len(self.files) and self.files[place[0]] else None


@dataclass(frozen=True, slots=True)
class Request:
    """Pixels to render: bands, grid, masks, values and types.

    Attributes
    ----------
    bands : tuple of str
        Names of the bands, in the order of the result.
    geocontext : GeoContext
        Output grid: an `AOI`, `DLTile` or `XYZTile` with bounds, coordinate reference system, and
        resolution or shape.
    mask_nodata : bool
        Mask pixels that have the nodata value.
    mask_alpha : bool or str, optional
        Mask pixels that the alpha band hides: True, False, the name of the band, or None to use an alpha
        band if every product has one.
    resampler : str
        Resampling method, one of `landbridge.raster.plan.arguments.RESAMPLERS`.
    processing_level : str, optional
        Name of the processing level; None reads the default level.
    scaling : optional
        Scaling of the values: a mode, a list or a mapping (see `scaling_parameters`).
    data_type : str, optional
        Data type of the result; by default it follows from bands and scaling.
    method : str
        Way to combine several images: "last", "first", "mean", "median", "min", "max" or "count".
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
