"""Pool of sandboxed worker processes that render tiles."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import AsyncIterable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from landbridge.raster.runtime.thread_pools import default_worker_count
from landbridge.stac_api.errors import BadRequestError, UnavailableError
from landbridge.stac_api.tiles import expression
from landbridge.stac_api.tiles.answers import (
    PointValues,
    Rendered,
    RenderTimeoutError,
    UnreadableItemError,
    WorkerDiedError,
)
from landbridge.stac_api.tiles.grid import Grid
from landbridge.stac_api.tiles.item_files import ItemFiles, records_of
from landbridge.stac_api.tiles.messages import Failure
from landbridge.stac_api.tiles.render_worker import RenderWorker, WorkerEndedError, WorkerTooLargeError
from landbridge.stac_api.tiles.worker_queue import WorkerQueue

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from landbridge.stac_api.assets.store import AssetStore
    from landbridge.stac_api.core.settings import Settings
    from landbridge.stac_api.tiles.answers import Statistics
    from landbridge.stac_api.tiles.products import TileProduct
    from landbridge.stac_api.tiles.view import View

__all__ = ["ENGINE_VERSION", "Pages", "RenderPool"]

logger = logging.getLogger(__name__)

ENGINE_VERSION: Final = f"{version('landbridge-raster')}.1"
"""Version of the rendered pixels; part of entity tags. It changes with any change of a rendered value."""

Pages = AsyncIterable[Sequence[Mapping[str, Any]]]
"""Items by pages, in the order of the search: the first item is on top.

Each item has `id`, `collection`, `geometry`, `properties` and `assets`, hydrated, with hrefs as stored. The
next page is asked for only if pixels are still missing.
"""

# Half the edge of the area of a point, in degrees: a tenth of a millimeter
_POINT = 1e-9
# Tiles whose centers are in the same square of so many tiles are rendered by the same worker, if it is idle:
# they share the tiles of their files.
_NEIGHBORS = 4
# Most values that one request may read and compute, and most additions in its expressions.
_MAX_VALUES, _MAX_WORK = 2**25, 2**27


class RenderPool:
    """Pool of sandboxed worker processes that render tiles.

    All methods raise `BadRequestError` if the view does not fit the items, `PoolBusyError`,
    `WorkerDiedError` or `RenderTimeoutError` (503, with `retry_after` seconds) if the answer was not
    rendered, and `UnreadableItemError` if a file cannot be read. Cancelling the task that awaits an answer
    stops the worker's work on it.

    Parameters
    ----------
    settings : Settings
        Number of workers, and their limits.
    store : AssetStore
        Store of the files that may be read.
    """

    def __init__(self, settings: Settings, store: AssetStore) -> None:
        self._settings = settings
        self._files = ItemFiles(settings, store)
        self._workers = WorkerQueue(
            lambda: RenderWorker.start(settings, self._files.folders, has_network=self._files.needs_network),
            settings.tile_workers,
            settings.tile_queue,
        )

    async def open(self) -> None:
        """Start and warm up the workers, if the settings say so; otherwise the first request does."""
        if self._settings.tile_workers_at_start:
            self._workers.start_all()

    async def close(self) -> None:
        """End the workers."""
        await self._workers.close()

    async def render(
        self, view: View, grid: Grid, pages: Pages, products: Mapping[str, TileProduct]
    ) -> Rendered:
        """Render the pixels of a grid.

        Parameters
        ----------
        view : View
            Bands, display and format. Its `buffer` is added to the grid.
        grid : Grid
            Pixels of the answer.
        pages : async iterable of sequences of items
            Items by pages, the topmost first.
        products : mapping of str to TileProduct
            Collections of the items by id.
        """
        ok, body = await self._ask("render", view, grid.buffered(view.buffer), pages, products)
        return Rendered(body, str(ok["media_type"]), bool(ok["is_empty"]), int(ok["items"]))

    async def statistics(
        self,
        view: View,
        grid: Grid,
        pages: Pages,
        products: Mapping[str, TileProduct],
        *,
        polygon: Mapping[str, Any] | None = None,
        bins: int = 10,
        categorical: bool = False,
    ) -> Statistics:
        """Return statistics of the valid pixels of a grid.

        Parameters
        ----------
        view, grid, pages, products
            As in `render`.
        polygon : mapping, optional
            GeoJSON geometry in longitude and latitude; pixels whose center is outside do not count.
        bins : int, default 10
            Number of bins of the histogram.
        categorical : bool, default False
            Make the histogram of the values themselves.
        """
        if not 1 <= bins <= 1024:
            raise BadRequestError(f"The histogram must have 1 to 1024 bins, got {bins}.")
        options = {"polygon": polygon, "bins": bins, "categorical": categorical}
        ok, _ = await self._ask("statistics", view, grid, pages, products, options)
        return {str(name): dict(values) for name, values in ok["statistics"].items()}

    async def point(
        self,
        view: View,
        longitude: float,
        latitude: float,
        pages: Pages,
        products: Mapping[str, TileProduct],
    ) -> PointValues:
        """Return the values at a point, in full resolution."""
        if not (math.isfinite(longitude) and -90 <= latitude <= 90):
            raise BadRequestError(
                f"The point must be longitude,latitude in degrees, got {longitude},{latitude}."
            )
        south, north = max(-90.0, latitude - _POINT), min(90.0, latitude + _POINT)
        grid = Grid((longitude - _POINT, south, longitude + _POINT, north), "EPSG:4326", 1, 1)
        ok, _ = await self._ask("point", view, grid, pages, products)
        return PointValues(view.outputs, tuple(ok["values"]))

    async def _ask(
        self,
        task: str,
        view: View,
        grid: Grid,
        pages: Pages,
        products: Mapping[str, TileProduct],
        options: dict[str, Any] | None = None,
    ) -> tuple[dict[str, Any], bytes]:
        if not self._settings.tile_workers:
            raise UnavailableError("This server renders no tiles: LANDBRIDGE_TILE_WORKERS is 0.")
        _check_work(view, grid)
        async with contextlib.aclosing(self._records(view, pages, products)) as records:
            first = await anext(records, None)
            if first is None and task == "point":
                return {"values": [None] * len(view.outputs)}, b""
            request = {
                "task": task,
                "view": view.to_json(),
                "grid": {"bounds": grid.bounds, "crs": grid.crs, "width": grid.width, "height": grid.height},
                "products": records_of(products, view),
                "page": first or [],
                "has_more": first is not None,
                "seconds": self._settings.tile_seconds,
                "options": options,
            }
            async with self._workers.lent(_affinity(grid)) as worker:
                # A core for each worker: their threads would only wait for each other.
                request["threads"] = max(1, default_worker_count() // self._workers.busy)
                answer, body = await self._answer(worker, request, records)
        if "ok" not in answer:
            raise self._error(str(answer.get("error")), str(answer.get("text", "")))
        return answer["ok"], body

    @staticmethod
    async def _answer(
        worker: RenderWorker, request: dict[str, Any], records: AsyncIterator[list[dict[str, Any]]]
    ) -> tuple[dict[str, Any], bytes]:
        try:
            return await worker.ask(request, records)
        except WorkerEndedError:
            raise WorkerDiedError("The process that renders tiles ended unexpectedly. Try again.") from None
        except WorkerTooLargeError:
            return {"error": Failure.MEMORY}, b""
        except TimeoutError:
            return {"error": Failure.DEADLINE}, b""

    async def _records(
        self, view: View, pages: Pages, products: Mapping[str, TileProduct]
    ) -> AsyncGenerator[list[dict[str, Any]]]:
        """Yield the items of each page as JSON for a worker."""
        async for page in pages:
            yield [await self._files.record(view, products[str(item["collection"])], item) for item in page]

    def _error(self, kind: str, text: str) -> Exception:
        seconds, mebibytes = self._settings.tile_seconds, self._settings.tile_memory_bytes / 2**20
        match kind:
            case Failure.REQUEST:
                return BadRequestError(text)
            case Failure.FILE:
                return UnreadableItemError(text)
            case Failure.DEADLINE:
                return RenderTimeoutError(
                    f"The pixels were not rendered within {seconds:g} s. Ask for a smaller area, or narrow "
                    f"the search."
                )
            case Failure.MEMORY:
                return RenderTimeoutError(
                    f"Rendering takes more than {mebibytes:.0f} MiB of memory. Ask for fewer pixels or items."
                )
        logger.error("The process that renders tiles failed: %s %s", kind, text)
        return RuntimeError(f"{text or kind} while tiles were rendered; see the traceback in the log")


def _check_work(view: View, grid: Grid) -> None:
    """Raise BadRequestError if an answer would take more memory or time than one request may."""
    pixels = grid.width * grid.height
    values = pixels * (len(view.bands) + len(view.outputs))
    if values > _MAX_VALUES:
        raise BadRequestError(
            f"{grid.width} x {grid.height} pixels of {len(view.outputs)} outputs from {len(view.bands)} "
            f"bands are too many for one request. Ask for fewer pixels or bands."
        )
    work = pixels * sum(expression.cost(expression.parse(text)) for text in view.expressions)
    if work > _MAX_WORK:
        raise BadRequestError(
            f"The expressions are too long for {grid.width} x {grid.height} pixels. Ask for fewer pixels, or "
            f"for simpler expressions."
        )


def _affinity(grid: Grid) -> int:
    """Return a number that is equal for most neighbors of a tile."""
    west, south, east, north = grid.bounds
    columns, rows = _NEIGHBORS * (east - west), _NEIGHBORS * (north - south)
    place = math.floor((west + east) / 2 / columns), math.floor((south + north) / 2 / rows)
    return hash((round(columns, 9), *place))
