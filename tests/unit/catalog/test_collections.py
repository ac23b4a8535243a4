"""Semantics section 5: collections."""

from types import SimpleNamespace

import numpy as np
import pytest

from landbridge.catalog import Image, ImageCollection, Product, ProductCollection, SpectralBand
from landbridge.catalog.model.collection import Collection
from landbridge.catalog.stac.bands import BandRecord
from landbridge.utils import Properties


@pytest.fixture
def things():
    return Collection([SimpleNamespace(n=n, even=n % 2 == 0, deep=SimpleNamespace(n=-n)) for n in range(5)])


@pytest.fixture
def images(saved_image):
    days = ("2020-03-01", "2020-01-01", "2020-02-01")
    return ImageCollection(
        saved_image(id=f"local:p:i{n}", name=f"i{n}", acquired=day) for n, day in enumerate(days)
    )


def test_collections_are_like_lists_5_1(things):
    items = list(things)
    assert len(things) == 5
    assert things == items
    assert items[2] in things
    assert things[1] is items[1]
    assert list(reversed(things)) == items[::-1]
    for index in (slice(1, 3), [1, 2], np.array([1, 2]), np.array([False, True, True, False, False])):
        part = things[index]
        assert type(part) is Collection
        assert list(part) == items[1:3]


@pytest.mark.parametrize("name", ["insert", "pop", "remove", "index", "__add__", "__delitem__"])
def test_collections_have_no_other_list_methods_5_1(things, name):
    assert not hasattr(things, name)


def test_items_are_of_the_type_of_the_collection_5_1_5_2(images, saved_image):
    for edit in (
        lambda: images.append("x"),
        lambda: images.extend([saved_image(), "x"]),
        lambda: images.__setitem__(0, "x"),
        lambda: images.__setitem__(slice(0, 1), ["x"]),
        lambda: ImageCollection(["x"]),  # type: ignore[type-var]
        lambda: ProductCollection([Image(id="p:x")]),
    ):
        with pytest.raises(ValueError, match="not of required type"):
            edit()
    assert len(images) == 3
    images[0] = images[1]
    images.append(images[1])
    assert images[0] is images[3]


def test_slices_are_assigned_5_3(things):
    things[0:2] = 7
    things[2:4] = [8, 9]
    assert things[0:4] == [7, 7, 8, 9]
    with pytest.raises(ValueError, match="1 items to a slice of 2"):
        things[0:2] = [1]


def test_filter_sort_and_sorted_give_new_collections_5_4(things):
    assert [one.n for one in things.filter(lambda one: one.even)] == [0, 2, 4]
    assert [one.n for one in things.filter(Properties().n >= 3)] == [3, 4]
    assert [one.n for one in things.filter("even")] == [0, 2, 4]
    assert [one.n for one in things.sorted("deep.n")] == [4, 3, 2, 1, 0]
    assert [one.n for one in things.sorted("even", lambda one: -one.n)] == [3, 1, 4, 2, 0]
    assert [one.n for one in things.sort("n", ascending=False)] == [4, 3, 2, 1, 0]
    assert [one.n for one in things.sorted("n", reverse=True)] == [4, 3, 2, 1, 0]
    assert len(things) == 5
    with pytest.raises(TypeError):
        things.sorted()


def test_groupby_is_sorted_by_key_and_keeps_order_5_5(things):
    groups = [(key, [one.n for one in group]) for key, group in things.groupby("even")]
    assert groups == [(False, [1, 3]), (True, [0, 2, 4])]
    keys = [key for key, _ in things.groupby("even", lambda one: one.n > 2)]
    assert keys == [(False, False), (False, True), (True, False), (True, True)]
    with pytest.raises(TypeError):
        list(things.groupby())


def test_map_loses_nothing_5_6(images):
    names = images.map(lambda image: image.id)
    assert type(names) is Collection
    assert names == ["local:p:i0", "local:p:i1", "local:p:i2"]
    same = images.map(lambda image: image)
    assert type(same) is ImageCollection
    assert len(same) == 3


def test_each_takes_attributes_items_and_calls_5_7(images):
    assert list(images.each.acquired.month) == [3, 1, 2]
    assert list(images.each.name.upper()) == ["I0", "I1", "I2"]
    assert list(images.each.name[0]) == ["i", "i", "i"]
    assert images.each.acquired.month.combine(sum) == 6
    assert images.each.name.collect() == ["i0", "i1", "i2"]
    assert type(images.each.collect(ImageCollection)) is ImageCollection
    assert list(images.each.name.pipe(str.replace, "i", "j")) == ["j0", "j1", "j2"]


def test_the_repr_of_each_consumes_eight_elements_5_7():
    each = Collection(range(10)).each
    assert repr(each).splitlines() == [*map(str, range(8)), "..."]
    assert list(each) == [8, 9]


def test_reprs_5_9(images, saved_product):
    assert repr(ProductCollection([saved_product()])).startswith("ProductCollection([Product: P\n")
    assert repr(images).splitlines() == [
        "ImageCollection of 3 images",
        "  * Dates: Jan 01, 2020 to Mar 01, 2020",
        "  * Products: local:p: 3",
    ]
    assert repr(images[0:1]).startswith("ImageCollection of 1 image\n")
    assert repr(ImageCollection()) == "ImageCollection of 0 images"


def test_date_is_acquired_and_images_have_a_geo_interface_5_12(saved_image):
    image = saved_image(geometry={"type": "Point", "coordinates": [1.0, 2.0]})
    assert image.date == image.acquired
    assert image.__geo_interface__ == {"type": "Point", "coordinates": (1.0, 2.0)}


def _box(west, south, east, north):
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def test_coverage_is_the_covered_part_of_the_geometry_5_11(saved_image):
    from landbridge.geo import AOI

    images = ImageCollection([saved_image(geometry=_box(0, 0, 1, 1)), saved_image(geometry=_box(0, 0, 2, 2))])
    area = _box(0, 0, 2, 1)
    assert [image.coverage(area) for image in images] == [0.5, 1.0]
    assert images[0].coverage(AOI(geometry=area)) == 0.5
    assert len(images.filter_coverage(area)) == 1
    assert len(images.filter_coverage(area, 0.5)) == 2


def test_without_geometry_or_images_there_is_no_derived_geocontext_5_10(images):
    assert images.geocontext is None
    context = ImageCollection([], geocontext=_box(0, 0, 1, 1)).geocontext
    assert (context.crs, context.resolution) == (None, None)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("resolutions", "expected"),
    [
        ([["30m", "10m"], ["0.001deg"]], 10),
        ([["30m", None], ["0.00001deg"], ["60m"]], 1.11111),
        ([["0.002deg", "0.001deg"], ["11.1111m"]], 0.0001),
        ([[None], []], None),
    ],
)
def test_the_finest_resolution_is_taken_in_the_unit_of_most_bands_5_10(
    saved_image, client, resolutions, expected
):
    images = []
    for number, of_bands in enumerate(resolutions):
        bands = [
            BandRecord({"name": "b", **SpectralBand(resolution=one).serialize()}, {}) for one in of_bands
        ]
        client.cached_bands(f"local:q{number}", lambda _, bands=bands: bands)
        images.append(saved_image(id=f"local:q{number}:i", product_id=f"local:q{number}"))
    context = ImageCollection(images, geocontext=_box(0, 0, 1, 1)).geocontext
    assert context.resolution == (None if expected is None else pytest.approx(expected))  # type: ignore[attr-defined]


def test_the_most_common_reference_system_is_taken_5_10(saved_image, client):
    client.cached_bands("local:p", lambda _: [])
    systems = ({"cs_code": "EPSG:32615"}, {"projection": "+proj=longlat"}, {"cs_code": "EPSG:32615"}, {})
    images = [saved_image(**system) for system in systems]
    assert ImageCollection(images, geocontext=_box(0, 0, 1, 1)).geocontext.crs == "EPSG:32615"  # type: ignore[attr-defined]


def test_tiles_are_not_changed_5_10(images):
    from landbridge.geo import XYZTile

    tile = XYZTile(1, 1, 2)
    assert ImageCollection(images, geocontext=tile).geocontext is tile
    assert ImageCollection(images, geocontext=tile)[0:1].geocontext is tile


def test_a_saved_product_is_no_image():
    with pytest.raises(ValueError, match="Image"):
        ImageCollection([Product(id="x")])  # type: ignore[type-var]
