"""Chunks of plans, for rendering in other processes or later; each holds only the images that it needs."""

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

from landbridge.raster.array_types import Array, BoolArray, Window
from landbridge.raster.composite.render_reduction import make_renderer
from landbridge.raster.errors import RasterError
from landbridge.raster.grids.block_windows import BLOCK, block_windows
from landbridge.raster.grids.cutlines import GroundCutline
from landbridge.raster.grids.grid_footprint import ground_footprint
from landbridge.raster.grids.windows import shape_of, within
from landbridge.raster.io.byte_ranges import is_remote
from landbridge.raster.io.gdal_threads import run_jobs
from landbridge.raster.io.open_files import PlanFiles, SharedFiles
from landbridge.raster.io.tile_reader import TileCache
from landbridge.raster.plan.footprints import Footprints
from landbridge.raster.plan.plan import Plan
from landbridge.raster.plan.reads import SourceRead

# Smallest number of rows of a window when a grid is divided into more windows.
_MIN_ROWS = 256
# Number of calls whose files and tiles are kept for later chunks, and size of each call's tile cache.
_MAX_CALLS = 2
_TILE_CACHE_BYTES = 64 * 2**20
# Seconds after which files are opened again: signed URLs expire, and files on servers change.
_MAX_AGE = 300
_calls: "OrderedDict[str, _SharedState]" = OrderedDict()
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class _SharedState:
    """Tiles and open files of a call, kept until a time of the monotonic clock."""

    tiles: TileCache
    opened: SharedFiles
    expires_at: float


@dataclass(frozen=True, slots=True)
class Chunk:
    """Block of a plan, for pickling; its plan holds only the images that may touch the block.

    `layer` is the position of the plan in the call. All chunks of a call have the whole output grid, so that
    they are resampled consistently.
    """

    plan: Plan
    window: Window
    layer: int
    call: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape (bands, rows, columns)."""
        return (len(self.plan.bands), *shape_of(self.window))


def chunk_shape(chunks: Any, geobox: GeoBox) -> tuple[int, int]:
    """Return (rows, columns) of blocks from an edge in pixels, (y, x), a mapping of "y" and "x", or "auto".

    -1 is the whole edge; edges that a mapping omits are as in "auto".

    Raises:
        ValueError: if `chunks` is not valid.
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


def chunk_windows(geobox: GeoBox, chunks: Any, workers: int, max_edge: int | None = None) -> list[Window]:
    """Return windows that cover a grid row by row, in blocks of `chunks` with edges of at most `max_edge`.

    For None and False the size of the blocks depends on the number of workers.
    """
    if chunks is None or chunks is False:
        return block_windows(geobox, workers, max_edge)
    rows, columns = geobox.shape.yx
    height, width = (min(edge, max_edge or edge) for edge in chunk_shape(chunks, geobox))
    return [
        (slice(y, min(rows, y + height)), slice(x, min(columns, x + width)))
        for y in range(0, rows, height)
        for x in range(0, columns, width)
    ]


def even_windows(geobox: GeoBox, min_count: int) -> list[Window]:
    """Return windows of about equal size that cover a grid row by row; at least `min_count` if not too small.

    A cluster schedules small and large tasks alike, so that equal sizes balance its workers.
    """
    rows, columns = geobox.shape.yx
    across = -(-columns // BLOCK)
    down = max(-(-rows // BLOCK), min(-(-min_count // across), rows // _MIN_ROWS))
    return [(y, x) for y in _evenly(rows, down) for x in _evenly(columns, across)]


def _evenly(length: int, parts: int) -> list[slice]:
    return [slice(length * part // parts, length * (part + 1) // parts) for part in range(parts)]


def split_plan(plan: Plan, windows: Sequence[Window], layer: int, call: str) -> Iterator[Chunk]:
    """Yield the chunks of a plan, one per window."""
    sources = [_without_planning_data(read, plan) for read in plan.sources]
    footprints = Footprints([read.source for read in plan.sources])
    whole = None if isinstance(plan.cutline, GroundCutline) else plan.cutline
    if whole is not None:
        shapely.prepare(whole)
    for window in windows:
        grid = plan.geobox[window]
        touching = footprints.touching(ground_footprint(grid))
        touching_sources = tuple(source for source, touches in zip(sources, touching, strict=True) if touches)
        cutline = plan.cutline
        if whole is not None:
            # Only chunks on the edge of the cutline need it; the margin of a pixel is for all_touched.
            ground = box(*grid.boundingbox.bbox).buffer(max(map(abs, grid.resolution.xy)), join_style="mitre")
            if whole.disjoint(ground):
                # The whole chunk is masked, as without images.
                touching_sources, cutline = (), None
            elif whole.covers(ground):
                cutline = None
        yield Chunk(replace(plan, sources=touching_sources, cutline=cutline), window, layer, call)


def _without_planning_data(read: SourceRead, plan: Plan) -> SourceRead:
    """Return a read whose image lacks the attributes that only planning needs."""
    bands = {name: read.source.bands[name] for name in plan.read_bands}
    source = replace(read.source, geometry=None, bands=bands, coefficients={}, radiometry={}, stored={})
    return replace(read, source=source)


def render_chunk(chunk: Chunk) -> tuple[Array, BoolArray | None]:
    """Render the values (band, y, x) of a chunk and their mask, None if no pixel is masked.

    Raises:
        RasterError: if a file is missing, broken or truncated.
        WiderTypeError: if a file has a data type that the plan's type cannot hold.
    """
    plan = chunk.plan
    renderer = make_renderer(plan, *_shared_state(chunk))
    values = np.empty(chunk.shape, plan.output_dtype)
    mask = np.empty(chunk.shape, bool) if plan.masked else None
    rows, columns = shape_of(chunk.window)
    failure: RasterError | None = None

    def render() -> None:
        for y in range(0, rows, BLOCK):
            for x in range(0, columns, BLOCK):
                part = (slice(y, min(rows, y + BLOCK)), slice(x, min(columns, x + BLOCK)))
                where = (slice(None), *part)
                renderer.render(
                    within(chunk.window, part), values[where], None if mask is None else mask[where]
                )

    try:
        # On a separate thread: the scheduler may run a task on the main thread.
        run_jobs([render], 1)
    except RasterError as error:
        failure = error
    finally:
        renderer.close()
    if failure is not None:
        with _lock:
            _calls.pop(chunk.call, None)
        # The causes are GDAL's errors, which cannot be pickled.
        failure.__cause__ = failure.__context__ = None
        raise failure
    return values, mask if mask is not None and mask.any() else None


def _shared_state(chunk: Chunk) -> tuple[TileCache, PlanFiles]:
    """Return the tiles and open remote files that this process shares among the chunks of a call.

    Local files are opened again for each chunk, which is fast: a lazy array may be computed again after they
    have changed.
    """
    plan = chunk.plan
    with _lock:
        state = _calls.get(chunk.call)
        if state is None or time.monotonic() > state.expires_at:
            state = _calls[chunk.call] = _SharedState(
                TileCache(_TILE_CACHE_BYTES), SharedFiles(), time.monotonic() + _MAX_AGE
            )
        _calls.move_to_end(chunk.call)
        while len(_calls) > _MAX_CALLS:
            _calls.popitem(last=False)
    remote = any(is_remote(href) for href in plan.hrefs)
    return state.tiles, PlanFiles(plan, state.tiles, state.opened if remote else None)
