"""Semantics 4.15 and 4.16 against the live stack."""

from datetime import UTC, datetime

import pytest
import shapely

from landbridge.catalog import CatalogClient, Image, Interval, Product
from landbridge.catalog import properties as p
from landbridge.catalog.stac import searches
from landbridge.exceptions import BadRequestError

FILE = {"href": "https://example.org/a.tif", "hash": "0" * 32}


@pytest.fixture(params=["service", "client"], autouse=True)
def counted_by(request, monkeypatch, stack):
    """Count by the service's aggregations or by the client."""
    if request.param == "client":
        monkeypatch.setattr(CatalogClient.get_default_client(), "_aggregations", frozenset())


@pytest.fixture
def scenes(product, remote):
    """Six remote images: two in each of three months, files of 10 to 60 bytes, two of them published."""
    for number, (day, published) in enumerate(
        [
            ("2019-12-31T23:59:59.5Z", None),
            ("2020-01-01", None),
            ("2020-01-05T12:00:00Z", "2020-02-01"),
            ("2020-01-06", "2020-05-01"),
            ("2020-03-01T00:00:00Z", None),
            ("2020-03-01T00:00:01Z", None),
        ],
        start=1,
    ):
        files = [{**FILE, "size_bytes": number * 10}]
        known = {} if published is None else {"published": published}
        if number == 6:  # an image with an end time and two files
            known = {"acquired_end": "2020-03-02"}
            files = [
                {**FILE, "size_bytes": 59},
                {**FILE, "href": "https://example.org/b.tif", "size_bytes": 1},
            ]
        remote(product, f"s{number}", x=number * 2, acquired=day, files=files, **known)
    return product


def starts(results):
    return {result.interval_start.isoformat()[:16]: result.count for result in results}


def test_a_summary_counts_images_bytes_and_products_4_15(scenes, new_id, remote, monkeypatch):
    monkeypatch.setattr(searches, "PAGE_SIZE", 4)
    summary = scenes.images().summary()
    assert (summary.count, summary.bytes, summary.products) == (6, 210, [scenes.id])
    assert summary.interval_start is None
    other = Product(id=new_id(), name="Other")
    other.save()
    remote(other, "t", acquired="2020-03-01")
    both = Image.search().filter(p.product_id.any_of([scenes.id, other.id]))
    summary = both.sort("nonsense").limit(1).summary()
    assert (summary.count, summary.bytes) == (7, 210)
    assert summary.products == sorted([scenes.id, other.id])


def test_a_summary_follows_filters_and_areas_and_needs_no_product_4_15_4_6(scenes):
    search = scenes.images()
    assert search.filter(p.acquired < "2020-01-01").summary().bytes == 10
    assert search.intersects(shapely.box(4.1, 0.1, 6.9, 0.9)).summary().count == 2
    assert search.filter(p.acquired < "1990-01-01").summary().count == 0
    assert search.filter(p.product_id == "other").summary().count == 0
    everything = Image.search().summary()
    assert everything.count >= 6
    assert scenes.id in everything.products


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("year", {"2019-01-01T00:00": 1, "2020-01-01T00:00": 5}),
        ("quarter", {"2019-10-01T00:00": 1, "2020-01-01T00:00": 5}),
        (Interval.MONTH, {"2019-12-01T00:00": 1, "2020-01-01T00:00": 3, "2020-03-01T00:00": 2}),
        ("week", {"2019-12-30T00:00": 3, "2020-01-06T00:00": 1, "2020-02-24T00:00": 2}),
        (
            "day",
            {
                "2019-12-31T00:00": 1,
                "2020-01-01T00:00": 1,
                "2020-01-05T00:00": 1,
                "2020-01-06T00:00": 1,
                "2020-03-01T00:00": 2,
            },
        ),
        (
            "hour",
            {
                "2019-12-31T23:00": 1,
                "2020-01-01T00:00": 1,
                "2020-01-05T12:00": 1,
                "2020-01-06T00:00": 1,
                "2020-03-01T00:00": 2,
            },
        ),
        (
            "minute",
            {
                "2019-12-31T23:59": 1,
                "2020-01-01T00:00": 1,
                "2020-01-05T12:00": 1,
                "2020-01-06T00:00": 1,
                "2020-03-01T00:00": 2,
            },
        ),
    ],
)
def test_summaries_by_interval_omit_empty_ones_4_16(scenes, interval, expected):
    found = scenes.images().summary_interval(interval=interval)
    assert starts(found) == expected
    assert all(result.interval_start.tzinfo is not None and result.products is None for result in found)
    assert sum(result.bytes for result in found) == 210


def test_both_bounds_are_included_and_zero_is_none_4_16(scenes):
    search = scenes.images()
    month = {"interval": "month"}
    assert starts(
        search.summary_interval(start_datetime="2020-01-01", end_datetime="2020-03-01", **month)
    ) == {"2020-01-01T00:00": 3, "2020-03-01T00:00": 1}
    late = datetime(2020, 1, 6, tzinfo=UTC)
    assert starts(search.summary_interval(start_datetime=late, **month)) == {
        "2020-01-01T00:00": 1,
        "2020-03-01T00:00": 2,
    }
    everything = search.summary_interval(start_datetime=0, end_datetime=0, **month)
    assert starts(everything) == starts(search.summary_interval(**month))


def test_other_dates_can_be_aggregated_4_16(scenes):
    search = scenes.images()
    assert starts(search.summary_interval("published", "month")) == {
        "2020-02-01T00:00": 1,
        "2020-05-01T00:00": 1,
    }
    assert starts(search.summary_interval("published", "month", start_datetime="2020-03-01")) == {
        "2020-05-01T00:00": 1
    }
    for name in ("created", "modified"):
        (year,) = search.summary_interval(name)
        assert year.count == 6


def test_a_bound_that_is_no_date_is_a_bad_request_4_16(scenes):
    with pytest.raises(BadRequestError):
        scenes.images().summary_interval(start_datetime="junk")
