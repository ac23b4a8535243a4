"""Dates in the form that documents use."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.mappings import times

MOMENTS = st.datetimes(timezones=st.just(UTC))


@given(moment=MOMENTS, timespec=st.sampled_from(["seconds", "milliseconds", "microseconds"]))
def test_every_precision_becomes_the_same_form(moment, timespec):
    text = moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
    assert times.normalize(text) == times.format_utc(times.parse(text))
    assert times.normalize(times.normalize(text)) == times.normalize(text)


@given(moment=MOMENTS)
def test_a_zone_is_converted_to_utc(moment):
    text = (moment.replace(year=2000) + timedelta(hours=2)).replace(tzinfo=None).isoformat() + "+02:00"
    assert times.parse(times.normalize(text)) == moment.replace(year=2000)


@pytest.mark.parametrize(
    "junk", ["", "T", "2020-13-01T00:00:00Z", "2020-01-01T00:00:00.abcZ", "2020-01-01T00:00:00.12345aZ"]
)
def test_invalid_dates_are_refused(junk):
    with pytest.raises(ValueError, match=r".+"):
        times.normalize(junk)


def test_a_year_and_a_month_are_their_first_moments():
    assert times.normalize("2020") == times.normalize(datetime(2020, 1, 1, tzinfo=UTC))
    assert times.normalize("2020-03") == "2020-03-01T00:00:00Z"
