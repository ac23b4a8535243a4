"""Access to files beyond their address: the kind of store, its settings, and credentials that are renewed."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn

from landbridge.raster.errors import CredentialsError

__all__ = ["Credential", "Credentials", "FileAccess"]

# A credential is replaced so many seconds before it expires, or after three quarters of a shorter life.
_MARGIN = 60.0
# A fetch that took longer than a second and failed is not repeated for some seconds: other threads wait.
_SLOW_FETCH = 1.0
_FAILURE_SECONDS = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class Credential:
    """Secrets that requests for files are sent with, by obstore's names; a repr and a pickle lack them.

    The names are ``bearer`` for a token of HTTP, ``sas_token`` for Azure, and ``access_key_id``,
    ``secret_access_key`` and ``token`` for S3.
    """

    values: Mapping[str, str] = field(repr=False)
    expires_at: datetime | None = None
    renew_at: float = float("inf")

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that no text may contain."""
        return tuple(self.values.values())

    def signed_url(self, address: str) -> str:
        """Return an address of Azure with the signature."""
        return f"{address}?{self.values['sas_token'].removeprefix('?')}"

    def __call__(self) -> dict[str, Any]:
        """Return the credential in the form that obstore asks a credential provider for."""
        return {**self.values, "expires_at": None}

    def __reduce__(self) -> NoReturn:
        raise TypeError("A credential cannot be pickled: it is a secret.")


class Credentials:
    """Credential that threads share: fetched when it is needed, and again when it expires or is refused.

    `fetch` returns the secrets by obstore's names, and under ``expires_at`` the time until which they are
    valid (None: unlimited). It raises `CredentialsError` if there are none.
    """

    def __init__(self, fetch: Callable[[], Mapping[str, Any]]) -> None:
        self._fetch = fetch
        self._lock = threading.Lock()
        self._current: Credential | None = None
        self._failure: tuple[float, str] = (-_FAILURE_SECONDS, "")

    def get(self) -> Credential:
        """Return the credential, fetched again if it is about to expire. Raises `CredentialsError`."""
        current = self._current
        if current is not None and time.time() < current.renew_at:
            return current
        with self._lock:
            if self._current is current or self._current is None:
                self._current = self._fetched()
            return self._current

    def renew(self, refused: Credential) -> bool:
        """Fetch another credential in place of a refused one; return False if there is no other.

        Raises `CredentialsError`.
        """
        with self._lock:
            if self._current is not refused:
                return True  # another thread has renewed it
            fresh = self._fetched()
            if fresh.values == refused.values:
                return False
            self._current = fresh
            return True

    def _fetched(self) -> Credential:
        failed_at, message = self._failure
        started = time.monotonic()
        if started < failed_at + _FAILURE_SECONDS:
            raise CredentialsError(message)
        try:
            values = dict(self._fetch())
        except CredentialsError as error:
            if time.monotonic() > started + _SLOW_FETCH:
                self._failure = (time.monotonic(), str(error))
            raise
        expires_at: datetime | None = values.pop("expires_at", None)
        renew_at = float("inf")
        if expires_at is not None:
            lifetime = expires_at.timestamp() - time.time()
            renew_at = expires_at.timestamp() - min(_MARGIN, max(lifetime, 0) / 4)
        secrets = {name: value for name, value in values.items() if value is not None}
        return Credential(secrets, expires_at, renew_at)

    def __repr__(self) -> str:
        return "Credentials(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("Credentials cannot be pickled: another process has to fetch its own.")


@dataclass(frozen=True, slots=True)
class FileAccess:
    """Way to open files beyond their address. Nothing of it is secret but what `credentials` return.

    Attributes
    ----------
    name : str
        Who grants the access, such as ``"source 'usgs'"``, for messages.
    kind : str
        ``"http"`` (a bearer token), ``"s3"``, or ``"azure"`` (a shared access signature).
    settings : tuple of pairs
        Configuration of obstore's store. Of S3: ``region``, ``endpoint``, ``request_payer``. Of Azure:
        ``account_name``, ``container_name`` and ``endpoint``.
    credentials : Credentials, optional
        Credentials; without, requests are anonymous.
    advice : str
        What to configure if the server refuses requests.
    """

    name: str
    kind: str = "http"
    settings: tuple[tuple[str, str], ...] = ()
    credentials: Credentials | None = None
    advice: str = ""

    def setting(self, name: str) -> str | None:
        """Return a setting; None if it is not set."""
        return dict(self.settings).get(name)

    def credential(self) -> Credential | None:
        """Return the credential to send; None for anonymous requests. Raises `CredentialsError`."""
        return None if self.credentials is None else self.credentials.get()
