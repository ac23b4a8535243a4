"""Validation of GeoJSON: geometries that the database cannot store or search are refused."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from landbridge.mappings import InvalidDocument
from landbridge.mappings.geometry import check_geometry

RING = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
POINT = {"type": "Point", "coordinates": [1, 2]}


def collection(*parts):
    return {"type": "GeometryCollection", "geometries": list(parts)}


@pytest.mark.parametrize(
    "geometry",
    [
        POINT,
        {"type": "Point", "coordinates": [1, 2, 3]},
        {"type": "Point", "coordinates": [-1e6, 1e6]},
        {"type": "MultiPoint", "coordinates": [[1, 2], [1, 2]]},
        {"type": "LineString", "coordinates": [[1, 2, 3], [4, 5, 6]]},
        {"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4]], [[1, 2], [3, 4], [5, 6]]]},
        {"type": "Polygon", "coordinates": [RING, [[1, 1], [2, 1], [2, 2], [1, 1]]]},
        {"type": "MultiPolygon", "coordinates": [[RING], [RING]]},
        {"type": "Polygon", "coordinates": (tuple(map(tuple, RING)),)},
        {**POINT, "bbox": [1, 2, 1, 2]},
        {**POINT, "geometries": None},
        collection(POINT, {"type": "Polygon", "coordinates": [RING]}),
    ],
    ids=str,
)
def test_geojson_passes(geometry):
    check_geometry(geometry)


@pytest.mark.parametrize(
    ("geometry", "place", "value"),
    [
        (collection(collection(POINT)), "geometries[0].type", "GeometryCollection"),
        (collection(POINT, collection(collection(POINT))), "geometries[1].type", "GeometryCollection"),
        (collection(), "geometries", "[]"),
        (collection(POINT, None), "geometries[1]", "None"),
        ({"type": "Point", "coordinates": [math.inf, 2]}, "coordinates[0]", "inf"),
        ({"type": "Point", "coordinates": [1, math.nan]}, "coordinates[1]", "nan"),
        ({"type": "Point", "coordinates": [1, 2, -math.inf]}, "coordinates[2]", "-inf"),
        ({"type": "Point", "coordinates": [1_000_001, 2]}, "coordinates[0]", "1000001"),
        ({"type": "Point", "coordinates": [10**400, 2]}, "coordinates[0]", "1000"),
        (
            {"type": "Polygon", "coordinates": [[[0, 0], [1e300, 0], [1, 1], [0, 0]]]},
            "coordinates[0][1][0]",
            "1e+300",
        ),
        ({"type": "Point", "coordinates": [True, 2]}, "coordinates[0]", "True"),
        ({"type": "Point", "coordinates": ["1", 2]}, "coordinates[0]", "'1'"),
        ({"type": "Point", "coordinates": []}, "coordinates", "[]"),
        ({"type": "Point", "coordinates": [1]}, "coordinates", "[1]"),
        ({"type": "Point", "coordinates": [1, 2, 3, 4]}, "coordinates", "[1, 2, 3, 4]"),
        ({"type": "Point", "coordinates": [[1, 2]]}, "coordinates", "[[1, 2]]"),
        ({"type": "LineString", "coordinates": [[1, 2], [1, 2, 3]]}, "coordinates[1]", "[1, 2, 3]"),
        ({"type": "LineString", "coordinates": [[1, 2]]}, "coordinates", "[[1, 2]]"),
        (
            {"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4]], [[1, 2]]]},
            "coordinates[1]",
            "[[1, 2]]",
        ),
        (
            collection(POINT, {"type": "Point", "coordinates": [1, 2, 3]}),
            "geometries[1].coordinates",
            "[1, 2, 3]",
        ),
        ({"type": "Polygon", "coordinates": [RING[:4]]}, "coordinates[0]", "[0, 4]"),
        ({"type": "Polygon", "coordinates": [RING, [[0, 0], [1, 1], [0, 0]]]}, "coordinates[1]", "[[0, 0]"),
        ({"type": "Polygon", "coordinates": RING}, "coordinates[0][0]", "0"),
        ({"type": "Polygon", "coordinates": [[]]}, "coordinates[0]", "[]"),
        ({"type": "MultiPolygon", "coordinates": [RING]}, "coordinates[0][0][0]", "0"),
        ({"type": "MultiPolygon", "coordinates": [[]]}, "coordinates[0]", "[]"),
        ({**POINT, "geometries": []}, "geometries", "[]"),
        ({**collection(POINT), "coordinates": [1, 2]}, "coordinates", "[1, 2]"),
        ({**POINT, "crs": {"type": "name"}}, "crs", "{'type': 'name'}"),
        ({"type": "point", "coordinates": [1, 2]}, "type", "'point'"),
        ({"coordinates": [1, 2]}, "type", "None"),
        (None, "", "None"),
        ("POINT(1 2)", "", "'POINT(1 2)'"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_invalid_geometry_is_refused_with_path_and_value(geometry, place, value):
    with pytest.raises(InvalidDocument) as refused:
        check_geometry(geometry)
    said = str(refused.value)
    assert said.startswith(f"geometry: {place}".rstrip())
    assert value in said
    assert len(said) < 400
    assert refused.value.attribute == "geometry"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    JSON
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["Point", "Polygon", "MultiPolygon", "GeometryCollection"]) | JSON},
        optional={"coordinates": JSON, "geometries": JSON, "crs": JSON},
    )
)
def test_any_other_value_is_refused(value):
    try:
        check_geometry(value)
    except InvalidDocument:
        return
    assert value["type"]
