"""Sandbox of a worker process: it can open the files of its job only, and no network connection.

GDAL has only the drivers of `DRIVERS` and opens no remote file, `conversion` refuses files that refer to
others, and the kernel, if it can, restricts the process to its job's files and forbids sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.stac_api.sandbox import gdal_formats
from landbridge.stac_api.sandbox.kernel_limits import restrict

if TYPE_CHECKING:
    from landbridge.stac_api.uploads.messages import ConversionRequest

# Formats of uploads. Formats that refer to other files (VRT, GTI, ...) could make the server read those.
DRIVERS = ("GTiff", "JP2OpenJPEG", "JPEG", "PNG")
# Drivers for writing a COG and tracing its footprint; `Memory` is part of `MEM` from GDAL 3.11 on.
_TOOLS = ("COG", "MEM", "Memory", "VRT")


def limit_gdal() -> None:
    """Restrict GDAL to the drivers of uploads and to local files; call it before any other use of GDAL."""
    gdal_formats.limit_gdal((*DRIVERS, *_TOOLS))


def enter(request: ConversionRequest) -> None:
    """Restrict this process for good to the files of a request, without sockets.

    An old kernel that supports neither leaves only the limits of GDAL.
    """
    # The folder of an upload holds no other files.
    restrict({file.parent for file in request.files}, [request.folder])
