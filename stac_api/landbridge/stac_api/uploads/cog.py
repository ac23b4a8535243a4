"""Writing a cloud-optimized GeoTIFF, by GDAL."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import rasterio
import rasterio.shutil
from rasterio.enums import MaskFlags, Resampling
from rasterio.io import MemoryFile

from landbridge.stac_api.uploads.measure import item_size
from landbridge.stac_api.uploads.nodata import is_beyond_floats, with_nodata
from landbridge.stac_api.uploads.overviews import methods_of, resampling_of, with_overviews

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from rasterio.crs import CRS
    from rasterio.io import DatasetReader, DatasetWriter
    from rasterio.transform import Affine

    from landbridge.stac_api.uploads.nodata import Nodata
    from landbridge.stac_api.uploads.overviews import Methods

    Describe = Callable[[DatasetWriter], None]

_RESAMPLERS = {  # OverviewResampler -> GDAL's name in the COG driver
    "nearest": "NEAREST",
    "average": "AVERAGE",
    "gauss": "GAUSS",
    "cubic": "CUBIC",
    "cubicspline": "CUBICSPLINE",
    "lanczos": "LANCZOS",
    "average_mp": "AVERAGE",
    "average_magphase": "AVERAGE",
    "mode": "MODE",
}
_BLOCK, _SMALLEST_BLOCK = 512, 64
_DEEP = 32  # bytes of a pixel
_BLOCK_BYTES = 8 * 2**20  # of all bands of a tile, which are read together


# From so many bands on each has tiles of its own. Most readers want one band or three at a time. Reading one
# band of three so takes 0.45 of the time that it takes from common tiles, of five 0.28, of eight 0.19, of
# thirteen 0.11; three of four 0.95, of five 0.86, of eight 0.62, of thirteen 0.33; all of them 1 to 1.25
# (measured on Landsat's pixels, uint16, deflate). Images of up to four bands are mostly shown: read together.
_BANDS_APART = 5
# Whoever reads all bands has those of a place in memory at once: of very many, tiles have to be smaller, and
# if each had its own the file would begin with megabytes of their places.
_DEEPEST_APART = 512  # bytes of a pixel
# What waits to be written so, where the file to be read has all bands in each tile: reading it once for each
# band would unpack all of it as often. Packed, though quickly, since it may be large and empty.
_STAGED = {
    "TILED": "YES",
    "BLOCKXSIZE": str(_BLOCK),
    "BLOCKYSIZE": str(_BLOCK),
    "INTERLEAVE": "BAND",
    "COMPRESS": "ZSTD",
    "ZSTD_LEVEL": "1",
    "BIGTIFF": "IF_SAFER",
    "SPARSE_OK": "TRUE",
    "NUM_THREADS": "2",
}


def options(source: DatasetReader, wanted: Mapping[str, Any]) -> dict[str, str]:
    """Creation options of the COG driver; `INTERLEAVE`, where bands have tiles of their own, from 3.11 on."""
    depth = sum(map(item_size, source.dtypes))
    apart = source.count >= _BANDS_APART and depth <= _DEEPEST_APART and not _has_mask(source)
    if apart:
        depth //= source.count
    found = {
        "BLOCKSIZE": str(_block(depth)),
        "COMPRESS": "DEFLATE",
        "PREDICTOR": "YES",
        "BIGTIFF": "IF_SAFER",
        # Tiles that wait for a thread are kept in memory, all bands of each.
        "NUM_THREADS": "2" if depth <= _DEEP else "1",
    }
    if overviews := wanted.get("overviews"):
        found["OVERVIEW_COUNT"] = str(len(overviews))
    if apart:
        found["INTERLEAVE"] = "BAND"
    return found


def _whole_types(source: DatasetReader) -> dict[int, str]:
    """Return, for each band whose samples use fewer bits than their type, the bits of that type.

    GDAL keeps a source's count of bits. No predictor works on 15 or 1 of them, overviews of 1 bit are not
    means, and few readers know such files: COGs have whole types.
    """
    return {
        band: str(8 * item_size(dtype))
        for band, dtype in zip(source.indexes, source.dtypes, strict=True)
        if "NBITS" in source.tags(band, ns="IMAGE_STRUCTURE")
    }


def _has_mask(source: DatasetReader) -> bool:
    """Whether there is a mask beside the bands, which the COG driver alone takes along with its overviews."""
    flags = source.mask_flag_enums[0]
    return MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags


def _block(depth: int) -> int:
    """Pixels along a tile with so many bytes of each: fewer where its bytes would be many."""
    side = _BLOCK
    while side > _SMALLEST_BLOCK and side * side * depth > _BLOCK_BYTES:
        side //= 2
    return side


def write(
    source: DatasetReader,
    target: Path,
    crs: CRS,
    transform: Affine,
    nodata: Nodata,
    bands: Sequence[Mapping[str, Any]],
    wanted: Mapping[str, Any],
) -> None:
    """Write a file's pixels as a COG with this georeferencing and nodata value."""
    wide = is_beyond_floats(nodata)

    def describe(dataset: DatasetWriter) -> None:
        dataset.crs = crs
        dataset.transform = transform
        if nodata is not None:
            dataset.nodata = 0 if wide else nodata
        for band, bits in _whole_types(dataset).items():
            dataset.update_tags(band, ns="IMAGE_STRUCTURE", NBITS=bits)
        methods.describe(dataset)

    methods = methods_of(source, bands, nodata, _RESAMPLERS.get(wanted.get("overview_resampler") or ""))
    creation = options(source, wanted)
    if wide:
        creation.pop("INTERLEAVE", None)  # only virtual files take such a number
    exact = int(nodata) if wide and nodata is not None else None
    write_as: Callable[..., None] = partial(_write_together, exact=exact)
    if "INTERLEAVE" in creation:
        # Copies forget which of many bands is alpha.
        write_as, methods = _write_apart, replace(methods, known_alpha=0)
    # The same for the file of overviews that is made beside the COG.
    with rasterio.Env(
        GDAL_NUM_THREADS=creation["NUM_THREADS"], GDAL_TIFF_OVR_BLOCKSIZE=creation["BLOCKSIZE"]
    ):
        write_as(source, target, creation, describe, methods)


def _virtual(source: DatasetReader, describe: Describe, exact: int | None = None) -> bytes:
    """Return a virtual file that carries what the user's attributes say instead of what the file says.

    `exact` is a nodata value that rasterio would round.
    """
    with MemoryFile(ext=".vrt") as memory:
        rasterio.shutil.copy(source, memory.name, driver="VRT")
        with rasterio.open(memory.name, "r+", driver="VRT") as virtual:
            describe(virtual)
        text = bytes(memory.read())
    return text if exact is None else with_nodata(text, exact)


def _write_together(
    source: DatasetReader,
    target: Path,
    creation: Mapping[str, str],
    describe: Describe,
    methods: Methods,
    exact: int | None = None,
) -> None:
    text, factors = _virtual(source, describe, exact), _factors(source, creation)
    if methods.single or not factors:
        # A file's own overviews may be made otherwise.
        how = {"OVERVIEW_RESAMPLING": methods.single or "NEAREST", "OVERVIEWS": "IGNORE_EXISTING"}
        with MemoryFile(text, ext=".vrt") as memory, memory.open(driver="VRT") as virtual:
            rasterio.shutil.copy(virtual, target, driver="COG", **creation, **how)
        return
    with with_overviews(text, target, methods, factors) as virtual:
        rasterio.shutil.copy(virtual, target, driver="COG", **creation)


def _write_apart(
    source: DatasetReader, target: Path, creation: Mapping[str, str], describe: Describe, methods: Methods
) -> None:
    """As the COG driver does from GDAL 3.11 on: the overviews first, then all in the order of a COG."""
    driver, how = ("GTiff", dict(_STAGED)) if source.profile.get("interleave") == "pixel" else ("VRT", {})
    if driver == "GTiff" and (bits := _whole_types(source)):
        how["NBITS"] = max(bits.values(), key=int)
    block = creation["BLOCKSIZE"]
    finished = {
        "COPY_SRC_OVERVIEWS": "YES",
        "TILED": "YES",
        "BLOCKXSIZE": block,
        "BLOCKYSIZE": block,
        "PREDICTOR": "3" if source.dtypes[0].startswith("float") else "2",
        **{name: creation[name] for name in ("COMPRESS", "BIGTIFF", "NUM_THREADS", "INTERLEAVE")},
    }
    staged, overviews = target.with_suffix(".staged"), target.with_suffix(".staged.ovr")
    try:
        rasterio.shutil.copy(source, staged, driver=driver, **how)
        with rasterio.open(staged, "r+", driver=driver) as dataset:
            describe(dataset)
            factors = _factors(dataset, creation)
            if methods.single:
                dataset.build_overviews(factors, Resampling[resampling_of(methods.single)])
                rasterio.shutil.copy(dataset, target, driver="GTiff", **finished)
                return
        with rasterio.open(staged, driver=driver) as dataset:
            text = _virtual(dataset, describe)
        with with_overviews(text, target, methods, factors) as virtual:
            rasterio.shutil.copy(virtual, target, driver="GTiff", **finished)
    finally:
        staged.unlink(missing_ok=True)
        overviews.unlink(missing_ok=True)


def _factors(dataset: DatasetReader, creation: Mapping[str, str]) -> list[int]:
    """Of the overviews: as many as wanted, or until one fits into a tile."""
    longest, block = max(dataset.shape), int(creation["BLOCKSIZE"])
    fitting = max(0, math.ceil(math.log2(longest / block)))
    return [2**level for level in range(1, int(creation.get("OVERVIEW_COUNT", fitting)) + 1)]
