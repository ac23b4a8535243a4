"""Credentials of sources, found in the environment, in `config.toml` or at a provider's own service.

- `bearer`: `LANDBRIDGE_SOURCE_<ID>_TOKEN`, or `token`.
- `earthdata`: the same, or `EARTHDATA_TOKEN`; or a user, for whom a token is fetched: `username` and
  `password`, `EARTHDATA_USERNAME` and `EARTHDATA_PASSWORD`, or `~/.netrc`.
- `s3`: `LANDBRIDGE_SOURCE_<ID>_ACCESS_KEY_ID` and `…_SECRET_ACCESS_KEY` (and `…_SESSION_TOKEN`), or
  `access_key_id` and `secret_access_key`; for `cdse` `CDSE_S3_ACCESS_KEY` and `CDSE_S3_SECRET_KEY`; or
  `profile`; for AWS itself `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or what boto3 finds.
- `planetary-computer`: none. A subscription key raises the limits: `PC_SDK_SUBSCRIPTION_KEY`, or `token`.

Names in small letters are keys of `[sources.<id>]` in `config.toml`. `<ID>` is the id of the source in
capitals, with `_` for `-`. The first that is set counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from landbridge.exceptions import ConfigError
from landbridge.raster.errors import CredentialsError
from landbridge.raster.io.object_stores import s3_endpoint
from landbridge.sources.access import services
from landbridge.sources.files import credentials_of

if TYPE_CHECKING:
    from landbridge.mappings.sources.model import AccessRule

__all__ = ["NeededCredentials", "needed_by"]

Settings = Mapping[str, str]

# Variables of a provider's own documentation, by the id of its source and the name of the credential.
_OTHER_VARIABLES = {
    ("cdse", "access_key_id"): "CDSE_S3_ACCESS_KEY",
    ("cdse", "secret_access_key"): "CDSE_S3_SECRET_KEY",
}


@dataclass(frozen=True, slots=True)
class NeededCredentials:
    """Credentials that an access needs: a function that finds them, and what to do if they are refused."""

    fetch: Callable[[], Mapping[str, Any]]
    advice: str


def needed_by(source: str, rule: AccessRule, kind: str, settings: Settings) -> NeededCredentials | None:
    """Return the credentials that files of a rule need; None if requests are anonymous."""
    if rule.kind == "public":
        return None
    if rule.kind == "planetary-computer":
        return NeededCredentials(
            partial(_signature, source, settings["account_name"], settings["container_name"]),
            "its signature was refused, a fresh one too; set PC_SDK_SUBSCRIPTION_KEY if you have a key",
        )
    if kind == "s3" and rule.kind == "earthdata":
        return NeededCredentials(partial(_earthdata_keys, source), _earthdata_advice(source))
    if kind == "s3":
        return NeededCredentials(partial(_s3_keys, source, rule), _s3_advice(source, rule))
    if rule.kind == "earthdata":
        return NeededCredentials(partial(_earthdata_token, source), _earthdata_advice(source))
    return NeededCredentials(partial(_token, source), _token_advice(source))


def variable(source: str, name: str) -> str:
    """Return the name of the environment variable of a source's credential."""
    return f"LANDBRIDGE_SOURCE_{source.upper().replace('-', '_')}_{name.upper()}"


def _configured(source: str, name: str) -> str | None:
    """Return a credential from the environment or from `config.toml`."""
    if value := os.environ.get(variable(source, name)):
        return value
    try:
        if value := credentials_of(source, os.environ).get(name):
            return value
    except ConfigError as error:
        raise CredentialsError(str(error)) from error
    other = _OTHER_VARIABLES.get((source, name))
    return (os.environ.get(other) or None) if other else None


def _missing(source: str, needs: str, advice: str) -> CredentialsError:
    return CredentialsError(f"source {source!r} needs {needs} to read this file: {advice}")


# Tokens
def _token_advice(source: str) -> str:
    return f"set {variable(source, 'token')}, or token in [sources.{source}] of config.toml"


def _token(source: str) -> Mapping[str, Any]:
    token = _configured(source, "token")
    if token is None:
        raise _missing(source, "a token", _token_advice(source))
    return {"bearer": services.checked_token(token, f"The token of source {source!r}")}


# Earthdata
def _earthdata_advice(source: str) -> str:
    return (
        f"set EARTHDATA_TOKEN or {variable(source, 'token')} to a token of https://urs.earthdata.nasa.gov, "
        f"or token in [sources.{source}] of config.toml, or EARTHDATA_USERNAME and EARTHDATA_PASSWORD, or "
        "add that host to ~/.netrc; approve the provider's application in your Earthdata profile"
    )


def _earthdata_login(source: str) -> str | tuple[str, str]:
    """Return a token, or a user and a password."""
    if token := _configured(source, "token") or os.environ.get("EARTHDATA_TOKEN"):
        return services.checked_token(token, "The token of Earthdata")
    user = _configured(source, "username") or os.environ.get("EARTHDATA_USERNAME")
    password = _configured(source, "password") or os.environ.get("EARTHDATA_PASSWORD")
    if user and password:
        return user, password
    if login := services.netrc_login(services.earthdata_url()):
        return login
    raise _missing(source, "an Earthdata login", _earthdata_advice(source))


def _earthdata_token(source: str) -> Mapping[str, Any]:
    login = _earthdata_login(source)
    if isinstance(login, str):
        return {"bearer": login}
    return services.earthdata_token(*login)


def _earthdata_keys(source: str) -> Mapping[str, Any]:
    return services.earthdata_keys(_earthdata_login(source))


# The Planetary Computer
def _signature(source: str, account: str, container: str) -> Mapping[str, Any]:
    return services.planetary_computer_signature(account, container, _configured(source, "token"))


# S3
def _s3_advice(source: str, rule: AccessRule) -> str:
    names = [variable(source, name) for name in ("access_key_id", "secret_access_key")]
    other = [_OTHER_VARIABLES.get((source, name)) for name in ("access_key_id", "secret_access_key")]
    ways = [f"set {' and '.join(names)}"]
    if all(other):
        ways.append(f"{other[0]} and {other[1]}")
    if rule.endpoint is None:
        ways.append("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE, which needs boto3)")
    ways.append(f"access_key_id and secret_access_key in [sources.{source}] of config.toml")
    pays = "; your account is charged for the requests" if rule.requester_pays else ""
    return ", or ".join(ways) + pays


def _s3_keys(source: str, rule: AccessRule) -> Mapping[str, Any]:
    key, secret = _configured(source, "access_key_id"), _configured(source, "secret_access_key")
    if key and secret:
        return _keys(key, secret, _configured(source, "session_token"))
    if profile := _configured(source, "profile"):
        return services.boto3_keys(profile)
    if not _is_endpoint_of_environment(rule):
        raise _missing(source, "keys of S3", _s3_advice(source, rule))
    key, secret = os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_SECRET_ACCESS_KEY")
    if key and secret:
        return _keys(key, secret, os.environ.get("AWS_SESSION_TOKEN"))
    found = services.boto3_keys(None)
    if not found:
        raise _missing(source, "keys of S3", _s3_advice(source, rule))
    return found


def _is_endpoint_of_environment(rule: AccessRule) -> bool:
    """Return whether the keys in the variables of AWS's tools are for the service of a rule."""
    return (s3_endpoint() or "").rstrip("/") == (rule.endpoint or "").rstrip("/")


def _keys(key: str, secret: str, token: str | None) -> dict[str, Any]:
    return {"access_key_id": key, "secret_access_key": secret, "token": token}
