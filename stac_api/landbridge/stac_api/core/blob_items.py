"""Items of blobs: their storage types, ids, stored geometry and stored data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import blob, ids

if TYPE_CHECKING:
    from collections.abc import Mapping

# Storage types that callers may write; the service itself writes the others.
WRITABLE = frozenset({"data", "dyncomp"})
STORAGE_TYPES = WRITABLE | {"compute", "logs"}

# An encoded id is up to three times as long as the longest namespace, slash and name.
MAX_ID_BYTES = 3 * (blob.MAX_NAME_BYTES + 1)

_STORED = "/assets/"


def to_stored(item: dict[str, Any]) -> dict[str, Any]:
    """Replace a missing geometry by an empty one, because pgstac refuses null; return the item."""
    if item.get("geometry") is None:
        item["geometry"] = {"type": "GeometryCollection", "geometries": []}
    return item


def shown_geometry(geometry: Any) -> Any:
    """Return the geometry as the API shows it: null in place of the empty one of `to_stored`."""
    return None if geometry and geometry.get("geometries") == [] else geometry


def is_in_store(data: Mapping[str, Any]) -> bool:
    """Return whether an asset, as stored, lies in the service's object store."""
    return str(data.get("href") or "").startswith(_STORED)


def blob_id(item: Mapping[str, Any]) -> str:
    """Return the Catalog id of a blob's item."""
    return ids.blob_id(
        item["collection"].removeprefix(ids.BLOB_COLLECTION_PREFIX), *ids.split_blob_item_id(item["id"])
    )
