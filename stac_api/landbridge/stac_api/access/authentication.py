"""Authentication: the principal of a request's credential, and whether the credential allows writing.

Every method that is not listed as reading counts as writing, so that a new route is closed until it is
listed. `access.rules` decides what the caller can see and change.
"""

from __future__ import annotations

import hmac
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import asyncpg

from landbridge.mappings import schema
from landbridge.stac_api.access import oidc, tile_tokens, tokens
from landbridge.stac_api.access.operator import Operator
from landbridge.stac_api.access.principal import ANONYMOUS, Principal
from landbridge.stac_api.access.rate_limits import RateLimiter
from landbridge.stac_api.access.signed_urls import credential_of
from landbridge.stac_api.core.responses import error_response
from landbridge.stac_api.errors import InvalidCredentialError, UnavailableError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from landbridge.stac_api.access.signed_urls import Signer
    from landbridge.stac_api.access.tile_tokens import TileTokens
    from landbridge.stac_api.core.settings import Settings

logger = logging.getLogger(__name__)

READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# In a request's state: whether the key of the private address that it came by is valid.
PRIVATE_ADDRESS = "private_address"
METRICS_CREDENTIAL = "metrics token"
METRICS_PATH = "/_mgmt/metrics"
_PRIVATE_CREDENTIAL = "private address"  # its name in the audit log
# Paths that need no credential: health checks, and the schema that documents name, which validators fetch.
_OPEN_PATHS = frozenset({"/_mgmt/ping", "/_mgmt/health", schema.URL_PATH})
# A registered search is the URL of a layer: it changes nothing that others see, so that reading suffices.
_READING_POST_PATHS = re.compile(
    r"/search|(/collections/[^/]+)?/(aggregate|aggregations)|/assets/signatures|/tiles/signatures"
    r"|/searches/register|/(collections/[^/]+(/items/[^/]+)?|searches/[^/]+)/statistics"
)
_CHALLENGE = 'Bearer realm="landbridge"'
_DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Authenticate:
    """ASGI middleware that sets the `Principal` of every request, or refuses the request.

    401: the credential is not valid, or it is missing and the request needs one; 403: it does not allow
    writing. Both come before any lookup of what the request concerns.
    """

    def __init__(self, app: ASGIApp, settings: Settings, signer: Signer, tile_tokens: TileTokens) -> None:
        self.app = app
        given = [token.get_secret_value() for token in (settings.token, *settings.accepted_tokens) if token]
        self._service_tokens = [token.encode() for token in given if token]
        metrics = settings.metrics_token.get_secret_value() if settings.metrics_token else ""
        self._metrics_token = metrics.encode() or None
        self._metrics_principal = Principal(
            "metrics", rights=frozenset({"read"}), credential=METRICS_CREDENTIAL
        )
        self._operator = Operator(settings)
        # A signed URL has no user; its signature covers the method and the path.
        self._signed_url_principal = Principal(user=None, operator=True, credential="signed url")
        self._open_reads = settings.open_reads
        self._anonymous_reads = settings.anonymous_reads or settings.open_reads
        self._tokens = tokens.TokenCache()
        self._verifier = oidc.Verifier(settings) if settings.oidc_issuers else None
        self._signer = signer
        self._tile_tokens = tile_tokens
        self._rate_limiter = RateLimiter(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            principal, refusal = await self._principal(scope), None
        except InvalidCredentialError as error:
            principal, refusal = ANONYMOUS, _unauthorized(str(error), "invalid_token")
        except UnavailableError as error:
            principal, refusal = ANONYMOUS, error_response(503, str(error), part=error.part)
        except _DATABASE_ERRORS as error:
            logger.warning("A credential cannot be checked: %r", error)
            why = "Credentials cannot be checked, because the database does not answer; try again."
            principal, refusal = ANONYMOUS, error_response(503, why, part="database")
        scope.setdefault("state", {})["principal"] = principal
        tiles = tile_tokens.is_tile_path(served_path(scope))
        rate_refusal = self._rate_limiter.refusal(principal, client_address(scope), tiles=tiles)
        refusal = rate_refusal or refusal or self._refusal(scope, principal)
        await (refusal or self.app)(scope, receive, send)

    async def _principal(self, scope: Scope) -> Principal:
        private: bool | None = scope.get("state", {}).get(PRIVATE_ADDRESS)
        if private is False:
            raise InvalidCredentialError(
                "This private address is not valid, or has been renewed; `landbridge status` prints the "
                "current one."
            )
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if given:
            return await self._principal_of_header(scope, given)
        # A signed URL authorizes its own write.
        query: bytes = scope["query_string"]
        if scope["method"] == "PUT" and self._signer.allows("PUT", served_path(scope), query):
            await self._tokens.check(credential_of(query), scope["app"].state.services.readpool)
            return self._signed_url_principal
        if tile_tokens.PARAMETER.encode() in query:
            return await self._principal_of_tile_token(scope)
        if private:
            return replace(
                self._operator.principal(), rights=frozenset({"read"}), credential=_PRIVATE_CREDENTIAL
            )
        if self._open_reads:
            return replace(self._operator.principal(), rights=frozenset({"read"}), credential=None)
        return ANONYMOUS

    async def _principal_of_tile_token(self, scope: Scope) -> Principal:
        given = parse_qs(scope["query_string"].decode("latin-1")).get(tile_tokens.PARAMETER, [""])
        grant = self._tile_tokens.grant(given[0], scope["method"], served_path(scope))
        await self._tokens.check(grant.principal.credential, scope["app"].state.services.readpool)
        return grant.principal

    async def _principal_of_header(self, scope: Scope, given: list[bytes]) -> Principal:
        if len(given) > 1:
            raise InvalidCredentialError("The request has more than one `Authorization` header.")
        scheme, _, credential = given[0].strip().partition(b" ")
        credential = credential.strip()
        if scheme.lower() != b"bearer" or not credential or not credential.isascii():
            raise InvalidCredentialError("The `Authorization` header must read `Bearer` and a token.")
        if any(hmac.compare_digest(credential, known) for known in self._service_tokens):
            return self._operator.principal()
        if self._metrics_token and hmac.compare_digest(credential, self._metrics_token):
            if served_path(scope) != METRICS_PATH:
                raise InvalidCredentialError(f"This token may only read {METRICS_PATH}.")
            return self._metrics_principal
        text = credential.decode()
        if tokens.is_api_token(text):
            return await self._tokens.principal(text, scope["app"].state.services.readpool)
        if self._verifier is not None and oidc.is_jwt(text):
            return await self._verifier.principal(text)
        raise InvalidCredentialError("The token is unknown.")

    def _refusal(self, scope: Scope, principal: Principal) -> Response | None:
        """Return the refusal of a request without the right to it; None if the request may go on."""
        if not self._anonymous_reads and principal is ANONYMOUS and not self._is_open(scope):
            return _unauthorized(
                "This needs an `Authorization: Bearer` header with a token, or the private address that "
                "`landbridge status` prints."
            )
        if is_read(scope) or "write" in principal.rights:
            return None
        return _refused_write(principal)

    def _is_open(self, scope: Scope) -> bool:
        """Return whether a request needs no credential. Its signature is the credential of a signed URL."""
        path = served_path(scope)
        return path in _OPEN_PATHS or (
            scope["method"] in {"GET", "HEAD"} and self._signer.allows("GET", path, scope["query_string"])
        )


def _refused_write(principal: Principal) -> Response:
    if principal.credential is None:
        return _unauthorized("This needs an `Authorization: Bearer` header with a token that may write.")
    if principal.credential == _PRIVATE_CREDENTIAL:
        why = "A private address only reads; a write needs the address without `/k/…` and a token."
    else:
        why = "This token may only read; a write needs one with the scope `write`."
    challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="write"'
    return error_response(403, why, {"WWW-Authenticate": challenge})


def _unauthorized(why: str, error: str | None = None) -> Response:
    """Return a 401; its challenge names an error only if a credential was sent (RFC 6750, section 3)."""
    challenge = _CHALLENGE + (f', error="{error}"' if error else "")
    return error_response(401, why, {"WWW-Authenticate": challenge})


def client_address(scope: Scope) -> str:
    """Return the address that a request comes from; `access.proxies` sets it behind trusted proxies."""
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else ""


def is_read(scope: Scope) -> bool:
    """Return whether a request only reads."""
    path = served_path(scope).rstrip("/")
    return scope["method"] in READ_METHODS or (
        scope["method"] == "POST" and _READING_POST_PATHS.fullmatch(path) is not None
    )


def served_path(scope: Scope) -> str:
    """Return the path of a request without the prefix under which a proxy serves the API."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path
