"""Bounding boxes of geometries, on both sides of the antimeridian."""

import pytest

from landbridge.mappings.geometry import bbox


def ring(west, south, east, north):
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def polygons(*boxes):
    return {"type": "MultiPolygon", "coordinates": [ring(*box) for box in boxes]}


@pytest.mark.parametrize(
    ("geometry", "expected"),
    [
        ({"type": "Point", "coordinates": [1, 2, 300]}, [1, 2, 1, 2]),
        ({"type": "LineString", "coordinates": [[1, 2], [3, 0]]}, [1, 0, 3, 2]),
        ({"type": "Polygon", "coordinates": ring(1, 2, 3, 4)}, [1, 2, 3, 4]),
        (polygons((1, 2, 3, 4), (-5, 1, -4, 9)), [-5, 1, 3, 9]),
        # Cut at the antimeridian: west is greater than east (RFC 7946, section 5.2).
        (polygons((175, -20, 180, -10), (-180, -20, -175, -9)), [175, -20, -175, -9]),
        (polygons((-180, -20, -175, -9), (100, 0, 120, 1), (175, -20, 180, -10)), [100, -20, -175, 1]),
        (
            {"type": "MultiLineString", "coordinates": [[[179, 1], [180, 2]], [[-180, 2], [-170, 3]]]},
            [179, 1, -170, 3],
        ),
        (
            {
                "type": "GeometryCollection",
                "geometries": [polygons((179, 0, 180, 1)), polygons((-180, 0, -179, 1))],
            },
            [179, 0, -179, 1],
        ),
        # All around the Earth.
        ({"type": "Polygon", "coordinates": ring(-180, -90, 180, 90)}, [-180, -90, 180, 90]),
        (polygons((-180, 0, 0, 1), (0, 5, 180, 6)), [-180, 0, 180, 6]),
        # On one side only, and beyond 180.
        (polygons((179, 0, 180, 1)), [179, 0, 180, 1]),
        (polygons((175, 0, 185, 1)), [175, 0, 185, 1]),
    ],
)
def test_the_box_of_a_geometry(geometry, expected):
    assert bbox(geometry) == expected
