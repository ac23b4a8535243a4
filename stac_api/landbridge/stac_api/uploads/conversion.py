"""Conversion of uploaded files to cloud-optimized GeoTIFFs, and the metadata of their item.

Runs in a worker process (see `worker_process`), without access to HTTP or the database.
"""

from __future__ import annotations

import hashlib
import math
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import rasterio
import shapely
import shapely.geometry
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import DatasetReader

from landbridge.mappings.codecs import DATA_TYPES
from landbridge.stac_api.uploads import cog, georeference, measure, thumbnail
from landbridge.stac_api.uploads.gdal_errors import GDAL_ERRORS, GDAL_OUT_OF_MEMORY
from landbridge.stac_api.uploads.messages import (
    ConversionRequest,
    ConversionResult,
    DiskFullError,
    IngestError,
)
from landbridge.stac_api.uploads.nodata import exact_nodata, nodata_as_type
from landbridge.stac_api.uploads.sandbox import DRIVERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from landbridge.stac_api.uploads.nodata import Nodata

    PrintedErrors = Callable[[], str]

# GDAL before 3.11 reads such files as float32 of 16 bits, and COGs hold float32.
_HALF = "float16"

_ENV = {
    # GDAL must not look for files beside the opened one, nor leave files beside the written one.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    # Warnings of a decoder (a truncated JPEG comes out gray) are errors here.
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "TRUE",
    "GDAL_NUM_THREADS": "2",
    "GDAL_CACHEMAX": 96 * 2**20,
    "PROJ_NETWORK": "OFF",
}
_FULL = "No space left on device"  # strerror(ENOSPC)
_NO_MEMORY = re.compile(r"cannot allocate|out of memory|not enough memory", re.IGNORECASE).search
# Largest ratio of pixel bytes to file bytes. Deflate reaches 1,032; beyond it a file is empty, or claims
# pixels that it does not have.
_MAX_EXPANSION = 2000
_SMALL_IMAGE = 256 * 2**20
_MAX_BANDS = 4096
_MAX_BYTES = 2**40


@dataclass(frozen=True, slots=True)
class _Raster:
    """An image file of a request, its name, and the bands of the product that it holds."""

    path: Path
    name: str
    bands: Sequence[Mapping[str, Any]]
    given: georeference.GivenGeoreference


def check(request: ConversionRequest) -> None:
    """Check the headers of the files against the product's bands.

    Raises
    ------
    IngestError
        With a text for the user.
    """
    with _environment(request):
        for raster in _rasters(request):
            with _open(raster) as source:
                _check_size(source, raster)
                _check_bands(source, raster)
                raster.given.resolve(source, raster.name)


def convert(request: ConversionRequest, printed_errors: PrintedErrors) -> ConversionResult:
    """Write one COG for each image file, and read the metadata of the item from it.

    Parameters
    ----------
    request : ConversionRequest
        Files, bands and attributes.
    printed_errors : callable
        Returns the errors that this process has printed so far.

    Raises
    ------
    IngestError
        With a text for the user.
    DiskFullError
        If the disk is full.
    MemoryError
        If the conversion needs more memory than this process may have.
    """
    made: list[Path] = []
    measurements: list[measure.Measurements] = []
    scales: dict[str, tuple[float, float]] = {}
    heights: list[str] = []
    rasters = _rasters(request)
    hashes: list[Future[str]] = []
    # A file is hashed while its pixels are measured: a sixteenth of the time of a scene.
    with _environment(request), ThreadPoolExecutor(1) as hashing:
        for index, raster in enumerate(rasters):
            target = request.folder / f"{index}.tif"
            with _detect_full_disk(printed_errors), _open(raster) as source:
                crs, transform = raster.given.resolve(source, raster.name)
                if height := raster.given.height_of(source, raster.name):
                    heights.append(
                        f"{raster.name}: its reference system has a height ({height}), which is not kept: "
                        f"the horizontal part places the pixels."
                    )
                scales.update(_scales(source, raster.bands))
                nodata, bands = _nodata(source, raster.bands), _bands_by_index(source, raster.bands)
                cog.write(source, target, crs, transform, nodata, bands, request.options)
            hashes.append(hashing.submit(_md5, target))
            with _detect_full_disk(printed_errors), _open(raster, target) as made_cog:
                if made_cog.crs is None:
                    raise IngestError(
                        f"{raster.name}: its reference system can't be stored in a GeoTIFF. Warp the file to "
                        f"another one (gdalwarp -t_srs EPSG:…), and upload that."
                    )
                measurements.append(measure.measure(made_cog))
            made.append(target)
        geometry = shapely.union_all([each.footprint for each in measurements])
        if geometry.is_empty:
            raise IngestError("The image has no valid pixel: everything is nodata.")
        thumbnail_path = _thumbnail(request, made, rasters, printed_errors)
    finest = min(measurements, key=lambda each: each.pixel_area)
    attributes = {
        **finest.grid,
        "geometry": shapely.geometry.mapping(geometry),
        "files": [
            {"href": "", "size_bytes": path.stat().st_size, "hash": found.result()}
            for path, found in zip(made, hashes, strict=True)
        ],
        "storage_state": "available",
    }
    return ConversionResult(
        made,
        thumbnail_path,
        attributes,
        [each.statistics for each in measurements],
        corrected=("cs_code", "projection") if heights else (),
        scales=scales,
        notes=heights,
    )


def _bands_by_index(source: DatasetReader, bands: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the product's band at each band index of the file; empty if no band has that index."""
    found: list[Mapping[str, Any]] = [{}] * source.count
    for band in bands:
        index = band.get("band_index") or 0
        # If several bands share an index, a class band wins: means of class values have no meaning.
        if not found[index] or band.get("type") in ("class", "mask"):
            found[index] = band
    return found


def _scales(source: DatasetReader, bands: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return scale and offset of those bands for which the file states them."""
    found = {}
    for band in bands:
        index = band.get("band_index") or 0
        scale, offset = float(source.scales[index]), float(source.offsets[index])
        if (scale, offset) != (1, 0) and math.isfinite(scale) and math.isfinite(offset) and scale:
            found[str(band["name"])] = (scale, offset)
    return found


@contextmanager
def _environment(request: ConversionRequest) -> Iterator[None]:
    with warnings.catch_warnings(), rasterio.Env(**_ENV, CPL_TMPDIR=str(request.folder)):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # `georeference` reports it as an error
        yield


def _thumbnail(
    request: ConversionRequest,
    made: Sequence[Path],
    rasters: Sequence[_Raster],
    printed_errors: PrintedErrors,
) -> Path | None:
    """Write a thumbnail of the image, unless it has a preview already or no band can be shown."""
    if request.attributes.get("preview_url"):
        return None
    files = [(path, raster.bands) for path, raster in zip(made, rasters, strict=True)]
    try:
        return thumbnail.write(files, request.folder / "thumbnail.png")
    except GDAL_ERRORS:
        if _FULL in printed_errors():
            raise DiskFullError(_FULL) from None
        return None


def _rasters(request: ConversionRequest) -> list[_Raster]:
    """Return the image files of a request, each with the georeference of its sidecar files."""
    images, sidecars = georeference.split_sidecars(list(zip(request.files, request.names, strict=True)))
    wanted = max(((band.get("file_index") or 0) for band in request.bands), default=0) + 1
    if len(images) < wanted:
        raise IngestError(
            f"The product's bands are spread over {wanted} files, but {len(images)} came. "
            f"Upload all {wanted} in one call, in the order of the bands' file_index."
        )
    found = []
    for index, (path, name) in enumerate(images):
        bands = [band for band in request.bands if (band.get("file_index") or 0) == index]
        found.append(
            _Raster(path, name, bands, georeference.given(request.attributes, sidecars.get(index, {})))
        )
    return found


@contextmanager
def _open(raster: _Raster, path: Path | None = None) -> Iterator[DatasetReader]:
    """Open a file, or the COG made from it at `path`; turn GDAL's errors into `IngestError`."""
    try:
        with DatasetReader(str(path or raster.path), driver=list(DRIVERS)) as source:
            _check_alone(source, raster)
            yield source
    except (*GDAL_ERRORS, ValueError, OverflowError) as error:
        causes = _causes(error)
        text = str(causes[-1])
        if isinstance(causes[-1], GDAL_OUT_OF_MEMORY) or _NO_MEMORY(text):
            raise MemoryError from error
        for opened in filter(None, (path, raster.path)):
            # GDAL's messages hold the path, or begin with the file's name.
            text = text.replace(str(opened), raster.name).removeprefix(f"{opened.name}: ")
        raise IngestError(
            f"{raster.name}: can't be read as an image ({text or type(error).__name__}). It must be a whole "
            f"file in one of the formats GeoTIFF, JPEG 2000, JPEG or PNG."
        ) from error


@contextmanager
def _detect_full_disk(printed_errors: PrintedErrors) -> Iterator[None]:
    """Raise `DiskFullError` if the disk is full: GDAL reports that in several ways, or only prints it."""
    try:
        yield
    except IngestError as error:
        if _FULL in printed_errors() or any(_FULL in str(cause) for cause in _causes(error)):
            raise DiskFullError(_FULL) from error
        raise
    if _FULL in printed_errors():
        raise DiskFullError(_FULL)


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and its chain of causes, the first cause last."""
    found = [error]
    while (cause := found[-1].__cause__) is not None:
        found.append(cause)
    return found


def _check_alone(source: DatasetReader, raster: _Raster) -> None:
    """Refuse a file with pixels in other files, before GDAL opens those."""
    if elsewhere := source.tags(ns="OVERVIEWS").get("OVERVIEW_FILE"):
        raise IngestError(
            f"{raster.name}: its overviews are in another file ({elsewhere!r}), which is not read. Remove "
            f"the metadata item OVERVIEW_FILE, or build overviews inside the file (gdaladdo)."
        )


def _check_size(source: DatasetReader, raster: _Raster) -> None:
    """Refuse a file that claims far more pixels than its bytes can hold, before it is read."""
    if source.count > _MAX_BANDS:
        raise IngestError(f"{raster.name}: has {source.count} bands; {_MAX_BANDS} are the most.")
    sizes = [measure.item_size(dtype) for dtype in source.dtypes]
    pixels = source.width * source.height * sum(sizes)
    sent = max(raster.path.stat().st_size, 1)
    if pixels > _MAX_BYTES or (pixels > _SMALL_IMAGE and pixels > _MAX_EXPANSION * sent):
        raise IngestError(
            f"{raster.name}: claims {source.width} x {source.height} pixels in {source.count} band(s), "
            f"{pixels / 2**30:,.1f} GiB, in a file of {sent:,} bytes. If it is that large and nearly empty, "
            f"cut it to the part that has data."
        )


def _check_bands(source: DatasetReader, raster: _Raster) -> None:
    if any(dtype.startswith("complex") for dtype in source.dtypes):
        raise IngestError(
            f"{raster.name}: holds complex numbers, which no data type of the Catalog holds. "
            f"Store amplitude and phase, or real and imaginary part, as bands."
        )
    for band in raster.bands:
        number = (band.get("band_index") or 0) + 1
        if number > source.count:
            raise IngestError(
                f"{raster.name}: band {band['name']!r} has band_index {number - 1}, but the file has "
                f"{source.count} band(s), so the highest index it can serve is {source.count - 1}."
            )
        declared, found = DATA_TYPES.get(band.get("data_type") or ""), _type_of(source, number)
        if declared is not None and declared != found and (declared, found) != ("float32", _HALF):
            raise IngestError(
                f"{raster.name}: band {band['name']!r} is declared as {band['data_type']} ({declared}), but "
                f"the file holds {found}. Convert the file, or correct the band's data_type."
            )


def _type_of(source: DatasetReader, number: int) -> str:
    """Return numpy's name of a band's data type."""
    bits = source.tags(number, ns="IMAGE_STRUCTURE").get("NBITS")
    dtype: str = source.dtypes[number - 1]
    return _HALF if (dtype, bits) == ("float32", "16") else dtype


def _nodata(source: DatasetReader, bands: Sequence[Mapping[str, Any]]) -> Nodata:
    """Return the file's nodata value, else the common one of its bands, if the file's data type holds it."""
    if (own := exact_nodata(source)) is not None:
        return own
    values = {band.get("nodata") for band in bands if band.get("type") != "mask"}
    value = values.pop() if len(values) == 1 else None
    # All bands of a file have one data type.
    return nodata_as_type(_type_of(source, 1), value)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
