"""The base class of every error that Landbridge raises."""

from __future__ import annotations

__all__ = ["LandbridgeError"]


class LandbridgeError(Exception):
    """Base class of all errors that Landbridge raises."""
