"""The API of a client: its address, the embedded stack behind it, the credentials and connections for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

from landbridge.catalog.client.credentials import Credentials
from landbridge.catalog.client.sessions import Sessions
from landbridge.config import EmbeddedState, Settings, join_embedded, read_state
from landbridge.private_addresses import KEY_FILE, private_url
from landbridge.sources.catalog_urls import as_url, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx

    from landbridge.auth import Auth

__all__ = ["Endpoint"]


class Endpoint:
    """Address of one STAC API, with the credentials and the HTTP sessions for it.

    The API is the one at `url`, or the embedded stack if that is None.
    """

    _session_class: ClassVar[Callable[..., httpx.Client] | None] = None
    # Kind of the catalog, as the table of its source says; None: as the address ends.
    _catalog_kind: str | None = None

    def _connect_to(self, settings: Settings, url: str | None, auth: Auth | None) -> None:
        self._settings: Settings = settings
        self._url = as_url(url) if url else None
        self._credentials = Credentials(settings, url, auth)
        self._state: EmbeddedState | None = None
        self._sessions = Sessions()
        self._lock = threading.RLock()

    def _after_fork(self) -> None:
        """Replace the connections and locks in a forked child, which cannot use its parent's."""
        self._sessions.after_fork()
        self._lock = threading.RLock()
        self._credentials.after_fork()

    # Sessions
    @classmethod
    def get_default_session_class(cls) -> Callable[..., httpx.Client]:
        """Return the class of new HTTP sessions.

        Returns
        -------
        type
            `httpx.Client`, unless another class was set.

        Examples
        --------
        >>> CatalogClient.get_default_session_class().__name__
        'Client'
        """
        import httpx

        return cls._session_class or httpx.Client

    @classmethod
    def set_default_session_class(cls, session_class: Callable[..., httpx.Client]) -> None:
        """Set the class of new HTTP sessions.

        Parameters
        ----------
        session_class : type
            Class that takes the arguments of `httpx.Client`.

        Examples
        --------
        >>> CatalogClient.set_default_session_class(CatalogClient.get_default_session_class())
        """
        Endpoint._session_class = session_class

    @property
    def session(self) -> httpx.Client:
        """HTTP session, whose connections are kept alive and shared by all threads of this process."""
        return self._session_for(loopback=self._url is None)

    def _session_for(self, *, loopback: bool) -> httpx.Client:
        transport = None if loopback else self._file_transport()
        return self._sessions.get(self.get_default_session_class(), loopback=loopback, transport=transport)

    def _file_transport(self) -> Callable[[], httpx.BaseTransport] | None:
        """Return the function that makes the transport for a catalog in files; None for an API."""
        url = self._url
        if url is None or (kind := kind_of(url, self._catalog_kind)) == "api":
            return None
        from landbridge.sources.file_api import FileApi

        return lambda: FileApi(url, kind)

    def close(self) -> None:
        """Close the connections; the next request opens new ones.

        Examples
        --------
        >>> client.close()
        """
        self._sessions.close()

    # Address and caller
    @property
    def settings(self) -> Settings:
        """Settings that the client was made with."""
        return self._settings

    @property
    def url(self) -> str:
        """Address of the API; the embedded stack is started or joined if none is configured."""
        return self._url or self._embedded().url

    @property
    def private_url(self) -> str:
        """Address by which other programs read the API without the token of this client.

        For the embedded stack it is the private address that `landbridge status` prints: whoever knows it can
        read everything, and change nothing. For a configured service it is `url`.
        """
        if self._url is not None:
            return self._url
        # The key may have been renewed since the state was read.
        return private_url(self._embedded().url, self._settings.home / KEY_FILE)

    @property
    def configured_url(self) -> str | None:
        """Configured address of the API; None for the embedded stack."""
        return self._url

    @property
    def token(self) -> str | None:
        """Token that is sent to the API; one of a login is renewed before it expires.

        OauthError is raised if the login has ended.
        """
        token = self._credentials.token()
        return token if token or self._url else self._embedded().token

    @property
    def store(self) -> Path | None:
        """Folder of the embedded stack's assets; None if another service is configured."""
        return None if self._url else self._embedded().store

    def _embedded(self) -> EmbeddedState:
        with self._lock:
            if self._state is None:
                self._state = read_state(self._settings.home) or join_embedded(self._settings.home)
                self._state.warn_of_other_version()
            return self._state

    def _restart_embedded(self, base: str) -> None:
        """Start the embedded stack again if `base`, which does not answer, is its address."""
        if self._url is None:
            with self._lock:
                if self._state is None or self._state.url == base:
                    self._state = join_embedded(self._settings.home)
