"""Items of blobs: how they are stored, and who may say where their data is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import blob, ids
from landbridge.stac_api.errors import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Blobs that are written by others than the service itself.
WRITABLE = frozenset({"data", "dyncomp"})
STORAGE_TYPES = WRITABLE | {"compute", "logs"}

# An encoded id is three times as long as the longest namespace and name, and the slash between them.
MAX_ID_BYTES = 3 * (blob.MAX_NAME_BYTES + 1)

_STORED = "/assets/"
_DATA = ("href", "file:size", "file:checksum")


def to_stored(item: dict[str, Any]) -> dict[str, Any]:
    """Return the item as pgstac takes it, which refuses null: without a geometry it gets an empty one."""
    if item.get("geometry") is None:
        item["geometry"] = {"type": "GeometryCollection", "geometries": []}
    return item


def shown_geometry(geometry: Any) -> Any:
    """Return the geometry as the API shows it: null if `to_stored` put an empty one."""
    return None if geometry and geometry.get("geometries") == [] else geometry


def check_data(item: dict[str, Any], previous: Mapping[str, Any] | None) -> None:
    """Check that a write of an item leaves the data to whom it belongs, and note who holds it.

    Only `POST /blobs` puts data into the store; other writes may name data that lies elsewhere.

    Raises:
        BadRequestError: the write names data of ours that is not this blob's, or replaces the blob's own.
    """
    data = item["assets"][blob.DATA_ASSET]
    before = ((previous or {}).get("assets") or {}).get(blob.DATA_ASSET) or {}
    held = is_held(before)
    if held and "file:checksum" in before:
        # Who read the item before its MD5 was known does not take it away.
        data.setdefault("file:checksum", before["file:checksum"])
    if held and any(data.get(member) != before.get(member) for member in _DATA):
        raise BadRequestError(
            f"The data of blob {item['id']!r} cannot be changed, nor what is known of it "
            f"({', '.join(_DATA)}); delete the blob and upload it anew."
        )
    if not held and is_held(data):
        raise BadRequestError(
            "Data is put into the store by POST /blobs; an item cannot name what lies there."
        )
    item["properties"]["catalog:storage_state"] = "available" if held else "remote"


def is_held(data: Mapping[str, Any]) -> bool:
    """Whether an asset, as stored, is in our store."""
    return str(data.get("href") or "").startswith(_STORED)


def blob_id(item: Mapping[str, Any]) -> str:
    """The Catalog id of a blob's item."""
    return ids.blob_id(
        item["collection"].removeprefix(ids.BLOB_COLLECTION_PREFIX), *ids.split_blob_item_id(item["id"])
    )
