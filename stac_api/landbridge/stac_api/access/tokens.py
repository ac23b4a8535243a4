"""API tokens, credentials of programs: `lb_{id}_{secret}`.

The public id finds the token's row; the database stores only the SHA-256 of the secret. The secret has 256
random bits, so a slow hash would add no protection and cost time in every request.
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
from landbridge.stac_api.core.metrics import CACHE_LOOKUPS
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

_MAX_AGE = 5.0  # in the cache; a revocation takes effect within this time
_MAX_TOKENS = 10_000  # in the cache


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A stored token, without its secret."""

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
        """Principal that the token stands for."""
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
        """Return `revoked`, `expired` or `valid`."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= now else "valid"


def is_api_token(text: str) -> bool:
    """Return whether a bearer token has the prefix of an API token."""
    return text.startswith(_PREFIX)


def id_of(text: str) -> str:
    """Return the public id of a token; any other text is returned as it is."""
    match = _PATTERN.fullmatch(text)
    return match[1] if match else text


class TokenCache:
    """Looks tokens up by one indexed query, and caches the rows for seconds.

    Args:
        clock: function that returns seconds, for the age of cached rows.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._rows: TTLCache[str, tuple[bytes, ApiToken] | None] = TTLCache(
            _MAX_TOKENS, _MAX_AGE, timer=clock
        )

    async def principal(self, text: str, pool: asyncpg.Pool) -> Principal:
        """Return the principal of a token.

        Args:
            text: the bearer token.
            pool: pool of reading connections.

        Raises:
            InvalidCredentialError: if the token is unknown, expired or revoked.
        """
        match = _PATTERN.fullmatch(text)
        if match is None:
            raise InvalidCredentialError("The token is unknown.")
        known = await self._row(match[1], pool)
        # Without the secret, a known id gets the same answer as an unknown one.
        if known is None or not hmac.compare_digest(_digest(match[2]), known[0]):
            raise InvalidCredentialError("The token is unknown.")
        token = known[1]
        if (state := token.state(datetime.now(UTC))) != "valid":
            raise InvalidCredentialError(f"The token is {state}; `landbridge token create` makes a new one.")
        return token.principal

    async def check(self, credential: str | None, pool: asyncpg.Pool) -> None:
        """Check that the API token of this name is valid; other credentials are not checked.

        Raises:
            InvalidCredentialError: if the token is expired or revoked.
        """
        if credential is None or not credential.startswith(API_CREDENTIAL):
            return
        known = await self._row(credential.removeprefix(API_CREDENTIAL), pool)
        if known is None or known[1].state(datetime.now(UTC)) != "valid":
            raise InvalidCredentialError("The token that this URL was signed for has expired or was revoked.")

    async def _row(self, token_id: str, pool: asyncpg.Pool) -> tuple[bytes, ApiToken] | None:
        # `in` before `[]` would race with expiry.
        with suppress(KeyError):
            known = self._rows[token_id]
            CACHE_LOOKUPS.labels("tokens", "hit").inc()
            return known
        CACHE_LOOKUPS.labels("tokens", "miss").inc()
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
    """Create a token and return it with its record; the token cannot be read again.

    Args:
        database_url: libpq URL.
        principal: the principal of the token, with its rights.
        label: purpose of the token.
        expires: end of its validity; None for no end.
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
    """Return all tokens, oldest first."""
    return _fetch(database_url, f"SELECT {_COLUMNS} FROM landbridge.tokens ORDER BY created, id")  # noqa: S608


def revoke_token(database_url: str, token_id: str) -> ApiToken | None:
    """Revoke a token, which takes effect within seconds, and return it; None if the id is unknown."""
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
