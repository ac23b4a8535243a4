"""Auth: the caller of the Catalog's default client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from landbridge.porting.port.contexts import Refusal
from landbridge.porting.port.edits import Need, Primary
from landbridge.porting.port.old_api import Function, Member, Type
from landbridge.porting.port.rules.common import attribute, keep, same_object

if TYPE_CHECKING:
    from landbridge.porting.port.plan import Use

__all__ = ["CLIENTS", "FUNCTIONS", "TYPES"]

_CLIENT = Need("landbridge.catalog", "CatalogClient")


def _default(use: Use) -> None:
    if use.call.args or use.call.keywords:
        raise Refusal("its arguments were for the old platform's login: use LANDBRIDGE_TOKEN or a profile")
    use.replace(_CLIENT, ".get_default_client().auth")


def _groups(use: Use) -> None:
    use.replace("list(", use.instance, ".groups)")


def _get(use: Use) -> None:
    given = use.arguments("key", "default")
    name = use.constant(given.get("key"))
    if name not in _CLAIMS or not use.is_none(given.get("default")):
        raise Refusal("the claim or its default has no equal in the Catalog API")
    use.replace(Primary(use.instance), f".{_CLAIMS[str(name)]}")


# Claims of the old token, and the caller's attributes.
_CLAIMS: Final = {"org": "org", "sub": "user", "userid": "user", "name": "user", "email": "email"}

TYPES: Final = {
    "Auth": Type(
        {
            "namespace": Member("plain", keep),
            "token": Member("plain", keep),
            "payload": Member("AuthPayload", same_object),
        },
        label="the caller",
    ),
    "AuthPayload": Type(
        {
            **{name: Member("plain", attribute(new)) for name, new in _CLAIMS.items()},
            "groups": Member("plain", _groups),
            "get": Member("plain", _get, is_method=True),
        },
        label="the caller's claims",
    ),
}

FUNCTIONS: Final = {
    "auth.Auth": Function("Auth", _default),
    "auth.Auth.get_default_auth": Function("Auth", _default),
}

CLIENTS: Final[dict[str, str]] = {}
