"""Attributes of an image from the headers of its files, which stay where they lie.

The client reads the headers, with its own credentials. The service never fetches an address.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from landbridge.catalog.enums import StorageState
from landbridge.exceptions import BadRequestError
from landbridge.sources.access import known_signer
from landbridge.sources.unsigned_hrefs import without_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from odc.geo.geobox import GeoBox

    from landbridge.catalog.image_metadata import ImageMetadata

__all__ = ["FileHeader", "fill_from_files", "grid_attributes", "read_file_header"]

# Number of points per side of a footprint, whose sides are curves in longitude and latitude.
_POINTS_PER_SIDE = 16


@dataclass(frozen=True, slots=True)
class FileHeader:
    """Header of a raster file: its grid, and the data type and nodata value of each of its bands.

    `is_cog` is True for a tiled TIFF with overviews, from which parts can be read at any scale.
    """

    grid: GeoBox
    data_types: tuple[str, ...]
    nodata: tuple[float | None, ...]
    is_cog: bool = False


def read_file_header(href: str, sign: Callable[[str], str] | None = None) -> FileHeader:
    """Read the header of a file at an address.

    Raises
    ------
    BadRequestError
        If the file cannot be read, or has no coordinate reference system.
    """
    import numpy as np
    from rasterio.errors import RasterioError

    from landbridge.raster.dtypes import data_type_of
    from landbridge.raster.io.expiring_url import access_of, signed
    from landbridge.raster.io.headers import read_header
    from landbridge.raster.io.read_errors import refusal_hint
    from landbridge.raster.io.redact import redact_error_text, redact_url

    address = href
    try:
        if sign is not None and "://" in href:
            address = signed(sign, href)
        header = read_header(address)
    except (RasterioError, OSError, ValueError) as error:
        shown = redact_url(href)
        why = redact_error_text(str(error) or type(error).__name__, address, shown)
        why += refusal_hint(error, access_of(address))
        raise BadRequestError(
            f"The header of {shown} cannot be read: {why}. Check the address and the credentials of this "
            "machine, or set `geometry`, `cs_code`, `geotrans`, `x_pixels` and `y_pixels` before saving."
        ) from None
    types = tuple(data_type_of(np.dtype(name)) for name in header.dtypes)
    is_cog = header.tiff is not None and bool(header.overviews)
    return FileHeader(header.grid, types, tuple(header.nodata), is_cog)


def fill_from_files(image: ImageMetadata) -> None:
    """Set the attributes of a new image that are not set, by the headers of its files.

    Nothing is read if the image has a footprint or no files. Signatures are removed from the files' hrefs,
    and files without a size make the image a remote one.
    """
    files = [file for file in image.files or () if file.href]
    headers = (
        [read_file_header(file.href, image._client.asset_signer or known_signer()) for file in files]
        if image._read(type(image).geometry) is None
        else []
    )
    for file in files:
        file.href = without_signature(file.href)
    if files and image.storage_state is None and all(file.size_bytes is None for file in files):
        image.storage_state = StorageState.REMOTE
    if not headers:
        return
    for name, value in grid_attributes([header.grid for header in headers]).items():
        if name in ("cs_code", "projection") and (image.cs_code or image.projection):
            continue
        if getattr(image, name) is None:
            setattr(image, name, value)


def grid_attributes(grids: Sequence[GeoBox]) -> dict[str, Any]:
    """Return the attributes that the grids of an image's files decide.

    The image's own grid is the finest. Its footprint covers all of them.
    """
    import shapely

    finest = min(grids, key=_pixel_area)
    rows, columns = finest.shape.yx
    crs = finest.crs
    epsg = None if crs is None else crs.to_epsg()
    system = {"cs_code": f"EPSG:{epsg}"} if epsg else {"projection": str(crs.to_wkt() if crs else "")}
    footprint = shapely.union_all([_footprint(grid) for grid in dict.fromkeys(grids)])
    return {
        "geometry": footprint,
        **system,
        "geotrans": tuple(float(number) for number in finest.transform.to_gdal()),
        "x_pixels": int(columns),
        "y_pixels": int(rows),
    }


def _pixel_area(grid: GeoBox) -> float:
    """Return the area of a pixel relative to the footprint's, so that grids in other units compare."""
    rows, columns = grid.shape.yx
    return float(_footprint(grid).area) / (rows * columns)


def _footprint(grid: GeoBox) -> Any:
    """Return the outline of a grid in longitude and latitude, cut at the antimeridian."""
    side = max(abs(grid.resolution.x) * grid.shape.x, abs(grid.resolution.y) * grid.shape.y)
    outline = grid.extent.to_crs("EPSG:4326", resolution=side / _POINTS_PER_SIDE, wrapdateline=True)
    return outline.geom
