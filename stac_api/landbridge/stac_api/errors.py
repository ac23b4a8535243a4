"""Errors that the server and the embedded stack raise; `api.error_responses` translates them to HTTP.

Nothing else is imported here, because joining a running embedded stack must take milliseconds only.
"""

from __future__ import annotations

from landbridge.errors import LandbridgeError

__all__ = [
    "BackupError",
    "BadRequestError",
    "ClusterError",
    "ConflictError",
    "InvalidCredentialError",
    "NoSpaceError",
    "PostgresNotFound",
    "SchemaError",
    "StackError",
    "StartError",
    "UnavailableError",
]


class BadRequestError(LandbridgeError):
    """The request is invalid; the message says why and what is expected."""


class ConflictError(LandbridgeError):
    """The request contradicts what is stored."""


class UnavailableError(LandbridgeError):
    """The database, the object store or an identity provider does not answer; a retry may succeed.

    Args:
        message: text for callers.
        part: part that failed: `database`, `store`, `queue` or `issuer`.
    """

    def __init__(self, message: str, *, part: str | None = None) -> None:
        super().__init__(message)
        self.part = part


class NoSpaceError(LandbridgeError):
    """The database or the object store is full; only its operator can change that."""


class InvalidCredentialError(LandbridgeError):
    """The credential is not valid; the message, which never contains it, says why."""


class SchemaError(LandbridgeError, RuntimeError):
    """The database does not have the schema of this version; the message says what to do."""


class BackupError(LandbridgeError, RuntimeError):
    """A backup cannot be made, verified or restored; the message says why."""


class StackError(LandbridgeError, RuntimeError):
    """The embedded stack cannot do what was asked; the message says what to do about it."""


class PostgresNotFound(StackError):  # noqa: N818 - named like FileNotFoundError, for what is missing
    """No supported PostgreSQL with PostGIS was found; the message has the install commands."""


class ClusterError(StackError):
    """The private PostgreSQL cluster cannot be created, started or stopped."""


class StartError(StackError):
    """The server process ended, or did not answer in time, at its start."""
