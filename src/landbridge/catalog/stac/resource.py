"""The operations on a class of objects in a STAC API, and the requests that classes share.

A resource deals in *records*: what the service holds of one object. Resources have no state of their own;
those of products, images and bands are in `landbridge.catalog.stac`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from landbridge.catalog.client.http import JSON_PATCH, MERGE_PATCH, escape
from landbridge.exceptions import BadRequestError, ConflictError, NotFoundError
from landbridge.mappings import InvalidDocument, ids
from landbridge.mappings.diffs import json_equal

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient

__all__ = ["BandRecord", "Resource"]

Params = Mapping[str, Any] | None
Headers = Mapping[str, str] | None
# Ids of one request: its URL or body stays well below what servers and proxies accept.
_IDS_PER_REQUEST = 100
# How often a change of a Collection is worked out anew if others changed it meanwhile.
_ATTEMPTS = 20


class Resource(Protocol):
    """The operations on one class of objects."""

    @property
    def kind(self) -> str:
        """The name of the mapping and of the search backend."""

    def attributes(self, record: Any) -> dict[str, Any]:
        """Return the attributes of a record, as JSON values."""

    def get(self, client: CatalogClient, id: str, params: Params = None, headers: Headers = None) -> Any:
        """Return the record of an id; None if there is none."""

    def get_many(
        self, client: CatalogClient, names: list[str], params: Params = None, headers: Headers = None
    ) -> dict[str, Any]:
        """Return the records of those of the ids that exist."""

    def create(self, client: CatalogClient, attributes: dict[str, Any], headers: Headers = None) -> Any:
        """Create an object and give its record."""

    def update(
        self,
        client: CatalogClient,
        record: Any,
        id: str,
        changes: dict[str, Any],
        headers: Headers = None,
    ) -> Any:
        """Change attributes of an object and give its new record; NotFoundError if it is gone."""

    def delete(self, client: CatalogClient, id: str) -> Any:
        """Delete an object; False if there is none."""


def valid(convert: Callable[..., Any], *args: Any) -> Any:
    """Return what a converter makes; raise BadRequestError, as a service would, for what it finds invalid."""
    try:
        return convert(*args)
    except InvalidDocument as error:
        raise BadRequestError(str(error)) from error


def get_or_none(client: CatalogClient, path: str, params: Params = None, headers: Headers = None) -> Any:
    """Return the answer of a GET; None if there is nothing."""
    try:
        return client.get(path, params, headers=headers)
    except NotFoundError:
        return None


def delete_at(client: CatalogClient, path: str) -> bool:
    """Delete what has a path; False if there is nothing."""
    try:
        client.request("DELETE", path)
    except NotFoundError:
        return False
    return True


def chunks(names: list[str]) -> Iterator[list[str]]:
    """Yield ids in lists that are short enough for one request each."""
    for start in range(0, len(names), _IDS_PER_REQUEST):
        yield names[start : start + _IDS_PER_REQUEST]


def require(attributes: Mapping[str, Any], what: str, *names: str) -> None:
    """Raise BadRequestError if attributes of these names are missing."""
    missing = [name for name in names if attributes.get(name) is None]
    if missing:
        raise BadRequestError(f"{what} needs {', '.join(missing)} to be set before it is saved.")


def collection_path(product_id: str) -> str:
    """Return the path of a product's Collection."""
    return f"/collections/{escape(product_id)}"


def item_path(product_id: str, name: str) -> str:
    """Return the path of an image's Item."""
    return f"{collection_path(product_id)}/items/{escape(name)}"


def shows(changes: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
    """Say whether a patch worked out from what was last read has all changes in it.

    An attribute that was changed and changed back is to be saved too, though it equals what was read: others
    may have given it another value since.
    """
    return not any(json_equal(value, seen.get(name)) for name, value in changes.items())


def patch_collection(
    client: CatalogClient,
    product_id: str,
    base: Any,
    operations: Callable[[Any], list[dict[str, Any]]],
    headers: Headers = None,
) -> Any:
    """Return the Collection after a JSON patch worked out from it.

    The patch tests what it relies on, so that the service refuses it if another client was faster; it is
    then worked out anew from the Collection as it is now.
    """
    path = collection_path(product_id)
    for attempt in range(_ATTEMPTS):
        if attempt or base is None:
            base = client.get(path, headers=headers)
        try:
            return client.request(
                "PATCH", path, document=operations(base), content_type=JSON_PATCH, headers=headers
            )
        except ConflictError:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def items_by_id(
    client: CatalogClient, collection: str, names: list[str], params: Params, headers: Headers
) -> Iterator[dict[str, Any]]:
    """Yield those Items of a Collection that have one of these ids."""
    for chunk in chunks(names):
        query = {"collections": [collection], "ids": chunk, "limit": len(chunk), **(params or {})}
        yield from client.post("/search", query, headers=headers, idempotent=True)["features"]


def patch_item(client: CatalogClient, path: str, patch: dict[str, Any], headers: Headers) -> Any:
    """Return the Item after a merge patch, which sets values, so that a repetition changes nothing more."""
    return client.request(
        "PATCH", path, document=patch, content_type=MERGE_PATCH, headers=headers, idempotent=True
    )


def split(identifier: str) -> tuple[str, str]:
    """Return product id and name of an id; empty texts if it has not both."""
    try:
        return ids.split(identifier)
    except ValueError:
        return "", ""


@dataclass(frozen=True, slots=True)
class BandRecord:
    """A band's attributes, the Collection that has it, and the entry that they are read from."""

    attributes: dict[str, Any]
    collection: dict[str, Any]
    entry: dict[str, Any] = field(default_factory=dict)
