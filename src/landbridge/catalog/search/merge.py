"""Results of the parts of a search, in one order."""

from __future__ import annotations

import heapq
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from landbridge.catalog.search.client_side_filter import sort_key
from landbridge.catalog.search.summaries import Totals
from landbridge.utils.comparison import to_comparable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

T = TypeVar("T")

__all__ = ["merged", "merged_interval_totals", "merged_totals"]


def merged(streams: Sequence[Iterator[T]], sort: tuple[str, bool] | None) -> Iterator[T]:
    """Yield the objects of streams that are sorted by an attribute, in that order; else one after another.

    Objects without a value come last in both directions, as in each stream.
    """
    if sort is None or len(streams) == 1:
        return chain.from_iterable(streams)
    name, ascending = sort

    def key(each: Any) -> tuple[bool, Any]:
        value = to_comparable(getattr(each, name))
        return (value is None) is ascending, None if value is None else sort_key(value)

    return heapq.merge(*streams, key=_Comparable.of(key), reverse=not ascending)


class _Comparable:
    """Sort key of which the second part is compared only if the first parts are equal and it is not None."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[bool, Any]) -> None:
        self.parts = parts

    @classmethod
    def of(cls, key: Any) -> Any:
        return lambda each: cls(key(each))

    def __lt__(self, other: _Comparable) -> bool:
        (first, value), (second, against) = self.parts, other.parts
        if first != second:
            return first < second
        return value is not None and bool(value < against)


def merged_totals(parts: Iterable[Totals]) -> Totals:
    """Return the totals of all parts of a search."""
    result = Totals()
    for part in parts:
        result.count += part.count
        result.bytes += part.bytes
        result.groups |= part.groups
    return result


def merged_interval_totals(
    parts: Iterable[list[tuple[datetime, Totals]]],
) -> list[tuple[datetime, Totals]]:
    """Return the totals of each interval over all parts of a search, in order."""
    found: dict[datetime, list[Totals]] = {}
    for start, totals in chain.from_iterable(parts):
        found.setdefault(start, []).append(totals)
    return [(start, merged_totals(totals)) for start, totals in sorted(found.items())]
