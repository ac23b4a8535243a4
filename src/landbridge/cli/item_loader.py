"""Storing of many Items, in batches, with counts and a file of refused documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from landbridge.catalog.client.client import CatalogClient

__all__ = ["Document", "Loader", "Report", "existing_ids", "own_product"]

Document = Mapping[str, Any]

_BATCH = 2000


@dataclass
class Report:
    """Counts of an import, and the file of refused documents."""

    rejected: Path | None
    stored: int = 0
    items_refused: int = 0
    made: int = 0
    there_already: int = 0
    items_there: int = 0
    collections_refused: int = 0

    def __post_init__(self) -> None:
        if self.rejected is not None:
            self.rejected.write_text("", "utf-8")

    def __str__(self) -> str:
        """Return the counts in words; those of rare cases only if they are not 0."""
        parts = [
            f"{self.stored} items stored, {self.items_refused} refused, {self.made} collections made",
            *([f"{self.there_already} there already"] if self.there_already else ()),
            *([f"{self.items_there} items there already"] if self.items_there else ()),
            *([f"{self.collections_refused} collections refused"] if self.collections_refused else ()),
        ]
        return ", ".join(parts) + "."

    def print(self, *, as_json: bool) -> None:
        """Print the counts as a sentence, or as a JSON object that has all of them."""
        click.echo(json.dumps(self.counts()) if as_json else str(self))

    def counts(self) -> dict[str, int]:
        """Return the counts by their names in JSON."""
        return {
            "items_stored": self.stored,
            "items_refused": self.items_refused,
            "items_there": self.items_there,
            "collections_made": self.made,
            "collections_refused": self.collections_refused,
            "collections_there": self.there_already,
        }

    @property
    def found(self) -> int:
        """The number of documents that were found."""
        collections = self.made + self.there_already + self.collections_refused
        return self.stored + self.items_refused + self.items_there + collections

    def refuse(self, documents: Iterable[Document], why: str) -> None:
        """Write documents to the file of refused ones, and print why; without a file, end the import."""
        why = why.strip()
        if self.rejected is None:
            raise click.ClickException(
                f"{why} ({self.stored} items were stored and {self.made} collections made before; with "
                "--rejected FILE the import goes on.)"
            )
        click.echo(why, err=True)
        with self.rejected.open("a", encoding="utf-8") as file:
            for document in documents:
                file.write(json.dumps(document) + "\n")
                if document.get("type") == "Feature":
                    self.items_refused += 1
                else:
                    self.collections_refused += 1


class Loader:
    """Sends items by batches, each of one collection."""

    def __init__(self, client: CatalogClient, method: str, report: Report) -> None:
        self._client, self._method = client, method
        self.report: Report = report
        self._waiting: dict[str, dict[str, Document]] = {}
        # The ids under which one's own catalog has the collections of Items.
        self._own_ids: dict[str, str] = {}

    def add(self, item: Document) -> None:
        collection, name = item.get("collection"), item.get("id")
        if not isinstance(collection, str) or not isinstance(name, str):
            self.report.refuse(
                [item], f"Item {name!r} needs an id and a collection; --collection names one for all."
            )
            return
        own_id = self._own_id(collection)
        if own_id != collection:
            collection, item = own_id, {**item, "collection": own_id}
        waiting = self._waiting.setdefault(collection, {})
        if name in waiting:
            self._send(collection)
            waiting = self._waiting.setdefault(collection, {})
        waiting[name] = item
        if len(waiting) >= _BATCH:
            self._send(collection)

    def _own_id(self, collection: str) -> str:
        if collection not in self._own_ids:
            found = own_product(self._client, collection)
            self._own_ids[collection] = collection if found is None else str(found["id"])
        return self._own_ids[collection]

    def finish(self) -> None:
        for collection in list(self._waiting):
            self._send(collection)

    def _send(self, collection: str) -> None:
        self._store(collection, self._waiting.pop(collection, {}))

    def _store(self, collection: str, items: dict[str, Document]) -> None:
        from landbridge.catalog.client.http import escape
        from landbridge.exceptions import BadRequestError, ConflictError, NotFoundError

        if not items:
            return
        body = {"items": items, "method": self._method}
        try:
            # An upsert can be retried; a repeated insert would be refused.
            self._client.post(
                f"/collections/{escape(collection)}/bulk_items", body, idempotent=self._method == "upsert"
            )
        except NotFoundError as error:
            # The collection does not exist, so every item would be refused.
            self.report.refuse(items.values(), f"{len(items)} items of {collection!r} are refused: {error}")
        except (BadRequestError, ConflictError) as error:
            if len(items) == 1 or self.report.rejected is None:
                self.report.refuse(items.values(), str(error))
                return
            # Halve the batch to find the refused items and store all others.
            names = list(items)
            for part in (names[: len(names) // 2], names[len(names) // 2 :]):
                self._store(collection, {name: items[name] for name in part})
        else:
            self.report.stored += len(items)


def own_product(client: CatalogClient, id: str) -> Any:
    """Return the Collection that one's own catalog has under an id, or under that with the caller's prefix.

    None if it has neither. A service puts the prefix before the ids of what a caller creates.
    """
    from landbridge.catalog.stac.prefixes import prefixed_id
    from landbridge.catalog.stac.products import PRODUCTS

    found = PRODUCTS.get(client, id)
    prefixed = prefixed_id(id, client) if found is None else id
    return found if prefixed == id else PRODUCTS.get(client, prefixed)


def existing_ids(client: CatalogClient, collection: str, names: list[str]) -> set[str]:
    """Return those of the ids that Items of a Collection have."""
    from landbridge.catalog.stac.requests import items_by_id

    fields = {"fields": {"include": ["id"], "exclude": ["assets", "geometry", "links", "properties"]}}
    return {item["id"] for item in items_by_id(client, collection, names, fields, None)}
