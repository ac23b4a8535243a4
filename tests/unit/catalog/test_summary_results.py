"""Semantics 4.15 and 4.16: computing and showing summaries."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.catalog import (
    Band,
    BlobSearch,
    BlobSummaryResult,
    Image,
    ImageSearch,
    ImageSummaryResult,
    Interval,
    Product,
    SummarySearchMixin,
)
from landbridge.catalog import properties as p
from landbridge.catalog.search.summaries import Contribution, interval_totals, totals


def test_only_images_and_blobs_are_summarized_4_15():
    assert issubclass(ImageSearch, SummarySearchMixin)
    assert issubclass(BlobSearch, SummarySearchMixin)
    for search in (Product.search(), Band.search()):
        with pytest.raises(AttributeError):
            search.summary()


def test_a_summary_as_text_4_15():
    assert repr(ImageSummaryResult(count=3497609, bytes=4137256, products=["a", "b"])) == (
        "\nSummary for 3497609 images:\n - Total bytes: 4,137,256\n - Products: a, b"
    )
    month = ImageSummaryResult(count=1, bytes=0, interval_start="2017-01-01T00:00:00Z", unknown=1)
    assert month.interval_start == datetime(2017, 1, 1, tzinfo=UTC)
    assert repr(month) == (
        "\nSummary for 1 images:\n - Total bytes: 0\n - Interval start: 2017-01-01 00:00:00+00:00"
    )
    blobs = BlobSummaryResult(19, 239875, ["acme"])
    assert repr(blobs) == "\nSummary for 19 blobs:\n - Total bytes: 239,875\n - Namespaces: acme"
    assert (blobs.count, blobs.bytes, blobs.namespaces, blobs.interval_start) == (19, 239875, ["acme"], None)


STARTS = {
    "year": "2020-01-01T00:00",
    "quarter": "2020-07-01T00:00",
    "month": "2020-08-01T00:00",
    "week": "2020-08-10T00:00",
    "day": "2020-08-13T00:00",
    "hour": "2020-08-13T14:00",
    "minute": "2020-08-13T14:15",
}


@pytest.mark.parametrize(("interval", "start"), STARTS.items())
def test_intervals_begin_at_calendar_boundaries_in_utc_4_16(interval, start):
    facts = [Contribution("p", 1, "2020-08-13T16:15:59.999999+02:00")]
    assert [when for when, _ in interval_totals(facts, Interval(interval))] == [
        datetime.fromisoformat(f"{start}+00:00")
    ]


MOMENTS = st.datetimes(datetime(2019, 1, 1), datetime(2021, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds it
FACTS = st.builds(Contribution, st.sampled_from("pq"), st.integers(0, 9), st.none() | MOMENTS)


@given(st.lists(FACTS, max_size=30), st.sampled_from(Interval))
def test_every_dated_object_is_in_one_interval_4_16(facts, interval):
    dated = [fact for fact in facts if fact.date is not None]
    found = interval_totals(facts, interval)
    starts = [start for start, _ in found]
    assert starts == sorted(set(starts))
    assert all(sums.count for _, sums in found)
    assert sum(sums.count for _, sums in found) == len(dated)
    assert sum(sums.bytes for _, sums in found) == sum(fact.bytes for fact in dated)
    for fact in dated:
        own = max(start for start in starts if start <= fact.date)
        assert fact.date - own < timedelta(days=366)
    assert totals(facts).count == len(facts)


@pytest.mark.parametrize(
    "arguments", [{"aggregate_date_field": "acquired_end"}, {"interval": "decade"}, {"interval": None}]
)
def test_unknown_dates_and_intervals_are_refused_4_16(arguments):
    with pytest.raises(ValueError, match=r"not a valid|no date"):
        Image.search().filter(p.product_id == "a").summary_interval(**arguments)
