"""Requests to one STAC API: its address, credentials, connections and retries."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any, ClassVar

from landbridge.catalog.client.credentials import Credentials
from landbridge.catalog.client.http import JSON, Request, origin, parse_json
from landbridge.catalog.client.retry import (
    IDEMPOTENT_METHODS,
    LONGEST_WAIT,
    NOT_PROCESSED_STATUSES,
    RETRY_STATUSES,
    retry_delay,
    to_service_error,
)
from landbridge.catalog.client.sessions import Sessions
from landbridge.config import EmbeddedState, Settings, join_embedded, read_state
from landbridge.exceptions import UnauthorizedError, from_response, seconds_to_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import httpx

    from landbridge.auth import Auth

__all__ = ["RequestSender"]

_log = logging.getLogger(__name__)


class RequestSender:
    """Sends requests to one STAC API, with the caller's token, and repeats them if that is safe.

    Any number of threads can share it. The API is the one at `url`, or the embedded stack if that is None.
    """

    _session_class: ClassVar[Callable[..., httpx.Client] | None] = None
    retries: int

    def _connect_to(self, settings: Settings, url: str | None, auth: Auth | None) -> None:
        self._settings: Settings = settings
        self._url = url
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
        """The class of new sessions: httpx.Client, unless another was set."""
        import httpx

        return cls._session_class or httpx.Client

    @classmethod
    def set_default_session_class(cls, session_class: Callable[..., httpx.Client]) -> None:
        """Make new sessions of this class, which must take httpx.Client's arguments."""
        RequestSender._session_class = session_class

    @property
    def session(self) -> httpx.Client:
        """The session: its connections are kept alive and shared by all threads of this process."""
        return self._session_for(loopback=self._url is None)

    def _session_for(self, *, loopback: bool) -> httpx.Client:
        return self._sessions.get(self.get_default_session_class(), loopback=loopback)

    def close(self) -> None:
        """Close the connections; the next request opens new ones."""
        self._sessions.close()

    # Address and caller
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

    def _restart_embedded(self, base: str) -> None:
        """Start the embedded stack again if `base`, which does not answer, is its address."""
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
        is_idempotent = method in IDEMPOTENT_METHODS if idempotent is None else idempotent
        all_headers = dict(headers or {})
        if content is not None:
            all_headers = {"Content-Type": content_type, **all_headers}
        answer = self._send(Request(method, path, params, content, all_headers, is_idempotent))
        return parse_json(answer.content, entries)

    def request_with_headers(
        self, method: str, path: str, document: Any, *, idempotent: bool | None = None
    ) -> tuple[Any, Mapping[str, str]]:
        """Send JSON and return the JSON answer and its headers; otherwise as `request`."""
        import orjson

        is_idempotent = method in IDEMPOTENT_METHODS if idempotent is None else idempotent
        content = orjson.dumps(document)
        response = self._send(Request(method, path, None, content, {"Content-Type": JSON}, is_idempotent))
        return parse_json(response.content), response.headers

    def stream(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """The answer of a GET whose content is yet to be read; it has to be closed.

        Raises as `request` does.
        """
        return self._send(Request("GET", path, headers=headers or {}, is_idempotent=True, stream=True))

    def _send(self, request: Request) -> httpx.Response:
        """Return the answer of a request that succeeded, after retries if they are safe."""
        import httpx

        attempt = 0
        restarted = token_renewed = False
        while True:
            base = self.url
            failure: Exception
            retry_after: float | None = None
            token = self._token_for(request, base)
            try:
                response = request.send(
                    self._session_for(loopback=self._url is None and not request.is_absolute), base, token
                )
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                # Nothing was sent, so that any method may be repeated.
                failure, repeat = error, True
                if not restarted:
                    self._restart_embedded(base)
                    restarted = True
            except httpx.TransportError as error:
                failure, repeat = error, request.is_idempotent
            else:
                if response.is_success:
                    return response
                status = response.status_code
                if status == 401 and not token_renewed and self._credentials.renew(token):
                    token_renewed = True
                    continue  # the service refused the old token before it did anything
                failure = self._failure(response, request, token)
                retry_after = seconds_to_wait(response.headers)
                repeat = status in RETRY_STATUSES and (
                    request.is_idempotent or status in NOT_PROCESSED_STATUSES
                )
                if repeat and attempt and not restarted and status == 503:
                    self._restart_embedded(base)  # the API answers, but its database does not
                    restarted = True
            if not repeat or attempt >= self.retries or (retry_after or 0) > LONGEST_WAIT:
                raise to_service_error(failure, base) from failure.__cause__
            attempt += 1
            _log.debug("%s failed, attempt %d: %s", request, attempt, type(failure).__name__)
            time.sleep(retry_delay(attempt, retry_after))

    def _failure(self, response: httpx.Response, request: Request, token: str | None) -> Exception:
        """Return the error for an answer, with advice if there is any."""
        failure = from_response(response.status_code, response.content, response.headers, str(request))
        if isinstance(failure, UnauthorizedError):
            return UnauthorizedError(f"{failure} {self._credentials.advice(token)}")
        return failure

    def _token_for(self, request: Request, base: str) -> str | None:
        """Return the token to send; None for another origin than the API's, or if the request has its own."""
        if request.has_credentials or (request.is_absolute and origin(request.path) != origin(base)):
            return None
        return self.token
