"""Completion of an image's item; `blob` completes those of blobs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from landbridge.mappings import ids, image, times
from landbridge.mappings.assets import FILE_INDEX, is_generic_key
from landbridge.mappings.errors import InvalidDocument
from landbridge.mappings.extensions import listed
from landbridge.mappings.external_bands import band_objects
from landbridge.mappings.geometry import bbox, check_geometry
from landbridge.mappings.schema import DEFAULT_URL, is_catalog_document
from landbridge.stac_api.documents.normalize import assets, blob, check, structure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = ["item"]

_MEDIA_TYPES = {
    "tif": "image/tiff; application=geotiff",
    "tiff": "image/tiff; application=geotiff",
    "jp2": "image/jp2",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
_FILE_MEMBERS = {"href": "href", "file:size": "size_bytes"}


def item(
    document: Mapping[str, Any],
    collection: Mapping[str, Any],
    previous: Mapping[str, Any] | None = None,
    now: str | datetime | None = None,
    schema_url: str = DEFAULT_URL,
    principal: Sequence[str] | None = None,
    files: assets.Files | None = None,
) -> dict[str, Any]:
    """Return an item as it is stored.

    Args:
        document: the whole item to write.
        collection: its collection, as stored.
        previous: the stored item, on an update.
        now: the time of the write; the present by default.
        schema_url: URL of the catalog extension.
        principal: the subjects that own a new blob.
        files: of the collection, if many of its items are completed.

    Raises:
        InvalidDocument: if an attribute is missing or invalid.
    """
    check.structure(structure.ITEM, document)
    if ids.is_blob_collection(collection["id"]):
        return blob.item(
            document, collection["id"], previous, times.normalize_or_now(now), schema_url, principal
        )
    moment, stored = times.normalize_or_now(now), previous or {}
    done = dict(document)
    if not isinstance(done.get("id"), str) or not done["id"]:
        raise InvalidDocument("name", f"{done.get('id')!r} is not the id of an Item")
    done["properties"] = properties = dict(document.get("properties") or {})
    done["type"], done["stac_version"], done["collection"] = "Feature", image.STAC_VERSION, collection["id"]
    done["links"] = done.get("links") or []
    before: Mapping[str, Any] = stored.get("properties") or {}
    properties["created"] = before.get("created") or properties.get("created") or moment
    if previous is not None or not properties.get("updated"):
        properties["updated"] = moment
    check.members("image", properties, is_catalog=is_catalog_document(done))
    _fold_shape(properties)
    _follow_times(properties, before)
    _follow_provider(done, before)
    _follow_geometry(done, stored)
    done["assets"] = _complete_assets(document.get("assets") or {}, files or assets.Files(collection))
    if is_catalog_document(done):
        _require(done)
    done["stac_extensions"] = listed(done, schema_url)
    return done


def _fold_shape(properties: dict[str, Any]) -> None:
    """Put a single width or height of a patch into ``proj:shape``."""
    shape = list(properties.get("proj:shape") or (None, None))
    lone = [properties.get("catalog:y_pixels"), properties.get("catalog:x_pixels")]
    if lone == [None, None] or len(shape) != 2:
        return
    shape = [mine if mine is not None else old for mine, old in zip(lone, shape, strict=True)]
    if None not in shape:
        properties["proj:shape"] = shape
        properties.pop("catalog:x_pixels", None)
        properties.pop("catalog:y_pixels", None)


def _follow_times(properties: dict[str, Any], before: Mapping[str, Any]) -> None:
    taken, start, end = (properties.get(name) for name in ("datetime", "start_datetime", "end_datetime"))
    followed = start is not None and start == before.get("start_datetime") == before.get("datetime")
    if taken is not None and end is not None and (start is None or followed):
        properties["start_datetime"] = start = taken
    properties.pop("catalog:acquired_end", None)
    if end is not None:
        properties["catalog:acquired_end"] = times.normalize(end)
    check.ordered_pair(start or taken, end, "acquired_end", "acquired")


def _follow_provider(done: dict[str, Any], before: Mapping[str, Any]) -> None:
    url, old = done["properties"].get("catalog:provider_url"), before.get("catalog:provider_url")
    if url is not None:
        image.sync_via_link(done)
    elif old is not None:
        done["links"] = [
            link for link in done["links"] if (link.get("rel"), link.get("href")) != ("via", old)
        ]


def _follow_geometry(done: dict[str, Any], stored: Mapping[str, Any]) -> None:
    geometry = done.get("geometry")
    if geometry is None or _is_empty(geometry):
        # RFC 7946: an empty geometry may be read as null.
        done["geometry"] = None
        if done.get("bbox") == stored.get("bbox"):
            done.pop("bbox", None)
        if done.get("bbox"):
            raise InvalidDocument(
                "bbox", f"is {done['bbox']} although the geometry is null; send a geometry, or no bbox"
            )
        return
    check_geometry(geometry)
    moved = geometry != stored.get("geometry") and done.get("bbox") == stored.get("bbox")
    if not done.get("bbox") or moved:
        done["bbox"] = bbox(geometry)


def _is_empty(geometry: Any) -> bool:
    return isinstance(geometry, Mapping) and [] in (geometry.get("geometries"), geometry.get("coordinates"))


def _complete_assets(stored: Mapping[str, Any], files: assets.Files) -> dict[str, Any]:
    """Return the assets; files of ours are named and described by the bands that they hold."""
    done: dict[str, Any] = {}
    own: dict[int, tuple[str, Mapping[str, Any]]] = {}
    for key, asset in stored.items():
        index = asset.get(FILE_INDEX)
        if index is None:
            done[key] = asset
            continue
        if not isinstance(index, int) or isinstance(index, bool) or index < 0:
            raise InvalidDocument("files", f"asset {key!r} has the {FILE_INDEX} {index!r}, which is no index")
        # A patch without the stored asset has its file under a key that names no band.
        if index not in own or is_generic_key(key):
            own[index] = (key, asset)
    if set(own) != set(range(len(own))):
        raise InvalidDocument("files", f"the assets' {FILE_INDEX} are {sorted(own)}, but must count from 0")
    for index in sorted(own):
        key, asset = own[index]
        wanted = (files.key(index) or key) if is_generic_key(key) else key
        while wanted in done:
            wanted += "_"
        done[wanted] = _complete_asset(asset, files.description(index), index)
    return done


def _complete_asset(
    asset: Mapping[str, Any], description: Mapping[str, Any] | None, index: int
) -> dict[str, Any]:
    done = dict(asset)
    size = done.get("file:size")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise InvalidDocument(
            "files", f"the size_bytes of file {index} is {size!r}, which is no number of bytes"
        )
    for member in ("file:checksum", "catalog:hash"):
        if not isinstance(done.get(member, ""), str | None):
            raise InvalidDocument("files", f"the hash of file {index} is {done[member]!r}, which is no text")
    done["roles"] = done.get("roles") or ["data"]
    suffix = str(done.get("href", "")).partition("?")[0].rpartition(".")[2].lower()
    if not done.get("type") and suffix in _MEDIA_TYPES:
        done["type"] = _MEDIA_TYPES[suffix]
    if description:
        done["title"] = done.get("title") or description["title"]
        for member in assets.BANDS:
            present = band_objects(done.get(member))
            done[member] = [
                _merged(present[place] if place < len(present) else {}, band)
                for place, band in enumerate(description[member])
            ]
    return done


def _merged(present: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """Return an asset's band with members of other programs, whose statistics replace our display range."""
    merged = {**present, **fresh}
    if len(present.get("statistics") or ()) > 2:
        merged["statistics"] = present["statistics"]
    return merged


def _require(done: dict[str, Any]) -> None:
    """Check the members that an image needs in its storage state, which is available by default."""
    properties = done["properties"]
    state = properties.setdefault("catalog:storage_state", "available")
    why = f"; an image that is {state} has to have it"
    check.required(properties, {"datetime": "acquired"}, why=why)
    check.required(done, {"geometry": "geometry"}, why=why)
    if state == "remote":
        return
    if not any(
        properties.get(name) for name in ("proj:code", "proj:epsg", "proj:wkt2", "catalog:projection")
    ):
        raise InvalidDocument(
            "cs_code", f"is missing, and so is projection; an image that is {state} has one"
        )
    check.required(properties, {"proj:transform": "geotrans"}, why=why)
    if properties.get("proj:shape") is None:
        lone = "y_pixels" if properties.get("catalog:x_pixels") is not None else "x_pixels"
        raise InvalidDocument(lone, f"is missing{why}")
    own = [asset for asset in done["assets"].values() if asset.get(FILE_INDEX) is not None]
    if not own:
        raise InvalidDocument("files", f"is missing{why}")
    for asset in own:
        part = f"files[{asset[FILE_INDEX]}]."
        check.required(asset, _FILE_MEMBERS, part, why)
        if asset.get("file:checksum") is None and asset.get("catalog:hash") is None:
            raise InvalidDocument(f"{part}hash", f"is missing{why}")
