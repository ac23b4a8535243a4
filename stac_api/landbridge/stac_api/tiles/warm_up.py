"""First picture of a worker process, of a sample: it loads libraries and tables that the first tile needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from landbridge.stac_api.tiles import encoding
from landbridge.stac_api.tiles.formats import Format
from landbridge.stac_api.tiles.grid import Grid
from landbridge.stac_api.tiles.pixels import Scene, render
from landbridge.stac_api.tiles.view import View

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["render_sample", "write_sample"]

_SIDE: Final = 256
_PIXEL: Final = 30.0
_NAMES: Final = ("red", "green", "blue")
_LEFT, _TOP, _CRS = 600_000.0, 4_200_000.0, "EPSG:32621"
_BOUNDS: Final = (-6_200_000.0, 4_560_000.0, -6_190_000.0, 4_570_000.0)
_FORMATS: Final = (Format.PNG, Format.JPEG, Format.WEBP)


def write_sample(folder: Path) -> str:
    """Write a small file like those of the store, and return its path."""
    import rasterio
    from rasterio.transform import from_origin

    path = str(folder / "sample.tif")
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "count": 3,
        "height": _SIDE,
        "width": _SIDE,
        "dtype": "uint16",
    }
    georeference = {"crs": _CRS, "transform": from_origin(_LEFT, _TOP, _PIXEL, _PIXEL), "nodata": 0}
    tiles = {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "deflate"}
    with rasterio.open(path, "w", **profile, **georeference, **tiles) as file:
        file.write(np.arange(3 * _SIDE * _SIDE, dtype=np.uint16).reshape(3, _SIDE, _SIDE))
    return path


def render_sample(path: str) -> None:
    """Render the sample in each format, by the two ways of resampling."""
    bands = {
        name: {
            "attributes": {"name": name, "data_type": "UInt16"},
            "place": [0, index],
            "asset": None,
            "is_own": True,
        }
        for index, name in enumerate(_NAMES)
    }
    item: dict[str, Any] = {
        "id": "sample",
        "product": "sample",
        "files": [path],
        "geometry": None,
        "places": {},
    }
    grid = Grid(_BOUNDS, "EPSG:3857", _SIDE, _SIDE)
    for resampling in ("near", "bilinear"):
        view = View(_NAMES, scaling=((0.0, 65535.0),) * 3, resampling=resampling)
        picture = render(view, grid, Scene({"sample": {"bands": bands}}, [[item]]))
    for each in _FORMATS:
        encoding.encode(View(_NAMES, format=each), picture)
