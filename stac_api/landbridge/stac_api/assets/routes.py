"""`GET` and `HEAD /assets/{path}`: files of items, in ranges (RFC 9110 section 14) with entity tags."""

from __future__ import annotations

import mimetypes
import re
from email.utils import format_datetime

import obstore
import obstore.exceptions
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from landbridge.stac_api.assets.store import BLOBS, COG, is_served, reason
from landbridge.stac_api.errors import UnavailableError

_RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))$")

router = APIRouter(tags=["Assets"])


# Every version of a file has a path of its own, so what is behind a path never changes.
_IMMUTABLE = "max-age=31536000, immutable"


@router.get("/assets/{path:path}", response_class=Response)
@router.head("/assets/{path:path}", response_class=Response)
async def asset(path: str, request: Request) -> Response:
    """A file that an item refers to, whole or one range of it; or where it is, where the store signs URLs."""
    if not is_served(path):
        raise _missing(path)
    settings, store = request.app.state.landbridge, request.app.state.store
    # HEAD is answered here: a URL is signed for one method, and GDAL asks by HEAD before it asks by GET.
    if request.method == "GET" and settings.presign and store.signs:
        seconds: int = settings.signed_seconds
        headers = {
            "Location": await store.sign("GET", path, seconds),
            "Cache-Control": f"private, max-age={seconds // 2}",
        }
        return Response(status_code=307, headers=headers)
    scope = "private" if path.startswith(BLOBS) else "public"
    return await serve(path, request, cached=f"{scope}, {_IMMUTABLE}")


def _missing(path: str) -> HTTPException:
    return HTTPException(404, f"There is no asset {path!r}.")


async def serve(path: str, request: Request, *, cached: str, etag: str | None = None) -> Response:
    """An object of the store, whole or the range asked for.

    Args:
        path: where it is in the store.
        request: its `Range` and its conditions are followed.
        cached: the answer's `Cache-Control`.
        etag: its entity tag where that is not the store's.
    """
    store = request.app.state.store.backend
    try:
        meta = await obstore.head_async(store, path)
    except (FileNotFoundError, ValueError) as error:
        raise _missing(path) from error
    except obstore.exceptions.BaseError as error:
        raise UnavailableError(f"The store does not answer ({reason(error)}).") from error
    tag = etag or meta["e_tag"] or ""
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": tag,
        "Last-Modified": format_datetime(meta["last_modified"], usegmt=True),
        "Cache-Control": cached,
    }
    media_type = _media_type(path)
    if _named(request, "if-none-match", tag):
        return Response(status_code=304, headers=headers)
    if "if-match" in request.headers and not _named(request, "if-match", tag):
        raise HTTPException(412, f"The entity tag is {tag}, not {request.headers['if-match']}.")
    wanted = _wanted(request, meta["size"], tag)
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


def _named(request: Request, header: str, tag: str) -> bool:
    """Whether a header lists this entity tag, or any."""
    tags = [one.strip().removeprefix("W/") for one in request.headers.get(header, "").split(",")]
    return bool(tag) and (tag in tags or "*" in tags)


def _wanted(request: Request, size: int, tag: str) -> tuple[int, int] | None:
    """The half-open range asked for, or None for the whole file.

    A header that isn't one byte range is ignored, as RFC 9110 allows, and so is one whose `If-Range`
    names another version.
    """
    match = _RANGE.match(request.headers.get("range", "").replace(" ", ""))
    if not match or request.headers.get("if-range", tag) != tag:
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
