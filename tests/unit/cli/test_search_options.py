"""Times, boxes and GeoJSON of the commands that search."""

import json
from datetime import UTC, date, datetime, timedelta

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from landbridge.catalog import Product
from landbridge.cli.assignments import parse_assignments
from landbridge.cli.filters.search_options import parse_area, parse_bbox, parse_interval
from landbridge.mappings import times


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", "2024-01-01T00:00:00Z", "2025-01-01T00:00:00Z"),
        ("2024-02", "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("2024-12", "2024-12-01T00:00:00Z", "2025-01-01T00:00:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("2024-02-29T10:00:00Z", "2024-02-29T10:00:00Z", "2024-02-29T10:00:00.000001Z"),
        ("2024-02-29T10:00:00+02:00", "2024-02-29T08:00:00Z", "2024-02-29T08:00:00.000001Z"),
        ("2024-01/2024-03", "2024-01-01T00:00:00Z", "2024-04-01T00:00:00Z"),
        ("2024-05-01/..", "2024-05-01T00:00:00Z", None),
        ("../2024", None, "2025-01-01T00:00:00Z"),
        ("2024/", "2024-01-01T00:00:00Z", None),
    ],
)
def test_an_interval_includes_its_last_period(text, start, end):
    assert parse_interval(text) == (start, end)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "..",
        "../..",
        "/",
        "2024-13",
        "2024-02-30",
        "20240501",
        "may",
        "2024-05/2024-04",
        "a/b/c",
        "9999",
        "0000",
    ],
)
def test_a_text_that_is_no_interval_is_a_usage_error(text):
    with pytest.raises(click.UsageError, match="--datetime"):
        parse_interval(text)


@given(st.dates(date(2, 1, 1), date(9990, 1, 1)))
def test_a_day_is_all_its_moments(day):
    start, end = map(times.parse, parse_interval(day.isoformat()))
    assert start == datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert end - start == timedelta(days=1)


def test_a_box_may_cross_the_antimeridian():
    assert parse_bbox("1,2,3,4").equals(box(1, 2, 3, 4))
    assert parse_bbox("179,-1,-179,1").bounds == (179, -1, 181, 1)


@pytest.mark.parametrize(
    "text", ["1,2,3", "a,b,c,d", "1,4,3,2", "1,2,1,4", "0,0,181,1", "0,-91,1,0", "nan,0,1,1", "0,0,inf,1", ""]
)
def test_a_wrong_box_is_a_usage_error(text):
    with pytest.raises(click.UsageError, match="--bbox"):
        parse_bbox(text)


SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
POINT = {"type": "Point", "coordinates": [5, 5]}


@pytest.mark.parametrize(
    ("document", "bounds"),
    [
        (SQUARE, (0, 0, 1, 1)),
        ({"type": "Feature", "properties": {}, "geometry": SQUARE}, (0, 0, 1, 1)),
        (
            {
                "type": "FeatureCollection",
                "features": [{"type": "Feature", "geometry": one} for one in (SQUARE, POINT)],
            },
            (0, 0, 5, 5),
        ),
    ],
)
def test_an_area_is_any_geojson(tmp_path, document, bounds):
    path = tmp_path / "area.geojson"
    path.write_text(json.dumps(document))
    assert parse_area(None, str(path)).bounds == bounds


NO_GEOMETRIES = (
    *("{}", "[]", "null", "text", '{"type": "Polygon"}', '{"type": "FeatureCollection", "features": []}'),
    *('{"type": "Feature", "geometry": null}', '{"type": "Polygon", "coordinates": []}', b"\xff\xfe"),
)


@pytest.mark.parametrize("content", NO_GEOMETRIES)
def test_a_file_without_a_geometry_is_a_usage_error(tmp_path, content):
    path = tmp_path / "area.geojson"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(click.UsageError, match="--intersects"):
        parse_area(None, str(path))
    with pytest.raises(click.UsageError, match="No such file"):
        parse_area(None, str(tmp_path / "missing.geojson"))
    with pytest.raises(click.UsageError, match="either"):
        parse_area("0,0,1,1", str(path))


def test_assignments_are_json_or_texts():
    given = ("name=A = B", 'tags=["a", "b"]', "is_core=true", "description=null", 'extra_properties={"a": 1}')
    assert parse_assignments(given, Product) == {
        "name": "A = B",
        "tags": ["a", "b"],
        "is_core": True,
        "description": None,
        "extra_properties": {"a": 1},
    }
    with pytest.raises(click.UsageError, match="Did you mean 'description'"):
        parse_assignments(("descriptio=x",), Product)
    with pytest.raises(click.UsageError, match="is not ATTRIBUTE=VALUE"):
        parse_assignments(("name",), Product)
