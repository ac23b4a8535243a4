"""Byte-range reads (local, HTTP, S3) for the native TIFF reader."""

import os
import sys
from urllib.parse import urlsplit

from landbridge.raster.io.expiring_url import access_of
from landbridge.raster.io.file_protocol import File
from landbridge.raster.io.local_file import LocalFile, file_stamp
from landbridge.raster.io.object_stores import stored_file
from landbridge.raster.io.remote_file import open_remote

# Options with credentials and headers that only GDAL can send.
_GDAL_ONLY = (
    "GDAL_HTTP_AUTH",
    "GDAL_HTTP_USERPWD",
    "GDAL_HTTP_HEADERS",
    "GDAL_HTTP_HEADER_FILE",
    "GDAL_HTTP_COOKIE",
)
# Packages that may share GDAL's options with rasterio, variables that name its configuration file, and the
# files that it looks for.
_GDAL_PACKAGES = frozenset({"rasterio", "osgeo", "fiona", "pyogrio"})
_GDAL_FILE_VARIABLES = frozenset({"GDAL_CONFIG_FILE", "GDAL_CONFIG_PATH"})
_GDAL_FILES = ("~/.gdal/gdalrc", "/etc/gdal/gdalrc", f"{sys.prefix}/etc/gdal/gdalrc")


def open_file(address: str) -> File | None:
    """Open a file for byte-range reads; return None if GDAL has to read it.

    Raises:
        OSError: if the server lacks the file, denies access or does not answer.
    """
    if _is_address_of_store(address):
        return open_remote(address)
    try:
        status = os.stat(address)  # noqa: PTH116 - an address, which need not be a path
    except (OSError, ValueError):
        return None
    return LocalFile(address, file_stamp(status), status.st_ctime_ns)


def _is_address_of_store(address: str) -> bool:
    scheme = urlsplit(address).scheme
    return scheme == "s3" or (
        scheme in ("http", "https") and (access_of(address) is not None or not needs_gdal())
    )


def reads_ranges(address: str) -> bool:
    """Return whether a remote file is read by byte ranges, as far as the address and the settings tell.

    Raises:
        CredentialsError: if the credentials of the file's access are missing or cannot be fetched.
    """
    return _is_address_of_store(address) and stored_file(address) is not None


def needs_gdal() -> bool:
    """Return whether the environment, or an Env of rasterio, has credentials that only GDAL can send."""
    if not _uses_gdal():
        return any(name in os.environ for name in _GDAL_ONLY)
    # Private: the public getenv() lacks options of the process environment (see test_library_internals.py).
    from rasterio._env import get_gdal_config

    return any(get_gdal_config(name, normalize=False) for name in _GDAL_ONLY)


def _uses_gdal() -> bool:
    """Return whether options of GDAL can be set elsewhere than in the process environment.

    Programs set them by an imported package, and users in GDAL's configuration file.
    """
    return (
        not sys.modules.keys().isdisjoint(_GDAL_PACKAGES)
        or not os.environ.keys().isdisjoint(_GDAL_FILE_VARIABLES)
        or any(map(os.path.exists, map(os.path.expanduser, _GDAL_FILES)))
    )


def is_remote(address: str) -> bool:
    """Return whether an address is a URL or a virtual path of GDAL."""
    return "://" in address or address.startswith("/vsi")
