"""Capabilities of a STAC API, as its documents declare them."""

from __future__ import annotations

from typing import Any

from landbridge.mappings import schema

__all__ = ["aggregation_names", "has_signature_link"]


def aggregation_names(document: Any) -> frozenset[str]:
    """Return the names in the answer of /aggregations; empty if they do not include the sum of bytes."""
    try:
        names = frozenset(aggregation["name"] for aggregation in document["aggregations"])
    except (LookupError, TypeError):
        return frozenset()
    # Without the bytes, the counts of other services are not enough for a summary.
    return names if "total_bytes" in names else frozenset()


def has_signature_link(landing_page: Any) -> bool:
    """Return whether a landing page links to the signing of asset URLs."""
    links = landing_page.get("links") or ()
    return any(link.get("rel") == schema.ASSET_SIGNATURES_REL for link in links)
