"""Links of STAC documents, and the hrefs of our own assets.

Assets in our object store are kept in the database as `/assets/...`, the catalog extension under a name
that doesn't resolve. Both leave the API as absolute URLs under whatever address the caller used, so a
stack may move to another port or host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

import orjson
from stac_fastapi.types.requests import get_base_url

from landbridge.mappings import schema
from landbridge.stac_api.core.blob_items import shown_geometry
from landbridge.stac_api.documents import projection

if TYPE_CHECKING:
    from starlette.requests import Request

ASSETS = "/assets/"
_EXTENSION = orjson.dumps(schema.DEFAULT_URL)
_INFERRED = frozenset({"self", "item", "parent", "collection", "root", "items", "child", "queryables"})
# Most ids need no quoting, and a page has a thousand of them.
_PLAIN = re.compile(r"[A-Za-z0-9_.:~-]+\Z").match
_JSON = "application/json"
_GEOJSON = "application/geo+json"


def base_url(request: Request) -> str:
    """The address the caller reached the API by, ending in `/`."""
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


def with_item_links(item: dict[str, Any], base: str) -> dict[str, Any]:
    """The item as the API shows it: links made absolute, inferred links added."""
    item["geometry"] = shown_geometry(item["geometry"])
    projection.add_epsg(item)
    collection = collection_url(base, item["collection"])
    item["links"] = [
        {"rel": "collection", "type": _JSON, "href": collection},
        {"rel": "parent", "type": _JSON, "href": collection},
        {"rel": "root", "type": _JSON, "href": base},
        {"rel": "self", "type": _GEOJSON, "href": item_url(base, item["collection"], item["id"])},
        *_stored(item, base),
    ]
    return item


def with_collection_links(collection: dict[str, Any], base: str) -> dict[str, Any]:
    """The collection as the API shows it: links made absolute, inferred links added."""
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
    ]
    return collection


def localize(document: dict[str, Any], base: str) -> None:
    """Make a document ready to be stored, in place.

    URLs of our own assets become `/assets/...`; links that the API infers are dropped. What is of the wrong
    type stays, for the checks to name it.
    """
    prefix = f"{base}assets/"
    assets, given = document.get("assets"), document.get("links")
    for asset in assets.values() if isinstance(assets, dict) else ():
        href = asset.get("href") if isinstance(asset, dict) else None
        if isinstance(href, str) and href.startswith(prefix):
            asset["href"] = ASSETS + href[len(prefix) :]
    if given is not None and not isinstance(given, list):
        return
    document["links"] = [
        link
        for link in given or ()
        if isinstance(link, dict)
        and link.get("rel") not in _INFERRED
        and not str(link.get("rel")).endswith("/queryables")
    ]


def globalize(body: bytes, base: str) -> bytes:
    """Serialized documents with what `localize` stored made absolute, once per answer rather than per asset.

    The first pattern can only match a member named `href`: inside a JSON string its quotes would be
    escaped.
    """
    here = b'"' + base.rstrip("/").encode()
    body = body.replace(b'"href":"/assets/', b'"href":' + here + b"/assets/")
    return body.replace(_EXTENSION, here + schema.URL_PATH.encode() + b'"')


def asset_path(href: str) -> str | None:
    """The path in the store that a stored href names, or None for somebody else's."""
    return urlsplit(href[len(ASSETS) :]).path if href.startswith(ASSETS) else None
