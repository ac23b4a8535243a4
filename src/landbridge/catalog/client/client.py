"""The client that every catalog object uses to reach its STAC API."""

from __future__ import annotations

import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, ClassVar, Self

from landbridge.catalog.client import capabilities
from landbridge.catalog.client.jsonapi import jsonapi_collection, jsonapi_document
from landbridge.catalog.client.request_sender import RequestSender
from landbridge.config import Settings, get_settings
from landbridge.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.auth import Auth

__all__ = ["CatalogClient"]

_RETRIES = 3
_BAND_CACHE_SECONDS = 600.0


class CatalogClient(RequestSender):
    """A connection to a STAC API, shared by any number of threads.

    Parameters
    ----------
    url
        The address of the API. By default the one configured, else the embedded stack, which is started or
        joined on the first request.
    auth
        Who is calling; its token goes to this API and to no other address.
    retries
        How often a request is repeated after a 429, 500, 502, 503 or 504 or a broken connection; default 3.
        Requests that could take effect twice are repeated only where they cannot have. Where the service says
        how long to wait (`Retry-After`), it is waited for, up to a minute.
    asset_signer
        A function that gives the address a file of pixels is read from, by the href that the catalog has for
        it: as of an object store that takes signed URLs only. It is called on any thread, once for each file
        of a call just before the file is opened, and not for files on this machine. What it gives is kept for
        the call, and appears in no error, log or `raster_info`. It may be set later too. Without one, the
        files that a Landbridge service itself keeps are signed by that service.

    A client pickles as its configuration, without secrets: when it is unpickled it takes the token, or the
    login, that the environment or the profile of that process has for the same address. A token that was
    passed as `auth` is not in the pickle either, since pickles lie on disks and in queues. If the client had
    a token and has none any more, its requests raise UnauthorizedError instead of being sent without one. An
    `asset_signer` is pickled, by the rules for functions. A copy of a client is the client itself.
    """

    _default: ClassVar[CatalogClient | None] = None
    _default_lock: ClassVar[threading.Lock] = threading.Lock()
    _restore_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self,
        url: str | None = None,
        auth: Auth | None = None,
        retries: int | None = None,
        *,
        asset_signer: Callable[[str], str] | None = None,
    ) -> None:
        settings = get_settings()
        self.retries = _RETRIES if retries is None else retries
        self.asset_signer = asset_signer
        self._connect_to(settings, url.rstrip("/") if url else settings.url, auth)

    def _connect_to(self, settings: Settings, url: str | None, auth: Auth | None) -> None:
        super()._connect_to(settings, url, auth)
        self._bands: dict[str, tuple[float, Any]] = {}
        self._aggregations: frozenset[str] | None = None
        self._signs_assets: bool | None = None
        _clients.add(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self

    def __reduce__(self) -> Any:
        configuration = (self._settings, self._url, self._credentials.given, self.retries, self.asset_signer)
        return _restored_client, (type(self), configuration, self._credentials.sends_token)

    def __repr__(self) -> str:
        return f"CatalogClient({self._url or 'embedded'!r}, {self._credentials!r})"

    # The default client
    @classmethod
    def get_default_client(cls) -> CatalogClient:
        """The client used where none is given; made from the configuration on first use."""
        with cls._default_lock:
            if CatalogClient._default is None:
                CatalogClient._default = cls()
            return CatalogClient._default

    @classmethod
    def set_default_client(cls, client: CatalogClient) -> None:
        """Use this client where none is given; ValueError where it is no CatalogClient."""
        if not isinstance(client, CatalogClient):
            raise ValueError(f"a CatalogClient is needed; got {client!r}")  # noqa: TRY004 - as documented
        with cls._default_lock:
            CatalogClient._default = client

    @classmethod
    def clear_all_default_clients(cls) -> None:
        """Forget the default client; the next use makes one from the configuration."""
        with cls._default_lock:
            CatalogClient._default = None

    # Capabilities of the service
    @property
    def aggregations(self) -> frozenset[str]:
        """What the service counts by itself (STAC's Aggregation extension), with the bytes; asked once."""
        if self._aggregations is None:
            try:
                document = self.get("/aggregations")
            except ClientError:  # the API has no such extension
                document = None
            self._aggregations = capabilities.aggregation_names(document)
        return self._aggregations

    @property
    def signs_assets(self) -> bool:
        """Whether the service signs the addresses of the files it keeps, and the caller needs that.

        The embedded stack's files are read from their folder, and who shows no token may read what is public.
        """
        if self._url is None or not self.token:
            return False
        if self._signs_assets is None:
            self._signs_assets = capabilities.has_signature_link(self.get("/"))
        return self._signs_assets

    # The bands of products, which every raster needs
    def cached_bands(self, product_id: str, read: Callable[[str], Any]) -> Any:
        """What `read` gave for a product at most ten minutes ago, or gives now."""
        now = time.monotonic()
        with self._lock:
            cached = self._bands.get(product_id)
        if cached is not None and now - cached[0] < _BAND_CACHE_SECONDS:
            return cached[1]
        bands = read(product_id)
        with self._lock:
            self._bands[product_id] = (now, bands)
        return bands

    def forget_bands(self, product_id: str) -> None:
        """Read the bands of a product anew when they are next needed."""
        with self._lock:
            self._bands.pop(product_id, None)

    # The form of `serialize(jsonapi_format=True)`
    jsonapi_document = staticmethod(jsonapi_document)
    jsonapi_collection = staticmethod(jsonapi_collection)


# All clients of this process, and the clients that were unpickled, by their configuration.
_clients: weakref.WeakSet[CatalogClient] = weakref.WeakSet()
_restored: weakref.WeakValueDictionary[Any, CatalogClient] = weakref.WeakValueDictionary()


def _restored_client(
    client_class: type[CatalogClient], configuration: tuple[Any, ...], sent_token: bool
) -> CatalogClient:
    """Return the client of a pickled configuration: the same for all objects that had the same client."""
    settings, url, auth, retries, signer = configuration
    settings = settings.with_local_credentials()
    key = (
        client_class,
        settings,
        settings.token,
        settings.oidc,
        url,
        retries,
        auth,
        getattr(auth, "lost_token", False),
    )
    with CatalogClient._restore_lock:
        client = None if signer is not None else _restored.get(key)
        if client is None:
            client = object.__new__(client_class)
            client.retries, client.asset_signer = retries, signer
            client._connect_to(settings, url, auth)
            client._credentials.lost_token |= sent_token and not client._credentials.sends_token
            if signer is None:
                _restored[key] = client
        return client


def _after_fork() -> None:
    CatalogClient._default_lock = threading.Lock()
    CatalogClient._restore_lock = threading.Lock()
    for client in list(_clients):
        client._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
