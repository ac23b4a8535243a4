"""The search behind a tile: the images that lie in it, newest first, in pages that are read when needed.

A tile never shows a part of its images only. One query finds up to a limit of them. If there are more, the
renderer may still fill all pixels with the first ones; if it asks for an image beyond the limit, reading ends
with `TooManyImagesError`, and the answer says that one has to zoom in.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from landbridge.errors import LandbridgeError
from landbridge.stac_api.access.rules import BLOB_COLLECTIONS, UNRESTRICTED
from landbridge.stac_api.pgstac import tile_queries
from landbridge.stac_api.pgstac.sql_builder import Parameters
from landbridge.stac_api.pgstac.tolerance import tolerant
from landbridge.stac_api.search import many_collections
from landbridge.stac_api.search.conditions import in_bbox, of_items, requested
from landbridge.stac_api.search.order import Order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import asyncpg

    from landbridge.stac_api.access.rules import Access
    from landbridge.stac_api.pgstac.tile_queries import Found
    from landbridge.stac_api.search.request import Search

__all__ = ["PAGE", "Images", "TooManyImagesError", "check", "find_images", "sample"]

PAGE: Final = 20  # images that the renderer gets at once
# Images of a tile that may be sorted by a property without an index.
_MOST_SORTED: Final = 10_000
# Parts of a tile that footprints must cover to fill it; the rest is rounding.
_WHOLE: Final = 1 - 1e-9
# Sampled images whose size decides from which zoom on tiles are shown.
_SAMPLED: Final = 50


class TooManyImagesError(LandbridgeError):
    """More images lie in a tile than one tile may have."""

    def __init__(self, most: int) -> None:
        super().__init__(
            f"More than {most} images lie here: zoom in, or narrow the search, for example by `datetime` or "
            "`filter`."
        )


@dataclass(frozen=True, slots=True)
class Images:
    """Images in a place, the topmost first.

    Args:
        pool: pool of reading connections.
        found: the images; one more than `most` if there are too many.
        most: maximum number of images of one tile.
        pages_read: number of pages that the renderer has asked for.
    """

    pool: asyncpg.Pool | None
    found: Sequence[Found]
    most: int
    pages_read: list[int] = field(default_factory=list)

    @classmethod
    def of_item(cls, item: dict[str, Any] | None, version: str) -> Images:
        """Return a single item as the images of a place; none without an item."""
        if item is None:
            return cls(None, (), 1)
        return cls(None, (tile_queries.Found(item["collection"], item["id"], version, 1.0, item),), 1)

    @property
    def are_too_many(self) -> bool:
        """True if there are more images than one tile may have."""
        return len(self.found) > self.most

    @property
    def collections(self) -> list[str]:
        """Collections of the images, that of the topmost image first."""
        return list(dict.fromkeys(one.collection for one in self.found))

    @property
    def fingerprint(self) -> list[list[str]]:
        """Part of an entity tag: the images in their order, each with a hash of its row."""
        return [[one.collection, one.id, one.fingerprint] for one in self.found]

    def check_number(self, *, first_is_enough: bool) -> None:
        """Check that the images can fill their place, before a pixel is read.

        Args:
            first_is_enough: whether reading ends when all pixels are valid.

        Raises:
            TooManyImagesError: if there are too many, and the topmost ones do not cover the place.
        """
        if not self.are_too_many:
            return
        if not first_is_enough or sum(one.share for one in self.found[: self.most]) < _WHOLE:
            raise TooManyImagesError(self.most)

    async def pages(self) -> AsyncIterator[Sequence[dict[str, Any]]]:
        """Read the images page by page.

        Raises:
            TooManyImagesError: after the last page, if there are more.
        """
        shown = self.found[: self.most]
        for start in range(0, len(shown), PAGE):
            page = shown[start : start + PAGE]
            self.pages_read.append(len(page))
            items = [one.item for one in page if one.item is not None]
            if len(items) < len(page):
                assert self.pool is not None
                async with self.pool.acquire() as conn:
                    items = await tile_queries.whole_items(conn, page)
            if items:
                yield items
        if self.are_too_many:
            raise TooManyImagesError(self.most)


def check(search: Search) -> None:
    """Check the values of a search, of which none is looked up.

    Raises:
        BadRequestError: if one is invalid.
    """
    _compile(search, None, UNRESTRICTED, search.collections, Parameters())


async def find_images(
    pool: asyncpg.Pool,
    search: Search,
    access: Access,
    bbox: tuple[float, float, float, float],
    *,
    most: int,
    narrowing: Search | None = None,
    core: tuple[float, float, float, float] | None = None,
) -> Images:
    """Return the images of a search that the caller may see in a place.

    Args:
        pool: pool of reading connections.
        search: conditions and order; the newest image is on top by default.
        access: rights of the caller.
        bbox: west, south, east and north in degrees; west is larger across the antimeridian.
        most: maximum number of images.
        narrowing: further conditions; its order, if it has one, takes the place of that of the search.
        core: part of the bbox that images have to cover to fill the place; None if it is not a bbox.

    Raises:
        BadRequestError: if the search is invalid.
        TooManyImagesError: if very many images would have to be sorted without an index.
    """
    async with pool.acquire() as conn:
        found = await _find(conn, search, narrowing, access, bbox, most=most, core=core)
    return Images(pool, found, most)


@tolerant
async def _find(
    conn: asyncpg.Connection,
    search: Search,
    narrowing: Search | None,
    access: Access,
    bbox: tuple[float, float, float, float],
    *,
    most: int,
    core: tuple[float, float, float, float] | None,
) -> list[Found]:
    named = await many_collections.name_collections(conn, replace(search, bbox=bbox), access)
    parameters = await _parameters(conn, named, narrowing, access)
    order, matching = _compile(search, narrowing, access, named.collections, parameters)
    place = in_bbox(bbox, parameters)
    matching = [f"({one}) AND {place}" for one in matching]
    if order.unindexed is not None:
        counted = await tile_queries.count_up_to(conn, matching, parameters, _MOST_SORTED + 1)
        if counted > _MOST_SORTED:
            raise TooManyImagesError(most)
    return await tile_queries.find(
        conn,
        matching,
        parameters,
        order=order.by(),
        bbox=core,
        first=PAGE,
        limit=most + 1,
    )


async def _parameters(
    conn: asyncpg.Connection, named: Search, narrowing: Search | None, access: Access
) -> Parameters:
    times = (named.datetime, narrowing.datetime if narrowing else None)
    return Parameters(
        subjects=None if access.unrestricted else access.subject_list,
        instants=await many_collections.are_instants(conn, named.collections, *times),
    )


def _compile(
    search: Search,
    narrowing: Search | None,
    access: Access,
    named: tuple[str, ...] | None,
    parameters: Parameters,
) -> tuple[Order, list[str]]:
    """Return order and conditions of a search, of whose collections only the named ones are read."""
    order = Order((narrowing.sortby if narrowing else ()) or search.sortby)
    further = requested(narrowing, parameters) if narrowing else []
    if search.collections is None:
        # Blobs have no pixels.
        further.append(f"collection <> ALL ({parameters.add(sorted(BLOB_COLLECTIONS), 'text[]')})")
    matching = of_items(replace(search, collections=named), parameters, access)
    return order, [" AND ".join([f"({one})", *further]) for one in matching]


async def sample(
    pool: asyncpg.Pool, search: Search, narrowing: Search | None, access: Access, most: int
) -> tuple[bool, list[tuple[float, float, float, float]]]:
    """Return whether a search has more than `most` images, and the bounding boxes of its newest ones."""
    async with pool.acquire() as conn:
        return await _sample(conn, search, narrowing, access, most)


@tolerant
async def _sample(
    conn: asyncpg.Connection, search: Search, narrowing: Search | None, access: Access, most: int
) -> tuple[bool, list[tuple[float, float, float, float]]]:
    named = await many_collections.name_collections(conn, search, access)
    narrowing = replace(narrowing, sortby=()) if narrowing else None
    parameters = await _parameters(conn, named, narrowing, access)
    order, matching = _compile(replace(search, sortby=()), narrowing, access, named.collections, parameters)
    counted = await tile_queries.count_up_to(conn, matching, parameters, most + 1)
    boxes = await tile_queries.footprints(conn, matching, parameters, order=order.by(), limit=_SAMPLED)
    return counted > most, boxes
