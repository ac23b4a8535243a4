"""The pages of an answer, each fetched while the page before it is read."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Protocol

from landbridge.catalog.client.http import LazyEntries
from landbridge.catalog.client.search_requests import PageRequest, next_request, to_get
from landbridge.catalog.search_warnings import DuplicateItemsWarning
from landbridge.exceptions import (
    ClientError,
    LandbridgeError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from landbridge.catalog.client.client import CatalogClient

__all__ = ["PageCheck", "first_page", "matched", "pages"]

# Statuses of an API that has no search by POST.
_NO_POST = frozenset({404, 405, 501})
_REFUSED = frozenset({400, 422})
_TOO_LARGE = 413
# Sizes of the page that are tried after a status of 400, which may have any other reason.
_SIZES_AFTER_400 = (100, 10)
_SMALLEST_PAGE = 10
# Number of empty pages in a row after which an API has no further entries, whatever it links to.
_EMPTY_PAGES = 3


def pages(
    client: CatalogClient,
    method: str,
    path: str,
    query: dict[str, Any],
    member: str,
    headers: Mapping[str, str] | None = None,
    limit: int | None = None,
    check: PageCheck | None = None,
) -> Iterator[list[Any]]:
    """Yield the entries of every page's `member`, until there is no next page.

    `check` chooses the entries that are yielded. No page is fetched after `limit` of them. An entry that the
    API repeats is yielded once, with a warning at the end.

    Raises
    ------
    ServerError
        If the API asks for a page again, or repeats a whole page: its pages would never end.
    """
    reader = _Reader(client, PageRequest(method, path, query, dict(headers or {})), member, check)
    return reader.pages(limit)


def first_page(
    client: CatalogClient,
    path: str,
    query: dict[str, Any],
    member: str,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the answer of a search by POST, or by GET if the API has no other."""
    return _Reader(client, PageRequest("POST", path, query, dict(headers or {})), member, None).first()


def matched(page: Mapping[str, Any]) -> int | None:
    """Return the number of matching entries that a page states; None if it does not."""
    context = page.get("context")
    for value in (page.get("numberMatched"), context.get("matched") if isinstance(context, dict) else None):
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


class PageCheck(Protocol):
    """Chooses entries of pages."""

    def choose(self, entry: Any) -> bool | None:
        """Return True for an entry to yield, None for one to set aside, and False for the others."""

    def adapt(self, entry: Any) -> Any:
        """Return an entry in the form in which it is yielded."""

    def end_page(self, aside: list[Any]) -> None:
        """Take the entries of a page that were set aside; raise an error to read no further page."""


def _split(
    entries: list[Any], choose: Callable[[Any], bool | None], adapt: Callable[[Any], Any] | None
) -> tuple[list[Any], list[Any]]:
    if isinstance(entries, LazyEntries):
        return entries.split(choose, adapt)
    kept: list[Any] = []
    aside: list[Any] = []
    for entry in entries:
        choice = choose(entry)
        if choice or choice is None:
            (kept if choice else aside).append(entry if adapt is None else adapt(entry))
    return kept, aside


class _Reader:
    """Reads the pages of one search."""

    def __init__(
        self,
        client: CatalogClient,
        first: PageRequest,
        member: str,
        check: PageCheck | None,
    ) -> None:
        self._check = check
        self._client = client
        self._first = first
        self._member = member
        self._headers = first.headers
        # A Landbridge service repeats no entry, so that its pages need no look at each.
        self._checks = not client.capabilities.is_landbridge
        self._sent: set[bytes] = set()
        self._seen: set[Any] = set()
        self._duplicates = 0
        self._read = 0
        self._returned = 0

    def first(self) -> dict[str, Any]:
        """Return the answer with the first page."""
        self._note(self._first)
        return self._fetch(self._first)[1]

    def pages(self, limit: int | None) -> Iterator[list[Any]]:
        from concurrent.futures import ThreadPoolExecutor

        self._note(self._first)
        request, page = self._fetch(self._first)
        empty = 0
        executor = ThreadPoolExecutor(1, thread_name_prefix="landbridge-page")
        try:
            while True:
                count = len(page[self._member])
                empty = 0 if count else empty + 1
                self._read += count
                if not count and (not self._checks or empty == _EMPTY_PAGES or self._is_complete(page)):
                    break
                following = next_request(self._client, request, page, self._headers)
                # Removed from the page, so that its memory is freed as soon as the reader is done with it.
                entries = page.pop(self._member)
                if limit is not None:
                    entries = self._checked(entries)
                enough = limit is not None and self._returned >= limit
                coming = None
                if following is not None and not enough:
                    self._note(following)
                    coming = executor.submit(self._fetch, following)
                if limit is None:
                    entries = self._checked(entries)  # meanwhile the next page is fetched
                if entries:
                    yield entries
                if coming is None:
                    break
                request, page = coming.result()
        finally:
            # A reader that stops early does not wait for the page that is being fetched.
            executor.shutdown(wait=False, cancel_futures=True)
        self._warn()

    def _warn(self) -> None:
        if self._duplicates:
            warnings.warn(
                f"{self._client.url} returned {self._duplicates} of {self._read} {self._member} more than "
                "once; each is in the result once.",
                DuplicateItemsWarning,
                stacklevel=3,
            )

    def _is_complete(self, page: Mapping[str, Any]) -> bool:
        total = matched(page)
        return total is not None and self._read >= total

    def _note(self, request: PageRequest) -> None:
        """Remember a request; ServerError if it was sent before."""
        fingerprint = request.fingerprint()
        if fingerprint in self._sent:
            raise ServerError(
                f"{self._client.url} answered {self._read} {self._member} and then a next link to a page "
                "that was read before, so that its pages would never end. Narrow the search until it has "
                "one page, or search without sort."
            )
        self._sent.add(fingerprint)

    def _checked(self, entries: list[Any]) -> list[Any]:
        """Return the entries of a page that are yielded."""
        if self._checks:
            known = len(self._seen)
            kept, aside = _split(entries, self._choose, None if self._check is None else self._check.adapt)
            new = len(self._seen) - known
            if entries and not new:
                raise ServerError(
                    f"{self._client.url} repeated a whole page after {known} {self._member}, so that its "
                    "pages would never end. Narrow the search until it has one page, or search without sort."
                )
            self._duplicates += len(entries) - new
            if self._check is not None:
                self._check.end_page(aside)
            entries = kept
        self._returned += len(entries)
        return entries

    def _choose(self, entry: Any) -> bool | None:
        """Return True for an entry to yield, None for one to set aside, and False for the others."""
        key = (entry.get("collection"), entry.get("id"))
        if key in self._seen:
            return False
        self._seen.add(key)
        return True if self._check is None else self._check.choose(entry)

    def _fetch(self, request: PageRequest) -> tuple[PageRequest, dict[str, Any]]:
        """Return the request that was answered, and the answer: perhaps by GET, or for a smaller page."""
        observed = self._client.observations
        known = self._client.capabilities
        if request is self._first and request.method == "POST" and (observed.post_failed or not known.post):
            request = to_get(request, known.filter_languages)
        if self._checks and observed.page_size is not None and (request.limit or 0) > observed.page_size:
            request = request.with_limit(observed.page_size)
        try:
            return self._answer(request)
        except LandbridgeError as error:
            status = _status(error)
            if request.method == "POST" and status in _NO_POST and self._checks and len(self._sent) == 1:
                return self._fetch_by_get(request, error)
            return self._fetch_smaller(request, error, status)

    def _answer(self, request: PageRequest) -> tuple[PageRequest, dict[str, Any]]:
        page = request.send(self._client, self._member)
        if not isinstance(page, dict) or not isinstance(page.get(self._member), list):
            raise ServerError(
                f"{request.method} {request.path} at {self._client.url} was answered without "
                f"{self._member!r}: this is no page of a STAC API."
            )
        return request, page

    def _fetch_by_get(self, request: PageRequest, error: Exception) -> tuple[PageRequest, dict[str, Any]]:
        """Return the page by GET after POST was refused."""
        languages = self._client.capabilities.filter_languages
        try:
            answer = self._answer(to_get(request, languages))
        except ClientError:
            raise error from None
        self._client.observations.post_failed = True
        return answer

    def _fetch_smaller(
        self, request: PageRequest, error: Exception, status: int | None
    ) -> tuple[PageRequest, dict[str, Any]]:
        """Return a smaller page after a page was refused or failed; raise the error if none is answered."""
        size = request.limit
        if not self._checks or size is None:
            raise error
        if request.counts_pages and request is not self._first and len(self._sent) > 1:
            # The number of a page means another position if the size changes.
            raise error
        for smaller in _smaller_sizes(size, status):
            try:
                answer = self._answer(request.with_limit(smaller))
            except (ClientError, ServerError):
                continue
            self._client.observations.page_size = smaller
            return answer
        raise error


def _status(error: Exception) -> int | None:
    """Return the HTTP status behind an error; None if there was no answer."""
    if isinstance(error, ServerError):
        return error.original_status
    return error.status if isinstance(error, ClientError) else None


def _smaller_sizes(size: int, status: int | None) -> list[int]:
    """Return the sizes of the page to try after `size` failed with a status."""
    if status in _REFUSED:
        return [each for each in _SIZES_AFTER_400 if each < size]
    if status is not None and (status == _TOO_LARGE or status >= 500):
        sizes = []
        while (size := size // 2) >= _SMALLEST_PAGE:
            sizes.append(size)
        return sizes
    return []
