"""Addresses of catalogs: their kinds, and paths of files as URLs."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["as_url", "kind_of", "local_path"]

_PARQUET = (".parquet", ".geoparquet")


def kind_of(url: str, kind: str | None = None) -> str:
    """Return the kind of a catalog, "api", "catalog" or "parquet": as stated, else as its address ends."""
    if kind is not None and kind != "api":
        return kind
    path = url.partition("?")[0].lower()
    if path.endswith(_PARQUET):
        return "parquet"
    return "catalog" if path.endswith(".json") else "api"


def as_url(address: str) -> str:
    """Return the address of a catalog as a URL; the path of a file or folder becomes a `file` URL."""
    if address.startswith("file:///"):
        path = Path(unquote(urlsplit(address).path))
    elif "://" in address or (kind_of(address) == "api" and not Path(address).expanduser().exists()):
        return address
    else:
        path = Path(address).expanduser().resolve()
    # httpx drops the scheme of a URL without a host.
    return path.as_uri().replace("file://", "file://localhost", 1)


def local_path(url: str) -> Path | None:
    """Return the path of a `file` URL or of a path; None for another URL."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(url) if "://" not in url else None
