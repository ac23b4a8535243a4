"""The operations on a class of objects in a STAC API.

A resource returns *records*: the service's document of one object. Resources have no state of their own; each
module of `landbridge.catalog.stac` has the resource of one class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from landbridge.catalog.search.query import SearchBackend

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient

__all__ = ["Headers", "Params", "Resource"]

Params = Mapping[str, Any] | None
Headers = Mapping[str, str] | None


class Resource(SearchBackend, Protocol):
    """The operations on one class of objects: reading, writing and searching."""

    def attributes(self, record: Any) -> dict[str, Any]:
        """Return the attributes of a record, as JSON values."""

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        """Return the record of an id; None if it does not exist."""

    def get_many(
        self, client: CatalogClient, identifiers: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        """Return the records of the ids that exist, by id."""

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        """Create an object and return its record."""

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        """Change attributes of an object and return its new record; NotFoundError if it does not exist."""

    def delete(self, client: CatalogClient, id: str) -> Any:
        """Delete an object; return False if it does not exist."""
