"""Addresses of map tiles that the service renders, for web maps and GIS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from landbridge.catalog.client.http import escape
from landbridge.catalog.enums import DocumentState
from landbridge.catalog.stac.images import IMAGES
from landbridge.exceptions import BadRequestError, ServerError
from landbridge.maps.layers import Tiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.search.query import Part

__all__ = [
    "client_of",
    "collection_path",
    "image_path",
    "images_layer",
    "images_path",
    "offers_tiles",
    "query_of",
    "search_layer",
    "search_path",
    "tile_layer",
    "tiles_url",
]


def offers_tiles(client: CatalogClient) -> bool:
    """Return whether the service of a client renders tiles."""
    return client._file_transport() is None and client.capabilities.tiles


def _check(client: CatalogClient) -> None:
    if not offers_tiles(client):
        raise BadRequestError(
            f"{client.url} offers no map tiles. `explore()` shows pixels that are rendered on this machine."
        )


def query_of(bands: Any, parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return bands and other parameters of tiles as those of a URL; those that are None are left out."""
    found: list[tuple[str, str]] = []
    if bands is not None:
        found.append(("bands", ",".join(_names(bands))))
    for name, value in parameters.items():
        values = value if isinstance(value, list | tuple) else [value]
        found += [(name, str(each)) for each in values if each is not None]
    return found


def collection_path(client: CatalogClient, product_id: str) -> str:
    """Return the path of the maps of a product."""
    return f"/collections/{escape(client.documents.collection_id(product_id))}"


def image_path(client: CatalogClient, product_id: str, name: str) -> str:
    """Return the path of the maps of an image."""
    return f"{collection_path(client, product_id)}/items/{escape(name)}"


def search_path(parts: Sequence[Part]) -> str:
    """Register a search for images, and return the path of its maps.

    Raises:
        BadRequestError: if it has a limit, is for several services, or for one that offers no tiles.
    """
    if len(parts) != 1:
        raise BadRequestError(
            f"The products of this search are at {len(parts)} APIs, and tiles are those of one: make a "
            "search for the products of each."
        )
    client, query = parts[0].client, parts[0].query
    _check(client)
    if query.limit is not None:
        raise BadRequestError(
            f"Tiles show all images of a search, not the first {query.limit}: leave `limit` out."
        )
    return _register(client, IMAGES._search_body(client, query))


def images_path(images: Iterable[Any]) -> tuple[CatalogClient, str]:
    """Register a search for some images of one service, and return its client and the path of its maps.

    Raises:
        BadRequestError: if there are none, or not all are saved in one service that offers tiles.
    """
    found = list(images)
    client = client_of(found)
    names: dict[str, set[str]] = {}
    for image in found:
        names.setdefault(client.documents.collection_id(image.product_id), set()).add(str(image.name))
    body: dict[str, Any] = {"collections": sorted(names)}
    if len(names) == 1:
        body["ids"] = sorted(next(iter(names.values())))
    else:
        # Images of several products may have the same names.
        conditions = [_named(collection, held) for collection, held in sorted(names.items())]
        body |= {"filter-lang": "cql2-json", "filter": {"op": "or", "args": conditions}}
    return client, _register(client, body)


def _named(collection: str, names: Iterable[str]) -> dict[str, Any]:
    return {
        "op": "and",
        "args": [
            {"op": "=", "args": [{"property": "collection"}, collection]},
            {"op": "in", "args": [{"property": "id"}, sorted(names)]},
        ],
    }


def client_of(images: Sequence[Any]) -> CatalogClient:
    """Return the client of some images.

    Raises:
        BadRequestError: if there are none, or not all are saved in one service that offers tiles.
    """
    clients = {id(image._client): image._client for image in images}
    unsaved = next((image for image in images if image.state == DocumentState.UNSAVED), None)
    if unsaved is not None:
        raise BadRequestError(f"{unsaved!r} is not saved, so that the service cannot render its tiles.")
    if len(clients) != 1:
        raise BadRequestError(
            f"Tiles show the images of one service; these {len(images)} images are of {len(clients)}."
        )
    client: CatalogClient = next(iter(clients.values()))
    _check(client)
    return client


def _register(client: CatalogClient, body: dict[str, Any]) -> str:
    answer = client.request("POST", "/searches/register", document=body, idempotent=True)
    return f"/searches/{answer['id']}"


def tiles_url(
    client: CatalogClient,
    path: str,
    query: Sequence[tuple[str, str]],
    *,
    extension: str,
    tile_matrix_set: str,
) -> str:
    """Return the URL of tiles with placeholders, and with a token if the client has one."""
    _check(client)
    text = urlencode(list(query))
    url = f"{client.url.rstrip('/')}{path}/tiles/{tile_matrix_set}/{{z}}/{{x}}/{{y}}.{extension}"
    return _signed(client, f"{url}?{text}" if text else url)


def _signed(client: CatalogClient, url: str) -> str:
    if not client.token:
        return url
    answer = client.request("POST", "/tiles/signatures", document={"hrefs": [url]}, idempotent=True)
    hrefs = answer.get("hrefs")
    if not isinstance(hrefs, list) or len(hrefs) != 1:
        raise ServerError(f"{client.url}/tiles/signatures did not sign the URL it was given.")
    return str(hrefs[0])


def tile_layer(client: CatalogClient, path: str, name: str, query: Sequence[tuple[str, str]] = ()) -> Tiles:
    """Return the tiles of a path as a layer of a map, with the bounds and zooms that the service states."""
    text = urlencode(list(query))
    described = client.request("GET", f"{path}/WebMercatorQuad/tilejson.json{'?' if text else ''}{text}")
    west, south, east, north = described["bounds"]
    url = _signed(client, described["tiles"][0])
    return Tiles(name, url, (south, west, north, east), described["maxzoom"], described["minzoom"])


def images_layer(images: Iterable[Any], bands: Any, scaling: Any) -> Tiles:
    """Return the tiles of some images of one service as a layer of a map."""
    client, path = images_path(images)
    return tile_layer(client, path, _title(bands), _shown(bands, scaling))


def search_layer(parts: Sequence[Part], bands: Any, scaling: Any) -> Tiles:
    """Return the tiles of a search as a layer of a map."""
    return tile_layer(parts[0].client, search_path(parts), _title(bands), _shown(bands, scaling))


def _title(bands: Any) -> str:
    return "Mosaic" if bands is None else " ".join(_names(bands))


def _names(bands: Any) -> list[str]:
    return bands.split() if isinstance(bands, str) else [str(name) for name in bands]


def _shown(bands: Any, scaling: Any) -> list[tuple[str, str]]:
    text = scaling if scaling is None or isinstance(scaling, str) else json.dumps(scaling)
    return query_of(bands, {"scaling": text})
