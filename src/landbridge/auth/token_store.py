"""Tokens kept between processes: a file of mode 0600 for each login, written whole or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.profiles import OidcClient

__all__ = ["TokenStore", "Tokens"]

_AHEAD = 60.0
_LOCK_SECONDS = 60  # another process that refreshes is waited for, but not one that hangs


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a provider gave. `expires` is in seconds since the epoch, `lifetime` in seconds, or not known."""

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires: float | None = None
    lifetime: float | None = None

    @property
    def valid(self) -> bool:
        """Whether the access token has not expired, as far as is known."""
        return self.expires is None or self.expires > time.time()

    @property
    def fresh(self) -> bool:
        """Whether it need not be renewed yet: a minute before the end, or a tenth of a short lifetime."""
        if self.expires is None:
            return True
        return self.expires - time.time() > min(_AHEAD, (self.lifetime or 0) / 10)


class TokenStore:
    """The tokens of one login in the user's state folder: of one client at one provider, for one profile."""

    def __init__(self, profile: str, client: OidcClient) -> None:
        import platformdirs

        # A file is of just these settings: where they change, nothing goes to another provider.
        known = [profile, client.issuer, client.client_id, client.grant, client.scope, client.audience]
        name = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:32]
        self._folder = platformdirs.user_state_path("landbridge", appauthor=False) / "tokens"
        self.path = self._folder / f"{name}.json"

    def read(self) -> Tokens | None:
        """What is kept; None where there is nothing that can be used."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0))
            with os.fdopen(descriptor, "rb") as file:
                if os.name == "posix" and os.fstat(file.fileno()).st_mode & 0o077:
                    return None  # others could have read it, or written it
                return Tokens(**json.load(file))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, tokens: Tokens) -> None:
        """Keep tokens in place of what was kept."""
        self._make_folder()
        descriptor, name = tempfile.mkstemp(prefix=".", dir=self._folder)  # of mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(asdict(tokens), file)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def forget(self) -> bool:
        """Delete what is kept; whether there was anything."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from refreshing meanwhile: a refresh token may be good for one use only."""
        import filelock

        self._make_folder()
        try:
            with filelock.FileLock(f"{self.path}.lock", timeout=_LOCK_SECONDS, mode=0o600):
                yield
        except filelock.Timeout as error:
            message = f"{self.path}.lock is held by another process for more than {_LOCK_SECONDS} s"
            raise OSError(message) from error

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
