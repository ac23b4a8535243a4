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

_LONGEST_TEXT = 2000


class ClientError(LandbridgeError):
    """The service refused the request; `status` is the HTTP status, where there was one."""

    status: int | None = None


class AuthError(ClientError):
    """Who is calling could not be established."""


class OauthError(AuthError):
    """The identity provider refused to give a token."""


class RequestCancellationError(ClientError):
    """The request was cancelled before it was answered."""


class BadRequestError(ClientError):
    """The service found the request invalid."""

    status = 400


class ValidationError(BadRequestError):
    """A value in the request is missing or invalid."""

    status = 422


class UnauthorizedError(ClientError):
    """A valid token is needed."""

    status = 401


class ForbiddenError(ClientError):
    """The caller has no right to do this."""

    status = 403


class NotFoundError(ClientError):
    """There is no such object."""

    status = 404


class MethodNotAllowedError(ClientError):
    """The service does not support this operation."""

    status = 405


class ProxyAuthenticationRequiredError(ClientError):
    """A proxy in between wants credentials; `proxy_authenticate` is its challenge."""

    status = 407

    def __init__(self, message: str, proxy_authenticate: str | None = None) -> None:
        super().__init__(message)
        self.proxy_authenticate = proxy_authenticate


class ConflictError(ClientError):
    """The object exists already, is in use, or was changed by somebody else."""

    status = 409


class GoneError(ClientError):
    """The object existed once."""

    status = 410


class RateLimitError(ClientError):
    """Too many requests; `retry_after` is the number of seconds to wait, where the service said."""

    status = 429

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class RetryWithError(ClientError):
    """The request must be repeated with further information."""

    status = 449


class ServerError(LandbridgeError):
    """The service failed or could not be reached; `original_status` is its HTTP status, if any."""

    status: int | None = 500

    def __init__(self, *args: object, original_status: int | None = None) -> None:
        super().__init__(*args)
        self.original_status = original_status


class GatewayTimeoutError(ServerError):
    """The service did not answer in time."""

    status = 504


class ConfigError(LandbridgeError):
    """The configuration is missing or unusable."""


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
    """The error for an HTTP answer of status 300 or more.

    `headers` must look names up whatever their case; `request` is the method and URL, for the message
    of an answer that says nothing itself.
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
    """What an error body says, for people: one line for each thing that is wrong."""
    import orjson

    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body[:_LONGEST_TEXT].decode("utf-8", "replace").strip()
    if not isinstance(document, dict):
        return str(document)[:_LONGEST_TEXT]
    found = (reader(document[field]) for field, reader in _READERS.items() if document.get(field))
    return next((message for message in found if message), "")


def _of_description(description: Any) -> str:
    return str(description)


def _of_detail(detail: Any) -> str:
    """FastAPI's `detail`: a text, or a list of `{"loc", "msg"}`."""
    if not isinstance(detail, list):
        return str(detail)
    return _lines(
        (".".join(map(str, entry.get("loc") or ())), entry.get("msg"))
        if isinstance(entry, dict)
        else (entry,)
        for entry in detail
    )


def _of_errors(errors: Any) -> str:
    """JSON:API's `errors`: a list of `{"title", "detail", "source": {"pointer"}}`."""
    if not isinstance(errors, list):
        return str(errors)
    return _lines(
        (entry.get("title"), entry.get("detail"), _field(entry.get("source")))
        if isinstance(entry, dict)
        else (entry,)
        for entry in errors
    )


def _field(source: Any) -> str:
    """The last step of a JSON pointer: the field that an error is about."""
    pointer = source.get("pointer") if isinstance(source, dict) else source
    return str(pointer or "").rsplit("/", 1)[-1]


def _lines(entries: Iterable[tuple[Any, ...]]) -> str:
    """A line for each entry that says something: its parts with colons between."""
    texts = (": ".join(str(part) for part in parts if part) for parts in entries)
    return "".join(f"\n    {text}" for text in texts if text)


_READERS = {
    "description": _of_description,
    "detail": _of_detail,
    "errors": _of_errors,
    "message": _of_description,
    "code": _of_description,
}


def seconds_to_wait(headers: Mapping[str, str]) -> float | None:
    """What Retry-After asks for (RFC 9110 section 10.2.3), which is a number of seconds or an HTTP date.

    `headers` must look names up whatever their case.
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
