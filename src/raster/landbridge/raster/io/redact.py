"""Removal of secrets from URLs, error texts and log records."""

import logging
import re
from functools import cache
from urllib.parse import urlsplit

from landbridge.raster.io.byte_ranges import is_remote

_QUERY = re.compile(r"\?[^\s'\"]+")


_MIN_SECRET_LENGTH = 8


# Fragment by which GDAL tells the versions of a file apart (see `gdal_cache`).
_VERSION_FRAGMENT = re.compile(r"#[0-9a-f]{32}(\.\w+)?")


_USERINFO = re.compile(r"(://)[^/@\s'\"]+@")


# A token in the options or the headers of a request, and the keys of S3 in the options of GDAL.
_BEARER = re.compile(
    r"(Bearer |(?:AWS_SECRET_ACCESS_KEY|AWS_SESSION_TOKEN|AWS_ACCESS_KEY_ID)\W{1,5})[^\s'\",}]+",
    re.IGNORECASE,
)


def redact_url(address: str) -> str:
    """Return an address without its query, user name and password."""
    return redact_text(address) if is_remote(address) else address


def redact_text(text: str) -> str:
    return _BEARER.sub(r"\1…", _QUERY.sub("?…", _USERINFO.sub(r"\1", text)))


def redact_error_text(text: str, address: str, href: str) -> str:
    """Return an error's text without the signature of an address."""
    if not is_remote(address):
        return text
    text = _VERSION_FRAGMENT.sub("", text)
    query = urlsplit(address).query
    # Parameters may appear alone, but short ones would match parts of words.
    parts = [part for part in query.split("&") if len(part) >= _MIN_SECRET_LENGTH]
    for secret, shown in ((address, href), *((part, "…") for part in (query, *parts) if part)):
        text = text.replace(secret, shown)
    return redact_text(text)


class _RedactingFilter(logging.Filter):
    """Log filter that removes secrets of addresses."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if (shown := redact_text(text)) != text:
            record.msg, record.args = shown, ()
        return True


@cache
def redact_logs() -> None:
    """Remove secrets from the log records of libraries that open files."""
    hide = _RedactingFilter()
    rasterio_loggers = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "rasterio"]
    for name in (*rasterio_loggers, "odc.loader._rio"):
        logging.getLogger(name).addFilter(hide)
