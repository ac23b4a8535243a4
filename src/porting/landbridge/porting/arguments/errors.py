"""Errors about arguments of the old clients."""

from __future__ import annotations

from landbridge.errors import LandbridgeError

__all__ = ["UnknownArgumentError", "UnsupportedArgumentError"]


class UnknownArgumentError(LandbridgeError, TypeError):
    """Keyword that no version of the old client had. It is a TypeError, as Python raises for such a call."""


class UnsupportedArgumentError(LandbridgeError, NotImplementedError):
    """Argument of an old client that cannot be honored today. The message says what to do instead."""
