"""HTTP and S3 stores of obstore, configured from the environment."""

import os
import re
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
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


def http_store(address: str) -> tuple["ObjectStore", str]:
    parts = urlsplit(address)
    origin = f"{parts.scheme}://{parts.netloc}"
    if not parts.query and _PLAIN_PATH.fullmatch(parts.path):
        return _http_store_of(origin, timeout()), parts.path.lstrip("/")
    # The store would normalize the path and drop the query, so the whole URL becomes its root.
    return _http_store_of(address, timeout()), ""


@lru_cache(maxsize=64)
def _http_store_of(url: str, seconds: float) -> "ObjectStore":
    from obstore.store import HTTPStore

    return HTTPStore.from_url(url, client_options=_client_options(seconds), retry_config=_retries(seconds))


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


@lru_cache(maxsize=64)
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
