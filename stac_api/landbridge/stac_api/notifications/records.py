"""Records of destinations and subscriptions: their tables, and their JSON in the API."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg
from stac_fastapi.types.errors import NotFoundError

from landbridge.stac_api.errors import BadRequestError, ConflictError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from landbridge.stac_api.access.principal import Principal

    Executor: TypeAlias = asyncpg.Pool | asyncpg.Connection

__all__ = [
    "Destination",
    "Owner",
    "Subscription",
    "create",
    "dead_letters",
    "delete",
    "destination",
    "destinations",
    "not_found",
    "progress",
    "replace_cursors",
    "retry_dead_letters",
    "subscription",
    "subscriptions",
    "update",
]

_DESTINATIONS: Final = "landbridge.notification_destinations"
_SUBSCRIPTIONS: Final = "landbridge.notification_subscriptions"
# A user's rows; operators see all, and no user sees those of an operator of the same name.
_OWN: Final = "($1::boolean OR (username = $2 AND NOT operator))"
_LIST = "SELECT * FROM {table} WHERE {own} ORDER BY id LIMIT $3 OFFSET $4"
_MATCHED = "SELECT count(*) FROM {table} WHERE {own}"
_ONE = "SELECT * FROM {table} WHERE {own} AND id = $3"
_COUNT = "SELECT count(*) FROM {table} WHERE username = $1 AND operator = $2"
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('notifications of ' || $1, 0))"
_PROGRESS = """
SELECT c.subscription_id, c.collection, c.attempts, c.next_attempt, c.last_error, c.last_delivered,
       (SELECT count(*) FROM (
           SELECT FROM landbridge.new_images n
           WHERE n.collection = c.collection AND n.position > c.position AND n.id > c.after_image LIMIT 1000
       ) AS pending) AS waiting
FROM landbridge.notification_cursors c WHERE c.subscription_id = ANY ($1) ORDER BY c.id
"""
_DEAD = """
SELECT subscription_id, count(*) FROM landbridge.dead_letters WHERE subscription_id = ANY ($1) GROUP BY 1
"""
_DROP_CURSORS = """
DELETE FROM landbridge.notification_cursors WHERE subscription_id = $1 AND NOT collection = ANY ($2)
"""
_ADD_CURSORS = """
INSERT INTO landbridge.notification_cursors (subscription_id, collection, after_image)
SELECT $1, collection, landbridge.newest_image() FROM unnest($2::text[]) AS collection
ON CONFLICT (subscription_id, collection) DO UPDATE SET attempts = 0, next_attempt = NULL
"""
_LETTERS = "SELECT * FROM landbridge.dead_letters WHERE subscription_id = $1 ORDER BY id LIMIT $2 OFFSET $3"
_LETTERS_MATCHED = "SELECT count(*) FROM landbridge.dead_letters WHERE subscription_id = $1"
_RETRY = """
UPDATE landbridge.dead_letters SET retry = true
WHERE subscription_id = $1 AND ($2::bigint[] IS NULL OR id = ANY ($2))
"""


@dataclass(frozen=True, slots=True)
class Owner:
    """The part of a caller that decides which records it sees."""

    username: str
    operator: bool

    @classmethod
    def of(cls, principal: Principal) -> Owner:
        """Return the owner that a caller is."""
        # No user has an empty name, so that an anonymous caller owns nothing.
        return cls(principal.user or "", principal.operator)


@dataclass(frozen=True, slots=True)
class Destination:
    """An address to which notifications are sent. Neither its text nor its JSON shows secrets."""

    id: str
    username: str
    operator: bool
    url: str
    headers: Mapping[str, str]
    secret: bytes
    properties: Mapping[str, Any]
    created: datetime
    modified: datetime

    def __repr__(self) -> str:
        return f"Destination({self.id!r}, {self.url!r})"

    def to_json(self) -> dict[str, Any]:
        """Return the destination as the API shows it: of its headers, only the names."""
        return {
            "id": self.id,
            "owner": f"user:{self.username}",
            "url": self.url,
            "headers": sorted(self.headers),
            **self.properties,
            "created": _iso(self.created),
            "modified": _iso(self.modified),
        }


@dataclass(frozen=True, slots=True)
class Subscription:
    """A request to be notified of new images of some products."""

    id: str
    key: int
    username: str
    operator: bool
    subjects: list[str]
    credential: str | None
    trusted_until: datetime | None
    products: list[str]
    geometry: Mapping[str, Any] | None
    filter: Any
    destination_id: str
    base_url: str
    enabled: bool
    expires: datetime | None
    suspended: str | None
    properties: Mapping[str, Any]
    created: datetime
    modified: datetime

    def state(self, now: datetime) -> str:
        """Return `active`, or why nothing is sent: `disabled`, `expired` or `suspended`."""
        if not self.enabled:
            return "disabled"
        if self.expires is not None and self.expires <= now:
            return "expired"
        return "active" if self.suspended is None else "suspended"

    def to_json(self, cursors: Iterable[asyncpg.Record] = (), dead: int = 0) -> dict[str, Any]:
        """Return the subscription as the API shows it, with its progress."""
        return {
            "id": self.id,
            "owner": f"user:{self.username}",
            "products": self.products,
            "geometry": self.geometry,
            "filter": self.filter,
            "destination": self.destination_id,
            "enabled": self.enabled,
            "expires": _iso(self.expires),
            **self.properties,
            "created": _iso(self.created),
            "modified": _iso(self.modified),
            "state": self.state(datetime.now(UTC)),
            "reason": self.suspended,
            "dead_letters": dead,
            "deliveries": [
                {
                    "product": row["collection"],
                    "waiting": row["waiting"],
                    "attempts": row["attempts"],
                    "next_attempt": _iso(row["next_attempt"]),
                    "last_error": row["last_error"],
                    "last_delivered": _iso(row["last_delivered"]),
                }
                for row in cursors
            ],
        }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def not_found(kind: str, name: str) -> NotFoundError:
    """Return the 404 that also hides the records of others."""
    return NotFoundError(f"There is no {kind} {name}.")


async def destinations(db: Executor, owner: Owner, limit: int, offset: int) -> tuple[list[Destination], int]:
    """Return a page of the destinations of a caller, and the number of all."""
    rows, matched = await _page(db, _DESTINATIONS, owner, limit, offset)
    return [Destination(**row) for row in rows], matched


async def subscriptions(
    db: Executor, owner: Owner, limit: int, offset: int
) -> tuple[list[Subscription], int]:
    """Return a page of the subscriptions of a caller, and the number of all."""
    rows, matched = await _page(db, _SUBSCRIPTIONS, owner, limit, offset)
    return [Subscription(**row) for row in rows], matched


async def _page(
    db: Executor, table: str, owner: Owner, limit: int, offset: int
) -> tuple[list[asyncpg.Record], int]:
    who = owner.operator, owner.username
    rows = await db.fetch(_LIST.format(table=table, own=_OWN), *who, limit, offset)
    return rows, await db.fetchval(_MATCHED.format(table=table, own=_OWN), *who)


async def destination(db: Executor, owner: Owner, name: str, *, lock: bool = False) -> Destination:
    """Return a destination; `lock` keeps others from changing it in this transaction.

    Raises
    ------
    NotFoundError
        If the caller has no such destination.
    """
    row = await _one(db, _DESTINATIONS, owner, name, lock=lock)
    if row is None:
        raise not_found("destination", name)
    return Destination(**row)


async def subscription(db: Executor, owner: Owner, name: str, *, lock: bool = False) -> Subscription:
    """Return a subscription; otherwise as `destination`."""
    row = await _one(db, _SUBSCRIPTIONS, owner, name, lock=lock)
    if row is None:
        raise not_found("subscription", name)
    return Subscription(**row)


async def _one(db: Executor, table: str, owner: Owner, name: str, *, lock: bool) -> asyncpg.Record | None:
    query = _ONE.format(table=table, own=_OWN) + (" FOR UPDATE" if lock else "")
    return await db.fetchrow(query, owner.operator, owner.username, name)


async def create(
    conn: asyncpg.Connection, kind: str, owner: Owner, values: Mapping[str, Any], most: int
) -> None:
    """Store a new `destination` or `subscription`, in the transaction of a connection.

    Raises
    ------
    BadRequestError
        If the user has as many as allowed.
    ConflictError
        If the id is taken.
    """
    table = _table(kind)
    await conn.execute(_LOCK, owner.username)  # two requests must not both be the last one allowed
    if await conn.fetchval(_COUNT.format(table=table), owner.username, owner.operator) >= most:
        raise BadRequestError(f"You have {most} {kind}s, which is the maximum; delete one first.")
    columns = {"username": owner.username, "operator": owner.operator, **values}
    places = ", ".join(f"${number}" for number, _ in enumerate(columns, start=1))
    query = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - names of columns
    try:
        await conn.execute(query, *columns.values())
    except asyncpg.UniqueViolationError as error:
        raise ConflictError(f"There is a {kind} {values['id']} already.") from error


async def update(conn: asyncpg.Connection, kind: str, name: str, values: Mapping[str, Any]) -> None:
    """Change columns of a `destination` or `subscription`."""
    columns = ", ".join(f"{column} = ${number}" for number, column in enumerate(values, start=2))
    query = f"UPDATE {_table(kind)} SET modified = now(), {columns} WHERE id = $1"  # noqa: S608 - names of columns
    await conn.execute(query, name, *values.values())


async def delete(conn: asyncpg.Connection, kind: str, name: str) -> None:
    """Delete a `destination` or `subscription`, with what is left to deliver.

    Raises
    ------
    ConflictError
        If subscriptions use the destination.
    """
    try:
        await conn.execute(f"DELETE FROM {_table(kind)} WHERE id = $1", name)  # noqa: S608 - a constant
    except asyncpg.ForeignKeyViolationError as error:
        raise ConflictError(f"Subscriptions send to {name}; delete or change those first.") from error


def _table(kind: str) -> str:
    return {"destination": _DESTINATIONS, "subscription": _SUBSCRIPTIONS}[kind]


async def replace_cursors(conn: asyncpg.Connection, name: str, products: Iterable[str]) -> None:
    """Record new images for a subscription from now on, in these products only; failed ones are tried now."""
    wanted = sorted(set(products))
    await conn.execute(_DROP_CURSORS, name, wanted)
    await conn.execute(_ADD_CURSORS, name, wanted)


async def progress(db: Executor, names: list[str]) -> tuple[dict[str, list[asyncpg.Record]], dict[str, int]]:
    """Return the cursors, and the number of dead letters, of each subscription."""
    cursors: dict[str, list[asyncpg.Record]] = {name: [] for name in names}
    for row in await db.fetch(_PROGRESS, names):
        cursors[row["subscription_id"]].append(row)
    dead = {row["subscription_id"]: row["count"] for row in await db.fetch(_DEAD, names)}
    return cursors, dead


async def dead_letters(db: Executor, name: str, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Return a page of a subscription's dead letters as the API shows them, and the number of all."""
    rows = await db.fetch(_LETTERS, name, limit, offset)
    shown = [
        {
            "id": row["id"],
            "product": row["collection"],
            "item": row["item"],
            "stored": _iso(row["created"]),
            "attempts": row["attempts"],
            "error": row["error"],
            "failed": _iso(row["failed"]),
            "retry": row["retry"],
        }
        for row in rows
    ]
    return shown, await db.fetchval(_LETTERS_MATCHED, name)


async def retry_dead_letters(db: Executor, name: str, letters: list[int] | None) -> int:
    """Mark dead letters for another attempt, all or those of some ids; return how many."""
    done: str = await db.execute(_RETRY, name, letters)
    return int(done.rpartition(" ")[2])
