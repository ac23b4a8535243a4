"""Image uploads: stored by the /uploads routes, searched on the client."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from landbridge.catalog.client.http import escape
from landbridge.catalog.enums import ImageUploadStatus
from landbridge.catalog.search.client_side_filter import select
from landbridge.catalog.stac.requests import get_or_none
from landbridge.catalog.stac.searches import PAGE_SIZE, require_products

if TYPE_CHECKING:
    from collections.abc import Iterator

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.search.query import Query
    from landbridge.catalog.stac.resource import Headers, Params

__all__ = ["UPLOADS", "Uploads", "upload_path"]


def upload_path(id: str) -> str:
    """Return the path of an upload."""
    return f"/uploads/{escape(id)}"


@dataclass(frozen=True, slots=True)
class Uploads:
    """Image uploads."""

    def attributes(self, record: Any) -> dict[str, Any]:
        return dict(record)

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        return get_or_none(client, upload_path(id), params, headers)

    def get_many(
        self, client: CatalogClient, identifiers: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        found = {identifier: self.get(client, identifier, params, headers) for identifier in identifiers}
        return {identifier: record for identifier, record in found.items() if record is not None}

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        raise NotImplementedError("An upload is made by Image.upload and Image.upload_ndarray.")

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        del record
        if changes != {"status": ImageUploadStatus.CANCELED}:
            raise NotImplementedError(
                f"Only the status of an upload can be changed, to canceled; got {changes}."
            )
        return client.post(f"{upload_path(id)}/cancel", headers=headers, idempotent=True)

    def delete(self, client: CatalogClient, id: str) -> Any:
        raise NotImplementedError("Uploads cannot be deleted.")

    # Searches
    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        return iter([self._matching(client, query)])

    def count(self, client: CatalogClient, query: Query) -> int:
        return len(self._matching(client, replace(query, includes=False)))

    def _matching(self, client: CatalogClient, query: Query) -> list[Any]:
        records: list[Any] = []
        events = {} if query.includes else {"events": "false"}
        for product_id in require_products(query, "image uploads"):
            offset, matched = 0, 1
            while offset < matched:
                params = {"product_id": product_id, "limit": PAGE_SIZE, "offset": offset, **events}
                answer = client.get("/uploads", {**params, **query.params}, headers=query.headers)
                records.extend(answer["uploads"])
                offset, matched = offset + PAGE_SIZE, answer["numberMatched"]
        return select(records, query, lambda record: record, ())


UPLOADS = Uploads()
