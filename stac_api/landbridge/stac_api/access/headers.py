"""What every answer tells browsers and caches, and which names the server answers to.

https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html#security-headers
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from landbridge.stac_api.access.authentication import served_path
from landbridge.stac_api.core.responses import error_response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["LOOPBACK_HOSTS", "LOOPBACK_ORIGINS", "CheckHost", "SecurityHeaders"]

LOOPBACK_HOSTS: Final = ("127.0.0.1", "localhost", "::1")
LOOPBACK_ORIGINS: Final = r"https?://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?"

_FIXED_HEADERS: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
# No answer is a page, and none runs as one where somebody uploads what a browser takes for one.
_DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
# But for the documentation of the API, whose only script of its own says where that is.
_DOCUMENTATION_POLICY: Final = (
    "default-src 'none'; "
    "script-src 'unsafe-inline' https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/; "
    "style-src 'unsafe-inline' https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/; "
    "img-src data: https://fastapi.tiangolo.com/img/; "
    "connect-src 'self'; "
    "base-uri 'none'; "
    "form-action 'none'; "
    "frame-ancestors 'none'"
)


class SecurityHeaders:
    """ASGI middleware that adds the headers by which browsers and caches do no more than they should."""

    def __init__(self, app: ASGIApp, pages: Sequence[str | None]) -> None:
        self.app = app
        self._pages = frozenset(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                is_page = served_path(scope) in self._pages
                headers["Content-Security-Policy"] = _DOCUMENTATION_POLICY if is_page else _DATA_POLICY
                headers.update(_FIXED_HEADERS)
                # What one caller may see is nobody else's, and a refusal may not be one a moment later.
                if "Cache-Control" not in headers and (message["status"] >= 400 or _is_authenticated(scope)):
                    headers["Cache-Control"] = "no-store"
                if not headers.get("Cache-Control", "").startswith("public"):
                    headers.add_vary_header("Authorization")
            await send(message)

        await self.app(scope, receive, hardened)


class CheckHost:
    """ASGI middleware that answers only to some names.

    A page of a stranger can let its own name lead to this machine, and would then read what its browser may
    read here ("DNS rebinding"); the name is what gives it away.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self.app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "*" in self._hosts:
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("host", "")
        if _host_name(given) in self._hosts:
            await self.app(scope, receive, send)
            return
        names = ", ".join(sorted(self._hosts))
        why = (
            f"This server answers to {names}, not to {given[:100]!r}; LANDBRIDGE_ALLOWED_HOSTS names others."
        )
        await error_response(421, why)(scope, receive, send)


def _host_name(given: str) -> str | None:
    """The name in a `Host` header, without its port."""
    try:
        parts = urlsplit(f"//{given}")
        return parts.hostname if parts.netloc == given and "@" not in given else None
    except ValueError:
        return None


def _is_authenticated(scope: Scope) -> bool:
    principal = scope.get("state", {}).get("principal")
    return principal is not None and principal.user is not None
