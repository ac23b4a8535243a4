"""Clients of sources, and the choice of the client that has a product."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from landbridge.catalog.client.client import CatalogClient
from landbridge.catalog.client.http import escape
from landbridge.config import read_state
from landbridge.exceptions import NotFoundError
from landbridge.sources import registry

if TYPE_CHECKING:
    from landbridge.mappings.sources.model import SourceTable

__all__ = [
    "client_of_image",
    "client_of_product",
    "has_own_service",
    "known_product",
    "note_product",
    "source_client",
]

_clients: dict[str, tuple[SourceTable, CatalogClient]] = {}
_lock = threading.Lock()
# Seconds for which the answer that one's own service has, or does not have, a product of a source is used.
_ANSWER_SECONDS = 600.0


def source_client(table: SourceTable) -> CatalogClient:
    """Return the client of a source: one for each table, so that all calls share its caches."""
    with _lock:
        known = _clients.get(table.id)
        if known is None or known[0] != table:
            known = _clients[table.id] = (table, CatalogClient(source=table))
        return known[1]


def client_of_product(product_id: str | None, default: CatalogClient | None = None) -> CatalogClient:
    """Return the client that has a product: one's own service, else the source that claims its id."""
    table = registry.claim(product_id) if product_id else None
    own = default or CatalogClient.get_default_client()
    if table is None or not product_id:
        return own
    return own if _has_product(own, product_id) else source_client(table)


def client_of_image(identifier: str, default: CatalogClient | None = None) -> CatalogClient:
    """Return the client that has an image or a band, by its id."""
    product_id = registry.image_product(identifier)
    return client_of_product(product_id, default)


def _has_product(client: CatalogClient, product_id: str) -> bool:
    """Return whether one's own service has a product that a source claims too; asked every ten minutes.

    An embedded stack that was never used has none, and is not started for the question.
    """
    if client.documents.claims(product_id):
        return True
    if not has_own_service(client):
        return False
    if (known := known_product(client, product_id)) is not None:
        return known
    try:
        client.get(f"/collections/{escape(product_id)}")
    except NotFoundError:
        found = False
    else:
        found = True
    note_product(client, product_id, exists=found)
    return found


def known_product(client: CatalogClient, product_id: str) -> bool | None:
    """Return whether a service has a product, as it answered in the last ten minutes; None if it did not."""
    with _lock:
        known = client.known_products.get(product_id)
    return None if known is None or time.monotonic() - known[0] > _ANSWER_SECONDS else known[1]


def note_product(client: CatalogClient, product_id: str, *, exists: bool) -> None:
    """Remember whether a service has a product, so that its id stands for the right one at once."""
    with _lock:
        client.known_products[product_id] = time.monotonic(), exists


def has_own_service(client: CatalogClient) -> bool:
    """Return whether a service is configured, or the embedded stack runs or has data."""
    if client.configured_url is not None:
        return True
    home = client.settings.home
    return (home / "postgres").exists() or read_state(home) is not None
