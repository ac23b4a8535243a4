"""Stores tokens in files of mode 0600, one for each login, which processes of a user share."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from landbridge.atomic_files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from landbridge.profiles import OidcClient

__all__ = ["TokenStore", "Tokens"]

# Seconds before its end at which a token is renewed.
_RENEWAL_MARGIN = 60.0
# Seconds to wait for another process that renews the same token.
_LOCK_TIMEOUT = 60


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens that a provider issued.

    `expires` is in seconds since the epoch and `lifetime` in seconds; both are None if the provider did not
    say.
    """

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires: float | None = None
    lifetime: float | None = None

    @property
    def is_valid(self) -> bool:
        """True if the access token has not expired, as far as is known."""
        return self.expires is None or self.expires > time.time()

    @property
    def is_fresh(self) -> bool:
        """True if more than a minute, or than a tenth of its lifetime, is left of the access token."""
        if self.expires is None:
            return True
        return self.expires - time.time() > min(_RENEWAL_MARGIN, (self.lifetime or 0) / 10)


class TokenStore:
    """Stored tokens of one client at one provider, for one profile, in the user's state folder."""

    def __init__(self, profile: str, client: OidcClient) -> None:
        import platformdirs

        # The name contains all settings: if one changes, the tokens are not sent to another provider.
        settings = [profile, client.issuer, client.client_id, client.grant, client.scope, client.audience]
        name = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:32]
        self._folder = platformdirs.user_state_path("landbridge", appauthor=False) / "tokens"
        self.path: Path = self._folder / f"{name}.json"

    def read(self) -> Tokens | None:
        """Return the stored tokens; None if there are none that can be used."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
            with os.fdopen(descriptor, "rb") as file:
                if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
                    return None  # other users could have read or written the file
                return Tokens(**json.load(file))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, tokens: Tokens) -> None:
        """Store tokens in place of earlier ones."""
        self._make_folder()
        content = json.dumps(asdict(tokens)).encode()
        write_atomically(self.path, [content], mode=0o600, is_durable=True)

    def delete(self) -> bool:
        """Delete the stored tokens; return True if there were any."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Hold off other processes during a renewal: a refresh token may be valid for one use only."""
        import filelock

        self._make_folder()
        try:
            with filelock.FileLock(f"{self.path}.lock", timeout=_LOCK_TIMEOUT, mode=0o600):
                yield
        except filelock.Timeout as error:
            message = f"{self.path}.lock has been held by another process for more than {_LOCK_TIMEOUT} s"
            raise OSError(message) from error

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
