"""A service as it is run for many: on a database of its own, in this process, open to nobody."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import psycopg
import pytest
from psycopg import sql

from landbridge.stac_api.access import tokens
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.app import create_app
from landbridge.stac_api.database import migrate
from landbridge.stac_api.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

OPERATOR = "the operator's token, of these tests"
ANN = Principal("ann", org="acme", groups=("flood",), email="ann@acme.test")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """What runs tests that are coroutines."""
    return "asyncio"


@pytest.fixture
def run() -> Iterator[Callable[..., Any]]:
    """Run coroutines, one after the other in one loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="session")
def database(stack: Any) -> Iterator[str]:
    """The URL of a database that no other tests use."""
    name = "access_tests"
    with psycopg.connect(stack.database, autocommit=True) as conn:
        conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = stack.database.replace("/landbridge?", f"/{name}?", 1)
        assert url != stack.database
        migrate(url)
        yield url
        conn.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


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
        """What the service answers to a bearer of a token."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(address, 50000))
            async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as client:
                return await client.request(method, path, headers=headers, **options)

        answer: httpx.Response = self.run(send())
        return answer


@pytest.fixture(scope="session")
def serve(database: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Start a service with some settings, for as long as a `with` lasts."""
    store: Path = tmp_path_factory.mktemp("store")

    @contextlib.contextmanager
    def start(**settings: Any) -> Iterator[Service]:
        defaults = {
            "database_url": database,
            "store_url": store.as_uri(),
            "token": OPERATOR,
            "worker": False,
        }
        app = create_app(Settings(**{**defaults, **settings}))  # type: ignore[arg-type]
        with asyncio.Runner() as runner:
            lifespan = app.router.lifespan_context(app)
            runner.run(lifespan.__aenter__())
            try:
                yield Service(app, runner)
            finally:
                runner.run(lifespan.__aexit__(None, None, None))

    return start


@pytest.fixture(scope="session")
def service(serve: Callable[..., Any]) -> Iterator[Service]:
    """A service with the settings of no operator in particular."""
    with serve() as started:
        yield started


@pytest.fixture
def token(database: str) -> Callable[..., str]:
    """Make an API token of somebody."""

    def make(principal: Principal = ANN, **options: Any) -> str:
        return tokens.create(database, principal, **options)[0]

    return make
