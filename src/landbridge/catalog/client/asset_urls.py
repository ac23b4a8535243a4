"""Addresses by which the files that a service keeps can be read for some minutes, whoever may read them.

The files of a service of ours need rights, which raster readers have no header for: the service signs the
addresses, many at once (`POST /assets/signatures`).
"""

from __future__ import annotations

import threading
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from landbridge.catalog.client.client import CatalogClient
from landbridge.exceptions import NotFoundError, ServerError
from landbridge.mappings import times
from landbridge.raster.io.expiring_url import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from landbridge.catalog.image import Image

__all__ = ["signers"]

_MOST = 1000  # of one request
_MARGIN = 60.0  # seconds before the end of its time at which an address is not given out any more


def signers(images: Sequence[Image]) -> list[Callable[[str], str] | None]:
    """What signs the files of each image: what its client was given, else its service where it keeps them."""
    shared: dict[int, Signer] = {}
    own: dict[int, list[str]] = {}
    for image in images:
        client = image._client
        if client.asset_signer is None and client.signs_assets:
            own.setdefault(id(client), []).extend(_kept(client, image))
            shared.setdefault(id(client), Signer(client, own[id(client)]))
    found: list[Callable[[str], str] | None] = []
    for image in images:
        client = image._client
        signer = shared.get(id(client))
        found.append(client.asset_signer if signer is None else OfImage(signer, _kept(client, image)))
    return found


def _kept(client: CatalogClient, image: Image) -> list[str]:
    """The files of an image that the service itself keeps."""
    prefix = f"{client.url}/assets/"
    return [file.href for file in image.files or () if file.href and file.href.startswith(prefix)]


class Signer:
    """The signed addresses of all files of a call, asked for in batches when the first of each is needed."""

    def __init__(self, client: CatalogClient, hrefs: list[str]) -> None:
        # The list may still grow until the first is asked for.
        self.client = client
        self._hrefs = hrefs
        self._batches: dict[str, Sequence[str]] | None = None
        self._signed: dict[str, Address] = {}
        self._lock = threading.Lock()

    def __call__(self, href: str) -> str:
        with self._lock:
            if self._batches is None:
                once = list(dict.fromkeys(self._hrefs))
                parts = [once[start : start + _MOST] for start in range(0, len(once), _MOST)]
                self._batches = {each: part for part in parts for each in part}
            if href not in self._batches:
                return href  # somebody else's: it gets no signature of this service's
            known = self._signed.get(href)
            if known is None or known.ends_soon:
                batch = self._batches[href]
                self._signed.update(zip(batch, _signed(self.client, batch), strict=True))
            return self._signed[href]


class OfImage:
    """The signer as one image has it. To another process it takes that image's addresses, signed by then."""

    def __init__(self, signer: Signer, hrefs: Iterable[str]) -> None:
        self._signer, self._hrefs = signer, tuple(hrefs)

    def __call__(self, href: str) -> str:
        return self._signer(href)

    def __reduce__(self) -> tuple[Any, ...]:
        return Sent, (self._signer.client.url, {href: self._signer(href) for href in self._hrefs})


class Sent:
    """Addresses that came from another process. When their time is over this one's own client asks anew."""

    def __init__(self, url: str, addresses: Mapping[str, str]) -> None:
        self._url, self._addresses = url, dict(addresses)
        self._again: Signer | None = None

    def __call__(self, href: str) -> str:
        address = self._addresses.get(href, href)
        if not isinstance(address, Address) or not address.ends_soon:
            return address
        if self._again is None:
            client = CatalogClient.get_default_client()
            if client.configured_url != self._url:  # to ask for `url` might start an embedded stack
                raise PermissionError(
                    f"the signature has expired, and this process is not configured to ask {self._url}"
                )
            self._again = Signer(client, list(self._addresses))
        return self._again(href)

    def __reduce__(self) -> tuple[Any, ...]:
        return Sent, (self._url, self._addresses)


def _signed(client: CatalogClient, hrefs: Sequence[str]) -> list[Address]:
    """The addresses, in the same order; where the service does not let the caller have one, as they are."""
    try:
        answer, said = client.answered("POST", "/assets/signatures", {"hrefs": list(hrefs)}, idempotent=True)
    except NotFoundError:
        # One of them is gone, or not the caller's to read any more: reading it says so, of that one alone.
        if len(hrefs) == 1:
            return [Address(hrefs[0])]
        half = len(hrefs) // 2
        return [*_signed(client, hrefs[:half]), *_signed(client, hrefs[half:])]
    addresses = answer.get("hrefs")
    if not isinstance(addresses, list) or len(addresses) != len(hrefs):
        raise ServerError(f"{client.url}/assets/signatures did not sign the {len(hrefs)} files it was given.")
    # By the service's own clock: ours may be wrong.
    now, ends = parsedate_to_datetime(said["date"]), times.parse(answer["expires"])
    lifetime = (ends - now).total_seconds()
    until = time.time() + lifetime - min(_MARGIN, lifetime / 4)
    return [Address(address, until) for address in map(str, addresses)]
