"""Ranges of time are cut into months, days and parts of days, and searches are recognized as ranges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.stac_api.pgstac.item_counts import EVERYTHING, Part, TimeRange, parts
from landbridge.stac_api.search.request import Search
from landbridge.stac_api.search.time_ranges import AskedTimes, asked_times

FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
MOMENT = "2020-05-17T10:00:00.5Z"
AT = datetime(2020, 5, 17, 10, 0, 0, 500_000, tzinfo=UTC)
STEP = timedelta(microseconds=1)

_months = [datetime(2020, month, 1, tzinfo=UTC) for month in range(1, 13)]
_boundaries = st.sampled_from([FIRST, LAST, datetime(2020, 2, 29, tzinfo=UTC), *_months])
_moments = st.one_of(
    _boundaries,
    st.integers(0, 120 * 24 * 60).map(lambda minutes: _months[0] + timedelta(minutes=minutes)),
    st.datetimes(timezones=st.just(UTC)),
)
_ranges = st.builds(TimeRange, st.none() | _moments, st.none() | _moments)


def holds(times: TimeRange, moment: datetime) -> bool:
    return (times.since is None or times.since <= moment) and (times.before is None or moment < times.before)


@given(asked=_ranges, moment=_moments, largest=st.sampled_from(["all", "month", "day"]))
def test_each_time_of_a_range_lies_in_one_part(asked: TimeRange, moment: datetime, largest: Any) -> None:
    found = parts(asked, largest)
    near = [moment, *(one for bound in (asked.since, asked.before) if bound for one in _beside(bound))]
    for one in near:
        assert sum(holds(part.range, one) for part in found) == holds(asked, one)


def _beside(moment: datetime) -> list[datetime]:
    found = [moment]
    if moment > FIRST:
        found.append(moment - STEP)
    if moment < LAST:
        found.append(moment + STEP)
    return found


@given(asked=_ranges, largest=st.sampled_from(["all", "month", "day"]))
def test_parts_begin_and_end_with_their_unit(asked: TimeRange, largest: Any) -> None:
    for unit, times in parts(asked, largest):
        bounds = [one for one in (times.since, times.before) if one is not None]
        if unit in ("day", "month"):
            assert all(one.time() == datetime.min.time() for one in bounds)
        if unit == "month":
            assert all(one.day == 1 for one in bounds)
        if unit == "all":
            assert not bounds


@given(asked=_ranges)
def test_items_are_counted_one_by_one_in_two_parts_of_a_day_at_most(asked: TimeRange) -> None:
    single = [times for unit, times in parts(asked) if unit == "item"]
    assert len(single) <= 2
    for times in single:
        # The last day of the year 9999 has no end that can be written.
        assert times.since is not None
        assert (times.before or LAST) - times.since < timedelta(days=2)


def test_a_year_is_counted_by_months_alone() -> None:
    year = TimeRange(datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 1, 1, tzinfo=UTC))
    assert parts(year) == [Part("month", year)]
    assert parts(EVERYTHING) == [Part("all", EVERYTHING)]


def compared(operator: str, *values: Any, name: str = "datetime") -> dict[str, Any]:
    return {"op": operator, "args": [{"property": name}, *values]}


TIME = {"timestamp": MOMENT}


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ({}, EVERYTHING),
        ({"filter": compared(">=", TIME)}, TimeRange(AT, None)),
        ({"filter": compared(">", TIME)}, TimeRange(AT + STEP, None)),
        ({"filter": compared("<=", TIME)}, TimeRange(None, AT + STEP)),
        ({"filter": compared("<", TIME)}, TimeRange(None, AT)),
        ({"filter": compared("=", TIME, name="properties.datetime")}, TimeRange(AT, AT + STEP)),
        ({"filter": compared("between", TIME, TIME)}, TimeRange(AT, AT + STEP)),
        (
            {"filter": {"op": "and", "args": [compared(">=", TIME), compared("<", {"timestamp": "2021"})]}},
            TimeRange(AT, datetime(2021, 1, 1, tzinfo=UTC)),
        ),
    ],
    ids=str,
)
def test_filters_of_times_are_ranges(search: dict[str, Any], expected: TimeRange) -> None:
    assert asked_times(Search(**search)) == AskedTimes(expected, overlapping=False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (MOMENT, TimeRange(AT, AT + STEP)),
        (f"{MOMENT}/..", TimeRange(AT, None)),
        (f"../{MOMENT}", TimeRange(None, AT + STEP)),
        (f"2020-05-17T00:00:00Z/{MOMENT}", TimeRange(datetime(2020, 5, 17, tzinfo=UTC), AT + STEP)),
    ],
)
def test_the_parameter_datetime_is_a_range_that_periods_meet(given: str, expected: TimeRange) -> None:
    assert asked_times(Search(datetime=given)) == AskedTimes(expected, overlapping=True)


@pytest.mark.parametrize(
    "search",
    [
        {"ids": ("a",)},
        {"bbox": (0, 0, 1, 1)},
        {"text": ("word",)},
        {"intersects": {"type": "Point", "coordinates": [0, 0]}},
        {"filter": compared("<", 10, name="eo:cloud_cover")},
        {"filter": compared(">=", TIME, name="created")},
        {"filter": compared("<>", TIME)},
        {"filter": {"op": "not", "args": [compared(">=", TIME)]}},
        {"filter": {"op": "or", "args": [compared(">=", TIME), compared("<", TIME)]}},
        {"filter": {"op": "and", "args": [compared(">=", TIME), compared("<", 10, name="eo:cloud_cover")]}},
        {"filter": compared(">=", "2020")},
        {"filter": True},
    ],
    ids=str,
)
def test_other_conditions_are_no_range(search: dict[str, Any]) -> None:
    assert asked_times(Search(**search)) is None
