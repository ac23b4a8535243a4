"""Profiles: the services that a user works with, and how to prove to each who is calling.

They are tables of `config.toml` in the user's configuration folder, or in the file that `LANDBRIDGE_CONFIG`
names::

    default_profile = "work"

    [profiles.work]
    url = "https://catalog.example.org"
    oidc = { issuer = "https://login.example.org/realms/earth", client_id = "landbridge" }

    [profiles.night-shift]
    url = "https://catalog.example.org"
    token = "lb_..."

`LANDBRIDGE_PROFILE` chooses one; else it is `default_profile`, unless `LANDBRIDGE_URL` says where to go.
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

__all__ = ["OidcClient", "Profile", "check_url", "config_path", "find_profile"]

_DEVICE, _CLIENT = "device", "client_credentials"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class OidcClient:
    """A client that an OpenID Connect provider knows, and by which grant it gets tokens.

    Parameters
    ----------
    issuer
        The provider's issuer URL, below which its discovery document is.
    client_id
        What the provider calls the client.
    client_secret
        Proves that it is the client; with one, the default is the client credentials grant (RFC 6749 4.4).
    grant
        `"device"`, where a person logs in with a browser (RFC 8628), or `"client_credentials"`.
    scope
        What to ask for, separated by spaces.
    audience
        For which API the tokens shall be, where the provider wants that said.
    """

    issuer: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    grant: str = ""
    scope: str | None = None
    audience: str | None = None

    @property
    def interactive(self) -> bool:
        """Whether a person has to log in."""
        return self.grant == _DEVICE


@dataclass(frozen=True, slots=True)
class Profile:
    """One service, and one way to prove there who is calling: a token, an OIDC client, or neither."""

    name: str
    url: str
    token: str | None = field(default=None, repr=False)
    oidc: OidcClient | None = None


def config_path(environ: Mapping[str, str]) -> Path:
    """The file of profiles, whether or not there is one."""
    if named := environ.get("LANDBRIDGE_CONFIG"):
        return Path(named).expanduser()
    import platformdirs

    return platformdirs.user_config_path("landbridge", appauthor=False) / "config.toml"


def find_profile(environ: Mapping[str, str]) -> Profile | None:
    """The profile in effect; None where none is chosen.

    Raises:
        ConfigError: it is not there, a value in it is wrong, or the file holds a secret and others may read
            it.
    """
    wanted = environ.get("LANDBRIDGE_PROFILE")
    if wanted == "" or (wanted is None and environ.get("LANDBRIDGE_URL", "").strip()):
        return None
    path = config_path(environ)
    document = _read(path)
    if document is None:
        if wanted is None and not environ.get("LANDBRIDGE_CONFIG"):
            return None
        raise ConfigError(f"There is no {path}, in which the profile {wanted or 'to use'} would be.")
    profiles = _table(document.get("profiles", {}), f"{path}: profiles")
    if wanted is None:
        wanted = _text(document, "default_profile", str(path))
        if wanted is None:
            return None
    if wanted not in profiles:
        known = ", ".join(map(repr, profiles)) or "none"
        raise ConfigError(f"There is no profile {wanted!r} in {path}; its profiles are: {known}.")
    return _profile(wanted, profiles[wanted], path, environ)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with path.open("rb") as file:
            mode, content = os.fstat(file.fileno()).st_mode, file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    import tomllib

    try:
        document = tomllib.loads(content.decode())
    except ValueError as error:  # of TOML or of UTF-8
        raise ConfigError(f"{path} is no TOML: {error}") from error
    if os.name == "posix" and mode & 0o077 and _has_secret(document):
        raise ConfigError(
            f"{path} holds a token or a client_secret, and others than you may read it (mode "
            f"{mode & 0o777:o}). Nothing was sent. Close it with:  chmod 600 {path}"
        )
    return document


def _has_secret(document: Any) -> bool:
    if isinstance(document, dict):
        return any(key in ("token", "client_secret") or _has_secret(value) for key, value in document.items())
    return False


def _profile(name: str, given: Any, path: Path, environ: Mapping[str, str]) -> Profile:
    where = f"{path}: profiles.{name}"
    table = _table(given, where)
    _refuse_others(table, {each.name for each in fields(Profile)} - {"name"}, where)
    url = _text(table, "url", where)
    if url is None:
        raise ConfigError(f"{where} needs `url`: the address of the STAC API.")
    token = _text(table, "token", where)
    if token is not None and "oidc" in table:
        raise ConfigError(f"{where} has both `token` and `oidc`; it needs one of them.")
    oidc = None if "oidc" not in table else _oidc(table["oidc"], f"{where}.oidc", environ)
    return Profile(name, check_url(url, f"{where}: url"), token, oidc)


def _oidc(given: Any, where: str, environ: Mapping[str, str]) -> OidcClient:
    table = _table(given, where)
    known = [each.name for each in fields(OidcClient)]
    _refuse_others(table, set(known), where)
    values = {name: _text(table, name, where) for name in known}
    values["client_secret"] = environ.get("LANDBRIDGE_CLIENT_SECRET") or values["client_secret"]
    issuer, client_id = values["issuer"], values["client_id"]
    if issuer is None or client_id is None:
        raise ConfigError(f"{where} needs `issuer` and `client_id`.")
    grant = values["grant"] or (_CLIENT if values["client_secret"] else _DEVICE)
    if grant not in (_DEVICE, _CLIENT):
        raise ConfigError(f"{where}: grant is {grant!r}; it is {_DEVICE!r} or {_CLIENT!r}.")
    if grant == _CLIENT and not values["client_secret"]:
        raise ConfigError(f"{where}: grant {_CLIENT!r} needs `client_secret`, or LANDBRIDGE_CLIENT_SECRET.")
    return OidcClient(
        issuer=check_url(issuer, f"{where}: issuer", secure=True),
        client_id=client_id,
        client_secret=values["client_secret"],
        grant=grant,
        scope=values["scope"],
        audience=values["audience"],
    )


def check_url(url: str, what: str, *, secure: bool = False) -> str:
    """An address without the slash at its end; with `secure` one that nobody on the way can listen to."""
    cleaned = url.strip().rstrip("/")
    if not cleaned.startswith(("http://", "https://")):
        raise ConfigError(f"{what} is {url!r}; it must start with http:// or https://")
    parts = urlsplit(cleaned)
    if parts.username or parts.password:
        raise ConfigError(f"{what} holds a user name or a password; give a token or an OIDC client instead.")
    if secure and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ConfigError(f"{what} is {url!r}; it must start with https://, since secrets are sent there.")
    return cleaned


def _table(given: Any, where: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise ConfigError(f"{where} must be a table, not {type(given).__name__}.")
    return given


def _refuse_others(table: Mapping[str, Any], known: set[str], where: str) -> None:
    if others := sorted(set(table) - known):
        raise ConfigError(f"{where} has {', '.join(others)}; it may have {', '.join(sorted(known))}.")


def _text(table: Mapping[str, Any], name: str, where: str) -> str | None:
    value = table.get(name)
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ConfigError(f"{where}: {name} must be a text that is not empty.")  # never the value: a secret
    return value
