"""URLs that expire, such as signed ones."""

import time
from typing import Self

__all__ = ["ExpiringUrl"]


class ExpiringUrl(str):
    """URL with the time until which files are opened by it, in seconds since the epoch; None if unlimited.

    A file that is open when its URL expires is opened again by a new URL from the image's signer.
    """

    __slots__ = ("expires_at",)
    expires_at: float | None

    def __new__(cls, text: str, expires_at: float | None = None) -> Self:
        address = super().__new__(cls, text)
        address.expires_at = expires_at
        return address

    @property
    def has_expired(self) -> bool:
        """True if the URL must be replaced."""
        return self.expires_at is not None and time.time() >= self.expires_at

    def __reduce__(self) -> "tuple[type[ExpiringUrl], tuple[str, float | None]]":
        return ExpiringUrl, (str(self), self.expires_at)
