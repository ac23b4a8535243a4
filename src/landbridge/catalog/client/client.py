"""The HTTP client that every catalog object talks through."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any, ClassVar, Self

from landbridge.catalog.client import capabilities
from landbridge.catalog.client.credentials import Credentials
from landbridge.catalog.client.http import (
    IDEMPOTENT,
    JSON,
    LONGEST_WAIT,
    REFUSED,
    RETRY_STATUSES,
    Request,
    origin,
    parsed,
    public,
    wait,
)
from landbridge.catalog.client.sessions import Sessions
from landbridge.catalog.model.jsonapi import jsonapi_collection, jsonapi_document
from landbridge.config import EmbeddedState, Settings, get_settings, join_embedded, read_state
from landbridge.exceptions import UnauthorizedError, from_response, seconds_to_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import httpx

    from landbridge.auth import Auth

__all__ = ["CatalogClient"]

_log = logging.getLogger(__name__)

_RETRIES = 3
_BANDS_KEPT = 600.0


class CatalogClient:
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
    _session_class: ClassVar[Callable[..., httpx.Client] | None] = None

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
        self._set_up(settings, url.rstrip("/") if url else settings.url, auth)

    def _set_up(self, settings: Settings, url: str | None, auth: Auth | None) -> None:
        self._settings: Settings = settings
        self._url = url
        self._credentials = Credentials(settings, url, auth)
        self._state: EmbeddedState | None = None
        self._sessions = Sessions()
        self._lock = threading.RLock()
        self._bands: dict[str, tuple[float, Any]] = {}
        self._aggregations: frozenset[str] | None = None
        self._signs: bool | None = None
        _clients.add(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: Any) -> Self:
        return self

    def __reduce__(self) -> Any:
        configuration = (self._settings, self._url, self._credentials.given, self.retries, self.asset_signer)
        return _unpickled, (type(self), configuration, self._credentials.proves)

    def _after_fork(self) -> None:
        """Start anew in a forked child: its parent's connections and locks are of no use to it."""
        self._sessions.after_fork()
        self._lock = threading.RLock()
        self._credentials.after_fork()

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

    # The session underneath
    @classmethod
    def get_default_session_class(cls) -> Callable[..., httpx.Client]:
        """The class of new sessions: httpx.Client, unless another was set."""
        import httpx

        return cls._session_class or httpx.Client

    @classmethod
    def set_default_session_class(cls, session_class: Callable[..., httpx.Client]) -> None:
        """Make new sessions of this class, which must take httpx.Client's arguments."""
        CatalogClient._session_class = session_class

    @property
    def session(self) -> httpx.Client:
        """The session: its connections are kept alive and shared by all threads of this process."""
        return self._opened(loopback=self._url is None)

    def _opened(self, *, loopback: bool) -> httpx.Client:
        return self._sessions.opened(self.get_default_session_class(), loopback=loopback)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        self._sessions.close()

    # Where and who
    @property
    def url(self) -> str:
        """The address of the API; starts or joins the embedded stack where none is configured."""
        return self._url or self._embedded().url

    @property
    def configured_url(self) -> str | None:
        """The address of the API; None where it is the embedded stack's."""
        return self._url

    @property
    def auth(self) -> Auth:
        """Who is calling: as given or configured, else as the service says of the token, asked once for it.

        Raises as `request` does, where the service has to be asked.
        """
        return self._credentials.caller(lambda: self.get("/access/me"))

    @auth.setter
    def auth(self, auth: Auth) -> None:
        self._credentials = Credentials(self._settings, self._url, auth)

    @property
    def token(self) -> str | None:
        """The token sent to the API; one of a login is renewed where it is about to expire.

        Raises OauthError where there is no login any more.
        """
        token = self._credentials.token()
        return token if token or self._url else self._embedded().token

    @property
    def store(self) -> Path | None:
        """The folder of the embedded stack's assets; None where another service is configured."""
        return None if self._url else self._embedded().store

    def _embedded(self) -> EmbeddedState:
        with self._lock:
            if self._state is None:
                self._state = read_state(self._settings.home) or join_embedded(self._settings.home)
            return self._state

    def _rejoin(self, base: str) -> None:
        """After `base` was found dead or unable: have the embedded stack, if it is that, started again."""
        if self._url is None:
            with self._lock:
                if self._state is None or self._state.url == base:
                    self._state = join_embedded(self._settings.home)

    # Requests
    def get(self, path: str, params: Mapping[str, Any] | None = None, **kwargs: Any) -> Any:
        """The JSON answer of a GET."""
        return self.request("GET", path, params=params, **kwargs)

    def post(self, path: str, document: Any = None, **kwargs: Any) -> Any:
        """The JSON answer of a POST."""
        return self.request("POST", path, document=document, **kwargs)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        document: Any = None,
        content: bytes | Callable[[], Iterable[bytes]] | None = None,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        entries: str | None = None,
    ) -> Any:
        """Make a request and give its JSON answer, None where there is none.

        Parameters
        ----------
        path
            A path below the API's address, or an absolute URL; only the API's own origin gets the token.
        document
            What to send as JSON.
        content
            What to send as it is: bytes, or a function that gives the chunks anew for each attempt.
        idempotent
            Whether a repetition does no harm; by default as the method says.
        entries
            The member of a large answer whose entries are parsed one by one, as they are iterated.

        Raises
        ------
        ClientError, ServerError
            The answer was no success, after retries where they are safe.
        ConfigError
            The embedded stack is needed and does not start.
        """
        import orjson

        if document is not None:
            content = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        repeatable = method in IDEMPOTENT if idempotent is None else idempotent
        more = dict(headers or {}) if content is None else {"Content-Type": content_type, **(headers or {})}
        answer = self._respond(Request(method, path, params, content, more, repeatable))
        return parsed(answer.content, entries)

    def answered(
        self, method: str, path: str, document: Any, *, idempotent: bool | None = None
    ) -> tuple[Any, Mapping[str, str]]:
        """The JSON answer of a request that sends JSON, and its headers; otherwise as `request`."""
        import orjson

        repeatable = method in IDEMPOTENT if idempotent is None else idempotent
        content = orjson.dumps(document)
        response = self._respond(Request(method, path, None, content, {"Content-Type": JSON}, repeatable))
        return parsed(response.content), response.headers

    def stream(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer of a GET whose content is yet to be read; it has to be closed.

        Raises as `request` does.
        """
        return self._respond(Request("GET", path, headers=headers or {}, repeatable=True, stream=True))

    def _respond(self, request: Request) -> httpx.Response:
        """The answer of a request that succeeded, after retries where they are safe."""
        import httpx

        attempt = 0
        rejoined = renewed = False
        while True:
            base = self.url
            failure: Exception
            after: float | None = None
            token = self._token_for(request, base)
            try:
                response = request.send(
                    self._opened(loopback=self._url is None and not request.is_absolute), base, token
                )
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                # Nothing was sent: this may be repeated whatever the method.
                failure, again = error, True
                if not rejoined:
                    self._rejoin(base)
                    rejoined = True
            except httpx.TransportError as error:
                failure, again = error, request.repeatable
            else:
                if response.is_success:
                    return response
                status = response.status_code
                if status == 401 and not renewed and self._credentials.renewed(token):
                    renewed = True
                    continue  # nothing was done for the token that was refused
                failure = self._failure(response, request, token)
                after = seconds_to_wait(response.headers)
                again = status in RETRY_STATUSES and (request.repeatable or status in REFUSED)
                if again and attempt and not rejoined and status == 503:
                    self._rejoin(base)  # the API lives and its database does not
                    rejoined = True
            if not again or attempt >= self.retries or (after or 0) > LONGEST_WAIT:
                raise public(failure, base) from failure.__cause__
            attempt += 1
            _log.debug("%s failed, attempt %d: %s", request, attempt, type(failure).__name__)
            time.sleep(wait(attempt, after))

    def _failure(self, response: httpx.Response, request: Request, token: str | None) -> Exception:
        """Return the error that an answer is, with what to do about it if that is known."""
        failure = from_response(response.status_code, response.content, response.headers, str(request))
        if isinstance(failure, UnauthorizedError):
            return UnauthorizedError(f"{failure} {self._credentials.advice(token)}")
        return failure

    def _token_for(self, request: Request, base: str) -> str | None:
        """Return the token to send: to the API's own origin only, unless the request has its own."""
        if request.has_credentials or (request.is_absolute and origin(request.path) != origin(base)):
            return None
        return self.token

    # What the service can do
    @property
    def aggregations(self) -> frozenset[str]:
        """What the service counts by itself (STAC's Aggregation extension), with the bytes; asked once."""
        if self._aggregations is None:
            self._aggregations = capabilities.aggregations(self)
        return self._aggregations

    @property
    def signs_assets(self) -> bool:
        """Whether the service signs the addresses of the files it keeps, and the caller needs that.

        The embedded stack's files are read from their folder, and who shows no token may read what is public.
        """
        if self._url is None or not self.token:
            return False
        if self._signs is None:
            self._signs = capabilities.signs_assets(self)
        return self._signs

    # The bands of products, which rasters need again and again
    def cached_bands(self, product_id: str, read: Callable[[str], Any]) -> Any:
        """What `read` gave for a product at most ten minutes ago, or gives now."""
        now = time.monotonic()
        with self._lock:
            kept = self._bands.get(product_id)
        if kept is not None and now - kept[0] < _BANDS_KEPT:
            return kept[1]
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


# All clients of this process, and those among them that came out of pickles, by their configuration.
_clients: weakref.WeakSet[CatalogClient] = weakref.WeakSet()
_restored: weakref.WeakValueDictionary[Any, CatalogClient] = weakref.WeakValueDictionary()


def _unpickled(kind: type[CatalogClient], configuration: tuple[Any, ...], proved: bool) -> CatalogClient:
    """Return the client of a pickled configuration: one for all objects that had the same client."""
    settings, url, auth, retries, signer = configuration
    settings = settings.with_local_credentials()
    key = (
        kind,
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
            client = object.__new__(kind)
            client.retries, client.asset_signer = retries, signer
            client._set_up(settings, url, auth)
            client._credentials.lost_token |= proved and not client._credentials.proves
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
