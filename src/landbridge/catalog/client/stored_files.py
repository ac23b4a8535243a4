"""Files that the embedded stack keeps in its folder, which its user reads without HTTP."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from landbridge.private_addresses import asset_path

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["stored_file"]


def stored_file(url: str, store: Path | None, href: str) -> Path | None:
    """Return the path of the file behind an href of the embedded stack at `url`; None without a file.

    Parameters
    ----------
    url : str
        Address of the embedded stack.
    store : Path or None
        Its folder of files; None for a configured service.
    href : str
        Href of a file, below the address or below its private form.

    Returns
    -------
    Path or None
        Path of an existing file in the folder.
    """
    if store is None or (name := asset_path(url, href)) is None:
        return None
    root = _resolved(store)
    path = (root / unquote(name)).resolve()
    # Another program may have written the href, which must not lead out of the folder.
    return path if path.is_relative_to(root) and path.is_file() else None


@lru_cache
def _resolved(store: Path) -> Path:
    return store.resolve()
