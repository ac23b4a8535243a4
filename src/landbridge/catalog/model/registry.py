"""The classes of catalog objects by their document type, for attributes that refer to another class."""

from __future__ import annotations

from typing import Any

__all__ = ["class_of", "register"]

_classes: dict[str, type] = {}


def register(document_type: str, catalog_class: type) -> None:
    """Record the class of a document type."""
    _classes[document_type] = catalog_class


def class_of(document_type: str) -> Any:
    """Return the class of a document type, such as "product"; KeyError if its module was not imported."""
    return _classes[document_type]
