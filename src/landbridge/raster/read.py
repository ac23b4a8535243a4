"""Reading one file's bands onto a block of the output grid."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.windows import Window as RasterioWindow

from landbridge.raster.dtypes import held_nodata
from landbridge.raster.files import Header, dataset_of, find_tiles, level_grid
from landbridge.raster.grid import BoolArray, GridKey, crs_on, key_of
from landbridge.raster.kernels import VALID
from landbridge.raster.local_scales import counted, finer, interpolated, local_scales
from landbridge.raster.overviews import Overviews, fit, is_average
from landbridge.raster.paste import Canvas, Layer, lay, put, shown
from landbridge.raster.plan import FileRead
from landbridge.raster.sample import (
    Lattice,
    Nearest,
    Net,
    Sample,
    Window,
    curvature_of,
    extent_in,
    lattice_of,
    moved,
    net_of,
    scale_of,
    within,
)
from landbridge.raster.tiles import TileCache, Tiles
from landbridge.raster.warp import columns_of, is_beyond_home, warp, widened_window, window_grid
from landbridge.raster.wrapping import turn_of, turns_between

Array = np.ndarray[Any, Any]

_INTERPOLATING = ("bilinear", "cubic", "cubicspline", "lanczos")
# A block whose source window is larger is read in parts.
_MAX_WINDOW = 32 * 2**20
_OVERVIEW_SLACK = 1e-2
# Samples along an edge of a source's pixel; along one of an output pixel at least and at most, and of a
# block that is not read in parts.
_SAMPLES_PER_PIXEL, _FEWEST_SAMPLES, _MOST_SAMPLES, _MAX_FINE = 4, 4, 16, 2**22
# Pixels of an overview that are looked at, to either side of its middle.
_PROBED = 64
# Pixels span at most this part of a file along either edge.
_MOST_SPANNED = 8
# A place this near to a file's edge, in pixels, may belong to its other edge, a turn of longitudes further.
_TURN_SLACK = 1e-3
# Bytes of nets, and how many, that are kept for blocks still to come.
_SMALL_NET, _MOST_NETS = 64 * 2**10, 512

Nets = dict[tuple[Any, ...], Net]
"""Nets by the system and resolution of files, and among several blocks by their place and size."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """Pixels (band, y, x) of output rows and columns `roi`, with which of them are valid by each band.

    `covered` (y, x) tells where the file has pixels at all; None: everywhere in `roi`. `seen` (y, x) tells
    where the band of them that hides pixels lets them be seen, if there is one.
    """

    roi: Window
    values: Array
    valid: BoolArray
    covered: BoolArray | None
    seen: BoolArray | None = None


@dataclass(frozen=True, slots=True)
class View:
    """How a grid looks at a file: by which of the file's levels, of what grid, and how many of its pixels
    (x, y) per output pixel.

    With `times` that differs too much from pixel to pixel: each has its own scale, or is made of so many
    samples along either edge.
    """

    level: int
    grid: GeoBox
    scale: tuple[float, float]
    times: int = 0


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file as it is read for a grid; with `tiles` its pixels are decoded here, else GDAL gives them."""

    header: Header
    view: View
    tiles: Tiles | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A part of an output grid of `whole` (rows, columns), with the place (y, x) of its corner there."""

    grid: GeoBox
    origin: tuple[int, int]
    whole: tuple[int, int]

    def part(self, window: Window) -> "Block":
        """A window (y, x) of the block as a block."""
        y, x = window
        if (y.stop - y.start, x.stop - x.start) == self.grid.shape.yx:
            return self
        origin = (self.origin[0] + y.start, self.origin[1] + x.start)
        return Block(self.grid[y, x], origin, self.whole)

    @property
    def sides(self) -> tuple[bool, bool, bool, bool]:
        """At which sides (top, bottom, left, right) the output grid goes on."""
        (top, left), (height, width) = self.origin, self.grid.shape.yx
        return (top > 0, top + height < self.whole[0], left > 0, left + width < self.whole[1])


class Samples:
    """How a block samples the grids of files.

    What files have in common is worked out once: a grid, as the bands of an image have, or a system and
    resolution.
    """

    def __init__(self, block: Block, nets: Nets | None = None) -> None:
        """Take the block, and what blocks of the same output grid have found: stacks come back to each of
        them.
        """
        self.block = block
        self._known: dict[GridKey, Nearest] = {}
        self._nets: Nets = {}
        self._shared: Nets = {} if nets is None else nets

    def get(self, source: GeoBox) -> Nearest:
        """How the block samples a file's grid by the nearest pixel."""
        key = key_of(source)
        sampling = self._known.get(key)
        if sampling is None:
            sampling = self._known[key] = Nearest(source, self.block.grid, lambda: self._lattice(source))
        return sampling

    def turns(self, source: GeoBox) -> list[float]:
        """By how much a file's grid is moved along x to lie where the block does.

        That is 0, but for longitudes that the block counts otherwise than the file: then whole turns.
        """
        turn = turn_of(crs_on(source))
        if turn is None:
            return [0.0]
        extent = extent_in(source, self.block.grid, lambda: self._net(source))
        if extent is None:
            return []
        slack = abs(source.resolution.x) * _TURN_SLACK
        left, _, right, _ = source.boundingbox.bbox
        turns = turns_between(extent[0] - slack, extent[1] + slack, left, right, turn)
        return [number * turn for number in turns]

    def _lattice(self, source: GeoBox) -> Lattice:
        return lattice_of(source, self._net(source))

    def _net(self, source: GeoBox) -> Net:
        transform = source.transform
        key = (str(crs_on(source)), transform.a, transform.b, transform.d, transform.e)
        net = self._nets.get(key)
        if net is None:
            here = (*key, self.block.origin, self.block.grid.shape.yx)
            net = self._shared.get(here)
            if net is None:
                net = net_of(source, self.block.grid, self.block.origin)
                if net.nbytes <= _SMALL_NET and len(self._shared) < _MOST_NETS:
                    self._shared[here] = net
            self._nets[key] = net
        return net


Alpha = Callable[[GeoBox], BoolArray]
"""Returns where (y, x) on the grid of a file the image's alpha, which is in another file, shows pixels."""


def fits(header: Header, file: FileRead, resampler: str) -> bool:
    """Return whether a file's overviews may be read for a resampler."""
    if not header.overviews or max(file.indexes) > header.count:
        return False
    known = header.overview_methods or (Overviews(),) * header.count
    alpha = _undeclared_alpha(header, file)
    return fit(known, header.nodata, file, resampler, alpha=alpha, mask=header.mask)


def probed(header: Header, file: FileRead, cache: TileCache) -> Header:
    """Return a header that says which overviews of unknown methods are averages, by pixels in the middle."""
    known = list(header.overview_methods or (Overviews(),) * header.count)
    unknown = {index for index in file.indexes if index <= header.count and known[index - 1].method is None}
    grid = level_grid(header, 1) if header.overviews else header.grid
    (rows, columns), (height, width) = grid.shape.yx, header.grid.shape.yx
    if not unknown or (2 * rows, 2 * columns) != (height, width):
        return header
    over = OpenFile(header, View(1, grid, (1.0, 1.0)), find_tiles(header, 1, cache))
    whole = OpenFile(header, View(0, header.grid, (1.0, 1.0)), find_tiles(header, 0, cache))
    (top, bottom), (left, right) = (
        (max(0, size // 2 - _PROBED), min(size, size // 2 + _PROBED)) for size in (rows, columns)
    )
    indexes = tuple(sorted(unknown))
    overviews = _window(over, indexes, (slice(top, bottom), slice(left, right)))
    below = _window(whole, indexes, (slice(2 * top, 2 * bottom), slice(2 * left, 2 * right)))
    for index, overview, pixels in zip(indexes, overviews, below, strict=True):
        if is_average(pixels, overview, header.nodata[index - 1]):
            known[index - 1] = replace(known[index - 1], method="AVERAGE")
    return replace(header, overview_methods=tuple(known))


def view_of(header: Header, target: GeoBox, resampler: str = "near", *, use_overviews: bool = True) -> View:
    """Which level of a file a whole output grid is read from, so that all its blocks agree.

    The level is the coarsest that is no coarser than the output anywhere.
    """
    x, y = scale_of(header.grid, target)
    coarser = header.overviews if use_overviews else ()
    # It takes time: for each image, where there are many.
    matters = resampler != "near" or (coarser and min(x, y) >= min(coarser) * (1 - _OVERVIEW_SLACK))
    curved = curvature_of(header.grid, target) if matters else None
    least = min(x, y) if curved is None else min(x, y, curved.least)
    fit = [level for level, times in enumerate(coarser, start=1) if least / times >= 1 - _OVERVIEW_SLACK]
    level = fit[-1] if fit else 0
    grid = level_grid(header, level)
    rows, columns = (part / whole for part, whole in zip(grid.shape.yx, header.grid.shape.yx, strict=True))
    strong = curved is not None and curved.strong and resampler != "near"
    if resampler not in ("near", *_INTERPOLATING):
        # GDAL has the corners of a pixel on two sides of the Earth.
        strong = strong or (curved is not None and is_beyond_home(header.grid))
    usual = curved.usual * max(columns, rows) if curved is not None and strong else 0
    samples = min(_MOST_SAMPLES, max(_FEWEST_SAMPLES, math.ceil(_SAMPLES_PER_PIXEL * usual))) if usual else 0
    return View(level, grid, (x * columns, y * rows), samples)


def read_block(
    opened: OpenFile,
    file: FileRead,
    resampler: str,
    samples: Samples,
    wanted: BoolArray,
    alpha: Alpha | None = None,
) -> Iterator[Pixels]:
    """The bands of a file on a block of the output grid, in parts; none where the block misses the file.

    What no part has, the `wanted` pixels (y, x) of the block can do without. What `alpha` hides takes no part
    in other pixels.

    Raises:
        RasterioError: the file cannot be read.
        OSError: the file cannot be read, or is not the one any more that was opened.
    """
    header, block = opened.header, samples.block
    if resampler == "near" and opened.tiles is not None and not _has_mask(header, file):
        yield from _tiled(opened, file, samples, wanted)
        return
    sampled = [
        (there, sample)
        for there in _at_turns(opened, samples)
        if (sample := samples.get(there.view.grid).whole()) is not None
    ]
    fine = block.grid.shape.y * block.grid.shape.x * opened.view.times**2
    too_large = sum(sample.pixels for _, sample in sampled) > _MAX_WINDOW or (
        resampler not in ("near", *_INTERPOLATING) and fine > _MAX_FINE
    )
    if too_large and max(block.grid.shape.yx) > 1:
        yield from _in_parts(opened, file, block, resampler, wanted, alpha)
        return
    if opened.view.times and resampler not in ("near", *_INTERPOLATING):
        if sampled and (pixels := _counted(opened, file, block, resampler, alpha)) is not None:
            yield pixels
        return
    for there, sample in sampled:
        if resampler == "near":
            yield _sampled(there, file, sample)
        else:
            yield _warped(there, file, samples, resampler, sample, alpha)


def _at_turns(opened: OpenFile, samples: Samples) -> list[OpenFile]:
    """A file as it is seen from a block, at each of the turns of longitudes at which it touches that."""
    view = opened.view
    return [
        replace(opened, view=replace(view, grid=moved(view.grid, x))) if x else opened
        for x in samples.turns(view.grid)
    ]


def check_bands(header: Header, file: FileRead) -> None:
    """Raise RasterioError if a file lacks a band."""
    if max(file.indexes) > header.count:
        raise RasterioError(f"band_index {max(file.indexes) - 1} of a file with {header.count} bands")


def lays_tiles(opened: OpenFile, file: FileRead, resampler: str, dtype: np.dtype[Any]) -> bool:
    """Whether a file's tiles can be laid straight under pixels of a type."""
    tiles = opened.tiles
    return (
        tiles is not None
        and resampler == "near"
        and tiles.level.dtype == dtype
        and not file.calibrated
        and not _has_mask(opened.header, file)
    )


def lay_tiles(opened: OpenFile, samples: Samples, layer: Layer, canvas: Canvas) -> None:
    """Lay a file's tiles under the canvas of a block.

    Raises:
        RasterioError: a tile cannot be decoded.
        OSError: the file cannot be read, or is not the one any more that was opened.
    """
    for there in _at_turns(opened, samples):
        _lay_tiles(there, samples, layer, canvas)


def _lay_tiles(opened: OpenFile, samples: Samples, layer: Layer, canvas: Canvas) -> None:
    tiles = opened.tiles
    assert tiles is not None
    sampling = samples.get(opened.view.grid)
    (rows, columns), (height, width) = tiles.level.size, tiles.level.tile
    for place in lay(tiles, sampling, layer, canvas, samples.block.sides):
        # Damaged or of an unknown kind: GDAL reads what can be read, and says what is wrong with the rest.
        top, left = place[0] * height, place[1] * width
        window = (slice(top, min(rows, top + height)), slice(left, min(columns, left + width)))
        tile = np.zeros((height, width, len(layer.indexes)), tiles.level.dtype)
        pixels = _by_gdal(opened, layer.indexes, window)
        tile[: window[0].stop - top, : window[1].stop - left] = np.moveaxis(pixels, 0, 2)
        put(tile, place, tiles, sampling, layer, canvas)


def _tiled(opened: OpenFile, file: FileRead, samples: Samples, wanted: BoolArray) -> Iterator[Pixels]:
    """A block's pixels by the tile path, with those that are not valid as they are."""
    assert opened.tiles is not None
    bands = tuple(range(len(file.indexes)))
    values = np.zeros((len(bands), *wanted.shape), opened.tiles.level.dtype)
    state = np.empty(values.shape, np.uint8)
    state[:] = wanted
    canvas = Canvas(values, state, begun=True)
    nodata = tuple(effective_nodata(opened.header, file))
    lay_tiles(opened, samples, Layer(file.indexes, bands, bands, nodata, raw=True), canvas)
    state |= ~wanted
    if (covered := shown(state)).any():
        whole = (slice(0, wanted.shape[0]), slice(0, wanted.shape[1]))
        yield Pixels(whole, values, state == VALID, covered)


def _sampled(opened: OpenFile, file: FileRead, sample: Sample) -> Pixels:
    """The pixels that a sample takes."""
    values = sample.take(_window(opened, file.indexes, sample.window))
    return _judged(opened, file, values, sample.window, sample)


def _in_parts(
    opened: OpenFile,
    file: FileRead,
    block: Block,
    resampler: str,
    wanted: BoolArray,
    alpha: Alpha | None,
) -> Iterator[Pixels]:
    """A block read by halves, so that what is in memory at once stays bounded."""
    height, width = block.grid.shape.yx
    y, x = slice(0, height), slice(0, width)
    halves = (
        [(slice(0, height // 2), x), (slice(height // 2, height), x)]
        if height >= width
        else [(y, slice(0, width // 2)), (y, slice(width // 2, width))]
    )
    for half in halves:
        if wanted[half].any():
            for part in read_block(opened, file, resampler, Samples(block.part(half)), wanted[half], alpha):
                yield replace(part, roi=within(half, part.roi))


def _dtype_of(header: Header, indexes: Sequence[int]) -> np.dtype[Any]:
    return np.result_type(*(header.dtypes[index - 1] for index in indexes))


def _window(opened: OpenFile, indexes: Sequence[int], window: Window) -> Array:
    """Pixels (band, y, x) of a window of the level a file is read from, not to be written to."""
    if opened.tiles is not None:
        pixels = opened.tiles.read(indexes, window)
        if pixels is not None:
            return pixels
    return _by_gdal(opened, indexes, window)


def _by_gdal(opened: OpenFile, indexes: Sequence[int], window: Window) -> Array:
    if opened.view.level == 0:
        return _loaded(opened.header, indexes, window)
    # odc-loader resamples overviews and does not hand out their own pixels.
    with dataset_of(opened.header.address, opened.view.level) as dataset:
        return np.asarray(dataset.read(list(indexes), window=RasterioWindow.from_slices(*window)))


def _loaded(header: Header, indexes: Sequence[int], window: Window) -> Array:
    """Pixels (band, y, x) of a window of a file by odc-loader, all bands by one read."""
    # Its import takes longer than most reads.
    from odc.loader import RasterBandMetadata, RasterLoadParams, RasterSource

    driver = _driver()
    with driver.restore_env({}, driver.new_load(header.grid)) as context:
        dtype = _dtype_of(header, indexes)
        meta = RasterBandMetadata(str(dtype), dims=("band", "y", "x"))
        reader = driver.open(RasterSource(header.address, band=0, meta=meta), context)
        params = RasterLoadParams(
            str(dtype),
            fill_value=_kept_nodata(header, indexes[0], dtype),
            use_overviews=False,
            dims=meta.dims,
            meta=meta,
        )
        _, pixels = reader.read(params, header.grid[window], selection=list(indexes))
        return np.asarray(pixels)


@cache
def _driver() -> Any:
    from odc.loader import RioDriver

    return RioDriver()


def _kept_nodata(header: Header, index: int, dtype: np.dtype[Any]) -> float | None:
    """The fill value with which odc-loader leaves nodata as it is: it would make NaN of a floating file's."""
    nodata = header.nodata[index - 1]
    if nodata is None:
        return None
    held = held_nodata(dtype, nodata)
    return 0 if held is None else held


def _judged(opened: OpenFile, file: FileRead, values: Array, window: Window, sample: Sample | None) -> Pixels:
    """Pixels with their validity: by the file's nodata, else the Band's, and by a mask the file brings along.

    They are those of a window of the file, or what a sample took of it.
    """
    valid = np.empty(values.shape, bool)
    for band, nodata in enumerate(effective_nodata(opened.header, file)):
        not_nodata(values[band], nodata, valid[band])
    mask = _file_mask(opened, file, window)
    if mask is not None:
        valid &= mask if sample is None else sample.take(mask)
    if sample is None:
        return Pixels(window, values, valid, None)
    if sample.inside is not None:
        valid &= sample.inside
    return Pixels(sample.roi, values, valid, sample.inside)


def effective_nodata(header: Header, file: FileRead) -> list[float | None]:
    """The nodata of each band that is read: what the file says, and where it says nothing, what the Band
    says.
    """
    return [
        own if (own := header.nodata[index - 1]) is not None else declared
        for index, declared in zip(file.indexes, file.nodata, strict=True)
    ]


def not_nodata(values: Array, nodata: float | None, out: BoolArray) -> None:
    """Which values are not nodata, into `out`. NaN never is valid; a nodata the type cannot hold masks
    nothing.
    """
    held = held_nodata(values.dtype, nodata)
    if held is None or math.isnan(held):
        if values.dtype.kind == "f":
            np.logical_not(np.isnan(values), out=out)
        else:
            out.fill(True)
        return
    np.not_equal(values, values.dtype.type(held), out=out)
    if values.dtype.kind == "f":
        np.logical_and(out, ~np.isnan(values), out=out)


def _has_mask(header: Header, file: FileRead) -> bool:
    """Whether a file hides pixels by itself: by an internal mask, or an undeclared alpha band."""
    return header.mask or _undeclared_alpha(header, file) > 0


def _undeclared_alpha(header: Header, file: FileRead) -> int:
    return header.alpha if header.alpha not in file.declared else 0


def _file_mask(opened: OpenFile, file: FileRead, window: Window) -> BoolArray | None:
    """Where a file's own mask lets a window's pixels through."""
    header = opened.header
    if not _has_mask(header, file):
        return None
    alpha = _undeclared_alpha(header, file)
    if alpha:
        seen = _window(opened, (alpha,), window)[0]
    else:
        with dataset_of(opened.header.address, opened.view.level) as dataset:
            seen = dataset.dataset_mask(window=RasterioWindow.from_slices(*window))
    mask: BoolArray = seen != 0
    return mask


def _warped(
    opened: OpenFile, file: FileRead, samples: Samples, resampler: str, sample: Sample, alpha: Alpha | None
) -> Pixels:
    """A block by an interpolating or counting resampler, from the window that its kernel can reach.

    A pixel is covered where its center lies in the file: interpolation does not reach beyond. What is
    hidden is left out before, not after.
    """
    view, block = opened.view, samples.block
    grid = block.grid[sample.roi]
    scale, scales = view.scale, None
    if view.times:
        scales = _scales(view.grid, block.part(sample.roi))
        # They are (rows, columns), the other (x, y).
        scale = (float(scales[1].max()), float(scales[0].max()))
    window = widened_window(sample.window, scale, view.grid)
    there = window_grid(view.grid, window)
    # Beyond the edge of a file that goes around the Earth lies its other edge.
    parts = [(window[0], x) for x in columns_of(window[1], view.grid.shape.x)]
    raw = [_judged(opened, file, _window(opened, file.indexes, part), part, None) for part in parts]
    values, valid = raw[0].values, raw[0].valid
    if len(raw) > 1:
        values = np.concatenate([part.values for part in raw], axis=2)
        valid = np.concatenate([part.valid for part in raw], axis=2)
    if alpha is not None:
        valid &= alpha(there)
    values, valid = _with_seen(file, values, valid)
    hides = len(values) > len(file.indexes)
    before = valid
    if scales is None:
        values, good = warp(values, valid, there, grid, scale, resampler)
    else:
        lattice = samples.get(view.grid).lattice
        assert lattice is not None
        rows, columns = lattice.coordinates(sample.roi)
        places = (rows - window[0].start, columns - window[1].start)
        values, good = interpolated(values, valid, *places, scales, resampler)
    if resampler in _INTERPOLATING and not before.all():
        # Not beyond the valid pixels either: GDAL sees to that only where there is one band.
        y, x = (
            slice(inner.start - outer.start, inner.stop - outer.start)
            for inner, outer in zip(sample.window, window, strict=True)
        )
        good &= sample.take(before[:, y, x])
    if sample.inside is not None:
        good &= sample.inside
    count = len(file.indexes)
    return Pixels(sample.roi, values[:count], good[:count], sample.inside, good[-1] if hides else None)


def _with_seen(file: FileRead, values: Array, valid: BoolArray) -> tuple[Array, BoolArray]:
    """Pixels of which those are not valid that the file's own alpha hides, and how they were.

    One more band tells where any pixel counts that is not hidden. Alpha's own values are all valid.
    """
    if file.alpha <= 0:
        return values, valid
    hiding = file.indexes.index(file.alpha)
    visible = values[hiding] != 0
    valid = np.concatenate([valid & visible, visible[None]])
    valid[hiding] = True
    return np.concatenate([values, visible[None].astype(values.dtype)]), valid


def _scales(source: GeoBox, block: Block) -> tuple[Array, Array]:
    """How many source rows and columns each pixel of a block spans."""
    rows, columns = block.grid.shape.yx
    wider = Block(
        window_grid(block.grid, (slice(-1, rows + 1), slice(-1, columns + 1))),
        (block.origin[0] - 1, block.origin[1] - 1),
        block.whole,
    )
    lattice = Samples(wider).get(source).lattice
    assert lattice is not None
    down, across = local_scales(*lattice.coordinates((slice(0, rows + 2), slice(0, columns + 2))))
    # At a pole a pixel spans all longitudes.
    most = [max(1.0, size / _MOST_SPANNED) for size in source.shape.yx]
    return np.minimum(down, most[0]), np.minimum(across, most[1])


def _counted(
    opened: OpenFile, file: FileRead, block: Block, resampler: str, alpha: Alpha | None
) -> Pixels | None:
    """A block by a counting resampler, from several nearest pixels for each of its pixels."""
    times = opened.view.times
    origin, whole = ((y * times, x * times) for y, x in (block.origin, block.whole))
    samples = Samples(Block(finer(block.grid, times), origin, whole))
    values, valid, covered = None, None, np.zeros(samples.block.grid.shape.yx, bool)
    for there in _at_turns(opened, samples):
        sample = samples.get(there.view.grid).whole()
        if sample is None:
            continue
        pixels = _sampled(there, file, sample)
        good = pixels.valid
        if alpha is not None:
            good = good & sample.take(alpha(there.view.grid[sample.window]))
        found, good = _with_seen(file, pixels.values, good)
        if sample.inside is not None:
            good = good & sample.inside
        if values is None or valid is None:
            values = np.zeros((len(found), *covered.shape), found.dtype)
            valid = np.zeros(values.shape, bool)
        where = (slice(None), *sample.roi)
        np.copyto(values[where], found, where=good)
        valid[where] |= good
        covered[sample.roi] |= True if sample.inside is None else sample.inside
    if values is None or valid is None:
        return None
    rows, columns = block.grid.shape.yx
    out, good = counted(values, valid, times, resampler)
    count = len(file.indexes)
    covered = np.any(covered.reshape(rows, times, columns, times), axis=(1, 3))
    return Pixels(
        (slice(0, rows), slice(0, columns)),
        out[:count],
        good[:count],
        covered,
        None if len(out) == count else good[count],
    )
