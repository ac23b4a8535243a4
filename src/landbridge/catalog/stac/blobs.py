"""What blobs ask of a service: their items as any STAC API has them, and their data as ours takes it."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from landbridge.catalog.enums import StorageType
from landbridge.catalog.stac.resource import (
    collection_path,
    get_or_none,
    item_path,
    items_by_id,
    patch_item,
    valid,
)
from landbridge.catalog.transfer.blob_arguments import full_namespace
from landbridge.catalog.transfer.blob_content import Source, download
from landbridge.exceptions import NotFoundError
from landbridge.mappings import blob as blob_mapping
from landbridge.mappings import ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.stac.resource import Headers, Params

__all__ = ["BLOBS", "Blobs"]

_DATA = "application/octet-stream"
_LONGEST_ANSWER = 30.0  # seconds that one request for an MD5 waits
_PATIENCE = 60.0  # seconds in all until there is one, and those that its bytes take
_SLOWEST = 20 * 2**20  # of a store, in bytes per second
_PAUSE = 0.5  # seconds before a service that did not wait is asked again


@dataclass(frozen=True, slots=True)
class Blobs:
    """Blobs, which are Items with one asset."""

    kind: str = "blob"

    @property
    def collections(self) -> list[str]:
        """The Collections that hold blobs, those that do not exist yet among them."""
        return [ids.blob_collection_id(storage_type) for storage_type in StorageType]

    def attributes(self, record: Any) -> dict[str, Any]:
        return blob_mapping.from_stac(record)

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        place = _place(id)
        return get_or_none(client, item_path(*place), params, headers) if place else None

    def get_many(
        self, client: CatalogClient, names: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        asked: dict[str, dict[str, str]] = defaultdict(dict)
        for name in names:
            if place := _place(name):
                asked[place[0]][place[1]] = name
        found = {}
        for collection, items in asked.items():
            for item in items_by_id(client, collection, list(items), params, headers):
                found[items[item["id"]]] = item
        return found

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        """Create a blob whose data lies elsewhere: at its `href`."""
        named = {
            **attributes,
            "storage_type": attributes.get("storage_type") or StorageType.DATA.value,
            "namespace": full_namespace(client.auth, attributes.get("namespace")),
        }
        item = valid(blob_mapping.to_stac, named)
        return client.post(f"{collection_path(item['collection'])}/items", item, headers=headers)

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        place = _place(id)
        if place is None:
            raise _missing(id)
        path = item_path(*place)
        base = record if record is not None else client.get(path, headers=headers)
        return patch_item(client, path, valid(blob_mapping.patch, changes, base), headers)

    def delete(self, client: CatalogClient, id: str) -> bool:
        return bool(self.delete_many(client, [id], False)["ids"])

    def send(self, client: CatalogClient, attributes: dict[str, Any], data: BinaryIO) -> Any:
        """Make a blob of this content, and give its record; BadRequestError where it is not as announced."""
        source = Source(data)
        item = valid(blob_mapping.to_stac, attributes)
        announced = {"item": item, "size": source.size}
        # An announcement that is not followed by data does no harm.
        upload = client.post("/blobs", announced, idempotent=True)["id"]
        return client.request(
            "PUT",
            f"/blobs/uploads/{upload}",
            content=source.chunks,
            content_type=_DATA,
            # Otherwise the data is sent in chunks with headers of their own, for which each is copied.
            headers={} if source.size is None else {"Content-Length": str(source.size)},
            idempotent=True,
        )

    def read(
        self,
        client: CatalogClient,
        id: str,
        *,
        range: str | None = None,
        tag: str | None = None,
        chunk_size: int | None = None,
    ) -> Iterator[bytes]:
        """The content of a blob, or a range of it, in pieces; NotFoundError where there is none.

        With `tag`, the content is that of this MD5 or version, or a ClientError is raised.
        """
        place = _place(id)
        if place is None:
            raise _missing(id)
        storage_type = place[0].removeprefix(ids.BLOB_COLLECTION_PREFIX)
        headers = {"Accept": "*/*"}
        if range is not None:
            headers["Range"] = range
        if tag is not None:
            headers["If-Match"] = f'"{tag}"'
        return download(client, f"/blobs/{storage_type}/{place[1]}/data", headers, chunk_size)

    def md5(self, client: CatalogClient, id: str, size: int) -> str | None:
        """The MD5 of a blob's data, waited for while the service works it out; None where it never comes.

        How long that may take grows with the size, in bytes.
        """
        place = _place(id)
        if place is None:
            return None
        path = f"/blobs/{place[0].removeprefix(ids.BLOB_COLLECTION_PREFIX)}/{place[1]}/hash"
        end = time.monotonic() + _PATIENCE + size / _SLOWEST
        while (asked := time.monotonic()) < end:
            wait = min(_LONGEST_ANSWER, end - asked)
            answer = get_or_none(client, path, {"wait": wait})
            if answer is None or not answer["pending"]:
                md5: str | None = answer and answer["hash"]
                return md5
            if time.monotonic() - asked < wait / 2:
                time.sleep(_PAUSE)
        return None

    def delete_many(self, client: CatalogClient, names: list[str], raise_on_missing: bool) -> dict[str, Any]:
        """Delete blobs, and give the task that deletes their data."""
        body = {"ids": list(names), "raise_on_missing": raise_on_missing}
        task: dict[str, Any] = client.post("/blobs/deletions", body)
        return task

    def deletion(self, client: CatalogClient, id: str) -> dict[str, Any]:
        """How the task of a deletion stands."""
        task: dict[str, Any] = client.get(f"/blobs/deletions/{id}")
        return task


def _place(identifier: str) -> tuple[str, str] | None:
    """Collection and Item of a blob's id; None for what is no id of a blob."""
    try:
        storage_type, namespace, name = ids.split_blob_id(identifier)
        return ids.blob_collection_id(storage_type), ids.blob_item_id(namespace, name)
    except (ValueError, AttributeError):
        return None


def _missing(identifier: str) -> NotFoundError:
    return NotFoundError(f"Blob {identifier} does not exist.")


BLOBS = Blobs()
