"""Public keys of OpenID Connect issuers, found by discovery (OpenID Connect Discovery 1.0, section 4)."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
import orjson
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from landbridge.stac_api.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ALGORITHMS", "Issuer"]

logger = logging.getLogger(__name__)

ALGORITHMS: Final = {"RS256": "RSA", "ES256": "EC"}  # algorithm: type of key

_REFRESH_AGE = 3600.0  # seconds after which keys are fetched again
_MAX_AGE = 24 * 3600.0  # seconds for which old keys are used if the issuer does not answer
_MIN_FETCH_INTERVAL = 30.0  # seconds, even if many tokens name an unknown key
_TIMEOUT = 5.0  # seconds for a response of an issuer
_MAX_BYTES = 2**20  # of a document of an issuer
_PUBLIC_KEY_MEMBERS = frozenset({"kty", "kid", "use", "alg", "n", "e", "crv", "x", "y"})
_MIN_RSA_BITS = 2048  # of an RSA key (RFC 7518 section 3.3)

Key = RSAKey | ECKey


class Issuer:
    """An issuer with its cached keys.

    Args:
        url: its identifier: the `iss` of its tokens.
        clock: function that returns seconds, for the age of keys.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.url = url
        self._clock = clock
        self._keys: list[Key] = []
        self._fetched = self._tried = -float("inf")
        self._lock = asyncio.Lock()

    async def keys(self, algorithm: str, kid: str | None) -> list[Key]:
        """Return the keys that may have signed a token.

        Args:
            algorithm: `alg` of the token's header; one of `ALGORITHMS`.
            kid: `kid` of the token's header; if it is missing, all keys of the right type are returned.

        Raises:
            UnavailableError: if the key is not cached and the issuer does not answer.
        """
        age = self._clock() - self._fetched
        if age > _MAX_AGE:
            self._keys = []
        # If another request is already refreshing them, use the keys at hand.
        if not self._keys or (age > _REFRESH_AGE and not self._lock.locked()):
            await self._refresh(since=self._clock())
        if not (found := self._matching(algorithm, kid)) and kid is not None:
            await self._refresh(since=self._clock())
            found = self._matching(algorithm, kid)
        if not found and self._fetched < self._tried:
            raise UnavailableError(
                "The issuer of the token does not answer with its keys; try again later.", part="issuer"
            )
        return found

    def _matching(self, algorithm: str, kid: str | None) -> list[Key]:
        return [
            key
            for key in self._keys
            if key.key_type == ALGORITHMS[algorithm]
            and key.get("alg") in (None, algorithm)
            and (kid is None or key.get("kid") == kid)
        ]

    async def _refresh(self, since: float) -> None:
        """Fetch the keys, unless an attempt was made after `since`, or shortly before it."""
        async with self._lock:
            if self._tried > since - _MIN_FETCH_INTERVAL:
                return
            self._tried = self._clock()
            try:
                self._keys = await self._fetch()
            except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, KeyError) as error:
                logger.warning("The keys of %s cannot be fetched: %r", self.url, error)
            else:
                self._fetched = self._tried

    async def _fetch(self) -> list[Key]:
        async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
            location = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
            described = await _fetch_document(client, location)
            if described["issuer"] != self.url:
                raise ValueError(f"{location} describes another issuer: {described['issuer']!r}")
            keys_url = str(described["jwks_uri"])
            if urlsplit(self.url).scheme == "https" and urlsplit(keys_url).scheme != "https":
                raise ValueError(f"the keys would come without encryption, from {keys_url}")
            published = (await _fetch_document(client, keys_url))["keys"]
        return [key for key in map(_import_key, published) if key is not None]


async def _fetch_document(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    async with asyncio.timeout(_TIMEOUT), client.stream("GET", url) as answer:
        answer.raise_for_status()
        content = b""
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > _MAX_BYTES:
                raise ValueError(f"{url} is longer than {_MAX_BYTES} bytes")
    document = orjson.loads(content)
    if not isinstance(document, dict):
        raise TypeError(f"{url} is no JSON object")
    return document


def _import_key(published: Any) -> Key | None:
    """Return a key for verifying signatures; None if it has another type or use, or is malformed."""
    if not isinstance(published, dict) or published.get("use", "sig") != "sig":
        return None
    members = {name: published[name] for name in published if name in _PUBLIC_KEY_MEMBERS}
    try:
        if published.get("kty") == "RSA":
            key = RSAKey.import_key(members)
            return key if key.public_key.key_size >= _MIN_RSA_BITS else None
        if published.get("kty") == "EC" and published.get("crv") == "P-256":
            return ECKey.import_key(members)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        logger.warning("A published key cannot be used: %r", error)
    return None
