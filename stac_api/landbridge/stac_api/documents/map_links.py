"""Links to the maps of a document (web-map-links 1.2): its tiles, their description, a preview.

The API makes them when it shows a document. A document that is written back does not store them; links to
maps of other servers stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from landbridge.mappings import ids

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXTENSION", "Maps", "drop", "of_collection", "of_item", "with_extension"]

Maps: TypeAlias = Literal["none", "preview", "all"]

EXTENSION: Final = "https://stac-extensions.github.io/web-map-links/v1.2.0/schema.json"
TILE_SET: Final = "WebMercatorQuad"
_RELS: Final = frozenset({"xyz", "tilejson", "wmts", "preview"})
_STORED: Final = "/assets/"
_JSON: Final = "application/json"


def of_collection(collection: Mapping[str, Any], here: str) -> list[dict[str, Any]]:
    """Return the links to the maps of a collection at the URL `here`; none if it has no bands."""
    if not _has_bands(collection):
        return []
    return [*_map_links(here, _layer_titles(collection)), _preview(here)]


def of_item(item: Mapping[str, Any], here: str, wanted: Maps) -> list[dict[str, Any]]:
    """Return the links to the maps of an item at the URL `here`; none if the store has no files of it."""
    if wanted == "none" or not _has_pixels(item):
        return []
    return [*(_map_links(here, ("default",)) if wanted == "all" else ()), _preview(here)]


def _map_links(here: str, layers: tuple[str, ...]) -> list[dict[str, Any]]:
    # Browsers show the first link that they know.
    return [
        {
            "rel": "xyz",
            "type": "image/png",
            "title": "Map tiles",
            "href": f"{here}/tiles/{TILE_SET}/{{z}}/{{x}}/{{y}}.png",
        },
        {
            "rel": "tilejson",
            "type": _JSON,
            "title": "TileJSON of the map tiles",
            "href": f"{here}/{TILE_SET}/tilejson.json",
        },
        {
            "rel": "wmts",
            "type": "application/xml",
            "title": "WMTS of the map tiles",
            "href": f"{here}/WMTSCapabilities.xml",
            "wmts:layer": list(layers),
            "wmts:encoding": "rest",
        },
    ]


def _preview(here: str) -> dict[str, Any]:
    return {"rel": "preview", "type": "image/png", "title": "Preview", "href": f"{here}/preview.png"}


def _layer_titles(collection: Mapping[str, Any]) -> tuple[str, ...]:
    renders = collection.get("renders")
    names = [name for name in renders if name != "default"] if isinstance(renders, dict) else []
    return ("default", *names)


def _has_bands(collection: Mapping[str, Any]) -> bool:
    if ids.is_blob_collection(str(collection.get("id"))):
        return False
    return bool(collection.get("bands") or collection.get("item_assets") or collection.get("renders"))


def _has_pixels(item: Mapping[str, Any]) -> bool:
    if ids.is_blob_collection(str(item.get("collection"))) or item.get("geometry") is None:
        return False
    assets = item.get("assets")
    return isinstance(assets, dict) and any(
        str(asset.get("href")).startswith(_STORED) and str(asset.get("type")).startswith("image/tiff")
        for asset in assets.values()
    )


def with_extension(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document that declares the extension if it has links of it."""
    if not any(link.get("rel") in _RELS for link in document["links"]):
        return document
    declared = document.get("stac_extensions") or []
    return document if EXTENSION in declared else {**document, "stac_extensions": [*declared, EXTENSION]}


def drop(document: dict[str, Any], base: str) -> None:
    """Drop the links that this module makes from a document to store, in place."""
    given = document.get("links")
    if not isinstance(given, list):
        return
    # The document may have been read at another address of the same service.
    own = {
        f"{link['href'].rstrip('/')}/"
        for link in given
        if isinstance(link, dict) and link.get("rel") == "self" and isinstance(link.get("href"), str)
    } | {f"{base}collections/"}
    document["links"] = [link for link in given if not _is_own(link, tuple(own))]
    declared = document.get("stac_extensions")
    if isinstance(declared, list) and not any(
        isinstance(link, dict) and link.get("rel") in _RELS for link in document["links"]
    ):
        document["stac_extensions"] = [one for one in declared if one != EXTENSION]


def _is_own(link: Any, prefixes: tuple[str, ...]) -> bool:
    return (
        isinstance(link, dict)
        and link.get("rel") in _RELS
        and isinstance(link.get("href"), str)
        and link["href"].startswith(prefixes)
    )
