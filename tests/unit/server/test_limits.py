"""Bodies over the limit are refused, declared or not; files in transit are their route's business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from landbridge.stac_api.access.request_limits import LimitBody

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


async def length(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await request.body())))


async def send(method: str, path: str, content: Any) -> httpx.Response:
    routes = [Route("/{path:path}", length, methods=["POST", "PUT"])]
    app = Starlette(routes=routes, middleware=[Middleware(LimitBody, limit=10, query=5, document=8)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        return await client.request(method, path, content=content)


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("size", "status"), [(10, 200), (11, 413)])
def test_a_body_may_be_as_long_as_the_limit(run: Any, streamed: bool, size: int, status: int) -> None:
    body = b"x" * size
    answer = run(send("POST", "/collections/c/items", chunks(body[:6], body[6:]) if streamed else body))
    assert answer.status_code == status
    assert "10 bytes" in answer.text or answer.text == "10"


@pytest.mark.parametrize(("size", "status"), [(5, 200), (6, 413)])
def test_searches_may_be_as_long_as_their_limit(run: Any, size: int, status: int) -> None:
    assert run(send("POST", "/search", b"x" * size)).status_code == status


@pytest.mark.parametrize(("size", "status"), [(8, 200), (9, 413)])
@pytest.mark.parametrize(("method", "path"), [("POST", "/collections"), ("PUT", "/collections/c/items/i")])
def test_one_document_may_be_as_long_as_its_limit(
    run: Any, method: str, path: str, size: int, status: int
) -> None:
    assert run(send(method, path, b"x" * size)).status_code == status


def test_the_bytes_of_an_upload_are_not_bound_here(run: Any) -> None:
    assert run(send("PUT", "/uploads/3/files/0", b"x" * 100)).text == "100"
