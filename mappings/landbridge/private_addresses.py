"""Private addresses of an embedded stack, as its server and its clients spell them.

`{url}/k/{key}/` serves what `{url}/` serves, to callers without a token. Nothing else is imported here,
because joining a running embedded stack must take milliseconds only.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["KEY_FILE", "PREFIX", "asset_path", "private_url", "read_key", "without_key"]

PREFIX: Final = "/k/"
# Name of the file with the key, in the home of the stack.
KEY_FILE: Final = "private_key"

_KEY = re.compile(r"/k/[^/?#]+(?=/)")


def read_key(file: Path) -> str | None:
    """Return the key in a file; None if there is no file or no key in it."""
    with contextlib.suppress(OSError, ValueError):
        return file.read_text("ascii").strip() or None
    return None


def private_url(url: str, file: Path) -> str:
    """Return the private address of the API at `url`, by the key in a file; `url` itself without a key."""
    key = read_key(file)
    return url if key is None else f"{url.rstrip('/')}{PREFIX}{key}/"


def without_key(url: str, href: str) -> str:
    """Return an href below a private address of the API at `url` as it is below `url`; others unchanged.

    The key may be any: a renewed key makes addresses with the old one invalid, not different.
    """
    base = url.rstrip("/")
    if not href.startswith(f"{base}{PREFIX}"):
        return href
    return base + _KEY.sub("", href[len(base) :], count=1)


def asset_path(url: str, href: str) -> str | None:
    """Return the path of an asset that the API at `url` keeps, still quoted; None for other hrefs."""
    prefix = f"{url.rstrip('/')}/assets/"
    plain = without_key(url, href)
    return plain[len(prefix) :] if plain.startswith(prefix) else None
