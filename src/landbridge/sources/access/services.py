"""Services and libraries that give credentials: the Planetary Computer, Earthdata, and boto3."""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from landbridge.raster.errors import CredentialsError
from landbridge.raster.io.object_stores import timeout

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

__all__ = [
    "boto3_keys",
    "checked_token",
    "earthdata_keys",
    "earthdata_token",
    "earthdata_url",
    "netrc_login",
    "planetary_computer_signature",
]

_RETRIES = 3
_RETRIED = (429, 500, 502, 503, 504)
_LONGEST_WAIT = 30.0
# Characters of a token in a header; a comma would begin another header of GDAL's.
_TOKEN = re.compile(r"[\x21-\x2b\x2d-\x7e]+")
_EARTHDATA = "urs.earthdata.nasa.gov"
_LPDAAC_KEYS = "https://data.lpdaac.earthdatacloud.nasa.gov/s3credentials"


def checked_token(token: str, name: str) -> str:
    """Return a token that can be sent in a header. Raises CredentialsError, without the token."""
    if _TOKEN.fullmatch(token.strip()) is None:
        raise CredentialsError(f"{name} has characters that no token has, such as spaces or line breaks.")
    return token.strip()


class _Session:
    """Session of httpx in the form that obstore's providers use, with retries."""

    def get(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        """Return the answer to a request."""
        return request("GET", url, headers=headers)


def request(method: str, url: str, **options: Any) -> httpx.Response:
    """Return the answer of a service that gives credentials, after retries.

    Raises CredentialsError, which holds neither headers nor the answer, if it is no success.
    """
    import httpx

    host = urlsplit(url).netloc
    for attempt in range(_RETRIES + 1):
        try:
            answer = _client().request(method, url, **options)
        except httpx.HTTPError as error:
            failure = f"{host} cannot be reached ({type(error).__name__})"
            wait = 0.2 * 2**attempt
        else:
            if answer.is_success:
                return answer
            failure = f"{host} answered {answer.status_code} {answer.reason_phrase}"
            if answer.status_code not in _RETRIED:
                break
            wait = _seconds(answer.headers.get("retry-after"), 0.5 * 2**attempt)
        if attempt < _RETRIES:
            time.sleep(min(wait, _LONGEST_WAIT))
    raise CredentialsError(f"Credentials for the file cannot be fetched: {failure}.")


def _seconds(text: str | None, default: float) -> float:
    try:
        return default if text is None else max(0.0, float(text))
    except ValueError:  # a date
        return default


def _client() -> httpx.Client:
    return _client_of(os.getpid(), timeout())


@lru_cache(maxsize=1)
def _client_of(_process: int, seconds: float) -> httpx.Client:
    import atexit

    import httpx

    # No redirect is followed, so that no header reaches another host.
    client = httpx.Client(
        timeout=httpx.Timeout(seconds, connect=min(seconds, 10)), headers={"User-Agent": "landbridge"}
    )
    atexit.register(client.close)
    return client


# The Planetary Computer
def planetary_computer_signature(account: str, container: str, key: str | None) -> Mapping[str, Any]:
    """Return the signature for a container; `key` is a subscription key. Raises CredentialsError."""
    from obstore.auth.planetary_computer import PlanetaryComputerCredentialProvider

    session: Any = _Session()
    try:
        provider = PlanetaryComputerCredentialProvider(
            account_name=account, container_name=container, subscription_key=key, session=session
        )
        return dict(provider())
    except ImportError:
        raise CredentialsError(
            "~/.planetarycomputer/settings.env is read by the package python-dotenv, which is missing: "
            "pip install python-dotenv"
        ) from None
    except (ValueError, KeyError):
        raise CredentialsError(
            "The Planetary Computer answered a request for a signature without one."
        ) from None


# Earthdata
def earthdata_url() -> str:
    """Return the address of Earthdata's login service, which `EARTHDATA_HOST` replaces."""
    host = os.environ.get("EARTHDATA_HOST") or _EARTHDATA
    return host.rstrip("/") if "://" in host else f"https://{host}"


def netrc_login(url: str) -> tuple[str, str] | None:
    """Return user and password for a host in `~/.netrc`, or in the file that `NETRC` names; else None."""
    import netrc

    try:
        found = netrc.netrc(os.environ.get("NETRC")).hosts.get(urlsplit(url).netloc)
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2] or "") if found else None


def earthdata_token(user: str, password: str) -> Mapping[str, Any]:
    """Return a bearer token for a user of Earthdata. Raises CredentialsError."""
    answer = request("POST", f"{earthdata_url()}/api/users/find_or_create_token", auth=(user, password))
    try:
        content = answer.json()
        token = checked_token(str(content["access_token"]), "The token of Earthdata")
        day = content.get("expiration_date")
        expires_at = None if day is None else datetime.strptime(day, "%m/%d/%Y").replace(tzinfo=UTC)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CredentialsError("Earthdata answered a login without a token.") from None
    return {"bearer": token, "expires_at": expires_at}


def earthdata_keys(login: str | tuple[str, str]) -> Mapping[str, Any]:
    """Return keys of S3 for the files of the LP DAAC, which are valid in the region us-west-2 only."""
    try:
        from obstore.auth.earthdata import NasaEarthdataCredentialProvider

        provider = NasaEarthdataCredentialProvider(_LPDAAC_KEYS, auth=login)
    except ImportError:
        raise CredentialsError(
            "Earthdata's keys of S3 need the package requests: pip install requests"
        ) from None
    try:
        return dict(provider())
    except (OSError, ValueError, KeyError) as error:  # all errors of requests are OSErrors
        raise CredentialsError(
            f"{urlsplit(_LPDAAC_KEYS).netloc} gave no keys of S3 ({type(error).__name__})."
        ) from None
    finally:
        provider.close()


# AWS
def boto3_keys(profile: str | None) -> Mapping[str, Any]:
    """Return the keys of S3 that boto3 finds, of a profile or by default; empty if there are none.

    Raises CredentialsError if the profile is missing, or cannot be read because boto3 is.
    """
    try:
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        named = profile or os.environ.get("AWS_PROFILE")
        if named:
            raise CredentialsError(f"The profile {named!r} of AWS needs boto3: pip install boto3") from None
        return {}
    from importlib import import_module

    session_class = import_module("boto3").Session
    not_found = import_module("botocore.exceptions").BotoCoreError
    try:
        return dict(Boto3CredentialProvider(session_class(profile_name=profile))())
    except not_found as error:
        raise CredentialsError(f"boto3 gives no keys of S3: {type(error).__name__}.") from None
    except ValueError:  # it found none
        return {}
