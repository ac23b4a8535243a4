"""Short-lived signed URLs for assets.

A Landbridge service checks who reads its files, but raster readers cannot send a token. The service therefore
signs the URLs, many at once (`POST /assets/signatures`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from landbridge.catalog.client.client import CatalogClient
from landbridge.exceptions import NotFoundError, ServerError
from landbridge.mappings import times
from landbridge.raster.io.expiring_url import ExpiringUrl

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["ImageUrlSigner", "UrlSigner"]

# Function from the href of a file to the address that it is read from.
Signer = Callable[[str], str]

_URLS_PER_REQUEST = 1000
_MARGIN = 60.0  # seconds before its expiry from which a signed URL is not used any more


class UrlSigner:
    """Signs the URLs of all files of a call, in batches: each when its first URL is needed."""

    def __init__(self, client: CatalogClient, hrefs: list[str]) -> None:
        # The caller may extend the list until the first URL is signed.
        self.client = client
        self._hrefs = hrefs
        self._batches: dict[str, Sequence[str]] | None = None
        self._signed: dict[str, ExpiringUrl] = {}
        self._lock = threading.Lock()

    def __call__(self, href: str) -> str:
        with self._lock:
            if self._batches is None:
                hrefs = list(dict.fromkeys(self._hrefs))
                size = _URLS_PER_REQUEST
                batches = [hrefs[start : start + size] for start in range(0, len(hrefs), size)]
                self._batches = {each: batch for batch in batches for each in batch}
            if href not in self._batches:
                return href  # a file of another service
            signed = self._signed.get(href)
            if signed is None or signed.has_expired:
                batch = self._batches[href]
                self._signed.update(zip(batch, _sign(self.client, batch), strict=True))
            return self._signed[href]

    def renew(self, href: str, refused: str) -> str:
        """Return another URL in place of a refused one; the same if there is no other."""
        with self._lock:
            if self._signed.get(href) == refused:
                del self._signed[href]
        return self(href)


class ImageUrlSigner:
    """Signs the URLs of one image. A pickle contains the image's URLs, signed.

    `others` signs files that the service does not store.
    """

    def __init__(self, signer: UrlSigner, hrefs: Iterable[str], others: Signer | None = None) -> None:
        self._signer, self._hrefs, self._others = signer, tuple(hrefs), others

    def __call__(self, href: str) -> str:
        if self._others is not None and href not in self._hrefs:
            return self._others(href)
        return self._signer(href)

    def renew(self, href: str, refused: str) -> str:
        """Return another URL in place of a refused one; the same if there is no other."""
        return self._signer.renew(href, refused) if href in self._hrefs else self(href)

    def __reduce__(self) -> tuple[Any, ...]:
        signed = {href: self._signer(href) for href in self._hrefs}
        return UnpickledUrls, (self._signer.client.url, signed, self._others)


class UnpickledUrls:
    """Signed URLs from another process. Once they expire, this process's default client signs them again."""

    def __init__(self, service_url: str, signed: Mapping[str, str], others: Signer | None = None) -> None:
        self._service_url, self._signed, self._others = service_url, dict(signed), others
        self._signer: UrlSigner | None = None

    def __call__(self, href: str) -> str:
        if self._others is not None and href not in self._signed:
            return self._others(href)
        url = self._signed.get(href, href)
        if not isinstance(url, ExpiringUrl) or not url.has_expired:
            return url
        return self._own_signer()(href)

    def renew(self, href: str, refused: str) -> str:
        """Return another URL in place of a refused one; the same if there is no other."""
        return self._own_signer().renew(href, refused) if href in self._signed else self(href)

    def _own_signer(self) -> UrlSigner:
        if self._signer is None:
            client = CatalogClient.get_default_client()
            if client.configured_url != self._service_url:  # `client.url` could start a stack
                raise PermissionError(
                    "The signed URL has expired, and this process cannot sign it again: its default client "
                    f"does not use {self._service_url}. Set LANDBRIDGE_URL and LANDBRIDGE_TOKEN here."
                )
            self._signer = UrlSigner(client, list(self._signed))
        return self._signer

    def __reduce__(self) -> tuple[Any, ...]:
        return UnpickledUrls, (self._service_url, self._signed, self._others)


def _sign(client: CatalogClient, hrefs: Sequence[str]) -> list[ExpiringUrl]:
    """Return the signed URLs, in the same order; a URL that the caller may not read is returned unsigned."""
    try:
        answer, headers = client.request_with_headers(
            "POST", "/assets/signatures", {"hrefs": list(hrefs)}, idempotent=True
        )
    except NotFoundError:
        # One file does not exist, or the caller may not read it any more. Reading that file raises the error.
        if len(hrefs) == 1:
            return [ExpiringUrl(hrefs[0])]
        half = len(hrefs) // 2
        return [*_sign(client, hrefs[:half]), *_sign(client, hrefs[half:])]
    urls = answer.get("hrefs")
    if not isinstance(urls, list) or len(urls) != len(hrefs):
        raise ServerError(f"{client.url}/assets/signatures did not sign the {len(hrefs)} files it was given.")
    # By the service's clock, since this machine's may be wrong.
    now, expires = parsedate_to_datetime(headers["date"]), times.parse(answer["expires"])
    lifetime = (expires - now).total_seconds()
    until = time.time() + lifetime - min(_MARGIN, lifetime / 4)
    return [ExpiringUrl(url, until) for url in map(str, urls)]
