"""A service for several people, over HTTP: a database and a store of its own, and a token for each."""

from __future__ import annotations

import socket
import threading
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

import pytest
import uvicorn

from landbridge.auth import Auth
from landbridge.catalog import CatalogClient
from landbridge.stac_api.access import tokens
from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.api.app import create_app
from landbridge.stac_api.core.settings import Settings
from support.embedded_stack import fresh_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

OPERATOR = "the operator's token, of these tests"
PEOPLE = {
    "ann": Principal("ann", org="acme", groups=("flood",), email="ann@acme.test"),
    "amy": Principal("amy", org="acme"),
    "ben": Principal("ben", org="brick", groups=("flood",), email="Ben@brick.test"),
    "cat": Principal("cat", org="crane"),
}


class Serving:
    """A service while it runs: `url`, the URL of its `database`, the folder of its `store`."""

    def __init__(self, settings: Settings) -> None:
        self.database = settings.database_url
        self.store = Path(unquote(urlsplit(settings.store_url).path))
        self.app = create_app(settings)
        config = uvicorn.Config(self.app, log_level="warning", lifespan="on", proxy_headers=False)
        self._server = uvicorn.Server(config)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})

    def __enter__(self) -> Self:
        # Requests wait in the socket's queue until it has started.
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def token(self, principal: Principal, **options: Any) -> str:
        """A token of somebody, made as `landbridge token create` does."""
        return tokens.create_token(self.database, principal, **options)[0]

    def client(self, principal: Principal, **options: Any) -> CatalogClient:
        """A client that knows the address and a token, and nothing else of its user."""
        return CatalogClient(self.url, auth=Auth(token=self.token(principal, **options)))


@pytest.fixture(scope="session")
def serve(
    stack: Any, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., AbstractContextManager[Serving]]:
    """Start a service with some settings, on a database of its own (workers share the jobs of one) or on
    that of the service that it stands `beside`.
    """

    @contextmanager
    def start(beside: Serving | None = None, **settings: Any) -> Iterator[Serving]:
        if beside is not None:
            known = {"database_url": beside.database, "store_url": beside.store.as_uri()}
            with Serving(Settings(**{"token": OPERATOR, **known, **settings})) as running:
                yield running
            return
        name = f"shared_tests_{uuid.uuid4().hex[:8]}"
        with fresh_database(stack.database, name) as url:
            store = tmp_path_factory.mktemp("store")
            defaults = {"database_url": url, "store_url": store.as_uri(), "token": OPERATOR}
            with Serving(Settings(**{**defaults, **settings})) as running:
                yield running

    return start


@pytest.fixture(scope="session")
def service(serve: Callable[..., AbstractContextManager[Serving]]) -> Iterator[Serving]:
    """A service with the settings of no operator in particular."""
    with serve() as running:
        yield running


@pytest.fixture
def people(service: Serving) -> Iterator[dict[str, CatalogClient]]:
    """A client for each, by their names."""
    clients = {name: service.client(principal) for name, principal in PEOPLE.items()}
    yield clients
    for client in clients.values():
        client.close()


@pytest.fixture
def as_user(service: Serving, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Have what is configured by the environment be of somebody."""

    def become(name: str) -> None:
        monkeypatch.setenv("LANDBRIDGE_URL", service.url)
        monkeypatch.setenv("LANDBRIDGE_TOKEN", service.token(PEOPLE[name]))
        CatalogClient.clear_all_default_clients()

    yield become
    CatalogClient.clear_all_default_clients()
