"""Files of items over HTTP.

GET, HEAD /assets/{path}    read a file; supports ranges (RFC 9110 section 14) and entity tags
POST /assets/signatures     make short-lived signed URLs of files
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

from landbridge import private_addresses
from landbridge.mappings import times
from landbridge.stac_api.access.principal import PUBLIC, request_principal
from landbridge.stac_api.access.rules import request_access
from landbridge.stac_api.assets.read_access import product_of, readable
from landbridge.stac_api.assets.store import COG, error_reason, href, is_served
from landbridge.stac_api.core.metrics import SENT_BYTES, store_request
from landbridge.stac_api.documents import incoming, links
from landbridge.stac_api.errors import BadRequestError, UnavailableError
from landbridge.stac_api.search.client import JSON, respond

if TYPE_CHECKING:
    from collections.abc import Sequence

_RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))$")

router = APIRouter(tags=["Assets"])


# Every version of a file has a path of its own, so the content of a path never changes.
_IMMUTABLE = "max-age=31536000, immutable"
_MAX_SIGNED = 10_000


@router.get("/assets/{path:path}", response_class=Response)
@router.head("/assets/{path:path}", response_class=Response)
async def asset(path: str, request: Request) -> Response:
    """Return a file of an item, or a range of it; redirect to the store if it can sign URLs."""
    settings, store = request.app.state.landbridge, request.app.state.store
    signed = request.app.state.signer.allows("GET", links.ASSETS + path, request.scope["query_string"])
    if not (is_served(path) if signed else await _readable(path, request)):
        raise _missing(path)
    # HEAD is answered here: a URL is signed for one method, and GDAL sends HEAD before GET.
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
    return path in await readable(request.app.state.readpool, [path], await request_access(request))


async def _is_public(path: str, request: Request) -> bool:
    """Return whether shared caches may keep the file: it belongs to a public product. Not for operators."""
    if request_principal(request).operator:
        return False
    everybody = await request.app.state.services.grants.access(frozenset({PUBLIC}))
    return product_of(path) in everybody.read


@router.post("/assets/signatures", response_class=Response)
async def sign(request: Request) -> Response:
    """Return short-lived signed URLs of files that the caller may read: `{"hrefs": [...]}` in the same order.

    Hrefs outside this API are returned unchanged.
    """
    body = incoming.parse(await request.body())
    given = body.get("hrefs") if isinstance(body, dict) else None
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise BadRequestError("The body needs `hrefs`: an array of the hrefs of assets.")
    if len(given) > _MAX_SIGNED:
        raise BadRequestError(f"{len(given)} hrefs are too many; one request may have {_MAX_SIGNED}.")
    base = links.base_url(request)
    paths = [_own_path(one, base) for one in given]
    wanted = {path for path in paths if path is not None}
    allowed = await readable(request.app.state.readpool, wanted, await request_access(request))
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
    """Return the store's path of an href of this API, as shown or as stored; None for other hrefs."""
    path = private_addresses.asset_path(base, given)
    if path is None and given.startswith(links.ASSETS):
        path = given.removeprefix(links.ASSETS)
    return None if path is None else unquote(urlsplit(path).path)


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
    """Return an object of the store, or the requested range of it.

    Parameters
    ----------
    path : str
        Path in the store.
    request : Request
        Request with its `Range` and its conditions.
    cached : str
        `Cache-Control` of the answer.
    etags : sequence of str
        Entity tags that replace the store's: the first is sent, conditions may name any of them.
    """
    if request.app.state.store.is_outside(path):
        raise _missing(path)
    store = request.app.state.store.backend
    try:
        with store_request("head"):
            meta = await obstore.head_async(store, path)
    except (FileNotFoundError, ValueError) as error:
        raise _missing(path) from error
    except obstore.exceptions.BaseError as error:
        why = f"The object store does not answer ({error_reason(error)})."
        raise UnavailableError(why, part="store") from error
    tags = etags or (meta["e_tag"] or "",)
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tags[0],
        "Last-Modified": format_datetime(meta["last_modified"], usegmt=True),
        "Cache-Control": cached,
    }
    media_type = _media_type(path)
    if _lists_tag(request, "if-none-match", tags):
        return Response(status_code=304, headers=headers)
    if "if-match" in request.headers and not _lists_tag(request, "if-match", tags):
        raise HTTPException(412, f"The entity tag is {tags[0]}, not {request.headers['if-match']}.")
    wanted = _requested_range(request, meta["size"], tags)
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
    SENT_BYTES.inc(end - start)
    return StreamingResponse(content, status_code=status, headers=headers, media_type=media_type)


def _media_type(path: str) -> str:
    if path.endswith(".tif"):
        return COG
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def _lists_tag(request: Request, header: str, tags: Sequence[str]) -> bool:
    """Return whether a header lists one of these entity tags, or `*`."""
    named = {one.strip().removeprefix("W/") for one in request.headers.get(header, "").split(",")}
    return any(tag and (tag in named or "*" in named) for tag in tags)


def _requested_range(request: Request, size: int, tags: Sequence[str]) -> tuple[int, int] | None:
    """Return the requested half-open range; None for the whole file.

    As RFC 9110 allows, any header other than a single byte range is ignored, and so is one whose `If-Range`
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
