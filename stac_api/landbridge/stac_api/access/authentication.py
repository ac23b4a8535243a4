"""Who calls, by the credential that a request shows; and whether that credential may write at all.

Every method that is not known to read is a write, so a route added later is closed until it is opened
here on purpose. What the caller may see and change is for the access rules to say.
"""

from __future__ import annotations

import hmac
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncpg

from landbridge.stac_api.access import oidc, tokens
from landbridge.stac_api.access.principal import ANONYMOUS, Principal
from landbridge.stac_api.access.rate_limits import RateLimiter
from landbridge.stac_api.access.signed_urls import credential_of
from landbridge.stac_api.core.responses import error_response
from landbridge.stac_api.errors import InvalidCredentialError, UnavailableError

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Receive, Scope, Send

    from landbridge.stac_api.access.signed_urls import Signer
    from landbridge.stac_api.core.settings import Settings

logger = logging.getLogger(__name__)

READ_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_READING_POST_PATHS = re.compile(r"/search|(/collections/[^/]+)?/(aggregate|aggregations)|/assets/signatures")
_CHALLENGE = 'Bearer realm="landbridge"'
_DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Authenticate:
    """ASGI middleware that puts a `Principal` into the state of every request, or refuses it.

    401 where a credential is shown that proves nothing, or none where one is needed; 403 where it does not
    allow to write. Both before anything of the request is looked up.
    """

    def __init__(self, app: ASGIApp, settings: Settings, signer: Signer) -> None:
        self.app = app
        secret = settings.token.get_secret_value() if settings.token else ""
        self._service_token = secret.encode() or None
        self._operator = Principal(settings.user, settings.org, operator=True, credential="service")
        # Nobody in particular: the signature says what may be done, and to what.
        self._bearer_of_url = Principal(user=None, operator=True, credential="signed url")
        self._stranger = ANONYMOUS
        if settings.open_reads:
            self._stranger = replace(self._operator, rights=frozenset({"read"}), credential=None)
        self._tokens = tokens.TokenCache()
        self._verifier = oidc.Verifier(settings) if settings.oidc_issuers else None
        self._signer = signer
        self._rates = RateLimiter(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            principal, refusal = await self._principal(scope), None
        except InvalidCredentialError as error:
            principal, refusal = ANONYMOUS, _unauthorized(str(error), "invalid_token")
        except UnavailableError as error:
            principal, refusal = ANONYMOUS, error_response(503, str(error))
        except _DATABASE_ERRORS as error:
            logger.warning("A credential cannot be checked: %r", error)
            principal, refusal = ANONYMOUS, error_response(503, "Credentials cannot be checked; try again.")
        scope.setdefault("state", {})["principal"] = principal
        too_often = self._rates.refusal(principal, client_address(scope))
        refusal = too_often or refusal or _refusal(scope, principal)
        await (refusal or self.app)(scope, receive, send)

    async def _principal(self, scope: Scope) -> Principal:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if given:
            return await self._shown(scope, given)
        # A write's URL may carry its own right.
        query: bytes = scope["query_string"]
        if scope["method"] == "PUT" and self._signer.allows("PUT", served_path(scope), query):
            await self._tokens.check(credential_of(query), scope["app"].state.services.readpool)
            return self._bearer_of_url
        return self._stranger

    async def _shown(self, scope: Scope, given: list[bytes]) -> Principal:
        if len(given) > 1:
            raise InvalidCredentialError("The request has more than one `Authorization` header.")
        scheme, _, credential = given[0].strip().partition(b" ")
        credential = credential.strip()
        if scheme.lower() != b"bearer" or not credential or not credential.isascii():
            raise InvalidCredentialError("The `Authorization` header must read `Bearer` and a token.")
        if self._service_token and hmac.compare_digest(credential, self._service_token):
            return self._operator
        text = credential.decode()
        if tokens.is_api_token(text):
            return await self._tokens.principal(text, scope["app"].state.services.readpool)
        if self._verifier is not None and oidc.is_jwt(text):
            return await self._verifier.principal(text)
        raise InvalidCredentialError("The token is unknown.")


def _refusal(scope: Scope, principal: Principal) -> Response | None:
    """The answer to who may not do what a request does, whatever it is about."""
    if is_read(scope) or "write" in principal.rights:
        return None
    if principal.credential is None:
        return _unauthorized("This needs an `Authorization: Bearer` header with a token that may write.")
    why = "This token may only read; a write needs one with the scope `write`."
    challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="write"'
    return error_response(403, why, {"WWW-Authenticate": challenge})


def _unauthorized(why: str, error: str | None = None) -> Response:
    """RFC 6750 section 3: the challenge names an error only where a credential was shown."""
    challenge = _CHALLENGE + (f', error="{error}"' if error else "")
    return error_response(401, why, {"WWW-Authenticate": challenge})


def client_address(scope: Scope) -> str:
    """Return the address that a request comes from; `access.proxies` sets it behind trusted proxies."""
    client: tuple[str, int] | None = scope.get("client")
    return client[0] if client else ""


def is_read(scope: Scope) -> bool:
    """Whether a request only reads."""
    path = served_path(scope).rstrip("/")
    return scope["method"] in READ_METHODS or (
        scope["method"] == "POST" and _READING_POST_PATHS.fullmatch(path) is not None
    )


def served_path(scope: Scope) -> str:
    """The path of a request without the prefix under which a proxy serves the API."""
    path: str = scope["path"].removeprefix(scope.get("root_path", ""))
    return path
