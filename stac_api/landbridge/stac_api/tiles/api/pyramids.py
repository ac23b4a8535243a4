"""Kept pyramids: mosaics that are shown if a tile of a collection would need too many images.

A pyramid is a collection of its own. Its images are mosaics of all images of another collection on the grid
of web maps, which `landbridge tiles pyramid` makes; so the rules of reads hold for it as for any collection.
The other collection names it in its extra properties, with the revisions of both. If an image of either has
been added, changed or deleted since then, or a band has changed, a revision is another one, and the pyramid
is not shown: a tile is never incomplete.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from stac_fastapi.types.errors import NotFoundError

from landbridge.stac_api.pgstac import item_counts
from landbridge.stac_api.tiles.api import matrix_sets
from landbridge.stac_api.tiles.api.targets import Target, collection_target
from landbridge.stac_api.tiles.api.tile_search import Images

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from landbridge.stac_api.tiles.api.query import Query
    from landbridge.stac_api.tiles.api.targets import Bounds
    from landbridge.stac_api.tiles.grid import Grid
    from landbridge.stac_api.tiles.products import TileProduct

__all__ = ["Pyramid", "find", "revision"]

_PROPERTY: Final = "landbridge:pyramid"
# Pixels of zoom 0 of web maps, in metres.
_LARGEST_PIXEL: Final = 360 * matrix_sets.METRES_OF_DEGREE / 256
# A picture may have pixels of half the size of the pyramid's: of a tile of 512 pixels at its last zoom.
_FINEST: Final = 0.45


class Stated(BaseModel):
    """Statement of a collection about its pyramid: its id, the revision that it shows, and its own."""

    model_config = ConfigDict(strict=True)

    product: str
    shows: str
    revision: str
    zoom: int = Field(ge=0, le=30)


@dataclass(frozen=True, slots=True)
class Pyramid:
    """A pyramid that shows all images of a collection, as the caller may see it.

    Args:
        target: its images.
        shows: the product of the collection.
        zoom: zoom of web maps, with tiles of 256 pixels, whose pixels it has.
    """

    target: Target
    shows: TileProduct
    zoom: int

    def suits(self, grid: Grid, bbox: Bounds) -> bool:
        """Return whether the pixels of a grid are not much smaller than the pyramid's."""
        west, _, east, _ = bbox
        degrees = (east - west) % 360 or 360
        pixel = degrees * matrix_sets.METRES_OF_DEGREE / grid.width
        return bool(pixel >= _FINEST * _LARGEST_PIXEL / 2**self.zoom)


async def revision(target: Target) -> str | None:
    """Return the state of a collection's images and bands, which is another one after each change.

    Returns:
        None if the target is not a whole collection.
    """
    product = await _whole_collection(target)
    return None if product is None else await _revision(target, product)


async def _revision(target: Target, product: TileProduct) -> str | None:
    async with target.pool.acquire() as conn:
        changes = await item_counts.count_changes(conn, product.id)
    if changes is None:
        return None
    described = [product.collection.get("item_assets"), *product.entries]
    digest = hashlib.blake2b(orjson.dumps(described, option=orjson.OPT_SORT_KEYS), digest_size=8)
    return f"{changes[0]}-{changes[1]}-{digest.hexdigest()}"


async def _whole_collection(target: Target) -> TileProduct | None:
    if not target.is_collection:
        return None
    return next(iter((await target.products_of(Images(None, (), 1))).values()), None)


async def find(request: Request, target: Target, query: Query) -> Pyramid | None:
    """Return the pyramid of a target; None if there is none that shows all its images.

    Only a collection as a whole has one, in the usual order of its images.
    """
    product = None if query.narrowing() else await _whole_collection(target)
    stated = None if product is None else _stated(product.collection)
    if product is None or stated is None or stated.product == product.id:
        return None
    if await _revision(target, product) != stated.shows:
        return None
    try:
        own = await collection_target(request, stated.product)
        return Pyramid(own, product, stated.zoom) if await revision(own) == stated.revision else None
    except NotFoundError:  # also without the right to see it
        return None


def _stated(collection: Mapping[str, Any]) -> Stated | None:
    properties = collection.get("catalog:extra_properties")
    value = properties.get(_PROPERTY) if isinstance(properties, dict) else None
    try:
        return None if value is None else Stated.model_validate(value)
    except ValidationError:
        return None
