"""The layer of a search for images: its TileJSON, which has the addresses of the tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from landbridge.catalog.stac.images import IMAGES
from landbridge.exceptions import BadRequestError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from landbridge.catalog.client.client import CatalogClient

__all__ = ["find_layer"]

_TILEJSON: Final = "WebMercatorQuad/tilejson.json"


def find_layer(search: Any, parameters: Sequence[tuple[str, str]]) -> tuple[CatalogClient, dict[str, Any]]:
    """Return the client of a search and the TileJSON of its images.

    A search of one product is a layer of that product with a filter. One of several products is registered
    with the service, which needs a token.

    Parameters
    ----------
    search : ImageSearch
        Search for images.
    parameters : sequence of tuple of str
        Parameters of the tiles.

    Raises
    ------
    BadRequestError
        If the service has no tiles, the products are at several services, or a condition cannot be one of
        a layer.
    """
    import orjson

    parts = search._parts(search._to_query())
    if len(parts) != 1:
        raise BadRequestError(
            f"The products are at {len(parts)} services, and a layer is of one: export those of each."
        )
    client, query = parts[0].client, parts[0].query
    if not client.capabilities.is_landbridge:
        raise BadRequestError(f"{client.url} is not a Landbridge service, and has no tiles to export.")
    body = IMAGES._search_body(client, query)
    collections = body.pop("collections", [])
    if len(collections) == 1:
        path = f"/collections/{quote(collections[0], safe=':')}/{_TILEJSON}"
        conditions = _conditions(body)
    else:
        registered = client.post("/searches/register", {**body, "collections": collections}, idempotent=True)
        path, conditions = f"/searches/{registered['id']}/{_TILEJSON}", []
    try:
        found: dict[str, Any] = orjson.loads(
            client._request("GET", path, params=_repeated([*conditions, *parameters])).content
        )
    except NotFoundError as error:
        raise BadRequestError(f"{client.url} has no tiles: its version of Landbridge is too old.") from error
    return client, found


def _conditions(body: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the members of a search as parameters of a layer."""
    import orjson

    found = []
    if "filter" in body:
        found += [("filter", orjson.dumps(body["filter"]).decode()), ("filter-lang", "cql2-json")]
    if body.get("sortby"):
        signs = {"asc": "+", "desc": "-"}
        keys = (f"{signs[one['direction']]}{one['field']}" for one in body["sortby"])
        found.append(("sortby", ",".join(keys)))
    if unknown := body.keys() - {"filter", "filter-lang", "sortby", "limit"}:
        raise BadRequestError(f"A layer cannot have the condition {', '.join(sorted(unknown))}.")
    return found


def _repeated(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return dict(found)
