"""The one error of the translation: a document or a value that the Catalog model cannot hold."""

from __future__ import annotations

from landbridge.errors import LandbridgeError

__all__ = ["InvalidDocument"]


class InvalidDocument(LandbridgeError, ValueError):  # noqa: N818 - the name is part of the published interface
    """A value is not what its attribute allows.

    ``attribute`` is the Catalog attribute's name (``"cloud_fraction"``), with the band's name before it
    where the document is a product's (``"red.data_range"``); the message names it, the value and what
    would be right.
    """

    def __init__(self, attribute: str, message: str) -> None:
        super().__init__(f"{attribute}: {message}")
        self.attribute = attribute
