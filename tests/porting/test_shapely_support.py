"""Conversions of geometries in the old module `common.shapely_support`."""

import pytest
import shapely

from descarteslabs.core.common import shapely_support

POINT = {"type": "Point", "coordinates": [9, 50]}


@pytest.mark.parametrize(
    "value",
    [POINT, shapely.Point(9, 50), {"type": "Feature", "properties": {}, "geometry": POINT}],
)
def test_geometries_in_all_forms(value):
    assert shapely_support.geometry_like_to_shapely(value) == shapely.Point(9, 50)
    found = shapely_support.as_geojson_geometry(value)
    assert found == shapely_support.shapely_to_geojson(shapely.Point(9, 50))
    assert (found["type"], tuple(found["coordinates"])) == ("Point", (9, 50))


@pytest.mark.parametrize(
    ("bounds", "error", "text"),
    [
        ("0,0,1,1", TypeError, "list or tuple"),
        ((0, 0, 1), ValueError, "3 values"),
        ((2, 0, 1, 1), ValueError, "less"),
    ],
)
def test_bounds_that_are_none(bounds, error, text):
    with pytest.raises(error, match=text):
        shapely_support.polygon_from_bounds(bounds)
