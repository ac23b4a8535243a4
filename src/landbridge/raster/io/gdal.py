"""Opening raster files: GDAL's settings, headers, and errors that say what was being read."""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import rasterio
import rasterio.shutil
from odc.geo.geobox import GeoBox
from rasterio._err import CPLE_BaseError
from rasterio.enums import MaskFlags
from rasterio.env import getenv, hasenv
from rasterio.errors import RasterioError
from rasterio.session import DummySession

from landbridge.raster.dtypes import held_nodata
from landbridge.raster.errors import RasterError, raise_alone
from landbridge.raster.grids.crs import crs_of
from landbridge.raster.io.byte_ranges import RETRIES, is_remote, open_file, s3_endpoint, timeout
from landbridge.raster.io.overviews import ALL_BANDS, Overviews, read_items
from landbridge.raster.io.tiff_directory import Tiff, structure
from landbridge.raster.io.tile_reader import TileCache, Tiles

if TYPE_CHECKING:
    from landbridge.raster.plan.plan import FileRead, SourceRead

# Set for the time of a call and on its threads only.
GDAL_OPTIONS: dict[str, Any] = {
    # Nothing looks for sidecar files: over HTTP each look is a request.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_MAX_RETRY": RETRIES,
    "GDAL_HTTP_RETRY_DELAY": 0.5,
    "GDAL_HTTP_CONNECTTIMEOUT": 10,
    "GDAL_HTTP_LOW_SPEED_LIMIT": 1,
    "GDAL_INGESTED_BYTES_AT_OPEN": 32768,
    "VSI_CACHE": False,
}
# GDAL's cache of blocks is one for the process, of 5 % of the memory unless its first user says otherwise.
# In MiB:
# what the engine may take beyond its output; others in the process lose little by that.
_CACHE_MAX = {"GDAL_CACHEMAX": 512}

# With these GDAL forgets what it keeps of remote files from one call to the next.
_FRESH = {"CPL_VSIL_CURL_NON_CACHED": ":".join(f"/vsi{kind}/" for kind in ("curl", "s3", "gs", "az", "adls"))}
_AT_ONCE = nullcontext()
_QUERY = re.compile(r"\?[^\s'\"]+")
_TELLING = 8
# As the system, GDAL and servers say that there is no such file.
_ABSENT = re.compile(r"No such file|does not exist|\b(404|410)\b|\bNoSuchKey\b").search
_WHOLE = re.compile(r"[+-]?\d+\Z").match
_USER = re.compile(r"(://)[^/@\s'\"]+@")


@dataclass(frozen=True, slots=True)
class Header:
    """Header of a file. `overviews` are how many times coarser than its grid its overviews are,
    `overview_methods` the origins of those of each band.

    `mask` tells of a mask stored beside the bands, `alpha` is the number of a band that is one (0: none).
    `tiff` is the structure of a TIFF whose tiles are decoded here. GDAL opens `address`.
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
    overview_methods: tuple[Overviews, ...] = ()


@contextmanager
def gdal_env() -> Iterator[None]:
    """GDAL's settings while reading, on this thread; on the main thread rasterio would set them for all."""
    # A transfer slower than 1 byte a second for that time has stalled.
    options = {**GDAL_OPTIONS, **_s3_options(), "GDAL_HTTP_LOW_SPEED_TIME": max(1, round(timeout()))}
    if "GDAL_CACHEMAX" not in os.environ and not (hasenv() and "GDAL_CACHEMAX" in getenv()):
        options |= _CACHE_MAX
    # GDAL finds credentials by itself: a session of rasterio's would look for them each time.
    with rasterio.Env(DummySession(), **options):
        yield


def _s3_options() -> dict[str, Any]:
    """GDAL's words for a service that stands in for AWS, where the environment names it as AWS's tools do."""
    endpoint = s3_endpoint()
    if endpoint is None or os.environ.get("AWS_S3_ENDPOINT"):
        return {}
    parts = urlsplit(endpoint)
    options: dict[str, Any] = {"AWS_S3_ENDPOINT": f"{parts.netloc}{parts.path.rstrip('/')}"}
    if "AWS_HTTPS" not in os.environ:
        options["AWS_HTTPS"] = parts.scheme == "https"
    if "AWS_VIRTUAL_HOSTING" not in os.environ:
        virtual = os.environ.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "")
        options["AWS_VIRTUAL_HOSTING"] = virtual.lower() == "true"
    return options


@contextmanager
def errors_about(source: "SourceRead", file: "FileRead", address: str | None = None) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a RasterError that names image, bands and file.

    `address` is where the file is read from, if that is not what it is known by. It may be signed, as may be
    an href with a query: neither the message nor a chained error tells of that.
    """
    try:
        yield
    except (RasterioError, CPLE_BaseError, OSError, IndexError) as error:
        told = about(source, file, _unsigned(str(error), address or file.href, file.href) + _gone(error))
        if address not in (None, file.href) or public(file.href) != file.href:
            raise_alone(told)
        raise told from error


def _gone(error: Exception) -> str:
    """Return what an error adds that says a file is not there."""
    absent = isinstance(error, FileNotFoundError) or _ABSENT(str(error))
    return " (was the image overwritten or deleted meanwhile? Then get it anew)" if absent else ""


def about(source: "SourceRead", file: "FileRead", what: str) -> RasterError:
    """The error that a file cannot be read."""
    names = ", ".join(map(repr, file.names))
    href = public(file.href)
    return RasterError(
        f"image {source.source.id!r}: cannot read band{'s' if len(file.names) > 1 else ''} {names} "
        f"from {href!r}: {what}",
        source.source.id,
        file.names,
        href,
    )


def public(address: str) -> str:
    """An address without what may be secret: its query, and the name and password before its host."""
    return _without_secrets(address) if is_remote(address) else address


def _without_secrets(text: str) -> str:
    return _QUERY.sub("?…", _USER.sub(r"\1", text))


def _unsigned(text: str, address: str, href: str) -> str:
    """An error's text without the signature of an address."""
    if not is_remote(address):
        return text
    query = urlsplit(address).query
    # A part may stand alone, but one of a few letters would be found in any word.
    parts = [part for part in query.split("&") if len(part) >= _TELLING]
    for secret, shown in ((address, href), *((part, "…") for part in (query, *parts) if part)):
        text = text.replace(secret, shown)
    return _without_secrets(text)


class _Unsigned(logging.Filter):
    """Keeps what may be secret of addresses out of a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if (shown := _without_secrets(text)) != text:
            record.msg, record.args = shown, ()
        return True


@cache
def _keep_queries_from_logs() -> None:
    """Have what logs the files it opens leave out the queries of addresses."""
    hide = _Unsigned()
    rasterio_loggers = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "rasterio"]
    for name in (*rasterio_loggers, "odc.loader._rio"):
        logging.getLogger(name).addFilter(hide)


def read_header(address: str, turn: AbstractContextManager[Any] = _AT_ONCE) -> Header:
    """A file's header: parsed here if it is a plain tiled TIFF, else by GDAL.

    What is parsed in its `turn` keeps nobody from parsing what is needed at once.

    Raises:
        RasterioError: the file is missing, broken or without a coordinate reference system.
        OSError: a server does not have it, refuses it or does not answer.
    """
    if public(address) != address:
        _keep_queries_from_logs()
    file = open_file(address)
    with turn:
        tiff = None if file is None else structure(file)
    if tiff is None or tiff.grid is None or tiff.has_alpha or _has_mask_beside(address):
        with gdal_env():
            return _by_gdal(address, tiff)
    return Header(
        address=address,
        count=tiff.count,
        dtypes=(tiff.levels[0].dtype.name,) * tiff.count,
        nodata=(tiff.nodata,) * tiff.count,
        grid=tiff.grid,
        overviews=tiff.overviews,
        mask=False,
        alpha=0,
        tiff=tiff,
        overview_methods=tiff.overviews_by,
    )


def _by_gdal(address: str, tiff: Tiff | None) -> Header:
    with rasterio.Env(DummySession(), **_FRESH), dataset_of(address) as dataset:
        if dataset.gcps[0] or dataset.crs is None:
            raise RasterioError("the file has no coordinate reference system or affine transform")
        flags = dataset.mask_flag_enums[0]
        # For GDAL alpha hides in bands of some types only, and in files of two or four bands.
        alpha = _alpha_index(dataset)
        header = Header(
            address=address,
            count=dataset.count,
            dtypes=tuple(dataset.dtypes),
            # A color of all bands together that stands for nodata is a mask; no band's value is.
            nodata=(None,) * dataset.count if _is_hidden_by_color(flags) else _nodata_of(dataset),
            grid=GeoBox(dataset.shape, dataset.transform, crs_of(dataset.crs.to_wkt())),
            overviews=tuple(dataset.overviews(1)),
            mask=MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags,
            alpha=alpha,
            overview_methods=_overviews_of(dataset, address),
        )
    agreed = (
        tiff is not None
        and not header.mask
        and tiff.levels[0].size == header.grid.shape.yx
        and (tiff.levels[0].dtype.name,) * tiff.count == header.dtypes
        and tiff.overviews == header.overviews
    )
    return replace(header, tiff=tiff) if agreed else header


@contextmanager
def dataset_of(address: str, level: int = 0) -> Iterator[Any]:
    """Open a file by GDAL, or an overview (levels from 1 on), with a mask that lies beside a local file."""
    options = {} if level == 0 else {"overview_level": level - 1}
    beside = {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE"} if _has_mask_beside(address) else {}
    with rasterio.Env(DummySession(), **beside), rasterio.open(address, sharing=False, **options) as dataset:
        yield dataset


def _has_mask_beside(address: str) -> bool:
    """Return whether a mask file lies beside a local file. Over a network each look would be a request."""
    return not is_remote(address) and os.path.exists(f"{address}.msk")  # noqa: PTH110 - one string, many times


def _is_hidden_by_color(flags: Any) -> bool:
    """Return whether GDAL masks pixels by the values that all bands have together (NODATA_VALUES)."""
    return MaskFlags.per_dataset in flags and MaskFlags.nodata in flags


def _nodata_of(dataset: Any) -> tuple[float | None, ...]:
    """Return each band's nodata value. Of 64 bit integers rasterio rounds it; a virtual file has it exact."""
    if not {"int64", "uint64"}.intersection(dataset.dtypes):
        return tuple(dataset.nodatavals)
    from xml.etree import ElementTree as ET

    from rasterio.io import MemoryFile

    with MemoryFile(ext=".vrt") as memory:
        rasterio.shutil.copy(dataset, memory.name, driver="VRT")
        parsed = ET.fromstring(memory.read())  # noqa: S314 - GDAL has just written it
    texts = [band.findtext("NoDataValue") for band in parsed.iter("VRTRasterBand") if band.get("band")]
    found = [None if text is None else int(text) if _WHOLE(text) else float(text) for text in texts]
    return tuple(found) if len(found) == dataset.count else tuple(dataset.nodatavals)


def level_grid(header: Header, level: int) -> GeoBox:
    """The grid of one of a file's levels: 0 is its own, 1 that of its first overview.

    Raises:
        RasterioError: the overview cannot be opened.
    """
    if level == 0:
        return header.grid
    if header.tiff is not None:
        size = header.tiff.levels[level].size
    else:
        with dataset_of(header.address, level) as overview:
            size = overview.shape
    rows, columns = header.grid.shape.yx
    scale = header.grid.transform.scale(columns / size[1], rows / size[0])
    return GeoBox(size, header.grid.transform @ scale, header.grid.crs)


def find_tiles(header: Header, level: int, cache: TileCache) -> Tiles | None:
    """The tiles of a level of a file; None if it is not of a kind that is decoded here."""
    if header.tiff is None:
        return None
    nodata = header.nodata[0]
    packed = header.tiff.levels[level]
    fill = 0 if nodata is None else held_nodata(packed.dtype, nodata)
    return Tiles(header.tiff.file, packed, level, fill, cache)


def _overviews_of(dataset: Any, address: str) -> tuple[Overviews, ...]:
    """Return the origins of the overviews of a dataset's bands."""
    if not dataset.overviews(1):
        return ()
    if dataset.driver == "JP2OpenJPEG":
        # Its levels are those of a wavelet, and nothing is left out of them.
        return (Overviews("CUBIC"),) * int(dataset.count)
    own = [(name, ALL_BANDS, value) for name, value in dataset.tags().items()]
    own += [(name, band - 1, value) for band in dataset.indexes for name, value in dataset.tags(band).items()]
    try:
        with dataset_of(address, 1) as overview:
            gdal = [(name, 0, value) for name, value in overview.tags(1).items()]
    except RasterioError:
        # What is wrong with it is told when it is read.
        gdal = []
    return read_items(dataset.count, own, gdal)


def _alpha_index(dataset: Any) -> int:
    kinds = [kind.name for kind in dataset.colorinterp]
    return kinds.index("alpha") + 1 if "alpha" in kinds else 0
