"""Searches for items of any STAC API, which return the right items whatever the API can answer.

The API is sent the conditions that it declares to understand; the client checks every item by all conditions.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from landbridge.catalog.client.paging import first_page, matched, pages
from landbridge.catalog.search.conditions import is_set
from landbridge.catalog.search.pushdown import Pushdown, push_down
from landbridge.catalog.search_warnings import ClientSideSearchWarning
from landbridge.catalog.stac.item_checks import (
    MOST_ITEMS,
    ItemCheck,
    NotSortedError,
    OrderCheck,
    names_of,
    sorted_records,
)
from landbridge.exceptions import BadRequestError, ClientError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from landbridge.catalog.client.client import CatalogClient
    from landbridge.catalog.search.conditions import Condition

__all__ = ["MOST_COUNTED", "CheckedSearch"]

# Number of items that are counted one by one.
MOST_COUNTED = 100_000
# Members of an item that its conditions are checked by.
_CHECKED_MEMBERS = ("id", "collection", "geometry", "properties")
_FIRST_OF_OTHER_END = 10
_NO_COLLECTION = "landbridge-no-such-collection"


@dataclass(frozen=True, slots=True)
class CheckedSearch:
    """Search for items of an API that is no Landbridge service.

    Attributes
    ----------
    client : CatalogClient
        Client of the API.
    kind : str
        Kind of the objects: "image" or "blob".
    conditions : sequence of Condition
        All conditions but those by collection.
    collections : tuple of str, optional
        Ids of the Collections at the API; None for all.
    adapt : callable
        Function that returns an item as a record: with the id of its product.
    attributes : callable
        Function that returns the attributes of a record that conditions compare.
    page_size : int
        Number of items of a page.
    params, headers : mapping
        Further members of the request's body, and HTTP headers.
    """

    client: CatalogClient
    kind: str
    conditions: Sequence[Condition]
    collections: tuple[str, ...] | None
    adapt: Callable[[Any], Any]
    attributes: Callable[[Any], Mapping[str, Any]]
    page_size: int
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] | None = None

    # Pages of records
    def pages(
        self,
        sort: tuple[str, bool] | None = None,
        order: list[dict[str, str]] | None = None,
        limit: int | None = None,
    ) -> Iterator[list[Any]]:
        """Yield the matching records, one list for each page.

        `order` is the member `sortby` that sorts by `sort`.
        """
        if sort is None or order is None:
            yield from self._unsorted(limit)
        elif self.client.capabilities.sort and self.client.observations.sorts.get(sort[0], True):
            yield from self._sorted_by_api(sort, order, limit)
        elif (first := self._sorted_page(sort, order, limit)) is not None:
            yield first
        else:
            yield from self._sorted_here(sort, limit)

    def _unsorted(self, limit: int | None) -> Iterator[list[Any]]:
        asked = self._push_down()
        if asked.is_empty:
            return
        check = self._check(asked)
        for page in self._read(asked, check, limit):
            if limit is not None and check.accepted >= limit:
                self._warn(check)
                yield page
                return
            yield page
        check.check_collections()
        self._warn(check)

    def _sorted_by_api(
        self, sort: tuple[str, bool], order: list[dict[str, str]], limit: int | None
    ) -> Iterator[list[Any]]:
        asked = self._push_down()
        if asked.is_empty:
            return
        in_order = OrderCheck(self.client.url, sort, self.attributes)
        check = self._check(asked, order=in_order)
        read = self._read(asked, check, limit, {"sortby": order})
        try:
            page = next(read, None)
            is_sorted = page is None or self._is_sorted(sort, order, page)
        except NotSortedError:
            is_sorted = False
        if not is_sorted:
            self.client.observations.sorts[sort[0]] = False
            yield from self._sorted_here(sort, limit)
            return
        returned = 0
        while page is not None:
            returned += len(page)
            if limit is not None and returned >= limit:
                self._warn(check)
                yield page
                return
            yield page
            page = next(read, None)
        check.check_collections()
        self._warn(check)
        if in_order.without_value:
            yield in_order.without_value

    def _sorted_page(
        self, sort: tuple[str, bool], order: list[dict[str, str]], limit: int | None
    ) -> list[Any] | None:
        """Return the records of a search that one page can answer; None if its order is wrong as well.

        Some APIs sort, but lose or repeat items between sorted pages.
        """
        known, observed = self.client.capabilities, self.client.observations.sorts
        asked = self._push_down()
        wanted = limit is not None and limit <= self.page_size and not (asked.unanswered or asked.is_empty)
        if not (wanted and known.sorts_one_page and observed.get(sort[0], True)) or limit is None:
            return None
        check = self._check(asked, order=OrderCheck(self.client.url, sort, self.attributes))
        body = self._body(asked) | {"limit": max(limit, _FIRST_OF_OTHER_END), "sortby": order}
        try:
            answer = first_page(self.client, self._path, body, "features", self.headers)
            page = check(answer["features"])
            is_sorted = bool(page) and self._is_sorted(sort, order, page)
        except (ClientError, ServerError):
            is_sorted = False
        if is_sorted and len(page) >= limit:
            return page[:limit]
        if not is_sorted:
            observed[sort[0]] = False
        return None

    def _is_sorted(self, sort: tuple[str, bool], order: list[dict[str, str]], page: list[Any]) -> bool:
        """Return whether the first page begins at the right end, by a look at the other end; asked once."""
        observed = self.client.observations.sorts
        if sort[0] in observed or not page:
            return True
        turn = {"asc": "desc", "desc": "asc"}
        backwards = [{**each, "direction": turn[each["direction"]]} for each in order]
        # Some services return items without a value first.
        known = push_down([*self.conditions, is_set(sort[0], self.kind)], self.client.capabilities)
        body = self._body(known) | {"sortby": backwards, "limit": _FIRST_OF_OTHER_END}
        answer = first_page(self.client, self._path, body, "features", self.headers)
        other = [self.adapt(item) for item in answer["features"]]
        keys = OrderCheck(self.client.url, sort, self.attributes)
        start = next(iter(page))
        first, last = (
            keys.key(start),
            next((key for record in other if (key := keys.key(record)) is not None), None),
        )
        if last is None or (len(other) > 1 and other[0]["id"] == start["id"]):
            return False
        in_order: bool = first <= last if sort[1] else last <= first
        if in_order:
            observed[sort[0]] = True
        return in_order

    def _sorted_here(self, sort: tuple[str, bool], limit: int | None) -> Iterator[list[Any]]:
        asked = self._push_down()
        if asked.is_empty:
            return
        why = f"cannot sort by {sort[0]}"
        if asked.unanswered:
            why += f" and cannot filter by {names_of(asked.unanswered)}"
        check = self._check(asked, why)
        records = [record for page in self._read(asked, check, None) for record in page]
        check.check_collections()
        self._warn(check)
        keys = OrderCheck(self.client.url, sort, self.attributes)
        found = sorted_records(records, keys, ascending=sort[1])
        yield found if limit is None else found[:limit]

    # Count
    def count(self) -> int:
        """Return the number of matching items.

        The API's number is returned only if a look at its answers shows nothing wrong with it; otherwise the
        items are counted one by one.
        """
        known = self.client.capabilities
        asked = push_down(self.conditions, known, exact=True)
        if asked.is_empty:
            return 0
        is_answered = known.count and not asked.unanswered and not asked.inexact
        stated = self._stated(asked) if is_answered and self._obeys_collections() else None
        if stated is None or not (self._is_whole(stated) or self._is_right(stated, asked)):
            return sum(map(len, self.reduced(())))
        return stated

    def _obeys_collections(self) -> bool:
        """Return whether the API answers with items of the asked collections only.

        It is asked once for a collection that cannot exist, since the first items do not show it.
        """
        observed = self.client.observations
        if self.collections is not None and observed.obeys_collections is None:
            body = {"collections": [_NO_COLLECTION], "limit": 1}
            try:
                answer = first_page(self.client, self._path, body, "features", self.headers)
                observed.obeys_collections = not answer["features"]
            except ClientError:
                observed.obeys_collections = True  # it refused the collection
        return self.collections is None or bool(observed.obeys_collections)

    def _is_whole(self, stated: int) -> bool:
        """Return whether there is no condition that the API could have ignored."""
        return not self.conditions and stated > 0

    def _is_right(self, stated: int, asked: Pushdown) -> bool:
        """Return whether each condition makes a difference, and no item of a page contradicts them."""
        if stated <= self.page_size or self.client.capabilities.filter_properties is not None:
            return False  # counted by one page as well, or by an API that filters in its own way
        for condition in asked.answered:
            others = [each for each in self.conditions if each is not condition]
            without = self._stated(push_down(others, self.client.capabilities, exact=True))
            if without is None or without <= stated:
                return False
        check = self._check(asked)
        body = self._body(asked) | {"limit": self.page_size} | self._fields(())
        page = list(first_page(self.client, self._path, body, "features", self.headers)["features"])
        of_moments = all((item.get("properties") or {}).get("start_datetime") is None for item in page)
        return len(check(page)) == len(page) and of_moments

    def _stated(self, asked: Pushdown) -> int | None:
        """Return the number of matches that the API states; None if it states none."""
        body = self._body(asked) | {"limit": 1}
        return matched(first_page(self.client, self._path, body, "features", self.headers))

    def reduced(self, members: Sequence[str], most: int = MOST_COUNTED) -> Iterator[list[Any]]:
        """Yield the matching records with these members at least, if the API can leave out the others."""
        asked = self._push_down()
        if asked.is_empty:
            return
        check = self._check(asked)
        read = 0
        for page in self._read(asked, check, None, self._fields(members)):
            read += len(page)
            if read > most:
                raise BadRequestError(
                    f"{self.client.url} does not say how many items match, and more than {most:,} do. Narrow "
                    "the search by `acquired` or `intersects`, and add up the parts."
                )
            yield page
        check.check_collections()
        self._warn(check)

    def _fields(self, members: Sequence[str]) -> dict[str, Any]:
        if not self.client.capabilities.fields:
            return {}
        checked = _CHECKED_MEMBERS if self.conditions else _CHECKED_MEMBERS[:2]
        wanted = list(dict.fromkeys([*checked, *members]))
        return {"fields": {"include": wanted}}

    # Requests
    @property
    def _path(self) -> str:
        return self.client.capabilities.search_path

    def _push_down(self) -> Pushdown:
        return push_down(self.conditions, self.client.capabilities)

    def _body(self, asked: Pushdown) -> dict[str, Any]:
        if self.collections is None and self.client.capabilities.requires_collections:
            raise BadRequestError(
                f"{self.client.url} answers no search without a product: filter by p.product_id."
            )
        collections = {} if self.collections is None else {"collections": list(self.collections)}
        return collections | asked.members | dict(self.params)

    def _check(self, asked: Pushdown, reason: str = "", order: OrderCheck | None = None) -> ItemCheck:
        if not reason and asked.unanswered:
            reason = f"cannot filter by {names_of(asked.unanswered)}"
        wanted = None if self.collections is None else frozenset(self.collections)
        return ItemCheck(self.client.url, self.conditions, wanted, self.adapt, self.attributes, reason, order)

    def _read(
        self,
        asked: Pushdown,
        check: ItemCheck,
        limit: int | None,
        members: Mapping[str, Any] | None = None,
    ) -> Iterator[list[Any]]:
        """Yield the records of the pages that pass the check."""
        size = self.page_size
        if limit is not None and not asked.unanswered:
            size = min(size, max(limit, _FIRST_OF_OTHER_END) if members else limit)
        body = {"limit": size} | self._body(asked) | dict(members or {})
        return pages(self.client, "POST", self._path, body, "features", self.headers, limit, check)

    def _warn(self, check: ItemCheck) -> None:
        if reason := check.reason:
            warnings.warn(
                f"{self.client.url} {reason}: {check.read:,} items were read, of which {check.accepted:,} "
                f"match. At most {MOST_ITEMS:,} items are read in this way.",
                ClientSideSearchWarning,
                stacklevel=2,
            )
