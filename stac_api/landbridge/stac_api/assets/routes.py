"""`GET` and `HEAD /assets/{path}`: the files of images, in ranges (RFC 9110 section 14) with entity tags."""

from __future__ import annotations

import mimetypes
import re
from email.utils import format_datetime
from typing import TYPE_CHECKING

import obstore
from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from landbridge.stac_api.assets.store import COG, is_image

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta

_RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))$")

router = APIRouter(tags=["Assets"])


@router.api_route("/assets/{path:path}", methods=["GET", "HEAD"], response_class=Response)
async def asset(path: str, request: Request) -> Response:
    """A file of an image, whole or one range of it."""
    missing = HTTPException(404, f"There is no asset {path!r}.")
    if not is_image(path):
        raise missing
    store = request.app.state.store.backend
    try:
        meta = await obstore.head_async(store, path)
    except (FileNotFoundError, ValueError) as error:
        raise missing from error
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": meta["e_tag"] or "",
        "Last-Modified": format_datetime(meta["last_modified"], usegmt=True),
        # Every version of a file has a path of its own, so what is behind a path never changes.
        "Cache-Control": "public, max-age=31536000, immutable",
    }
    media_type = _media_type(path)
    if _unchanged(request, meta):
        return Response(status_code=304, headers=headers)
    wanted = _wanted(request, meta)
    start, end = wanted or (0, meta["size"])
    headers["Content-Length"] = str(end - start)
    if wanted:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{meta['size']}"
    status = 206 if wanted else 200
    if request.method == "HEAD" or start == end:
        return Response(status_code=status, headers=headers, media_type=media_type)
    options: GetOptions = {"range": (start, end)}
    result = await obstore.get_async(store, path, options=options)
    return StreamingResponse(result.stream(), status_code=status, headers=headers, media_type=media_type)


def _media_type(path: str) -> str:
    if path.endswith(".tif"):
        return COG
    return mimetypes.guess_type(path)[0] or "application/octet-stream"


def _unchanged(request: Request, meta: ObjectMeta) -> bool:
    tags = request.headers.get("if-none-match", "")
    return bool(meta["e_tag"]) and meta["e_tag"] in [
        tag.strip().removeprefix("W/") for tag in tags.split(",")
    ]


def _wanted(request: Request, meta: ObjectMeta) -> tuple[int, int] | None:
    """The half-open range asked for, or None for the whole file.

    A header that isn't one byte range is ignored, as RFC 9110 allows, and so is one whose `If-Range`
    names another version.
    """
    match = _RANGE.match(request.headers.get("range", "").replace(" ", ""))
    if not match or request.headers.get("if-range", meta["e_tag"]) != meta["e_tag"]:
        return None
    size = meta["size"]
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
