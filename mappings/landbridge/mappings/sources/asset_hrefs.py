"""Addresses of a source's files: which lie below another address, and which of an asset's is read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

__all__ = ["asset_href", "beginning_of", "lies_below", "names_host", "resolved", "with_read_hrefs"]


class _Rule(Protocol):
    """Access rule, of which the preferred alternate is needed."""

    @property
    def alternate(self) -> str | None: ...


# A name of a host that ``*`` stands for: no dot, no port and no user.
_ANY_NAME = "[A-Za-z0-9-]+"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def lies_below(href: str, prefix: str) -> bool:
    """Return whether an address begins with another, whose host may have ``*`` for one name.

    The host has to be the same, not only to begin alike: a secret that is meant for ``https://a.org`` is not
    for ``https://a.org.b.net``. The name of a bucket may be a beginning, such as ``s3://deafrica-``.
    """
    scheme, separator, rest = prefix.partition("://")
    if not separator:
        return href.startswith(prefix)
    host, slash, path = rest.partition("/")
    try:
        parts = urlsplit(href)
    except ValueError:  # brackets that hold no address of IPv6
        return False
    if parts.scheme != scheme.lower():
        return False
    if scheme == "s3" and not slash:
        return parts.netloc.startswith(host)
    if host and _host_pattern(host).fullmatch(parts.netloc) is None:
        return False
    return (parts.path or "/").startswith(f"/{path}")


@lru_cache(maxsize=256)
def _host_pattern(host: str) -> re.Pattern[str]:
    return re.compile(re.escape(host).replace(r"\*", _ANY_NAME), re.IGNORECASE)


def beginning_of(prefixes: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that the beginning of each address below one of these matches, and few others do."""
    parts = (prefix.partition("://") for prefix in prefixes)
    patterns = (
        re.escape(scheme + separator + rest.partition("/")[0]).replace(r"\*", _ANY_NAME)
        for scheme, separator, rest in parts
    )
    return re.compile("|".join(patterns), re.IGNORECASE)


def names_host(prefix: str) -> bool:
    """Return whether a beginning of addresses names the host or the bucket."""
    return urlsplit(prefix).netloc not in ("", "*")


def asset_href(
    asset: Mapping[str, Any], rule_of: Callable[[str], _Rule | None], base: str | None = None
) -> str:
    """Return the address by which an asset is read; empty if it has none.

    It is the alternate that the access rule of its href prefers, if the asset has it, else the href. A
    relative address is resolved against `base`, the address of the Item.
    """
    href = resolved(str(asset.get("href") or ""), base)
    rule = rule_of(href)
    if rule is not None and rule.alternate is not None:
        alternates = asset.get("alternate")
        other = alternates.get(rule.alternate) if isinstance(alternates, Mapping) else None
        address = other.get("href") if isinstance(other, Mapping) else None
        if isinstance(address, str) and address:
            return resolved(address, base)
    return href


def resolved(href: str, base: str | None) -> str:
    """Return an address that is relative to another, such as that of its Item, as an absolute one."""
    if not href or not base or _SCHEME.match(href):
        return href
    parts = urlsplit(base)
    if parts.scheme in ("http", "https"):
        return urljoin(base, href)
    if href.startswith("/"):
        return href
    folder = posixpath.dirname(parts.path if parts.scheme else base)
    path = posixpath.normpath(posixpath.join(folder, href))
    return f"{parts.scheme}://{parts.netloc}/{path.lstrip('/')}" if parts.scheme else path


def with_read_hrefs(
    item: Mapping[str, Any], rule_of: Callable[[str], _Rule | None], *, alternates: bool = True
) -> dict[str, Any]:
    """Return an Item whose assets have the addresses by which they are read.

    `alternates` is False if no rule prefers one.
    """
    assets = item.get("assets")
    if not isinstance(assets, Mapping):
        return dict(item)
    changed: dict[str, Any] = {}
    base = None
    for key, asset in assets.items():
        if not isinstance(asset, Mapping):
            continue
        stated = asset.get("href") or ""
        # Searches read thousands of Items, most of whose assets stay as they are.
        if not (alternates and "alternate" in asset) and _SCHEME.match(stated):
            continue
        base = base or _self_href(item)
        if (href := asset_href(asset, rule_of, base)) != stated:
            changed[key] = {**asset, "href": href}
    return {**item, "assets": {**assets, **changed}} if changed else dict(item)


def _self_href(item: Mapping[str, Any]) -> str | None:
    """Return the address of an Item; None if it does not state one."""
    for link in item.get("links") or ():
        if isinstance(link, Mapping) and link.get("rel") == "self" and isinstance(link.get("href"), str):
            return str(link["href"])
    return None
