"""How searches are executed: by the service, or on what it sent where it keeps objects in a list.

A backend gives the records of a query, and their number.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from landbridge.catalog.client.paging import pages
from landbridge.catalog.search.client_side_filter import select
from landbridge.catalog.search.summaries import Fact, by_interval, dated, summed, total
from landbridge.catalog.stac.bands import BANDS, described_bands
from landbridge.catalog.stac.blobs import BLOBS
from landbridge.catalog.stac.images import IMAGES
from landbridge.catalog.stac.products import PRODUCTS
from landbridge.exceptions import BadRequestError
from landbridge.mappings import cql2, ids

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.enums import Interval
    from landbridge.catalog.search.search import Query
    from landbridge.catalog.search.summaries import Sums

__all__ = ["BACKENDS"]

# Large enough that the cost of a request does not show, small enough that the first page comes at once.
_PAGE = 1000
# The members of an Item that a summary is made from.
_FACTS = (
    "id",
    "collection",
    "assets",
    *(f"properties.{name}" for name in ("datetime", "start_datetime", "created", "updated", "published")),
)
# What Items call the dates that summaries go by.
_DATES = {"acquired": "datetime", "created": "created", "modified": "updated", "published": "published"}
# Collections of blobs are no products.
_NO_BLOBS = {
    "op": "not",
    "args": [{"op": "like", "args": [{"property": "id"}, ids.BLOB_COLLECTION_PREFIX + "%"]}],
}
_NO_BLOB_ITEMS = {
    "op": "not",
    "args": [{"op": "like", "args": [{"property": "collection"}, ids.BLOB_COLLECTION_PREFIX + "%"]}],
}


class Backend(Protocol):
    """Executes the searches for one class."""

    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        """The records that match, in order, in one list for each page."""

    def count(self, client: CatalogClient, query: Query) -> int:
        """How many records match, whatever the limit."""


def _filter(query: Query, kind: str) -> dict[str, Any] | None:
    if query.expression is None:
        return None
    try:
        return cql2.to_cql2(query.expression, kind)
    except (TypeError, ValueError) as error:  # a value that its attribute cannot have
        raise BadRequestError(str(error)) from error


def _sortby(query: Query, kind: str) -> list[dict[str, str]] | None:
    if query.sort is None:
        return None
    field, ascending = query.sort
    try:
        order: list[dict[str, str]] = cql2.sortby(field, ascending, kind)
    except AttributeError as error:
        raise BadRequestError(str(error)) from error
    return order


def _need_products(query: Query, what: str) -> tuple[str, ...]:
    if query.products is None:
        raise ValueError(
            f"A search for {what} must be filtered by product_id: with p.product_id == '...', "
            "p.product_id.any_of([...]) or product." + what.replace("image uploads", "image_uploads") + "()."
        )
    return query.products


def _buckets(
    client: CatalogClient, body: dict[str, Any], name: str, interval: Interval | None, query: Query
) -> list[dict[str, Any]] | None:
    """What the service counts of the items that match, one bucket for each group; None where it can't."""
    if name not in client.aggregations:
        return None
    asked = {name: value for name, value in body.items() if name != "sortby"} | {"aggregations": [name]}
    if interval is not None:
        asked[f"{name}_interval"] = interval.value
    answer = client.post("/aggregate", asked, headers=query.headers, idempotent=True)
    buckets: list[dict[str, Any]] = answer["aggregations"][0]["buckets"]
    return buckets


class _ItemBackend:
    """Items, by POST /search."""

    def _body(self, query: Query) -> dict[str, Any]:
        """The search as the service takes it."""
        raise NotImplementedError

    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        body = {"limit": min(query.limit or _PAGE, _PAGE)} | self._body(query)
        return pages(client, "POST", "/search", body, "features", query)

    def count(self, client: CatalogClient, query: Query) -> int:
        body = {**self._body(query), "limit": 1}
        body.pop("sortby", None)
        answer = client.post("/search", body, headers=query.headers, idempotent=True)
        return int(answer["numberMatched"])


@dataclass(frozen=True)
class ImageBackend(_ItemBackend):
    """Images."""

    def _body(self, query: Query) -> dict[str, Any]:
        return {"collections": list(_need_products(query, "images"))} | self._condition(query)

    def _condition(self, query: Query) -> dict[str, Any]:
        if query.text is not None:
            raise BadRequestError("Images have no attribute that find_text could search.")
        body: dict[str, Any] = {
            "filter": _filter(query, "image"),
            "intersects": query.geometry,
            "sortby": _sortby(query, "image"),
        }
        if query.geometry is not None and query.match_null_geometry:
            # The member `intersects` finds no image without a geometry, a filter does.
            near = cql2.geometry_filter(query.geometry, match_null_geometry=True)
            wanted = body["filter"]
            body["intersects"] = None
            body["filter"] = near if wanted is None else {"op": "and", "args": [wanted, near]}
        if body["filter"] is not None:
            body["filter-lang"] = "cql2-json"
        return {name: value for name, value in body.items() if value is not None} | dict(query.params)

    def totals(self, client: CatalogClient, query: Query) -> Sums:
        """The sums over the images; without products, over those of all of them."""
        buckets = _buckets(client, self._listed(query), "collection_frequency", None, query)
        if buckets is None:
            return total(self._facts(client, query, None))
        return summed(bucket for bucket in buckets if not ids.is_blob_collection(bucket["key"]))

    def intervals(
        self, client: CatalogClient, query: Query, date: str, interval: Interval
    ) -> list[tuple[datetime, Sums]]:
        """The sums over the images of each interval of a date."""
        body = self._listed(query)
        if query.products is None:
            # Blobs are no images, and have these dates too.
            wanted = [body["filter"]] if "filter" in body else []
            body |= {"filter": {"op": "and", "args": [_NO_BLOB_ITEMS, *wanted]}, "filter-lang": "cql2-json"}
        buckets = _buckets(client, body, f"{_DATES[date]}_frequency", interval, query)
        return by_interval(self._facts(client, query, date), interval) if buckets is None else dated(buckets)

    def _listed(self, query: Query) -> dict[str, Any]:
        body = self._condition(query)
        return body if query.products is None else body | {"collections": list(query.products)}

    def _facts(self, client: CatalogClient, query: Query, date: str | None) -> Iterator[Fact]:
        """What each image adds to a summary by a date, where the service adds nothing up."""
        body = {"limit": _PAGE, "fields": {"include": _FACTS}} | self._listed(query)
        for item in chain.from_iterable(pages(client, "POST", "/search", body, "features", query)):
            if not ids.is_blob_collection(item["collection"]):
                attributes = IMAGES.attributes(item)
                size = sum(file.get("size_bytes") or 0 for file in attributes.get("files") or ())
                yield Fact(item["collection"], size, attributes.get(date) if date else None)


@dataclass(frozen=True, slots=True)
class ProductBackend:
    """Products, by GET /collections."""

    def _params(self, query: Query) -> dict[str, Any]:
        import orjson

        wanted = _filter(query, "product")
        both = _NO_BLOBS if wanted is None else {"op": "and", "args": [_NO_BLOBS, wanted]}
        params: dict[str, Any] = {"filter": orjson.dumps(both).decode(), "filter-lang": "cql2-json"}
        sortby = _sortby(query, "product")
        if sortby:
            params["sortby"] = ",".join(
                ("+" if entry["direction"] == "asc" else "-") + entry["field"] for entry in sortby
            )
        if query.text is not None:
            params["q"] = query.text
        return params | dict(query.params)

    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        params = {"limit": min(query.limit or _PAGE, _PAGE)} | self._params(query)
        return pages(client, "GET", "/collections", params, "collections", query)

    def count(self, client: CatalogClient, query: Query) -> int:
        params = {**self._params(query), "limit": 1}
        params.pop("sortby", None)
        return int(client.get("/collections", params, headers=query.headers)["numberMatched"])


@dataclass(frozen=True, slots=True)
class BandBackend:
    """Bands, picked here from the products' Collections."""

    def _matching(self, client: CatalogClient, query: Query) -> list[Any]:
        found = PRODUCTS.get_many(client, list(_need_products(query, "bands")), query.params, query.headers)
        records = [record for collection in found.values() for record in described_bands(client, collection)]
        return select(records, query, BANDS.attributes, ("name", "description"))

    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        return iter([self._matching(client, query)])

    def count(self, client: CatalogClient, query: Query) -> int:
        return len(self._matching(client, query))


@dataclass(frozen=True, slots=True)
class UploadBackend:
    """Image uploads, by GET /uploads for each product and picked here."""

    def _matching(self, client: CatalogClient, query: Query) -> list[Any]:
        records: list[Any] = []
        events = {} if query.includes else {"events": "false"}
        for product_id in _need_products(query, "image uploads"):
            offset, matched = 0, 1
            while offset < matched:
                params = {"product_id": product_id, "limit": _PAGE, "offset": offset, **events}
                answer = client.get("/uploads", {**params, **query.params}, headers=query.headers)
                records.extend(answer["uploads"])
                offset, matched = offset + _PAGE, answer["numberMatched"]
        return select(records, query, lambda record: record, ())

    def records(self, client: CatalogClient, query: Query) -> Iterator[list[Any]]:
        return iter([self._matching(client, query)])

    def count(self, client: CatalogClient, query: Query) -> int:
        return len(self._matching(client, replace(query, includes=False)))


@dataclass(frozen=True)
class BlobBackend(_ItemBackend):
    """Blobs, in the collections that hold them."""

    def _body(self, query: Query) -> dict[str, Any]:
        conditions = [_filter(query, "blob")]
        if query.text is not None and query.text.strip():
            conditions.append(cql2.text_filter(query.text, "blob"))
        if query.geometry is not None:
            conditions.append(cql2.geometry_filter(query.geometry, query.match_null_geometry))
        wanted = [condition for condition in conditions if condition is not None]
        body: dict[str, Any] = {"collections": BLOBS.collections}
        if wanted:
            joined = wanted[0] if len(wanted) == 1 else {"op": "and", "args": wanted}
            body |= {"filter": joined, "filter-lang": "cql2-json"}
        if (order := _sortby(query, "blob")) is not None:
            body["sortby"] = order
        return body | dict(query.params)

    def totals(self, client: CatalogClient, query: Query) -> Sums:
        """The sums over the blobs."""
        buckets = _buckets(client, self._body(query), "namespace_frequency", None, query)
        return total(self._facts(client, query, None)) if buckets is None else summed(buckets)

    def intervals(
        self, client: CatalogClient, query: Query, date: str, interval: Interval
    ) -> list[tuple[datetime, Sums]]:
        """The sums over the blobs of each interval of a date."""
        buckets = _buckets(client, self._body(query), f"{_DATES[date]}_frequency", interval, query)
        return by_interval(self._facts(client, query, date), interval) if buckets is None else dated(buckets)

    def _facts(self, client: CatalogClient, query: Query, date: str | None) -> Iterator[Fact]:
        """What each blob adds to a summary by a date, where the service adds nothing up."""
        body = {"limit": _PAGE, "fields": {"include": _FACTS}} | self._body(query)
        for item in chain.from_iterable(pages(client, "POST", "/search", body, "features", query)):
            attributes = BLOBS.attributes(item)
            size = attributes.get("size_bytes") or 0
            yield Fact(attributes["namespace"], size, attributes.get(date) if date else None)


BACKENDS: dict[str, Backend] = {
    "product": ProductBackend(),
    "image": ImageBackend(),
    "band": BandBackend(),
    "image_upload": UploadBackend(),
    "blob": BlobBackend(),
}
