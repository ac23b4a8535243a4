"""After a write, reads ask a service for its newest state, which a replica may not have yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from landbridge.catalog import CatalogClient
from support.scripted_server import ScriptedServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    made = ScriptedServer()
    yield made
    made.stop()


def test_reads_soon_after_a_write_ask_for_the_newest_state(server: ScriptedServer) -> None:
    client = CatalogClient(url=server.url)

    def asked() -> list[str | None]:
        client.get("/collections/a")
        client.post("/search", {"collections": ["a"]}, idempotent=True)
        return [headers.get("Cache-Control") for _, _, headers, _ in server.seen[-2:]]

    assert asked() == [None, None]
    client.post("/collections", {"id": "a"})
    assert "Cache-Control" not in server.seen[-1][2]
    assert asked() == ["no-cache", "no-cache"]
    client._written_at -= 11
    assert asked() == [None, None]
