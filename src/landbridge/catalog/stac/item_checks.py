"""Checks of the items that an API returns: their conditions, their order, and how many may be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from landbridge.catalog.search.client_side_filter import sort_key
from landbridge.exceptions import BadRequestError, ServerError
from landbridge.utils.comparison import to_comparable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from landbridge.catalog.search.conditions import Condition

__all__ = ["MOST_ITEMS", "ItemCheck", "NotSortedError", "OrderCheck", "names_of", "sorted_records"]

# Number of items that are read for conditions or an order that only the client can answer.
MOST_ITEMS = 10_000
_FEW = 20


class NotSortedError(ServerError):
    """Items that the API did not return in the order that was asked for."""


def names_of(conditions: Iterable[Condition]) -> str:
    """Return the attributes of conditions, for messages."""
    return ", ".join(dict.fromkeys(name for condition in conditions for name in condition.names))


class ItemCheck:
    """Checks the items of pages by all conditions of a search, and counts them.

    Parameters
    ----------
    url : str
        Address of the API, for messages.
    conditions : sequence of Condition
        All conditions.
    collections : collection of str, optional
        Ids of the Collections that the items must belong to; None: any.
    adapt : callable
        Function that returns an item as a record: with the id of its product.
    attributes : callable
        Function that returns a record's attributes.
    reason : str
        Description of what the API cannot answer; empty if it can answer everything.
    order : OrderCheck, optional
        Check of the order of the items.
    most : int
        Number of items that may be read if the API did not answer everything.
    """

    def __init__(
        self,
        url: str,
        conditions: Sequence[Condition],
        collections: Collection[str] | None,
        adapt: Callable[[Any], Any],
        attributes: Callable[[Any], Mapping[str, Any]],
        reason: str,
        order: OrderCheck | None = None,
        most: int = MOST_ITEMS,
    ) -> None:
        self._url = url
        self._conditions = conditions
        self._collections = collections
        self.adapt = adapt
        self._attributes = attributes
        self._reason = reason
        self._order = order
        self._most = most
        self._foreign = 0
        self.read: int = 0
        self.accepted: int = 0

    @property
    def reason(self) -> str:
        """Description of what the API did not answer, known beforehand or seen from its items."""
        rejected = self.read - self.accepted
        # Some are expected: those at the bounds of a condition, or outside of a footprint but in its box.
        if not self._reason and rejected > max(_FEW, self.accepted):
            return f"does not filter by {names_of(self._conditions) or 'product_id'} as it declares"
        return self._reason

    def __call__(self, items: Iterable[Any]) -> list[Any]:
        """Return the records of the items that satisfy the conditions."""
        return [self.adapt(item) for item in items if self.choose(item)]

    def choose(self, item: Any) -> bool | None:
        """Return whether an item satisfies the conditions; None if it has no value to sort by."""
        self.read += 1
        if self._collections is not None:
            collection = item.get("collection")
            if collection is not None and collection not in self._collections:
                self._foreign += 1
                return False
        if self._conditions or self._order is not None:
            attributes = self._attributes(self.adapt(item))
            if not all(condition.accepts(attributes) for condition in self._conditions):
                return False
            if self._order is not None and not self._order.follows(attributes):
                self.accepted += 1
                return None
        self.accepted += 1
        return True

    def end_page(self, aside: list[Any]) -> None:
        """Note the items without a value to sort by.

        Raises
        ------
        BadRequestError
            If more items were read than is sensible for conditions that the API does not answer.
        """
        if self._order is not None:
            self._order.set_aside(aside)
        if self.read > self._most and (reason := self.reason):
            raise BadRequestError(
                f"{self._url} {reason}, so that the client must read all items; it stopped after "
                f"{self.read:,} items, of which {self.accepted:,} match. Narrow the search: by a shorter "
                "interval of `acquired`, a smaller geometry in `intersects`, or other attributes."
            )

    def check_collections(self) -> None:
        """Raise ServerError if all items belong to Collections that the search does not name."""
        if self._foreign and self._foreign == self.read and self._collections is not None:
            raise ServerError(
                f"{self._url} returned {self.read} items, none of which belongs to "
                f"{', '.join(sorted(self._collections))}. Search for the id that its items have as "
                "`collection`."
            )


class OrderCheck:
    """Checks that the records of pages are in the order that was asked for.

    Records without a value come last in both directions, as everywhere; some services return them first.
    """

    def __init__(
        self, url: str, sort: tuple[str, bool], attributes: Callable[[Any], Mapping[str, Any]]
    ) -> None:
        self._url = url
        self._name, self._ascending = sort
        self._attributes = attributes
        self._last: Any = None
        self.without_value: list[Any] = []
        """The records without a value so far."""

    def key(self, record: Any) -> Any:
        """Return the sort key of a record; None if it has no value."""
        return self._key(self._attributes(record))

    def _key(self, attributes: Mapping[str, Any]) -> Any:
        value = to_comparable(attributes.get(self._name))
        return None if value is None else sort_key(value)

    def follows(self, attributes: Mapping[str, Any]) -> bool:
        """Return False if the next record has no value. NotSortedError if it is not in order."""
        key = self._key(attributes)
        if key is None:
            return False
        if self._last is not None and (key < self._last if self._ascending else self._last < key):
            raise NotSortedError(
                f"{self._url} does not sort by {self._name} as it declares. Search without sort, and sort "
                "the images that were found, or set `sort = false` in the table of the source."
            )
        self._last = key
        return True

    def set_aside(self, records: list[Any]) -> None:
        """Keep the records without a value. BadRequestError if there are too many."""
        self.without_value.extend(records)
        if len(self.without_value) > MOST_ITEMS:
            raise BadRequestError(
                f"{self._url} sorts items without {self._name} first, and there are more than "
                f"{MOST_ITEMS:,} of them. Leave them out by p.{self._name}.isnotnull."
            )


def sorted_records(records: list[Any], order: OrderCheck, *, ascending: bool) -> list[Any]:
    """Return records in an order; those without a value last."""
    keyed = [(order.key(record), record) for record in records]
    known = [pair for pair in keyed if pair[0] is not None]
    known.sort(key=lambda pair: pair[0], reverse=not ascending)
    return [record for _, record in known] + [record for key, record in keyed if key is None]
