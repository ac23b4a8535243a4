"""Searches whose only condition on items is a range of times: maintained counters answer how many match."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from landbridge.mappings import times
from landbridge.stac_api.pgstac.item_counts import EVERYTHING, TimeRange
from landbridge.stac_api.search.conditions import interval

if TYPE_CHECKING:
    from landbridge.stac_api.search.request import Search

__all__ = ["AskedTimes", "asked_times"]

_DATETIME: Final = ("datetime", "properties.datetime")
_STEP: Final = timedelta(microseconds=1)  # the resolution of stored times
_COMPARISONS: Final[Mapping[str, Callable[[datetime], TimeRange]]] = {
    "=": lambda moment: _range(moment, moment),
    "<": lambda moment: TimeRange(None, moment),
    "<=": lambda moment: _range(None, moment),
    # Nothing is later than the last time there is.
    ">": lambda moment: TimeRange(_after(moment) or moment, moment if _after(moment) is None else None),
    ">=": lambda moment: _range(moment, None),
}


@dataclass(frozen=True, slots=True)
class AskedTimes:
    """The times that a search asks for.

    `overlapping` tells that an item with a start and an end matches if its period meets the range; otherwise
    its `datetime` has to lie in it.
    """

    range: TimeRange
    overlapping: bool


def asked_times(asked: Search) -> AskedTimes | None:
    """Return the times of a search that has no other condition than times and collections, else None."""
    if asked.ids is not None or asked.bbox or asked.intersects is not None or any(asked.text):
        return None
    within: TimeRange | None = EVERYTHING
    if asked.filter is not None:
        within = _of_filter(asked.filter)
    if within is None:
        return None
    if not asked.datetime:
        return AskedTimes(within, overlapping=False)
    # Items with a period may meet both conditions at different times; has_periods refuses those.
    return AskedTimes(within.narrowed(_range(*interval(asked.datetime))), overlapping=True)


def _range(start: datetime | None, end: datetime | None) -> TimeRange:
    """Return the range of times from `start` to `end`, both included."""
    return TimeRange(
        None if start is None else start.astimezone(UTC), None if end is None else _after(end.astimezone(UTC))
    )


def _after(moment: datetime) -> datetime | None:
    """Return the next time; None if there is none."""
    try:
        return moment + _STEP
    except OverflowError:
        return None


def _of_filter(node: Any) -> TimeRange | None:
    """Return the range of a filter in CQL2 JSON that only compares `datetime` with times, else None."""
    if not isinstance(node, Mapping) or not isinstance(node.get("args"), list):
        return None
    operator, args = node.get("op"), node["args"]
    if operator == "and" and args:
        found = EVERYTHING
        for part in args:
            one = _of_filter(part)
            if one is None:
                return None
            found = found.narrowed(one)
        return found
    return _of_comparison(str(operator), args)


def _of_comparison(operator: str, args: list[Any]) -> TimeRange | None:
    if not args or not _is_datetime(args[0]):
        return None
    moments = [moment for one in args[1:] if (moment := _moment(one)) is not None]
    if len(moments) < len(args) - 1:
        return None
    if operator == "between" and len(moments) == 2:
        return _range(*moments)
    compared = _COMPARISONS.get(operator)
    return compared(moments[0]) if compared and len(moments) == 1 else None


def _is_datetime(node: Any) -> bool:
    return isinstance(node, Mapping) and node.keys() == {"property"} and node["property"] in _DATETIME


def _moment(node: Any) -> datetime | None:
    if not isinstance(node, Mapping) or node.keys() != {"timestamp"}:
        return None
    try:
        return times.parse(node["timestamp"])
    except ValueError:
        return None
