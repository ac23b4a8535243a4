"""One place where exceptions become HTTP answers: `{"code", "description"}`, never a stack trace.

PostgreSQL errors are grouped by their SQLSTATE class
(https://www.postgresql.org/docs/current/errcodes-appendix.html).
"""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

import asyncpg
import jsonpatch
import jsonpointer
import orjson
import psycopg
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from stac_fastapi.types import errors as stac_errors
from starlette.exceptions import HTTPException
from starlette.responses import Response

from landbridge.mappings import InvalidDocument

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request

logger = logging.getLogger(__name__)

_NO_SPACE = "The server has no space left, so nothing was stored. Its operator has to make room."
_BUSY = "The database is busy with what another request makes or deletes; try again in a moment."
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
RETRY_AFTER = 1  # seconds; the embedded stack restarts its database in about that time


class BadRequestError(Exception):
    """The request can't be carried out as it stands; the text says why and what would be right."""


class ConflictError(Exception):
    """The request contradicts what is stored."""


class UnavailableError(Exception):
    """A part the server needs does not answer; the same request may work later."""


class NoSpaceError(Exception):
    """A full database or object store, which only its operator can change."""


# States of the database that pass: another transaction is making or dropping a table, or holds a lock.
_PASSING = frozenset(
    {
        "40001",  # serialization_failure
        "40P01",  # deadlock_detected
        "42P01",  # undefined_table: a partition; no request names a table
        "55006",  # object_in_use
        "55P03",  # lock_not_available
    }
)
_PASSING_INTERNAL = ("could not open relation with OID", "cache lookup failed", "tuple concurrently")

# SQLSTATE (five characters) or its class (two) -> status.
_SQLSTATES: dict[str, int] = {
    "23505": 409,  # unique_violation
    "40": 503,  # transaction rollback: serialization failure, deadlock
    "08": 503,  # connection exception
    "53": 503,  # insufficient resources
    "57014": 503,  # query_canceled: statement_timeout
    "57": 503,  # operator intervention: shutting down, crash
    "58": 503,  # system error
    "02000": 404,  # no_data_found, as pgstac raises it
    "P0002": 404,  # no_data_found, as STRICT raises it
    "23503": 404,  # foreign_key_violation: pgstac's "collection does not exist"
    "25006": 403,  # read_only_sql_transaction
    "22": 400,  # data exception: bad number, timestamp, JSON
    "23": 400,  # other constraints
    "42": 400,  # syntax or unknown function: what a filter was translated to
    "54": 400,  # program limit exceeded: nesting, row size
    "P0": 400,  # RAISE EXCEPTION: pgstac refuses an argument
    "XX000": 400,  # internal_error: PostGIS refuses a geometry
}

_STATUS: dict[type[Exception], int] = {
    BadRequestError: 400,
    InvalidDocument: 400,
    ValidationError: 400,
    orjson.JSONDecodeError: 400,
    UnicodeEncodeError: 400,  # half of a surrogate pair
    RecursionError: 400,
    OverflowError: 400,  # a date outside the years 1 to 9999
    asyncpg.DataError: 400,  # a parameter that its type cannot hold
    stac_errors.InvalidQueryParameter: 400,
    stac_errors.NotFoundError: 404,
    stac_errors.ForeignKeyError: 404,
    ConflictError: 409,
    stac_errors.ConflictError: 409,
    stac_errors.DatabaseError: 400,
    jsonpatch.JsonPatchTestFailed: 409,
    jsonpatch.JsonPatchConflict: 409,
    jsonpatch.InvalidJsonPatch: 400,
    jsonpointer.JsonPointerException: 409,
    UnavailableError: 503,
    NoSpaceError: 507,
    OSError: 500,
    asyncpg.PostgresConnectionError: 503,
    asyncpg.InterfaceError: 503,
    psycopg.OperationalError: 503,
    ConnectionError: 503,
    TimeoutError: 503,
}

_CODES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    412: "PreconditionFailed",
    413: "ContentTooLarge",
    414: "URITooLong",
    415: "UnsupportedMediaType",
    416: "RangeNotSatisfiable",
    421: "MisdirectedRequest",
    429: "TooManyRequests",
    431: "RequestHeaderFieldsTooLarge",
    503: "ServiceUnavailable",
    507: "InsufficientStorage",
}


def sqlstate_status(sqlstate: str | None) -> int:
    """The HTTP status for a PostgreSQL error code; 500 where it says nothing about the request."""
    if not sqlstate:
        return 500
    return _SQLSTATES.get(sqlstate) or _SQLSTATES.get(sqlstate[:2]) or 500


def answer(status: int, description: str, headers: dict[str, str] | None = None) -> Response:
    """The body every error has."""
    body = {"code": _CODES.get(status, "Error"), "description": description}
    extra = {"Retry-After": str(RETRY_AFTER)} if status == 503 else {}
    return Response(
        orjson.dumps(body),
        status_code=status,
        media_type="application/json",
        headers={**extra, **(headers or {})},
    )


def is_passing(exc: BaseException) -> bool:
    """Return whether a database's error comes of what other transactions do, so the next try may succeed."""
    sqlstate = getattr(exc, "sqlstate", None)
    if sqlstate == "XX000":
        return any(text in str(exc) for text in _PASSING_INTERNAL)
    return sqlstate in _PASSING


def _describe(exc: Exception) -> str:
    if is_passing(exc):
        return _BUSY
    if isinstance(exc, (asyncpg.DiskFullError, psycopg.errors.DiskFull, OSError)) and _is_full(exc):
        return _NO_SPACE  # the error names paths of the server
    if isinstance(exc, (RequestValidationError, ValidationError)):
        return "; ".join(
            f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in exc.errors()[:10]
        )
    if isinstance(exc, AttributeError):
        return "The request body must be a JSON object, sent as application/json."
    if isinstance(exc, (asyncpg.IntegrityConstraintViolationError, psycopg.IntegrityError)):
        # The database names rows that the caller may not know of.
        return "The request contradicts what is stored: an id is taken, or what it refers to is not there."
    text = exc.args[0] if exc.args and isinstance(exc, asyncpg.PostgresError) else exc
    return str(text) or type(exc).__name__


def _status_of(exc: Exception) -> int:
    if is_passing(exc):
        return 503
    if _is_full(exc):
        return 507
    sqlstate = getattr(exc, "sqlstate", None)
    if sqlstate and (status := sqlstate_status(sqlstate)) != 500:
        return status
    for cls in type(exc).__mro__:
        if (known := _STATUS.get(cls)) is not None:
            return known
    return 500


def _is_full(exc: Exception) -> bool:
    """Return whether a disk of the database, the store or this server is full."""
    if isinstance(exc, OSError):
        return exc.errno in _FULL
    return isinstance(exc, NoSpaceError) or getattr(exc, "sqlstate", None) == "53100"


def _is_no_object(exc: Exception) -> bool:
    """Whether stac-pydantic looked for members of a body before it knew it to be an object."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        isinstance(exc, AttributeError)
        and trace is not None
        and trace.tb_frame.f_code.co_name == "validate_spatial"
    )


async def handle(request: Request, exc: Exception) -> Response:
    """Answer a known exception; anything unknown is logged with its trace and answered by a plain 500."""
    status = 400 if _is_no_object(exc) else _status_of(exc)
    if status >= 500 and status not in (503, 507):
        name = getattr(request.state, "request_id", None)
        logger.error("%s %s failed (%s)", request.method, request.url.path, name, exc_info=exc)
        return answer(500, f"The server failed; its log has the details, under {name}.")
    if status >= 500:
        logger.warning("%s %s: %s", request.method, request.url.path, exc)
    return answer(status, _describe(exc))


async def _handle_http(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    headers = dict(exc.headers or {})
    if exc.status_code == 405:
        # A router knows the methods of one of its routes only.
        from landbridge.stac_api.access.methods import of_route  # it answers by this module

        headers["Allow"] = ", ".join(sorted({*of_route(request.scope), "HEAD", "OPTIONS"}))
    return answer(exc.status_code, str(exc.detail), headers)


async def _handle_validation(request: Request, exc: Exception) -> Response:
    return answer(400, _describe(exc))


def install(app: FastAPI) -> None:
    """Register the handlers on an application, over those stac-fastapi brings."""
    app.exception_handlers.clear()
    for cls in (*_STATUS, asyncpg.PostgresError, psycopg.Error):
        app.add_exception_handler(cls, handle)
    app.add_exception_handler(HTTPException, _handle_http)
    app.add_exception_handler(RequestValidationError, _handle_validation)
    app.add_exception_handler(Exception, handle)
