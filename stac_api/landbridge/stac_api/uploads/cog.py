"""Writes cloud-optimized GeoTIFFs by GDAL."""

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
    from landbridge.stac_api.uploads.overviews import OverviewMethods

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
_BLOCK, _MIN_BLOCK = 512, 64  # pixels along a tile
_DEEP_PIXEL = 32  # bytes
_MAX_TILE_BYTES = 8 * 2**20  # of all bands of a tile, which are read together


# Fewest bands for band-interleaved tiles. Most readers read one band or three at a time. Relative to common
# tiles, reading one band of three takes 0.45 of the time, of five 0.28, of eight 0.19, of thirteen 0.11;
# three of four 0.95, of five 0.86, of eight 0.62, of thirteen 0.33; all bands 1 to 1.25 (Landsat's pixels,
# uint16, deflate). Images of up to four bands are mostly displayed, which reads all bands together.
_MIN_INTERLEAVED_BANDS = 5
# A reader of all bands holds a tile of each in memory, so more bands need smaller tiles; with tiles of its
# own for each band, the file would begin with megabytes of tile offsets.
_MAX_INTERLEAVED_PIXEL = 512  # bytes
# Intermediate file for a source with all bands in each tile: reading that once for each band would decompress
# it as often. Compressed quickly, because it may be large and empty.
_INTERMEDIATE = {
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
    """Return creation options of the COG driver; `INTERLEAVE` if bands have tiles of their own."""
    depth = sum(map(item_size, source.dtypes))
    by_band = (
        source.count >= _MIN_INTERLEAVED_BANDS and depth <= _MAX_INTERLEAVED_PIXEL and not _has_mask(source)
    )
    if by_band:
        depth //= source.count
    found = {
        "BLOCKSIZE": str(_block(depth)),
        "COMPRESS": "DEFLATE",
        "PREDICTOR": "YES",
        "BIGTIFF": "IF_SAFER",
        # Tiles that wait for a thread are in memory with all their bands.
        "NUM_THREADS": "2" if depth <= _DEEP_PIXEL else "1",
    }
    if overviews := wanted.get("overviews"):
        found["OVERVIEW_COUNT"] = str(len(overviews))
    if by_band:
        found["INTERLEAVE"] = "BAND"
    return found


def _bits_of_types(source: DatasetReader) -> dict[int, str]:
    """Return, for each band whose samples use fewer bits than their type, the bits of that type.

    GDAL keeps a source's number of bits. No predictor works on 15 bits or 1, overviews of 1 bit are no means,
    and few readers support such files, so COGs use all bits of their type.
    """
    return {
        band: str(8 * item_size(dtype))
        for band, dtype in zip(source.indexes, source.dtypes, strict=True)
        if "NBITS" in source.tags(band, ns="IMAGE_STRUCTURE")
    }


def _has_mask(source: DatasetReader) -> bool:
    """Return whether the file has a mask band, whose overviews only the COG driver copies."""
    flags = source.mask_flag_enums[0]
    return MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags


def _block(depth: int) -> int:
    """Return the pixels along a tile of pixels of `depth` bytes, such that the tile is not too large."""
    side = _BLOCK
    while side > _MIN_BLOCK and side * side * depth > _MAX_TILE_BYTES:
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
    """Write the pixels of a file as a COG with another georeference and nodata value."""
    is_inexact = is_beyond_floats(nodata)

    def describe(dataset: DatasetWriter) -> None:
        dataset.crs = crs
        dataset.transform = transform
        if nodata is not None:
            dataset.nodata = 0 if is_inexact else nodata
        for band, bits in _bits_of_types(dataset).items():
            dataset.update_tags(band, ns="IMAGE_STRUCTURE", NBITS=bits)
        methods.describe(dataset)

    methods = methods_of(source, bands, nodata, _RESAMPLERS.get(wanted.get("overview_resampler") or ""))
    creation = options(source, wanted)
    if is_inexact:
        creation.pop("INTERLEAVE", None)  # only virtual files hold such a number
    exact = int(nodata) if is_inexact and nodata is not None else None
    write_as: Callable[..., None] = partial(_write_by_cog_driver, exact=exact)
    if "INTERLEAVE" in creation:
        # Copies lose the mark of the alpha band.
        write_as, methods = _write_band_interleaved, replace(methods, known_alpha=0)
    # These settings also hold for the intermediate file of overviews.
    with rasterio.Env(
        GDAL_NUM_THREADS=creation["NUM_THREADS"], GDAL_TIFF_OVR_BLOCKSIZE=creation["BLOCKSIZE"]
    ):
        write_as(source, target, creation, describe, methods)


def _virtual(source: DatasetReader, describe: Describe, exact: int | None = None) -> bytes:
    """Return a virtual file of the source with changed metadata.

    Parameters
    ----------
    source : DatasetReader
        File with the pixels.
    describe : callable
        Changes the metadata of the virtual file.
    exact : int, optional
        Nodata value that rasterio would round.
    """
    with MemoryFile(ext=".vrt") as memory:
        rasterio.shutil.copy(source, memory.name, driver="VRT")
        with rasterio.open(memory.name, "r+", driver="VRT") as virtual:
            describe(virtual)
        text = bytes(memory.read())
    return text if exact is None else with_nodata(text, exact)


def _write_by_cog_driver(
    source: DatasetReader,
    target: Path,
    creation: Mapping[str, str],
    describe: Describe,
    methods: OverviewMethods,
    exact: int | None = None,
) -> None:
    text, factors = _virtual(source, describe, exact), _factors(source, creation)
    if methods.single or not factors:
        # The file's own overviews may be made by another method.
        more = {"OVERVIEW_RESAMPLING": methods.single or "NEAREST", "OVERVIEWS": "IGNORE_EXISTING"}
        with MemoryFile(text, ext=".vrt") as memory, memory.open(driver="VRT") as virtual:
            rasterio.shutil.copy(virtual, target, driver="COG", **creation, **more)
        return
    with with_overviews(text, target, methods, factors) as virtual:
        rasterio.shutil.copy(virtual, target, driver="COG", **creation)


def _write_band_interleaved(
    source: DatasetReader,
    target: Path,
    creation: Mapping[str, str],
    describe: Describe,
    methods: OverviewMethods,
) -> None:
    """Build the overviews, then copy all in the order of a COG, as the COG driver does from GDAL 3.11 on."""
    driver, more = (
        ("GTiff", dict(_INTERMEDIATE)) if source.profile.get("interleave") == "pixel" else ("VRT", {})
    )
    if driver == "GTiff" and (bits := _bits_of_types(source)):
        more["NBITS"] = max(bits.values(), key=int)
    block = creation["BLOCKSIZE"]
    finished = {
        "COPY_SRC_OVERVIEWS": "YES",
        "TILED": "YES",
        "BLOCKXSIZE": block,
        "BLOCKYSIZE": block,
        "PREDICTOR": "3" if source.dtypes[0].startswith("float") else "2",
        **{name: creation[name] for name in ("COMPRESS", "BIGTIFF", "NUM_THREADS", "INTERLEAVE")},
    }
    intermediate, overviews = target.with_suffix(".staged"), target.with_suffix(".staged.ovr")
    try:
        rasterio.shutil.copy(source, intermediate, driver=driver, **more)
        with rasterio.open(intermediate, "r+", driver=driver) as dataset:
            describe(dataset)
            factors = _factors(dataset, creation)
            if methods.single:
                dataset.build_overviews(factors, Resampling[resampling_of(methods.single)])
                rasterio.shutil.copy(dataset, target, driver="GTiff", **finished)
                return
        with rasterio.open(intermediate, driver=driver) as dataset:
            text = _virtual(dataset, describe)
        with with_overviews(text, target, methods, factors) as virtual:
            rasterio.shutil.copy(virtual, target, driver="GTiff", **finished)
    finally:
        intermediate.unlink(missing_ok=True)
        overviews.unlink(missing_ok=True)


def _factors(dataset: DatasetReader, creation: Mapping[str, str]) -> list[int]:
    """Return the reduction factors of the overviews: as many as asked for, or until one fits into a tile."""
    longest, block = max(dataset.shape), int(creation["BLOCKSIZE"])
    fitting = max(0, math.ceil(math.log2(longest / block)))
    return [2**level for level in range(1, int(creation.get("OVERVIEW_COUNT", fitting)) + 1)]
