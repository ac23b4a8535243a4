"""The scenes of the raster benchmarks: twelve Landsat-like COGs in two UTM zones.

They are made once and kept in the user's cache folder. `LANDBRIDGE_BENCH_SIZE` is their edge in pixels: the
default makes them in a minute, 7700 ("full") is the size of real ones and takes a quarter of an hour.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import rasterio.shutil
from odc.geo.geobox import GeoBox
from platformdirs import user_cache_path
from shapely.geometry import box

import scenes as landscape
from landbridge.geo import AOI
from landbridge.geo.grids.crs import parse_crs, project
from landbridge.raster import Band, Source

if TYPE_CHECKING:
    from collections.abc import Sequence

COUNT = 12
FULL = 7700
_DEFAULT = 2048
# Version of the generator: another number starts another folder.
_EDITION = 1


def scene_size() -> int:
    """Edge of a scene in pixels."""
    text = os.environ.get("LANDBRIDGE_BENCH_SIZE") or str(_DEFAULT)
    return FULL if text == "full" else int(text)


@dataclass(frozen=True)
class Ground:
    """The scenes, oldest first, and the URLs of their files; below `address` if it is set."""

    folder: Path
    size: int
    scenes: tuple[landscape.Scene, ...]
    address: str = ""

    def files(self, scene: landscape.Scene, variant: str) -> list[str]:
        """Return the paths of a scene's color bands: one file ("multi"), or one for each ("split")."""
        names = ["multi"] if variant == "multi" else [*landscape.BANDS]
        return [self.file(scene, name) for name in names]

    def file(self, scene: landscape.Scene, name: str) -> str:
        """Return the path of one of a scene's files: multi, alpha, or a band's name."""
        return f"{self.address or self.folder}/{scene.name}_{name}.tif"

    def sources(self, variant: str) -> list[Source]:
        """Return the scenes as inputs of the engine: images of one product with shared bands."""
        bands = _bands(variant)
        return [
            Source(
                scene.name,
                (*self.files(scene, variant), self.file(scene, "alpha")),
                bands,
                project(footprint(scene), parse_crs(f"EPSG:{scene.epsg}"), parse_crs("EPSG:4326")),
                "bench",
            )
            for scene in self.scenes
        ]

    def grid(self, right: float, down: float, pixels: int) -> GeoBox:
        """Return a square grid of the western zone around a point in scene sizes from the oldest's center."""
        first = self.scenes[0]
        span = self.size * landscape.PIXEL
        left = first.left + (0.5 + right) * span - pixels * landscape.PIXEL / 2
        top = first.top - (0.5 + down) * span + pixels * landscape.PIXEL / 2
        step = landscape.PIXEL
        x, y = (round(edge / step) * step + step / 2 for edge in (left, top))
        return GeoBox((pixels, pixels), rasterio.Affine(step, 0, x, 0, -step, y), f"EPSG:{first.epsg}")

    @cached_property
    def newest(self) -> landscape.Scene:
        """Return the topmost scene."""
        return self.scenes[-1]


def footprint(scene: landscape.Scene) -> Any:
    """Return the outline of a scene's raster in its own coordinate system."""
    right = scene.left + scene.width * landscape.PIXEL
    return box(scene.left, scene.top - scene.height * landscape.PIXEL, right, scene.top)


def own_grid(scene: landscape.Scene) -> GeoBox:
    """Return the grid of a scene's pixels."""
    return GeoBox((scene.height, scene.width), scene.transform, f"EPSG:{scene.epsg}")


def context(grid: GeoBox) -> AOI:
    """Return a grid as an input of the engine."""
    return AOI(bounds=grid.boundingbox.bbox, bounds_crs=str(grid.crs), crs=str(grid.crs), shape=grid.shape.yx)


def _bands(variant: str) -> dict[str, Band]:
    split = variant == "split"
    bands = {
        name: Band(name, nodata=landscape.NODATA, band_index=0 if split else i, file_index=i if split else 0)
        for i, name in enumerate(landscape.BANDS)
    }
    alpha = Band("alpha", "Byte", file_index=len(bands) if split else 1, type="mask", is_alpha=True)
    return {**bands, "alpha": alpha}


FILES = ("multi", *landscape.BANDS, "alpha")
"""Files of each scene: all color bands, each of them, and alpha."""


def ground(files: Sequence[str] = FILES) -> Ground:
    """Return the scenes; those of their files that are missing are made first."""
    size = scene_size()
    folder = user_cache_path("landbridge") / "bench" / f"scenes-{_EDITION}-{size}"
    folder.mkdir(parents=True, exist_ok=True)
    made = Ground(folder, size, landscape.plan(COUNT, size))
    for scene in made.scenes:
        missing = [name for name in files if not Path(made.file(scene, name)).exists()]
        if missing:
            print(f"making {scene.name} of {size} x {size} pixels", file=sys.stderr, flush=True)
            _write(made, scene, missing)
    return made


def _write(made: Ground, scene: landscape.Scene, files: Sequence[str]) -> None:
    *colors, alpha = landscape.render(scene)
    pixels = {**dict(zip(landscape.BANDS, colors, strict=True)), "alpha": alpha.astype("uint8")}
    for name in files:
        bands = np.stack(colors) if name == "multi" else pixels[name][None]
        _write_cog(made.file(scene, name), bands, scene, None if name == "alpha" else landscape.NODATA)


def _write_cog(path: str, pixels: np.ndarray[Any, Any], scene: landscape.Scene, nodata: int | None) -> None:
    profile = {
        **scene.profile,
        "count": len(pixels),
        "dtype": pixels.dtype,
        "nodata": nodata,
        "compress": None,
        "predictor": 1,
    }
    part = f"{path}.part"
    with rasterio.MemoryFile() as memory, rasterio.Env(GDAL_NUM_THREADS="ALL_CPUS"):
        with memory.open(**profile) as dataset:
            dataset.write(pixels)
        with memory.open() as dataset:
            rasterio.shutil.copy(
                dataset,
                part,
                driver="COG",
                blocksize=512,
                compress="DEFLATE",
                predictor="YES",
                overview_count=5,
                overview_resampling="NEAREST" if nodata is None else "AVERAGE",
            )
    Path(part).replace(path)
