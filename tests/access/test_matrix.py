"""Every route for every kind of caller; `make access` prints the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI

from access.matrix.calls import COLLECTION, Case
from access.matrix.cells import cell_of, cells, routes
from access.matrix.table import ROWS, Row
from access.matrix.world import World
from access.service import Service, started
from landbridge.stac_api.access.grants import GrantCache
from landbridge.stac_api.access.rules import UNRESTRICTED, Access
from support.embedded_stack import fresh_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def world(stack: Any, tmp_path: Path) -> Iterator[World]:
    """A world of its own: what is listed is all that there is."""
    with (
        fresh_database(stack.database, "access_matrix") as database,
        started(database, tmp_path.as_uri(), audit_stdout=False) as service,
    ):
        yield World.made(service, database)


def test_every_route_has_a_row(service: Service) -> None:
    known = {(row.method, row.path) for row in ROWS}
    assert known >= routes(service.app)
    # HEAD and OPTIONS are answered everywhere, and described nowhere.
    paths = {path for _, path in routes(service.app)}
    others = known - routes(service.app)
    assert {method for method, _ in others} == {"HEAD", "OPTIONS"}
    assert {path for _, path in others} <= paths


def test_a_new_route_is_missed(service: Service) -> None:
    app = FastAPI()
    app.get("/secrets")(lambda: None)
    assert routes(app) - {(row.method, row.path) for row in ROWS} == {("GET", "/secrets")}


def test_a_service_that_lets_everybody_in_is_found_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def everything(*_: Any) -> Access:
        return UNRESTRICTED

    monkeypatch.setattr(GrantCache, "access", everything)
    leaking = {
        f"GET {COLLECTION} (private)",
        f"PATCH {COLLECTION} (merge)",
        "GET /collections",
        "POST /search (all)",
    }
    rows = [row for row in ROWS if row.name in leaking]
    found = {(cell.row.name, cell.caller): cell.wrong for cell in cells(world, rows)}
    for caller in ("anonymous", "stranger", "other org"):
        assert found[f"GET {COLLECTION} (private)", caller].startswith("200, not 404")
        assert "that it may not" in found["GET /collections", caller]
        assert "that it may not" in found["POST /search (all)", caller]
    assert found[f"PATCH {COLLECTION} (merge)", "reader"].startswith("200, not 403")
    assert found["GET /collections", "expired"] == ""


def test_a_refusal_that_changes_something_is_found_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    row = Row("GET", COLLECTION, {"stranger": 404}, prepare=lambda _: Case({"collection_id": "x"}, {}, "/y"))
    states = iter([(200, b"before"), (200, b"after")])
    monkeypatch.setattr("access.matrix.cells._watched", lambda *_: next(states))
    assert "/y changed" in cell_of(world, row, "stranger").wrong


def test_everybody_gets_what_is_expected(world: World) -> None:
    found = list(cells(world))
    wrong = [f"{cell.row.name}, {cell.caller}: {cell.wrong}" for cell in found if cell.wrong]
    assert not wrong, "\n".join(wrong)
