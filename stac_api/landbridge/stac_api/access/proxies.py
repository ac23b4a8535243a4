"""Forwarding headers of proxies, and the path prefix under which a proxy serves the API.

`Forwarded` (RFC 7239) and `X-Forwarded-*` say how a client reached a proxy. Clients can forge them, so they
count only from configured addresses. The middleware of uvicorn reads address and scheme, but not host, prefix
or lists; that of stac-fastapi accepts the headers from any address.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["ForwardedHeaders"]

_HOST: Final = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>[0-9]{1,5}))?\Z")
_PREFIX: Final = re.compile(r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+\Z")
_PAIR: Final = re.compile(r"\s*(\w+)\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]*))\s*")
_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
_NAMES: Final = ("for", "proto", "host", "port", "prefix")


class ForwardedHeaders:
    """ASGI middleware that sets the address, scheme, host and prefix that the outermost trusted proxy saw.

    Args:
        app: the application.
        trusted: addresses and networks of proxies; `*` for any.
        root_path: default of the path prefix; a trusted proxy can send another.
    """

    def __init__(self, app: ASGIApp, trusted: Sequence[str], root_path: str = "") -> None:
        self.app = app
        self._root_path = root_path
        # uvicorn's parser of addresses and networks, in all their spellings.
        given: Any = "*" if "*" in trusted else list(trusted)
        self._trusted = ProxyHeadersMiddleware(app, given).trusted_hosts  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["root_path"] = self._root_path or scope.get("root_path", "")
            client = scope.get("client")
            if client is not None and client[0] in self._trusted:
                _apply_forwarded(scope, self._forwarded_values(Headers(scope=scope)))
            _add_prefix_to_path(scope)
        await self.app(scope, receive, send)

    def _forwarded_values(self, headers: Headers) -> dict[str, str]:
        """Return the forwarded values by the parameter names of `Forwarded`.

        Every proxy appends to a list. The last entry is true, and so is each earlier one as long as all later
        addresses are of trusted proxies. A client may have forged the rest.
        """
        lists = {name: _values(headers, f"x-forwarded-{name}") for name in _NAMES}
        if not any(lists.values()):
            return self._values_of_elements(headers)
        hops = self._hops(lists["for"])
        return {name: _value_of_hop(values, hops) for name, values in lists.items() if values}

    def _values_of_elements(self, headers: Headers) -> dict[str, str]:
        elements = [_element(one) for one in _split(",", ",".join(headers.getlist("forwarded")))]
        if not elements:
            return {}
        hops = self._hops([one.get("for", "") for one in elements])
        return elements[max(len(elements) - (hops or len(elements)), 0)]

    def _hops(self, addresses: Sequence[str]) -> int | None:
        """Return how many entries of each list trusted proxies have added; None without addresses."""
        for number, address in enumerate(reversed(addresses), start=1):
            if _without_port(address) not in self._trusted:
                return number
        return len(addresses) or None


def _values(headers: Headers, name: str) -> list[str]:
    return [one.strip() for one in ",".join(headers.getlist(name)).split(",") if one.strip()]


def _value_of_hop(values: Sequence[str], hops: int | None) -> str:
    return values[0] if hops is None else values[max(len(values) - hops, 0)]


def _split(separator: str, text: str) -> list[str]:
    """Return the parts of a header; separators in quoted strings do not count."""
    return [one for one in re.findall(rf'(?:[^{separator}"]|"[^"]*")+', text) if one.strip()]


def _element(text: str) -> dict[str, str]:
    pairs = (_PAIR.fullmatch(one) for one in _split(";", text))
    return {pair[1].lower(): pair[2] or pair[3] or "" for pair in pairs if pair}


def _without_port(address: str) -> str:
    """Return an address without port and brackets."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _apply_forwarded(scope: Scope, forwarded: dict[str, str]) -> None:
    scheme = forwarded.get("proto", "").lower()
    if scheme in _DEFAULT_PORTS:
        scope["scheme"] = scheme
    if address := _without_port(forwarded.get("for", "")):
        scope["client"] = (address, 0)
    headers = MutableHeaders(scope=scope)
    given = _HOST.fullmatch(forwarded.get("host") or headers.get("host", ""))
    if given is not None and (forwarded.get("host") or forwarded.get("port")):
        port = (
            given["port"]
            if forwarded.get("host") and given["port"]
            else forwarded.get("port") or given["port"]
        )
        shown = port and port.isdecimal() and port != _DEFAULT_PORTS.get(scope["scheme"])
        scope["headers"] = [one for one in scope["headers"] if one[0] != b"host"]
        authority = f"{given['name']}:{port}" if shown else given["name"]
        scope["headers"].append((b"host", authority.encode("latin-1")))
    prefix = forwarded.get("prefix", "").rstrip("/")
    if _PREFIX.fullmatch(prefix):
        scope["root_path"] = prefix


def _add_prefix_to_path(scope: Scope) -> None:
    """Make the path begin with the prefix, as ASGI requires, whether or not a proxy has stripped it."""
    root: str = scope.get("root_path", "")
    path: str = scope["path"]
    if not root or path == root or path.startswith(f"{root}/"):
        return
    scope["path"] = root + path
    if scope.get("raw_path") is not None:
        scope["raw_path"] = quote(root, safe="/:~!$&'()*+,;=@").encode() + scope["raw_path"]
