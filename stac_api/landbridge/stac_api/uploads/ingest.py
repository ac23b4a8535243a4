"""From files as a user sent them to cloud-optimized GeoTIFFs and what an item says of them.

Runs in a child process (see `child`). Nothing here knows of HTTP or of the database.
"""

from __future__ import annotations

import hashlib
import math
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import rasterio
import shapely
import shapely.geometry
from rasterio._err import CPLE_BaseError, CPLE_OutOfMemoryError  # what GDAL raises beside rasterio's own
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from landbridge.stac_api.uploads import cog, georeference, measure, preview
from landbridge.stac_api.uploads.messages import IngestError, Job, NoSpaceError, Result
from landbridge.stac_api.uploads.nodata import exact_nodata, held_nodata
from landbridge.stac_api.uploads.sandbox import DRIVERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from landbridge.stac_api.uploads.nodata import Nodata

    Said = Callable[[], str]

_HALF = "float16"
# Catalog data type -> numpy's name for it.
DTYPES: dict[str, str] = {
    "Byte": "uint8",
    "UInt16": "uint16",
    "Int16": "int16",
    "UInt32": "uint32",
    "Int32": "int32",
    "Float32": "float32",
    "Float64": "float64",
    "Int8": "int8",
    "Int64": "int64",
    "UInt64": "uint64",
    # GDAL has no such type before 3.11: it reads such files as float32 of 16 bits, and COGs hold float32.
    "Float16": _HALF,
}

_ENV = {
    # No file beside the one that is opened is looked for, and none is left beside the one that is written.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_PAM_ENABLED": "NO",
    # What a decoder only warns of (a JPEG that ends early comes out gray) is an error here.
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "TRUE",
    "GDAL_NUM_THREADS": "2",
    "GDAL_CACHEMAX": 96 * 2**20,
    "PROJ_NETWORK": "OFF",
}
_FULL = "No space left on device"  # strerror(ENOSPC)
_NO_MEMORY = re.compile(r"cannot allocate|out of memory|not enough memory", re.IGNORECASE).search
# Pixels take at most so many times the bytes of their file. Deflate reaches 1,032; beyond is what claims
# to be huge, and what is empty.
_MOST_EXPANSION = 2000
_FREELY_EXPANDED = 256 * 2**20
_MOST_BANDS = 4096
_MOST_BYTES = 2**40


@dataclass(frozen=True, slots=True)
class _Raster:
    """One image file of a job, its name, and the bands of the product that it holds."""

    path: Path
    name: str
    bands: Sequence[Mapping[str, Any]]
    given: georeference.Given


def check(job: Job) -> None:
    """Check the files against the product's bands, by what their headers say.

    Raises:
        IngestError: with a text for the user.
    """
    with _environment(job):
        for raster in _rasters(job):
            with _opened(raster) as source:
                _check_size(source, raster)
                _check_bands(source, raster)
                raster.given.of(source, raster.name)


def convert(job: Job, said: Said) -> Result:
    """Write one COG for each image file, and read off it what an item says.

    Args:
        job: what to make of what.
        said: gives what the process has printed as errors so far.

    Raises:
        IngestError: with a text for the user.
        NoSpaceError: the disk is full.
        MemoryError: it takes more memory than this process may have.
    """
    made: list[Path] = []
    facts: list[measure.Facts] = []
    scales: dict[str, tuple[float, float]] = {}
    heights: list[str] = []
    rasters = _rasters(job)
    with _environment(job):
        for index, raster in enumerate(rasters):
            target = job.folder / f"{index}.tif"
            with _writing(said), _opened(raster) as source:
                crs, transform = raster.given.of(source, raster.name)
                if height := raster.given.height_of(source, raster.name):
                    heights.append(
                        f"{raster.name}: its reference system has a height ({height}), which is not kept: "
                        f"pixels are placed by the horizontal part."
                    )
                scales.update(_scales(source, raster.bands))
                nodata, placed = _nodata(source, raster.bands), _placed(source, raster.bands)
                cog.write(source, target, crs, transform, nodata, placed, job.options)
            with _writing(said), _opened(raster, target) as made_cog:
                if made_cog.crs is None:
                    raise IngestError(
                        f"{raster.name}: its reference system can't be stored in a GeoTIFF. Warp the file to "
                        f"another one (gdalwarp -t_srs EPSG:…), and upload that."
                    )
                facts.append(measure.facts(made_cog))
            made.append(target)
        geometry = shapely.union_all([fact.footprint for fact in facts])
        if geometry.is_empty:
            raise IngestError("The image has no valid pixel: everything is nodata.")
        thumbnail = _thumbnail(job, made, rasters, said)
    finest = min(facts, key=lambda fact: fact.pixel_area)
    attributes = {
        **finest.grid,
        "geometry": shapely.geometry.mapping(geometry),
        "files": [{"href": "", "size_bytes": path.stat().st_size, "hash": _md5(path)} for path in made],
        "storage_state": "available",
    }
    return Result(
        made,
        thumbnail,
        attributes,
        [fact.statistics for fact in facts],
        corrected=("cs_code", "projection") if heights else (),
        scales=scales,
        notes=heights,
    )


def _placed(source: DatasetReader, bands: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the band of the product at each place of the file; an empty one if there is none."""
    found: list[Mapping[str, Any]] = [{}] * source.count
    for band in bands:
        place = band.get("band_index") or 0
        # Of several bands of one place a class counts: means of its pixels are nothing.
        if not found[place] or band.get("type") in ("class", "mask"):
            found[place] = band
    return found


def _scales(source: DatasetReader, bands: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return scale and offset of the bands for which the file states any."""
    found = {}
    for band in bands:
        place = band.get("band_index") or 0
        scale, offset = float(source.scales[place]), float(source.offsets[place])
        if (scale, offset) != (1, 0) and math.isfinite(scale) and math.isfinite(offset) and scale:
            found[str(band["name"])] = (scale, offset)
    return found


@contextmanager
def _environment(job: Job) -> Iterator[None]:
    with warnings.catch_warnings(), rasterio.Env(**_ENV, CPL_TMPDIR=str(job.folder)):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # said with what is missing, as an error
        yield


def _thumbnail(job: Job, made: Sequence[Path], rasters: Sequence[_Raster], said: Said) -> Path | None:
    """A picture of the image, unless the user gave one, or there is nothing to show."""
    if job.attributes.get("preview_url"):
        return None
    files = [(path, raster.bands) for path, raster in zip(made, rasters, strict=True)]
    try:
        return preview.write(files, job.folder / "thumbnail.png")
    except (RasterioError, CPLE_BaseError):
        if _FULL in said():
            raise NoSpaceError(_FULL) from None
        return None


def _rasters(job: Job) -> list[_Raster]:
    """The image files of a job, each with its world file and .prj where these were sent along."""
    images, beside = georeference.sorted_out(list(zip(job.files, job.names, strict=True)))
    wanted = max(((band.get("file_index") or 0) for band in job.bands), default=0) + 1
    if len(images) < wanted:
        raise IngestError(
            f"The product's bands are spread over {wanted} files, but {len(images)} came. "
            f"Upload all {wanted} in one call, in the order of the bands' file_index."
        )
    found = []
    for index, (path, name) in enumerate(images):
        bands = [band for band in job.bands if (band.get("file_index") or 0) == index]
        found.append(_Raster(path, name, bands, georeference.given(job.attributes, beside.get(index, {}))))
    return found


@contextmanager
def _opened(raster: _Raster, path: Path | None = None) -> Iterator[DatasetReader]:
    """The dataset of a file, or of what was made of it; what GDAL finds wrong there is told to the user."""
    try:
        with DatasetReader(str(path or raster.path), driver=list(DRIVERS)) as source:
            _check_alone(source, raster)
            yield source
    except (RasterioError, CPLE_BaseError, ValueError, OverflowError) as error:
        causes = _causes(error)
        said = str(causes[-1])
        if isinstance(causes[-1], CPLE_OutOfMemoryError) or _NO_MEMORY(said):
            raise MemoryError from error
        for place in filter(None, (path, raster.path)):
            # By its path, or as GDAL begins a message: with the last part of it.
            said = said.replace(str(place), raster.name).removeprefix(f"{place.name}: ")
        raise IngestError(
            f"{raster.name}: can't be read as an image ({said or type(error).__name__}). It must be a whole "
            f"file in one of the formats GeoTIFF, JPEG 2000, JPEG or PNG."
        ) from error


@contextmanager
def _writing(said: Said) -> Iterator[None]:
    """Tell a full disk from a broken file: of GDAL's errors many don't, and some it only prints."""
    try:
        yield
    except IngestError as error:
        if _FULL in said() or any(_FULL in str(cause) for cause in _causes(error)):
            raise NoSpaceError(_FULL) from error
        raise
    if _FULL in said():
        raise NoSpaceError(_FULL)


def _causes(error: BaseException) -> list[BaseException]:
    """An error and what it came from, the first cause last."""
    found = [error]
    while (cause := found[-1].__cause__) is not None:
        found.append(cause)
    return found


def _check_alone(source: DatasetReader, raster: _Raster) -> None:
    """Refuse what has pixels elsewhere, before GDAL is asked for anything that it would look for there."""
    if elsewhere := source.tags(ns="OVERVIEWS").get("OVERVIEW_FILE"):
        raise IngestError(
            f"{raster.name}: its overviews are in another file ({elsewhere!r}), which is not read. Remove "
            f"the metadata item OVERVIEW_FILE, or build overviews inside the file (gdaladdo)."
        )


def _check_size(source: DatasetReader, raster: _Raster) -> None:
    """Refuse what claims to be far larger than its file can be, before any of it is read."""
    if source.count > _MOST_BANDS:
        raise IngestError(f"{raster.name}: has {source.count} bands; {_MOST_BANDS} are the most.")
    sizes = [measure.item_size(dtype) for dtype in source.dtypes]
    pixels = source.width * source.height * sum(sizes)
    sent = max(raster.path.stat().st_size, 1)
    if pixels > _MOST_BYTES or (pixels > _FREELY_EXPANDED and pixels > _MOST_EXPANSION * sent):
        raise IngestError(
            f"{raster.name}: claims {source.width} x {source.height} pixels in {source.count} band(s), "
            f"{pixels / 2**30:,.1f} GiB, in a file of {sent:,} bytes. If it is that large and nearly empty, "
            f"cut it to the part that has data."
        )


def _check_bands(source: DatasetReader, raster: _Raster) -> None:
    if any(dtype.startswith("complex") for dtype in source.dtypes):
        raise IngestError(
            f"{raster.name}: holds complex numbers, which no data type of the Catalog is. "
            f"Store amplitude and phase, or real and imaginary part, as bands."
        )
    for band in raster.bands:
        number = (band.get("band_index") or 0) + 1
        if number > source.count:
            raise IngestError(
                f"{raster.name}: band {band['name']!r} has band_index {number - 1}, but the file has "
                f"{source.count} band(s), so the highest index it can serve is {source.count - 1}."
            )
        declared, found = DTYPES.get(band.get("data_type") or ""), _type_of(source, number)
        if declared is not None and declared != found and (declared, found) != ("float32", _HALF):
            raise IngestError(
                f"{raster.name}: band {band['name']!r} is declared as {band['data_type']} ({declared}), but "
                f"the file holds {found}. Convert the file, or correct the band's data_type."
            )


def _type_of(source: DatasetReader, number: int) -> str:
    """Return numpy's name of a band's type."""
    bits = source.tags(number, ns="IMAGE_STRUCTURE").get("NBITS")
    dtype: str = source.dtypes[number - 1]
    return _HALF if (dtype, bits) == ("float32", "16") else dtype


def _nodata(source: DatasetReader, bands: Sequence[Mapping[str, Any]]) -> Nodata:
    """Return the file's nodata value, else the one all its bands agree on, if the file's type holds it."""
    if (own := exact_nodata(source)) is not None:
        return own
    values = {band.get("nodata") for band in bands if band.get("type") != "mask"}
    value = values.pop() if len(values) == 1 else None
    # All bands of a file have one type.
    return held_nodata(_type_of(source, 1), value)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
