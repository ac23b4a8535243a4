"""``stac_extensions``: the extensions whose members a document uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from landbridge.mappings.schema import URL_PATH, is_catalog_document

__all__ = ["listed"]

_URL = "https://stac-extensions.github.io/{}/v{}/schema.json"
# The versions of the extensions whose members are written, as in pystac.
# Not sar: its schema asks every Item for instrument members, and the Catalog knows a band's frequency only.
_URLS = {
    "eo": _URL.format("eo", "1.1.0"),
    "raster": _URL.format("raster", "1.1.0"),
    "proj": _URL.format("projection", "2.0.0"),
    "view": _URL.format("view", "1.0.0"),
    "file": _URL.format("file", "2.1.0"),
    "classification": _URL.format("classification", "2.0.0"),
    "renders": _URL.format("render", "2.0.0"),
    "published": _URL.format("timestamps", "1.1.0"),
}
_PROJECTION_1 = _URL.format("projection", "1.1.0")


def listed(document: Mapping[str, Any], schema_url: str | None) -> list[str]:
    """Return the URLs to list: ours if used, others unchanged, the catalog's as ``schema_url``.

    Without a ``schema_url`` the catalog's stays as it is.
    """
    used = _used(document)
    present = [url for url in document.get("stac_extensions") or () if isinstance(url, str)]
    is_catalog = is_catalog_document(document)
    kept = []
    for url in present:
        if (schema_url is not None and _is_catalog(url)) or (
            is_catalog and url.rstrip("/") in _URLS.values()
        ):
            continue
        kept.append(url)
    for name, url in _URLS.items():
        part = url.split("/")[3]
        if name in used and not any(_part(other) == part for other in kept):
            kept.append(_PROJECTION_1 if name == "proj" and "epsg" in used else url)
    if "catalog" in used and schema_url is not None:
        kept.append(schema_url)
    return list(dict.fromkeys(kept))


def _part(url: str) -> str:
    """Return an extension's name, from its URL or from the short form of STAC 1.0's betas."""
    parts = url.split("/")
    return parts[3] if len(parts) > 3 else url


def _is_catalog(url: str) -> bool:
    return url.rstrip("/").endswith(URL_PATH)


def _used(document: Mapping[str, Any]) -> set[str]:
    properties = document.get("properties") or {}
    parts: list[Iterable[str]] = [document, properties, document.get("summaries") or {}]
    for assets in (document.get("assets"), document.get("item_assets")):
        for asset in (assets or {}).values():
            parts.append(asset)
            parts.extend(band for band in asset.get("bands") or () if isinstance(band, Mapping))
    parts.extend(band for band in document.get("bands") or () if isinstance(band, Mapping))
    # Most assets have the same members.
    used = {member.partition(":")[0] for member in set().union(*parts) if ":" in member}
    if "renders" in document:
        used.add("renders")
    if {"published", "expires", "unpublished"} & set(properties):
        used.add("published")
    if "proj:epsg" in properties and "proj:code" not in properties:
        used.add("epsg")
    return used
