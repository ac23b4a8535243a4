"""A store with two overlapping images in different zones, for tests of rendered tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.io import MemoryFile
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds
from shapely.geometry import box, mapping

from landbridge.raster import Band, Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from landbridge.stac_api.tiles.products import TileProduct

PRODUCT = "scenes"
SIDE, PIXEL = 512, 120.0
BANDS = ("red", "green", "blue", "nir")
# Item -> reference system, left and top edge; the first is on top.
PLACES = {
    "east": ("EPSG:32632", 380_000.0, 8_000_000.0),
    "west": ("EPSG:32631", 580_000.0, 7_985_000.0),
}


def collection(**members: Any) -> dict[str, Any]:
    entries = [
        {
            "name": name,
            "catalog:type": "spectral",
            "catalog:asset": "data",
            "catalog:file_index": 0,
            "catalog:band_index": index,
            "data_type": "uint16",
            "nodata": 0,
            "catalog:display_range": [0, 4000],
        }
        for index, name in enumerate(BANDS)
    ]
    return {
        "id": PRODUCT,
        "bands": entries,
        "item_assets": {"data": {"catalog:file_index": 0}},
        "renders": {"default": {"assets": ["data"], "bidx": [1, 2, 3], "rescale": [[0, 4000]] * 3}},
        **members,
    }


def pixels(seed: int) -> np.ndarray[Any, Any]:
    """Return bands of blocks of different values, with missing pixels in one corner and in single places."""
    random = np.random.default_rng(seed)
    blocks = random.integers(1, 4000, (len(BANDS), SIDE // 16, SIDE // 16)).repeat(16, 1).repeat(16, 2)
    values = (blocks + random.integers(0, 60, blocks.shape)).astype("u2")
    values[:, : SIDE // 4, : SIDE // 3] = 0
    values[0][random.random((SIDE, SIDE)) < 0.01] = 0
    return values


def write_image(store: Path, item: str, product: str = PRODUCT) -> dict[str, Any]:
    """Write an image's file into a store, and return its item."""
    crs, left, top = PLACES[item]
    path = store / "images" / product / item / "v1" / "data.tif"
    path.parent.mkdir(parents=True)
    profile = {
        "driver": "GTiff",
        "count": len(BANDS),
        "height": SIDE,
        "width": SIDE,
        "dtype": "uint16",
        "nodata": 0,
    }
    transform = from_origin(left, top, PIXEL, PIXEL)
    with MemoryFile() as memory:
        with memory.open(**profile, crs=crs, transform=transform) as dataset:
            dataset.write(pixels(list(PLACES).index(item)))
        rasterio.shutil.copy(memory.name, path, driver="COG", compress="deflate", blocksize=128)
    bounds = transform_bounds(
        crs, "OGC:CRS84", left, top - SIDE * PIXEL, left + SIDE * PIXEL, top, densify_pts=21
    )
    return {
        "id": item,
        "collection": product,
        "geometry": mapping(box(*bounds)),
        "properties": {},
        "assets": {"data": {"href": f"/assets/images/{product}/{item}/v1/data.tif", "catalog:file_index": 0}},
    }


def source(store: Path, item: dict[str, Any], product: TileProduct) -> Source:
    """Return the raster engine's form of an item, made without the server's code."""
    bands = {
        name: Band(
            name,
            "UInt16",
            0,
            band_index=index,
            display_range=(0.0, 4000.0),
        )
        for index, name in enumerate(BANDS)
    }
    file = store / item["assets"]["data"]["href"].removeprefix("/assets/")
    return Source(item["id"], (str(file),), bands, box(*_bounds(item)), product.id)


def _bounds(item: dict[str, Any]) -> tuple[float, float, float, float]:
    ring = item["geometry"]["coordinates"][0]
    return (
        *(min(point[axis] for point in ring) for axis in (0, 1)),
        *(max(point[axis] for point in ring) for axis in (0, 1)),
    )


class Pages:
    """Pages of items, which records how many were asked for."""

    def __init__(self, items: Sequence[dict[str, Any]], size: int = 1) -> None:
        self._items, self._size = items, size
        self.asked = 0

    async def __aiter__(self) -> AsyncIterator[Sequence[dict[str, Any]]]:
        for start in range(0, len(self._items), self._size):
            self.asked += 1
            yield self._items[start : start + self._size]
