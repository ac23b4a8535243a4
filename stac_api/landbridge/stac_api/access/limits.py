"""How much a request may send: a bound on bodies, except where a route streams them itself.

What only asks has a closer one: nobody needs to be known for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from landbridge.stac_api.access.authentication import reads
from landbridge.stac_api.errors import answer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_STREAMED = re.compile(r"(?:/uploads/\d+/files/\d+|/blobs/uploads/[0-9a-f-]+)$")


class _TooLargeError(Exception):
    pass


class LimitBody:
    """ASGI middleware: a body over `limit` bytes, or `asking` of a read, is answered 413, declared or not."""

    def __init__(self, app: ASGIApp, limit: int, asking: int) -> None:
        self.app = app
        self._limits = {False: limit, True: min(limit, asking)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or (scope["method"] == "PUT" and _STREAMED.search(scope["path"])):
            await self.app(scope, receive, send)
            return
        limit = self._limits[reads(scope)]
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        too_large = answer(413, f"The body of this request may hold {limit} bytes at most.")
        if declared.isdigit() and int(declared) > limit:
            await too_large(scope, receive, send)
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
            await too_large(scope, receive, send)
