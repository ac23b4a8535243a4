"""Summaries of searches: the number and size of what matches, of all of it or by intervals of time.

A service of ours counts them itself. For others they are computed here, from the few members of each record
that they need, page by page as these come; no more is kept than the sums.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from landbridge.catalog.enums import Interval
from landbridge.catalog.model.converters import parse_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = [
    "BlobSummaryResult",
    "Fact",
    "ImageSummaryResult",
    "Sums",
    "by_interval",
    "dated",
    "summed",
    "total",
]


@dataclass(frozen=True, slots=True)
class Fact:
    """What one object adds to a summary: its product or namespace, its bytes and its date, if it has one."""

    group: str
    bytes: int
    date: str | datetime | None = None


@dataclass(slots=True)
class Sums:
    """The sums over facts."""

    count: int = 0
    bytes: int = 0
    groups: dict[str, None] = field(default_factory=dict)

    def add(self, fact: Fact) -> None:
        self.count += 1
        self.bytes += fact.bytes
        self.groups[fact.group] = None


def total(facts: Iterable[Fact]) -> Sums:
    """The sums over all facts."""
    sums = Sums()
    for fact in facts:
        sums.add(fact)
    return sums


def by_interval(facts: Iterable[Fact], interval: Interval) -> list[tuple[datetime, Sums]]:
    """The sums of each interval that has a fact, in order; each interval with its start in UTC.

    What has no date is in no interval.
    """
    start_of = _STARTS[interval]
    found: defaultdict[datetime, Sums] = defaultdict(Sums)
    for fact in facts:
        if fact.date is not None:
            found[start_of(parse_datetime(fact.date).astimezone(UTC))].add(fact)
    return sorted(found.items(), key=lambda pair: pair[0])


def summed(buckets: Iterable[Mapping[str, Any]]) -> Sums:
    """The sums over what a service counted, each bucket a group."""
    sums = Sums()
    for bucket in buckets:
        sums.count += bucket["frequency"]
        sums.bytes += bucket["catalog:bytes"]
        sums.groups[bucket["key"]] = None
    return sums


def dated(buckets: Iterable[Mapping[str, Any]]) -> list[tuple[datetime, Sums]]:
    """What a service counted for each interval, in order."""
    return [
        (parse_datetime(bucket["key"]), Sums(bucket["frequency"], bucket["catalog:bytes"]))
        for bucket in buckets
    ]


def _day(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


_STARTS: dict[Interval, Callable[[datetime], datetime]] = {
    Interval.YEAR: lambda moment: datetime(moment.year, 1, 1, tzinfo=UTC),
    Interval.QUARTER: lambda moment: datetime(moment.year, (moment.month - 1) // 3 * 3 + 1, 1, tzinfo=UTC),
    Interval.MONTH: lambda moment: datetime(moment.year, moment.month, 1, tzinfo=UTC),
    # Weeks are those of ISO 8601: they begin on Monday.
    Interval.WEEK: lambda moment: _day(moment) - timedelta(days=moment.weekday()),
    Interval.DAY: _day,
    Interval.HOUR: lambda moment: moment.replace(minute=0, second=0, microsecond=0),
    Interval.MINUTE: lambda moment: moment.replace(second=0, microsecond=0),
}


class _SummaryResult:
    """Number and size of the objects that match a search, or of those in an interval of time."""

    _objects: ClassVar[str]
    _group: ClassVar[str]

    def __init__(
        self, count: int | None, bytes: int | None, interval_start: str | datetime | None, **_kwargs: Any
    ) -> None:
        self.count = count
        self.bytes = bytes
        self.interval_start = None if interval_start is None else parse_datetime(interval_start)

    def __repr__(self) -> str:
        lines = ["", f"Summary for {self.count} {self._objects}:"]
        if self.bytes is not None:
            lines.append(f" - Total bytes: {self.bytes:,}")
        groups = getattr(self, self._group)
        if groups:
            lines.append(f" - {self._group.capitalize()}: {', '.join(groups)}")
        if self.interval_start is not None:
            lines.append(f" - Interval start: {self.interval_start}")
        return "\n".join(lines)


class ImageSummaryResult(_SummaryResult):
    """Number and size of the images that match a search.

    `count` is their number, `bytes` the size of their files together; `products` are the ids of their
    products, for the whole search, and `interval_start` is when the interval begins, for one interval.
    """

    _objects = "images"
    _group = "products"

    def __init__(
        self,
        count: int | None = None,
        bytes: int | None = None,
        products: list[str] | None = None,
        interval_start: str | datetime | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(count, bytes, interval_start, **kwargs)
        self.products = products


class BlobSummaryResult(_SummaryResult):
    """Number and size of the blobs that match a search.

    `count` is their number, `bytes` their size together; `namespaces` are theirs, for the whole search, and
    `interval_start` is when the interval begins, for one interval.
    """

    _objects = "blobs"
    _group = "namespaces"

    def __init__(
        self,
        count: int | None = None,
        bytes: int | None = None,
        namespaces: list[str] | None = None,
        interval_start: str | datetime | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(count, bytes, interval_start, **kwargs)
        self.namespaces = namespaces
