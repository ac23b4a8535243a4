"""Pool of sandboxed worker processes that render tiles."""

from __future__ import annotations

from collections.abc import AsyncIterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from landbridge.stac_api.assets.store import AssetStore
    from landbridge.stac_api.core.settings import Settings
    from landbridge.stac_api.tiles.answers import PointValues, Rendered, Statistics
    from landbridge.stac_api.tiles.grid import Grid
    from landbridge.stac_api.tiles.products import TileProduct
    from landbridge.stac_api.tiles.view import View

__all__ = ["ENGINE_VERSION", "Pages", "RenderPool"]

ENGINE_VERSION: Final = "1"
"""Version of the rendered pixels; part of entity tags. It changes with any change of a rendered value."""

Pages = AsyncIterable[Sequence[Mapping[str, Any]]]
"""Items by pages, in the order of the search: the first item is on top.

Each item has `id`, `collection`, `geometry`, `properties` and `assets`, hydrated, with hrefs as stored. The
next page is asked for only if pixels are still missing.
"""


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
        self._store = store

    async def open(self) -> None:
        """Start and warm up the workers, if the settings say so; otherwise the first request does."""

    async def close(self) -> None:
        """End the workers."""

    async def render(
        self,
        view: View,
        grid: Grid,
        pages: Pages,
        products: Mapping[str, TileProduct],
    ) -> Rendered:
        """Render the pixels of a grid.

        Parameters
        ----------
        view : View
            Bands, display and format. Its `buffer` is added to the grid.
        grid : Grid
            Pixels of the answer.
        pages : async iterator of sequences of items
            Items by pages, the topmost first.
        products : mapping of str to TileProduct
            Collections of the items by id.
        """
        raise NotImplementedError

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
        raise NotImplementedError

    async def point(
        self,
        view: View,
        longitude: float,
        latitude: float,
        pages: Pages,
        products: Mapping[str, TileProduct],
    ) -> PointValues:
        """Return the values at a point, in full resolution."""
        raise NotImplementedError
