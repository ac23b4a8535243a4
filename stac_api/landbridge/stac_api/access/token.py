"""Who may write: whoever carries the configured bearer token, or a URL signed for it. Reads are open.

Every method that is not known to read is a write, so a route added later is closed until it is opened
here on purpose.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from landbridge.stac_api.access.signing import Signer
from landbridge.stac_api.errors import answer

if TYPE_CHECKING:
    from pydantic import SecretStr
    from starlette.types import ASGIApp, Receive, Scope, Send

_READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_READ_POSTS = re.compile(r"/search|(/collections/[^/]+)?/(aggregate|aggregations)")


@dataclass(frozen=True, slots=True)
class Principal:
    """The caller of a write."""

    user: str
    org: str

    @property
    def owners(self) -> list[str]:
        """What a new object's `owners` are unless it says otherwise."""
        return [f"user:{self.user}", f"org:{self.org}"]


class RequireToken:
    """ASGI middleware: a write without the right bearer token is answered 401 before anything is read."""

    def __init__(self, app: ASGIApp, token: SecretStr | None, principal: Principal) -> None:
        self.app = app
        self._signer = Signer(token)
        self._expected = f"Bearer {token.get_secret_value()}".encode() if token else None
        self._principal = principal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._reads(scope):
            await self.app(scope, receive, send)
            return
        if scope["method"] == "PUT" and self._signer.allows("PUT", _path(scope), scope["query_string"]):
            scope.setdefault("state", {})["principal"] = self._principal
            await self.app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if self._expected is None or not hmac.compare_digest(given, self._expected):
            why = "This needs an `Authorization: Bearer` header with a token that may write."
            await answer(401, why, {"WWW-Authenticate": "Bearer"})(scope, receive, send)
            return
        scope.setdefault("state", {})["principal"] = self._principal
        await self.app(scope, receive, send)

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
