"""Checks of the data asset when a blob's item is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import blob
from landbridge.stac_api.core.blob_items import is_in_store
from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNCHANGEABLE = ("href", "file:size", "file:checksum")


def check_data(item: dict[str, Any], previous: Mapping[str, Any] | None) -> None:
    """Check that a write of an item keeps its stored data, and set the item's storage state.

    Only `POST /blobs` puts data into the store; other writes may refer to data elsewhere.

    Raises
    ------
    BadRequestError
        If the write refers to data in the store, or replaces the blob's own.
    """
    data = item["assets"][blob.DATA_ASSET]
    before = ((previous or {}).get("assets") or {}).get(blob.DATA_ASSET) or {}
    was_in_store = is_in_store(before)
    if was_in_store and "file:checksum" in before:
        # A caller that read the item before its MD5 was known must not remove it.
        data.setdefault("file:checksum", before["file:checksum"])
    if was_in_store and any(data.get(member) != before.get(member) for member in _UNCHANGEABLE):
        raise BadRequestError(
            f"The data of blob {item['id']!r} cannot be changed, nor what is known of it "
            f"({', '.join(_UNCHANGEABLE)}); delete the blob and upload it anew."
        )
    if not was_in_store and is_in_store(data):
        raise BadRequestError(
            "Data is put into the store by POST /blobs; an item cannot name what lies there."
        )
    item["properties"]["catalog:storage_state"] = "available" if was_in_store else "remote"
