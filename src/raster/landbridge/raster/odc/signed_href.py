"""Hrefs of odc-stac that are signed when their files are opened."""

from collections.abc import Callable
from typing import Any, Self

from landbridge.raster.io.expiring_url import signed as signed_by

__all__ = ["SignedOnOpen", "signed"]


class SignedOnOpen(str):
    """Href whose signed URL is made when its file is opened.

    Neither a graph of dask nor its keys contain the signature, and a graph that is computed late is not
    computed with an expired URL.
    """

    __slots__ = ("sign",)
    sign: Callable[[str], str]

    def __new__(cls, href: str, sign: Callable[[str], str]) -> Self:
        """Store an href and its signer."""
        address = super().__new__(cls, href)
        address.sign = sign
        return address

    def __reduce__(self) -> tuple[Any, ...]:
        return SignedOnOpen, (str(self), self.sign)


def signed(uri: str) -> str:
    """Return the address to open a file by, which is signed again if the server refuses it."""
    if not isinstance(uri, SignedOnOpen):
        return uri
    return signed_by(uri.sign, uri)
