"""Answers of the map routes: entity tags before a pixel is read, caching, work for a client that waits."""

from __future__ import annotations

import asyncio
import contextlib
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, TypeVar

from starlette.responses import Response

from landbridge.stac_api.http import preconditions
from landbridge.stac_api.tiles.formats import MEDIA_TYPES, Format
from landbridge.stac_api.tiles.render_pool import ENGINE_VERSION

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from starlette.requests import Request

    from landbridge.stac_api.tiles.api.targets import Target
    from landbridge.stac_api.tiles.api.tile_search import Images, TooManyImagesError
    from landbridge.stac_api.tiles.products import TileProduct
    from landbridge.stac_api.tiles.view import View

__all__ = [
    "EMPTY_HEADER",
    "NOTICE_HEADER",
    "cache_control",
    "known_version",
    "notice",
    "tag_of",
    "unless_client_left",
]

T = TypeVar("T")

NOTICE_HEADER: Final = "Landbridge-Notice"
EMPTY_HEADER: Final = "Landbridge-Empty"  # of pictures without a valid pixel
_CLOSED: Final = 499  # as nginx logs a request whose client has gone; nobody receives it
_NOTICES: Final = {Format.PNG: "zoom_in.png", Format.JPEG: "zoom_in.jpg", Format.WEBP: "zoom_in.webp"}


def cache_control(target: Target) -> str:
    """Return the `Cache-Control` of a target: after a minute clients ask whether the tag is the same."""
    scope = "public" if target.is_public else "private"
    return f"{scope}, max-age=60, stale-while-revalidate=60"


def tag_of(view: View, place: Any, images: Images, products: Mapping[str, TileProduct], *others: Any) -> str:
    """Return the entity tag of pixels, which depends on all that they depend on.

    Args:
        view: bands and display.
        place: grid, point or polygon.
        images: images in their order; a row that changes has another fingerprint.
        products: bands and display ranges.
        others: further parameters.
    """
    described = {name: product.identity for name, product in sorted(products.items())}
    return preconditions.tile_tag(
        ENGINE_VERSION, view.identity, place, images.most, images.fingerprint, described, others
    )


def known_version(request: Request, tag: str, target: Target) -> Response | None:
    """Return the 304 if the client has this version already; None otherwise."""
    blank = Response(headers={"Cache-Control": cache_control(target)})
    answer = preconditions.conditional_response(request, blank, tag)
    return answer if answer.status_code == 304 else None


def notice(error: TooManyImagesError, format: Format, headers: Mapping[str, str]) -> Response:
    """Return a picture that says that one has to zoom in.

    Raises:
        TooManyImagesError: if the format has no pictures for people.
    """
    if not format.is_picture:
        raise error
    shown = Format.PNG if format is Format.AUTO else format
    body = (resources.files("landbridge.stac_api.tiles.api") / "notices" / _NOTICES[shown]).read_bytes()
    return Response(body, media_type=MEDIA_TYPES[shown], headers={**headers, NOTICE_HEADER: str(error)})


async def unless_client_left(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """Return the result of some work, which is cancelled when the client closes its connection.

    Returns:
        None if the client has gone.
    """
    task = asyncio.ensure_future(work)
    left = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        return await task if task.done() else None
    finally:
        for one in (task, left):
            one.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await left
        if not task.done():
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task


async def _disconnected(request: Request) -> None:
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return


def gone() -> Response:
    """Return the answer that nobody waits for."""
    return Response(status_code=_CLOSED)
