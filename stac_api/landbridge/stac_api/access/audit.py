"""The audit log: one row for every attempt to change something, and for every caller that was refused.

It has the request's path and never its query, which may hold a signature, and of a credential only its name.
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
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Audit", "Entry", "add_targets", "find_entries", "target_id"]

logger = logging.getLogger(__name__)

_REFUSED_STATUSES: Final = frozenset({401, 403})
_TARGETS_KEY: Final = "audit_targets"  # in a request's state
_MAX_CHARACTERS: Final = 600  # of a target
_MAX_PRINTED_TARGETS: Final = 100  # targets of a JSON line; the table has all


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `action` is its route's path; `targets` are the ids that it was about."""

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
        """As JSON has it."""
        values = {name: getattr(self, name) for name in _COLUMNS}
        time = self.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return values | {"time": time, "request_id": str(self.request_id)}


_COLUMNS: Final = tuple(field.name for field in fields(Entry))
_COLUMN_LIST: Final = ", ".join(_COLUMNS)
_PARAMETERS: Final = ", ".join(f"${number}" for number, _ in enumerate(_COLUMNS, start=1))
_INSERT: Final = f"INSERT INTO landbridge.audit ({_COLUMN_LIST}) VALUES ({_PARAMETERS})"  # noqa: S608 - constants


def add_targets(request: Request, *targets: object) -> None:
    """Say what a request is about, where its path does not: ids in its body, and such as the server makes.

    What is no text is passed over: bodies are not checked when what they are about is noted.
    """
    known = (target for target in targets if isinstance(target, str) and target)
    request.scope["state"].setdefault(_TARGETS_KEY, []).extend(known)


class Audit:
    """ASGI middleware that names every request by `X-Request-Id`, and records those that are to be known of.

    A record is made before the answer is sent. Where the database does not take it, it goes to the server's
    log.

    Args:
        app: what is recorded.
        to_stdout: whether records are printed too, as JSON lines.
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

        async def recorded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                message = {
                    **message,
                    "headers": [*message["headers"], (b"x-request-id", str(request_id).encode())],
                }
                await self._note(scope, request_id, message["status"])
            await send(message)

        try:
            await self.app(scope, receive, recorded)
        except Exception:
            if not started:  # it is answered 500, outside of here
                await self._note(scope, request_id, 500)
            raise

    async def _note(self, scope: Scope, request_id: uuid.UUID, status: int) -> None:
        if status == 429 or (is_read(scope) and status not in _REFUSED_STATUSES):
            return
        entry = self._entry(scope, request_id, status)
        try:
            pool = scope["app"].state.services.writepool
            await pool.execute(_INSERT, *(getattr(entry, name) for name in _COLUMNS))
        except Exception as error:  # noqa: BLE001 - whatever it is, what the request did is done
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
        """The route of a request, which may have been refused before it came to one."""
        if self._routes is None:
            paths = scope["app"].openapi()["paths"]
            # OpenAPI does not tell which parameters may hold slashes; assets' does.
            self._routes = [(compile_path(path.replace("{path}", "{path:path}"))[0], path) for path in paths]
        path = served_path(scope)
        for pattern, route in self._routes:
            if match := pattern.match(path):
                return route, match.groupdict()
        return _storable(path), {}


def _storable(text: str) -> str:
    """A text as the table can have it: with no NUL, and no longer than an index takes, in any alphabet."""
    return text[:_MAX_CHARACTERS].replace("\x00", "\\0")


def _targets_in_path(parameters: Mapping[str, str]) -> list[str]:
    """The ids that a path is about, as users know them."""
    collection, item = parameters.get("collection_id"), parameters.get("target_id")
    if collection and item:
        return [target_id(collection, item)]
    if collection:
        return [collection]
    kinds = ("upload_id", "deletion_id")
    return [f"{kind.removesuffix('_id')} {parameters[kind]}" for kind in kinds if kind in parameters]


def target_id(collection: str, item: str) -> str:
    """The id of an image or a blob, by those of its collection and its item."""
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
    """The last entries that match, the oldest of them first.

    Args:
        database_url: libpq URL.
        user: whose.
        target: about which id.
        since: not before that.
        limit: how many at most.
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
