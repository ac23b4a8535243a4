"""Images whose footprints lie elsewhere are not read."""

import shapely.affinity
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Polygon, box

from landbridge.raster import Source
from landbridge.raster.plan.footprints import Footprints


def footprints(*geometries):
    return Footprints([Source(f"s{n}", ("f",), {}, geometry) for n, geometry in enumerate(geometries)])


def test_what_cannot_say_where_it_lies_may_touch_any_place():
    bow_tie = Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    unsure = footprints(None, Polygon(), bow_tie, box(-180, -90, 180, 90), box(50, 50, 51, 51))
    assert unsure.touching(box(10, 10, 11, 11)).tolist() == [True, True, True, True, False]
    assert unsure.touching(None).all()
    assert footprints().touching(box(0, 0, 1, 1)).tolist() == []


boxes = st.builds(
    lambda x, y, w, h, turn: shapely.affinity.rotate(box(x, y, x + w, y + h), turn),
    *[st.floats(-20, 20)] * 2,
    *[st.floats(0.5, 10)] * 2,
    st.floats(0, 90),
)


@given(st.lists(boxes, max_size=6), boxes)
def test_a_footprint_is_grown_by_a_tenth_of_its_size(geometries, ground):
    def size(geometry):
        west, south, east, north = geometry.bounds
        return max(east - west, north - south)

    expected = [geometry.distance(ground) <= size(geometry) / 10 for geometry in geometries]
    assert footprints(*geometries).touching(ground).tolist() == expected
