"""Errors of the raster engine."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from landbridge.errors import LandbridgeError

if TYPE_CHECKING:
    import numpy as np


class RasterError(LandbridgeError):
    """Error of reading pixels, with the image, its bands and the file at fault.

    Attributes
    ----------
    message : str
        Text of the error.
    image_id : str
        Id of the image whose pixels were requested.
    bands : tuple of str
        Names of the bands that were being read.
    file : str
        Address of the file without its secrets; empty if the image has no file.
    """

    def __init__(self, message: str, image_id: str = "", bands: Sequence[str] = (), file: str = "") -> None:
        """Store the message, the image, its bands and the file."""
        super().__init__(message, image_id, tuple(bands), file)
        self.message = message
        self.image_id = image_id
        self.bands: tuple[str, ...] = tuple(bands)
        self.file = file

    def __str__(self) -> str:
        return self.message


def raise_without_context(error: Exception) -> NoReturn:
    """Raise an error without the context of the handled one, whose text may hold a secret."""
    try:
        raise error
    except type(error):
        # Python sets the context when the error is raised and not again later.
        error.__cause__ = error.__context__ = None
        raise


class RenderCancelledError(LandbridgeError):
    """Error of a call that was ended by its token before its pixels were complete."""


class RenderDeadlineError(RenderCancelledError, TimeoutError):
    """Error of a call that took more time than its token allows."""


class TooManyImagesError(LandbridgeError, ValueError):
    """Error of a mosaic that needs more images than its limit.

    Attributes
    ----------
    limit : int
        Largest number of images.
    """

    def __init__(self, limit: int) -> None:
        """Store the limit."""
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"the mosaic is not complete after {self.limit} images, which is its limit: ask for a smaller "
            "area or fewer images, or raise the limit"
        )


class CredentialsError(LandbridgeError, PermissionError):
    """Credentials are missing or cannot be fetched; the message says what to configure, without secrets."""


class StaleHeaderError(LandbridgeError):
    """A header that was kept is not that of the file as it is now; no pixels were read by it."""


class GdalOnlyError(LandbridgeError):
    """The native reader cannot read a file: its server lacks ranges, or its bucket is in another region."""


class WiderTypeError(LandbridgeError):
    """Error of a file whose data type holds values that the result's type cannot hold."""

    def __init__(self, dtype: "np.dtype[Any]") -> None:
        """Store the file's data type."""
        super().__init__(dtype)
        self.dtype = dtype
