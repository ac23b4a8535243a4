"""A service as it is run for many: on a database of its own, in this process, open to nobody."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import httpx

from landbridge.stac_api.api.app import create_app
from landbridge.stac_api.core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

OPERATOR = "the operator's token, of these tests"


class Service:
    """An application between its start and its end, and requests to it."""

    def __init__(self, app: FastAPI, runner: asyncio.Runner) -> None:
        self.app = app
        self._runner = runner

    def run(self, coroutine: Any) -> Any:
        return self._runner.run(coroutine)

    def request(
        self, method: str, path: str, token: str | None = None, *, address: str = "192.0.2.1", **options: Any
    ) -> httpx.Response:
        """Return the service's response to a request with a token."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(address, 50000))
            async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
                return await client.request(method, path, headers=headers, **options)

        answer: httpx.Response = self.run(send())
        return answer


@contextlib.contextmanager
def started(database: str, store: str, **settings: Any) -> Iterator[Service]:
    """A service on a database and a store, with some settings."""
    defaults = {"database_url": database, "store_url": store, "token": OPERATOR, "worker": False}
    app = create_app(Settings(**{**defaults, **settings}))
    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        try:
            yield Service(app, runner)
        finally:
            runner.run(lifespan.__aexit__(None, None, None))
