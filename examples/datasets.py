"""Data sets of the demo: generated scenes, or the GeoTIFFs of a folder."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from rasterio.enums import ColorInterp

import scenes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DATA_TYPES = {
    "uint8": "Byte",
    "uint16": "UInt16",
    "int16": "Int16",
    "uint32": "UInt32",
    "int32": "Int32",
    "float32": "Float32",
    "float64": "Float64",
}

# Bands of Landsat 8 and 9 by their number: name, shortest and longest wavelength in nanometers.
LANDSAT_BANDS = {
    1: ("coastal-aerosol", 435, 451),
    2: ("blue", 452, 512),
    3: ("green", 533, 590),
    4: ("red", 636, 673),
    5: ("nir", 851, 879),
    6: ("swir1", 1566, 1651),
    7: ("swir2", 2107, 2294),
    8: ("pan", 503, 676),
    9: ("cirrus", 1363, 1384),
}
_LANDSAT_FILE = re.compile(r"(?P<scene>LC0[89]_L\w{3}_\d{6}_(?P<date>\d{8})_.+)_B(?P<band>[1-9])")
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?!\d)")


class DatasetError(Exception):
    """A folder contains no files that can be uploaded as one product."""


@dataclass(frozen=True, slots=True)
class BandSource:
    """A band of the product, and its location in the files of every image."""

    name: str
    data_type: str
    file_index: int = 0
    band_index: int = 0
    nodata: float | None = None
    data_range: tuple[float, float] = (0, 10_000)
    display_range: tuple[float, float] = (0, 4000)
    wavelengths: tuple[int, int] | None = None
    """Shortest and longest in nanometers."""
    is_alpha: bool = False


@dataclass(frozen=True, slots=True)
class ImageSource:
    """One image to upload."""

    name: str
    acquired: datetime
    files: Callable[[], list[Path]] = field(repr=False)
    """Function that returns the files, by file index; it makes generated scenes."""
    cloud_fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A product to create: its bands and images."""

    name: str
    title: str
    bands: tuple[BandSource, ...]
    images: tuple[ImageSource, ...]
    resolution: float
    """Pixel size, in units of the coordinate system."""
    unit: str
    """"meters" or "degrees"."""

    @property
    def display_bands(self) -> list[str]:
        """Red, green and blue if these bands exist, else the first three (or the first)."""
        names = [band.name for band in self.bands if not band.is_alpha]
        if {"red", "green", "blue"} <= set(names):
            return ["red", "green", "blue"]
        return names[:3] if len(names) >= 3 else names[:1]


def generated(size: int, folder: Path) -> Dataset:
    """Return six scenes of `size` by `size` pixels, written to `folder` when they are needed."""
    wavelengths = {name: (low, high) for name, low, high in LANDSAT_BANDS.values()}
    bands = [
        BandSource(
            name,
            "UInt16",
            band_index=i,
            nodata=scenes.NODATA,
            display_range=(200, 5000) if name == "nir" else (200, 2600),
            wavelengths=wavelengths[name],
        )
        for i, name in enumerate(scenes.BANDS)
    ]
    bands.append(BandSource(scenes.ALPHA, "UInt16", band_index=len(bands), is_alpha=True))
    images = [
        ImageSource(
            scene.name,
            scene.acquired,
            partial(scenes.write, scene, folder),
            scene.cloud_fraction,
        )
        for scene in scenes.plan(count=6, size=size)
    ]
    return Dataset("demo-landsat", "Landsat-like demo", tuple(bands), tuple(images), scenes.PIXEL, "meters")


def from_folder(folder: Path) -> Dataset:
    """Read the GeoTIFFs of a folder: Landsat scenes with one file per band, or one file per image.

    Raises DatasetError if there are none, or if they do not share one band structure.
    """
    if not folder.is_dir():
        raise DatasetError(f"DEMO_DATA={folder} is not a folder")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".tif", ".tiff"})
    if not files:
        raise DatasetError(f"{folder} holds no GeoTIFF (*.tif, *.tiff)")
    matches = [_LANDSAT_FILE.fullmatch(path.stem) for path in files]
    landsat = {path: match for path, match in zip(files, matches, strict=True) if match}
    if landsat and len(landsat) < len(files):
        strange = next(path.name for path in files if path not in landsat)
        raise DatasetError(
            f"{folder} holds Landsat files, one per band, and others such as {strange}: separate them"
        )
    bands, images = _landsat(landsat) if landsat else _one_file_per_image(files)
    with rasterio.open(images[0].files()[0]) as first:
        resolution, unit = first.res[0], "degrees" if first.crs.is_geographic else "meters"
    name = "demo-" + re.sub(r"[^a-z0-9_.-]+", "-", folder.resolve().name.lower())
    return Dataset(name, f"Demo: {folder.resolve().name}", bands, images, resolution, unit)


def _landsat(files: dict[Path, re.Match[str]]) -> tuple[tuple[BandSource, ...], tuple[ImageSource, ...]]:
    by_scene: dict[str, dict[int, Path]] = defaultdict(dict)
    dates: dict[str, datetime] = {}
    for path, match in files.items():
        by_scene[match["scene"]][int(match["band"])] = path
        dates[match["scene"]] = datetime.strptime(match["date"], "%Y%m%d").replace(tzinfo=UTC)
    numbers = sorted(set.union(*(set(bands) for bands in by_scene.values())))
    for scene, paths in by_scene.items():
        if missing := [f"B{number}" for number in numbers if number not in paths]:
            raise DatasetError(f"{scene} has no {', '.join(missing)}, which other scenes have")
    examples = next(iter(by_scene.values()))
    bands = []
    for file_index, number in enumerate(numbers):
        (band,) = _bands_of(examples[number])
        name, shortest, longest = LANDSAT_BANDS[number]
        # Level 1 files carry no nodata tag: their fringe is 0.
        nodata = 0 if band.nodata is None else band.nodata
        band = replace(band, name=name, file_index=file_index, nodata=nodata, wavelengths=(shortest, longest))
        bands.append(_with_ranges(band, [paths[number] for paths in by_scene.values()]))
    images = [
        ImageSource(scene, dates[scene], partial(list, [paths[n] for n in numbers]))
        for scene, paths in sorted(by_scene.items())
    ]
    return tuple(bands), tuple(images)


def _one_file_per_image(files: list[Path]) -> tuple[tuple[BandSource, ...], tuple[ImageSource, ...]]:
    bands = _bands_of(files[0])
    structure = [(band.data_type, band.is_alpha) for band in bands]
    for path in files[1:]:
        if [(band.data_type, band.is_alpha) for band in _bands_of(path)] != structure:
            raise DatasetError(
                f"{path.name} and {files[0].name} differ in their bands or data types: separate them"
            )
    ranged = tuple(band if band.is_alpha else _with_ranges(band, files) for band in bands)
    images = [ImageSource(_valid_name(path.stem), _acquired(path), partial(list, [path])) for path in files]
    return ranged, tuple(images)


def _bands_of(path: Path) -> list[BandSource]:
    with rasterio.open(path) as file:
        if file.crs is None:
            raise DatasetError(f"{path.name} is not georeferenced: it has no coordinate system")
        unknown = [dtype for dtype in file.dtypes if dtype not in DATA_TYPES]
        if unknown:
            raise DatasetError(
                f"{path.name} has pixels of type {unknown[0]}; there are {', '.join(DATA_TYPES)}"
            )
        return [
            BandSource(
                "alpha" if interpretation == ColorInterp.alpha else f"band-{i + 1}",
                DATA_TYPES[dtype],
                band_index=i,
                nodata=nodata,
                is_alpha=interpretation == ColorInterp.alpha,
            )
            for i, (dtype, nodata, interpretation) in enumerate(
                zip(file.dtypes, file.nodatavals, file.colorinterp, strict=True)
            )
        ]


def _with_ranges(band: BandSource, files: list[Path]) -> BandSource:
    """Set a band's ranges from a few files: the whole integer type, and the 2nd to 98th percentile."""
    samples = []
    for path in files[:4]:
        with rasterio.open(path) as file:
            shape = min(file.height, 400), min(file.width, 400)
            pixels = file.read(band.band_index + 1, out_shape=shape)
        samples.append(pixels[np.isfinite(pixels) & (band.nodata is None or pixels != band.nodata)])
    values = np.concatenate(samples)
    if not values.size:
        values = np.zeros(1, values.dtype)
    limits = np.iinfo(values.dtype) if values.dtype.kind in "iu" else None
    low, high = (limits.min, limits.max) if limits else (float(values.min()), float(values.max()))
    dark, bright = np.percentile(values, (2, 98)).tolist()
    return replace(band, data_range=(low, high), display_range=(dark, max(bright, dark + 1e-6)))


def _acquired(path: Path) -> datetime:
    """Return the date in the file's name or tags, else the time of the file's last change."""
    if match := _DATE.search(path.stem):
        try:
            return datetime.strptime("-".join(match.groups()), "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            pass
    with rasterio.open(path) as file:
        tag = file.tags().get("TIFFTAG_DATETIME", "")
    try:
        return datetime.strptime(tag, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(int(path.stat().st_mtime), tz=UTC)


def _valid_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name)
