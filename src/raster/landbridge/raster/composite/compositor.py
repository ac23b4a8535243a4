"""Composites a file's tiles into the still-empty pixels of a block; decodes only tiles that contribute."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from landbridge import kernels
from landbridge.kernels import Canvas
from landbridge.raster.array_types import Array, BoolArray, IntArray
from landbridge.raster.dtypes import representable_nodata
from landbridge.raster.grids.coordinate_grid import SourceCoordinates, weights_of
from landbridge.raster.io.tile_reader import Tile, TileReader, without_predictor
from landbridge.raster.resample.nearest import NearestMapping, TilePlace

if TYPE_CHECKING:
    from landbridge.raster.io.tiff_directory import TiffPage

Box = tuple[int, int, int, int]
"""First and last (exclusive) row, then column, of a block's pixels."""
TileIndex = tuple[int, int]
"""Row and column of a tile."""

# Safety factor and margin of the deviation, which was measured in the middle between nodes only.
_DEVIATION_FACTOR, _MIN_DEVIATION = 1.5, 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class FileLayer:
    """Bands of an image's file, and the conditions under which their pixels are composited.

    `indexes` are the decoded bands, from 1. The bands at the positions `samples` go to the canvas's `bands`;
    `nodata` are their nodata values. `alpha` is the position of the band that hides pixels by 0, or -1.
    `visible` (y, x) restricts the image further (None: no restriction). With `show_invalid`, values
    that are not valid fill pixels that are otherwise empty.
    """

    indexes: tuple[int, ...]
    samples: tuple[int, ...]
    bands: tuple[int, ...]
    nodata: tuple[float | None, ...]
    alpha: int = -1
    visible: Array | None = None
    show_invalid: bool = False


TileCompositor: TypeAlias = "_AlignedTileCompositor | _WarpedTileCompositor"


def composite_tiles(
    tiles: TileReader, mapping: NearestMapping, layer: FileLayer, canvas: Canvas, open_sides: Sequence[bool]
) -> Iterator[TileIndex]:
    """Composite a file's tiles into a canvas; yield the tiles (row, column) that only GDAL may decode.

    `open_sides` marks the sides (top, bottom, left, right) at which neighboring blocks may need the same
    tiles.

    Raises:
        OSError: if the file cannot be read, or has changed since it was opened.
    """
    compositor = tile_compositor(tiles, mapping, layer, canvas)
    touching = [] if compositor is None else [*compositor.tile_boxes()]
    if compositor is None or not touching:
        # By a header that may be an old one.
        tiles.file.confirm()
        return
    boxes = {
        tile_index: box
        for tile_index, box in touching
        if not _is_empty_tile(tiles, layer, tile_index) and compositor.has_missing_pixels(tile_index, box)
    }

    def is_unshared(tile_index: TileIndex) -> bool:
        extends_beyond = compositor.extends_beyond(tile_index, boxes[tile_index])
        return not any(side and goes_on for side, goes_on in zip(open_sides, extends_beyond, strict=True))

    for tile_index, tile in tiles.decoded(layer.indexes, [*boxes], is_unshared):
        if tile is None:
            yield tile_index
        else:
            compositor.composite_tile(tile_index, boxes[tile_index], tile)


def composite_tile(
    pixels: Array,
    tile_index: TileIndex,
    tiles: TileReader,
    mapping: NearestMapping,
    layer: FileLayer,
    canvas: Canvas,
) -> None:
    """Composite bands (y, x, band) of a tile that GDAL decoded."""
    compositor = tile_compositor(
        replace(tiles, page=replace(tiles.page, planar=True)), mapping, layer, canvas
    )
    assert compositor is not None
    compositor.composite_tile(tile_index, dict(compositor.tile_boxes())[tile_index], Tile(pixels))


def tile_compositor(
    tiles: TileReader, mapping: NearestMapping, layer: FileLayer, canvas: Canvas
) -> "TileCompositor | None":
    """Return the compositor of a file's tiles; None if the file does not overlap the block."""
    if mapping.source_coordinates is not None:
        return _WarpedTileCompositor(tiles, mapping.source_coordinates, layer, canvas)
    if mapping.aligned is not None:
        return _AlignedTileCompositor(tiles, mapping, layer, canvas)
    return None


def _is_empty_tile(tiles: TileReader, layer: FileLayer, tile_index: TileIndex) -> bool:
    """Return whether a tile is not stored and its fill value is not valid."""
    return (
        not layer.show_invalid
        and tiles.fill is not None
        and all(nodata == tiles.fill for nodata in layer.nodata)
        and not tiles.stored(tile_index, layer.indexes)
    )


class _TileCompositor:
    """Arguments of the kernels for a layer and a canvas."""

    def __init__(self, tiles: TileReader, layer: FileLayer, canvas: Canvas) -> None:
        self.page: TiffPage = tiles.page
        self.canvas = canvas
        self._bands = layer.bands
        self._visible = layer.visible
        where = tiles.samples(layer.indexes)
        nodata, has_nodata = _nodata_array(tiles.page.dtype, layer.nodata)
        self._layer = kernels.Layer(
            [where[sample] for sample in layer.samples],
            layer.bands,
            nodata,
            has_nodata,
            alpha=-1 if layer.alpha < 0 else where[layer.alpha],
            visible=layer.visible,
            show_invalid=layer.show_invalid,
        )

    def _touched_sides(self, box: Box) -> tuple[bool, bool, bool, bool]:
        """Return the sides (top, bottom, left, right) at which a box reaches the block's border."""
        _, height, width = self.canvas.shape
        return (box[0] == 0, box[1] == height, box[2] == 0, box[3] == width)


class _AlignedTileCompositor(_TileCompositor):
    """Compositor of a file whose grid is aligned with the block's."""

    def __init__(self, tiles: TileReader, mapping: NearestMapping, layer: FileLayer, canvas: Canvas) -> None:
        super().__init__(tiles, layer, canvas)
        assert mapping.aligned is not None
        self._mapping = mapping
        self._roi = mapping.aligned.roi
        self._rows, self._columns = mapping.aligned_pixels

    def tile_boxes(self) -> Iterator[TilePlace]:
        return iter(self._mapping.aligned_tiles(self.page.tile))

    def extends_beyond(self, tile_index: TileIndex, box: Box) -> tuple[bool, bool, bool, bool]:
        """At which sides (top, bottom, left, right) the tile may have pixels beyond the block."""
        (y, x), (height, width) = self._roi, self.page.tile
        top, bottom = _extends_past(
            self._rows[box[0] - y.start : box[1] - y.start], tile_index[0] * height, height
        )
        left, right = _extends_past(
            self._columns[box[2] - x.start : box[3] - x.start], tile_index[1] * width, width
        )
        touched = self._touched_sides(box)
        return (touched[0] and top, touched[1] and bottom, touched[2] and left, touched[3] and right)

    def has_missing_pixels(self, _place: TileIndex, box: Box) -> bool:
        return self.canvas.has_missing_pixels(self._bands, box, self._visible)

    def composite_tile(self, tile_index: TileIndex, box: Box, tile: Tile) -> None:
        y, x = self._roi
        rows = self._rows[box[0] - y.start : box[1] - y.start] - tile_index[0] * self.page.tile[0]
        columns = self._columns[box[2] - x.start : box[3] - x.start] - tile_index[1] * self.page.tile[1]
        kernels.composite_aligned_tile(
            tile.pixels, tile.differences, rows, columns, (box[0], box[2]), self._layer, self.canvas
        )


class _WarpedTileCompositor(_TileCompositor):
    """Compositor of a file whose grid is not aligned with the block's."""

    def __init__(
        self, tiles: TileReader, source_coordinates: SourceCoordinates, layer: FileLayer, canvas: Canvas
    ) -> None:
        super().__init__(tiles, layer, canvas)
        coordinate_grid = source_coordinates.coordinate_grid
        self._coordinate_grid = coordinate_grid
        self._node_rows = source_coordinates.rows
        self._max_deviation = (
            _DEVIATION_FACTOR * coordinate_grid.max_deviation[0] + _MIN_DEVIATION,
            _DEVIATION_FACTOR * coordinate_grid.max_deviation[1] + _MIN_DEVIATION,
        )
        self._native_grid = kernels.NodeGrid(
            source_coordinates.rows,
            source_coordinates.columns,
            coordinate_grid.step,
            coordinate_grid.first,
            coordinate_grid.taps,
            weights_of(coordinate_grid),
            self._max_deviation,
        )

    def tile_boxes(self) -> Iterator[TilePlace]:
        page = self.page
        found = kernels.tile_boxes(self._native_grid, self.canvas.shape[1:], page.tile, page.size)
        for row, column in np.argwhere(found[..., 1]).tolist():
            y0, y1, x0, x1 = found[row, column].tolist()
            yield (row, column), (y0, y1, x0, x1)

    def extends_beyond(self, _place: TileIndex, box: Box) -> tuple[bool, bool, bool, bool]:
        """At which sides (top, bottom, left, right) the tile may have pixels beyond the block."""
        return self._touched_sides(box)

    def has_missing_pixels(self, tile_index: TileIndex, box: Box) -> bool:
        if not self.canvas.has_missing_pixels(self._bands, box, self._visible):
            return False
        # The box is an upper bound: not all of its pixels lie in the tile.
        return kernels.touches_missing_pixels(
            *self._place(tile_index), self._native_grid, box, self._layer, self.canvas
        )

    def composite_tile(self, tile_index: TileIndex, box: Box, tile: Tile) -> None:
        pixels = without_predictor(tile, self._rows(tile_index, box)).pixels
        kernels.composite_warped_tile(
            pixels, *self._place(tile_index), self._native_grid, box, self._layer, self.canvas
        )

    def _rows(self, tile_index: TileIndex, box: Box) -> slice:
        """Return the rows of a tile that pixels of a box may use."""
        step, (top, start) = self._coordinate_grid.step, self._coordinate_grid.first
        first, height = tile_index[0] * self.page.tile[0], self.page.tile[0]
        if self._coordinate_grid.taps == 1:
            return slice(0, height)
        # The nodes around the box; the first node lies one step before `top` and `start`.
        nodes = self._node_rows[
            (box[0] - top) // step + 1 : (box[1] - 1 - top) // step + 3,
            (box[2] - start) // step + 1 : (box[3] - 1 - start) // step + 3,
        ]
        low, high = nodes.min() - self._max_deviation[0] - first, nodes.max() + self._max_deviation[0] - first
        return slice(max(0, int(low)), min(height, int(high) + 1))

    def _place(self, tile_index: TileIndex) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return the corner and size (y, x) of a tile's part inside the file."""
        page = self.page
        corner = (tile_index[0] * page.tile[0], tile_index[1] * page.tile[1])
        return corner, (
            min(page.tile[0], page.size[0] - corner[0]),
            min(page.tile[1], page.size[1] - corner[1]),
        )


def any_visible(state: Array) -> BoolArray:
    """Return flags (y, x) of pixels that are not missing in some band of a canvas."""
    return np.any(state != kernels.MISSING, axis=0)  # type: ignore[no-any-return]  # a bool array


def _extends_past(indexes: IntArray, start: int, size: int) -> tuple[bool, bool]:
    """Return whether a tile extends beyond the first and the last of the rows (or columns) that are used."""
    low, high = int(indexes[0]) - start, int(indexes[-1]) - start
    before, after = low, size - 1 - high
    # The indexes of a file that is upside down decrease.
    return (before > 0, after > 0) if low <= high else (size - 1 - low > 0, high > 0)


def _nodata_array(dtype: np.dtype[Any], nodata: Sequence[float | None]) -> tuple[Array, list[bool]]:
    """Return nodata values of a type, and flags of those that exist and that the type can represent."""
    held = [representable_nodata(dtype, value) for value in nodata]
    values = np.array([0 if value is None else value for value in held], dtype)
    return values, [value is not None for value in held]
