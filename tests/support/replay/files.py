"""Hosts of the providers' files: who may read them, and what a stranger is answered."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qs, unquote, urlsplit

from support.replay import pixels
from support.replay.api import Server

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_KEY = re.compile(r"Credential=([^/]+)/")


@dataclass(frozen=True)
class Seen:
    """A request: method, path, range, headers and query."""

    method: str
    path: str
    range: str | None
    headers: dict[str, str]
    query: dict[str, str]


class Files:
    """The files of a provider's records, at `url`/store/…/item/asset.ending.

    `token` is what a bearer sends, `key` the access key of S3, `token_seconds` a signature's life.
    """

    token = "bearer-of-the-tests"
    key = "KEYOFTHETESTS"

    def __init__(self, records):
        self.records = {record.id: record for record in records}
        self.seen = deque()
        self.behave = None
        """None, or a function of a `Seen` that returns None or (status, content, headers)."""
        self.token_seconds = 2700.0
        self.latency = 0.0
        self._secret = secrets.token_hex(8)
        self._lock = threading.Lock()
        self.content = lru_cache(maxsize=4096)(self._content)
        self.server = Server(self._answer)
        self.url = self.server.url

    def stop(self):
        self.server.stop()

    # --- signatures of blobs

    def sign(self, place):
        """Return the token of an account and container, as the signing endpoint answers it."""
        expiry = datetime.fromtimestamp(time.time() + self.token_seconds, UTC)
        text = expiry.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        signature = self._signature(place, text)
        return {"msft:expiry": text, "token": f"se={text}&sp=rl&sv=2024-05-04&sr=c&sig={signature}"}

    def _signature(self, place, expiry):
        return hashlib.sha256(f"{self._secret}{place}{expiry}".encode()).hexdigest()[:24]

    def expire(self):
        """Make all signatures invalid that were given until now."""
        with self._lock:
            self._secret = secrets.token_hex(8)

    # --- requests

    def gets(self, ending=""):
        """Return the requests for the files with an ending."""
        return [one for one in self.seen if one.method == "GET" and one.path.endswith(ending)]

    def _answer(self, handler):
        parts = urlsplit(handler.path)
        seen = Seen(
            handler.command,
            unquote(parts.path),
            handler.headers.get("Range"),
            {name.lower(): value for name, value in handler.headers.items()},
            {name: values[0] for name, values in parse_qs(parts.query).items()},
        )
        self.seen.append(seen)
        time.sleep(self.latency)
        if self.behave is not None and (given := self.behave(seen)) is not None:
            return given
        host = seen.path.strip("/").split("/")[0]
        if (refusal := _RULES.get(host, _blob if host in _ACCOUNTS else _public)(self, seen)) is not None:
            return refusal
        return self._send(seen)

    def _send(self, seen):
        content = self.content("/".join(seen.path.rsplit("/", 2)[1:]))
        if content is None:
            return 404, b"<Error><Code>NoSuchKey</Code></Error>", {"Content-Type": "application/xml"}
        headers = {
            "ETag": f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"',
            "Accept-Ranges": "bytes",
            "Content-Type": "image/tiff",
            "Last-Modified": "Thu, 01 Jun 2023 00:00:00 GMT",
        }
        asked = _RANGE.fullmatch(seen.range or "")
        if asked is None:
            return 200, content, headers
        start, end = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
        if start >= len(content):
            return 416, b"", {"Content-Range": f"bytes */{len(content)}"}
        headers["Content-Range"] = f"bytes {start}-{end}/{len(content)}"
        return 206, content[start : end + 1], headers

    def _content(self, name):
        identifier, _, file = name.partition("/")
        record = self.records.get(identifier)
        key, _, ending = file.rpartition(".")
        if record is None or (spec := record.pixels(key)) is None:
            return None
        driver = "JP2OpenJPEG" if ending == "jp2" else "COG"
        # GDAL's drivers run in several threads of the server: one file at a time is fast enough.
        with self._lock:
            return pixels.file(identifier, key, spec, record.product.finest, record.grid(key), driver)


def _public(files, seen):
    return None


def _blob(files, seen):
    """Azure: without a signature 409, with an old or foreign one 403."""
    if "sig" not in seen.query:
        return _xml(409, "PublicAccessNotPermitted")
    place = "/".join(seen.path.strip("/").split("/")[:2])
    expiry = seen.query.get("se", "")
    expired = not expiry or datetime.fromisoformat(expiry) < datetime.now(UTC)
    if expired or seen.query["sig"] != files._signature(place, expiry):
        return _xml(403, "AuthenticationFailed")
    return None


def _earthdata(files, seen):
    """Earthdata: a stranger is led to a page of HTML; a wrong bearer is refused."""
    if seen.path.endswith("/oauth/authorize"):
        return 200, b"<!DOCTYPE html><html><body>Earthdata Login</body></html>", {"Content-Type": "text/html"}
    given = seen.headers.get("authorization")
    if given is None:
        return 302, b"", {"Location": "/urs.earthdata.nasa.gov/oauth/authorize"}
    if given != f"Bearer {files.token}":
        return 401, b"{}", {"Content-Type": "application/json"}
    return None


def _login(files, seen):
    """USGS over HTTPS: the page of a login."""
    return 200, b"<!DOCTYPE html><html><body>Sign in</body></html>", {"Content-Type": "text/html"}


def _requester_pays(files, seen):
    if (refusal := _s3(files, seen)) is not None:
        return refusal
    if seen.headers.get("x-amz-request-payer") != "requester":
        return _xml(403, "AccessDenied")
    return None


def _s3(files, seen):
    found = _KEY.search(seen.headers.get("authorization", ""))
    if found is None or found[1] != files.key:
        return _xml(403, "AccessDenied")
    return None


def _oidc(files, seen):
    if seen.headers.get("authorization") != f"Bearer {files.token}":
        return 401, b"{}", {"Content-Type": "application/json"}
    return None


def _xml(status, code):
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
    return status, text.encode(), {"Content-Type": "application/xml"}


_ACCOUNTS = {
    "sentinel2l2a01",
    "landsateuwest",
    "naipeuwest",
    "hls2euwest",
    "landcoverdata",
    "elevationeuwest",
    "ai4edataeuwest",
}
_RULES = {
    "data.lpdaac.earthdatacloud.nasa.gov": _earthdata,
    "lpdaac.earthdata.nasa.gov": _earthdata,
    "urs.earthdata.nasa.gov": _earthdata,
    "landsatlook.usgs.gov": _login,
    "usgs-landsat": _requester_pays,
    "naip-analytic": _requester_pays,
    "sentinel-s2-l2a": _requester_pays,
    "eodata": _s3,
    "download.dataspace.copernicus.eu": _oidc,
    "zipper.dataspace.copernicus.eu": _oidc,
}
