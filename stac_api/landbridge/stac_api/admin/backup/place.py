"""Place of backups: a folder, or an object store by its URL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from landbridge.stac_api.assets.store import STORE_ERRORS, AssetStore
from landbridge.stac_api.errors import BackupError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["open_place"]

_IS_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://").match


def open_place(text: str, service: Iterable[str] = ()) -> AssetStore:
    """Open a place.

    Parameters
    ----------
    text : str
        Path of a folder, or URL of a store: `s3://bucket/prefix`. Its credentials come from the environment.
    service : iterable of str
        URLs and folders of the service, which must not have its backups inside.

    Raises
    ------
    BackupError
        If the place cannot be opened, or if it is inside the service's own files.
    """
    folder = None if _IS_URL(text) else Path(text).expanduser().absolute().resolve()
    url = text.rstrip("/") if folder is None else folder.as_uri()
    for one in service:
        if _is_inside(url, one) or _is_inside(one, url):
            raise BackupError(
                f"{text} cannot have the backups, because the service's own files are in {one}. "
                "Choose a place outside of them, on another disk if you can."
            )
    try:
        return AssetStore(url)
    except (*STORE_ERRORS, ValueError) as error:
        raise BackupError(f"{text} cannot be opened: {error}") from error


def _is_inside(url: str, other: str) -> bool:
    """Return whether an address is another one, or below it."""
    return f"{_address(url)}/".startswith(f"{_address(other)}/")


def _address(url: str) -> str:
    if urlsplit(url).scheme == "file":
        return str(Path(unquote(urlsplit(url).path)).resolve())
    return url.rstrip("/") if _IS_URL(url) else str(Path(url).resolve())
