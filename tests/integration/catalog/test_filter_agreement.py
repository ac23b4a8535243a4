"""A filter finds the same objects on the service and in a collection of all objects."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from landbridge.catalog import Image, Product, Resolution, SpectralBand
from landbridge.catalog import properties as p

POINT = {"type": "Point", "coordinates": [1, 1]}
TEXTS = ["a", "ab", "b", "a%", "A", "a_", "é", "2020-01-01"]
MOMENTS = ["2020-01-01", "2020-01-01T00:00:00Z", "2020-06-01T12:00:00.5Z", datetime(2021, 1, 1, tzinfo=UTC)]
NUMBERS = [0, 0.25, 0.29, 1, 1.0]
# Attribute: its values, the values to compare with, and whether it can be ordered and matched.
IMAGES = {
    "cloud_fraction": (NUMBERS, [*NUMBERS, 0.2899], True, False),
    "satellite_id": (TEXTS, [*TEXTS, "c"], False, True),
    "acquired": (MOMENTS, [*MOMENTS, "2020-01-01T01:00:00+01:00", "2020"], True, False),
    "acquired_end": (["2022-01-01", "2023"], ["2022-01-01T00:00:00+00:00", "2023-01-01"], True, False),
    "tags": ([["a"], ["a", "b"], []], ["a", "b", "c"], False, False),
    "incidence_angle": ([0, 10.5, -5], [0, 10.5, 11], True, False),
    "name": ([], ["i0", "i1", "zz"], False, True),
    "provider_id": (TEXTS, TEXTS, False, True),
}
PRODUCTS = {
    "name": (TEXTS, [*TEXTS, "c"], False, True),
    "is_core": ([True, False], [True, False, 1, 0], False, False),
    "tags": ([["a"], ["a", "b"], []], ["a", "b", "c"], False, False),
    "start_datetime": (MOMENTS, MOMENTS, True, False),
    "revisit_period_minutes_min": ([1, 2.5], [1, 2.5, 0], True, False),
    "image_index_name": (TEXTS, TEXTS, False, True),
}
BANDS = {
    "name": ([], ["b0", "b1", "zz"], False, True),
    "resolution": (["10m", "0.001 deg", "111.111m"], [10, Resolution("0.001 deg"), 200], True, False),
    "type": ([], ["spectral", "mask"], False, True),
    "tags": ([["a"], ["a", "b"], []], ["a", "b", "c"], False, False),
}  # fmt: skip


def leaves(table):
    def of(name):
        _, values, ordered, text = table[name]
        attribute = getattr(p, name)
        value = st.sampled_from(values)
        kinds = [
            value.map(lambda one: attribute == one), value.map(lambda one: attribute != one),
            st.lists(value, min_size=1, max_size=3).map(attribute.any_of), st.just(attribute.isnull),
            st.just(attribute.isnotnull),
        ]  # fmt: skip
        if ordered:
            kinds += [
                value.map(lambda one: attribute < one), value.map(lambda one: attribute >= one),
                st.tuples(value, value).map(lambda both: both[0] < attribute <= both[1]),
            ]  # fmt: skip
        if text:
            kinds += [value.map(attribute.prefix), value.map(attribute.like), value.map(attribute.ilike)]
        return st.one_of(kinds)

    return st.sampled_from(sorted(table)).flatmap(of)


def trees(table):
    return st.recursive(
        leaves(table),
        lambda inner: st.builds(lambda a, b, both: a & b if both else a | b, inner, inner, st.booleans()),
        max_leaves=4,
    )


def attributes(table, number):
    """Return the attributes of an object: some object has each value, and some object has none."""
    found = {}
    for place, (name, (values, *_)) in enumerate(table.items()):
        if values and (number + place) % (len(values) + 1) < len(values):
            found[name] = values[(number + place) % (len(values) + 1)]
    return found


SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def stored(stack):
    """Store objects with all values in one product."""
    product = Product(id="filters-alike", name="a", tags=["alike"])
    product.save()
    for number in range(9):
        Image(
            product=product, name=f"i{number}", storage_state="remote", geometry=POINT,
            **({"acquired": "2020-03-01"} | attributes(IMAGES, number)),
        ).save()  # fmt: skip
        SpectralBand(
            product=product, name=f"b{number}", data_type="Byte", band_index=number, data_range=(0, 255),
            display_range=(0, 255), **attributes(BANDS, number),
        ).save()  # fmt: skip
        made = {"name": "p"} | attributes(PRODUCTS, number)
        Product(
            id=f"filters-alike-{number}", image_index_name=made.pop("image_index_name", None), **made
        ).save()
    return product


@given(expression=trees(IMAGES))
@SETTINGS
def test_image_filters_agree_with_the_service(stored, expression):
    found = {one.id for one in stored.images().filter(expression)}
    everything = stored.images().collect()
    assert len(everything) == 9
    assert found == {one.id for one in everything if expression.evaluate(one)}, expression


@given(expression=trees(PRODUCTS))
@SETTINGS
def test_product_filters_agree_with_the_service(stored, expression):
    search = Product.search().filter(p.id.prefix(f"{stored.id}-"))
    everything = search.collect()
    assert len(everything) == 9
    assert {one.id for one in search.filter(expression)} == {
        one.id for one in everything if expression.evaluate(one)
    }, expression


@given(expression=trees(BANDS))
@SETTINGS
def test_band_filters_agree_with_the_service(stored, expression):
    everything = stored.bands().collect()
    assert len(everything) == 9
    assert {one.id for one in stored.bands().filter(expression)} == {
        one.id for one in everything if expression.evaluate(one)
    }, expression


def test_a_collection_is_filtered_as_its_search(stored):
    images = stored.images().collect()
    for expression in (p.tags == "a", p.tags != "a", p.tags.isnull, p.acquired == "2020-01-01"):
        found = stored.images().filter(expression)
        assert {one.id for one in images.filter(expression)} == {one.id for one in found}
        assert found.count() > 0
    assert len(images.filter(p.product == stored)) == len(images.filter(p.product == stored.id)) == 9
