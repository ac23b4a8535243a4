"""Section 9 of the semantics, statements 1 to 8."""

import copy
import pickle

import pytest
from shapely.geometry import MultiPolygon, Point, box, mapping, shape

from landbridge.geo import AOI, DLTile, GeoContext, XYZTile

SQUARE = box(0, 0, 1, 1)
PARAMS = {"bounds": (0, 0, 300, 300), "bounds_crs": "EPSG:32631", "crs": "EPSG:32631"}


def complete(**changes):
    return AOI(**{**PARAMS, "bounds": (500000, 0, 500300, 300), "resolution": 30, **changes})


@pytest.mark.parametrize(
    "context", [AOI(SQUARE, resolution=1), DLTile.from_key("128:16:960.0:15:-1:37"), XYZTile(1, 2, 3)]
)
def test_9_1_contexts_are_immutable_picklable_copyable_and_unhashable(context):
    with pytest.raises(AttributeError):
        context.resolution = 2
    assert pickle.loads(pickle.dumps(context)) == context
    assert copy.deepcopy(context) == context
    with pytest.raises(TypeError):
        hash(context)


def test_9_1_equality_ignores_all_touched_and_needs_one_class():
    assert AOI(SQUARE, all_touched=True) == AOI(SQUARE)
    assert AOI(SQUARE) != AOI(SQUARE, resolution=1)
    assert AOI(SQUARE) != XYZTile(0, 0, 0)
    assert isinstance(AOI(), GeoContext)


def test_9_1_repr_prints_all_eight_fields_one_a_line():
    lines = repr(AOI(SQUARE, resolution=1)).splitlines()
    assert [line.strip(" ,)").split("=")[0] for line in lines] == [
        "AOI(geometry",
        "resolution",
        "crs",
        "align_pixels",
        "bounds",
        "bounds_crs",
        "shape",
        "all_touched",
    ]


@pytest.mark.parametrize(
    "geometry",
    [
        SQUARE,
        mapping(SQUARE),
        {"type": "Feature", "geometry": mapping(SQUARE), "properties": {}},
        type("Place", (), {"__geo_interface__": mapping(SQUARE)})(),
    ],
)
def test_9_2_geometry_comes_in_any_form_and_gives_the_bounds(geometry):
    aoi = AOI(geometry)
    assert aoi.geometry.equals(SQUARE)
    assert aoi.bounds == (0, 0, 1, 1)
    assert aoi.bounds_crs == "EPSG:4326"


def test_9_2_bounds_of_the_geometry_are_in_wgs84():
    with pytest.raises(ValueError, match="bounds_crs is 'EPSG:3857'"):
        AOI(SQUARE, bounds_crs="EPSG:3857")


def test_9_3_align_pixels_follows_the_resolution():
    assert AOI(SQUARE, resolution=1).align_pixels is True
    assert AOI(SQUARE, shape=(4, 5)).align_pixels is False
    assert AOI(SQUARE, resolution=1, align_pixels=False).align_pixels is False


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"resolution": 1, "shape": (2, 2)}, ValueError),
        ({"resolution": 0}, ValueError),
        ({"resolution": -1.5}, ValueError),
        ({"resolution": "10"}, TypeError),
        ({"shape": 3}, TypeError),
        ({"shape": (1, 2, 3)}, TypeError),
        ({"bounds": "0 0 1 1"}, TypeError),
        ({"bounds": (0, 0, 1)}, ValueError),
        ({"bounds": (1, 0, 0, 1)}, ValueError),
        ({"bounds": (0, 0, 181, 1)}, ValueError),
        ({"bounds": (0, -90.1, 1, 1)}, ValueError),
        ({"geometry": SQUARE, "bounds": (2, 2, 3, 3)}, ValueError),
        ({"bounds": (0, 0, 1, 1), "crs": "EPSG:4326", "resolution": 2}, ValueError),
        ({"geometry": 5}, TypeError),
    ],
)
def test_9_4_invalid_fields(fields, error):
    with pytest.raises(error):
        AOI(**fields)


def test_9_4_valid_fields_at_the_limits():
    assert AOI(bounds=(1, 1, 1, 1)).bounds == (1, 1, 1, 1)
    assert AOI(bounds=(0, 0, 180.0005, 1)).bounds[2] == 180.0005
    AOI(bounds=(-180.4, 0, 0, 1), crs="EPSG:4326", resolution=1)
    AOI(bounds=(0, 0, 300, 10), bounds_crs="+proj=longlat +datum=WGS84 +lon_wrap=180")
    AOI(bounds=(0, 0, 1, 1), crs="EPSG:4326", resolution=2, all_touched=True)


def test_9_5_bounds_that_look_like_degrees_in_a_projected_system_warn():
    with pytest.warns(UserWarning, match="look like degrees"):
        AOI(bounds=(0, 0, 1, 1), bounds_crs="EPSG:3857")
    with pytest.warns(UserWarning, match="look like degrees"):
        AOI(bounds=(0, 0, 1, 1), bounds_crs="EPSG:4269")
    AOI(bounds=(0, 0, 1, 1), bounds_crs='GEOGCS["NAD83"]')


def test_9_6_assign_changes_a_copy():
    aoi = complete()
    assert aoi.assign(resolution=10).resolution == 10
    assert aoi.resolution == 30
    assert aoi.assign(crs=None).crs is None
    assert aoi.assign(all_touched=True).all_touched is True


def test_9_6_assign_of_a_resolution_drops_the_shape_and_of_a_shape_needs_the_resolution_gone():
    shaped = complete(resolution=None, shape=(10, 10))
    assert shaped.assign(resolution=30).shape is None
    assert shaped.assign(resolution=30).align_pixels is False
    with pytest.raises(ValueError, match="either a resolution or a shape"):
        complete().assign(shape=(2, 2))
    assert complete().assign(shape=(2, 2), resolution=None).shape == (2, 2)


def test_9_6_assign_of_a_geometry_keeps_the_bounds_unless_told_to_update():
    aoi = AOI(SQUARE)
    smaller = box(0, 0, 0.5, 0.5)
    assert aoi.assign(geometry=smaller).bounds == (0, 0, 1, 1)
    assert aoi.assign(geometry=smaller, bounds="update").bounds == (0, 0, 0.5, 0.5)
    assert complete().assign(geometry=smaller, bounds="update").bounds_crs == "EPSG:4326"
    with pytest.raises(ValueError, match="needs a new geometry"):
        aoi.assign(bounds="update")


@pytest.mark.parametrize("missing", ["bounds", "bounds_crs", "crs", "resolution"])
def test_9_7_raster_params_name_the_missing_field(missing):
    with pytest.raises(ValueError, match=missing):
        _ = complete(**{missing: None}).raster_params


def test_9_7_raster_params():
    assert complete(resolution=None, shape=(10, 20)).raster_params == {
        "cutline": None,
        "resolution": None,
        "srs": "EPSG:32631",
        "bounds_srs": "EPSG:32631",
        "align_pixels": False,
        "bounds": (500000, 0, 500300, 300),
        "dimensions": (20, 10),
    }
    assert complete(all_touched=True).raster_params["cutline_all_touched"] is True


def test_9_8_geo_interface():
    assert AOI(SQUARE).__geo_interface__ == mapping(SQUARE)
    assert AOI(bounds=(0, 0, 1, 1)).__geo_interface__["type"] == "Polygon"
    with pytest.raises(RuntimeError):
        _ = complete().__geo_interface__


def test_a_point_may_be_the_geometry():
    assert AOI(Point(3, 4)).bounds == (3, 4, 3, 4)


def test_pixels_are_aligned_if_a_resolution_is_assigned_later():
    assert AOI(SQUARE).align_pixels is False
    assert AOI(SQUARE).assign(resolution=20).align_pixels is True
    assert AOI(SQUARE, align_pixels=False).assign(resolution=20).align_pixels is False
    assert AOI(SQUARE, resolution=1).assign(resolution=None).align_pixels is False


def test_a_grid_origin_stays_with_its_system():
    aoi = AOI(SQUARE, crs="EPSG:32631", resolution=20, grid_origin=(10, 10))
    assert aoi.grid_origin == (10.0, 10.0)
    assert aoi.raster_params["grid_origin"] == (10.0, 10.0)
    assert aoi.assign(resolution=40).grid_origin == (10.0, 10.0)
    assert aoi.assign(crs="EPSG:32632").grid_origin is None
    assert aoi != aoi.assign(grid_origin=None)
    assert pickle.loads(pickle.dumps(aoi)) == aoi
    assert "grid_origin=(10.0, 10.0)" in repr(aoi)
    for wrong in (5, (1,), (float("nan"), 0)):
        with pytest.raises((TypeError, ValueError), match="grid_origin"):
            AOI(SQUARE, grid_origin=wrong)


CUT = MultiPolygon([box(179.7, -17, 180, -16), box(-180, -17, -179.7, -16)])


@pytest.mark.parametrize(
    "fields",
    [
        {"geometry": CUT},
        {"geometry": box(179.7, -17, 180.3, -16)},
        {"bounds": (179.7, -17, -179.7, -16)},
        {"bounds": (179.7, -17, 180.3, -16)},
    ],
)
def test_an_area_across_the_antimeridian_keeps_its_width(fields):
    aoi = AOI(**fields)
    assert aoi.bounds == pytest.approx((179.7, -17, 180.3, -16))
    assert shape(aoi.__geo_interface__).bounds in ((-180, -17, 180, -16), aoi.bounds)


def test_parts_of_the_world_that_only_touch_the_antimeridian_keep_their_bounds():
    assert AOI(MultiPolygon([box(-180, 0, 0, 1), box(0, 2, 180, 3)])).bounds == (-180, 0, 180, 3)
    assert AOI(box(-180, -90, 180, 90)).bounds == (-180, -90, 180, 90)
    assert AOI(MultiPolygon([box(100, 0, 110, 1), box(-120, 2, -100, 3)])).bounds == (-120, 0, 110, 3)


def test_bounds_follow_the_longitudes_of_a_grid_from_0_to_360():
    own = {"crs": "EPSG:4326", "bounds_crs": "EPSG:4326"}
    assert AOI(bounds=(0, -90, 360, 90), shape=(180, 360), **own).bounds[2] == 360
    # The centers of its first and last rows are the poles.
    assert AOI(bounds=(-0.125, -90.125, 359.875, 90.125), shape=(721, 1440), **own).shape == (721, 1440)
    for bounds in ((0, -91, 360, 90), (-400, 0, -50, 1), (-180, 0, 200, 1)):
        with pytest.raises(ValueError, match="outside"):
            AOI(bounds=bounds, shape=(180, 360), **own)
    with pytest.raises(ValueError, match="above its maximum"):
        AOI(bounds=(10, 0, 5, 5))
