"""Relative hrefs of documents, as absolute addresses."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit

from landbridge.sources.catalog_urls import local_path

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["absolute_document", "resolve"]


def resolve(base: str, href: str) -> str:
    """Return an href of the document at `base` as an absolute URL, or as a path if both are local."""
    if "://" in href or href.startswith("/vsi"):
        return href
    folder = local_path(base)
    if folder is not None:
        return str(Path(posixpath.normpath(posixpath.join(posixpath.dirname(str(folder)), unquote(href)))))
    parts = urlsplit(base)
    if parts.scheme in ("http", "https"):
        return urljoin(base, href)
    # urljoin does not resolve the URLs of object stores.
    if href.startswith("/"):
        return f"{parts.scheme}://{parts.netloc}{posixpath.normpath(href)}"
    path = posixpath.normpath(posixpath.join(posixpath.dirname(parts.path), href))
    return f"{parts.scheme}://{parts.netloc}{path}"


def absolute_document(url: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document whose hrefs are absolute."""
    new = dict(document)
    if isinstance(assets := document.get("assets"), dict):
        new["assets"] = {key: _with_absolute_alternates(url, asset) for key, asset in assets.items()}
    if isinstance(links := document.get("links"), list):
        new["links"] = [_with_absolute_href(url, link) for link in links if isinstance(link, dict)]
    return new


def _with_absolute_alternates(url: str, asset: Any) -> Any:
    if not isinstance(asset, dict):
        return asset
    new = _with_absolute_href(url, asset)
    others = asset.get("alternate")
    if isinstance(others, dict):
        new["alternate"] = {
            key: _with_absolute_href(url, other) if isinstance(other, dict) else other
            for key, other in others.items()
        }
    return new


def _with_absolute_href(url: str, holder: dict[str, Any]) -> dict[str, Any]:
    href = holder.get("href")
    return {**holder, "href": resolve(url, href)} if isinstance(href, str) and href else dict(holder)
