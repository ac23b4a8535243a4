"""Audit log: one row for every request that writes, and for every refused request.

A row contains the request's path but not its query, which may contain a signature, and the name of the
credential but not the credential.
"""

from __future__ import annotations

import json
import logging
import sys
import uuid
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg.rows import class_row
from starlette.routing import compile_path

from landbridge.mappings import ids
from landbridge.stac_api.access.authentication import client_address, is_read, served_path
from landbridge.stac_api.access.principal import ANONYMOUS, Principal

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Audit", "Entry", "add_targets", "find_entries", "stream_entries", "target_id"]

logger = logging.getLogger(__name__)

_REFUSED_STATUSES: Final = frozenset({401, 403})
_TARGETS_KEY: Final = "audit_targets"  # in a request's state
_MAX_CHARACTERS: Final = 600  # of a target
_MAX_PRINTED_TARGETS: Final = 100  # targets of a JSON line; the table has all


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `action` is the path of its route; `targets` are the ids that it concerns."""

    time: datetime
    request_id: uuid.UUID
    username: str
    org: str | None
    credential: str | None
    method: str
    action: str
    targets: list[str]
    status: int
    address: str | None

    def document(self) -> dict[str, Any]:
        """Return the entry as a JSON object."""
        values = {name: getattr(self, name) for name in _COLUMNS}
        time = self.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return values | {"time": time, "request_id": str(self.request_id)}


_COLUMNS: Final = tuple(field.name for field in fields(Entry))
_COLUMN_LIST: Final = ", ".join(_COLUMNS)
_PARAMETERS: Final = ", ".join(f"${number}" for number, _ in enumerate(_COLUMNS, start=1))
_INSERT: Final = f"INSERT INTO landbridge.audit ({_COLUMN_LIST}) VALUES ({_PARAMETERS})"  # noqa: S608 - constants


def add_targets(request: Request, *targets: object) -> None:
    """Add ids to the targets of a request: ids from its body, or made by the server.

    Values that are not strings are ignored, because bodies are not validated yet when targets are added.
    """
    known = (target for target in targets if isinstance(target, str) and target)
    request.scope["state"].setdefault(_TARGETS_KEY, []).extend(known)


class Audit:
    """ASGI middleware that sets `X-Request-Id` and writes the audit log.

    The entry is written before the response is sent. If the database does not take it, it goes to the
    server's log.

    Args:
        app: the application.
        to_stdout: print entries as JSON lines too.
    """

    def __init__(self, app: ASGIApp, *, to_stdout: bool) -> None:
        self.app = app
        self._to_stdout = to_stdout
        self._routes: list[tuple[re.Pattern[str], str]] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4()
        scope.setdefault("state", {})["request_id"] = str(request_id)
        started = False

        async def send_recorded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {
                    **message,
                    "headers": [*message["headers"], (b"x-request-id", str(request_id).encode())],
                }
                await self._record(scope, request_id, message["status"])
            await send(message)

        try:
            await self.app(scope, receive, send_recorded)
        except Exception:
            if not started:  # an outer middleware answers 500
                await self._record(scope, request_id, 500)
            raise

    async def _record(self, scope: Scope, request_id: uuid.UUID, status: int) -> None:
        if status == 429 or (is_read(scope) and status not in _REFUSED_STATUSES):
            return
        entry = self._entry(scope, request_id, status)
        try:
            pool = scope["app"].state.services.writepool
            await pool.execute(_INSERT, *(getattr(entry, name) for name in _COLUMNS))
        except Exception as error:  # noqa: BLE001 - the request has had its effect already
            logger.error("Not in the audit log (%r): %s", error, json.dumps(entry.document()))  # noqa: TRY400
        if self._to_stdout:
            _print(entry)

    def _entry(self, scope: Scope, request_id: uuid.UUID, status: int) -> Entry:
        state = scope["state"]
        caller: Principal = state.get("principal", ANONYMOUS)
        action, parameters = self._route(scope)
        targets = dict.fromkeys([*_targets_in_path(parameters), *state.get(_TARGETS_KEY, ())])
        return Entry(
            time=datetime.now(UTC),
            request_id=request_id,
            username=caller.name,
            org=caller.org,
            credential=caller.credential,
            method=scope["method"],
            action=action,
            targets=list(map(_storable, targets)),
            status=status,
            address=client_address(scope) or None,
        )

    def _route(self, scope: Scope) -> tuple[str, Mapping[str, str]]:
        """Return the path template and parameters of a request, which may be refused before it is routed."""
        if self._routes is None:
            paths = scope["app"].openapi()["paths"]
            # OpenAPI does not tell which parameters may contain slashes; only `path` of assets does.
            self._routes = [(compile_path(path.replace("{path}", "{path:path}"))[0], path) for path in paths]
        path = served_path(scope)
        for pattern, route in self._routes:
            if match := pattern.match(path):
                return route, match.groupdict()
        return _storable(path), {}


def _storable(text: str) -> str:
    """Return a text that the table accepts: without NUL, and short enough for an index in any alphabet."""
    return text[:_MAX_CHARACTERS].replace("\x00", "\\0")


def _targets_in_path(parameters: Mapping[str, str]) -> list[str]:
    """Return the Catalog ids in a path's parameters."""
    collection, item = parameters.get("collection_id"), parameters.get("item_id")
    if collection and item:
        return [target_id(collection, item)]
    if collection:
        return [collection]
    kinds = ("upload_id", "deletion_id", "destination_id", "subscription_id")
    return [f"{kind.removesuffix('_id')} {parameters[kind]}" for kind in kinds if kind in parameters]


def target_id(collection: str, item: str) -> str:
    """Return the Catalog id of an image or a blob from the ids of its collection and item."""
    if ids.is_blob_collection(collection):
        try:
            return ids.blob_id(
                collection.removeprefix(ids.BLOB_COLLECTION_PREFIX), *ids.split_blob_item_id(item)
            )
        except ValueError:
            return ids.blob_id(collection.removeprefix(ids.BLOB_COLLECTION_PREFIX), "", item)
    return ids.image_id(collection, item)


def _print(entry: Entry) -> None:
    document = entry.document()
    if (more := len(entry.targets) - _MAX_PRINTED_TARGETS) > 0:
        document |= {"targets": entry.targets[:_MAX_PRINTED_TARGETS], "more_targets": more}
    sys.stdout.write(json.dumps({"event": "audit", **document}) + "\n")
    sys.stdout.flush()


def find_entries(
    database_url: str,
    *,
    user: str | None = None,
    target: str | None = None,
    since: datetime | None = None,
    limit: int,
) -> list[Entry]:
    """Return the last entries that match, oldest first.

    Args:
        database_url: libpq URL.
        user: only requests of this user.
        target: only requests that concern this id.
        since: only requests at or after this time.
        limit: maximum number of entries.
    """
    query = (
        f"SELECT {_COLUMN_LIST} FROM landbridge.audit "  # noqa: S608 - constants
        "WHERE (%(user)s::text IS NULL OR username = %(user)s) "
        "AND (%(target)s::text IS NULL OR targets @> ARRAY[%(target)s::text]) "
        "AND (%(since)s::timestamptz IS NULL OR time >= %(since)s) ORDER BY id DESC LIMIT %(limit)s"
    )
    with psycopg.connect(database_url, row_factory=class_row(Entry)) as conn:
        about = target if target is None else _storable(target)
        values = {"user": user, "target": about, "since": since, "limit": limit}
        return conn.execute(query.encode(), values).fetchall()[::-1]


def stream_entries(
    database_url: str, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Entry]:
    """Yield all entries of a period, oldest first, in bounded memory.

    Args:
        database_url: libpq URL.
        since: only requests at or after this time.
        until: only requests before this time.
    """
    query = (
        f"SELECT {_COLUMN_LIST} FROM landbridge.audit "  # noqa: S608 - constants
        "WHERE (%(since)s::timestamptz IS NULL OR time >= %(since)s) "
        "AND (%(until)s::timestamptz IS NULL OR time < %(until)s) ORDER BY id"
    )
    with (
        psycopg.connect(database_url) as conn,
        conn.cursor("audit_export", row_factory=class_row(Entry)) as cursor,
    ):
        cursor.itersize = 2000
        cursor.execute(query.encode(), {"since": since, "until": until})
        yield from cursor
