"""API tokens: what machines show to be known, `lb_{id}_{secret}`.

The id is public and finds the token's row; of the secret the database has the SHA-256 only. It is 256 random
bits, so a slow hash would protect nothing and cost every request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import psycopg
from cachetools import TTLCache
from psycopg.rows import class_row

from landbridge.stac_api.access.principal import API_CREDENTIAL, Principal
from landbridge.stac_api.errors import InvalidCredentialError

if TYPE_CHECKING:
    from collections.abc import Callable

    import asyncpg

    from landbridge.stac_api.access.principal import Right

__all__ = ["ApiToken", "TokenCache", "create_token", "id_of", "is_api_token", "list_tokens", "revoke_token"]

_PREFIX: Final = "lb_"
_PATTERN = re.compile(r"lb_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_COLUMNS = "id, label, username, org, groups, email, rights, created, expires, revoked"
_FIND = f"SELECT digest, {_COLUMNS} FROM landbridge.tokens WHERE id = $1"  # noqa: S608 - constants

_MAX_AGE = 5.0  # for which a token is believed after its row was read: how late a revocation may be
_MAX_TOKENS = 10_000  # rows kept


@dataclass(frozen=True, slots=True)
class ApiToken:
    """What is known of a token; its secret is not."""

    id: str
    label: str
    username: str
    org: str | None
    groups: list[str]
    email: str | None
    rights: list[Right]
    created: datetime
    expires: datetime | None
    revoked: datetime | None

    @property
    def principal(self) -> Principal:
        """Who shows it."""
        return Principal(
            user=self.username,
            org=self.org,
            groups=tuple(self.groups),
            email=self.email,
            rights=frozenset(self.rights),
            credential=f"{API_CREDENTIAL}{self.id}",
            expires=self.expires.timestamp() if self.expires else None,
        )

    def state(self, now: datetime) -> str:
        """`revoked`, `expired` or `valid`."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "valid"


def is_api_token(text: str) -> bool:
    """Whether a bearer token is meant to be one of these."""
    return text.startswith(_PREFIX)


def id_of(text: str) -> str:
    """The public id within a token; what is no token is taken for an id."""
    match = _PATTERN.fullmatch(text)
    return match[1] if match else text


class TokenCache:
    """Looks tokens up, in one indexed query, and keeps what it found for seconds.

    Args:
        clock: seconds, by which what is kept grows old.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._rows: TTLCache[str, tuple[bytes, ApiToken] | None] = TTLCache(
            _MAX_TOKENS, _MAX_AGE, timer=clock
        )

    async def principal(self, text: str, pool: asyncpg.Pool) -> Principal:
        """Who a token stands for.

        Args:
            text: the bearer token.
            pool: of connections that may read.

        Raises:
            InvalidCredentialError: it is unknown, has expired or was revoked.
        """
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise InvalidCredentialError("The token is unknown.")
        known = await self._row(match[1], pool)
        # Who doesn't know the secret learns no more of an id that there is than of one that there isn't.
        if known is None or not hmac.compare_digest(_digest(match[2]), known[0]):
            raise InvalidCredentialError("The token is unknown.")
        token = known[1]
        if (state := token.state(datetime.now(UTC))) != "valid":
            raise InvalidCredentialError(f"The token is {state}; `landbridge token create` makes a new one.")
        return token.principal

    async def check(self, credential: str | None, pool: asyncpg.Pool) -> None:
        """Check that the token which a principal's `credential` names is valid; others are not looked at.

        Raises:
            InvalidCredentialError: it has expired or was revoked.
        """
        if credential is None or not credential.startswith(API_CREDENTIAL):
            return
        known = await self._row(credential.removeprefix(API_CREDENTIAL), pool)
        if known is None or known[1].state(datetime.now(UTC)) != "valid":
            raise InvalidCredentialError("The token that this URL was given out for has ended.")

    async def _row(self, token_id: str, pool: asyncpg.Pool) -> tuple[bytes, ApiToken] | None:
        # One look only: at the next it may have been kept for long enough.
        with suppress(KeyError):
            return self._rows[token_id]
        row = await pool.fetchrow(_FIND, token_id)
        found = dict(row) if row else None
        known = (found.pop("digest"), ApiToken(**found)) if found else None
        self._rows[token_id] = known
        return known


def create_token(
    database_url: str,
    principal: Principal,
    *,
    label: str = "",
    expires: datetime | None = None,
) -> tuple[str, ApiToken]:
    """Make a token, and return it with its record. Nobody can read it a second time.

    Args:
        database_url: libpq URL.
        principal: whom it stands for, and with which rights.
        label: what it is for.
        expires: until when it is valid; None for ever.
    """
    token_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    insert = (
        "INSERT INTO landbridge.tokens (id, digest, label, username, org, groups, email, rights, expires) "  # noqa: S608
        f"VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING {_COLUMNS}"
    )
    values = (
        token_id,
        _digest(secret),
        label,
        principal.user,
        principal.org,
        list(principal.groups),
        principal.email,
        sorted(principal.rights),
        expires,
    )
    (made,) = _fetch(database_url, insert, values)
    return f"{_PREFIX}{token_id}_{secret}", made


def list_tokens(database_url: str) -> list[ApiToken]:
    """All tokens, the oldest first."""
    return _fetch(database_url, f"SELECT {_COLUMNS} FROM landbridge.tokens ORDER BY created, id")  # noqa: S608


def revoke_token(database_url: str, token_id: str) -> ApiToken | None:
    """End a token; the servers obey within seconds. None where there is none of this id."""
    update = (
        "UPDATE landbridge.tokens SET revoked = coalesce(revoked, now()) "  # noqa: S608 - constants
        f"WHERE id = %s RETURNING {_COLUMNS}"
    )
    return next(iter(_fetch(database_url, update, (token_id,))), None)


def _fetch(database_url: str, query: str, values: tuple[Any, ...] = ()) -> list[ApiToken]:
    with psycopg.connect(database_url, row_factory=class_row(ApiToken)) as conn:
        return conn.execute(query.encode(), values).fetchall()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
