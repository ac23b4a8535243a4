"""Hrefs of Items for other libraries, which do not have the token of the embedded stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.config import read_state
from landbridge.private_addresses import without_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from landbridge.catalog.client.client import CatalogClient

__all__ = ["plain_hrefs", "private_hrefs"]


def private_hrefs(clients: Iterable[CatalogClient]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a function that moves an Item's hrefs to the private address of the embedded stack, in place.

    Hrefs of other services stay as they are; without a client of the embedded stack all do.
    """
    embedded = next((client for client in clients if client.configured_url is None), None)
    if embedded is None:
        return lambda item: item
    plain, private = f"{embedded.url}/", embedded.private_url

    def change(href: str) -> str:
        return private + href.removeprefix(plain) if href.startswith(plain) else href

    return lambda item: _with_hrefs(item, change)


def plain_hrefs(client: CatalogClient, item: dict[str, Any]) -> dict[str, Any]:
    """Move an Item's hrefs from any private address of the embedded stack to its plain one, in place.

    The stack of the client is not started for that.
    """
    state = read_state(client.settings.home) if client.configured_url is None else None
    return item if state is None else _with_hrefs(item, lambda href: without_key(state.url, href))


def _with_hrefs(item: dict[str, Any], change: Callable[[str], str]) -> dict[str, Any]:
    assets, links = item.get("assets"), item.get("links")
    parts = [
        *(assets.values() if isinstance(assets, dict) else ()),
        *(links if isinstance(links, list) else ()),
    ]
    for part in parts:
        if isinstance(part, dict) and isinstance(part.get("href"), str):
            part["href"] = change(part["href"])
    return item
