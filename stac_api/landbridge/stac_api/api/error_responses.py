"""Translation of exceptions to HTTP responses: `{"code", "description"}`, never a stack trace."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

import asyncpg
import jsonpatch
import jsonpointer
import obstore.exceptions
import orjson
import procrastinate.exceptions
import psycopg
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from stac_fastapi.types import errors as stac_errors
from starlette.exceptions import HTTPException

from landbridge.mappings import InvalidDocument
from landbridge.stac_api.access.authentication import served_path
from landbridge.stac_api.core import database_errors
from landbridge.stac_api.core.responses import error_response
from landbridge.stac_api.errors import BadRequestError, ConflictError, NoSpaceError, UnavailableError
from landbridge.stac_api.http import allowed_methods
from landbridge.stac_api.tiles.answers import UnreadableItemError
from landbridge.stac_api.tiles.api.tile_search import TooManyImagesError

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["handle", "install", "part_of"]

logger = logging.getLogger(__name__)

_NO_SPACE = "The server has no space left, so nothing was stored. Its operator has to make room."
_BUSY = "The database is busy with what another request makes or deletes; try again in a moment."
_DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})

_STATUS: dict[type[Exception], int] = {
    BadRequestError: 400,
    InvalidDocument: 400,
    TooManyImagesError: 400,
    ValidationError: 400,
    orjson.JSONDecodeError: 400,
    UnicodeEncodeError: 400,  # a lone surrogate
    RecursionError: 400,
    OverflowError: 400,  # a date outside the years 1 to 9999
    asyncpg.DataError: 400,  # a parameter that its type cannot hold
    stac_errors.InvalidQueryParameter: 400,
    stac_errors.NotFoundError: 404,
    stac_errors.ForeignKeyError: 404,
    UnreadableItemError: 422,
    ConflictError: 409,
    stac_errors.ConflictError: 409,
    stac_errors.DatabaseError: 400,
    jsonpatch.JsonPatchTestFailed: 409,
    jsonpatch.JsonPatchConflict: 409,
    jsonpatch.InvalidJsonPatch: 400,
    jsonpointer.JsonPointerException: 409,
    UnavailableError: 503,
    obstore.exceptions.BaseError: 503,
    procrastinate.exceptions.ConnectorException: 503,
    NoSpaceError: 507,
    OSError: 500,
    asyncpg.PostgresConnectionError: 503,
    asyncpg.InterfaceError: 503,
    psycopg.OperationalError: 503,
    ConnectionError: 503,
    TimeoutError: 503,
}

_PARTS: dict[tuple[type[Exception], ...], str] = {
    (asyncpg.PostgresError, asyncpg.InterfaceError, psycopg.Error): "database",
    (obstore.exceptions.BaseError, NoSpaceError): "store",
    (procrastinate.exceptions.ConnectorException,): "queue",
}
_PART_NAMES = {"database": "The database", "store": "The object store", "queue": "The queue of jobs"}


def _describe(exc: Exception) -> str:
    if database_errors.is_transient(exc):
        return _BUSY
    if isinstance(exc, (asyncpg.DiskFullError, psycopg.errors.DiskFull, OSError)) and _is_disk_full(exc):
        return _NO_SPACE  # the error names paths of the server
    if isinstance(exc, (RequestValidationError, ValidationError)):
        return "; ".join(
            f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in exc.errors()[:10]
        )
    if isinstance(exc, AttributeError):
        return "The request body must be a JSON object, sent as application/json."
    if isinstance(exc, (asyncpg.IntegrityConstraintViolationError, psycopg.IntegrityError)):
        # The database's message names rows that the caller may not be allowed to see.
        return "The request contradicts what is stored: an id is taken, or a referenced object is missing."
    text = exc.args[0] if exc.args and isinstance(exc, asyncpg.PostgresError) else exc
    return str(text) or type(exc).__name__


def _status_of(exc: Exception) -> int:
    if database_errors.is_transient(exc):
        return 503
    if _is_disk_full(exc):
        return 507
    sqlstate = getattr(exc, "sqlstate", None)
    if sqlstate and (status := database_errors.http_status(sqlstate)) != 500:
        return status
    for cls in type(exc).__mro__:
        if (known := _STATUS.get(cls)) is not None:
            return known
    return 500


def _is_disk_full(exc: Exception) -> bool:
    """Return whether a disk of the database, the store or this server is full."""
    if isinstance(exc, OSError):
        return exc.errno in _DISK_FULL_ERRNOS
    return isinstance(exc, NoSpaceError) or getattr(exc, "sqlstate", None) == database_errors.DISK_FULL


def _is_no_object(exc: Exception) -> bool:
    """Return whether stac-pydantic failed on a body that is not an object."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (
        isinstance(exc, AttributeError)
        and trace is not None
        and trace.tb_frame.f_code.co_name == "validate_spatial"
    )


async def handle(request: Request, exc: Exception) -> Response:
    """Return the response to an exception; log an unknown one with its trace and answer a plain 500."""
    status = 400 if _is_no_object(exc) else _status_of(exc)
    if status >= 500 and status not in (503, 507):
        name = getattr(request.state, "request_id", None)
        logger.error("%s %s failed (%s)", request.method, served_path(request.scope), name, exc_info=exc)
        return error_response(500, f"The server failed; its log has the details, under {name}.")
    if status >= 500:
        logger.warning("%s %s: %s", request.method, served_path(request.scope), exc)
    retry_after = getattr(exc, "retry_after", None)
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    part = part_of(exc) if status >= 500 else None
    return error_response(status, _naming(_describe(exc), part), headers, part=part)


def part_of(exc: Exception) -> str | None:
    """Return the part of the service that an error comes from: `database`, `store`, `queue` or `issuer`."""
    if isinstance(exc, UnavailableError):
        return exc.part
    return next((part for kinds, part in _PARTS.items() if isinstance(exc, kinds)), None)


def _naming(text: str, part: str | None) -> str:
    """Return the description of an error so that it names the part that failed."""
    name = _PART_NAMES.get(part or "", "")
    return text if not name or part is None or part in text.lower() else f"{name} failed: {text}"


async def _handle_http(request: Request, exc: Exception) -> Response:
    assert isinstance(exc, HTTPException)
    headers = dict(exc.headers or {})
    if exc.status_code == 405:
        # Starlette's own `Allow` has the methods of one route only.
        headers["Allow"] = ", ".join(
            sorted({*allowed_methods.methods_of_path(request.scope), "HEAD", "OPTIONS"})
        )
    return error_response(exc.status_code, str(exc.detail), headers)


async def _handle_validation(request: Request, exc: Exception) -> Response:
    return error_response(400, _describe(exc))


def install(app: FastAPI) -> None:
    """Register the handlers on an application in place of those of stac-fastapi."""
    app.exception_handlers.clear()
    for cls in (*_STATUS, asyncpg.PostgresError, psycopg.Error):
        app.add_exception_handler(cls, handle)
    app.add_exception_handler(HTTPException, _handle_http)
    app.add_exception_handler(RequestValidationError, _handle_validation)
    app.add_exception_handler(Exception, handle)
