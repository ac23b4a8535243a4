"""From files as a user sent them to cloud-optimized GeoTIFFs and what an item says of them.

Runs in a child process, away from the API: a broken file may take GDAL down, not the server. Nothing here
knows of HTTP or of the database.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import rasterio.features
import rasterio.shutil
import rasterio.warp
import shapely
import shapely.geometry
from rasterio._err import CPLE_BaseError  # what GDAL raises beside rasterio's own errors
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader, MemoryFile
from rasterio.transform import Affine
from rasterio.windows import Window
from shapely.affinity import affine_transform

from landbridge.stac_api.uploads.work import IngestError, Job, Result

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry

# What an upload may be. Formats that refer to other files (VRT, GTI, ...) could make the server read them.
DRIVERS = ("GTiff", "JP2OpenJPEG", "JPEG", "PNG")

# Catalog data type -> numpy's name for it.
DTYPES: dict[str, str] = {
    "Byte": "uint8",
    "UInt16": "uint16",
    "Int16": "int16",
    "UInt32": "uint32",
    "Int32": "int32",
    "Float32": "float32",
    "Float64": "float64",
}

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
_ENV = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_NUM_THREADS": "2", "GDAL_CACHEMAX": 256 * 2**20}
_FOOTPRINT_CELLS = 512  # along the longest side of the grid a footprint is traced on
_FOOTPRINT_CORNERS = 100
_BLOCK = 512


def run(job: Job) -> Result:
    """Check the files against the product's bands and write one COG for each.

    Raises:
        IngestError: with a text for the user.
    """
    made: list[Path] = []
    facts: list[dict[str, Any]] = []
    footprints: list[BaseGeometry] = []
    with rasterio.Env(**_ENV):
        for index, (path, name) in enumerate(zip(job.files, job.names, strict=True)):
            bands = [band for band in job.bands if (band.get("file_index") or 0) == index]
            try:
                with DatasetReader(str(path), driver=list(DRIVERS)) as source:
                    _check_bands(source, name, bands)
                    crs, transform = _georeference(source, name, job.attributes)
                    nodata = _nodata(source, bands)
                    target = job.folder / f"{index}.tif"
                    _write_cog(source, target, crs, transform, nodata, bands, job.options)
                with rasterio.open(target) as cog:
                    footprints.append(_footprint(cog))
                    facts.append(_facts(cog))
            except (RasterioError, CPLE_BaseError) as error:
                raise IngestError(
                    f"{name}: can't be read as an image ({error}). It must be a whole file in one of the "
                    f"formats GeoTIFF, JPEG 2000, JPEG or PNG."
                ) from error
            made.append(target)
    _check_files(job)
    files = [{"href": "", "size_bytes": path.stat().st_size, "hash": _md5(path)} for path in made]
    geometry = shapely.union_all(footprints) if len(footprints) > 1 else footprints[0]
    if geometry.is_empty:
        raise IngestError("The image has no valid pixel: everything is nodata.")
    finest = min(facts, key=lambda fact: fact["pixel_area"])
    attributes = {key: value for key, value in finest.items() if key != "pixel_area"}
    attributes["geometry"] = shapely.geometry.mapping(geometry)
    attributes["files"] = files
    attributes["storage_state"] = "available"
    return Result(made, attributes)


def _check_files(job: Job) -> None:
    wanted = max(((band.get("file_index") or 0) for band in job.bands), default=0) + 1
    if len(job.files) < wanted:
        raise IngestError(
            f"The product's bands are spread over {wanted} files, but {len(job.files)} came. "
            f"Upload all {wanted} in one call, in the order of the bands' file_index."
        )


def _check_bands(source: DatasetReader, name: str, bands: Sequence[Mapping[str, Any]]) -> None:
    for band in bands:
        number = (band.get("band_index") or 0) + 1
        if number > source.count:
            raise IngestError(
                f"{name}: band {band['name']!r} has band_index {number - 1}, but the file has {source.count} "
                f"band(s), so the highest index it can serve is {source.count - 1}."
            )
        declared, found = DTYPES.get(band.get("data_type") or ""), source.dtypes[number - 1]
        if declared is not None and declared != found:
            raise IngestError(
                f"{name}: band {band['name']!r} is declared as {band['data_type']} ({declared}), but the "
                f"file holds {found}. Convert the file, or correct the band's data_type."
            )


def _georeference(source: DatasetReader, name: str, attributes: Mapping[str, Any]) -> tuple[CRS, Affine]:
    """What the user set wins over what the file says."""
    projection = attributes.get("cs_code") or attributes.get("projection")
    crs = CRS.from_user_input(projection) if projection else source.crs
    geotrans = attributes.get("geotrans")
    transform = Affine.from_gdal(*geotrans) if geotrans else source.transform
    missing = [
        what
        for what, absent in (
            ("a coordinate reference system (cs_code or projection)", crs is None),
            ("a geotransform (geotrans)", transform.is_identity),
        )
        if absent
    ]
    if missing:
        raise IngestError(
            f"{name}: has no georeferencing: {' and '.join(missing)} is missing. Use a georeferenced file, "
            f"or set these attributes on the Image before uploading."
        )
    if not np.isfinite(list(transform)[:6]).all() or transform.determinant == 0:
        raise IngestError(f"{name}: its geotransform {transform.to_gdal()} is not usable.")
    return crs, transform


def _nodata(source: DatasetReader, bands: Sequence[Mapping[str, Any]]) -> float | None:
    """The file's nodata value, else the one all its bands agree on."""
    if source.nodata is not None:
        return float(source.nodata)
    values = {band.get("nodata") for band in bands if band.get("type") != "mask"}
    value = values.pop() if len(values) == 1 else None
    return None if value is None else float(value)


def _write_cog(
    source: DatasetReader,
    target: Path,
    crs: CRS,
    transform: Affine,
    nodata: float | None,
    bands: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
) -> None:
    exact = any(band.get("type") in ("class", "mask") for band in bands)
    default = "NEAREST" if exact else "AVERAGE"
    resampler = _RESAMPLERS.get(options.get("overview_resampler") or "", default)
    creation: dict[str, Any] = {
        "BLOCKSIZE": str(_BLOCK),
        "COMPRESS": "DEFLATE",
        "PREDICTOR": "YES",
        "BIGTIFF": "IF_SAFER",
        "NUM_THREADS": "2",
        "OVERVIEW_RESAMPLING": resampler,
    }
    if overviews := options.get("overviews"):
        creation["OVERVIEW_COUNT"] = str(len(overviews))
    as_sent = (crs, transform, nodata) == (
        source.crs,
        source.transform,
        None if source.nodata is None else float(source.nodata),
    )
    if as_sent:
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


def _footprint(cog: DatasetReader) -> BaseGeometry:
    """Where the file has valid pixels, in longitude and latitude; never less than that.

    Cells of some pixels are valid where any of their pixels is. Their outline, without holes, is
    simplified outwards, so that a reader may skip what a footprint doesn't touch.
    """
    cell = max(1, math.ceil(max(cog.height, cog.width) / _FOOTPRINT_CELLS))
    valid = _valid_cells(cog, cell)
    if not valid.any():
        return shapely.Polygon()
    extent = shapely.box(0, 0, cog.width, cog.height)
    pixels = extent if valid.all() else _outline(valid, cell).intersection(extent)
    # A straight edge of the file is a curve on the ground; pieces of a 16th keep it to a few meters.
    edges = shapely.segmentize(pixels, max(cog.width, cog.height) / 16)
    world = affine_transform(edges, cog.transform.to_shapely())
    if cog.crs != CRS.from_epsg(4326):
        warped = rasterio.warp.transform_geom(cog.crs, "EPSG:4326", shapely.geometry.mapping(world))
        world = shapely.geometry.shape(warped)
    polygons = [part for part in _parts(shapely.make_valid(world)) if part.geom_type == "Polygon"]
    return shapely.orient_polygons(shapely.union_all(polygons))


def _outline(valid: np.ndarray, cell: int) -> BaseGeometry:
    """An outline of the valid cells, in pixels, that leaves none out and has few corners."""
    traced = rasterio.features.shapes(
        valid.astype("uint8"), mask=valid, connectivity=8, transform=Affine.scale(cell)
    )
    filled = [shapely.Polygon(geometry["coordinates"][0]) for geometry, _ in traced]
    cells = shapely.union_all(filled)
    slack = float(cell)
    while True:
        # Simplifying moves the line by less than it was moved outwards before.
        outline = cells.buffer(slack, join_style="mitre").simplify(slack)
        if shapely.get_num_coordinates(outline) <= _FOOTPRINT_CORNERS:
            return outline
        slack *= 2


def _parts(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    for part in getattr(geometry, "geoms", [geometry]):
        if hasattr(part, "geoms"):
            yield from _parts(part)
        else:
            yield part


def _valid_cells(cog: DatasetReader, cell: int) -> np.ndarray:
    """Which `cell` x `cell` squares of pixels hold a valid pixel of any band: (rows, columns), bool."""
    alpha = [i for i, kind in enumerate(cog.colorinterp, 1) if kind == ColorInterp.alpha]
    indexes = alpha or list(cog.indexes)
    rows, columns = -(-cog.height // cell), -(-cog.width // cell)
    valid = np.zeros((rows, columns), bool)
    step = max(1, _BLOCK // cell)  # rows of cells per strip
    padded = np.zeros((step * cell, columns * cell), bool)
    for first in range(0, rows, step):
        height = min(step * cell, cog.height - first * cell)
        strip = cog.read_masks(indexes, window=Window(0, first * cell, cog.width, height))
        padded[:] = False
        padded[:height, : cog.width] = strip.any(axis=0)
        cells = np.logical_or.reduce(padded.reshape(step, cell, columns, cell), axis=(1, 3))
        valid[first : first + step] = cells[: rows - first]
    return valid


def _facts(cog: DatasetReader) -> dict[str, Any]:
    authority = cog.crs.to_authority()
    where = {"cs_code": ":".join(authority)} if authority else {"projection": cog.crs.to_wkt()}
    return {
        **where,
        "geotrans": list(cog.transform.to_gdal()),
        "x_pixels": cog.width,
        "y_pixels": cog.height,
        "pixel_area": abs(cog.transform.determinant),
    }


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
