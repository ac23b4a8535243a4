"""Twelve items like Sentinel-2's: bands of 10 and 20 m, one file a band, no data beyond the swath's edge.

Four overlapping tiles of three days. They are made once and kept in the user's cache folder.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import rasterio.shutil
from platformdirs import user_cache_path
from rasterio.warp import transform_bounds

if TYPE_CHECKING:
    from pathlib import Path

EPSG = 32613
BANDS = {"red": 10, "green": 10, "blue": 10, "swir16": 20}
"""Bands and their resolutions."""
COLLECTION = "sentinel-2-like"
_SIDE = 2048  # pixels of 10 m
_LEFT, _TOP = 399960, 4500000
_STEP = _SIDE * 10 * 3 // 4
_EDITION = 1
# Version of the generator: another number starts another folder.


@dataclass(frozen=True)
class Scene:
    """One item: its number says its tile and its day."""

    number: int

    @property
    def name(self) -> str:
        return f"S2-{self.number:02d}"

    @property
    def corner(self) -> tuple[int, int]:
        """Upper left corner."""
        row, column = divmod(self.number % 4, 2)
        return _LEFT + column * _STEP, _TOP - row * _STEP

    @property
    def acquired(self) -> str:
        day = datetime(2024, 6, 1, 17, 40, self.number, tzinfo=UTC) + timedelta(days=5 * (self.number // 4))
        return f"{day:%Y-%m-%dT%H:%M:%SZ}"

    def transform(self, band: str) -> rasterio.Affine:
        x, y = self.corner
        return rasterio.Affine(BANDS[band], 0, x, 0, -BANDS[band], y)

    def pixels(self, band: str) -> np.ndarray[Any, Any]:
        """Return smooth ground with noise; without data beyond a slanted line, another one each day."""
        times = BANDS[band] // 10
        side = _SIDE // times
        row, column = np.indices((side, side), dtype="float32") * times
        random = np.random.default_rng([self.number, list(BANDS).index(band)])
        ground = 2000 + 800 * np.sin(row / 170) * np.cos(column / 130) + 50 * list(BANDS).index(band)
        values = (ground + random.integers(0, 64, ground.shape)).astype("uint16")
        edge = _SIDE * (0.35 + 0.2 * (self.number // 4)) + row * 0.3
        values[column > edge if self.number % 2 == 0 else column < _SIDE - edge] = 0
        return values


SCENES = tuple(Scene(number) for number in range(12))
"""The items, oldest first."""


def area(pixels: int = 1024) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of a square in the middle, on the grid of 20 m."""
    x = _LEFT + (_STEP + _SIDE * 10) // 2
    y = _TOP - (_STEP + _SIDE * 10) // 2
    x, y = (round(number / 20) * 20 for number in (x - pixels * 5, y + pixels * 5))
    # Corners of tiles are odd multiples of 20 m.
    return float(x), float(y - pixels * 10), float(x + pixels * 10), float(y)


def folder() -> Path:
    """Return the folder of the files; missing ones are made first."""
    made = user_cache_path("landbridge") / "bench" / f"sources-{_EDITION}-{_SIDE}"
    made.mkdir(parents=True, exist_ok=True)
    for scene in SCENES:
        for band in BANDS:
            if not (path := made / f"{scene.name}_{band}.tif").exists():
                print(f"making {path.name}", file=sys.stderr, flush=True)
                _write(path, scene, band)
    return made


def _write(path: Path, scene: Scene, band: str) -> None:
    content = scene.pixels(band)
    profile = {
        "driver": "GTiff",
        "count": 1,
        "dtype": "uint16",
        "height": content.shape[0],
        "width": content.shape[1],
        "crs": f"EPSG:{EPSG}",
        "transform": scene.transform(band),
        "nodata": 0,
    }
    part = path.with_suffix(".part")
    with rasterio.MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(content, 1)
        with memory.open() as dataset:
            rasterio.shutil.copy(
                dataset, part, driver="COG", blocksize=512, compress="DEFLATE", predictor="YES"
            )
    part.replace(path)


def expected(bounds: tuple[float, float, float, float]) -> np.ndarray[Any, Any]:
    """Return (band, row, column) of the mosaic at 10 m, the newest item on top."""
    left, bottom, right, top = bounds
    rows, columns = round((top - bottom) / 10), round((right - left) / 10)
    out = np.zeros((len(BANDS), rows, columns), "uint16")
    for scene in SCENES:
        x, y = round((scene.corner[0] - left) / 10), round((top - scene.corner[1]) / 10)
        for index, band in enumerate(BANDS):
            times = BANDS[band] // 10
            layer = scene.pixels(band).repeat(times, 0).repeat(times, 1)
            there = np.zeros((rows, columns), "uint16")
            target = (slice(max(y, 0), y + _SIDE), slice(max(x, 0), x + _SIDE))
            part = there[target]
            part[...] = layer[max(-y, 0) :, max(-x, 0) :][: part.shape[0], : part.shape[1]]
            np.copyto(out[index], there, where=there != 0)
    return out


def documents(address: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the Collection and the Items whose files are at an address, in the style of Earth Search."""
    items = [_item(scene, address) for scene in SCENES]
    collection = {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": COLLECTION,
        "description": "Items like Sentinel-2's",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2024-01-01T00:00:00Z", None]]},
        },
        "links": [],
        "item_assets": {
            key: {
                name: value
                for name, value in asset.items()
                if name in ("type", "roles", "eo:bands", "raster:bands")
            }
            for key, asset in items[0]["assets"].items()
        },
    }
    return collection, items


def _item(scene: Scene, address: str) -> dict[str, Any]:
    x, y = scene.corner
    box = list(transform_bounds(f"EPSG:{EPSG}", "EPSG:4326", x, y - _SIDE * 10, x + _SIDE * 10, y))
    west, south, east, north = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    assets = {
        band: {
            "href": f"{address}/{scene.name}_{band}.tif",
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "roles": ["data"],
            "eo:bands": [{"name": band, "common_name": band}],
            "raster:bands": [{"data_type": "uint16", "nodata": 0, "spatial_resolution": resolution}],
            "proj:shape": [_SIDE * 10 // resolution] * 2,
            "proj:transform": list(scene.transform(band))[:6],
        }
        for band, resolution in BANDS.items()
    }
    extensions = ("projection/v1.1.0", "raster/v1.1.0", "eo/v1.1.0")
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [f"https://stac-extensions.github.io/{name}/schema.json" for name in extensions],
        "id": scene.name,
        "collection": COLLECTION,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": box,
        "properties": {"datetime": scene.acquired, "proj:epsg": EPSG, "eo:cloud_cover": 5.0},
        "links": [],
        "assets": assets,
    }
