"""Which hrefs an item or collection may hold.

The server itself never fetches an href: it gives it out, and whoever reads it does so from where he is and
with what he may reach there (the object API's clients, STAC Browser, tile servers beside this one). So that
nobody can put an address there by which another's machine or network is read, those of files and of this or a
private network are refused, unless the operator allows what they begin with. A name is not looked up: what it
stands for may change after it was checked; a reader that must not reach its own network has to be kept from
that by its network.
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

__all__ = ["ANY", "check"]

ANY = "*"
_LONGEST = 200
# What addresses may begin with, and whether a host follows. Others are files, or names that GDAL takes for
# more than one file (vrt://, GTI:, NETCDF:).
_SCHEMES = {
    **dict.fromkeys(("http", "https", "ftp", "ftps", "sftp"), True),
    **dict.fromkeys(("s3", "s3a", "gs", "az", "abfs", "abfss", "adl", "oss", "cos", "swift"), False),
    **dict.fromkeys(("doi", "ipfs", "mailto", "urn"), False),
}
_USUAL = re.compile(
    r"(?:https?://(?P<host>[a-z0-9.-]*[a-z])|(?P<bucket>s3|gs|az)://[A-Za-z0-9._-]+)/[!-\[\]-~]*\Z"
).match
# Names of this machine, and of those that every cloud has beside its machines.
_PRIVATE_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")


def check(
    document: Mapping[str, Any], allowed: Sequence[str], previous: Mapping[str, Any] | None = None
) -> None:
    """Check the hrefs of a document's assets and links, but for those that it has already.

    Args:
        document: as it would be stored.
        allowed: what hrefs may begin with in any case; `*` for anything.
        previous: the document as it is stored now.

    Raises:
        BadRequestError: with the first that is refused, and why.
    """
    if ANY in allowed:
        return
    kept = {href for _, href in _hrefs(previous)} if previous else frozenset[str]()
    for name, href in _hrefs(document):
        if href in kept or href.startswith(tuple(allowed)):
            continue
        if why := _refused(href):
            raise BadRequestError(
                f"{document.get('id')!r}: the href {href[:_LONGEST]!r} of {name} {why}. Upload the file, or "
                f"give an address that everybody reads alike."
            )


def _hrefs(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    assets, links_ = document.get("assets"), document.get("links")
    for key, asset in assets.items() if isinstance(assets, dict) else ():
        if isinstance(asset, dict):
            yield from _of(f"asset {key!r}", asset)
    for link in links_ if isinstance(links_, list) else ():
        if isinstance(link, dict):
            yield from _of(f"the link {link.get('rel')!r}", link)


def _of(name: str, holder: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if isinstance(holder.get("href"), str):
        yield name, holder["href"]
    others = holder.get("alternate")  # the Alternate Assets extension
    for other in others.values() if isinstance(others, dict) else ():
        if isinstance(other, dict) and isinstance(other.get("href"), str):
            yield name, other["href"]


def _refused(href: str) -> str | None:
    """Why an href may not be stored; None where it may."""
    # A bulk load has millions of these.
    if (usual := _USUAL(href)) is not None and (usual["bucket"] or not _is_private(usual["host"])):
        return None
    # What readers strip or pass over must not hide what comes after it.
    text = href.strip()
    if any(ord(character) < 0x20 or ord(character) == 0x7F for character in text) or "\\" in text:
        return "holds a control character or a backslash"
    if (own := links.asset_path(text)) is not None:
        return None if is_served(unquote(own)) else "is no file of an image or a blob"
    if (text.startswith(("/", "~")) and not text.startswith("//")) or text.lower().startswith("/vsi"):
        return "is a path on some machine"
    return _refused_url(text)


def _refused_url(text: str) -> str | None:
    try:
        parts = urlsplit(text)
        host, scheme = parts.hostname, parts.scheme.lower()
    except ValueError:
        return "is no URL"
    if not scheme and ":" in text.partition("/")[0]:
        return "is no URL"  # RFC 3986 section 4.2
    if scheme and scheme not in _SCHEMES:
        return f"has the scheme {scheme!r}, which is of a file, or that not everybody reads"
    if not _SCHEMES.get(scheme, True):
        return None
    if scheme and not host:
        return "names no host"
    return "is of a private network, of a machine itself or of its neighbours" if _is_private(host) else None


@lru_cache(maxsize=1024)
def _is_private(host: str | None) -> bool:
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
    """The address that a host is, in any of the forms that the C library takes (127.1, 0x7f000001)."""
    try:
        return ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except (OSError, ValueError):
        return None
