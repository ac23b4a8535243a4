"""Bytes of the files of a catalog: on this machine, on a web server or in an object store."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from landbridge.exceptions import NotFoundError, ServerError
from landbridge.raster.io import object_stores
from landbridge.sources.catalog_urls import local_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

__all__ = ["glob_files", "list_files", "read_bytes"]

_HTTP = ("http", "https")
_RETRIES = 3


def read_bytes(url: str) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    NotFoundError
        If it does not exist.
    ServerError
        If it cannot be read.
    """
    path = local_path(url)
    if path is not None:
        try:
            return path.read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            raise NotFoundError(f"{path} does not exist.") from None
        except OSError as error:
            raise ServerError(f"{path} cannot be read: {error.strerror}.") from error
    if urlsplit(url).scheme in _HTTP:
        return _read_http(url)
    return _read_object(url)


def _read_http(url: str) -> bytes:
    import httpx

    for attempt in range(_RETRIES + 1):
        try:
            response = _session().get(url)
        except httpx.HTTPError as error:
            failure = f"{url} cannot be read: {type(error).__name__}."
        else:
            if response.is_success:
                return response.content
            if response.status_code in (404, 410):
                raise NotFoundError(f"{url} does not exist.")
            failure = f"{url} cannot be read: the server answered {response.status_code}."
            if response.status_code not in (429, 500, 502, 503, 504):
                break
        if attempt < _RETRIES:
            _pause(attempt)
    raise ServerError(failure)


def _pause(attempt: int) -> None:
    import time

    time.sleep(0.2 * 2**attempt)


@lru_cache(maxsize=1)
def _session() -> httpx.Client:
    import atexit

    import httpx

    seconds = object_stores.timeout()
    session = httpx.Client(
        timeout=httpx.Timeout(seconds, connect=min(seconds, 10)),
        limits=httpx.Limits(max_connections=32, max_keepalive_connections=16),
        headers={"User-Agent": "landbridge"},
        follow_redirects=True,
    )
    atexit.register(session.close)
    return session


def _read_object(url: str) -> bytes:
    store, key = _store(url)
    try:
        return bytes(store.get(key).bytes())
    except FileNotFoundError:
        raise NotFoundError(f"{url} does not exist.") from None
    except Exception as error:
        # Errors of object stores hold the signed request; show only their class.
        raise ServerError(f"{url} cannot be read: {type(error).__name__}.") from error


def _store(url: str) -> tuple[Any, str]:
    """Return the object store of a URL, and the key in it."""
    parts = urlsplit(url)
    if parts.scheme in ("s3", "s3a"):
        settings = object_stores.s3_settings()
        if settings is None:
            # Without credentials only public buckets can be read.
            settings = (("AWS_REGION", "us-east-1"), ("AWS_SKIP_SIGNATURE", "true"))
        return object_stores.s3_store(parts.netloc, object_stores.timeout(), settings), parts.path.lstrip("/")
    from obstore.store import from_url

    return from_url(f"{parts.scheme}://{parts.netloc}"), parts.path.lstrip("/")


def list_files(url: str) -> Iterator[str]:
    """Yield the files of a folder and of the folders in it, sorted by name.

    Raises
    ------
    NotFoundError
        If the folder does not exist.
    ServerError
        If it cannot be listed, such as a folder of a web server.
    """
    folder = local_path(url)
    if folder is not None:
        if not folder.is_dir():
            raise NotFoundError(f"{folder} does not exist, or is no folder.")
        yield from sorted(str(path) for path in folder.rglob("*") if path.is_file())
        return
    parts = urlsplit(url)
    if parts.scheme in _HTTP:
        raise ServerError(f"The files below {url} cannot be listed: name each file, or a file with a list.")
    store, key = _store(url)
    prefix = key.rstrip("/")
    try:
        found = [entry["path"] for page in store.list(prefix or None) for entry in page]
    except Exception as error:
        raise ServerError(f"The files below {url} cannot be listed: {type(error).__name__}.") from error
    yield from sorted(f"{parts.scheme}://{parts.netloc}/{path}" for path in found)


def glob_files(pattern: str) -> Iterator[str]:
    """Yield the files whose address matches a pattern with `*` and `?`, sorted by name."""
    from fnmatch import fnmatchcase

    fixed = pattern[: min(pattern.find(sign) for sign in "*?[" if sign in pattern)]
    folder = fixed[: fixed.rfind("/") + 1]
    wanted = pattern
    path = local_path(folder)
    if path is not None:
        wanted = str(local_path(pattern))
    for file in list_files(folder):
        # An asterisk does not match a slash, unless there are two.
        if fnmatchcase(file, wanted) and ("**" in wanted or file.count("/") == wanted.count("/")):
            yield file
