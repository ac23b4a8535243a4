"""Georeference of an uploaded file: from attributes, sidecar files, or the file itself."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio.warp
from rasterio.crs import CRS
from rasterio.transform import Affine

from landbridge.stac_api.uploads.cell_coverage import PixelToLonLat
from landbridge.stac_api.uploads.gdal_errors import GDAL_ERRORS
from landbridge.stac_api.uploads.messages import IngestError
from landbridge.stac_api.uploads.reference_systems import horizontal_crs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rasterio.io import DatasetReader

# ESRI's world files:
# https://desktop.arcgis.com/en/arcmap/latest/manage-data/raster-and-images/world-files-for-raster-datasets.htm
_WORLD = frozenset(
    {".wld", ".tfw", ".tifw", ".tiffw", ".jgw", ".jpw", ".jpgw", ".jpegw", ".pgw", ".pngw", ".j2w", ".jp2w"}
)
_PRJ = ".prj"
_MAX_SIDECAR = 2**16  # bytes
# GDAL also accepts file names and URLs as reference systems, and would read them.
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9_]*:[A-Za-z0-9_.-]+(\+[0-9]+)?\Z").match
_WKT = re.compile(r"\s*[A-Z][A-Z0-9_]*\s*\[").match
_PROJ_FILES = re.compile(r"\+(init|nadgrids|geoidgrids|grids|xy_grids|z_grids|file|pipeline)\b").search
_MAX_TEXT = 2**16
# Points along each side that are tried if no corner lies on the Earth.
_POINTS = 65
_HALF_A_PIXEL = 0.5 + 1e-3


@dataclass(frozen=True, slots=True)
class GivenGeoreference:
    """Georeference that replaces the file's own; None for a part that is not given."""

    crs: CRS | None
    transform: Affine | None

    def height_of(self, source: DatasetReader, name: str) -> str | None:
        """Return the name of the height in a file's reference system; None if it has none."""
        return horizontal_crs(self.crs or source.crs, name)[1]

    def resolve(self, source: DatasetReader, name: str) -> tuple[CRS, Affine]:
        """Return the horizontal reference system and the transform of a file, given ones first.

        Raises
        ------
        IngestError
            If one is missing or unusable.
        """
        crs = self.crs or source.crs
        transform = self.transform or source.transform
        missing = [
            part
            for part, absent in (
                ("a coordinate reference system (cs_code or projection)", not crs),
                ("a geotransform (geotrans)", transform.is_identity),
            )
            if absent
        ]
        if missing:
            if placed_by := _other_georeference(source):
                raise IngestError(
                    f"{name}: its pixels are placed by {placed_by}, not on a grid. Warp it first (gdalwarp "
                    f"-t_srs EPSG:…), and upload the result: a geotransform set on the Image would be "
                    f"wrong."
                )
            raise IngestError(
                f"{name}: has no georeferencing: {' and '.join(missing)} is missing. Use a georeferenced "
                f"file, upload its world file and .prj with it, or set these attributes on the Image before "
                f"uploading."
            )
        with np.errstate(all="ignore"):
            usable = np.isfinite(list(transform)[:6]).all() and transform.determinant not in (0, np.inf)
        if not usable or not np.isfinite(transform.determinant):
            raise IngestError(f"{name}: its geotransform {transform.to_gdal()} is not usable.")
        crs, _ = horizontal_crs(crs, name)
        _check_place(source, crs, transform, name)
        return crs, transform


def _other_georeference(source: DatasetReader) -> str | None:
    """Return the georeference of a file without a geotransform, as text; None if it has none."""
    points = len(source.gcps[0])
    if points:
        return f"{points} ground control points"
    if source.rpcs is not None:
        return "rational polynomial coefficients (RPCs)"
    return "geolocation arrays" if source.tags(ns="GEOLOCATION") else None


def _check_place(source: DatasetReader, crs: CRS, transform: Affine, name: str) -> None:
    """Refuse a grid that lies outside the Earth, or outside the range of degrees."""
    columns, rows = source.width, source.height
    pixels = [(0, 0), (columns, 0), (0, rows), (columns, rows), (columns / 2, rows / 2)]
    xs, ys = zip(*(transform @ pixel for pixel in pixels), strict=True)
    if crs.is_geographic:
        _check_degrees(crs, transform, (min(xs), min(ys), max(xs), max(ys)), name)
        return
    try:
        lon, lat = rasterio.warp.transform(crs, "EPSG:4326", xs, ys)
    except GDAL_ERRORS:
        # In projections with an edge, such as a satellite's view, all corners may lie outside the Earth.
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
        return PixelToLonLat(crs, transform).has_any(size, _POINTS)
    except ValueError:  # pyproj's errors too
        return False


def _check_degrees(crs: CRS, transform: Affine, bounds: tuple[float, float, float, float], name: str) -> None:
    """Refuse latitudes beyond the poles by more than half a pixel, and more than 360 degrees of longitude."""
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


def given(attributes: Mapping[str, Any], sidecars: Mapping[str, Path]) -> GivenGeoreference:
    """Return the georeference that the user's attributes state, else the sidecar files.

    Raises
    ------
    IngestError
        If it is invalid.
    """
    projection = attributes.get("cs_code") or attributes.get("projection")
    geotrans = attributes.get("geotrans")
    crs = _crs(str(projection), "cs_code or projection") if projection else None
    transform = Affine.from_gdal(*geotrans) if geotrans else None
    if crs is None and _PRJ in sidecars:
        crs = _crs(_read_text(sidecars[_PRJ]), "the .prj file")
    if transform is None and "world" in sidecars:
        transform = _world_transform(_read_text(sidecars["world"]))
    return GivenGeoreference(crs, transform)


def _crs(text: str, origin: str) -> CRS:
    try:
        if len(text) <= _MAX_TEXT:
            if _WKT(text):
                return CRS.from_wkt(text, morph_from_esri_dialect=origin.endswith("file"))
            if _AUTHORITY(text) or (text.lstrip().startswith("+") and not _PROJ_FILES(text)):
                return CRS.from_string(text)
    except (*GDAL_ERRORS, ValueError) as error:
        raise IngestError(f"{origin} is no reference system: {text[:200]!r} ({error})") from error
    raise IngestError(
        f"{origin} is no reference system: {text[:200]!r}. It must be a code such as 'EPSG:32615', WKT, or a "
        f"PROJ string that refers to no file."
    )


def _world_transform(text: str) -> Affine:
    try:
        a, d, b, e, c, f = (float(part.replace(",", ".")) for part in text.split())
    except ValueError as error:
        raise IngestError(f"A world file has six numbers, not {text[:200]!r}.") from error
    # A world file states the center of the first pixel.
    return Affine(a, b, c - a / 2 - b / 2, d, e, f - d / 2 - e / 2)


def _read_text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_MAX_SIDECAR).decode("utf-8", "replace")


def split_sidecars(
    sent: Sequence[tuple[Path, str]],
) -> tuple[list[tuple[Path, str]], dict[int, dict[str, Path]]]:
    """Split uploaded files into images, and the sidecar files of each by the image's index.

    Raises
    ------
    IngestError
        If a world file or .prj belongs to no image.
    """
    images = [(path, name) for path, name in sent if _sidecar_kind(name) is None]
    stems = {PurePath(name).stem.lower(): index for index, (_, name) in reversed(list(enumerate(images)))}
    sidecars: dict[int, dict[str, Path]] = {}
    for path, name in sent:
        if kind := _sidecar_kind(name):
            index = stems.get(PurePath(name).stem.lower())
            if index is None:
                raise IngestError(
                    f"{name}: no image of that name was uploaded with it. A world file or .prj has its "
                    f"image's name with another extension."
                )
            sidecars.setdefault(index, {})[kind] = path
    return images, sidecars


def _sidecar_kind(name: str) -> str | None:
    suffix = PurePath(name).suffix.lower()
    return "world" if suffix in _WORLD else _PRJ if suffix == _PRJ else None
