"""Errors that requests to a service raise.

::

    LandbridgeError
    ├── ClientError                         the request was wrong, or not allowed
    │   ├── BadRequestError            400
    │   │   └── ValidationError        422
    │   ├── UnauthorizedError          401
    │   ├── ForbiddenError             403
    │   ├── NotFoundError              404
    │   ├── MethodNotAllowedError      405
    │   ├── ProxyAuthenticationRequiredError 407
    │   ├── ConflictError              409
    │   ├── GoneError                  410
    │   ├── RateLimitError             429
    │   ├── RetryWithError             449
    │   ├── RequestCancellationError
    │   └── AuthError
    │       └── OauthError
    ├── ServerError                         the service failed, or could not be reached
    │   └── GatewayTimeoutError        504
    └── ConfigError                         nothing usable is configured
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.errors import LandbridgeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "AuthError",
    "BadRequestError",
    "ClientError",
    "ConfigError",
    "ConflictError",
    "ForbiddenError",
    "GatewayTimeoutError",
    "GoneError",
    "LandbridgeError",
    "MethodNotAllowedError",
    "NotFoundError",
    "OauthError",
    "ProxyAuthenticationRequiredError",
    "RateLimitError",
    "RequestCancellationError",
    "RetryWithError",
    "ServerError",
    "UnauthorizedError",
    "ValidationError",
    "from_response",
]

_MAX_MESSAGE_LENGTH = 2000


class ClientError(LandbridgeError):
    """Request that the service refused.

    `status` is the HTTP status; None if there was no response.

    Examples
    --------
    >>> from landbridge.exceptions import ClientError, NotFoundError
    >>> issubclass(NotFoundError, ClientError), NotFoundError.status
    (True, 404)
    """

    status: int | None = None


class AuthError(ClientError):
    """Caller whose identity could not be established."""


class OauthError(AuthError):
    """Token that the identity provider refused."""


class RequestCancellationError(ClientError):
    """Request that was canceled before it was answered."""


class BadRequestError(ClientError):
    """Invalid request: HTTP status 400."""

    status: int | None = 400


class ValidationError(BadRequestError):
    """Missing or invalid value in a request: HTTP status 422."""

    status: int | None = 422


class UnauthorizedError(ClientError):
    """Request without a valid token: HTTP status 401."""

    status: int | None = 401


class ForbiddenError(ClientError):
    """Request that the caller has no right to: HTTP status 403."""

    status: int | None = 403


class NotFoundError(ClientError):
    """Object that does not exist: HTTP status 404."""

    status: int | None = 404


class MethodNotAllowedError(ClientError):
    """Operation that the service does not support: HTTP status 405."""

    status: int | None = 405


class ProxyAuthenticationRequiredError(ClientError):
    """Proxy that asks for credentials: HTTP status 407.

    Parameters
    ----------
    message : str
        Error message.
    proxy_authenticate : str, optional
        Challenge of the proxy.
    """

    status: int | None = 407

    def __init__(self, message: str, proxy_authenticate: str | None = None) -> None:
        super().__init__(message)
        self.proxy_authenticate = proxy_authenticate


class ConflictError(ClientError):
    """Object that exists already, is in use, or was changed by another program: HTTP status 409."""

    status: int | None = 409


class GoneError(ClientError):
    """Object that existed before: HTTP status 410."""

    status: int | None = 410


class RateLimitError(ClientError):
    """Request beyond the rate limit: HTTP status 429.

    Parameters
    ----------
    message : str
        Error message.
    retry_after : float, optional
        Seconds to wait, if the service says so.
    """

    status: int | None = 429

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RetryWithError(ClientError):
    """Request that must be repeated with further information: HTTP status 449."""

    status: int | None = 449


class ServerError(LandbridgeError):
    """Failure of the service, or service that cannot be reached.

    Parameters
    ----------
    *args
        Error message.
    original_status : int, optional
        HTTP status of the response, if there was one.
    """

    status: int | None = 500

    def __init__(self, *args: object, original_status: int | None = None) -> None:
        super().__init__(*args)
        self.original_status = original_status


class GatewayTimeoutError(ServerError):
    """Service that did not answer in time: HTTP status 504."""

    status: int | None = 504


class ConfigError(LandbridgeError):
    """Missing or invalid configuration."""


_BY_STATUS: dict[int, type[ClientError | ServerError]] = {
    error.status: error
    for error in (
        BadRequestError,
        UnauthorizedError,
        ForbiddenError,
        NotFoundError,
        MethodNotAllowedError,
        ProxyAuthenticationRequiredError,
        ConflictError,
        GoneError,
        ValidationError,
        RateLimitError,
        RetryWithError,
        GatewayTimeoutError,
    )
    if error.status is not None
}


def from_response(
    status: int, body: bytes, headers: Mapping[str, str], request: str
) -> ClientError | ServerError:
    """Return the error for an HTTP response of status 300 or more.

    Parameters
    ----------
    status : int
        HTTP status.
    body : bytes
        Body of the response, from which the message is read.
    headers : mapping
        HTTP headers, whose names are found in any case.
    request : str
        Method and URL, for the message if the body has none.

    Returns
    -------
    ClientError or ServerError
        Instance of the class for the status.

    Examples
    --------
    >>> from landbridge.exceptions import from_response
    >>> from_response(404, b'{"detail": "No such item."}', {}, "GET /items/x")
    NotFoundError('No such item.')
    """
    message = readable_message(body) or f"{request} was answered with HTTP status {status}"
    if status == 429:
        return RateLimitError(message, seconds_to_wait(headers))
    if status == 407:
        return ProxyAuthenticationRequiredError(message, headers.get("proxy-authenticate"))
    known = _BY_STATUS.get(status)
    if known is not None and issubclass(known, ClientError):
        return known(message)
    if known is not None or status >= 500:
        return (known or ServerError)(message, original_status=status)
    error = ClientError(message)
    error.status = status
    return error


def readable_message(body: bytes) -> str:
    """Return the message of an error body, with one line for each error in it."""
    import orjson

    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[:_MAX_MESSAGE_LENGTH].decode("utf-8", "replace").strip()
    if not isinstance(document, dict):
        return str(document)[:_MAX_MESSAGE_LENGTH]
    found = (reader(document[field]) for field, reader in _MESSAGE_READERS.items() if document.get(field))
    return next((message for message in found if message), "")


def _read_text(description: Any) -> str:
    return str(description)


def _read_detail(detail: Any) -> str:
    """Return the message of FastAPI's `detail`: a string, or a list of `{"loc", "msg"}`."""
    if not isinstance(detail, list):
        return str(detail)
    return _join_lines(
        (".".join(map(str, entry.get("loc") or ())), entry.get("msg"))
        if isinstance(entry, dict)
        else (entry,)
        for entry in detail
    )


def _read_errors(errors: Any) -> str:
    """Return the message of JSON:API's `errors`: a list of `{"title", "detail", "source": {"pointer"}}`."""
    if not isinstance(errors, list):
        return str(errors)
    return _join_lines(
        (entry.get("title"), entry.get("detail"), _field_name(entry.get("source")))
        if isinstance(entry, dict)
        else (entry,)
        for entry in errors
    )


def _field_name(source: Any) -> str:
    """Return the last step of a JSON pointer, which is the name of the invalid field."""
    pointer = source.get("pointer") if isinstance(source, dict) else source
    return str(pointer or "").rsplit("/", 1)[-1]


def _join_lines(entries: Iterable[tuple[Any, ...]]) -> str:
    """Return one line for each entry that is not empty: its parts with colons between them."""
    texts = (": ".join(str(part) for part in parts if part) for parts in entries)
    return "".join(f"\n    {text}" for text in texts if text)


_MESSAGE_READERS = {
    "description": _read_text,
    "detail": _read_detail,
    "errors": _read_errors,
    "message": _read_text,
    "code": _read_text,
}


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the header Retry-After asks for; None without a valid one.

    RFC 9110 section 10.2.3 allows a number of seconds or an HTTP date. `headers` must find names in any case.
    """
    retry_after = headers.get("retry-after")
    if not retry_after:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        from datetime import UTC, datetime
        from email.utils import parsedate_to_datetime

        try:
            return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
        except (TypeError, ValueError):
            return None
