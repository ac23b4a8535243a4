"""The landing page: conformance classes and links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.mappings import ids, schema
from landbridge.mappings.image import STAC_VERSION
from landbridge.stac_api.documents import links

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ALSO_CONFORMS", "MOST_CHILDREN", "TILE_CLASSES", "completed"]

# pystac-client and QGIS look for the 1.0 names of classes that stac-fastapi advertises as 1.1.
ALSO_CONFORMS = (
    "https://api.stacspec.org/v1.0.0/item-search#sort",
    "https://api.stacspec.org/v1.0.0/ogcapi-features#sort",
    "https://api.stacspec.org/v1.0.0/collection-search#sort",
    "https://api.stacspec.org/v1.0.0/item-search#filter",
)
# Each is tested in tests/integration/tiles.
TILE_CLASSES = tuple(
    f"http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/{name}"
    for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "png", "jpeg", "tiff")
)
# Browsers read the others from /collections, page by page.
MOST_CHILDREN = 500


def completed(
    document: dict[str, Any], base: str, children: Sequence[tuple[str, str]], *, tiles: bool = True
) -> dict[str, Any]:
    """Add our links to stac-fastapi's landing page, and one to each child, given as id and title."""
    # The version of our collections and items; stac-fastapi writes 1.0.
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
        *(_tile_links(base) if tiles else ()),
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


def _tile_links(base: str) -> list[dict[str, Any]]:
    return [
        {
            "rel": "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes",
            "type": "application/json",
            "title": "Tile matrix sets",
            "href": f"{base}tileMatrixSets",
        },
        {
            "rel": schema.REGISTER_SEARCH_REL,
            "type": "application/json",
            "title": "Register a search as a map layer",
            "method": "POST",
            "href": f"{base}searches/register",
        },
        {
            "rel": schema.TILE_SIGNATURES_REL,
            "type": "application/json",
            "title": "Signed addresses of map tiles",
            "method": "POST",
            "href": f"{base}tiles/signatures",
        },
    ]
