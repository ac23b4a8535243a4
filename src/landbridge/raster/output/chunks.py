"""Pieces of rasters that are rendered elsewhere or later: each one block with no more than it takes."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from landbridge.raster.composite.reduction import renderer_of
from landbridge.raster.composite.render import BLOCK, blocks, run
from landbridge.raster.errors import RasterError
from landbridge.raster.grids.cutlines import GroundCutline
from landbridge.raster.grids.geobox import BoolArray
from landbridge.raster.grids.grid_footprint import reach
from landbridge.raster.grids.windows import Window, shape_of, within
from landbridge.raster.io.byte_ranges import is_remote
from landbridge.raster.io.open_files import Files, Opened
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.plan.footprints import Footprints
from landbridge.raster.plan.plan import Plan, SourceRead

Array = np.ndarray[Any, Any]

# The least rows of a window that is made to have more of them.
_SMALLEST = 256
# So many calls' files and tiles, of so many bytes each, are kept for the blocks that are still to come.
_CALLS = 2
_TILES = 64 * 2**20
# Signed addresses end, and servers get other files.
_SECONDS = 300
_calls: "OrderedDict[str, _Kept]" = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept for a call's next blocks, until a moment of the monotonic clock."""

    tiles: TileCache
    opened: Opened
    until: float


@dataclass(frozen=True, slots=True)
class Piece:
    """One block of one of a call's plans, to be pickled: the plan has only the images that may touch it.

    `layer` is the plan's place in the call. All pieces of a call have its output grid, whole, so that they
    are sampled as one.
    """

    plan: Plan
    window: Window
    layer: int
    call: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """(bands, rows, columns)."""
        return (len(self.plan.bands), *shape_of(self.window))


def chunk_shape(chunks: Any, geobox: GeoBox) -> tuple[int, int]:
    """(rows, columns) of blocks: from an edge in pixels, a pair (y, x), a mapping of "y" and "x", or "auto".

    -1 is the whole edge; what a mapping leaves out is as in "auto".

    Raises:
        ValueError: it is none of these.
    """
    wrong = ValueError(
        "chunks must be a number of pixels, (y, x), a mapping with 'y' and 'x', or 'auto'; "
        f"numbers are positive, or -1 for the whole edge; got {chunks!r}"
    )
    if isinstance(chunks, str):
        if chunks != "auto":
            raise wrong
        chunks = {}
    if isinstance(chunks, Mapping):
        if set(chunks) - {"y", "x"}:
            raise wrong
        chunks = [chunks.get("y", BLOCK), chunks.get("x", BLOCK)]
    edges = list(chunks) if isinstance(chunks, (list, tuple)) else [chunks, chunks]
    if len(edges) != 2 or not all(_is_edge(edge) for edge in edges):
        raise wrong
    y, x = (
        size if edge == -1 else min(int(edge), size)
        for edge, size in zip(edges, geobox.shape.yx, strict=True)
    )
    return y, x


def _is_edge(edge: Any) -> bool:
    whole = isinstance(edge, (int, np.integer)) and not isinstance(edge, bool)
    return bool(whole and (edge > 0 or edge == -1))


def windows(geobox: GeoBox, chunks: Any, workers: int, most: int | None = None) -> list[Window]:
    """The windows that cover a grid in blocks of `chunks` with edges of at most `most`, row by row; None and
    False: as suits so many workers.
    """
    if chunks is None or chunks is False:
        return blocks(geobox, workers, most)
    rows, columns = geobox.shape.yx
    height, width = (min(edge, most or edge) for edge in chunk_shape(chunks, geobox))
    return [
        (slice(y, min(rows, y + height)), slice(x, min(columns, x + width)))
        for y in range(0, rows, height)
        for x in range(0, columns, width)
    ]


def even_windows(geobox: GeoBox, least: int) -> list[Window]:
    """Windows of about one size that cover a grid, row by row: no fewer than `least`, unless they were small.

    A cluster knows nothing of what its tasks take: it deals out a sliver like a whole block.
    """
    rows, columns = geobox.shape.yx
    across = -(-columns // BLOCK)
    down = max(-(-rows // BLOCK), min(-(-least // across), rows // _SMALLEST))
    return [(y, x) for y in _evenly(rows, down) for x in _evenly(columns, across)]


def _evenly(length: int, parts: int) -> list[slice]:
    return [slice(length * part // parts, length * (part + 1) // parts) for part in range(parts)]


def pieces(plan: Plan, places: Sequence[Window], layer: int, call: str) -> Iterator[Piece]:
    """The pieces of a plan, one for each of the places."""
    sources = [_slim(read, plan) for read in plan.sources]
    footprints = Footprints([read.source for read in plan.sources])
    whole = None if isinstance(plan.cutline, GroundCutline) else plan.cutline
    if whole is not None:
        shapely.prepare(whole)
    for window in places:
        grid = plan.geobox[window]
        touching = footprints.touching(reach(grid))
        near = tuple(source for source, touches in zip(sources, touching, strict=True) if touches)
        cutline = plan.cutline
        if whole is not None:
            # What it takes to burn the cutline is only sent where its edge is; a pixel more, for all_touched.
            ground = box(*grid.boundingbox.bbox).buffer(max(map(abs, grid.resolution.xy)), join_style="mitre")
            if whole.disjoint(ground):
                # All is masked, as where no image is.
                near, cutline = (), None
            elif whole.covers(ground):
                cutline = None
        yield Piece(replace(plan, sources=near, cutline=cutline), window, layer, call)


def _slim(read: SourceRead, plan: Plan) -> SourceRead:
    """An image without what is of no use after planning."""
    bands = {name: read.source.bands[name] for name in plan.fetched}
    return replace(read, source=replace(read.source, geometry=None, bands=bands, coefficients={}))


def render_piece(piece: Piece) -> tuple[Array, BoolArray | None]:
    """The values (band, y, x) of a piece and their mask, None if nothing is or can be masked.

    Raises:
        RasterError: a file is missing, broken or cut short.
        WiderTypeError: a file has a type that the plan's cannot hold.
    """
    plan = piece.plan
    renderer = renderer_of(plan, *_kept_for(piece))
    values = np.empty(piece.shape, plan.output_dtype)
    mask = np.empty(piece.shape, bool) if plan.masked else None
    rows, columns = shape_of(piece.window)
    failure: RasterError | None = None

    def render() -> None:
        for y in range(0, rows, BLOCK):
            for x in range(0, columns, BLOCK):
                part = (slice(y, min(rows, y + BLOCK)), slice(x, min(columns, x + BLOCK)))
                where = (slice(None), *part)
                renderer.render(
                    within(piece.window, part), values[where], None if mask is None else mask[where]
                )

    try:
        # On a thread of its own: a task may be run on the main one.
        run([render], 1)
    except RasterError as error:
        failure = error
    finally:
        renderer.close()
    if failure is not None:
        with _lock:
            _calls.pop(piece.call, None)
        # GDAL's own errors, its causes, cannot be pickled.
        failure.__cause__ = failure.__context__ = None
        raise failure
    return values, mask if mask is not None and mask.any() else None


def _kept_for(piece: Piece) -> tuple[TileCache, Files]:
    """The tiles, and the opened files of a network, that this process shares among the pieces of a call.

    Local files are opened anew, which takes little: a lazy array may be computed again when they have
    changed.
    """
    plan = piece.plan
    with _lock:
        kept = _calls.get(piece.call)
        if kept is None or time.monotonic() > kept.until:
            kept = _calls[piece.call] = _Kept(TileCache(_TILES), Opened(), time.monotonic() + _SECONDS)
        _calls.move_to_end(piece.call)
        while len(_calls) > _CALLS:
            _calls.popitem(last=False)
    remote = any(is_remote(href) for href in plan.hrefs)
    return kept.tiles, Files(plan, kept.tiles, kept.opened if remote else None)
