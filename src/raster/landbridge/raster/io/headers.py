"""Headers of raster files, parsed from TIFF directories or read by GDAL."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from odc.geo.geobox import GeoBox

from landbridge.geo.grids.crs import parse_crs
from landbridge.raster.dtypes import representable_nodata
from landbridge.raster.io.byte_ranges import open_file
from landbridge.raster.io.expiring_url import ExpiringUrl
from landbridge.raster.io.file_protocol import File
from landbridge.raster.io.gdal import dataset_of, has_mask_beside
from landbridge.raster.io.gdal_access import off_main_thread
from landbridge.raster.io.gdal_settings import gdal_env, gdal_errors
from landbridge.raster.io.local_directories import read_local_tiff
from landbridge.raster.io.local_file import LocalFile
from landbridge.raster.io.overviews import ALL_BANDS, OverviewOrigin, read_items
from landbridge.raster.io.redact import redact_logs, redact_url
from landbridge.raster.io.tiff_directory import Tiff, read_tiff
from landbridge.raster.io.tile_reader import TileCache, TileReader

_NO_LOCK = nullcontext()


_WHOLE_NUMBER = re.compile(r"[+-]?\d+\Z").match


@dataclass(frozen=True, slots=True)
class Header:
    """Header of a file.

    `overviews` are the decimation factors of its overviews, and `overview_origins` their origins per band.
    `mask` is True if a mask accompanies the bands; `alpha` is the number of the alpha band, or 0. `tiff` is
    the directory of a TIFF that the native reader supports; for other files `gdal_file` is the version that
    the header is of, if it is known. GDAL opens `address`.
    """

    address: str = field(repr=False)
    count: int
    dtypes: tuple[str, ...]
    nodata: tuple[float | None, ...]
    grid: GeoBox
    overviews: tuple[int, ...]
    mask: bool
    alpha: int
    tiff: Tiff | None = None
    overview_origins: tuple[OverviewOrigin, ...] = ()
    gdal_file: File | None = None

    @property
    def file(self) -> File | None:
        """Version of the file that the header is of; None if only GDAL can open the file."""
        return self.gdal_file if self.tiff is None else self.tiff.file


def read_header(address: str, parse_lock: AbstractContextManager[Any] = _NO_LOCK) -> Header:
    """Read a file's header, by the native parser for plain tiled TIFFs and otherwise by GDAL.

    Prefetching threads share a `parse_lock`, so that they do not slow down the thread that needs a file now.

    Raises:
        RasterioError: if the file is missing, broken or without a coordinate reference system.
        OSError: if the server lacks the file, denies access or does not answer.
    """
    file, tiff = _open_tiff(address, parse_lock)
    return _native_header(address, tiff) or off_main_thread(
        address, partial(_header_by_gdal, address, file, tiff)
    )


def read_native_header(address: str) -> Header | None:
    """Read a file's header; None if its tiles can only be read by GDAL.

    Raises:
        RasterioError: if the file has no coordinate reference system.
        OSError: if the server lacks the file, denies access or does not answer.
    """
    file, tiff = _open_tiff(address, _NO_LOCK)
    if tiff is None:
        return None
    header = _native_header(address, tiff)
    if header is None:
        # On a thread of its own: on the main thread GDAL's options would apply to the whole process.
        with ThreadPoolExecutor(1) as pool:
            header = pool.submit(_header_by_gdal, address, file, tiff).result()
    return None if header.tiff is None else header


def _open_tiff(address: str, parse_lock: AbstractContextManager[Any]) -> tuple[File | None, Tiff | None]:
    """Return a file, and its directory if it is a TIFF that the native reader supports."""
    if redact_url(address) != address or isinstance(address, ExpiringUrl):
        redact_logs()
    file = open_file(address)
    with parse_lock:
        if file is None:
            return None, None
        return file, read_local_tiff(file) if isinstance(file, LocalFile) else read_tiff(file)


def _header_by_gdal(address: str, file: File | None, tiff: Tiff | None) -> Header:
    with gdal_env():
        return _read_by_gdal(address, file, tiff)


def _native_header(address: str, tiff: Tiff | None) -> Header | None:
    """Return the header of a TIFF; None if only GDAL knows all of it."""
    if tiff is None or tiff.grid is None or tiff.has_alpha or has_mask_beside(address):
        return None
    return Header(
        address=address,
        count=tiff.count,
        dtypes=(tiff.pages[0].dtype.name,) * tiff.count,
        nodata=(tiff.nodata,) * tiff.count,
        grid=tiff.grid,
        overviews=tiff.overviews,
        mask=False,
        alpha=0,
        tiff=tiff,
        overview_origins=tiff.overview_origins,
    )


def _read_by_gdal(address: str, file: File | None, tiff: Tiff | None) -> Header:
    from rasterio.enums import MaskFlags
    from rasterio.errors import RasterioError

    with dataset_of(address, file=file) as dataset:
        if dataset.gcps[0] or dataset.crs is None:
            raise RasterioError("the file has no coordinate reference system or affine transform")
        flags = dataset.mask_flag_enums[0]
        # GDAL itself applies alpha only to some data types, and to files of two or four bands.
        alpha = _alpha_index(dataset)
        header = Header(
            address=address,
            count=dataset.count,
            dtypes=tuple(dataset.dtypes),
            # NODATA_VALUES masks pixels by the values of all bands together, so no band has a nodata value.
            nodata=(None,) * dataset.count if _is_hidden_by_color(flags) else _nodata_of(dataset),
            grid=GeoBox(dataset.shape, dataset.transform, parse_crs(dataset.crs.to_wkt())),
            overviews=tuple(dataset.overviews(1)),
            mask=MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags,
            alpha=alpha,
            overview_origins=_overviews_of(dataset, address, file),
            gdal_file=file,
        )
    agreed = (
        tiff is not None
        and not header.mask
        and tiff.pages[0].size == header.grid.shape.yx
        and (tiff.pages[0].dtype.name,) * tiff.count == header.dtypes
        and tiff.overviews == header.overviews
    )
    return replace(header, tiff=tiff, gdal_file=None) if agreed else header


def _is_hidden_by_color(flags: Any) -> bool:
    """Return whether GDAL masks pixels by the values of all bands together (NODATA_VALUES)."""
    from rasterio.enums import MaskFlags

    return MaskFlags.per_dataset in flags and MaskFlags.nodata in flags


def _nodata_of(dataset: Any) -> tuple[float | None, ...]:
    """Return each band's nodata value; for 64-bit integers from a VRT, as rasterio rounds them to floats."""
    if not {"int64", "uint64"}.intersection(dataset.dtypes):
        return tuple(dataset.nodatavals)
    from xml.etree import ElementTree as ET

    import rasterio.shutil
    from rasterio.io import MemoryFile

    with MemoryFile(ext=".vrt") as memory:
        rasterio.shutil.copy(dataset, memory.name, driver="VRT")
        parsed = ET.fromstring(memory.read())  # noqa: S314 - GDAL has just written it
    texts = [band.findtext("NoDataValue") for band in parsed.iter("VRTRasterBand") if band.get("band")]
    found = [None if text is None else int(text) if _WHOLE_NUMBER(text) else float(text) for text in texts]
    return tuple(found) if len(found) == dataset.count else tuple(dataset.nodatavals)


def level_grid(header: Header, level: int) -> GeoBox:
    """Return the grid of a file (level 0) or of one of its overviews (from level 1).

    Raises:
        RasterioError: if the overview cannot be opened.
    """
    if level == 0:
        return header.grid
    if header.tiff is not None:
        size = header.tiff.pages[level].size
    else:
        with dataset_of(header.address, level, header.file) as overview:
            size = overview.shape
    rows, columns = header.grid.shape.yx
    scale = header.grid.transform.scale(columns / size[1], rows / size[0])
    return GeoBox(size, header.grid.transform @ scale, header.grid.crs)


def tile_reader_for(header: Header, level: int, cache: TileCache) -> TileReader | None:
    """Return a reader of a file's tiles at a level; None if the native reader does not support the file."""
    if header.tiff is None:
        return None
    nodata = header.nodata[0]
    packed = header.tiff.pages[level]
    fill = 0 if nodata is None else representable_nodata(packed.dtype, nodata)
    return TileReader(header.tiff.file, packed, level, fill, cache)


def _overviews_of(dataset: Any, address: str, file: File | None) -> tuple[OverviewOrigin, ...]:
    """Return the origins of the overviews of each band of a dataset."""
    if not dataset.overviews(1):
        return ()
    if dataset.driver == "JP2OpenJPEG":
        # JPEG 2000 levels are those of a wavelet transform, from which no pixels are excluded.
        return (OverviewOrigin("CUBIC"),) * int(dataset.count)
    own = [(name, ALL_BANDS, value) for name, value in dataset.tags().items()]
    own += [(name, band - 1, value) for band in dataset.indexes for name, value in dataset.tags(band).items()]
    try:
        with dataset_of(address, 1, file) as overview:
            gdal = [(name, 0, value) for name, value in overview.tags(1).items()]
    except gdal_errors():
        # The read of the overview reports the error.
        gdal = []
    return read_items(dataset.count, own, gdal)


def _alpha_index(dataset: Any) -> int:
    kinds = [kind.name for kind in dataset.colorinterp]
    return kinds.index("alpha") + 1 if "alpha" in kinds else 0
