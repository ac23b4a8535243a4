"""Errors that the server raises; `api.error_responses` translates them to HTTP."""

from __future__ import annotations

from landbridge.errors import LandbridgeError

__all__ = ["BadRequestError", "ConflictError", "NoSpaceError", "UnavailableError"]


class BadRequestError(LandbridgeError):
    """The request is invalid; the message says why and what is expected."""


class ConflictError(LandbridgeError):
    """The request contradicts what is stored."""


class UnavailableError(LandbridgeError):
    """The database, the object store or an identity provider does not answer; a retry may succeed."""


class NoSpaceError(LandbridgeError):
    """The database or the object store is full; only its operator can change that."""
