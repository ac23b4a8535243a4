"""Who calls: whoever carries the configured bearer token, or a URL signed for it. Reads are open.

Every method that is not known to read is a write, so a route added later is closed until it is opened
here on purpose.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

from landbridge.stac_api.access.principal import ANONYMOUS
from landbridge.stac_api.access.signing import Signer
from landbridge.stac_api.errors import answer

if TYPE_CHECKING:
    from pydantic import SecretStr
    from starlette.types import ASGIApp, Receive, Scope, Send

    from landbridge.stac_api.access.principal import Principal

_READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_READ_POSTS = re.compile(r"/search|(/collections/[^/]+)?/(aggregate|aggregations)")


class RequireToken:
    """ASGI middleware: a write without the right bearer token is answered 401 before anything is read."""

    def __init__(self, app: ASGIApp, token: SecretStr | None, principal: Principal) -> None:
        self.app = app
        self._signer = Signer(token)
        self._expected = f"Bearer {token.get_secret_value()}".encode() if token else None
        self._principal = principal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        found = self._found(scope)
        if found is None:
            why = "This needs an `Authorization: Bearer` header with a token that may write."
            await answer(401, why, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
            return
        scope.setdefault("state", {})["principal"] = found
        await self.app(scope, receive, send)

    def _found(self, scope: Scope) -> Principal | None:
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if self._expected is not None and hmac.compare_digest(given, self._expected):
            return self._principal
        if self._reads(scope):
            return ANONYMOUS
        if scope["method"] == "PUT" and self._signer.allows("PUT", _path(scope), scope["query_string"]):
            return self._principal
        return None

    @staticmethod
    def _reads(scope: Scope) -> bool:
        path = _path(scope).rstrip("/")
        return scope["method"] in _READ_METHODS or (
            scope["method"] == "POST" and _READ_POSTS.fullmatch(path) is not None
        )


def _path(scope: Scope) -> str:
    """The path of a request without the prefix under which a proxy serves the API."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path
