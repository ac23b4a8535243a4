"""Addresses of files that can be used for some time only."""

import time
from typing import Self

__all__ = ["Address"]


class Address(str):
    """An address, and until when files are opened by it, in seconds since the epoch; None: for ever.

    What is open when its time is over is opened anew, by the address that the image's signer then gives.
    """

    __slots__ = ("until",)
    until: float | None

    def __new__(cls, text: str, until: float | None = None) -> Self:
        address = super().__new__(cls, text)
        address.until = until
        return address

    @property
    def ends_soon(self) -> bool:
        """Whether its time is over."""
        return self.until is not None and time.time() >= self.until

    def __reduce__(self) -> "tuple[type[Address], tuple[str, float | None]]":
        return Address, (str(self), self.until)
