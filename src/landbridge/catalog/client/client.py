"""The client that every catalog object uses to reach its STAC API."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, ClassVar, Self

from landbridge.catalog.client import capabilities
from landbridge.catalog.client.capabilities import Capabilities, Observations
from landbridge.catalog.client.jsonapi import jsonapi_collection, jsonapi_document
from landbridge.catalog.client.request_sender import RequestSender
from landbridge.config import Settings, get_settings
from landbridge.exceptions import ClientError
from landbridge.mappings.sources.documents import PlainDocuments, SourceDocuments

if TYPE_CHECKING:
    from collections.abc import Callable

    from landbridge.auth import Auth
    from landbridge.mappings.sources.model import SourceTable

__all__ = ["CatalogClient"]

_RETRIES = 3
_BAND_CACHE_SECONDS = 600.0


class CatalogClient(RequestSender):
    """Connection to a STAC API, which threads can share.

    A client is pickled as its configuration, without secrets. The process that unpickles it uses the token,
    or the login, that its own environment or profile has for the same address. If the client had a token
    and that process has none, requests raise UnauthorizedError and are not sent anonymously. An
    `asset_signer` is pickled like any function. A copy of a client is the client itself.

    Parameters
    ----------
    url : str, optional
        Address of the API. By default the configured one, else the embedded stack's, which is started or
        joined on the first request.
    auth : Auth, optional
        Caller. Its token is sent to this API and to no other address. By default as configured.
    retries : int, optional
        Number of times that a request is repeated after a broken connection or the statuses 429, 500, 502,
        503 and 504; 3 by default. A request that could take effect twice is only repeated if it had no
        effect. The client waits for as long as the service asks for (`Retry-After`), up to a minute.
    asset_signer : callable, optional
        Function from a file's href in the catalog to the address that pixels are read from, such as a signed
        URL of an object store. It is called on any thread, once for each file of a call and just before the
        file is opened; not for files on this machine. Its result is used for that call only, and is shown in
        no error, log or `raster_info`. By default the files that a Landbridge service keeps are signed by
        that service.
    source : SourceTable, optional
        Source that the client reads; its products have the ids of its table. By default a client with the
        address of a known source follows what that table says of the API, and uses the API's own ids.

    Examples
    --------
    >>> from landbridge.catalog import CatalogClient
    >>> client = CatalogClient.get_default_client()
    >>> client.get("/")["type"]
    'Catalog'
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
        source: SourceTable | None = None,
    ) -> None:
        settings = get_settings()
        self.retries: int = _RETRIES if retries is None else retries
        self.asset_signer = asset_signer
        self._given_source = source
        address = url or (source.url if source else settings.url)
        self._connect_to(settings, address.rstrip("/") if address else None, auth)

    def _connect_to(self, settings: Settings, url: str | None, auth: Auth | None) -> None:
        self._catalog_kind = self._given_source.kind if self._given_source is not None else None
        super()._connect_to(settings, url, auth)
        self._bands: dict[str, tuple[float, Any]] = {}
        self._aggregations: frozenset[str] | None = None
        self._documents: SourceDocuments | PlainDocuments | None = None
        # Whether the service has a product that a source claims too, with the time of the answer.
        self.known_products: dict[str, tuple[float, bool]] = {}
        self._capabilities: Capabilities | None = None
        self.observations: Observations = Observations()
        _clients.add(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self

    def __reduce__(self) -> Any:
        configuration = (
            self._settings,
            self._url,
            self._credentials.given,
            self.retries,
            self.asset_signer,
            self._given_source,
        )
        return _restored_client, (type(self), configuration, self._credentials.sends_token)

    def __repr__(self) -> str:
        return f"CatalogClient({self._url or 'embedded'!r}, {self._credentials!r})"

    # The source that the client reads
    @property
    def documents(self) -> SourceDocuments | PlainDocuments:
        """Ids and bands that the table of a source gives to the API's documents."""
        if self._documents is None:
            self._documents = self._known_documents()
        return self._documents

    def _known_documents(self) -> SourceDocuments | PlainDocuments:
        if self._given_source is not None:
            return SourceDocuments(self._given_source)
        if self._url is None:
            return PlainDocuments()
        from landbridge.sources.registry import find_by_url

        table = find_by_url(self._url)
        return PlainDocuments() if table is None else SourceDocuments(table, own_ids=True)

    @property
    def source(self) -> SourceTable | None:
        """Table of the source that the client reads; None for a service that is no known source."""
        documents = self.documents
        return documents.table if isinstance(documents, SourceDocuments) else None

    # The default client
    @classmethod
    def get_default_client(cls) -> CatalogClient:
        """Return the client that is used if none is given; it is made from the configuration on first use.

        Returns
        -------
        CatalogClient
            Default client.

        Raises
        ------
        ConfigError
            If the configuration is invalid.

        Examples
        --------
        >>> CatalogClient.get_default_client() is CatalogClient.get_default_client()
        True
        """
        with cls._default_lock:
            if CatalogClient._default is None:
                CatalogClient._default = cls()
            return CatalogClient._default

    @classmethod
    def set_default_client(cls, client: CatalogClient) -> None:
        """Set the client that is used if none is given.

        Parameters
        ----------
        client : CatalogClient
            New default client.

        Raises
        ------
        ValueError
            If `client` is not a CatalogClient.

        Examples
        --------
        >>> CatalogClient.set_default_client(client)
        """
        if not isinstance(client, CatalogClient):
            raise ValueError(f"`client` must be a CatalogClient; got {client!r}.")  # noqa: TRY004 - as documented
        with cls._default_lock:
            CatalogClient._default = client

    @classmethod
    def clear_all_default_clients(cls) -> None:
        """Forget the default client; the next use makes a new one from the configuration.

        Examples
        --------
        >>> CatalogClient.clear_all_default_clients()
        >>> CatalogClient.get_default_client()
        CatalogClient('embedded', ...)
        """
        with cls._default_lock:
            CatalogClient._default = None

    # Capabilities of the service
    @property
    def capabilities(self) -> Capabilities:
        """Capabilities of the API: read once from its landing page, and from the rules of its source's table.

        The embedded stack is known without a request.
        """
        if self._url is None:
            return capabilities.EMBEDDED
        with self._lock:
            if self._capabilities is None:
                rules = None if self.source is None else self.source.api
                self._capabilities = capabilities.read(self.get, self.url, rules)
            return self._capabilities

    @property
    def aggregations(self) -> frozenset[str]:
        """Names of the STAC aggregations that the service computes, with the total bytes; asked once."""
        if self._aggregations is None:
            document = None
            if self.capabilities.aggregation:
                # An API may declare the extension and not have it.
                with contextlib.suppress(ClientError):
                    document = self.get("/aggregations")
            self._aggregations = capabilities.aggregation_names(document)
        return self._aggregations

    @property
    def signs_assets(self) -> bool:
        """True if the service signs the addresses of its files and this caller needs that.

        Anonymous callers read public files. Files in the folder of the embedded stack need no address.
        """
        return bool(self.token) and self.capabilities.signs_assets

    # The bands of products, which every raster needs
    def cached_bands(self, product_id: str, read: Callable[[str], Any]) -> Any:
        """Return the bands of a product, read at most ten minutes ago.

        Parameters
        ----------
        product_id : str
            Id of the product.
        read : callable
            Function of the id that reads the bands if they are not cached.

        Returns
        -------
        object
            Result of `read`.

        Examples
        --------
        >>> client.cached_bands("docs-other", lambda product_id: ["red"])
        ['red']
        >>> client.cached_bands("docs-other", lambda product_id: ["nir"])
        ['red']
        """
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
        """Remove the bands of a product from the cache.

        Parameters
        ----------
        product_id : str
            Id of the product.

        Examples
        --------
        >>> client.forget_bands("docs-other")
        """
        with self._lock:
            self._bands.pop(product_id, None)

    # The form of `serialize(jsonapi_format=True)`
    jsonapi_document: ClassVar[staticmethod[..., dict[str, Any]]] = staticmethod(jsonapi_document)
    jsonapi_collection: ClassVar[staticmethod[..., dict[str, Any]]] = staticmethod(jsonapi_collection)


# All clients of this process, and the clients that were unpickled, by their configuration.
_clients: weakref.WeakSet[CatalogClient] = weakref.WeakSet()
_restored: weakref.WeakValueDictionary[Any, CatalogClient] = weakref.WeakValueDictionary()


def _restored_client(
    client_class: type[CatalogClient], configuration: tuple[Any, ...], sent_token: bool
) -> CatalogClient:
    """Return the client of a pickled configuration: the same for all objects that had the same client."""
    settings, url, auth, retries, signer, source = configuration
    settings = settings.with_local_credentials()
    key = (
        client_class,
        settings,
        settings.token,
        settings.oidc,
        url,
        retries,
        repr(source),
        auth,
        getattr(auth, "lost_token", False),
    )
    with CatalogClient._restore_lock:
        client = None if signer is not None else _restored.get(key)
        if client is None:
            client = object.__new__(client_class)
            client.retries, client.asset_signer, client._given_source = retries, signer, source
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
