"""Retry rules, and the errors that remain after the last attempt."""

from __future__ import annotations

import errno

from landbridge.exceptions import GatewayTimeoutError, ServerError

__all__ = [
    "IDEMPOTENT_METHODS",
    "LONGEST_WAIT",
    "NOT_PROCESSED_STATUSES",
    "RETRY_STATUSES",
    "is_offline",
    "retry_delay",
    "to_service_error",
]

RETRY_STATUSES = frozenset({429, 500, 502, 503, 504})
# The service did not process the request, so that any request may be repeated.
NOT_PROCESSED_STATUSES = frozenset({429, 503})
IDEMPOTENT_METHODS = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS"})
LONGEST_WAIT = 60.0  # seconds that the client waits if the service says how long
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 5.0  # seconds


def retry_delay(attempt: int, retry_after: float | None) -> float:
    """Return the seconds to wait before an attempt: growing, and random so that clients spread out."""
    if retry_after is not None:
        return min(retry_after, LONGEST_WAIT)
    import random

    return min(_LONGEST_DELAY, _FIRST_DELAY * 4.0 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311


def is_offline(error: BaseException) -> bool:
    """Return whether a connection failed because no address was found for the host, or no way to it."""
    import socket

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, socket.gaierror):
            return True
        if isinstance(cause, OSError) and cause.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def to_service_error(failure: Exception, base: str) -> Exception:
    """Return a transport error as a ServerError that names the service, and any other error unchanged."""
    import httpx

    if isinstance(failure, httpx.TimeoutException):
        return GatewayTimeoutError(f"{base} did not answer in time ({type(failure).__name__}).")
    if isinstance(failure, httpx.TransportError):
        return ServerError(f"{base} could not be reached: {failure or type(failure).__name__}")
    return failure
