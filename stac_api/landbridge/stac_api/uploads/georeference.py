"""Where an uploaded file lies on the ground: by the user's attributes, files beside it, or itself."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio.warp
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.transform import Affine

from landbridge.stac_api.uploads.cell_coverage import Ground
from landbridge.stac_api.uploads.messages import IngestError
from landbridge.stac_api.uploads.reference_systems import horizontal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rasterio.io import DatasetReader

# ESRI's world files: https://desktop.arcgis.com/en/arcmap/latest/manage-data/raster-and-images/world-files-for-raster-datasets.htm
_WORLD = frozenset(
    {".wld", ".tfw", ".tifw", ".tiffw", ".jgw", ".jpw", ".jpgw", ".jpegw", ".pgw", ".pngw", ".j2w", ".jp2w"}
)
_PRJ = ".prj"
_MOST_BESIDE = 2**16  # bytes
# GDAL would also take the name of a file or an address for a reference system, and read it.
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9_]*:[A-Za-z0-9_.-]+(\+[0-9]+)?\Z").match
_WKT = re.compile(r"\s*[A-Z][A-Z0-9_]*\s*\[").match
_PROJ_FILES = re.compile(r"\+(init|nadgrids|geoidgrids|grids|xy_grids|z_grids|file|pipeline)\b").search
_MOST_TEXT = 2**16
# Places along each side that are looked for on the Earth, if no corner lies there.
_PLACES = 65
_HALF_A_PIXEL = 0.5 + 1e-3


@dataclass(frozen=True, slots=True)
class Given:
    """What takes the place of what the file says; None where nothing does."""

    crs: CRS | None
    transform: Affine | None

    def height_of(self, source: DatasetReader, name: str) -> str | None:
        """Return the name of the height that a file's reference system has beside its horizontal part."""
        return horizontal(self.crs or source.crs, name)[1]

    def of(self, source: DatasetReader, name: str) -> tuple[CRS, Affine]:
        """Return the horizontal reference system and transform of a file: given ones win over the file's own.

        Raises:
            IngestError: one is missing, or is of no use.
        """
        crs = self.crs or source.crs
        transform = self.transform or source.transform
        missing = [
            what
            for what, absent in (
                ("a coordinate reference system (cs_code or projection)", not crs),
                ("a geotransform (geotrans)", transform.is_identity),
            )
            if absent
        ]
        if missing:
            if placed_by := _placed_otherwise(source):
                raise IngestError(
                    f"{name}: its pixels are placed by {placed_by}, not on a grid. Warp it first (gdalwarp "
                    f"-t_srs EPSG:…), and upload what comes of that: a geotransform set on the Image would "
                    f"be wrong."
                )
            raise IngestError(
                f"{name}: has no georeferencing: {' and '.join(missing)} is missing. Use a georeferenced "
                f"file, send its world file and .prj along, or set these attributes on the Image before "
                f"uploading."
            )
        with np.errstate(all="ignore"):
            usable = np.isfinite(list(transform)[:6]).all() and transform.determinant not in (0, np.inf)
        if not usable or not np.isfinite(transform.determinant):
            raise IngestError(f"{name}: its geotransform {transform.to_gdal()} is not usable.")
        crs, _ = horizontal(crs, name)
        _check_place(source, crs, transform, name)
        return crs, transform


def _placed_otherwise(source: DatasetReader) -> str | None:
    """Return what places the pixels of a file that is on no grid; None if nothing does."""
    points = len(source.gcps[0])
    if points:
        return f"{points} ground control points"
    if source.rpcs is not None:
        return "rational polynomial coefficients (RPCs)"
    return "geolocation arrays" if source.tags(ns="GEOLOCATION") else None


def _check_place(source: DatasetReader, crs: CRS, transform: Affine, name: str) -> None:
    """Refuse a grid that lies nowhere on the Earth, or in degrees that there are not."""
    columns, rows = source.width, source.height
    pixels = [(0, 0), (columns, 0), (0, rows), (columns, rows), (columns / 2, rows / 2)]
    xs, ys = zip(*(transform @ pixel for pixel in pixels), strict=True)
    if crs.is_geographic:
        _check_degrees(crs, transform, (min(xs), min(ys), max(xs), max(ys)), name)
        return
    try:
        lon, lat = rasterio.warp.transform(crs, "EPSG:4326", xs, ys)
    except (RasterioError, CPLE_BaseError):
        # Of projections that end, as those of what satellites see, no corner may lie on the Earth.
        placed = _is_on_earth(crs, transform, (columns, rows))
    else:
        east, north = np.asarray(lon), np.asarray(lat)
        with np.errstate(all="ignore"):
            placed = bool(((np.abs(north) <= 90.0001) & (np.abs(east) <= 540)).any())
    if not placed:
        raise IngestError(
            f"{name}: by its geotransform {transform.to_gdal()} and its reference system it lies nowhere on "
            f"Earth."
        )


def _is_on_earth(crs: CRS, transform: Affine, size: tuple[int, int]) -> bool:
    try:
        return Ground(crs, transform).has_any(size, _PLACES)
    except ValueError:  # pyproj's errors too
        return False


def _check_degrees(crs: CRS, transform: Affine, bounds: tuple[float, float, float, float], name: str) -> None:
    """Refuse latitudes beyond the poles, but for pixels whose centers are the poles, and too many turns."""
    _, unit = crs.units_factor
    left, bottom, right, top = (math.degrees(edge * unit) for edge in bounds)
    x = math.degrees(unit * (abs(transform.a) + abs(transform.b))) * _HALF_A_PIXEL
    y = math.degrees(unit * (abs(transform.d) + abs(transform.e))) * _HALF_A_PIXEL
    given_by = f"Correct its geotransform {transform.to_gdal()}"
    if bottom > 90 or top < -90:
        raise IngestError(
            f"{name}: by its latitudes, {bottom:.10g} to {top:.10g}, it lies nowhere on Earth. {given_by}."
        )
    if bottom < -90 - y or top > 90 + y:
        raise IngestError(
            f"{name}: its latitudes are {bottom:.10g} to {top:.10g}, beyond the poles by more than half a "
            f"pixel. {given_by}, or cut off the rows beyond ±90 degrees."
        )
    most = 540 if right - left <= 180 else 360
    if right - left > 360 + 2 * x or left < -most - x or right > most + x:
        raise IngestError(
            f"{name}: its longitudes are {left:.10g} to {right:.10g}. They may go on beyond ±180 degrees, as "
            f"from 0 to 360, but not beyond ±{most}, nor around the Earth more than once. {given_by}."
        )


def given(attributes: Mapping[str, Any], beside: Mapping[str, Path]) -> Given:
    """What the user's attributes say, else the files beside the image.

    Raises:
        IngestError: it cannot be understood.
    """
    projection = attributes.get("cs_code") or attributes.get("projection")
    geotrans = attributes.get("geotrans")
    crs = _crs(str(projection), "cs_code or projection") if projection else None
    transform = Affine.from_gdal(*geotrans) if geotrans else None
    if crs is None and _PRJ in beside:
        crs = _crs(_text(beside[_PRJ]), "the .prj file")
    if transform is None and "world" in beside:
        transform = _world(_text(beside["world"]))
    return Given(crs, transform)


def _crs(text: str, where: str) -> CRS:
    try:
        if len(text) <= _MOST_TEXT:
            if _WKT(text):
                return CRS.from_wkt(text, morph_from_esri_dialect=where.endswith("file"))
            if _AUTHORITY(text) or (text.lstrip().startswith("+") and not _PROJ_FILES(text)):
                return CRS.from_string(text)
    except (RasterioError, CPLE_BaseError, ValueError) as error:
        raise IngestError(f"{where} is no reference system: {text[:200]!r} ({error})") from error
    raise IngestError(
        f"{where} is no reference system: {text[:200]!r}. It must be a code such as 'EPSG:32615', WKT, or a "
        f"PROJ string that refers to no file."
    )


def _world(text: str) -> Affine:
    try:
        a, d, b, e, c, f = (float(part.replace(",", ".")) for part in text.split())
    except ValueError as error:
        raise IngestError(f"A world file has six numbers, not {text[:200]!r}.") from error
    # They place the center of the first pixel.
    return Affine(a, b, c - a / 2 - b / 2, d, e, f - d / 2 - e / 2)


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MOST_BESIDE).decode("utf-8", "replace")


def sorted_out(
    sent: Sequence[tuple[Path, str]],
) -> tuple[list[tuple[Path, str]], dict[int, dict[str, Path]]]:
    """The image files among those sent, and by their place the files that belong beside each.

    Raises:
        IngestError: a world file or .prj belongs to no image.
    """
    images = [(path, name) for path, name in sent if _kind(name) is None]
    stems = {PurePath(name).stem.lower(): place for place, (_, name) in reversed(list(enumerate(images)))}
    beside: dict[int, dict[str, Path]] = {}
    for path, name in sent:
        if kind := _kind(name):
            place = stems.get(PurePath(name).stem.lower())
            if place is None:
                raise IngestError(
                    f"{name}: no image of that name came with it. A world file or .prj has its image's name "
                    f"with another ending."
                )
            beside.setdefault(place, {})[kind] = path
    return images, beside


def _kind(name: str) -> str | None:
    suffix = PurePath(name).suffix.lower()
    return "world" if suffix in _WORLD else _PRJ if suffix == _PRJ else None
