"""The layer of a search for images: its TileJSON, which has the addresses of the tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from landbridge.catalog.exchange.tiles import collection_path, offers_tiles, search_path
from landbridge.catalog.stac.images import IMAGES
from landbridge.exceptions import BadRequestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.search.query import Part

__all__ = ["find_layer"]

_TILEJSON: Final = "WebMercatorQuad/tilejson.json"


def find_layer(search: Any, parameters: Sequence[tuple[str, str]]) -> tuple[CatalogClient, dict[str, Any]]:
    """Return the client of a search and the TileJSON of its images.

    A search of one product is a layer of that product with conditions, for which no login is needed. Other
    searches are registered with the service.

    Parameters
    ----------
    search : ImageSearch
        Search for images.
    parameters : sequence of tuple of str
        Parameters of the tiles.

    Raises
    ------
    BadRequestError
        If the service offers no tiles, the products are at several services, or a condition cannot be one of
        a layer.
    """
    parts = search._parts(search._to_query())
    path, conditions = _path(parts)
    client = parts[0].client
    query = urlencode([*conditions, *parameters])
    return client, client.get(f"{path}/{_TILEJSON}?{query}")


def _path(parts: Sequence[Part]) -> tuple[str, list[tuple[str, str]]]:
    """Return the path of the maps of a search, and its conditions as parameters of their tiles."""
    products = parts[0].query.products if len(parts) == 1 else None
    if products is None or len(products) != 1 or not offers_tiles(parts[0].client):
        return search_path(parts), []
    client, query = parts[0].client, parts[0].query
    return collection_path(client, products[0]), _conditions(IMAGES._search_body(client, query))


def _conditions(body: dict[str, Any]) -> list[tuple[str, str]]:
    import orjson

    found = []
    if "filter" in body:
        found += [("filter", orjson.dumps(body["filter"]).decode()), ("filter-lang", "cql2-json")]
    if body.get("sortby"):
        signs = {"asc": "+", "desc": "-"}
        keys = (f"{signs[one['direction']]}{one['field']}" for one in body["sortby"])
        found.append(("sortby", ",".join(keys)))
    if unknown := body.keys() - {"collections", "filter", "filter-lang", "sortby"}:
        raise BadRequestError(f"A layer cannot have the condition {', '.join(sorted(unknown))}.")
    return found
