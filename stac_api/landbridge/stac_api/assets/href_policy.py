"""Policy on hrefs in items and collections.

The server never fetches an href. Its readers do, with access to their own machine and network (clients of the
object API, STAC Browser, tile servers). So that no writer can make them read their own files or network,
hrefs of files and of private networks are refused, unless the operator allows their prefix. Host names are
not resolved, because their addresses may change after the check; a reader that must not reach its own network
needs a network policy.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from landbridge.stac_api.assets.store import is_served
from landbridge.stac_api.documents import links
from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["ANY", "check", "is_private_host"]

ANY = "*"
_MAX_SHOWN = 200
# Allowed schemes -> a host follows. Others are files, or GDAL's names of several files (vrt://, GTI:,
# NETCDF:).
_SCHEMES = {
    **dict.fromkeys(("http", "https", "ftp", "ftps", "sftp"), True),
    **dict.fromkeys(("s3", "s3a", "gs", "az", "abfs", "abfss", "adl", "oss", "cos", "swift"), False),
    **dict.fromkeys(("doi", "ipfs", "mailto", "urn"), False),
}
_USUAL = re.compile(
    r"(?:https?://(?P<host>[a-z0-9.-]*[a-z])|(?P<bucket>s3|gs|az)://[A-Za-z0-9._-]+)/[!-\[\]-~]*\Z"
).match
# Names of this machine, and of internal hosts of cloud providers.
_PRIVATE_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")


def check(
    document: Mapping[str, Any], allowed: Sequence[str], previous: Mapping[str, Any] | None = None
) -> None:
    """Check the hrefs of a document's assets and links, except those that it already has.

    Parameters
    ----------
    document : mapping
        Document to be stored.
    allowed : sequence of str
        Prefixes of hrefs that are always allowed; `*` for any.
    previous : mapping, optional
        Document as stored now.

    Raises
    ------
    BadRequestError
        With the first refused href and the reason.
    """
    if ANY in allowed:
        return
    unchanged = {href for _, href in _hrefs(previous)} if previous else frozenset[str]()
    for name, href in _hrefs(document):
        if href in unchanged or href.startswith(tuple(allowed)):
            continue
        if why := _refusal(href):
            raise BadRequestError(
                f"{document.get('id')!r}: the href {href[:_MAX_SHOWN]!r} of {name} {why}. Upload the file, "
                f"or give an address that every reader can reach."
            )


def _hrefs(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    assets, links_ = document.get("assets"), document.get("links")
    for key, asset in assets.items() if isinstance(assets, dict) else ():
        if isinstance(asset, dict):
            yield from _hrefs_of(f"asset {key!r}", asset)
    for link in links_ if isinstance(links_, list) else ():
        if isinstance(link, dict):
            yield from _hrefs_of(f"the link {link.get('rel')!r}", link)


def _hrefs_of(name: str, holder: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if isinstance(holder.get("href"), str):
        yield name, holder["href"]
    others = holder.get("alternate")  # the Alternate Assets extension
    for other in others.values() if isinstance(others, dict) else ():
        if isinstance(other, dict) and isinstance(other.get("href"), str):
            yield name, other["href"]


def _refusal(href: str) -> str | None:
    """Return the reason for refusing an href; None if it is allowed."""
    # Fast path: a bulk load has millions of these.
    if (usual := _USUAL(href)) is not None and (usual["bucket"] or not is_private_host(usual["host"])):
        return None
    # Characters that readers strip or skip must not hide the rest.
    text = href.strip()
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text) or "\\" in text:
        return "contains a control character or a backslash"
    if (own := links.asset_path(text)) is not None:
        return None if is_served(unquote(own)) else "is not a file of an image or a blob"
    if (text.startswith(("/", "~")) and not text.startswith("//")) or text.lower().startswith("/vsi"):
        return "is a path on a machine"
    return _url_refusal(text)


def _url_refusal(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        host, scheme = parts.hostname, parts.scheme.lower()
    except ValueError:
        return "is not a URL"
    if not scheme and ":" in text.partition("/")[0]:
        return "is not a URL"  # RFC 3986 section 4.2
    if scheme and scheme not in _SCHEMES:
        return f"has the scheme {scheme!r}, which is for files, or which not every reader supports"
    if not _SCHEMES.get(scheme, True):
        return None
    if scheme and not host:
        return "has no host"
    return "has an address of a private network or of a machine itself" if is_private_host(host) else None


@lru_cache(maxsize=1024)
def is_private_host(host: str | None) -> bool:
    """Return whether a host is a name or an address of this machine or of a private network."""
    if not host:
        return False
    name = unquote(host).rstrip(".").lower()
    if any(name == private or name.endswith(f".{private}") for private in _PRIVATE_NAMES):
        return True
    address = _address(name)
    if address is None:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return not (mapped or address).is_global or address.is_multicast


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a host name is, in any form of the C library (127.1, 0x7f000001)."""
    try:
        return ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except (OSError, ValueError):
        return None
