"""Verification of OpenID Connect bearer tokens: signed JSON Web Tokens (RFC 7519, RFC 9068).

Only RS256 and ES256 are accepted, and only with keys that the issuer publishes. The settings name the claims.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import orjson
from joserfc import jws
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from landbridge.stac_api.access.issuers import ALGORITHMS, Issuer
from landbridge.stac_api.access.principal import Principal, Right
from landbridge.stac_api.errors import InvalidCredentialError

if TYPE_CHECKING:
    from joserfc.jws import CompactSignature

    from landbridge.stac_api.core.settings import Settings

__all__ = ["Verifier", "is_jwt"]

logger = logging.getLogger(__name__)

_MAX_BYTES: Final = 16 * 2**10  # of a token; tokens with hundreds of groups have half of it
# Unknown header members are ignored unless they are marked as critical (RFC 7515, section 4).
_REGISTRY = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
_MALFORMED: Final = "The token is malformed, or its signature is not the issuer's."


def is_jwt(text: str) -> bool:
    """Return whether a bearer token has the form of a signed JSON Web Token."""
    return text.count(".") == 2


class Verifier:
    """Verifies tokens and maps their claims to principals.

    Args:
        settings: its `oidc_*` name the issuers, the audience and the claims.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._issuers = {issuer: Issuer(issuer) for issuer in settings.oidc_issuers}
        self._claims = JWTClaimsRegistry(
            leeway=settings.oidc_leeway,
            iss={"essential": True},
            sub={"essential": True},
            exp={"essential": True},
            aud={"essential": True, "values": list(settings.oidc_audience)},
        )

    async def principal(self, text: str) -> Principal:
        """Return the principal of a token.

        Raises:
            InvalidCredentialError: if its issuer is unknown, or it is not for this service or not valid now.
            UnavailableError: if the issuer's keys are not cached and the issuer does not answer.
        """
        if len(text) > _MAX_BYTES:
            raise InvalidCredentialError(f"The token is longer than {_MAX_BYTES} bytes.")
        signed, claims = _parse(text)
        named = claims.get("iss")
        issuer = self._issuers.get(named) if isinstance(named, str) else None
        if issuer is None:
            raise InvalidCredentialError("The token's `iss` is no issuer that this service knows.")
        header = signed.headers()
        keys = await issuer.keys(header["alg"], header.get("kid"))
        if not any(_is_signed_by(signed, key) for key in keys):
            raise InvalidCredentialError(_MALFORMED)
        self._check(claims)
        return self._mapped(claims)

    def _check(self, claims: dict[str, Any]) -> None:
        try:
            self._claims.validate(claims)
        except ExpiredTokenError:
            raise InvalidCredentialError("The token has expired.") from None
        except MissingClaimError as error:
            raise InvalidCredentialError(f"The token lacks a claim: {error.description}.") from None
        except InvalidClaimError as error:
            why = error.description or "it is not what this service takes"
            raise InvalidCredentialError(f"The token's claims are not accepted: {why}.") from None

    def _mapped(self, claims: dict[str, Any]) -> Principal:
        settings = self._settings
        user = _claim(claims, settings.oidc_user_claim)
        if not isinstance(user, str):
            raise InvalidCredentialError(f"The token's claim `{settings.oidc_user_claim}` names no user.")
        org = _claim(claims, settings.oidc_org_claim)
        email = _claim(claims, settings.oidc_email_claim)
        verified = settings.oidc_email_verified_claim
        # An unverified address could be chosen to receive what others share with its owner.
        if verified and _claim(claims, verified) is not True:
            email = None
        try:
            return Principal(
                user=user,
                org=org if isinstance(org, str) and org else None,
                groups=_as_names(_claim(claims, settings.oidc_groups_claim)),
                email=email if isinstance(email, str) and email else None,
                rights=self._rights(claims),
                credential=f"oidc:{claims['iss']}",
                expires=float(claims["exp"]),
            )
        except ValueError as error:
            raise InvalidCredentialError(f"The token's claims are not accepted: {error}") from None

    def _rights(self, claims: dict[str, Any]) -> frozenset[Right]:
        wanted = self._settings.oidc_write_scope
        # RFC 8693, section 4.2 has a string; some issuers have an array, and call it `scp`.
        given = claims.get("scope", claims.get("scp", ""))
        scopes = given.split() if isinstance(given, str) else given
        if not wanted or (isinstance(scopes, list) and wanted in scopes):
            return frozenset({"read", "write"})
        return frozenset({"read"})


def _parse(text: str) -> tuple[CompactSignature, dict[str, Any]]:
    """Return a token's signature and claims, of which only the algorithm is checked."""
    try:
        signed = jws.extract_compact(text.encode(), registry=_REGISTRY)
        _REGISTRY.check_header(signed.headers())
        _REGISTRY.get_alg(signed.headers()["alg"])
        claims = orjson.loads(signed.payload)
    except (JoseError, ValueError, TypeError, KeyError):
        raise InvalidCredentialError(_MALFORMED) from None
    if not isinstance(claims, dict):
        raise InvalidCredentialError(_MALFORMED)
    return signed, claims


def _is_signed_by(signed: CompactSignature, key: Any) -> bool:
    try:
        return jws.validate_compact(signed, key, registry=_REGISTRY)
    except (JoseError, ValueError, TypeError):
        return False


def _claim(claims: dict[str, Any], name: str) -> Any:
    """Return a claim by its name or by its path in nested objects: `realm_access.roles`."""
    if not name:
        return None
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return found


def _as_names(value: object) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    return (
        tuple(name for name in values if isinstance(name, str) and name) if isinstance(values, list) else ()
    )
