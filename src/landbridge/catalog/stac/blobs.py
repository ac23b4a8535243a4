"""Blobs: stored as Items with one asset, searched by POST /search; their data by the /blobs routes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any, BinaryIO

from landbridge.catalog.client.content import FileContent, download
from landbridge.catalog.client.http import BINARY
from landbridge.catalog.client.polling import polls
from landbridge.catalog.enums import StorageType
from landbridge.catalog.search.conditions import conditions_of
from landbridge.catalog.search.summaries import (
    Contribution,
    interval_totals,
    interval_totals_of_buckets,
    totals,
    totals_of_buckets,
)
from landbridge.catalog.stac.checked_search import CheckedSearch
from landbridge.catalog.stac.prefixes import prefixed_namespace
from landbridge.catalog.stac.requests import (
    collection_path,
    convert,
    get_or_none,
    item_path,
    items_by_id,
    patch_item,
    writing,
)
from landbridge.catalog.stac.searches import (
    SUMMARY_DATES,
    ItemSearch,
    aggregate,
    all_of,
    filter_of,
    page_size,
    sort_of,
)
from landbridge.exceptions import NotFoundError
from landbridge.mappings import blob as blob_mapping
from landbridge.mappings import cql2, ids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.enums import Interval
    from landbridge.catalog.search.query import Query
    from landbridge.catalog.search.summaries import Totals
    from landbridge.catalog.stac.resource import Headers, Params

__all__ = ["BLOBS", "Blobs"]

# The wait for an MD5 that the service computes.
_LONG_POLL = 30.0  # seconds that one request may take
_BASE_TIMEOUT = 60.0  # seconds to wait for an empty blob
_MIN_THROUGHPUT = 20 * 2**20  # bytes per second, which the timeout grows by
_PAUSE = 0.5  # seconds before the next request to a service that answers at once


@dataclass(frozen=True, slots=True)
class Blobs(ItemSearch):
    """Blobs, which are Items with one asset."""

    @property
    def collections(self) -> list[str]:
        """Ids of the Collections that can hold blobs; some may not exist yet."""
        return [ids.blob_collection_id(storage_type) for storage_type in StorageType]

    def attributes(self, record: Any) -> dict[str, Any]:
        return blob_mapping.from_stac(record)

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        location = _location(id)
        return get_or_none(client, item_path(*location), params, headers) if location else None

    def get_many(
        self, client: CatalogClient, identifiers: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        wanted: dict[str, dict[str, str]] = defaultdict(dict)
        for identifier in identifiers:
            if location := _location(identifier):
                collection, item_id = location
                wanted[collection][item_id] = identifier
        found = {}
        for collection, items in wanted.items():
            for item in items_by_id(client, collection, list(items), params, headers):
                found[items[item["id"]]] = item
        return found

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        """Create a blob whose data is stored elsewhere: at its `href`."""
        complete = {
            **attributes,
            "storage_type": attributes.get("storage_type") or StorageType.DATA.value,
            "namespace": prefixed_namespace(attributes.get("namespace"), client),
        }
        item = convert(blob_mapping.to_stac, complete)
        with writing(client, 404):
            return client.post(f"{collection_path(item['collection'])}/items", item, headers=headers)

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        path = item_path(*_require_location(id))
        base = record if record is not None else client.get(path, headers=headers)
        return patch_item(client, path, convert(blob_mapping.patch, changes, base), headers)

    def delete(self, client: CatalogClient, id: str) -> bool:
        return bool(self.delete_many(client, [id], False)["ids"])

    # Data
    def upload(
        self,
        client: CatalogClient,
        attributes: dict[str, Any],
        data: BinaryIO,
        headers: Headers = None,
        *,
        overwrite: bool = False,
    ) -> Any:
        """Create a blob with this content, in place of an earlier one if `overwrite`; return its record.

        BadRequestError if the content does not have the size or MD5 that the attributes say.
        """
        content = FileContent(data)
        item = convert(blob_mapping.to_stac, attributes)
        announcement = {"item": item, "size": content.size}
        if overwrite:
            announcement["overwrite"] = True
        # Idempotent: an announcement that no data follows has no effect.
        with writing(client, 404):
            upload = client.post("/blobs", announcement, headers=headers, idempotent=True)["id"]
        return client.request(
            "PUT",
            f"/blobs/uploads/{upload}",
            content=content.chunks,
            content_type=BINARY,
            # Without a length, HTTP's chunked encoding is used, which copies each chunk to add its header.
            headers={} if content.size is None else {"Content-Length": str(content.size)},
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
        """Return an iterator of the content, or a range of it; NotFoundError if the blob does not exist.

        With `tag`, a ClientError is raised if the content has another MD5 or version.
        """
        path = f"{_data_path(_require_location(id))}/data"
        headers = {"Accept": "*/*"}
        if range is not None:
            headers["Range"] = range
        if tag is not None:
            headers["If-Match"] = f'"{tag}"'
        return download(client, path, headers, chunk_size)

    def md5(self, client: CatalogClient, id: str, size: int) -> str | None:
        """Wait until the service has computed the MD5 of a blob's data, and return it; None if it does not.

        The timeout grows with `size`, the number of bytes.
        """
        location = _location(id)
        if location is None:
            return None
        path = f"{_data_path(location)}/hash"
        timeout = _BASE_TIMEOUT + size / _MIN_THROUGHPUT
        for wait in polls(timeout, repeat(_PAUSE), _LONG_POLL):
            answer = get_or_none(client, path, {"wait": wait})
            if answer is None or not answer["pending"]:
                md5: str | None = answer and answer["hash"]
                return md5
        return None

    def delete_many(
        self, client: CatalogClient, identifiers: list[str], raise_on_missing: bool
    ) -> dict[str, Any]:
        """Delete blobs and return the task that deletes their data."""
        body = {"ids": list(identifiers), "raise_on_missing": raise_on_missing}
        task: dict[str, Any] = client.post("/blobs/deletions", body)
        return task

    def deletion(self, client: CatalogClient, id: str) -> dict[str, Any]:
        """Return the status of a deletion task."""
        task: dict[str, Any] = client.get(f"/blobs/deletions/{id}")
        return task

    # Searches
    def _order(self, query: Query) -> list[dict[str, str]] | None:
        return sort_of(query, "blob")

    def _checked_search(self, client: CatalogClient, query: Query) -> CheckedSearch:
        return CheckedSearch(
            client,
            "blob",
            conditions_of(query, "blob"),
            tuple(self.collections),
            lambda item: item,
            self.attributes,
            page_size(client),
            query.params,
            query.headers,
        )

    def _search_body(self, _client: CatalogClient, query: Query) -> dict[str, Any]:
        conditions = [filter_of(query, "blob")]
        if query.text is not None and query.text.strip():
            conditions.append(cql2.text_filter(query.text, "blob"))
        if query.geometry is not None:
            conditions.append(cql2.geometry_filter(query.geometry, query.match_null_geometry))
        body: dict[str, Any] = {"collections": self.collections}
        body |= all_of(condition for condition in conditions if condition is not None)
        if (order := sort_of(query, "blob")) is not None:
            body["sortby"] = order
        return body | dict(query.params)

    # Summaries
    def totals(self, client: CatalogClient, query: Query) -> Totals:
        """Return the totals of the matching blobs."""
        body = self._search_body(client, query)
        buckets = aggregate(client, body, "namespace_frequency", None, query)
        if buckets is None:
            return totals(self._contributions(client, body, query, None))
        return totals_of_buckets(buckets)

    def interval_totals(
        self, client: CatalogClient, query: Query, date: str, interval: Interval
    ) -> list[tuple[datetime, Totals]]:
        """Return the totals of the matching blobs for each interval of a date."""
        body = self._search_body(client, query)
        buckets = aggregate(client, body, f"{SUMMARY_DATES[date]}_frequency", interval, query)
        if buckets is None:
            return interval_totals(self._contributions(client, body, query, date), interval)
        return interval_totals_of_buckets(buckets)

    def _contributions(
        self, client: CatalogClient, body: dict[str, Any], query: Query, date: str | None
    ) -> Iterator[Contribution]:
        """Yield the contribution of each blob to a summary by a date, for services without aggregations."""
        for item in self.items_for_summary(client, body, query):
            attributes = self.attributes(item)
            size = attributes.get("size_bytes") or 0
            yield Contribution(attributes["namespace"], size, attributes.get(date) if date else None)


def _location(identifier: str) -> tuple[str, str] | None:
    """Return the ids of a blob's Collection and Item; None if `identifier` is not a blob's id."""
    try:
        storage_type, namespace, name = ids.split_blob_id(identifier)
        return ids.blob_collection_id(storage_type), ids.blob_item_id(namespace, name)
    except (ValueError, AttributeError):
        return None


def _require_location(identifier: str) -> tuple[str, str]:
    """Return the ids of a blob's Collection and Item; NotFoundError if `identifier` is not a blob's id."""
    if (location := _location(identifier)) is None:
        raise NotFoundError(f"Blob {identifier} does not exist.")
    return location


def _data_path(location: tuple[str, str]) -> str:
    """Return the path of a blob's data routes."""
    collection, item_id = location
    return f"/blobs/{collection.removeprefix(ids.BLOB_COLLECTION_PREFIX)}/{item_id}"


BLOBS = Blobs()
