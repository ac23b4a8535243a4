"""The stack of the tests in this folder keeps its objects in S3."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from landbridge.stac_api.assets.store import AssetStore
from support.embedded_stack import running_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.stac_api.embedded import stack as embedded
    from support.s3_server import S3Server


@pytest.fixture(scope="session")
def store_environment(s3_server: S3Server) -> Iterator[dict[str, str]]:
    """The variables of a server with its objects in S3; those of the store's program are set."""
    environment = s3_server.environment()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            if name != "LANDBRIDGE_STORE_URL":  # other stacks of this run keep their store
                patch.setenv(name, value)
        yield environment


@pytest.fixture(scope="session")
def stack(cluster_template: Path, store_environment: dict[str, str]) -> Iterator[embedded.Stack]:
    with contextlib.ExitStack() as running:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("LANDBRIDGE_STORE_URL", store_environment["LANDBRIDGE_STORE_URL"])
            started = running.enter_context(running_stack(cluster_template))
        yield started
        assert not list(Path(started.store).rglob("*")), "nothing was put into the home"


@pytest.fixture(autouse=True)
def in_effect(stack: embedded.Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients find this stack."""
    monkeypatch.setenv("LANDBRIDGE_HOME", str(stack.home))


@pytest.fixture(scope="session")
def http(stack: embedded.Stack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def store(store_environment: dict[str, str]) -> AssetStore:
    return AssetStore(store_environment["LANDBRIDGE_STORE_URL"])
