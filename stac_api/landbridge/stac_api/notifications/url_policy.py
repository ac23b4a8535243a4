"""Policy on the addresses to which the server sends notifications.

The server itself connects to them, so that a URL must not lead into its own network (server-side request
forgery). The URL is checked when it is stored, and again when it is used: its host is then resolved once, all
its addresses must be public, and the connection goes to one of the addresses that were checked. Redirects are
not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import httpcore
import httpx

from landbridge.errors import LandbridgeError
from landbridge.stac_api.assets.href_policy import ANY, is_private_host
from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["CheckedBackend", "RefusedAddressError", "check_url", "is_allowed", "is_public"]

_MAX_URL: Final = 2000
_SCHEMES: Final = frozenset({"http", "https"})
_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")  # holds the IPv4 address behind a gateway (RFC 6052)
_LOCAL_NAT64: Final = ipaddress.IPv6Network("64:ff9b:1::/48")  # the same, inside of a network (RFC 8215)
_TEREDO: Final = ipaddress.IPv6Network("2001::/32")


class RefusedAddressError(LandbridgeError):
    """Error: the host of a destination has an address to which the server may not connect."""


def check_url(url: Any, allowed: Sequence[str]) -> str:
    """Return the URL of a destination in its normal form: with ASCII characters only.

    Parameters
    ----------
    url : object
        URL as given.
    allowed : sequence of str
        Prefixes that the operator allows; `*` for any.

    Raises
    ------
    BadRequestError
        If it is no URL of HTTP, holds credentials, or leads to a place that the server may not reach.
    """
    if not isinstance(url, str) or not 0 < len(url) <= _MAX_URL:
        raise BadRequestError(
            f"`url` is a text of at most {_MAX_URL} characters: the address of the receiver."
        )
    try:
        text = str(httpx.URL(url))
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except (httpx.InvalidURL, ValueError):
        raise BadRequestError("`url` is not a URL.") from None
    if parts.scheme not in _SCHEMES or not host or port == 0 or not text.isascii():
        raise BadRequestError("`url` needs the form https://host/path.")
    if parts.username or parts.password or "@" in parts.netloc:
        raise BadRequestError("`url` must not contain credentials: send them in `headers`.")
    if "#" in url or "\\" in url or _has_dot_segments(parts.path):
        raise BadRequestError("`url` must have no fragment, no backslash, and no `.` or `..` in its path.")
    if is_allowed(text, allowed):
        return text
    if parts.scheme != "https":
        raise BadRequestError("`url` must begin with https://, unless the operator allows it.")
    if is_private_host(host):
        raise BadRequestError("`url` leads into a private network, or to the server itself.")
    return text


def _has_dot_segments(path: str) -> bool:
    return any(unquote(segment) in (".", "..") for segment in path.split("/"))


def is_allowed(url: str, allowed: Iterable[str]) -> bool:
    """Return whether a URL begins with one of the prefixes, compared by origin and whole path segments."""
    return any(prefix == ANY or _begins_with(url, prefix) for prefix in allowed)


def _begins_with(url: str, prefix: str) -> bool:
    try:
        one, other = urlsplit(url), urlsplit(prefix)
        origins = [
            (parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)) for parts in (one, other)
        ]
    except ValueError:
        return False
    path = other.path.rstrip("/")
    return origins[0] == origins[1] and (one.path == path or one.path.startswith(f"{path}/") or not path)


def is_public(address: str) -> bool:
    """Return whether an IP address is public; one that stands for an IPv4 address is judged by that."""
    found: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found in _NAT64:
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        elif found in _TEREDO or found in _LOCAL_NAT64:
            return False
        else:
            found = found.ipv4_mapped or found.sixtofour or found
    return found.is_global and not found.is_multicast


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only: resolves a host once, and connects to what it has checked."""

    def __init__(self) -> None:
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a host that answers.

        Raises
        ------
        RefusedAddressError
            If one of its addresses is not public.
        """
        try:
            async with asyncio.timeout(timeout):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise httpcore.ConnectError("The host name cannot be resolved.") from error
        addresses = list(dict.fromkeys(str(info[4][0]) for info in found))
        if not addresses or not all(map(is_public, addresses)):
            raise RefusedAddressError("The host has an address in a private network.")
        for address in addresses:
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if address == addresses[-1]:
                    raise
        raise AssertionError  # the loop returns or raises

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no URL of HTTP names a socket."""
        raise RefusedAddressError("Notifications are not sent to sockets.")

    async def sleep(self, seconds: float) -> None:
        """Wait between two attempts to connect."""
        await self._backend.sleep(seconds)
