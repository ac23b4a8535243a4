"""Rasters of all projections and conventions of longitudes: uploaded, searched by location, and read."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import Transformer
from shapely.geometry import MultiPolygon, Point, box, shape

from landbridge.catalog import Image
from landbridge.geo import AOI

SHAPE = (90, 120)
VALUES = (1 + np.arange(SHAPE[0] * SHAPE[1], dtype="uint16")).reshape(SHAPE)
GEOS = "+proj=geos +h=35785831 +lon_0=-75 +sweep=x +datum=WGS84"
ORTHO = "+proj=ortho +lat_0=40 +lon_0=170 +datum=WGS84"
# Reference system and geotransform of SHAPE pixels, and the distance of pixels with the same location.
RASTERS = {
    "geostationary": (GEOS, (-5_430_000, 90_500, 0, 5_430_000, 0, -120_700), 0),
    "orthographic": (
        "+proj=ortho +lat_0=40 +lon_0=170 +datum=WGS84",
        (-6.4e6, 107_000, 0, 6.4e6, 0, -143_000),
        0,
    ),
    "Mollweide": ("ESRI:54009", (-18_100_000, 302_000, 0, 9_100_000, 0, -203_000), 0),
    "Robinson": ("ESRI:54030", (-17_100_000, 286_000, 0, 8_700_000, 0, -194_000), 0),
    "Equal Earth": ("EPSG:8857", (-17_300_000, 289_000, 0, 8_400_000, 0, -188_000), 0),
    "sinusoidal": ("+proj=sinu +R=6371007.181", (-20_090_000, 335_000, 0, 10_030_000, 0, -223_000), 0),
    "around the North Pole": ("EPSG:3413", (-3_850_000, 64_000, 0, 3_850_000, 0, -86_000), 0),
    "around the South Pole": ("EPSG:3031", (-3_850_000, 64_000, 0, 3_850_000, 0, -86_000), 0),
    "UTM over the antimeridian": ("EPSG:32760", (600_000, 5_000, 0, 8_200_000, 0, -5_000), 0),
    "web maps beyond 180": ("EPSG:3857", (19_700_000, 10_000, 0, 1_000_000, 0, -10_000), 40075016.68557848),
    "0 to 360": ("EPSG:4326", (0, 3, 0, 90, 0, -2), 360),
    "175 to 185": ("EPSG:4326", (175, 10 / 120, 0, -10, 0, -10 / 90), 360),
    "-190 to -170": ("EPSG:4326", (-190, 20 / 120, 0, 60, 0, -20 / 90), 360),
    "centers on the poles": ("EPSG:4326", (-1.5, 3, 0, 90 + 90 / 89, 0, -180 / 89), 360),
}


@pytest.fixture
def valued(add_value_band):
    """Return the product with an integer band."""
    return add_value_band()


def on_earth(crs, geotrans, turn):
    """Return (row, column, longitude, latitude) of the pixels whose centers lie on the Earth."""
    columns, rows = np.meshgrid(*(np.arange(n) + 0.5 for n in reversed(SHAPE)))
    x, y = geotrans[0] + columns * geotrans[1], geotrans[3] + rows * geotrans[5]
    to_ground = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = to_ground.transform(x, y)
    back_x, back_y = to_ground.transform(lon, lat, direction="INVERSE")
    with np.errstate(invalid="ignore"):
        off = back_x - x
        off -= turn * np.round(off / turn) if turn else 0
        there = (abs(off) < 1) & (abs(back_y - y) < 1) & (abs(lat) < 89.9)
        lon = (lon + 180) % 360 - 180
    return [*zip(*(n[there].tolist() for n in (rows - 0.5, columns - 0.5, lon, lat)), strict=True)]


@pytest.mark.parametrize("name", RASTERS)
def test_an_image_is_found_and_read_at_each_of_its_pixels(valued, uploaded, name):
    crs, geotrans, turn = RASTERS[name]
    system = {"cs_code": crs} if ":" in crs else {"projection": crs, "cs_code": None}
    image = uploaded(valued, "i", VALUES, geotrans=geotrans, **system)
    footprint = image.geometry
    assert footprint.is_valid
    west, south, east, north = footprint.bounds
    assert (west >= -180, south >= -90, east <= 180, north <= 90) == (True,) * 4
    # All pixels, as they are stored.
    assert np.array_equal(image.ndarray("v").filled(0)[0], VALUES)
    pixels = on_earth(crs, geotrans, turn)
    # Cut by the footprint, which is degenerate on some of these grids.
    cut = np.ma.getmaskarray(image.ndarray("v", image.geocontext))[0]
    assert not any(cut[int(row), int(column)] for row, column, _, _ in pixels)
    random = np.random.default_rng(1)
    for number in random.choice(len(pixels), 12, replace=False):
        row, column, lon, lat = pixels[number]
        assert footprint.intersects(Point(lon, lat))
        images = valued.images().intersects(Point(lon, lat)).collect()
        assert [one.id for one in images] == [image.id]
        for shown in (lon, lon % 360):
            near = AOI(
                box(shown, lat, shown, lat).centroid,
                crs="EPSG:4326",
                resolution=1e-4,
                grid_origin=(shown - 5e-5, lat - 5e-5),
            )
            assert images.mosaic("v", near).tolist() == [[[VALUES[int(row), int(column)]]]]


def test_the_footprint_across_the_antimeridian_is_cut_there(valued, uploaded, http):
    image = uploaded(valued, "i", VALUES, cs_code="EPSG:4326", geotrans=RASTERS["175 to 185"][1])
    item = http.get(f"/collections/{valued.id}/items/i").json()
    assert item["bbox"] == pytest.approx([175, -20, -175, -10])
    parts = MultiPolygon([box(175, -20, 180, -10), box(-180, -20, -175, -10)])
    assert shape(item["geometry"]).symmetric_difference(parts).area < 1e-6
    assert image.coverage(box(179, -12, 181, -11)) == pytest.approx(1)
    for area in (
        box(179.7, -17, 180.3, -16),
        AOI(bounds=(179.7, -17, -179.7, -16)),
        MultiPolygon([box(179.7, -17, 180, -16), box(-180, -17, -179.7, -16)]),
    ):
        images = valued.images().intersects(area).collect()
        assert len(images) == 1
        pixels = images.mosaic("v", resolution=10 / 120, crs="EPSG:4326")
        assert pixels.shape[2] == 8
        assert not pixels.mask.all()
    answer = http.get("/search", params={"collections": valued.id, "bbox": "178,-15,-178,-14"})
    assert [one["id"] for one in answer.json()["features"]] == ["i"]


@pytest.mark.parametrize(
    ("geotrans", "message"),
    [
        ((0, 0.25, 0, 90.5, 0, -0.25), "beyond the poles by more than half a pixel"),
        ((-400, 3, 0, 90, 0, -2), "beyond ±360"),
        ((0, 3.5, 0, 90, 0, -2), "around the Earth more than once"),
        ((0, 3, 0, 500, 0, -2), "nowhere on Earth"),
    ],
)
def test_invalid_degrees_are_refused_with_advice(valued, geotrans, message):
    image = Image(product=valued, name="i", acquired="2020-01-01", cs_code="EPSG:4326", geotrans=geotrans)
    upload = image.upload_ndarray(VALUES)
    upload.wait_for_completion(timeout=60)
    assert upload.status == "failure"
    assert message in [event.message for event in upload.events if event.severity == "ERROR"][-1]
