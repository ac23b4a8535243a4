"""The tile path: a file's tiles laid under what a block has, each decoded once and only where it can still
count.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from landbridge.raster import kernels
from landbridge.raster.dtypes import held_nodata
from landbridge.raster.grids.coordinate_grid import FloatArray, IntArray, Lattice, weights_of
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.io.tile_reader import Tile, Tiles, plain
from landbridge.raster.resample.nearest import Nearest, runs

Array = np.ndarray[Any, Any]
Box = tuple[int, int, int, int]
"""First and last (exclusive) row, then column, of a block."""
Place = tuple[int, int]
"""Row and column of a tile."""

EVERYWHERE = np.empty((0, 0), np.uint8)
# Between nodes a line may bend once more than in the middle, where it was measured.
_MARGIN, _LEAST = 1.5, 1e-3


class Canvas:
    """What a block has: values and states (band, y, x), which are written to, and what is left to fill.

    States are those of `kernels`. Both arrays have contiguous rows. Unless they are `begun`, they are
    written when they are first asked for, piece by piece, while the piece is in the processor's cache;
    before that all pixels are missing, whatever the memory holds. `ground` are the values, one for each
    band, of missing pixels (None: zeros).
    """

    def __init__(
        self, values: Array, state: Array, *, ground: Array | None = None, begun: bool = False
    ) -> None:
        """Take the arrays, and count what is not valid yet."""
        self.shape = values.shape
        self.values = _flat(values)
        self.state = _flat(state)
        self.steps = (*_steps(values), *_steps(state))
        bands, height, width = values.shape
        self.ground = np.zeros(bands, values.dtype) if ground is None else ground
        tops, starts = np.arange(0, height, kernels.CELL), np.arange(0, width, kernels.CELL)
        bottoms, stops = np.minimum(tops + kernels.CELL, height), np.minimum(starts + kernels.CELL, width)
        self.left = np.empty((bands, len(tops), len(starts)), np.int64)
        self.left[:] = (bottoms - tops)[:, None] * (stops - starts)
        self.begun = np.empty_like(self.left)
        self.begun[:] = (bottoms if begun else tops)[:, None]
        if begun:
            self.recount(range(bands), (0, height, 0, width))

    def begin(self) -> None:
        """Write all that was not written yet."""
        kernels.begin(self.values, self.state, self.steps, self.begun, self.ground, self.shape[1:])

    def recount(self, bands: Sequence[int], box: Box) -> None:
        """Count again after states were changed in a box."""
        kernels.recount(self.state, self.steps, _positions(bands), self.left, self.begun, box, self.shape[1:])

    @property
    def is_full(self) -> bool:
        """Whether every pixel is valid."""
        return not self.left.any()

    def needs(self, bands: Array, box: Box, visible: Array) -> bool:
        """Whether a box has a visible pixel that is not valid yet in some band."""
        found = kernels.needs(self.state, self.steps, bands, self.left, self.begun, box, visible)
        return bool(found)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """An image's file as it is laid: which of its bands go where, and what of them counts.

    `samples` are the positions among the decoded bands (`indexes`, from one) of those that go to the
    canvas's `bands`; `nodata` are theirs. `alpha` is the position of a band that hides by being 0, or -1;
    `visible` (y, x) tells where the image may be seen besides (shape (0, 0): everywhere). With `raw` values
    that are not valid show where nothing else does.
    """

    indexes: tuple[int, ...]
    samples: tuple[int, ...]
    bands: tuple[int, ...]
    nodata: tuple[float | None, ...]
    alpha: int = -1
    visible: Array = field(default_factory=lambda: EVERYWHERE)
    raw: bool = False


def lay(
    tiles: Tiles, sampling: Nearest, layer: Layer, canvas: Canvas, sides: Sequence[bool]
) -> "Iterator[Place]":
    """Lay a file under a canvas; gives the tiles (row, column) that only GDAL may be able to decode.

    `sides` tells at which sides of the block (top, bottom, left, right) others lie that may need the same
    tiles.

    Raises:
        OSError: the file cannot be read, or is not the one any more that was opened.
    """
    laying = _laying(tiles, sampling, layer, canvas)
    if laying is None:
        return
    places = {
        place: box
        for place, box in laying.boxes()
        if not _is_void(tiles, layer, place) and laying.needs(place, box)
    }

    def alone(place: Place) -> bool:
        beyond = laying.beyond(place, places[place])
        return not any(side and goes_on for side, goes_on in zip(sides, beyond, strict=True))

    for place, tile in tiles.decoded(layer.indexes, [*places], alone):
        if tile is None:
            yield place
        else:
            laying.put(place, places[place], tile)


def put(pixels: Array, place: Place, tiles: Tiles, sampling: Nearest, layer: Layer, canvas: Canvas) -> None:
    """Lay bands (y, x, band) of a tile that were decoded elsewhere."""
    laying = _laying(replace(tiles, level=replace(tiles.level, planar=True)), sampling, layer, canvas)
    assert laying is not None
    laying.put(place, dict(laying.boxes())[place], Tile(pixels))


def _laying(tiles: Tiles, sampling: Nearest, layer: Layer, canvas: Canvas) -> "_Parallel | _Warped | None":
    """How a file is laid; None where it does not meet the block."""
    if sampling.lattice is not None:
        return _Warped(tiles, sampling.lattice, layer, canvas)
    if sampling.parallel is not None:
        return _Parallel(tiles, sampling, layer, canvas)
    return None


def _is_void(tiles: Tiles, layer: Layer, place: Place) -> bool:
    """Whether nothing of a tile can show: it is not stored, and what stands for it is not valid."""
    return (
        not layer.raw
        and tiles.fill is not None
        and all(nodata == tiles.fill for nodata in layer.nodata)
        and not tiles.stored(place, layer.indexes)
    )


class _Laying:
    """What the kernels take of a layer and a canvas, for one call."""

    def __init__(self, tiles: Tiles, layer: Layer, canvas: Canvas) -> None:
        self.level = tiles.level
        self.canvas = canvas
        self.layer = layer
        where = tiles.samples(layer.indexes)
        self.samples = _positions([where[sample] for sample in layer.samples])
        self.alpha = -1 if layer.alpha < 0 else where[layer.alpha]
        self.bands = _positions(layer.bands)
        self.nodata, self.known = _nodata(tiles.level.dtype, layer.nodata)

    def _touched(self, box: Box) -> tuple[bool, bool, bool, bool]:
        """At which sides (top, bottom, left, right) a box reaches the block's border."""
        _, height, width = self.canvas.shape
        return (box[0] == 0, box[1] == height, box[2] == 0, box[3] == width)

    @property
    def _source(self) -> tuple[Any, ...]:
        return (
            self.samples,
            self.alpha,
            self.nodata,
            self.known,
            self.layer.visible,
            self.layer.raw,
        )

    @property
    def _target(self) -> tuple[Any, ...]:
        canvas = self.canvas
        return (
            canvas.values,
            canvas.state,
            canvas.steps,
            self.bands,
            canvas.left,
            canvas.begun,
            canvas.ground,
            canvas.shape[1:],
        )


class _Parallel(_Laying):
    """A file whose grid is parallel to the block's."""

    def __init__(self, tiles: Tiles, sampling: Nearest, layer: Layer, canvas: Canvas) -> None:
        super().__init__(tiles, layer, canvas)
        sample = sampling.parallel
        assert sample is not None
        assert sample.rows is not None
        assert sample.columns is not None
        self._roi = sample.roi
        self._rows = sample.rows + sample.window[0].start
        self._columns = sample.columns + sample.window[1].start

    def boxes(self) -> Iterator[tuple[Place, Box]]:
        (y, x), (height, width) = self._roi, self.level.tile
        columns = [*runs(self._columns, width)]
        for row, ys in runs(self._rows, height):
            for column, xs in columns:
                yield (
                    (row, column),
                    (y.start + ys.start, y.start + ys.stop, x.start + xs.start, x.start + xs.stop),
                )

    def beyond(self, place: Place, box: Box) -> tuple[bool, bool, bool, bool]:
        """At which sides (top, bottom, left, right) the tile may have pixels beyond the block."""
        (y, x), (height, width) = self._roi, self.level.tile
        top, bottom = _spread(self._rows[box[0] - y.start : box[1] - y.start], place[0] * height, height)
        left, right = _spread(self._columns[box[2] - x.start : box[3] - x.start], place[1] * width, width)
        touched = self._touched(box)
        return (touched[0] and top, touched[1] and bottom, touched[2] and left, touched[3] and right)

    def needs(self, _place: Place, box: Box) -> bool:
        return self.canvas.needs(self.bands, box, self.layer.visible)

    def put(self, place: Place, box: Box, tile: Tile) -> None:
        y, x = self._roi
        rows = self._rows[box[0] - y.start : box[1] - y.start] - place[0] * self.level.tile[0]
        columns = self._columns[box[2] - x.start : box[3] - x.start] - place[1] * self.level.tile[1]
        kernels.paste(
            tile.pixels, tile.differences, rows, columns, (box[0], box[2]), *self._source, *self._target
        )


class _Warped(_Laying):
    """A file whose grid lies otherwise than the block's."""

    def __init__(self, tiles: Tiles, lattice: Lattice, layer: Layer, canvas: Canvas) -> None:
        super().__init__(tiles, layer, canvas)
        net = lattice.net
        self._nodes: tuple[FloatArray, FloatArray] = (lattice.rows, lattice.columns)
        self._bulge = tuple(_MARGIN * bend + _LEAST for bend in net.bend)
        self._frame = (net.step, *net.first, net.taps)
        self._weights = weights_of(net)
        self._nothing = np.empty((1, 1, max(self.samples) + 1), tiles.level.dtype)

    def boxes(self) -> Iterator[tuple[Place, Box]]:
        level = self.level
        found = np.zeros((level.down, level.across, 4), np.int64)
        kernels.boxes(
            *self._nodes, self._frame, self._bulge, self.canvas.shape[1:], level.tile, level.size, found
        )
        for row, column in np.argwhere(found[..., 1]).tolist():
            y0, y1, x0, x1 = found[row, column].tolist()
            yield (row, column), (y0, y1, x0, x1)

    def beyond(self, _place: Place, box: Box) -> tuple[bool, bool, bool, bool]:
        """At which sides (top, bottom, left, right) the tile may have pixels beyond the block."""
        return self._touched(box)

    def needs(self, place: Place, box: Box) -> bool:
        if not self.canvas.needs(self.bands, box, self.layer.visible):
            return False
        # The box is larger than what lies in the tile.
        return self._run(place, box, self._nothing, probe=True)

    def put(self, place: Place, box: Box, tile: Tile) -> None:
        self._run(place, box, plain(tile, self._rows(place, box)).pixels, probe=False)

    def _rows(self, place: Place, box: Box) -> slice:
        """The rows of a tile that pixels of a box may take."""
        step, top, start, taps = self._frame
        first, height = place[0] * self.level.tile[0], self.level.tile[0]
        if taps == 1:
            return slice(0, height)
        # The nodes around the box: the first node stands one step before `top` and `start`.
        nodes = self._nodes[0][
            (box[0] - top) // step + 1 : (box[1] - 1 - top) // step + 3,
            (box[2] - start) // step + 1 : (box[3] - 1 - start) // step + 3,
        ]
        low, high = nodes.min() - self._bulge[0] - first, nodes.max() + self._bulge[0] - first
        return slice(max(0, int(low)), min(height, int(high) + 1))

    def _run(self, place: Place, box: Box, tile: Array, *, probe: bool) -> bool:
        level = self.level
        corner = (place[0] * level.tile[0], place[1] * level.tile[1])
        size = (min(level.tile[0], level.size[0] - corner[0]), min(level.tile[1], level.size[1] - corner[1]))
        found = kernels.warp(
            tile,
            corner,
            size,
            *self._nodes,
            self._frame,
            self._bulge,
            self._weights,
            box,
            *self._source,
            *self._target,
            probe,
        )
        return bool(found)


def shown(state: Array) -> BoolArray:
    """Where (y, x) any band of a canvas shows something."""
    return np.any(state != kernels.MISSING, axis=0)  # type: ignore[no-any-return]  # a bool array


def _spread(indexes: IntArray, start: int, size: int) -> tuple[bool, bool]:
    """Whether a tile has more before the first and after the last of the rows (or columns) that are taken
    of it.
    """
    low, high = int(indexes[0]) - start, int(indexes[-1]) - start
    before, after = low, size - 1 - high
    # A file that is upside down is taken from its end.
    return (before > 0, after > 0) if low <= high else (size - 1 - low > 0, high > 0)


def _nodata(dtype: np.dtype[Any], nodata: Sequence[float | None]) -> tuple[Array, BoolArray]:
    """Nodata values as the kernels take them, and which of them there are."""
    held = [held_nodata(dtype, value) for value in nodata]
    values = np.array([0 if value is None else value for value in held], dtype)
    return values, np.array([value is not None for value in held])


def _positions(numbers: Sequence[int]) -> IntArray:
    return np.array(numbers, np.intp)


def _steps(array: Array) -> tuple[int, int]:
    """How many elements a band and a row are apart."""
    size = array.itemsize
    return (array.strides[0] // size, array.strides[1] // size)


def _flat(array: Array) -> Array:
    """The memory from an array's first element to its last, as one run of elements."""
    bands, height, width = array.shape
    assert array.strides[2] == array.itemsize or width == 1
    band, row = _steps(array)
    length = (bands - 1) * band + (height - 1) * row + width
    return np.lib.stride_tricks.as_strided(array, (length,), (array.itemsize,))
