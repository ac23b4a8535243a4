"""Fixtures of a service that many use, each with rights of its own."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

import pytest

from access.people import People, meet, share
from access.service import OPERATOR, Service, started
from landbridge.stac_api.access import tokens
from landbridge.stac_api.access.principal import Principal
from support.embedded_stack import SHARED, collections_removed, fresh_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ANN", "OPERATOR", "Service"]

ANN = Principal("ann", org="acme", groups=("flood",), email="ann@acme.test")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Return the event loop of tests that are coroutines."""
    return "asyncio"


@pytest.fixture
def run() -> Iterator[Callable[..., Any]]:
    """Run coroutines, one after the other in one loop."""
    with asyncio.Runner() as runner:
        yield runner.run


@pytest.fixture(scope="session")
def database(stack: Any, pytestconfig: pytest.Config) -> Iterator[str]:
    """The URL of a database that no other tests use."""
    with fresh_database(stack.database, "access_tests") as url:
        pytestconfig.stash[SHARED].add(url)
        yield url
        pytestconfig.stash[SHARED].remove(url)


@pytest.fixture(autouse=True, scope="module")
def own_collections(pytestconfig: pytest.Config) -> Iterator[None]:
    """Remove the collections of a module after it."""
    with collections_removed(pytestconfig):
        yield


@pytest.fixture(scope="session")
def serve(database: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Start a service with some settings, for as long as a `with` lasts."""
    return functools.partial(started, database, tmp_path_factory.mktemp("store").as_uri())


@pytest.fixture(scope="session")
def service(serve: Callable[..., Any]) -> Iterator[Service]:
    """A service with the settings of no operator in particular."""
    with serve() as running:
        yield running


@pytest.fixture
def token(database: str) -> Callable[..., str]:
    """Make an API token of somebody."""

    def make(principal: Principal = ANN, **options: Any) -> str:
        return tokens.create_token(database, principal, **options)[0]

    return make


@pytest.fixture
def people(service: Service, token: Callable[..., str]) -> People:
    """A caller of each kind."""
    return meet(service, token, OPERATOR)


@pytest.fixture
def product(people: People) -> str:
    """A product that they share."""
    return share(people)
