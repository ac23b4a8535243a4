"""Formats of rendered pixels, and their media types."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from landbridge.stac_api.errors import BadRequestError

__all__ = ["EXTENSIONS", "MEDIA_TYPES", "Format", "format_of"]


class Format(StrEnum):
    """Format of an answer with pixels.

    AUTO
        JPEG if all pixels are valid and the picture is in color or gray, else PNG.
    """

    AUTO = "auto"
    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    TIFF = "tif"
    NPY = "npy"

    @property
    def is_picture(self) -> bool:
        """True if the format holds bytes for display, False if it holds values of any type."""
        return self not in (Format.TIFF, Format.NPY)


MEDIA_TYPES: Final = {
    Format.PNG: "image/png",
    Format.JPEG: "image/jpeg",
    Format.WEBP: "image/webp",
    Format.TIFF: "image/tiff; application=geotiff",
    Format.NPY: "application/x-binary",
}
# Extensions of paths, and values of the parameter `f`.
EXTENSIONS: Final = {
    "png": Format.PNG,
    "jpg": Format.JPEG,
    "jpeg": Format.JPEG,
    "webp": Format.WEBP,
    "tif": Format.TIFF,
    "tiff": Format.TIFF,
    "npy": Format.NPY,
}


def format_of(extension: str | None) -> Format:
    """Return the format of an extension without its dot; `Format.AUTO` if it is not set.

    Raises
    ------
    BadRequestError
        If the extension is not known.
    """
    if not extension:
        return Format.AUTO
    try:
        return EXTENSIONS[extension]
    except KeyError:
        raise BadRequestError(
            f"The format must be one of {', '.join(EXTENSIONS)}, got {extension[:20]!r}."
        ) from None
