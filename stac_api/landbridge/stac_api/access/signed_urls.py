"""Short-lived signed URLs of the server: each allows one method at one path.

If the object store can sign URLs, the server gives out those instead (`AssetStore.sign`).
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote

from landbridge.stac_api.access.principal import API_CREDENTIAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr

    from landbridge.stac_api.access.principal import Principal


class Signer:
    """Signs and verifies URLs with a key derived from the operator's token, which all processes share."""

    def __init__(self, token: SecretStr | None, others: Sequence[SecretStr] = ()) -> None:
        self._key = _derived_key(token)
        # While the operator's token is changed, processes sign with the last and with the next one.
        self._accepted = [key for key in (self._key, *map(_derived_key, others)) if key is not None]

    def query(self, method: str, path: str, seconds: int, credential: str | None = None) -> str:
        """Return the query that signs a URL; empty without a key.

        Args:
            method: HTTP method that the URL allows, such as PUT.
            path: path of the URL, without the prefix of a proxy.
            seconds: validity in seconds.
            credential: name of the API token whose revocation also ends the URL; not its secret.
        """
        if self._key is None:
            return ""
        expires = int(time.time()) + seconds
        signature = _signature(self._key, method, path, expires, credential or "")
        named = f"&for={quote(credential, safe='')}" if credential else ""
        return f"?expires={expires}{named}&signature={signature}"

    def put_query(self, path: str, principal: Principal, most: int) -> str:
        """Return the query of a URL for sending a file without a credential."""
        credential = principal.credential or ""
        named = credential if credential.startswith(API_CREDENTIAL) else None
        return self.query("PUT", path, lifetime(principal, most), named)

    def allows(self, method: str, path: str, query: bytes) -> bool:
        """Return whether a request's query has a valid signature for this method and path."""
        if not self._accepted or b"signature=" not in query:
            return False
        given = parse_qs(query.decode("latin-1"))
        expires, signature = given.get("expires", [""])[0], given.get("signature", [""])[0]
        if not (expires.isascii() and expires.isdecimal()) or int(expires) < time.time():
            return False
        named = given.get("for", [""])[0]
        expected = [_signature(key, method, path, int(expires), named) for key in self._accepted]
        return any(hmac.compare_digest(signature.encode(), one.encode()) for one in expected)


def _derived_key(token: SecretStr | None) -> bytes | None:
    secret = token.get_secret_value().encode() if token else b""
    return hmac.digest(secret, b"landbridge signed urls", "sha256") if secret else None


def _signature(key: bytes, method: str, path: str, expires: int, credential: str) -> str:
    parts = [method, path, str(expires), *([credential] if credential else ())]
    return hmac.new(key, "\n".join(parts).encode(), hashlib.sha256).hexdigest()


def lifetime(principal: Principal, most: int) -> int:
    """Return the validity of a URL in seconds: `most`, or less if the caller's credential ends before."""
    left = most if principal.expires is None else int(principal.expires - time.time())
    return max(1, min(most, left))


def credential_of(query: bytes) -> str | None:
    """Return the name of the API token in a signed URL; None if it has none."""
    return parse_qs(query.decode("latin-1")).get("for", [None])[0]
