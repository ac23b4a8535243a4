"""The HTTP client of notifications: one POST, bounded in time, to an address that was checked."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpcore

from landbridge.stac_api.core.metrics import NOTIFICATIONS
from landbridge.stac_api.notifications.url_policy import CheckedBackend, RefusedAddressError, is_allowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from landbridge.stac_api.core.settings import Settings

__all__ = ["Outcome", "Sender"]

# Answers that say that this notification will be refused each time.
_REFUSED: Final = frozenset({400, 413, 415, 422})
_MOST_WAIT: Final = 3600.0  # seconds of a `Retry-After`
_MOST_CONNECTIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of one request.

    Attributes
    ----------
    status : int, optional
        HTTP status; None without an answer.
    error : str
        Why the notification is not delivered; empty if it is. It holds nothing that the receiver has sent.
    final : bool
        Another attempt has no use.
    retry_after : float
        Seconds that the receiver asks to wait.
    """

    status: int | None = None
    error: str = ""
    final: bool = False
    retry_after: float = 0.0

    @property
    def delivered(self) -> bool:
        """True if the receiver has taken the notification."""
        return not self.error


class Sender:
    """Sends notifications; opened and closed with the process."""

    def __init__(self, settings: Settings) -> None:
        self._allowed = settings.notification_urls
        self._timeout = settings.notification_timeout
        # Opened by the first use: reading the certificates takes time at the start of a process.
        self._pools: dict[bool, httpcore.AsyncConnectionPool] = {}

    def _pool(self, *, checked: bool) -> httpcore.AsyncConnectionPool:
        if checked not in self._pools:
            self._pools[checked] = httpcore.AsyncConnectionPool(
                ssl_context=ssl.create_default_context(),
                max_connections=_MOST_CONNECTIONS,
                # One request for each connection: nothing that a receiver sends late, or does not send, can
                # spoil the next one. Of an answer only the head is read.
                max_keepalive_connections=0,
                network_backend=CheckedBackend() if checked else None,
            )
        return self._pools[checked]

    async def close(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            await pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Send a body; every failure is an outcome, not an error."""
        outcome = await self._post(url, headers, body)
        kind = "sent" if not outcome.error else "refused" if outcome.final else "failed"
        NOTIFICATIONS.labels(kind).inc()
        return outcome

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
        pool = self._pool(checked=not is_allowed(url, self._allowed))
        sent = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        try:
            async with (
                asyncio.timeout(self._timeout),
                pool.stream("POST", url, headers=sent, content=body) as answer,
            ):
                return _outcome(answer)
        except RefusedAddressError as error:
            return Outcome(error=str(error), final=True)
        except (TimeoutError, httpcore.TimeoutException):
            return Outcome(error=f"There was no answer within {self._timeout:g} seconds.")
        except (httpcore.NetworkError, OSError) as error:
            return Outcome(error=_network_error(error))
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol):
            return Outcome(error="The answer is not HTTP.")


def _outcome(answer: httpcore.Response) -> Outcome:
    status = answer.status
    if 200 <= status < 300:
        return Outcome(status)
    return Outcome(
        status, f"The receiver answered {status}.", final=status in _REFUSED, retry_after=_retry_after(answer)
    )


def _retry_after(answer: httpcore.Response) -> float:
    given = {name.lower(): value for name, value in answer.headers}.get(b"retry-after", b"")
    return min(float(given), _MOST_WAIT) if given.isdigit() else 0.0


def _network_error(error: Exception) -> str:
    if isinstance(error.__cause__ or error.__context__, ssl.SSLError) or isinstance(error, ssl.SSLError):
        return "The receiver's TLS certificate is not valid, or its TLS is too old."
    return f"The connection failed ({type(error).__name__})."
