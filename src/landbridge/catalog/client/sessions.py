"""HTTP sessions of a client: settings, closing, and forks."""

from __future__ import annotations

import os
import threading
import weakref
from typing import TYPE_CHECKING

from landbridge.catalog.client.http import JSON

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

__all__ = ["Sessions"]

_CONNECT_TIMEOUT, _TIMEOUT = 10.0, 120.0


class Sessions:
    """The sessions of one client in this process: one for the embedded stack, one for all other addresses."""

    def __init__(self) -> None:
        self._by_loopback: dict[bool, httpx.Client] = {}  # by `loopback`
        self._pid = os.getpid()
        self._lock = threading.RLock()

    def get(
        self,
        session_class: Callable[..., httpx.Client],
        *,
        loopback: bool,
        transport: Callable[[], httpx.BaseTransport] | None = None,
    ) -> httpx.Client:
        """Return the session for the embedded stack (`loopback`) or for other addresses.

        `transport` makes the transport of a new session that does not send its requests over the network.
        """
        with self._lock:
            if loopback not in self._by_loopback:
                import httpx

                headers = {"Accept": JSON, "User-Agent": "landbridge"}
                local = {} if transport is None else {"transport": transport()}
                if loopback:
                    headers["Accept-Encoding"] = "identity"  # compression takes longer than it saves
                session = session_class(
                    timeout=httpx.Timeout(_TIMEOUT, connect=_CONNECT_TIMEOUT),
                    limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
                    headers=headers,
                    # The embedded stack uses plain HTTP on loopback, without a proxy. Loading certificates
                    # takes time and is not needed there.
                    verify=not loopback,
                    # A proxy of the environment would take the requests from the given transport.
                    trust_env=not (loopback or local),
                    follow_redirects=False,
                    **local,
                )
                weakref.finalize(self, _close, session, self._pid)
                self._by_loopback[loopback] = session
            return self._by_loopback[loopback]

    def close(self) -> None:
        """Close the connections; new ones are opened when they are needed."""
        with self._lock:
            for session in self._by_loopback.values():
                _close(session, self._pid)
            self._by_loopback = {}

    def after_fork(self) -> None:
        """Forget the connections and locks in a forked child, which cannot use its parent's."""
        self._pid, self._by_loopback = os.getpid(), {}
        self._lock = threading.RLock()


def _close(session: httpx.Client, pid: int) -> None:
    """Close a session, but only in the process that opened it: a child shares its parent's sockets."""
    if pid == os.getpid():
        session.close()
