"""Requests for tiles of the next images of a mosaic, while the first one is composited."""

import math
from collections.abc import Callable, Sequence

import numpy as np
import shapely
from affine import Affine
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from landbridge.geo.grids.crs import WGS84, grid_crs, parse_crs, reproject
from landbridge.kernels import CELL, Canvas
from landbridge.raster.array_types import Array, BoolArray, FloatArray
from landbridge.raster.composite.compositor import FileLayer, tile_compositor
from landbridge.raster.composite.read_block import can_composite_tiles
from landbridge.raster.io.file_windows import OpenFile
from landbridge.raster.io.open_files import PlanFiles
from landbridge.raster.io.remote_file import RemoteFile
from landbridge.raster.plan.plan import Plan
from landbridge.raster.plan.reads import FileRead, SourceRead
from landbridge.raster.resample.block import Block, BlockMappings
from landbridge.raster.resample.block_resampling import at_period_shifts

# Number of images whose tiles are requested while one is composited.
_IMAGES = 8
# Width in pixels of the parts of a footprint that are not read ahead.
_SLIVER = 1.0
# Footprints that are wider, in degrees, are not used.
_MAX_WIDTH = 30

LayerOf = Callable[[OpenFile, FileRead], FileLayer]


class BlockState:
    """Progress in one block: the union of the footprints that were composited, and images requested ahead."""

    def __init__(self) -> None:
        self.covered: BaseGeometry = Polygon()
        self.is_unknown = False
        self.requested: set[int] = set()

    def add(self, outline: BaseGeometry | None) -> None:
        """Add the footprint of an image; None if it is unknown."""
        if outline is None:
            self.is_unknown = True
        else:
            self.covered = shapely.union(self.covered, outline)


class TilesAhead:
    """Requests tiles of the images below the one that is composited.

    Whether an image is needed is known only after those above it, which may fill the block. Each is taken to
    fill the cells that its footprint covers: tiles are requested only where no image above has pixels. If it
    does not fill them, the tiles below are requested when they are needed.
    """

    def __init__(self, plan: Plan, files: PlanFiles) -> None:
        """Prepare a plan; nothing is read ahead if it does not composite tiles of remote files."""
        self._plan = plan
        self._files = files
        self._is_used = plan.alpha is None and plan.resampler == "near" and files.has_remote
        self._outlines: dict[int, BaseGeometry | None] = {}

    def request(
        self,
        images: Sequence[SourceRead],
        mappings: BlockMappings,
        canvas: Canvas,
        state: BlockState,
        layer_of: LayerOf,
    ) -> None:
        """Request tiles of the images after the first one, which is composited next."""
        if not self._is_used or state.is_unknown:
            return
        state.add(self._outline(images[0]))
        if len(images) < 2 or state.is_unknown:
            return
        missing = np.asarray(canvas.remaining.any(axis=0))
        cells = _cell_boxes(mappings.block)
        covered = state.covered
        for number, image in enumerate(images[1:_IMAGES], start=1):
            outline = self._outline(image)
            if outline is None:
                return
            # Pixels that no image above covers, without slivers between images.
            gain = shapely.difference(outline, covered).buffer(-_SLIVER)
            wanted = missing & shapely.intersects(gain, cells)
            if wanted.any() and (number == 1 or id(image) not in state.requested):
                state.requested.add(id(image))
                for file in image.files:
                    self._request_file(image, file, mappings, canvas, wanted, layer_of)
            covered = shapely.union(covered, outline)

    def _request_file(
        self,
        image: SourceRead,
        file: FileRead,
        mappings: BlockMappings,
        canvas: Canvas,
        cells: BoolArray,
        layer_of: LayerOf,
    ) -> None:
        opened = self._files.get_open(image, file)
        if (
            opened is None
            or opened.tiles is None
            or not isinstance(opened.tiles.file, RemoteFile)
            or max(file.indexes) > opened.header.count
            or not can_composite_tiles(opened, file, self._plan.resampler_of(file), self._plan.dtype)
        ):
            return
        layer = layer_of(opened, file)
        for there in at_period_shifts(opened, mappings):
            assert there.tiles is not None
            compositor = tile_compositor(there.tiles, mappings.get(there.read_level.grid), layer, canvas)
            if compositor is None:
                continue
            wanted = [
                tile_index
                for tile_index, (y0, y1, x0, x1) in compositor.tile_boxes()
                if cells[y0 // CELL : -(-y1 // CELL), x0 // CELL : -(-x1 // CELL)].any()
            ]
            there.tiles.read_ahead(layer.indexes, wanted, self._files.budget)
        self._files.note_read_ahead(opened.tiles.file)

    def _outline(self, image: SourceRead) -> BaseGeometry | None:
        """Return an image's footprint in pixels of the whole grid; None if it is unknown."""
        key = id(image)
        if key not in self._outlines:
            self._outlines[key] = self._projected(image.source.geometry)
        return self._outlines[key]

    def _projected(self, footprint: BaseGeometry | None) -> BaseGeometry | None:
        if footprint is None or footprint.is_empty or not footprint.is_valid:
            return None
        west, _, east, _ = footprint.bounds
        if east - west > _MAX_WIDTH:
            return None
        grid = self._plan.geobox
        try:
            # Most footprints are the corners of a raster, whose edges are straight in its own system.
            outline = reproject(footprint, parse_crs(WGS84), grid_crs(grid))
        except ValueError:
            return None
        if not all(map(math.isfinite, outline.bounds)):
            return None
        to_pixels: Affine = ~grid.transform
        outline = shapely.transform(outline, lambda points: _transformed(points, to_pixels))
        return outline if outline.is_valid else None


def _transformed(points: FloatArray, affine: Affine) -> FloatArray:
    x, y = points.T
    return np.column_stack((affine.a * x + affine.b * y + affine.c, affine.d * x + affine.e * y + affine.f))


def _cell_boxes(block: Block) -> Array:
    """Return the cells (y, x) of a block's canvas as boxes in pixels of the whole grid."""
    (top, left), (height, width) = block.origin, block.grid.shape.yx
    tops, lefts = np.arange(0, height, CELL), np.arange(0, width, CELL)
    bottoms, rights = np.minimum(tops + CELL, height), np.minimum(lefts + CELL, width)
    return shapely.box(
        left + lefts[None, :], top + tops[:, None], left + rights[None, :], top + bottoms[:, None]
    )
