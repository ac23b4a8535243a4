"""Work of the raster jobs: scenes and output grids."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odc.geo.geobox import GeoBox

import scenes as landscape
from bench.raster_scenes import FULL, Ground, own_grid
from landbridge.geo.grids.crs import grid_crs

if TYPE_CHECKING:
    from affine import Affine

RGB = ("red", "green", "blue")


@dataclass(frozen=True, slots=True)
class Work:
    """Scenes, oldest first, and the output grid; `overview` is the overview level that it needs."""

    name: str
    ground: Ground
    variant: str
    grid: GeoBox
    scenes: tuple[landscape.Scene, ...]
    stacked: bool = False
    alpha: bool = False
    overview: int | None = None

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands that are read."""
        return RGB

    @property
    def indexes(self) -> list[int]:
        """Numbers of the bands in a file of all bands."""
        return [landscape.BANDS.index(name) + 1 for name in RGB]

    @property
    def epsg(self) -> int:
        """Code of the grid's coordinate system."""
        code = grid_crs(self.grid).epsg
        assert code is not None
        return int(code)

    @property
    def transform(self) -> Affine:
        """Transform of the grid."""
        return self.grid.transform

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        rows, columns = self.grid.shape.yx
        return rows, columns

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north edge of the grid."""
        left, bottom, right, top = self.grid.boundingbox.bbox
        return left, bottom, right, top

    def files(self, scene: landscape.Scene) -> list[tuple[str, list[int]]]:
        """Return the files of a scene that hold the bands, and the bands' numbers in them."""
        if self.variant == "multi":
            return [(self.ground.file(scene, "multi"), self.indexes)]
        return [(self.ground.file(scene, name), [1]) for name in RGB]


def work(key: str, variant: str, ground: Ground) -> Work:
    """Return the work of a job by its letter, on grids scaled to the size of the scenes."""
    aoi = min(1024, ground.size // 4)
    newest = (ground.newest,)
    if key == "a":
        return Work(key, ground, variant, own_grid(ground.newest), newest)
    if key == "c":
        return Work(key, ground, variant, _mercator(ground), newest, overview=2)
    if key == "e":
        grid = ground.grid(45 / 231, 52 / 234, round(8000 / FULL * ground.size))
        return Work(key, ground, variant, grid, ground.scenes)
    grid = ground.grid(40 / 231, 50 / 234, aoi)
    return Work(key, ground, variant, grid, ground.scenes, stacked=key == "d", alpha=key == "balpha")


def _mercator(ground: Ground) -> GeoBox:
    """Return a grid over the newest scene at an eighth of its resolution."""
    ours = own_grid(ground.newest)
    latitude = math.radians(ours.extent.to_crs("EPSG:4326").centroid.coords[0][1])
    step = math.ceil(8.3 * landscape.PIXEL / math.cos(latitude))
    box = ours.extent.to_crs("EPSG:3857", resolution=5000).boundingbox
    return GeoBox.from_bbox(box, crs="EPSG:3857", resolution=step)
