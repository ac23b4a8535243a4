"""GDAL's options for files that are opened by credentials, set for one thread while a file is open."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from landbridge.raster.io.expiring_url import access_of
from landbridge.raster.io.file_access import Credential, FileAccess
from landbridge.raster.io.gdal_settings import enter_deferred_env
from landbridge.raster.io.object_stores import s3_access_endpoint, s3_access_region

T = TypeVar("T")

# GDAL's own threads, by which it reads JPEG 2000, need not have the options of the thread that opened a file.
_SINGLE_THREAD = {"GDAL_NUM_THREADS": "1"}


def _session_with(options: dict[str, str]) -> Any:
    """Return a session with given options: rasterio accepts keys of S3 from sessions only."""
    from rasterio.session import DummySession

    class Secrets(DummySession):  # type: ignore[misc] # rasterio is not typed
        def get_credential_options(self) -> dict[str, str]:
            return options

    return Secrets()


@contextmanager
def gdal_access(address: str, credential: Credential | None) -> Iterator[str]:
    """Yield the name by which GDAL opens an address, in the environment to do it in.

    Raises:
        RuntimeError: on the main thread, if options would hold a secret: rasterio sets that thread's options
            for all threads, whose requests to other hosts would then have the secret.
    """
    access = access_of(address)
    if access is None:
        yield str(address)
        return
    name, options = _GDAL_OPTIONS[access.kind](address, access, credential)
    if credential is not None and threading.current_thread() is threading.main_thread():
        raise RuntimeError("GDAL opens files by credentials on the engine's threads only; see `run_jobs`.")
    import rasterio

    enter_deferred_env()
    with rasterio.Env(_session_with(options), **_SINGLE_THREAD):
        yield name


def off_main_thread(address: str, read: Callable[[], T]) -> T:
    """Call a function that opens an address by GDAL: by credentials on another thread than the main one."""
    if access_of(address) is None or threading.current_thread() is not threading.main_thread():
        return read()
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(read).result()


def _http(address: str, _access: FileAccess, credential: Credential | None) -> tuple[str, dict[str, str]]:
    if credential is None:
        return str(address), {"GDAL_HTTP_HEADERS": ""}
    # GDAL and curl send this header to no other host that a redirect leads to.
    return str(address), {"GDAL_HTTP_HEADERS": f"Authorization: Bearer {credential.values['bearer']}"}


def _azure(address: str, _access: FileAccess, credential: Credential | None) -> tuple[str, dict[str, str]]:
    return str(address) if credential is None else credential.signed_url(address), {}


def _s3(address: str, access: FileAccess, credential: Credential | None) -> tuple[str, dict[str, str]]:
    endpoint = urlsplit(s3_access_endpoint(access))
    # All options that GDAL would else take from the environment, which may be meant for another service.
    options = {
        "AWS_S3_ENDPOINT": f"{endpoint.netloc}{endpoint.path.rstrip('/')}",
        "AWS_HTTPS": "YES" if endpoint.scheme == "https" else "NO",
        "AWS_VIRTUAL_HOSTING": "FALSE",
        "AWS_REGION": s3_access_region(access),
        "AWS_DEFAULT_REGION": s3_access_region(access),
        "AWS_REQUEST_PAYER": "requester" if access.setting("request_payer") == "true" else "",
        "AWS_NO_SIGN_REQUEST": "YES" if credential is None else "NO",
    }
    if credential is not None:
        options["AWS_ACCESS_KEY_ID"] = credential.values["access_key_id"]
        options["AWS_SECRET_ACCESS_KEY"] = credential.values["secret_access_key"]
        options["AWS_SESSION_TOKEN"] = credential.values.get("token", "")
    return str(address), options


_GDAL_OPTIONS: dict[str, Callable[[str, FileAccess, Credential | None], tuple[str, dict[str, str]]]] = {
    "http": _http,
    "s3": _s3,
    "azure": _azure,
}
