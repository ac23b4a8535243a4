"""The pages of an answer, each fetched while the page before it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from landbridge.catalog.client.client import CatalogClient

__all__ = ["pages"]

# Members of a next link that hold the position of the next page.
_POSITION = frozenset({"token", "offset", "page", "next"})


def pages(
    client: CatalogClient,
    method: str,
    path: str,
    query: dict[str, Any],
    member: str,
    headers: Mapping[str, str] | None = None,
    limit: int | None = None,
) -> Iterator[list[Any]]:
    """Yield the entries of every page's `member`, until a page is empty or has no next link.

    No page is fetched after `limit` entries.
    """
    from concurrent.futures import ThreadPoolExecutor

    def fetch(query: dict[str, Any]) -> dict[str, Any]:
        if method == "GET":
            answer: dict[str, Any] = client.get(path, query, headers=headers, entries=member)
        else:
            answer = client.post(path, query, headers=headers, idempotent=True, entries=member)
        return answer

    page = fetch(query)
    seen = 0
    executor = ThreadPoolExecutor(1, thread_name_prefix="landbridge-page")
    try:
        while page[member]:
            seen += len(page[member])
            next_query = _next_query(page, query)
            enough = limit is not None and seen >= limit
            next_page = executor.submit(fetch, next_query) if next_query is not None and not enough else None
            # Removed from the page, so that its memory is freed as soon as the reader is done with it.
            yield page.pop(member)
            if next_page is None or next_query is None:
                return
            page, query = next_page.result(), next_query
    finally:
        # A reader that stops early does not wait for the page that is being fetched.
        executor.shutdown(wait=False, cancel_futures=True)


def _next_query(page: Mapping[str, Any], query: dict[str, Any]) -> dict[str, Any] | None:
    """Return the query of the next page from the page's next link; None if it has no next link."""
    link = next((link for link in page.get("links", ()) if link.get("rel") == "next"), None)
    if link is None:
        return None
    changes: dict[str, Any] = link.get("body") or dict(parse_qsl(urlsplit(link["href"]).query))
    # The page's position comes from the link; the rest stays as the client wrote it.
    return {
        **query,
        **{name: value for name, value in changes.items() if name not in query or name in _POSITION},
    }
