"""Errors of the raster engine."""

from collections.abc import Sequence
from typing import NoReturn

from landbridge.errors import LandbridgeError


class RasterError(LandbridgeError):
    """Pixels could not be read, with the image, its bands and the file at fault.

    Attributes:
        image_id: the image whose pixels were asked for.
        bands: the names of the bands that the read was for.
        file: the file's address, or the empty string if the image has none.
    """

    def __init__(self, message: str, image_id: str = "", bands: Sequence[str] = (), file: str = "") -> None:
        """Take the message and what it is about."""
        super().__init__(message, image_id, tuple(bands), file)
        self.message = message
        self.image_id = image_id
        self.bands = tuple(bands)
        self.file = file

    def __str__(self) -> str:
        return self.message


def raise_alone(error: Exception) -> NoReturn:
    """Raise an error that tells nothing of the one being handled, in which a secret may stand."""
    try:
        raise error
    except type(error):
        # Once it is on its way nothing sets these again.
        error.__cause__ = error.__context__ = None
        raise
