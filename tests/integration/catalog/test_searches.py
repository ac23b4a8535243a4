"""Semantics section 4 against the live stack."""

import threading

import pytest

from landbridge.catalog import (
    Band,
    BandCollection,
    BandType,
    Image,
    ImageCollection,
    MaskBand,
    Product,
    ProductCollection,
    Resolution,
    SpectralBand,
)
from landbridge.catalog import properties as p
from landbridge.catalog.stac import searches
from landbridge.exceptions import BadRequestError


@pytest.fixture
def scenes(product, remote):
    """Five remote images, one a month, with rising cloud fraction; the last has none."""
    for month in range(1, 6):
        known = {"cloud_fraction": month / 10, "tags": ["all", f"m{month}"]} if month < 5 else {}
        remote(product, f"s{month}", x=month * 2, acquired=f"2020-0{month}-15T12:00:00Z", **known)
    return product


def names(search):
    return [one.name for one in search]


def test_each_iteration_sends_a_request_4_1(scenes, remote):
    search = scenes.images().sort("acquired")
    assert names(search) == ["s1", "s2", "s3", "s4", "s5"]
    remote(scenes, "s6", acquired="2020-06-15")
    assert names(search)[-1] == "s6"


def test_pages_follow_each_other_4_1(scenes, monkeypatch):
    monkeypatch.setattr(searches, "PAGE_SIZE", 2)
    assert names(scenes.images().sort("acquired")) == ["s1", "s2", "s3", "s4", "s5"]
    assert names(scenes.images().sort("acquired").limit(3)) == ["s1", "s2", "s3"]
    assert names(scenes.images().sort("acquired").limit(4)) == ["s1", "s2", "s3", "s4"]
    assert scenes.images().limit(2).count() == 5


def test_the_next_page_is_fetched_while_the_first_is_read_4_1(scenes, monkeypatch, client):
    monkeypatch.setattr(searches, "PAGE_SIZE", 2)
    requested = []
    second = threading.Event()
    plain = client.post

    def post(path, *args, **kwargs):
        requested.append(path)
        if len(requested) == 2:
            second.set()
        return plain(path, *args, **kwargs)

    monkeypatch.setattr(client, "post", post)
    reader = iter(scenes.images().sort("acquired"))
    next(reader)
    assert second.wait(30)
    assert len(list(reader)) == 4


def test_filters_are_anded_and_sort_and_limit_overwrite_4_2(scenes):
    search = scenes.images().filter(p.cloud_fraction > 0.1).filter(p.cloud_fraction <= 0.3)
    assert names(search.sort("acquired", ascending=False)) == ["s3", "s2"]
    assert names(search.sort("acquired").sort("name", ascending=False).limit(5).limit(1)) == ["s3"]
    assert search.limit(1).count() == 2


def test_count_ignores_the_limit_and_is_exact_near_a_geometry_too_4_4_13_9(scenes, banded):
    search = scenes.images()
    assert search.limit(2).count() == search.count() == len(list(search)) == 5
    area = {"type": "Polygon", "coordinates": [[[1.5, 0], [6.5, 0], [6.5, 1], [1.5, 1], [1.5, 0]]]}
    assert search.intersects(area).limit(1).count() == len(list(search.intersects(area))) == 3
    assert banded.bands().limit(1).count() == 2


def test_a_filter_without_an_argument_changes_nothing_4_17_13_2(scenes):
    assert names(scenes.images().filter().sort("name")) == ["s1", "s2", "s3", "s4", "s5"]
    assert list(scenes.image_uploads().filter()) == []


@pytest.mark.parametrize("expression", [p.acquired < "junk", p.acquired == "2020-13-01"])
def test_values_that_cannot_be_are_bad_requests_when_executed_4_7(scenes, expression):
    search = scenes.images().filter(expression)
    for execute in (search.count, lambda: list(search)):
        with pytest.raises(BadRequestError, match="acquired"):
            execute()
    assert scenes.images().filter(p.storage_state == "nonsense").count() == 0


def test_an_unknown_sort_field_is_a_bad_request_4_3(scenes):
    with pytest.raises(BadRequestError, match="nonsense"):
        list(scenes.images().sort("nonsense"))


def test_collect_gives_the_collection_of_the_class_4_5(scenes, banded):
    assert type(scenes.images().collect()) is ImageCollection
    assert type(Product.search().filter(p.name == "x").collect()) is ProductCollection
    assert type(banded.bands().collect()) is BandCollection


def test_a_search_over_several_products_4_6(scenes, new_id, remote):
    other = Product(id=new_id(), name="Other")
    other.save()
    remote(other, "t1", acquired="2020-03-01")
    both = Image.search().filter(p.product_id.any_of([scenes.id, other.id])).sort("acquired")
    assert names(both) == ["s1", "s2", "t1", "s3", "s4", "s5"]
    assert both.filter(p.product == other).count() == 1


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("2020-02-01" <= p.acquired < "2020-04-01", "s2 s3"),
        (p.cloud_fraction < 0.25, "s1 s2"),
        (p.cloud_fraction == 0.3, "s3"),
        (p.cloud_fraction != 0.3, "s1 s2 s4"),
        (p.cloud_fraction.isnull, "s5"),
        (p.cloud_fraction.isnotnull, "s1 s2 s3 s4"),
        (p.cloud_fraction.any_of([0.1, 0.4]), "s1 s4"),
        (p.tags == "m2", "s2"),
        (p.tags == "all", "s1 s2 s3 s4"),
        (p.tags.any_of(["m1", "m3"]), "s1 s3"),
        (p.tags.isnull, "s5"),
        (p.storage_state == "remote", "s1 s2 s3 s4 s5"),
        ((p.cloud_fraction < 0.15) | (p.tags == "m4"), "s1 s4"),
        ((p.cloud_fraction > 0.15) & (p.tags == "m4"), "s4"),
    ],
)
def test_filters_4_8_4_9_4_10(scenes, expression, expected):
    search = scenes.images().filter(expression).sort("acquired")
    assert names(search) == expected.split()
    assert search.count() == len(expected.split())


def test_an_empty_list_is_null_4_9(product, remote):
    remote(product, "empty", tags=[])
    remote(product, "full", tags=["a"])
    assert names(product.images().filter(p.tags.isnull)) == ["empty"]
    assert names(product.images().filter(p.tags.isnotnull)) == ["full"]


def test_dates_compare_in_utc_4_10(scenes):
    from datetime import UTC, datetime

    assert names(scenes.images().filter(p.acquired < datetime(2020, 1, 15, 13, tzinfo=UTC))) == ["s1"]
    assert names(scenes.images().filter(p.acquired < "2020-01-15T11:00:00")) == []
    assert scenes.images().filter(p.created < "2000-01-01").count() == 0


def test_images_are_found_by_geometry_4_13(scenes):
    box = {"type": "Polygon", "coordinates": [[[2.2, 0.2], [4.5, 0.2], [4.5, 0.5], [2.2, 0.5], [2.2, 0.2]]]}
    search = scenes.images().intersects(box).sort("acquired")
    assert names(search) == ["s1", "s2"]
    assert search.count() == 2
    found = search.collect()
    assert found.geocontext.geometry.bounds == (2.2, 0.2, 4.5, 0.5)
    assert found[1:].geocontext is found.geocontext


def test_objects_from_a_search_carry_their_product_2_14(scenes):
    image = next(iter(scenes.images()))
    assert image.product.id == scenes.id


# Products
@pytest.fixture
def catalog(new_id):
    """Three products with a tag of their own."""
    tag = new_id()
    for letter, year in zip("abc", (2010, 2012, 2014), strict=True):
        Product(
            id=f"{tag}-{letter}",
            name=f"Name {letter} of {tag}",
            description="shrubland" if letter == "b" else None,
            tags=[tag],
            start_datetime=f"{year}-01-01",
            revisit_period_minutes_min=year,
        ).save()
    return tag


def test_products_are_filtered_sorted_and_limited_4_2(catalog):
    search = Product.search().filter(p.tags == catalog)
    assert search.count() == 3
    assert [one.id[-1] for one in search.sort("name", ascending=False)] == ["c", "b", "a"]
    assert [one.id[-1] for one in search.sort("start_datetime").limit(2)] == ["a", "b"]
    assert [one.id[-1] for one in search.filter(p.start_datetime < "2013-01-01").sort("name")] == ["a", "b"]
    started = "2011-01-01" <= p.start_datetime < "2013-01-01"
    assert search.filter(started).count() == 1
    assert search.filter(p.name.prefix("Name b")).count() == 1
    assert search.filter(p.revisit_period_minutes_min > 2010.5).count() == 2
    assert search.filter(p.owners == "user:local").count() == 3
    assert search.filter(p.is_core == False).count() == 3  # noqa: E712 - the operator is what is tested


def test_resolutions_compare_by_meters_4_11(masked):
    search = Product.search().filter(p.id == masked.id)
    for matching in (p.resolution_min == 30, p.resolution_max < Resolution("31m"), p.resolution_min >= 30.0):
        assert search.filter(matching).count() == 1
    assert search.filter(p.resolution_min < {"value": 30, "unit": "meters"}).count() == 0


def test_products_are_paged_4_1(catalog, monkeypatch):
    monkeypatch.setattr(searches, "PAGE_SIZE", 1)
    search = Product.search().filter(p.tags == catalog).sort("name")
    assert [one.id[-1] for one in search] == ["a", "b", "c"]


def test_text_is_found_in_products_4_14(catalog):
    search = Product.search().filter(p.tags == catalog)
    assert [one.id[-1] for one in search.find_text("shrubland")] == ["b"]


# Bands
def test_bands_are_found_by_type_and_value_4_12(masked):
    assert [band.name for band in masked.bands()] == ["red", "nir", "alpha"]
    assert [band.name for band in masked.bands().sort("name")] == ["alpha", "nir", "red"]
    assert [band.name for band in masked.bands().sort("sort_order", ascending=False).limit(1)] == ["alpha"]
    assert names(masked.bands().filter(p.type == BandType.MASK)) == ["alpha"]
    of_product = p.product_id == masked.id
    assert names(MaskBand.search().filter(of_product)) == ["alpha"]
    assert SpectralBand.search().filter(of_product).count() == 2
    assert Band.search().filter(of_product & (p.resolution == 30)).count() == 3
    assert Band.search().filter(of_product & (p.resolution > Resolution("30m"))).count() == 0
    assert names(Band.search().filter(of_product).find_text("RED")) == ["red"]
