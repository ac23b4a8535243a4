"""Security headers of every response, and the check of the `Host` header.

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

__all__ = ["LOOPBACK_HOSTS", "LOOPBACK_ORIGINS", "PAGE_POLICY", "CheckHost", "SecurityHeaders"]

LOOPBACK_HOSTS: Final = ("127.0.0.1", "localhost", "::1")
LOOPBACK_ORIGINS: Final = r"https?://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?"

_FIXED_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
# Pages for people: their scripts, styles and images are files of this server, and nothing is inline.
PAGE_POLICY: Final = (
    "default-src 'none'; "
    "script-src 'self'; "
    "style-src 'self'; "
    "img-src 'self' data:; "
    "connect-src 'self'; "
    "base-uri 'none'; "
    "form-action 'self'; "
    "frame-ancestors 'none'"
)
# No other response is a web page; a browser must not run an uploaded HTML file as one.
_DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"
# Exception: the API documentation, whose inline script only names the location of the OpenAPI document.
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
    """ASGI middleware that adds headers which restrict browsers and caches."""

    def __init__(self, app: ASGIApp, documentation: Sequence[str | None]) -> None:
        self.app = app
        self._documentation = frozenset(documentation)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                is_documentation = served_path(scope) in self._documentation
                # A page for people sets its own; responses with data of users never do.
                if headers.get("Content-Security-Policy") != PAGE_POLICY:
                    headers["Content-Security-Policy"] = (
                        _DOCUMENTATION_POLICY if is_documentation else _DATA_POLICY
                    )
                headers.raw.extend(_FIXED_HEADERS)
                # One caller's response must not be cached for another; a refusal may soon be outdated.
                if "Cache-Control" not in headers and (message["status"] >= 400 or _is_authenticated(scope)):
                    headers["Cache-Control"] = "no-store"
                if not headers.get("Cache-Control", "").startswith("public"):
                    headers.add_vary_header("Authorization")
            await send(message)

        await self.app(scope, receive, send_with_headers)


class CheckHost:
    """ASGI middleware that refuses unknown `Host` names.

    It protects against DNS rebinding: a foreign web page points its own host name at this machine, so that
    its scripts can read from this server. Such requests have the foreign name in `Host`.
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
    """Return the name in a `Host` header without its port; None if the header is invalid."""
    try:
        parts = urlsplit(f"//{given}")
        return parts.hostname if parts.netloc == given and "@" not in given else None
    except ValueError:
        return None


def _is_authenticated(scope: Scope) -> bool:
    principal = scope.get("state", {}).get("principal")
    return principal is not None and principal.user is not None
