"""Completion of a blob's Item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import blob, ids, image
from landbridge.mappings.errors import InvalidDocument
from landbridge.mappings.extensions import listed
from landbridge.mappings.geometry import bbox, check_geometry
from landbridge.mappings.schema import CLASS_MEMBER
from landbridge.stac_api.documents.normalize import check

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["item"]


def item(
    document: Mapping[str, Any],
    collection: str,
    previous: Mapping[str, Any] | None,
    moment: str,
    schema_url: str,
    principal: Sequence[str] | None,
) -> dict[str, Any]:
    """Return a blob's item as it is stored; see `landbridge.stac_api.documents.normalize.item`."""
    done = dict(document)
    try:
        namespace, name = ids.split_blob_item_id(done.get("id", ""))
    except ValueError as error:
        raise InvalidDocument("id", str(error)) from error
    blob.check_names(namespace, name)
    done["type"], done["stac_version"], done["collection"] = "Feature", image.STAC_VERSION, collection
    done["links"] = done.get("links") or []
    done["properties"] = properties = dict(document.get("properties") or {})
    before: Mapping[str, Any] = (previous or {}).get("properties") or {}
    properties["created"] = before.get("created") or properties.get("created") or moment
    properties["datetime"] = properties["created"]
    if previous is not None or not properties.get("updated"):
        properties["updated"] = moment
    properties[CLASS_MEMBER] = "Blob"
    # The id determines the namespace; other values are replaced.
    properties["title"], properties["catalog:namespace"] = name, namespace
    properties["catalog:storage_type"] = collection.removeprefix(ids.BLOB_COLLECTION_PREFIX)
    if previous is None and principal:
        properties.setdefault("catalog:owners", list(principal))
        properties.setdefault("catalog:readers", [])
        properties.setdefault("catalog:writers", [])
    check.members("blob", properties)
    _follow_geometry(done, previous or {})
    done["assets"] = dict(document.get("assets") or {})
    _complete_data(done)
    done["stac_extensions"] = listed(done, schema_url)
    return done


def _follow_geometry(done: dict[str, Any], stored: Mapping[str, Any]) -> None:
    geometry = done.setdefault("geometry", None)
    if geometry is None or geometry.get("geometries") == []:
        done["geometry"] = None
        done.pop("bbox", None)
        return
    check_geometry(geometry)
    moved = geometry != stored.get("geometry") and done.get("bbox") == stored.get("bbox")
    if not done.get("bbox") or moved:
        done["bbox"] = bbox(geometry)


def _complete_data(done: dict[str, Any]) -> None:
    data = done["assets"].get(blob.DATA_ASSET)
    if not data or not data.get("href"):
        raise InvalidDocument("href", f"is missing; a blob has an asset {blob.DATA_ASSET!r} with its data")
    size = data.get("file:size")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise InvalidDocument("size_bytes", f"{size!r} is no number of bytes")
    done["assets"][blob.DATA_ASSET] = {"roles": ["data"], "type": "application/octet-stream", **data}
    done["properties"].setdefault("catalog:storage_state", "available")
    blob.sync_size(done)
