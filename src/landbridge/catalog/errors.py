"""Errors about the state of a catalog object, raised before any request is made."""

from __future__ import annotations

__all__ = ["AttributeValidationError", "DeletedObjectError", "UnsavedObjectError"]


class AttributeValidationError(ValueError):
    """A value is not one that the attribute can take, or the attribute cannot be set."""


class DeletedObjectError(Exception):
    """The object was deleted, by this program or another."""


class UnsavedObjectError(Exception):
    """The operation needs an object that was saved."""
