"""Files of items over HTTP.

GET, HEAD /assets/{path}    in ranges (RFC 9110 section 14) with entity tags
POST /assets/signatures     URLs by which anybody may read some of them for some minutes
"""

from __future__ import annotations

import mimetypes
import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import obstore
import obstore.exceptions
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from landbridge.mappings import times
from landbridge.stac_api.access.principal import PUBLIC, principal_of
from landbridge.stac_api.access.rules import access_of
from landbridge.stac_api.assets.read_access import product_of, readable
from landbridge.stac_api.assets.store import COG, href, is_served, reason
from landbridge.stac_api.documents import incoming, links
from landbridge.stac_api.errors import BadRequestError, UnavailableError
from landbridge.stac_api.search.client import JSON, respond

if TYPE_CHECKING:
    from collections.abc import Sequence

_RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))$")

router = APIRouter(tags=["Assets"])


# Every version of a file has a path of its own, so what is behind a path never changes.
_IMMUTABLE = "max-age=31536000, immutable"
_MOST_SIGNED = 10_000


@router.get("/assets/{path:path}", response_class=Response)
@router.head("/assets/{path:path}", response_class=Response)
async def asset(path: str, request: Request) -> Response:
    """A file that an item refers to, whole or one range of it; or where it is, where the store signs URLs."""
    settings, store = request.app.state.landbridge, request.app.state.store
    signed = request.app.state.signer.allows("GET", links.ASSETS + path, request.scope["query_string"])
    if not (is_served(path) if signed else await _readable(path, request)):
        raise _missing(path)
    # HEAD is answered here: a URL is signed for one method, and GDAL asks by HEAD before it asks by GET.
    if request.method == "GET" and settings.presign and store.can_sign:
        seconds: int = settings.signed_seconds
        headers = {
            "Location": await store.sign("GET", path, seconds),
            "Cache-Control": f"private, max-age={seconds // 2}",
        }
        return Response(status_code=307, headers=headers)
    scope = "public" if not signed and await _is_public(path, request) else "private"
    return await serve(path, request, cached=f"{scope}, {_IMMUTABLE}")


async def _readable(path: str, request: Request) -> bool:
    return path in await readable(request.app.state.readpool, [path], await access_of(request))


async def _is_public(path: str, request: Request) -> bool:
    """Whether caches on the way may keep an image's file; they are asked by others than operators."""
    if principal_of(request).operator:
        return False
    everybody = await request.app.state.services.grants.access(frozenset({PUBLIC}))
    return product_of(path) in everybody.read


@router.post("/assets/signatures", response_class=Response)
async def sign(request: Request) -> Response:
    """URLs of files by which anybody may read them for some minutes: `{"hrefs": [...]}` in the same order.

    The caller has to have the right to read each. Those of others than this API stay as they are.
    """
    body = incoming.parse(await request.body())
    given = body.get("hrefs") if isinstance(body, dict) else None
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise BadRequestError("The body needs `hrefs`: an array of the hrefs of assets.")
    if len(given) > _MOST_SIGNED:
        raise BadRequestError(f"{len(given)} hrefs are more than the {_MOST_SIGNED} of one request.")
    base = links.base_url(request)
    paths = [_own_path(one, base) for one in given]
    wanted = {path for path in paths if path is not None}
    allowed = await readable(request.app.state.readpool, wanted, await access_of(request))
    if missing := next((path for path in paths if path is not None and path not in allowed), None):
        raise _missing(missing)
    seconds = request.app.state.landbridge.signed_seconds
    ends = times.format_utc(datetime.now(UTC) + timedelta(seconds=seconds))
    urls = {path: await _signed(path, base, request) for path in wanted}
    hrefs: list[Any] = [one if path is None else urls[path] for one, path in zip(given, paths, strict=True)]
    answer = respond({"hrefs": hrefs, "expires": ends}, base, JSON)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _own_path(given: str, base: str) -> str | None:
    """The path in the store that an href of ours names, as shown or as stored; None for somebody else's."""
    for prefix in (f"{base}assets/", links.ASSETS):
        if given.startswith(prefix):
            return unquote(urlsplit(given[len(prefix) :]).path)
    return None


async def _signed(path: str, base: str, request: Request) -> str:
    settings, store = request.app.state.landbridge, request.app.state.store
    if settings.presign and store.can_sign:
        url: str = await store.sign("GET", path, settings.signed_seconds)
        return url
    query: str = request.app.state.signer.query("GET", links.ASSETS + path, settings.signed_seconds)
    return base + href(path)[1:] + query


def _missing(path: str) -> HTTPException:
    return HTTPException(404, f"There is no asset {path!r}.")


async def serve(path: str, request: Request, *, cached: str, etags: Sequence[str] = ()) -> Response:
    """An object of the store, whole or the range asked for.

    Args:
        path: where it is in the store.
        request: its `Range` and its conditions are followed.
        cached: the answer's `Cache-Control`.
        etags: its entity tags where they are not the store's; the first is told, conditions may name any.
    """
    if request.app.state.store.is_outside(path):
        raise _missing(path)
    store = request.app.state.store.backend
    try:
        meta = await obstore.head_async(store, path)
    except (FileNotFoundError, ValueError) as error:
        raise _missing(path) from error
    except obstore.exceptions.BaseError as error:
        raise UnavailableError(f"The store does not answer ({reason(error)}).") from error
    tags = etags or (meta["e_tag"] or "",)
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tags[0],
        "Last-Modified": format_datetime(meta["last_modified"], usegmt=True),
        "Cache-Control": cached,
    }
    media_type = _media_type(path)
    if _named(request, "if-none-match", tags):
        return Response(status_code=304, headers=headers)
    if "if-match" in request.headers and not _named(request, "if-match", tags):
        raise HTTPException(412, f"The entity tag is {tags[0]}, not {request.headers['if-match']}.")
    wanted = _wanted(request, meta["size"], tags)
    start, end = wanted or (0, meta["size"])
    headers["Content-Length"] = str(end - start)
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{meta['size']}"
    status = 206 if wanted else 200
    if request.method == "HEAD" or start == end:
        return Response(status_code=status, headers=headers, media_type=media_type)
    try:
        content = await request.app.state.store.stream(path, start, end)
    except FileNotFoundError as error:
        raise _missing(path) from error
    return StreamingResponse(content, status_code=status, headers=headers, media_type=media_type)


def _media_type(path: str) -> str:
    if path.endswith(".tif"):
        return COG
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def _named(request: Request, header: str, tags: Sequence[str]) -> bool:
    """Whether a header lists one of these entity tags, or any."""
    named = {one.strip().removeprefix("W/") for one in request.headers.get(header, "").split(",")}
    return any(tag and (tag in named or "*" in named) for tag in tags)


def _wanted(request: Request, size: int, tags: Sequence[str]) -> tuple[int, int] | None:
    """The half-open range asked for, or None for the whole file.

    A header that isn't one byte range is ignored, as RFC 9110 allows, and so is one whose `If-Range`
    names another version.
    """
    match = _RANGE.match(request.headers.get("range", "").replace(" ", ""))
    if not match or request.headers.get("if-range", tags[0]) not in tags:
        return None
    first, last, suffix = match.groups()
    start = max(0, size - int(suffix)) if suffix else int(first)
    end = size if suffix or not last else min(int(last) + 1, size)
    if start >= end:
        raise HTTPException(
            416,
            f"The range {match[0]!r} lies outside the {size} bytes.",
            {"Content-Range": f"bytes */{size}"},
        )
    return start, end
