"""The landing page: what the server conforms to, and links to all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import ids, schema
from landbridge.mappings.image import STAC_VERSION
from landbridge.stac_api.documents import links

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ALSO_CONFORMS", "MOST_CHILDREN", "completed"]

# Clients look for the 1.0 names of what stac-fastapi advertises under 1.1 (pystac-client, QGIS).
ALSO_CONFORMS = (
    "https://api.stacspec.org/v1.0.0/item-search#sort",
    "https://api.stacspec.org/v1.0.0/ogcapi-features#sort",
    "https://api.stacspec.org/v1.0.0/collection-search#sort",
    "https://api.stacspec.org/v1.0.0/item-search#filter",
)
# A browser reads more of them from /collections, page by page.
MOST_CHILDREN = 500


def completed(document: dict[str, Any], base: str, children: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """stac-fastapi's landing page with our links, and one to each collection, given as id and title."""
    # As the collections and items say; stac-fastapi's own page is of 1.0.
    document["stac_version"] = STAC_VERSION
    document["links"] = [
        *document["links"],
        {
            "rel": "http://www.opengis.net/def/rel/ogc/1.0/queryables",
            "type": "application/schema+json",
            "title": "Queryables",
            "href": f"{base}queryables",
        },
        *(
            {"rel": rel, "type": "application/json", "title": rel.capitalize(), "href": f"{base}{rel}"}
            for rel in ("aggregate", "aggregations")
        ),
        {
            "rel": schema.ASSET_SIGNATURES_REL,
            "type": "application/json",
            "title": "Signed addresses of files",
            "method": "POST",
            "href": f"{base}assets/signatures",
        },
        *(
            {
                "rel": "child",
                "type": "application/json",
                "title": title,
                "href": links.collection_url(base, collection),
            }
            for collection, title in children
            if not ids.is_blob_collection(collection)
        ),
    ]
    return document
