"""Private addresses: `{API}/k/{key}/` serves reads to callers that cannot send a token.

The embedded stack prints such an address for QGIS, STAC Browser, GDAL and others. Whoever knows it can read
everything, and write nothing. All links of an answer stay below it. The key is in a file that only the user
of the stack can read; a new key in the file ends the old address at once.
"""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Final

from landbridge.private_addresses import PREFIX, read_key
from landbridge.stac_api.access.authentication import PRIVATE_ADDRESS, served_path

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["PrivateAddress"]

_PATH: Final = re.compile(rf"{PREFIX}([^/]*)(?=/|\Z)")


class PrivateAddress:
    """ASGI middleware that moves the key from a request's path to its `root_path`.

    The audit log, metrics and routes see the path without the key. `access.authentication` refuses a request
    whose key is not valid.

    Args:
        app: the application.
        file: file with the key; without a file, no private address is valid.
    """

    def __init__(self, app: ASGIApp, file: Path | None) -> None:
        self.app = app
        self._file = file
        self._known: tuple[tuple[int, ...], str | None] = ((), None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (found := _PATH.match(served_path(scope))) is not None:
            scope.setdefault("state", {})[PRIVATE_ADDRESS] = self._is_valid(found[1])
            _move_to_root_path(scope, found[0])
        await self.app(scope, receive, send)

    def _is_valid(self, key: str) -> bool:
        """Return whether the file has this key now."""
        current = self._key(self._file) if self._file is not None else None
        return current is not None and hmac.compare_digest(key.encode(), current.encode())

    def _key(self, file: Path) -> str | None:
        """Return the key, which is read again only if the file has been replaced."""
        try:
            found = file.stat()
        except OSError:
            return None
        state = (found.st_ino, found.st_mtime_ns, found.st_size)
        if state != self._known[0]:
            self._known = (state, read_key(file))
        return self._known[1]


def _move_to_root_path(scope: Scope, prefix: str) -> None:
    scope["root_path"] = scope.get("root_path", "") + prefix
    if scope["path"] == scope["root_path"]:
        scope["path"] += "/"
