"""HTTP, S3 and Azure stores of obstore, configured from the environment or by the access of a file."""

import os
import re
import threading
from datetime import timedelta
from functools import lru_cache, wraps
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec
from urllib.parse import unquote, urlsplit

from landbridge.raster.io.expiring_url import access_of
from landbridge.raster.io.file_access import Credential, FileAccess

if TYPE_CHECKING:
    from collections.abc import Callable

    from obstore.store import ObjectStore


TIMEOUT_VARIABLE = "LANDBRIDGE_HTTP_TIMEOUT"


_TIMEOUT = 30.0


_CONNECT_TIMEOUT = 10.0


RETRIES = 3


# Environment variables that object_store receives unchanged.
_S3_SETTINGS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_REQUEST_PAYER",
    "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
)


# Paths that the store does not normalize.
_PLAIN_PATH = re.compile(r"/[A-Za-z0-9_.:/-]+")


def timeout() -> float:
    """Return the number of seconds without data after which a request fails.

    Raises:
        ValueError: if the environment variable is not a positive number.
    """
    text = os.environ.get(TIMEOUT_VARIABLE)
    try:
        seconds = float(text) if text else _TIMEOUT
    except ValueError:
        seconds = 0
    if not seconds > 0:
        raise ValueError(f"{TIMEOUT_VARIABLE} must be a number of seconds greater than 0, got {text!r}")
    return seconds


class StoredFile(NamedTuple):
    """File in a store, and the credential that the store sends."""

    store: "ObjectStore"
    path: str
    credential: Credential | None = None


def stored_file(address: str) -> StoredFile | None:
    """Return the store and the path of a remote file; None if only GDAL can open it.

    Raises:
        CredentialsError: if the credentials of the file's access are missing or cannot be fetched.
    """
    access = access_of(address)
    if access is not None:
        return _STORES[access.kind](address, access, access.credential())
    if urlsplit(address).scheme in ("http", "https"):
        return _http_file(address, None, None)
    if (settings := s3_settings()) is None:
        return None
    bucket, key = _bucket_and_key(address)
    return StoredFile(s3_store(bucket, timeout(), settings), key)


def _http_file(address: str, _access: FileAccess | None, credential: Credential | None) -> StoredFile:
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    if not parts.query and _PLAIN_PATH.fullmatch(parts.path):
        return StoredFile(_http_store(origin, timeout(), credential), parts.path.lstrip("/"), credential)
    # The store would normalize the path and drop the query, so the whole URL becomes its root.
    return StoredFile(_http_store(address, timeout(), credential), "", credential)


def _s3_file(address: str, access: FileAccess, credential: Credential | None) -> StoredFile:
    bucket, key = _bucket_and_key(address)
    return StoredFile(_rule_s3_store(bucket, timeout(), access, credential), key, credential)


def _azure_file(address: str, access: FileAccess, credential: Credential | None) -> StoredFile:
    root = f"{access.setting('endpoint')}/{access.setting('container_name')}/"
    if not address.startswith(root):
        raise ValueError(f"{address!r} does not lie in the container {root!r}.")
    path = unquote(urlsplit(address[len(root) :]).path)
    return StoredFile(_azure_store(timeout(), access, credential), path, credential)


_STORES = {"http": _http_file, "s3": _s3_file, "azure": _azure_file}


def _bucket_and_key(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.netloc, parts.path.lstrip("/")


_P = ParamSpec("_P")
_making = threading.Lock()


def _shared(make: "Callable[_P, ObjectStore]") -> "Callable[_P, ObjectStore]":
    """Return a function that makes one store for the same arguments, also if several threads ask at once.

    Stores keep their connections, and making one takes 10 ms. Credentials are compared by identity: no key is
    secret.
    """
    kept = lru_cache(maxsize=64)(make)

    @wraps(make)
    def get(*args: _P.args, **options: _P.kwargs) -> "ObjectStore":
        with _making:
            # All arguments are hashable, which a ParamSpec cannot say.
            return kept(*args, **options)  # type: ignore[arg-type]

    return get


def _reset_after_fork() -> None:
    """Replace the lock of a forked process, which another thread of its parent may hold."""
    global _making  # noqa: PLW0603 - there is one
    _making = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_after_fork)


@_shared
def _http_store(url: str, seconds: float, credential: Credential | None) -> "ObjectStore":
    from obstore.store import HTTPStore

    options = _client_options(seconds)
    if credential is not None:
        # The HTTP client sends this header to no other host that a redirect leads to.
        options["default_headers"] = {"Authorization": f"Bearer {credential.values['bearer']}"}
    return HTTPStore.from_url(url, client_options=options, retry_config=_retries(seconds))


def s3_access_endpoint(access: FileAccess) -> str:
    """Return the address of the S3 service of an access, which holds buckets as first part of the path."""
    return access.setting("endpoint") or f"https://s3.{s3_access_region(access)}.amazonaws.com"


def s3_access_region(access: FileAccess) -> str:
    """Return the region of the S3 service of an access."""
    return access.setting("region") or "us-east-1"


@_shared
def _rule_s3_store(
    bucket: str, seconds: float, access: FileAccess, credential: Credential | None
) -> "ObjectStore":
    from obstore.store import S3Store

    # All settings that obstore would else take from the environment, which may be meant for another service.
    config: Any = {
        "region": s3_access_region(access),
        "endpoint": s3_access_endpoint(access),
        "aws_endpoint_url_s3": s3_access_endpoint(access),
        "virtual_hosted_style_request": "false",
        "request_payer": access.setting("request_payer") or "false",
        "skip_signature": str(credential is None).lower(),
    }
    return S3Store(
        bucket,
        config=config,
        client_options=_client_options(seconds),
        retry_config=_retries(seconds),
        credential_provider=None if credential is None else _provider(credential),
    )


def _provider(credential: Credential) -> Any:
    """Return a credential in the form of obstore's providers: so the store's own configuration lacks it."""
    return credential


@_shared
def _azure_store(seconds: float, access: FileAccess, credential: Credential | None) -> "ObjectStore":
    from obstore.store import AzureStore

    config: Any = {
        "account_name": access.setting("account_name"),
        "endpoint": access.setting("endpoint"),
        "use_emulator": "false",
        "use_fabric_endpoint": "false",
        "skip_signature": str(credential is None).lower(),
    }
    return AzureStore(
        access.setting("container_name"),
        config=config,
        client_options=_client_options(seconds),
        retry_config=_retries(seconds),
        credential_provider=None if credential is None else _provider(credential),
    )


def s3_settings() -> tuple[tuple[str, str], ...] | None:
    """Return the environment's settings for S3 in terms of object_store; None if only GDAL supports them."""
    found = {name: value for name, value in os.environ.items() if name.startswith("AWS_") and value}
    unsigned = found.pop("AWS_NO_SIGN_REQUEST", "").upper() in ("YES", "TRUE", "1", "ON")
    if not (unsigned or {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} <= found.keys()):
        return None
    if "AWS_S3_ENDPOINT" in found and s3_endpoint() is None:
        # GDAL's own variable, which other variables of GDAL complement.
        return None
    settings = {name: found[name] for name in _S3_SETTINGS if name in found}
    settings.setdefault("AWS_REGION", found.get("AWS_DEFAULT_REGION", "us-east-1"))
    if (endpoint := s3_endpoint()) is not None:
        settings["AWS_ENDPOINT_URL"] = endpoint
    if unsigned:
        settings["AWS_SKIP_SIGNATURE"] = "true"
    return tuple(sorted(settings.items()))


def s3_endpoint() -> str | None:
    """Return the URL of an S3-compatible service from the variables of AWS's tools; None if not set."""
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None


@_shared
def s3_store(bucket: str, seconds: float, settings: tuple[tuple[str, str], ...]) -> "ObjectStore":
    from obstore.store import S3Store

    config: Any = {name.lower(): value for name, value in settings}
    return S3Store(
        bucket, config=config, client_options=_client_options(seconds), retry_config=_retries(seconds)
    )


def _client_options(seconds: float) -> Any:
    return {
        "allow_http": True,
        "connect_timeout": timedelta(seconds=min(seconds, _CONNECT_TIMEOUT)),
        "read_timeout": timedelta(seconds=seconds),
        # The transfer of a tile over a slow connection may take longer than any fixed time.
        "timeout": timedelta(days=1),
    }


def _retries(seconds: float) -> Any:
    # Allows one retry after a stall, and a few after immediate failures.
    return {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=1.5 * seconds)}
