"""Ids: what they are made of. Elsewhere they are opaque."""

from __future__ import annotations

import re

__all__ = ["image_id", "make_valid_name", "split", "valid_name"]

_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z").match
_OTHERS = re.compile(r"[^A-Za-z0-9_.-]+")


def image_id(product_id: str, name: str) -> str:
    """The id of an image or band: its product's id and its name, joined by a colon."""
    return f"{product_id}:{name}"


def split(id: str) -> tuple[str, str]:
    """Product id and name of an image or band id, split at the last colon. Raises ValueError without one."""
    product_id, colon, name = id.rpartition(":")
    if not (colon and product_id and name):
        raise ValueError(f"{id!r} is not the id of an image or band, which reads 'product_id:name'")
    return product_id, name


def valid_name(name: str) -> bool:
    """Whether a name is made of letters, digits, ``_``, ``.`` and ``-`` only, and of at least one."""
    return _NAME(name) is not None


def make_valid_name(name: str) -> str:
    """The name with each run of other characters replaced by one ``_``."""
    return _OTHERS.sub("_", name)
