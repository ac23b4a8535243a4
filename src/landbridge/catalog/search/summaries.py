"""Summaries of searches: number and size of the matching objects, in total or by intervals of time.

A Landbridge service counts the objects itself. For other services the client adds up the contributions of the
matching objects, page by page; it keeps the totals only.
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
    "Contribution",
    "ImageSummaryResult",
    "SummaryList",
    "Totals",
    "interval_totals",
    "interval_totals_of_buckets",
    "totals",
    "totals_of_buckets",
]


@dataclass(frozen=True, slots=True)
class Contribution:
    """Contribution of one object to a summary: its product or namespace, its size in bytes and its date."""

    group: str
    bytes: int
    date: str | datetime | None = None


@dataclass(slots=True)
class Totals:
    """Totals of contributions."""

    count: int = 0
    bytes: int = 0
    groups: dict[str, None] = field(default_factory=dict)

    def add(self, contribution: Contribution) -> None:
        self.count += 1
        self.bytes += contribution.bytes
        self.groups[contribution.group] = None


def totals(contributions: Iterable[Contribution]) -> Totals:
    """Return the totals of all contributions."""
    result = Totals()
    for contribution in contributions:
        result.add(contribution)
    return result


def interval_totals(
    contributions: Iterable[Contribution], interval: Interval
) -> list[tuple[datetime, Totals]]:
    """Return the start in UTC and the totals of each interval that has contributions, in order.

    Contributions without a date are left out.
    """
    start_of = _INTERVAL_STARTS[interval]
    found: defaultdict[datetime, Totals] = defaultdict(Totals)
    for contribution in contributions:
        if contribution.date is not None:
            found[start_of(parse_datetime(contribution.date).astimezone(UTC))].add(contribution)
    return sorted(found.items(), key=lambda pair: pair[0])


def totals_of_buckets(buckets: Iterable[Mapping[str, Any]]) -> Totals:
    """Return the totals of the buckets that a service counted, one for each group."""
    result = Totals()
    for bucket in buckets:
        result.count += bucket["frequency"]
        result.bytes += bucket["catalog:bytes"]
        result.groups[bucket["key"]] = None
    return result


def interval_totals_of_buckets(buckets: Iterable[Mapping[str, Any]]) -> list[tuple[datetime, Totals]]:
    """Return the start and the totals of the buckets that a service counted, one for each interval."""
    return [
        (parse_datetime(bucket["key"]), Totals(bucket["frequency"], bucket["catalog:bytes"]))
        for bucket in buckets
    ]


def _day(moment: datetime) -> datetime:
    return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)


_INTERVAL_STARTS: dict[Interval, Callable[[datetime], datetime]] = {
    Interval.YEAR: lambda moment: datetime(moment.year, 1, 1, tzinfo=UTC),
    Interval.QUARTER: lambda moment: datetime(moment.year, (moment.month - 1) // 3 * 3 + 1, 1, tzinfo=UTC),
    Interval.MONTH: lambda moment: datetime(moment.year, moment.month, 1, tzinfo=UTC),
    # Weeks begin on Monday, as in ISO 8601.
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
        self.interval_start: datetime | None = (
            None if interval_start is None else parse_datetime(interval_start)
        )

    def _repr_html_(self) -> str:
        from landbridge.catalog.notebook.views import view

        return view(self)

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


class SummaryList(list[Any]):
    """List of the summaries of intervals that have objects, which a notebook shows as a chart.

    Attributes
    ----------
    interval : Interval
        What the summaries are of: years, quarters, months, weeks, days, hours or minutes.
    """

    def __init__(self, summaries: Iterable[Any], interval: Interval) -> None:
        super().__init__(summaries)
        self.interval = interval

    def _all_starts(self, most: int) -> list[datetime] | None:
        """Return the starts of all intervals, also of empty ones; None if they are more than `most`."""
        found = [summary.interval_start for summary in self if summary.interval_start is not None]
        starts, first = [max(found)], min(found)
        while starts[-1] > first:
            if len(starts) == most:
                return None
            starts.append(_INTERVAL_STARTS[self.interval](starts[-1] - timedelta.resolution))
        return starts[::-1]

    def _repr_html_(self) -> str:
        from landbridge.catalog.notebook.views import view

        return view(self)


class ImageSummaryResult(_SummaryResult):
    """Number and total size of the images that match a search, of all or of one interval.

    Parameters
    ----------
    count : int, optional
        Number of images.
    bytes : int, optional
        Total size of their files in bytes.
    products : list of str, optional
        Ids of their products; not set for an interval.
    interval_start : datetime, optional
        Start of the interval in UTC; not set for the whole search.
    **kwargs
        Further members of the service's response, which are ignored.

    Examples
    --------
    >>> search.summary().count
    3
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
    """Number and total size of the blobs that match a search, of all or of one interval.

    Parameters
    ----------
    count : int, optional
        Number of blobs.
    bytes : int, optional
        Total size of their data in bytes.
    namespaces : list of str, optional
        Their namespaces; not set for an interval.
    interval_start : datetime, optional
        Start of the interval in UTC; not set for the whole search.
    **kwargs
        Further members of the service's response, which are ignored.

    Examples
    --------
    >>> Blob.search().filter(p.namespace == "local:docs").summary().bytes
    13
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
