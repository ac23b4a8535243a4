"""Searches as pystac-client's ItemSearch, with the same conditions, order and limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.search.pushdown import push_down
from landbridge.catalog.stac.images import IMAGES
from landbridge.catalog.stac.item_checks import names_of
from landbridge.exceptions import BadRequestError
from landbridge.private_addresses import without_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pystac_client import ItemSearch

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.search.query import Part, Query

__all__ = ["item_search"]

# Members of a search request by the names that pystac-client has for them.
_ARGUMENTS = {"filter-lang": "filter_lang"}


def item_search(parts: Sequence[Part]) -> ItemSearch:
    """Return an ItemSearch for the parts of a search for images; see `ImageSearch.to_item_search`."""
    try:
        import pystac_client
    except ImportError as error:
        raise ImportError(
            "to_item_search needs pystac-client: pip install 'landbridge[pystac-client]'"
        ) from error
    if len(parts) != 1:
        raise BadRequestError(
            f"The products of this search are at {len(parts)} APIs, and an ItemSearch asks one: make a "
            "search for the products of each."
        )
    client, query = parts[0].client, parts[0].query
    if client._file_transport() is not None:
        raise BadRequestError(
            f"{client.configured_url} consists of files: there is no API for an ItemSearch."
        )
    body = _body(client, query)
    # The hrefs of the Items are below this address, and pixels are read from them without a token.
    api = pystac_client.Client.open(client.private_url, request_modifier=_authorize(client))
    arguments = {_ARGUMENTS.get(name, name): value for name, value in body.items()}
    method = "POST" if client.capabilities.post else "GET"
    return api.search(method=method, max_items=query.limit, **arguments)


def _body(client: CatalogClient, query: Query) -> dict[str, Any]:
    """Return the members of the request; BadRequestError if the API cannot answer a condition exactly."""
    if query.params:
        raise BadRequestError(f"An ItemSearch cannot have request parameters ({', '.join(query.params)}).")
    known = client.capabilities
    if known.is_landbridge:
        return IMAGES._search_body(client, query)
    checked = IMAGES._checked_search(client, query)
    asked = push_down(checked.conditions, known, exact=True)
    if asked.unanswered or asked.inexact:
        reason = names_of(asked.unanswered or asked.inexact)
        raise BadRequestError(
            f"{client.url} cannot filter by {reason} exactly, so that an ItemSearch would find other images. "
            "Leave the condition out, or iterate over this search, which checks each image."
        )
    if asked.is_empty:
        raise BadRequestError("No image can satisfy the conditions of this search.")
    order = IMAGES._order(query)
    if order is not None and not known.sort:
        raise BadRequestError(f"{client.url} cannot sort: leave `sort` out, and sort the result.")
    collections = {} if checked.collections is None else {"collections": list(checked.collections)}
    return {**collections, **asked.members, **({} if order is None else {"sortby": order})}


def _authorize(client: CatalogClient) -> Any:
    """Return a function that adds the client's token to requests to its API, and to no other address."""
    base = client.url.rstrip("/")

    def modify(request: Any) -> Any:
        address = without_key(base, request.url or "")
        if (address == base or address.startswith((f"{base}/", f"{base}?"))) and (token := client.token):
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    return modify
