"""Writing a cloud-optimized GeoTIFF, by GDAL's COG driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import rasterio
import rasterio.shutil
from rasterio.io import MemoryFile

from landbridge.stac_api.uploads.measure import item_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rasterio.crs import CRS
    from rasterio.io import DatasetReader
    from rasterio.transform import Affine

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


def options(
    source: DatasetReader, bands: Sequence[Mapping[str, Any]], wanted: Mapping[str, Any]
) -> dict[str, str]:
    """Creation options of the COG driver."""
    exact = any(band.get("type") in ("class", "mask") for band in bands)
    default = "NEAREST" if exact else "AVERAGE"
    found = {
        "BLOCKSIZE": str(_block(source)),
        "COMPRESS": "DEFLATE",
        "PREDICTOR": "YES",
        "BIGTIFF": "IF_SAFER",
        # Tiles that wait for a thread are kept in memory, all bands of each.
        "NUM_THREADS": "2" if _depth(source) <= _DEEP else "1",
        "OVERVIEW_RESAMPLING": _RESAMPLERS.get(wanted.get("overview_resampler") or "", default),
    }
    if overviews := wanted.get("overviews"):
        found["OVERVIEW_COUNT"] = str(len(overviews))
    return found


def _depth(source: DatasetReader) -> int:
    """Bytes of a pixel in all bands."""
    return sum(map(item_size, source.dtypes))


def _block(source: DatasetReader) -> int:
    """Pixels along a tile: fewer where many bands would make its bytes many."""
    side = _BLOCK
    while side > _SMALLEST_BLOCK and side * side * _depth(source) > _BLOCK_BYTES:
        side //= 2
    return side


def write(
    source: DatasetReader,
    target: Path,
    crs: CRS,
    transform: Affine,
    nodata: float | None,
    bands: Sequence[Mapping[str, Any]],
    wanted: Mapping[str, Any],
) -> None:
    """Write a file's pixels as a COG with this georeferencing and nodata value."""
    creation = options(source, bands, wanted)
    own_nodata = None if source.nodata is None else float(source.nodata)
    # The same for the file of overviews that the driver makes beside the COG.
    with rasterio.Env(
        GDAL_NUM_THREADS=creation["NUM_THREADS"], GDAL_TIFF_OVR_BLOCKSIZE=creation["BLOCKSIZE"]
    ):
        if (crs, transform, nodata) == (source.crs, source.transform, own_nodata) and not source.gcps[0]:
            rasterio.shutil.copy(source, target, driver="COG", **creation)
            return
        # A virtual file in memory carries what the user's attributes say instead of what the file says.
        with MemoryFile(ext=".vrt") as memory:
            rasterio.shutil.copy(source, memory.name, driver="VRT")
            with rasterio.open(memory.name, "r+", driver="VRT") as virtual:
                virtual.crs = crs
                virtual.transform = transform
                if nodata is not None:
                    virtual.nodata = nodata
            with rasterio.open(memory.name, driver="VRT") as virtual:
                rasterio.shutil.copy(virtual, target, driver="COG", **creation)
