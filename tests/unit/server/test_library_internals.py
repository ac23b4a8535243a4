"""Undocumented behaviour of web libraries that the server relies on: each test fails if it changes."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from stac_pydantic.api.search import Search
from starlette.applications import Starlette
from uvicorn import Server
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from landbridge.stac_api.http.allowed_methods import routes_of


def test_uvicorn_parses_addresses_and_networks_of_proxies() -> None:
    app: Any = Starlette()
    trusted = ProxyHeadersMiddleware(app, ["10.0.0.0/8", "::1"]).trusted_hosts
    assert "10.1.2.3" in trusted
    assert "::1" in trusted
    assert "192.0.2.1" not in trusted


def test_uvicorn_sets_started_in_startup() -> None:
    assert "started" in Server.startup.__code__.co_names


def test_fastapi_gives_the_routes_of_included_routers() -> None:
    router = APIRouter()

    @router.get("/inner")
    async def inner() -> None: ...

    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/outer")
    paths = [route.path for route in routes_of(app.router.routes)]
    assert [path for path in paths if path.endswith("/inner")] != []


def test_starlette_keeps_middleware_in_a_list_until_the_first_request() -> None:
    app = FastAPI()
    assert app.user_middleware == []


def test_stac_pydantic_reads_members_before_it_checks_for_an_object() -> None:
    assert issubclass(Search, BaseModel)
    with pytest.raises(AttributeError) as caught:
        Search.model_validate(["not an object"])
    assert caught.traceback[-1].name == "validate_spatial"
