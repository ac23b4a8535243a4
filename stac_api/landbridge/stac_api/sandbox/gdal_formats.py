"""Restriction of GDAL to some formats and to local files.

A raster file can refer to others: a virtual raster to its sources, a service description to a host. No
content of a file may make this server open another file or contact another machine.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import rasterio

if TYPE_CHECKING:
    from collections.abc import Collection

# GDAL opens only the remote file of exactly this name, which no URL equals.
_NO_ADDRESS = "none"


def limit_gdal(drivers: Collection[str]) -> None:
    """Restrict GDAL to these drivers and to local files; call it before any other use of GDAL."""
    os.environ["GDAL_DRIVER_PATH"] = "disable"
    os.environ["CPL_VSIL_CURL_ALLOWED_FILENAME"] = _NO_ADDRESS
    os.environ["GDAL_SKIP"] = ",".join(name for name in _all_drivers() if name not in drivers)


def _all_drivers() -> list[str]:
    """Return the names of all drivers, from a forked process: a process registers its drivers only once."""
    reading, writing = os.pipe()
    if (lister := os.fork()) == 0:
        with rasterio.Env() as env:
            os.write(writing, "\n".join(env.drivers()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        names = pipe.read().decode().split("\n")
    os.waitpid(lister, 0)
    return names
