"""Reading the pages of an answer, each fetched while the one before it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.search.search import Query

__all__ = ["pages"]

_POSITION = frozenset({"token", "offset", "page", "next"})


def pages(
    client: CatalogClient, method: str, path: str, query: dict[str, Any], member: str, search: Query
) -> Iterator[list[Any]]:
    """The entries of every page's `member`; an empty page ends them, as does one without a next link."""
    from concurrent.futures import ThreadPoolExecutor

    def fetch(wanted: dict[str, Any]) -> dict[str, Any]:
        if method == "GET":
            answer: dict[str, Any] = client.get(path, wanted, headers=search.headers, entries=member)
        else:
            answer = client.post(path, wanted, headers=search.headers, idempotent=True, entries=member)
        return answer

    page = fetch(query)
    seen = 0
    executor = ThreadPoolExecutor(1, thread_name_prefix="landbridge-page")
    try:
        while page[member]:
            seen += len(page[member])
            following = _next(page, query)
            enough = search.limit is not None and seen >= search.limit
            ahead = executor.submit(fetch, following) if following is not None and not enough else None
            # Nothing else keeps the page, so that it goes when its reader is done with it.
            yield page.pop(member)
            if ahead is None or following is None:
                return
            page, query = ahead.result(), following
    finally:
        # A reader who stops early does not wait for the page that is under way.
        executor.shutdown(wait=False, cancel_futures=True)


def _next(page: Mapping[str, Any], query: dict[str, Any]) -> dict[str, Any] | None:
    """The query of the next page, as the page's link tells it; None where there is no such link."""
    link = next((one for one in page.get("links", ()) if one.get("rel") == "next"), None)
    if link is None:
        return None
    changes: dict[str, Any] = link.get("body") or dict(parse_qsl(urlsplit(link["href"]).query))
    # The page's position comes from the link; the rest stays as we wrote it.
    return {
        **query,
        **{name: value for name, value in changes.items() if name not in query or name in _POSITION},
    }
