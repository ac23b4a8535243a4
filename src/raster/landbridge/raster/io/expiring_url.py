"""URLs that expire, such as signed ones, and addresses that are opened by credentials."""

import time
from collections.abc import Callable
from typing import Any, Self

from landbridge.raster.errors import CredentialsError
from landbridge.raster.io.file_access import Credential, FileAccess

__all__ = ["ExpiringUrl", "access_of", "credential_of", "plain_url", "renewed", "signed"]


class ExpiringUrl(str):
    """URL with the time until which files are opened by it, in seconds since the epoch; None if unlimited.

    A file that is open when its URL expires is opened again by a new URL from the image's signer. `access`
    says how the file is opened, if the address alone does not suffice; the text then has no secret.
    `sign_again` returns another URL if the server refuses this one. A pickle contains the text and the time
    only.
    """

    __slots__ = ("access", "expires_at", "replacement", "sign_again")
    expires_at: float | None
    access: FileAccess | None
    sign_again: Callable[[str], str] | None
    replacement: str | None

    def __new__(
        cls,
        text: str,
        expires_at: float | None = None,
        access: FileAccess | None = None,
        sign_again: Callable[[str], str] | None = None,
    ) -> Self:
        address = super().__new__(cls, text)
        address.expires_at = expires_at
        address.access = access
        address.sign_again = sign_again
        address.replacement = None
        return address

    @property
    def has_expired(self) -> bool:
        """True if the URL must be replaced."""
        return self.expires_at is not None and time.time() >= self.expires_at

    @property
    def latest(self) -> str:
        """The address that has replaced this one after the server refused it; else this one."""
        latest: str = self
        while isinstance(latest, ExpiringUrl) and latest.replacement is not None:
            latest = latest.replacement
        return latest

    def __reduce__(self) -> "tuple[type[ExpiringUrl], tuple[str, float | None]]":
        return ExpiringUrl, (str(self), self.expires_at)


def signed(sign: Callable[[str], Any], href: str) -> ExpiringUrl:
    """Return the address that a signer gives for an href; the signer is asked again if it is refused.

    A signer that keeps its addresses has a method `renew`, which replaces a refused one.

    Raises:
        CredentialsError: if the signer failed.
    """
    renew = getattr(sign, "renew", None)

    def address_by(ask: Callable[[], Any]) -> ExpiringUrl:
        try:
            address = ask()
        except CredentialsError:
            raise
        except Exception as error:
            raise CredentialsError(f"the signer raised {type(error).__name__}") from error
        if not isinstance(address, str) or not address:
            raise CredentialsError(f"the signer returned {type(address).__name__} instead of a URL")
        expires_at = address.expires_at if isinstance(address, ExpiringUrl) else None
        return ExpiringUrl(address, expires_at, access_of(address), sign_again)

    def sign_again(refused: str) -> str:
        return address_by(lambda: sign(href) if renew is None else renew(href, refused))

    return address_by(lambda: sign(href))


def access_of(address: str) -> FileAccess | None:
    """Return how the file of an address is opened; None if the address suffices."""
    return address.access if isinstance(address, ExpiringUrl) else None


def credential_of(address: str) -> Credential | None:
    """Return the credential by which the file of an address is opened. Raises `CredentialsError`."""
    access = access_of(address)
    return None if access is None else access.credential()


def plain_url(address: str) -> str:
    """Return the URL for a reader that takes nothing else: with the signature of Azure, if that is needed.

    Raises:
        CredentialsError: if the signature cannot be fetched.
    """
    access, credential = access_of(address), credential_of(address)
    if access is None or access.kind != "azure" or credential is None:
        return str(address)
    return credential.signed_url(address)


def renewed(address: str, refused: Credential | None) -> str | None:
    """Return an address to try after the server refused one with its credential; None if there is no other.

    Raises:
        CredentialsError: if fresh credentials cannot be fetched.
    """
    if not isinstance(address, ExpiringUrl):
        return None
    if address.access is not None and address.access.credentials is not None and refused is not None:
        return address if address.access.credentials.renew(refused) else None
    if address.sign_again is None:
        return None
    fresh = address.sign_again(address)
    if fresh == address and access_of(fresh) is address.access:
        return None
    address.replacement = fresh
    return fresh
