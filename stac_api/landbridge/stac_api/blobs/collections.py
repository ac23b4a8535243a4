"""Collections of blobs, one for each storage type, made on first use."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from landbridge.mappings import ids
from landbridge.stac_api.core.blob_items import WRITABLE
from landbridge.stac_api.documents import incoming
from landbridge.stac_api.errors import ConflictError
from landbridge.stac_api.pgstac import collection_queries, writes

if TYPE_CHECKING:
    import asyncpg


async def ensure(pool: asyncpg.Pool, collection: str) -> None:
    """Make the collection of a writable storage type unless it exists; ignore other ids."""
    storage_type = collection.removeprefix(ids.BLOB_COLLECTION_PREFIX)
    if collection != ids.blob_collection_id(storage_type) or storage_type not in WRITABLE:
        return
    if not await collection_queries.exists(pool, collection):
        document = incoming.collection(_document(storage_type), "/")
        with contextlib.suppress(ConflictError):  # another request made it meanwhile
            await writes.create_collection(pool, document)


def _document(storage_type: str) -> dict[str, Any]:
    """Return the collection document of a storage type."""
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "id": ids.blob_collection_id(storage_type),
        "title": f"Blobs ({storage_type})",
        "description": f"Data of any kind, stored as blobs of type {storage_type}; each item has one asset.",
        "license": "other",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [[None, None]]},
        },
        "links": [],
        "bands": [],
    }
