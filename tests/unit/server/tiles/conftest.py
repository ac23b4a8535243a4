"""A store of images, and a pool of one worker process that renders them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from landbridge.stac_api.assets.store import AssetStore
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.tiles.products import TileProduct
from landbridge.stac_api.tiles.render_pool import RenderPool
from support.tile_store import PLACES, Pages, collection, write_image

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator
    from pathlib import Path


@dataclass
class Renderer:
    """Pool with a store, whose coroutines run in one loop."""

    pool: RenderPool
    store: Path
    items: list[dict[str, Any]]
    product: TileProduct
    runner: asyncio.Runner

    @property
    def products(self) -> dict[str, TileProduct]:
        return {self.product.id: self.product}

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(coroutine)

    def render(self, view: Any, grid: Any, items: Any = None, size: int = 1) -> Any:
        pages = Pages(self.items if items is None else items, size)
        return self.run(self.pool.render(view, grid, pages, self.products))


def settings_of(store: Path, **changes: Any) -> Settings:
    options = {"tile_workers": 1, "tile_workers_at_start": False, "tile_seconds": 120, **changes}
    return Settings(database_url="postgresql://", store_url=store.as_uri(), **options)


@pytest.fixture(scope="session")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Renderer]:
    store = tmp_path_factory.mktemp("store")
    items = [write_image(store, item) for item in PLACES]
    settings = settings_of(store)
    with asyncio.Runner() as runner:
        pool = RenderPool(settings, AssetStore(settings.store_url))
        yield Renderer(pool, store, items, TileProduct(collection()), runner)
        runner.run(pool.close())
