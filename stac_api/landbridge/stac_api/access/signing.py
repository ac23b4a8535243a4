"""URLs of ours that carry a right in themselves: to do one thing at one path, for some minutes.

Where the object store signs URLs, those are given out instead (`AssetStore.sign`).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from pydantic import SecretStr


class Signer:
    """Signs and checks, by a key derived from the service's token, so that all its processes agree."""

    def __init__(self, token: SecretStr | None) -> None:
        secret = token.get_secret_value().encode() if token else b""
        self._key = hmac.digest(secret, b"landbridge signed urls", "sha256") if secret else None

    def query(self, method: str, path: str, seconds: int) -> str:
        """The query that makes a URL of this path valid for some seconds; empty where nothing can be signed.

        Args:
            method: what may be done, such as PUT.
            path: as the server sees it, from the slash on, without the prefix of a proxy.
            seconds: how long.
        """
        if self._key is None:
            return ""
        expires = int(time.time()) + seconds
        return f"?expires={expires}&signature={self._signature(method, path, expires)}"

    def allows(self, method: str, path: str, query: bytes) -> bool:
        """Whether a request's query carries a signature for just this, which has not expired."""
        if self._key is None or b"signature=" not in query:
            return False
        given = parse_qs(query.decode("latin-1"))
        expires, signature = given.get("expires", [""])[0], given.get("signature", [""])[0]
        if not (expires.isascii() and expires.isdecimal()) or int(expires) < time.time():
            return False
        return hmac.compare_digest(signature.encode(), self._signature(method, path, int(expires)).encode())

    def _signature(self, method: str, path: str, expires: int) -> str:
        assert self._key is not None
        return hmac.new(self._key, f"{method}\n{path}\n{expires}".encode(), hashlib.sha256).hexdigest()
