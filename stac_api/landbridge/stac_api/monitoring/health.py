"""Readiness: whether the database, the object store and the queue answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

import obstore
import obstore.exceptions

from landbridge.stac_api.assets.store import error_reason
from landbridge.stac_api.pgstac import inspection, job_queries

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from landbridge.stac_api.services import Services

__all__ = ["PARTS", "Health"]

_TIMEOUT: Final = 5.0  # seconds for each part
_FRESH: Final = 1.0  # seconds that a result is reused
_BRIEF: Final = ("status", "message", "pgstac_version")
# No object has this path: that the store says so is the answer.
_NO_OBJECT: Final = "health/none"


class Health:
    """Checks the parts that this process needs; the results are reused for a second."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}

    async def check(self, parts: Iterable[str], *, detailed: bool) -> tuple[bool, dict[str, Any]]:
        """Return whether all parts answer, and a document with the state of each, for strangers in brief."""
        names = list(parts)
        states = await asyncio.gather(*(self._state(name) for name in names))
        if not detailed:
            states = [{name: state[name] for name in _BRIEF if name in state} for state in states]
        healthy = all(state["status"] == "UP" for state in states)
        document: dict[str, Any] = {"status": "UP" if healthy else "DOWN", "lifespan": {"status": "UP"}}
        return healthy, document | dict(zip(names, states, strict=True))

    async def _state(self, name: str) -> dict[str, Any]:
        until, state = self._known.get(name, (0.0, {}))
        if time.monotonic() >= until:
            try:
                async with asyncio.timeout(_TIMEOUT):
                    state = {"status": "UP", **await PARTS[name](self._services)}
            except Exception as error:  # noqa: BLE001 - that it fails is the result
                # Without the message, which has addresses of the server.
                state = {"status": "DOWN", "message": f"It does not answer ({error_reason(error)})."}
            self._known[name] = time.monotonic() + _FRESH, state
        return state


async def _database(services: Services) -> dict[str, Any]:
    return {"pgstac_version": await inspection.pgstac_version(services.readpool)}


async def _store(services: Services) -> dict[str, Any]:
    root = services.store.root
    if root is not None:
        if not await asyncio.to_thread(root.is_dir):
            raise NotADirectoryError("The store's folder does not exist.")
        return {}
    with contextlib.suppress(FileNotFoundError):
        await obstore.head_async(services.store.backend, _NO_OBJECT)
    return {}


async def _queue(services: Services) -> dict[str, Any]:
    rows = await job_queries.queue_state(services.readpool)
    (workers,) = await job_queries.living_workers(services.readpool)
    waiting = [row for row in rows if row["status"] == "todo"]
    return {
        "workers": workers["count"],
        "waiting": sum(row["count"] for row in waiting),
        "oldest_seconds": round(max((row["oldest"] or 0.0 for row in waiting), default=0.0), 1),
    }


# Part by the name that documents, settings and errors have for it.
PARTS: Final[dict[str, Callable[[Services], Awaitable[dict[str, Any]]]]] = {
    "pgstac": _database,
    "store": _store,
    "queue": _queue,
}
