"""URLs of ours that carry a right in themselves: to do one thing at one path, for some minutes.

Where the object store signs URLs, those are given out instead (`AssetStore.sign`).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from landbridge.stac_api.access.principal import API_CREDENTIAL

if TYPE_CHECKING:
    from pydantic import SecretStr

    from landbridge.stac_api.access.principal import Principal


class Signer:
    """Signs and checks, by a key derived from the service's token, so that all its processes agree."""

    def __init__(self, token: SecretStr | None) -> None:
        secret = token.get_secret_value().encode() if token else b""
        self._key = hmac.digest(secret, b"landbridge signed urls", "sha256") if secret else None

    def query(self, method: str, path: str, seconds: int, credential: str | None = None) -> str:
        """Return the query that makes a URL of this path valid for some seconds; empty without a key.

        Args:
            method: what may be done, such as PUT.
            path: as the server sees it, from the slash on, without the prefix of a proxy.
            seconds: how long.
            credential: the name of the token that it is given out for, and with which it ends; no secret.
        """
        if self._key is None:
            return ""
        expires = int(time.time()) + seconds
        signature = self._signature(method, path, expires, credential or "")
        named = f"&for={quote(credential, safe='')}" if credential else ""
        return f"?expires={expires}{named}&signature={signature}"

    def put_query(self, path: str, principal: Principal, most: int) -> str:
        """Return the query of a URL by which anybody may send a file; it ends with the caller's token."""
        credential = principal.credential or ""
        named = credential if credential.startswith(API_CREDENTIAL) else None
        return self.query("PUT", path, lifetime(principal, most), named)

    def allows(self, method: str, path: str, query: bytes) -> bool:
        """Return whether a request's query carries a signature for just this, which has not expired."""
        if self._key is None or b"signature=" not in query:
            return False
        given = parse_qs(query.decode("latin-1"))
        expires, signature = given.get("expires", [""])[0], given.get("signature", [""])[0]
        if not (expires.isascii() and expires.isdecimal()) or int(expires) < time.time():
            return False
        expected = self._signature(method, path, int(expires), given.get("for", [""])[0])
        return hmac.compare_digest(signature.encode(), expected.encode())

    def _signature(self, method: str, path: str, expires: int, credential: str) -> str:
        assert self._key is not None
        parts = [method, path, str(expires), *([credential] if credential else ())]
        return hmac.new(self._key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def lifetime(principal: Principal, most: int) -> int:
    """Return for how many seconds a URL is signed: at most until the caller's credential ends."""
    left = most if principal.expires is None else int(principal.expires - time.time())
    return max(1, min(most, left))


def credential_of(query: bytes) -> str | None:
    """Return the name of the token that a signed URL was given out for, if it names one."""
    return parse_qs(query.decode("latin-1")).get("for", [None])[0]
