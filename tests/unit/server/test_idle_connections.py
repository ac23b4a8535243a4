"""A client closes idle connections before the server does, so that no request meets a closed one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import uvicorn

from landbridge.stac_api.admin import service
from landbridge.stac_api.core.settings import Settings
from landbridge.stac_api.embedded.http_server import Server
from landbridge.stac_api.pgstac import migrate

LONGEST_OF_PROXIES = 120  # seconds, Caddy's


def seconds_of_the_embedded_server(_: pytest.MonkeyPatch) -> int:
    settings = Settings(database_url="postgresql:///nothing", store_url="file:///nothing", token="unused")
    return Server(settings, lambda _: None).config.timeout_keep_alive


def seconds_of_the_api_server(monkeypatch: pytest.MonkeyPatch) -> int:
    found: list[uvicorn.Config] = []

    def run(app: str, **options: Any) -> None:
        found.append(uvicorn.Config(app, **options))

    monkeypatch.setattr(uvicorn, "run", run)
    monkeypatch.setattr(migrate, "check_schema", lambda _: None)
    monkeypatch.setenv("LANDBRIDGE_DATABASE_URL", "postgresql:///nothing")
    service.serve("127.0.0.1", 0)
    return found[0].timeout_keep_alive


@pytest.mark.parametrize("seconds", [seconds_of_the_embedded_server, seconds_of_the_api_server])
def test_the_server_keeps_idle_connections_longer_than_clients_and_proxies(
    monkeypatch: pytest.MonkeyPatch, seconds: Any
) -> None:
    kept_by_clients = httpx.Limits().keepalive_expiry
    assert kept_by_clients is not None
    assert seconds(monkeypatch) > max(kept_by_clients, LONGEST_OF_PROXIES)
