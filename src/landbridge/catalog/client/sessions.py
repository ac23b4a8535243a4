"""HTTP sessions of a client: their settings, and their ends with the client and at forks."""

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
    """The sessions of one client in this process: one for the embedded stack, one for everything else."""

    def __init__(self) -> None:
        self._opened: dict[bool, httpx.Client] = {}  # by whether they are for loopback
        self._pid = os.getpid()
        self._lock = threading.RLock()

    def opened(self, session_class: Callable[..., httpx.Client], *, loopback: bool) -> httpx.Client:
        """Return the session for the embedded stack, or the one for everything else."""
        with self._lock:
            if loopback not in self._opened:
                import httpx

                headers = {"Accept": JSON, "User-Agent": "landbridge"}
                if loopback:
                    headers["Accept-Encoding"] = "identity"  # compressing takes longer than what it saves
                session = session_class(
                    timeout=httpx.Timeout(_TIMEOUT, connect=_CONNECT_TIMEOUT),
                    limits=httpx.Limits(max_connections=64, max_keepalive_connections=16),
                    headers=headers,
                    # The embedded stack speaks plain HTTP on loopback, which no proxy reaches: certificates,
                    # which take a while to load, are of no use there.
                    verify=not loopback,
                    trust_env=not loopback,
                    follow_redirects=False,
                )
                weakref.finalize(self, _close, session, self._pid)
                self._opened[loopback] = session
            return self._opened[loopback]

    def close(self) -> None:
        """Close the connections; new ones are opened when they are needed."""
        with self._lock:
            for session in self._opened.values():
                _close(session, self._pid)
            self._opened = {}

    def after_fork(self) -> None:
        """Start anew in a forked child: its parent's connections and locks are of no use to it."""
        self._pid, self._opened = os.getpid(), {}
        self._lock = threading.RLock()


def _close(session: httpx.Client, pid: int) -> None:
    """Close a session, in the process that opened it only: a child shares its parent's sockets."""
    if pid == os.getpid():
        session.close()
