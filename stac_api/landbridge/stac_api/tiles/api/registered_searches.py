"""Registered searches: their table, and the conditions that they hold.

The id is a hash of the owner and the conditions, so that registering again gives the same layer. Whoever has
the id can see the layer, with the images that this caller can read; only the owner sees the conditions.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

import orjson
from stac_fastapi.types.errors import NotFoundError

from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.search.request import Search, Sort

if TYPE_CHECKING:
    from collections.abc import Mapping

    import asyncpg

    from landbridge.stac_api.access.principal import Principal

__all__ = ["RegisteredSearch", "delete", "delete_unused", "find", "register", "touch"]

_MOST_BYTES: Final = 64 * 1024  # of a search as JSON
_REGISTER: Final = """
INSERT INTO landbridge.registered_searches (id, search, username, operator) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE SET last_used = now()
RETURNING *
"""
_DROP: Final = """
DELETE FROM landbridge.registered_searches WHERE id IN (
    SELECT id FROM landbridge.registered_searches WHERE username = $1 AND operator = $2
    ORDER BY last_used DESC, created DESC, id OFFSET $3
) AND id <> $4
"""
_FIND: Final = "SELECT * FROM landbridge.registered_searches WHERE id = $1"
# Once a day, so that the tiles of a layer do not wait for each other.
_TOUCH: Final = """
UPDATE landbridge.registered_searches SET last_used = now()
WHERE id = $1 AND last_used < now() - interval '1 day'
"""
_DELETE: Final = """
DELETE FROM landbridge.registered_searches
WHERE id = $1 AND ($2::boolean OR (username = $3 AND NOT operator)) RETURNING id
"""
_UNUSED: Final = "DELETE FROM landbridge.registered_searches WHERE last_used < now() - $1 * interval '1 day'"
# Conditions of a search; the other members of `Search` are those of a page.
_MEMBERS: Final = ("collections", "ids", "bbox", "intersects", "datetime", "filter", "sortby")


@dataclass(frozen=True, slots=True)
class RegisteredSearch:
    """A registered search."""

    id: str
    search: Search
    username: str
    operator: bool
    created: datetime
    last_used: datetime

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Return the search of a row of the table."""
        values = dict(row)
        held = values["search"]
        values["search"] = _from_json(orjson.loads(held) if isinstance(held, str) else held)
        return cls(**values)

    @property
    def is_stale(self) -> bool:
        """True if the last use was noted so long ago that it has to be noted again."""
        return self.last_used < datetime.now(UTC) - timedelta(days=1)

    def is_owned_by(self, principal: Principal) -> bool:
        """Return whether a caller registered the search; operators own all."""
        return principal.operator or (not self.operator and principal.user == self.username)

    def to_json(self) -> dict[str, Any]:
        """Return the conditions, in the form of a body of `/search`."""
        return to_json(self.search)


def to_json(search: Search) -> dict[str, Any]:
    """Return the conditions of a search as JSON, in the form of a body of `/search`."""
    held = {name: value for name, value in asdict(search).items() if name in _MEMBERS and value}
    if search.sortby:
        held["sortby"] = [
            {"field": one.field, "direction": "desc" if one.descending else "asc"} for one in search.sortby
        ]
    if search.filter is not None:
        held["filter"], held["filter-lang"] = search.filter, "cql2-json"
    found: dict[str, Any] = orjson.loads(orjson.dumps(held))
    return found


def _from_json(held: Mapping[str, Any]) -> Search:
    return Search(
        collections=_tuple(held.get("collections")),
        ids=_tuple(held.get("ids")),
        bbox=_tuple(held.get("bbox")),
        intersects=held.get("intersects"),
        datetime=held.get("datetime"),
        filter=held.get("filter"),
        sortby=tuple(Sort(one["field"], one["direction"] == "desc") for one in held.get("sortby") or ()),
    )


def _tuple(given: Any) -> Any:
    return None if given is None else tuple(given)


async def register(
    conn: asyncpg.Connection, search: Search, principal: Principal, most: int
) -> RegisteredSearch:
    """Register a search, and drop the searches of the same user beyond `most` that are unused for longest.

    Raises:
        BadRequestError: if it is too large.
    """
    text = orjson.dumps(to_json(search), option=orjson.OPT_SORT_KEYS)
    if len(text) > _MOST_BYTES:
        raise BadRequestError(
            f"The search has {len(text):,} bytes; {_MOST_BYTES:,} are the most that can be registered. Use a "
            "simpler geometry, or fewer ids."
        )
    username, operator = principal.user or "", principal.operator
    owner = orjson.dumps([username, operator])
    name = hashlib.blake2b(owner + b"\n" + text, digest_size=16).hexdigest()
    row = await conn.fetchrow(_REGISTER, name, orjson.loads(text), username, operator)
    await conn.execute(_DROP, username, operator, most, name)
    return RegisteredSearch.of(row)


async def find(db: asyncpg.Pool | asyncpg.Connection, name: str) -> RegisteredSearch:
    """Return a registered search.

    Raises:
        NotFoundError: if there is none of this id.
    """
    row = await db.fetchrow(_FIND, name) if name.isascii() and name.isalnum() else None
    if row is None:
        raise not_found(name)
    return RegisteredSearch.of(row)


def not_found(name: str) -> NotFoundError:
    """Return the 404 for a search that is not registered."""
    return NotFoundError(
        f"Search {name:.100} is not registered (any more): register it again by POST /searches/register."
    )


async def touch(db: asyncpg.Pool | asyncpg.Connection, name: str) -> None:
    """Note that a search is in use."""
    await db.execute(_TOUCH, name)


async def delete(db: asyncpg.Pool | asyncpg.Connection, name: str, principal: Principal) -> None:
    """Drop a registered search of the caller.

    Raises:
        NotFoundError: if there is none of this id that the caller owns.
    """
    if await db.fetchval(_DELETE, name, principal.operator, principal.user or "") is None:
        raise not_found(name)


async def delete_unused(db: asyncpg.Pool | asyncpg.Connection, days: float) -> None:
    """Drop the searches that nobody has used for some days."""
    await db.execute(_UNUSED, days)
