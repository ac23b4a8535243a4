"""Requests to a STAC API that the resources of several classes share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from landbridge.catalog.client.http import JSON_PATCH, MERGE_PATCH, escape
from landbridge.catalog.client.paging import pages
from landbridge.exceptions import (
    BadRequestError,
    ConflictError,
    LandbridgeError,
    MethodNotAllowedError,
    NotFoundError,
    ServerError,
)
from landbridge.mappings import InvalidDocument, ids
from landbridge.mappings.diffs import json_equal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.stac.resource import Headers, Params

__all__ = [
    "chunks",
    "collection_path",
    "convert",
    "delete_path",
    "get_or_none",
    "has_all_changes",
    "item_path",
    "items_by_id",
    "patch_collection",
    "patch_item",
    "require",
    "split_id",
    "writing",
]

# Number of ids in one request: its URL or body stays well below the limits of servers and proxies.
_IDS_PER_REQUEST = 100
# Statuses of an API that has no route for a change.
_NOT_WRITABLE = frozenset({405, 501})
# Number of attempts to patch a Collection that other clients change at the same time.
_ATTEMPTS = 20


def convert(converter: Callable[..., Any], *args: Any) -> Any:
    """Return the result of a converter; raise BadRequestError, as a service would, if a value is invalid."""
    try:
        return converter(*args)
    except InvalidDocument as error:
        raise BadRequestError(str(error)) from error


def get_or_none(client: CatalogClient, path: str, params: Params = None, headers: Headers = None) -> Any:
    """Return the answer of a GET; None if the service answers 404."""
    try:
        return client.get(path, params, headers=headers)
    except NotFoundError:
        return None


def delete_path(client: CatalogClient, path: str) -> bool:
    """Delete the resource at a path; return False if it does not exist."""
    try:
        with writing(client):
            client.request("DELETE", path)
    except NotFoundError:
        return False
    return True


def chunks(identifiers: list[str]) -> Iterator[list[str]]:
    """Yield the ids in lists that fit into one request each."""
    for start in range(0, len(identifiers), _IDS_PER_REQUEST):
        yield identifiers[start : start + _IDS_PER_REQUEST]


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


def has_all_changes(changes: Mapping[str, Any], last_read: Mapping[str, Any]) -> bool:
    """Return whether a patch computed from the last read attributes contains all changes.

    An attribute that was changed and changed back must be saved too, although it equals the value that was
    read: another client may have changed it since.
    """
    return not any(json_equal(value, last_read.get(name)) for name, value in changes.items())


def patch_collection(
    client: CatalogClient,
    product_id: str,
    base: Any,
    operations: Callable[[Any], list[dict[str, Any]]],
    headers: Headers = None,
) -> Any:
    """Return the Collection after a JSON patch computed from it.

    The patch tests the values it relies on, so that the service refuses it if another client was faster. It
    is then computed again from the current Collection.
    """
    path = collection_path(product_id)
    for attempt in range(_ATTEMPTS):
        if attempt or base is None:
            base = client.get(path, headers=headers)
        try:
            with writing(client):
                return client.request(
                    "PATCH", path, document=operations(base), content_type=JSON_PATCH, headers=headers
                )
        except ConflictError:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def items_by_id(
    client: CatalogClient, collection: str, identifiers: list[str], params: Params, headers: Headers
) -> Iterator[dict[str, Any]]:
    """Yield the Items of a Collection that have one of these ids."""
    for chunk in chunks(identifiers):
        query = {"collections": [collection], "ids": chunk, "limit": len(chunk), **(params or {})}
        if client.capabilities.is_landbridge:
            yield from client.post("/search", query, headers=headers, idempotent=True)["features"]
        else:
            yield from _foreign_items_by_id(client, collection, chunk, query, headers)


def _foreign_items_by_id(
    client: CatalogClient, collection: str, identifiers: list[str], query: dict[str, Any], headers: Headers
) -> Iterator[dict[str, Any]]:
    """Yield the Items with these ids from an API that may ignore the ids, or have no search."""
    wanted, others = dict.fromkeys(identifiers), 0
    try:
        for page in pages(client, "POST", client.capabilities.search_path, query, "features", headers):
            for item in page:
                if item.get("collection", collection) == collection and item["id"] in wanted:
                    del wanted[item["id"]]
                    yield item
                else:
                    others += 1
            if others or not wanted:
                break
    except (MethodNotAllowedError, NotFoundError):
        others = 1
    # An API that returned only what was asked for has no other of these Items.
    for identifier in wanted if others else ():
        found = get_or_none(client, item_path(collection, identifier), None, headers)
        if found is not None:
            yield found


@contextmanager
def writing(client: CatalogClient, *statuses: int) -> Iterator[None]:
    """Turn the refusal of an API that can only be read into an error that says what to do.

    `statuses` are further HTTP statuses that such an API may answer with.
    """
    if client.source is not None and not client.capabilities.transactions:
        raise _read_only(client, "")
    try:
        yield
    except LandbridgeError as error:
        status = error.original_status if isinstance(error, ServerError) else getattr(error, "status", None)
        if status not in {*_NOT_WRITABLE, *statuses} or client.capabilities.transactions:
            raise
        raise _read_only(client, f" It answered {status}.") from error


def _read_only(client: CatalogClient, answer: str) -> MethodNotAllowedError:
    return MethodNotAllowedError(
        f"{client.url} can only be read: it does not declare the transaction extension.{answer} Save to "
        "your own catalog instead: by `copy_to` of images, or by `landbridge import`, which leaves the files "
        "where they are."
    )


def patch_item(client: CatalogClient, path: str, patch: dict[str, Any], headers: Headers) -> Any:
    """Return the Item after a merge patch, which is idempotent: it sets values."""
    with writing(client):
        return client.request(
            "PATCH", path, document=patch, content_type=MERGE_PATCH, headers=headers, idempotent=True
        )


def split_id(identifier: str) -> tuple[str, str]:
    """Return product id and name of an id; two empty texts if the id does not have both."""
    try:
        return ids.split(identifier)
    except ValueError:
        return "", ""
