"""Opening raster files: GDAL's settings, headers, and errors that say what was being read."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import rasterio
from odc.geo.geobox import GeoBox
from rasterio._err import CPLE_BaseError
from rasterio.enums import MaskFlags
from rasterio.env import getenv, hasenv
from rasterio.errors import RasterioError

from landbridge.raster.errors import RasterError
from landbridge.raster.grid import crs_of

if TYPE_CHECKING:
    from landbridge.raster.plan import FileRead, SourceRead

# Set for the time of a call and on its threads only.
GDAL_OPTIONS: dict[str, Any] = {
    # Nothing looks for sidecar files: over HTTP each look is a request.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_MAX_RETRY": 3,
    "GDAL_HTTP_RETRY_DELAY": 0.5,
    "GDAL_HTTP_CONNECTTIMEOUT": 10,
    # A transfer slower than 1 byte a second for half a minute has stalled.
    "GDAL_HTTP_LOW_SPEED_TIME": 30,
    "GDAL_HTTP_LOW_SPEED_LIMIT": 1,
    "GDAL_INGESTED_BYTES_AT_OPEN": 32768,
    "VSI_CACHE": False,
}
# GDAL's cache of blocks is one for the process, of 5 % of the memory unless its first user says otherwise. In
# MiB: the engine reads no block twice by it.
_CACHE_MAX = {"GDAL_CACHEMAX": 128}


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself. `overviews` are how many times coarser than its grid its overviews are.

    `mask` tells of a mask stored beside the bands, `alpha` is the number of a band that is one (0: none).
    """

    href: str
    driver: str
    count: int
    dtypes: tuple[str, ...]
    nodata: tuple[float | None, ...]
    grid: GeoBox
    overviews: tuple[int, ...]
    mask: bool
    alpha: int


@contextmanager
def gdal_env() -> Iterator[None]:
    """GDAL's settings while reading, on this thread."""
    options = GDAL_OPTIONS
    if "GDAL_CACHEMAX" not in os.environ and not (hasenv() and "GDAL_CACHEMAX" in getenv()):
        options = {**options, **_CACHE_MAX}
    with rasterio.Env(**options):
        yield


@contextmanager
def errors_about(source: "SourceRead", file: "FileRead") -> Iterator[None]:
    """Turn what goes wrong while a file is read into a RasterError that names image, bands and file."""
    try:
        yield
    except (RasterioError, CPLE_BaseError, OSError, IndexError) as error:
        names = ", ".join(map(repr, file.names))
        raise RasterError(
            f"image {source.source.id!r}: cannot read band{'s' if len(file.names) > 1 else ''} {names} "
            f"from {file.href!r}: {error}",
            source.source.id,
            file.names,
            file.href,
        ) from error


def read_header(href: str) -> Header:
    """A file's header.

    Raises:
        RasterioError: the file is missing, broken or without a coordinate reference system.
    """
    with rasterio.open(href, sharing=False) as dataset:
        if dataset.gcps[0] or dataset.crs is None:
            raise RasterioError("the file has no coordinate reference system or affine transform")
        flags = dataset.mask_flag_enums[0]
        alpha = MaskFlags.alpha in flags
        return Header(
            href=href,
            driver=dataset.driver,
            count=dataset.count,
            dtypes=tuple(dataset.dtypes),
            nodata=tuple(dataset.nodatavals),
            grid=GeoBox(dataset.shape, dataset.transform, crs_of(dataset.crs.to_wkt())),
            overviews=tuple(dataset.overviews(1)),
            mask=MaskFlags.per_dataset in flags and not alpha,
            alpha=_alpha_index(dataset) if alpha else 0,
        )


def level_grid(header: Header, level: int) -> GeoBox:
    """The grid of one of a file's levels: 0 is its own, 1 that of its first overview.

    Raises:
        RasterioError: the overview cannot be opened.
    """
    if level == 0:
        return header.grid
    with rasterio.open(header.href, sharing=False, overview_level=level - 1) as overview:
        rows, columns = header.grid.shape.yx
        scale = header.grid.transform.scale(columns / overview.width, rows / overview.height)
        return GeoBox((overview.height, overview.width), header.grid.transform @ scale, header.grid.crs)


def _alpha_index(dataset: Any) -> int:
    kinds = [kind.name for kind in dataset.colorinterp]
    return kinds.index("alpha") + 1 if "alpha" in kinds else 0
