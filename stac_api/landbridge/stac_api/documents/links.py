"""Links of STAC documents, and the hrefs of assets in our store.

The database stores assets in our object store as `/assets/...`, and the catalog extension under a fixed name.
The API shows both as absolute URLs under the address that the caller used, so a stack may move to another
port or host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

import orjson
from stac_fastapi.types.requests import get_base_url

from landbridge import private_addresses
from landbridge.mappings import schema
from landbridge.stac_api.core.blob_items import shown_geometry
from landbridge.stac_api.documents import map_links, projection

if TYPE_CHECKING:
    from starlette.requests import Request

ASSETS = "/assets/"
_EXTENSION = orjson.dumps(schema.DEFAULT_URL)
_INFERRED = frozenset({"self", "item", "parent", "collection", "root", "items", "child", "queryables"})
# Most ids need no quoting, which saves time on a page of a thousand.
_PLAIN = re.compile(r"[A-Za-z0-9_.:~-]+\Z").match
_JSON = "application/json"
_GEOJSON = "application/geo+json"


def base_url(request: Request) -> str:
    """Return the URL by which the caller reached the API, ending in `/`."""
    return str(get_base_url(request))


def _segment(part: str) -> str:
    return part if _PLAIN(part) else quote(part, safe=":~!$&'()*+,;=@")


def collection_url(base: str, collection: str) -> str:
    return f"{base}collections/{_segment(collection)}"


def item_url(base: str, collection: str, item: str) -> str:
    return f"{collection_url(base, collection)}/items/{_segment(item)}"


def _stored(document: dict[str, Any], base: str) -> list[dict[str, Any]]:
    return [
        {**link, "href": urljoin(base, link["href"])}
        for link in document.get("links") or ()
        if link.get("rel") not in _INFERRED
    ]


def with_item_links(item: dict[str, Any], base: str, maps: map_links.Maps = "none") -> dict[str, Any]:
    """Return the item as the API shows it, with absolute and inferred links.

    Args:
        item: the item, which is changed in place.
        base: URL of the API.
        maps: links to maps: none, that to the preview, or all of them.
    """
    item["geometry"] = shown_geometry(item["geometry"])
    projection.add_epsg(item)
    collection = collection_url(base, item["collection"])
    here = item_url(base, item["collection"], item["id"])
    item["links"] = [
        {"rel": "collection", "type": _JSON, "href": collection},
        {"rel": "parent", "type": _JSON, "href": collection},
        {"rel": "root", "type": _JSON, "href": base},
        {"rel": "self", "type": _GEOJSON, "href": here},
        *_stored(item, base),
        *map_links.of_item(item, here, maps),
    ]
    return map_links.with_extension(item) if maps == "all" else item


def with_collection_links(collection: dict[str, Any], base: str, *, maps: bool = False) -> dict[str, Any]:
    """Return the collection as the API shows it, with absolute and inferred links, and with links to maps."""
    here = collection_url(base, collection["id"])
    collection["links"] = [
        {"rel": "items", "type": _GEOJSON, "href": f"{here}/items"},
        {"rel": "parent", "type": _JSON, "href": base},
        {"rel": "root", "type": _JSON, "href": base},
        {"rel": "self", "type": _JSON, "href": here},
        {
            "rel": "http://www.opengis.net/def/rel/ogc/1.0/queryables",
            "type": "application/schema+json",
            "title": "Queryables",
            "href": f"{here}/queryables",
        },
        *(link for link in _stored(collection, base) if not str(link["rel"]).endswith("/queryables")),
        *(map_links.of_collection(collection, here) if maps else ()),
    ]
    return map_links.with_extension(collection)


def localize(document: dict[str, Any], base: str) -> None:
    """Prepare the links of a document for storage, in place.

    URLs of assets in our store become `/assets/...`; links that the API infers are dropped. Values of the
    wrong type stay: the checks report them.
    """
    assets, given = document.get("assets"), document.get("links")
    for asset in assets.values() if isinstance(assets, dict) else ():
        href = asset.get("href") if isinstance(asset, dict) else None
        if isinstance(href, str) and (path := private_addresses.asset_path(base, href)) is not None:
            asset["href"] = ASSETS + path
    if given is not None and not isinstance(given, list):
        return
    map_links.drop(document, base)
    document["links"] = [
        _without_key(link, base)
        for link in document.get("links") or ()
        if isinstance(link, dict)
        and link.get("rel") not in _INFERRED
        and not str(link.get("rel")).endswith("/queryables")
    ]


def _without_key(link: dict[str, Any], base: str) -> dict[str, Any]:
    """Return the link without the key of a private address, which would be shown to others."""
    href = link.get("href")
    plain = private_addresses.without_key(base, href) if isinstance(href, str) else href
    return link if plain == href else {**link, "href": plain}


def globalize(body: bytes, base: str) -> bytes:
    """Make the URLs of `localize` absolute in serialized documents: once per answer, not once per asset.

    The first pattern can only match a member named `href`: inside a JSON string its quotes would be
    escaped.
    """
    here = b'"' + base.rstrip("/").encode()
    body = body.replace(b'"href":"/assets/', b'"href":' + here + b"/assets/")
    return body.replace(_EXTENSION, here + schema.URL_PATH.encode() + b'"')


def asset_path(href: str) -> str | None:
    """Return the path in our store that a stored href names; None if the asset lies elsewhere."""
    return urlsplit(href[len(ASSETS) :]).path if href.startswith(ASSETS) else None
