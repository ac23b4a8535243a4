"""Paths of map tiles, and short-lived tokens in their URLs for clients that cannot send headers.

A token is a parameter of the URL. It is encrypted with a key derived from the operator's token, so that no
client can make or change one, and so that URLs in logs do not show groups or email addresses. It says who
asked for it, under which path it is valid, and until when. It never gives the rights of an operator, allows
no writing, and is valid for the tiles, images and documents of a map only.
"""

from __future__ import annotations

import hmac
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from cachetools import LRUCache
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from landbridge.stac_api.access.principal import Principal
from landbridge.stac_api.errors import InvalidCredentialError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import SecretStr

__all__ = ["PARAMETER", "TILE_PATH", "UNCOMPRESSED_PATH", "TileGrant", "TileTokens", "is_tile_path"]

PARAMETER: Final = "tile_token"

_OWNER: Final = r"/(?:collections/[^/]+(?:/items/[^/]+)?|searches/[^/]+)"
# A path of a map, whose first group is that of the collection, item or search.
TILE_PATH: Final = re.compile(
    rf"({_OWNER})/(?:(?:map/)?tiles(?:/.*)?|(?!items/)[^/]+/tilejson\.json|WMTSCapabilities\.xml"
    r"|preview(?:\.[a-z]+)?|bbox/.+|point/[^/]+|statistics)/?"
)
# Images are compressed already.
UNCOMPRESSED_PATH: Final = rf"{_OWNER}/(?:(?:map/)?tiles/[^/]+/[^/]+/|preview|bbox/)"
_HEADER: Final = {"alg": "dir", "enc": "A256GCM"}
_MAX_CACHED: Final = 2_000  # tokens
_MAX_LENGTH: Final = 8_000  # characters of a token


def is_tile_path(path: str) -> bool:
    """Return whether a path without the prefix of a proxy is one of a map: tiles, images, documents."""
    return TILE_PATH.fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class TileGrant:
    """Rights that a token in the URL of a tile gives.

    Args:
        path: path of a collection, an item or a search, below which the token is valid.
        expires: end of the validity, in seconds since 1970.
        principal: the caller, without the right to write; never an operator.
    """

    path: str
    expires: int
    principal: Principal


class TileTokens:
    """Makes and reads the tokens, with a key that all processes derive from the operator's token."""

    def __init__(self, token: SecretStr | None, others: Sequence[SecretStr] = ()) -> None:
        self._key = _derived_key(token)
        # While the operator's token is changed, processes make tokens with the last and with the next one.
        self._accepted = [key for key in (self._key, *map(_derived_key, others)) if key is not None]
        self._known: LRUCache[str, TileGrant] = LRUCache(_MAX_CACHED)

    @property
    def enabled(self) -> bool:
        """False without an operator's token, of which the key is derived."""
        return self._key is not None

    def make(
        self, path: str, principal: Principal, expires: int, collections: tuple[str, ...] | None = None
    ) -> str:
        """Return a token for the paths below `path`.

        Args:
            path: path of a collection, an item or a search, without the prefix of a proxy.
            principal: the caller, whose access lists count at each request.
            expires: end of the validity, in seconds since 1970.
            collections: the only collections that the token can read; required for an operator, whose rights
                no access list has.
        """
        assert self._key is not None
        assert collections is not None or not principal.operator
        held = {
            "path": path,
            "expires": expires,
            "user": principal.user,
            "org": principal.org,
            "groups": list(principal.groups),
            "email": principal.email,
            "organizations": list(principal.organizations),
            "credential": principal.credential,
            "collections": None if collections is None else list(collections),
        }
        return jwe.encrypt_compact(_HEADER, orjson.dumps(held), self._key)

    def grant(self, text: str, method: str, path: str) -> TileGrant:
        """Return what a token allows, if it allows this request.

        Raises:
            InvalidCredentialError: if the token is not one of this service, is expired, or is one for another
                path or method.
        """
        found = self._known.get(text) or self._read(text)
        self._known[text] = found
        if found.expires < time.time():
            raise InvalidCredentialError(f"The {PARAMETER} of this URL has expired; ask for a new one.")
        match = TILE_PATH.fullmatch(path)
        if method not in ("GET", "HEAD", "OPTIONS") or match is None or match[1] != found.path:
            raise InvalidCredentialError(
                f"The {PARAMETER} of this URL is one for reading map tiles below {found.path}."
            )
        return found

    def _read(self, text: str) -> TileGrant:
        if self._key is None or len(text) > _MAX_LENGTH:
            raise _unknown()
        held = next(filter(None, (_decrypted(text, key) for key in self._accepted)), None)
        if held is None:
            raise _unknown()
        only = held["collections"]
        principal = Principal(
            user=held["user"],
            org=held["org"],
            groups=tuple(held["groups"]),
            email=held["email"],
            rights=frozenset({"read"}),
            organizations=tuple(held["organizations"]),
            credential=held["credential"] or "tile token",
            expires=held["expires"],
            only_collections=None if only is None else frozenset(only),
        )
        return TileGrant(held["path"], held["expires"], principal)


def _derived_key(token: SecretStr | None) -> OctKey | None:
    secret = token.get_secret_value().encode() if token else b""
    return OctKey.import_key(hmac.digest(secret, b"landbridge tile tokens", "sha256")) if secret else None


def _decrypted(text: str, key: OctKey) -> dict[str, Any] | None:
    """Return what a token holds; None if it was not made with this key."""
    try:
        held: dict[str, Any] = orjson.loads(jwe.decrypt_compact(text, key).plaintext or b"")
    except (JoseError, ValueError, TypeError):
        return None
    return held


def _unknown() -> InvalidCredentialError:
    return InvalidCredentialError(
        f"The {PARAMETER} of this URL is not one of this service; copy the whole URL, or ask for a new one."
    )
