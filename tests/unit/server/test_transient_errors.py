"""Passing errors of the database while others make or drop tables: tried again, then a 503, never a 400."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import asyncpg
import orjson
import psycopg
import pytest

from landbridge.stac_api.api import error_responses
from landbridge.stac_api.pgstac import writes

PASSING = [
    asyncpg.DeadlockDetectedError("deadlock detected"),
    asyncpg.SerializationError("could not serialize access"),
    asyncpg.LockNotAvailableError("canceling statement due to lock timeout"),
    asyncpg.ObjectInUseError("partition is in use"),
    asyncpg.UndefinedTableError('relation "_items_124" does not exist'),
    asyncpg.InternalServerError("could not open relation with OID 12345"),
    asyncpg.InternalServerError("tuple concurrently updated"),
    psycopg.errors.DeadlockDetected("deadlock detected"),
    psycopg.errors.UndefinedTable('relation "_items_124" does not exist'),
    psycopg.errors.LockNotAvailable("canceling statement due to lock timeout"),
]
LASTING = [
    asyncpg.InternalServerError("GeoJson: geometry not supported."),
    asyncpg.UniqueViolationError("duplicate key"),
    asyncpg.UndefinedColumnError("column does not exist"),
]
REQUEST: Any = SimpleNamespace(
    method="POST", scope={"path": "/collections"}, state=SimpleNamespace(request_id="r")
)


@pytest.mark.parametrize("error", PASSING, ids=lambda error: f"{type(error).__name__}: {error}")
def test_a_passing_state_is_answered_by_a_503_that_says_when_to_try_again(error: Exception) -> None:
    answer = asyncio.run(error_responses.handle(REQUEST, error))
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    said = orjson.loads(answer.body)["description"]
    assert "try again" in said
    assert "_items_" not in said


@pytest.mark.parametrize("error", LASTING, ids=lambda error: f"{type(error).__name__}: {error}")
def test_what_the_caller_asked_for_is_no_passing_state(error: Exception) -> None:
    assert asyncio.run(error_responses.handle(REQUEST, error)).status_code in (400, 409)


@pytest.mark.parametrize("error", PASSING[:7], ids=lambda error: f"{type(error).__name__}: {error}")
def test_a_transaction_is_tried_again_after_a_passing_state(error: Exception) -> None:
    left = [error, error]

    async def attempt() -> str:
        if left:
            raise left.pop()
        return "done"

    pool: Any = None
    assert asyncio.run(writes._retrying(pool, attempt)) == "done"


def test_a_transaction_is_not_tried_again_for_ever_nor_after_another_error() -> None:
    tried: list[Exception] = []

    async def run(error: Exception) -> None:
        async def attempt() -> None:
            tried.append(error)
            raise error

        pool: Any = None
        await writes._retrying(pool, attempt)

    with pytest.raises(asyncpg.DeadlockDetectedError):
        asyncio.run(run(PASSING[0]))
    assert 1 < len(tried) < 20
    tried.clear()
    with pytest.raises(asyncpg.UniqueViolationError):
        asyncio.run(run(LASTING[1]))
    assert len(tried) == 1
