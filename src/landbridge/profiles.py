"""Profiles: the services that a user works with, and the credentials for each.

They are tables of `config.toml` in the user's configuration folder, or in the file that `LANDBRIDGE_CONFIG`
names::

    default_profile = "work"
    org = "example"

    [profiles.work]
    url = "https://catalog.example.org"
    oidc = { issuer = "https://login.example.org/realms/earth", client_id = "landbridge" }

    [profiles.night-shift]
    url = "https://catalog.example.org"
    token = "lb_..."

`LANDBRIDGE_PROFILE` chooses one. Otherwise it is `default_profile`, unless `LANDBRIDGE_URL` is set. `org` is
your organization on the embedded stack; services tell that of their callers.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from landbridge.exceptions import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["OidcClient", "Profile", "check_url", "config_path", "find_profile", "read_config"]

_DEVICE, _CLIENT = "device", "client_credentials"
_SECRETS = frozenset({"token", "client_secret", "password", "secret_access_key", "session_token"})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class OidcClient:
    """Client that an OpenID Connect provider knows, and the grant by which it gets tokens.

    Parameters
    ----------
    issuer
        URL of the provider, below which its discovery document lies.
    client_id
        Id of the client at the provider.
    client_secret
        Secret of the client. With one, the default grant is the client credentials grant (RFC 6749 4.4).
    grant
        `"device"`, by which a user logs in with a browser (RFC 8628), or `"client_credentials"`.
    scope
        Scopes to request, separated by spaces.
    audience
        API that the tokens are for, if the provider needs it.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    grant: str = ""
    scope: str | None = None
    audience: str | None = None

    @property
    def interactive(self) -> bool:
        """True if a user must log in."""
        return self.grant == _DEVICE


@dataclass(frozen=True, slots=True)
class Profile:
    """Service with one kind of credentials: a token, an OIDC client, or none."""

    name: str
    url: str
    token: str | None = field(default=None, repr=False)
    oidc: OidcClient | None = None


def config_path(environ: Mapping[str, str]) -> Path:
    """Return the path of the file of profiles, which need not exist."""
    if named := environ.get("LANDBRIDGE_CONFIG"):
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_config_path("landbridge", appauthor=False) / "config.toml"


def find_profile(environ: Mapping[str, str]) -> Profile | None:
    """Return the profile in effect; None if none is chosen.

    Raises
    ------
    ConfigError
        If the profile does not exist, if a value in it is invalid, or if the file holds a secret and other
        users may read it.
    """
    wanted = environ.get("LANDBRIDGE_PROFILE")
    if wanted == "" or (wanted is None and environ.get("LANDBRIDGE_URL", "").strip()):
        return None
    path = config_path(environ)
    document = read_config(path)
    if document is None:
        if wanted is None and not environ.get("LANDBRIDGE_CONFIG"):
            return None
        raise ConfigError(f"{path} does not exist; it must contain the profile {wanted or 'to use'}.")
    profiles = _check_table(document.get("profiles", {}), f"{path}: profiles")
    if wanted is None:
        wanted = _get_text(document, "default_profile", str(path))
        if wanted is None:
            return None
    if wanted not in profiles:
        known = ", ".join(map(repr, profiles)) or "none"
        raise ConfigError(f"The profile {wanted!r} does not exist in {path}; its profiles are: {known}.")
    return _parse_profile(wanted, profiles[wanted], path, environ)


def read_config(path: Path) -> dict[str, Any] | None:
    """Return the content of a configuration file; None if it does not exist.

    Raises
    ------
    ConfigError
        If it cannot be read, is not valid TOML, or holds a secret and other users may read it.
    """
    try:
        with path.open("rb") as file:
            mode, content = os.fstat(file.fileno()).st_mode, file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    import tomllib

    try:
        document = tomllib.loads(content.decode())
    except ValueError as error:  # of TOML or of UTF-8
        raise ConfigError(f"{path} is not valid TOML: {error}") from error
    if os.name == "posix" and mode & 0o077 and _has_secret(document):
        raise ConfigError(
            f"{path} holds a token or another secret, and other users may read it (mode "
            f"{mode & 0o777:o}). Nothing was sent. Protect it with:  chmod 600 {path}"
        )
    return document


def _has_secret(document: Any) -> bool:
    if isinstance(document, dict):
        return any(key in _SECRETS or _has_secret(value) for key, value in document.items())
    return False


def _parse_profile(name: str, given: Any, path: Path, environ: Mapping[str, str]) -> Profile:
    location = f"{path}: profiles.{name}"
    table = _check_table(given, location)
    _check_keys(table, {each.name for each in fields(Profile)} - {"name"}, location)
    url = _get_text(table, "url", location)
    if url is None:
        raise ConfigError(f"{location} has no `url`. Set it to the address of the STAC API.")
    token = _get_text(table, "token", location)
    if token is not None and "oidc" in table:
        raise ConfigError(f"{location} has both `token` and `oidc`. Remove one of them.")
    oidc = None if "oidc" not in table else _parse_oidc(table["oidc"], f"{location}.oidc", environ)
    return Profile(name, check_url(url, f"{location}: url"), token, oidc)


def _parse_oidc(given: Any, location: str, environ: Mapping[str, str]) -> OidcClient:
    table = _check_table(given, location)
    known = [each.name for each in fields(OidcClient)]
    _check_keys(table, set(known), location)
    values = {name: _get_text(table, name, location) for name in known}
    values["client_secret"] = environ.get("LANDBRIDGE_CLIENT_SECRET") or values["client_secret"]
    issuer, client_id = values["issuer"], values["client_id"]
    if issuer is None or client_id is None:
        raise ConfigError(f"{location} must have `issuer` and `client_id`.")
    grant = values["grant"] or (_CLIENT if values["client_secret"] else _DEVICE)
    if grant not in (_DEVICE, _CLIENT):
        raise ConfigError(f"{location}: grant is {grant!r}; it must be {_DEVICE!r} or {_CLIENT!r}.")
    if grant == _CLIENT and not values["client_secret"]:
        raise ConfigError(
            f"{location}: grant {_CLIENT!r} needs a secret. Set `client_secret` or LANDBRIDGE_CLIENT_SECRET."
        )
    return OidcClient(
        issuer=check_url(issuer, f"{location}: issuer", secure=True),
        client_id=client_id,
        client_secret=values["client_secret"],
        grant=grant,
        scope=values["scope"],
        audience=values["audience"],
    )


def check_url(url: str, name: str, *, secure: bool = False) -> str:
    """Return an address without the slash at its end; with `secure` it must be HTTPS or on this machine."""
    cleaned = url.strip().rstrip("/")
    if not cleaned.startswith(("http://", "https://")):
        raise ConfigError(f"{name} is {url!r}; it must start with http:// or https://")
    parts = urlsplit(cleaned)
    if parts.username or parts.password:
        raise ConfigError(
            f"{name} contains a user name or a password. Configure a token or an OIDC client instead."
        )
    if secure and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(f"{name} is {url!r}; it must start with https:// because secrets are sent there.")
    return cleaned


def _check_table(given: Any, location: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ConfigError(f"{location} must be a table, not {type(given).__name__}.")
    return given


def _check_keys(table: Mapping[str, Any], known: set[str], location: str) -> None:
    if unknown := sorted(set(table) - known):
        raise ConfigError(
            f"{location} has unknown keys {', '.join(unknown)}; known are {', '.join(sorted(known))}."
        )


def _get_text(table: Mapping[str, Any], name: str, location: str) -> str | None:
    value = table.get(name)
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ConfigError(
            f"{location}: {name} must be a string that is not empty."
        )  # without the value, which may be secret
    return value
