"""The one error of the translation: a document or a value that the Catalog model cannot hold."""

from __future__ import annotations

from landbridge.errors import LandbridgeError

__all__ = ["InvalidDocument"]


class InvalidDocument(LandbridgeError, ValueError):  # noqa: N818 - the name is part of the published interface
    """An attribute does not allow its value.

    ``attribute`` is the name of the Catalog attribute (``"cloud_fraction"``). In a product's document the
    name of a band may precede it (``"red.data_range"``). The message names the attribute, the value and the
    values that are allowed.
    """

    def __init__(self, attribute: str, message: str) -> None:
        super().__init__(f"{attribute}: {message}")
        self.attribute = attribute
