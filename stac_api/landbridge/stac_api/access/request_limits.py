"""Size limits of a request: URL, headers and body; routes that stream their body check it themselves.

A search has a lower limit than a write, because it needs no credential; a write of one document has a lower
limit than a bulk load.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from landbridge.errors import LandbridgeError
from landbridge.stac_api.access.authentication import is_read
from landbridge.stac_api.core.responses import error_response

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_URL_BYTES = 60 * 1024
MAX_HEADER_BYTES = 64 * 1024
_BULK_PATH = re.compile(r"/(?:items|bulk_items)/?$")
_STREAMED_PATH = re.compile(r"(?:/uploads/\d+/files/\d+|/blobs/uploads/[0-9a-f-]+)$")


class _TooLargeError(LandbridgeError):
    pass


def _refuse_long_head(scope: Scope) -> Response | None:
    """Return the refusal of a request whose URL or headers are too long (RFC 9110, RFC 6585), else None."""
    length = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    if length > MAX_URL_BYTES:
        return error_response(
            414, f"The URL has {length:,} bytes; {MAX_URL_BYTES:,} are the maximum. Search by POST."
        )
    headers = sum(len(name) + len(value) for name, value in scope["headers"])
    if headers > MAX_HEADER_BYTES:
        return error_response(
            431, f"The headers have {headers:,} bytes; {MAX_HEADER_BYTES:,} are the maximum."
        )
    return None


class LimitBody:
    """ASGI middleware that answers 413 to a body that is too large, whether or not its length is declared.

    Args:
        app: the application.
        limit: maximum bytes of a bulk load.
        query: maximum bytes of a search.
        document: maximum bytes of any other write.
    """

    def __init__(self, app: ASGIApp, limit: int, query: int, document: int) -> None:
        self.app = app
        self._bulk, self._query, self._document = limit, min(limit, query), min(limit, document)

    def _limit(self, scope: Scope) -> int:
        if is_read(scope):
            return self._query
        return (
            self._bulk if scope["method"] == "POST" and _BULK_PATH.search(scope["path"]) else self._document
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := _refuse_long_head(scope)) is not None:
            await refusal(scope, receive, send)
            return
        if scope["type"] != "http" or (scope["method"] == "PUT" and _STREAMED_PATH.search(scope["path"])):
            await self.app(scope, receive, send)
            return
        limit = self._limit(scope)
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if declared.isdigit() and int(declared) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        seen = 0
        started = False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _TooLargeError
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, watched)
        except _TooLargeError:
            if started:
                raise
            await _too_large(limit)(scope, receive, send)


def _too_large(limit: int) -> Response:
    return error_response(413, f"The body of this request may have {limit} bytes at most.")
