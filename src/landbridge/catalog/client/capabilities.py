"""Capabilities of a STAC API, as the API itself declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from landbridge.exceptions import ClientError
from landbridge.mappings import schema

if TYPE_CHECKING:
    from landbridge.catalog.client.client import CatalogClient

__all__ = ["aggregations", "signs_assets"]


def aggregations(client: CatalogClient) -> frozenset[str]:
    """Return the names of the aggregations of the API; empty if it cannot sum up bytes."""
    try:
        offered = client.get("/aggregations")["aggregations"]
    except (ClientError, LookupError, TypeError):  # it has no such extension
        offered = []
    names = frozenset(one["name"] for one in offered)
    # Those of other services don't say how large what they count is.
    return names if "total_bytes" in names else frozenset()


def signs_assets(client: CatalogClient) -> bool:
    """Say whether the API signs the addresses of the files it keeps."""
    links = client.get("/").get("links") or ()
    return any(link.get("rel") == schema.ASSET_SIGNATURES_REL for link in links)
