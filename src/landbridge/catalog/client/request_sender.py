"""Requests to one STAC API, which are repeated after failures if that is safe."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from landbridge.catalog.client.credentials import Credentials
from landbridge.catalog.client.endpoint import Endpoint
from landbridge.catalog.client.http import JSON, Request, origin, parse_json
from landbridge.catalog.client.retry import (
    IDEMPOTENT_METHODS,
    LONGEST_WAIT,
    NOT_PROCESSED_STATUSES,
    RETRY_STATUSES,
    is_offline,
    retry_delay,
    to_service_error,
)
from landbridge.exceptions import UnauthorizedError, from_response, seconds_to_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import httpx

    from landbridge.auth import Auth

__all__ = ["RequestSender"]

_log = logging.getLogger(__name__)

# Requests by POST that only read.
_READING_PATHS = ("/search", "/aggregate")
# Seconds after a write for which reads ask for the newest state: a service may read from a replica.
_FRESH_SECONDS = 10.0


class RequestSender(Endpoint):
    """Sends requests to one STAC API, with the caller's token, and repeats them if that is safe.

    Any number of threads can share it.
    """

    retries: int
    _written_at: float = float("-inf")

    @property
    def auth(self) -> Auth:
        """Caller: as given or configured, else as the service says of the token, which is asked once."""
        return self._credentials.caller(lambda: self.get("/access/me"))

    @auth.setter
    def auth(self, auth: Auth) -> None:
        self._credentials = Credentials(self._settings, self._url, auth)

    # Requests
    def get(self, path: str, params: Mapping[str, Any] | None = None, **kwargs: Any) -> Any:
        """Send a GET request.

        Parameters
        ----------
        path : str
            Path below the API's address, or an absolute URL.
        params : dict, optional
            Query parameters.
        **kwargs
            Further arguments of `request`.

        Returns
        -------
        object
            JSON of the response; None if it is empty.

        Raises
        ------
        ClientError, ServerError
            If the response is not a success after the retries.

        Examples
        --------
        >>> client.get("/collections/local:docs-fields")["title"]
        'Fields'
        """
        return self.request("GET", path, params=params, **kwargs)

    def post(self, path: str, document: Any = None, **kwargs: Any) -> Any:
        """Send a POST request.

        Parameters
        ----------
        path : str
            Path below the API's address, or an absolute URL.
        document : object, optional
            JSON to send.
        **kwargs
            Further arguments of `request`.

        Returns
        -------
        object
            JSON of the response; None if it is empty.

        Raises
        ------
        ClientError, ServerError
            If the response is not a success after the retries.

        Examples
        --------
        >>> found = client.post("/search", {"collections": ["local:docs-fields"], "limit": 2})
        >>> len(found["features"])
        2
        """
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
        """Send a request and return the JSON of the response.

        Parameters
        ----------
        method : str
            HTTP method.
        path : str
            Path below the API's address, or an absolute URL. Only the API's own origin gets the token.
        params : dict, optional
            Query parameters.
        document : object, optional
            JSON to send.
        content : bytes or callable, optional
            Bytes to send, or a function that returns their chunks for each attempt.
        content_type : str, default "application/json"
            Media type of `content`.
        headers : dict, optional
            Further HTTP headers.
        idempotent : bool, optional
            True if the request may be repeated. By default as HTTP defines it for the method.
        entries : str, optional
            Name of the member of a large response whose entries are parsed one by one, when they are
            iterated.

        Returns
        -------
        object
            JSON of the response; None if it is empty.

        Raises
        ------
        ClientError, ServerError
            If the response is not a success after the retries.
        ConfigError
            If the embedded stack is needed and does not start.

        Examples
        --------
        >>> client.request("GET", "/conformance")["conformsTo"][0]
        'http...'
        """
        response = self._request(
            method,
            path,
            params=params,
            document=document,
            content=content,
            content_type=content_type,
            headers=headers,
            idempotent=idempotent,
        )
        return parse_json(response.content, entries)

    def request_with_headers(
        self, method: str, path: str, document: Any, *, idempotent: bool | None = None
    ) -> tuple[Any, Mapping[str, str]]:
        """Send JSON and return the JSON and the headers of the response.

        Parameters
        ----------
        method : str
            HTTP method.
        path : str
            Path below the API's address, or an absolute URL.
        document : object
            JSON to send.
        idempotent : bool, optional
            True if the request may be repeated. By default as HTTP defines it for the method.

        Returns
        -------
        answer : object
            JSON of the response; None if it is empty.
        headers : mapping
            HTTP headers of the response.

        Raises
        ------
        ClientError, ServerError
            If the response is not a success after the retries.

        Examples
        --------
        >>> answer, headers = client.request_with_headers("POST", "/search", {"limit": 1})
        >>> headers["content-type"]
        'application/geo+json'
        """
        response = self._request(method, path, document=document, idempotent=idempotent)
        return parse_json(response.content), response.headers

    def stream(self, path: str, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Send a GET request and return the response before its content is read.

        Parameters
        ----------
        path : str
            Path below the API's address, or an absolute URL.
        headers : dict, optional
            Further HTTP headers.

        Returns
        -------
        httpx.Response
            Response that you must close.

        Raises
        ------
        ClientError, ServerError
            If the response is not a success after the retries.

        Examples
        --------
        >>> response = client.stream("/")
        >>> response.status_code
        200
        >>> response.close()
        """
        return self._send(Request("GET", path, headers=headers or {}, is_idempotent=True, stream=True))

    def _request(
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
    ) -> httpx.Response:
        """Return the response to a request that is made of these arguments."""
        import orjson

        if document is not None:
            content = orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
        is_idempotent = method in IDEMPOTENT_METHODS if idempotent is None else idempotent
        all_headers = dict(headers or {})
        if _is_read(method, path) and time.monotonic() - self._written_at < _FRESH_SECONDS:
            all_headers = {"Cache-Control": "no-cache", **all_headers}
        if content is not None:
            all_headers = {"Content-Type": content_type, **all_headers}
        response = self._send(Request(method, path, params, content, all_headers, is_idempotent))
        if not _is_read(method, path):
            self._written_at = time.monotonic()
        return response

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
                # Nothing was sent, so that any method may be repeated. Without a network, repeating does not
                # help, and the caller would wait for the error.
                failure, repeat = error, not is_offline(error) or attempt == 0
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


def _is_read(method: str, path: str) -> bool:
    return method in ("GET", "HEAD") or (method == "POST" and path.endswith(_READING_PATHS))
