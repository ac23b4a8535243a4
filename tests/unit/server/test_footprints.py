"""Footprints of uploaded rasters, compared with the centers of all valid pixels."""

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.transform import Affine

from conftest import LONG
from landbridge.stac_api.uploads.footprint import cell_of, footprint

GEOS = "+proj=geos +h=35785831 +lon_0=-75 +sweep=x +datum=WGS84"
FULL_DISK = Affine(54_248, 0, -5_424_800, 0, -54_248, 5_424_800)
# Reference system, geotransform, (columns, rows), and the largest excess of a footprint over the pixels.
RASTERS = {
    "geostationary, the whole disk": (GEOS, FULL_DISK, (200, 200), 0.12),
    "geostationary, over the antimeridian": (GEOS.replace("-75", "140.7"), FULL_DISK, (200, 200), 0.12),
    "geostationary, a quarter": (GEOS, FULL_DISK, (100, 100), 0.15),
    "geostationary, large": (
        GEOS,
        Affine(10_848, 0, -5_424_000, 0, -10_848, 5_424_000),
        (1_000, 1_000),
        0.12,
    ),
    "orthographic": (
        "+proj=ortho +lat_0=40 +lon_0=10",
        Affine(64e3, 0, -6.4e6, 0, -64e3, 6.4e6),
        (200, 200),
        0.12,
    ),
    "Mollweide": ("ESRI:54009", Affine(100_000, 0, -18_100_000, 0, -100_000, 9_100_000), (362, 182), 0.02),
    "Robinson": ("ESRI:54030", Affine(100_000, 0, -17_100_000, 0, -100_000, 8_700_000), (342, 174), 0.02),
    "Equal Earth": ("EPSG:8857", Affine(100_000, 0, -17_300_000, 0, -100_000, 8_400_000), (346, 168), 0.02),
    "Equal Earth, the Pacific": (
        "EPSG:8859",
        Affine(100_000, 0, -17_300_000, 0, -100_000, 8_400_000),
        (346, 168),
        0.02,
    ),
    "sinusoidal, the world": (
        "+proj=sinu +R=6371007.181",
        Affine(111_000, 0, -20_090_000, 0, -111_000, 10_030_000),
        (362, 181),
        0.02,
    ),
    "sinusoidal, a tile at its edge": (
        "+proj=sinu +R=6371007.181",
        Affine(9_266, 0, -13_343_000, 0, -9_266, 6_671_703),
        (120, 120),
        0.06,
    ),
    "around the North Pole": (
        "EPSG:3413",
        Affine(25_000, 0, -3_850_000, 0, -25_000, 5_850_000),
        (304, 448),
        0.02,
    ),
    "around the South Pole": (
        "EPSG:3031",
        Affine(25_000, 0, -3_950_000, 0, -25_000, 4_350_000),
        (316, 332),
        0.02,
    ),
    "beside the North Pole": ("EPSG:3413", Affine(5_000, 0, 20_000, 0, -5_000, 900_000), (200, 150), 0.05),
    "polar, over the antimeridian": (
        "EPSG:3413",
        Affine(5_000, 0, -1_500_000, 0, -5_000, 1_500_000),
        (200, 150),
        0.02,
    ),
    "Lambert azimuthal": ("EPSG:3035", Affine(20_000, 0, 900_000, 0, -20_000, 7_400_000), (330, 330), 0.05),
    "interrupted": ("+proj=igh", Affine(100_000, 0, -20_040_000, 0, -100_000, 8_680_000), (401, 174), 0.15),
    "web maps beyond 180": (
        "EPSG:3857",
        Affine(10_000, 0, 19_000_000, 0, -10_000, 1_000_000),
        (200, 150),
        0.02,
    ),
    "UTM zone 60": ("EPSG:32760", Affine(2_000, 0, 700_000, 0, -2_000, 8_200_000), (150, 100), 0.05),
    "UTM, rotated": ("EPSG:32633", Affine(20, 12, 500_000, 11, -19, 5_000_000), (200, 150), 0.05),
    "0 to 360": ("EPSG:4326", Affine(1, 0, 0, 0, -1, 90), (360, 180), 0.02),
    "175 to 185": ("EPSG:4326", Affine(0.05, 0, 175, 0, -0.05, -10), (200, 100), 0.05),
    "-190 to -170": ("EPSG:4326", Affine(0.1, 0, -190, 0, -0.1, -10), (200, 100), 0.05),
    "centers on the poles": ("EPSG:4326", Affine(1, 0, -0.5, 0, -1, 90.5), (360, 181), 0.02),
    "NAD83 from 0 to 360": ("EPSG:4269", Affine(1, 0, 0, 0, -1, 90.5), (360, 181), 0.05),
    "NAD27 beyond 180": ("EPSG:4267", Affine(0.1, 0, 170, 0, -0.1, 60), (200, 100), 0.05),
    "Paris, in grads": ("EPSG:4807", Affine(0.1, 0, -2, 0, -0.1, 55), (100, 100), 0.06),
}


def turn_of(crs):
    """Return the period of x; 0 if x has no period."""
    return {"EPSG:3857": 40075016.68557848, "EPSG:4807": 400}.get(
        crs, 360 if CRS.from_string(crs).is_geographic else 0
    )


def centers(crs, transform, size, valid):
    """Return longitudes and latitudes of the centers of valid pixels on the Earth."""
    columns, rows = np.meshgrid(*(np.arange(length) + 0.5 for length in size))
    x, y = transform @ (columns[valid], rows[valid])
    to_ground = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    lon, lat = to_ground.transform(x, y)
    back = to_ground.transform(lon, lat, direction="INVERSE")
    pixel = np.hypot(transform.a, transform.d)
    off = [np.abs(one - other) for one, other in zip(back, (x, y), strict=True)]
    with np.errstate(invalid="ignore"):
        if turn := turn_of(crs):
            off[0] = np.abs(off[0] - turn * np.round(off[0] / turn))
        there = np.isfinite(lon) & np.isfinite(lat) & (off[0] < 0.01 * pixel) & (off[1] < 0.01 * pixel)
        there &= np.abs(lat) <= 90
    return (lon[there] + 180) % 360 - 180, lat[there]


def traced(crs, transform, size, valid):
    """Return the footprint of a raster with a mask of valid pixels."""
    cell = cell_of(max(size))
    rows, columns = (-(-length // cell) * cell for length in valid.shape)
    padded = np.zeros((rows, columns), bool)
    padded[: valid.shape[0], : valid.shape[1]] = valid
    cells = padded.reshape(rows // cell, cell, columns // cell, cell).any(axis=(1, 3))
    return footprint(CRS.from_string(crs), transform, size, cells, cell)


def check_form(area):
    assert area.is_valid
    west, south, east, north = area.bounds
    assert west >= -180
    assert east <= 180
    assert south >= -90
    assert north <= 90
    assert all(part.geom_type == "Polygon" for part in shapely.get_parts(area))


def excess(crs, transform, size, valid, area):
    """Estimate the fraction of a footprint without valid pixels, by points all over it."""
    west, south, east, north = area.bounds
    random = np.random.default_rng(3)
    lon, lat = random.uniform(west, east, 40_000), random.uniform(south, north, 40_000)
    inside = shapely.contains_xy(area, lon, lat)
    lon, lat = lon[inside], lat[inside]
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    there = np.isfinite(x) & np.isfinite(y)
    full = np.zeros(len(lon), bool)
    turn = turn_of(crs)
    for turns in (-1, 0, 1) if turn else (0,):
        column, row = ~transform @ (np.where(there, x, 0) + turns * turn, np.where(there, y, 0))
        on = there & (column >= 0) & (column < size[0]) & (row >= 0) & (row < size[1])
        full[on] |= valid[row[on].astype(int), column[on].astype(int)]
    return 1 - full.mean()


@pytest.mark.parametrize("name", RASTERS)
def test_a_footprint_contains_all_valid_pixel_centers_and_little_more(name):
    crs, transform, size, more = RASTERS[name]
    valid = np.ones(size[::-1], bool)
    area = traced(crs, transform, size, valid)
    check_form(area)
    lon, lat = centers(crs, transform, size, valid)
    assert len(lon) > 500
    # Longitudes of +180 and -180 are equal.
    inside = shapely.intersects_xy(area, lon, lat) | shapely.intersects_xy(
        area, np.where(lon == -180, 180.0, lon), lat
    )
    assert inside.all(), (np.argwhere(~inside).size, lon[~inside][:5], lat[~inside][:5])
    assert excess(crs, transform, size, valid, area) < more


SYSTEMS = [
    GEOS,
    "+proj=ortho +lat_0=-60 +lon_0=170",
    "ESRI:54009",
    "EPSG:8857",
    "+proj=sinu +R=6371007.181",
    "EPSG:3413",
    "EPSG:3031",
    "EPSG:6931",
    "EPSG:3857",
    "EPSG:32601",
    "EPSG:32760",
    "EPSG:3035",
    "EPSG:4326",
    "EPSG:4269",
]


@settings(max_examples=600 if LONG else 50)
@given(
    crs=st.sampled_from(SYSTEMS),
    lon=st.floats(-180, 180),
    lat=st.floats(-89.9, 89.9),
    pixel=st.floats(1.5, 5.5).map(lambda power: 10**power),
    size=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    seed=st.integers(0, 2**16),
    fill=st.floats(0, 1),
)
def test_the_footprint_of_any_raster_contains_all_valid_pixel_centers(crs, lon, lat, pixel, size, seed, fill):
    system = CRS.from_string(crs)
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    assume(np.isfinite(x) and np.isfinite(y) and abs(x) < 3e7 and abs(y) < 3e7)
    step = pixel / 111_000 if system.is_geographic else pixel
    if system.is_geographic:
        assume(step * size[0] <= 360)
    random = np.random.default_rng(seed)
    left, top = x - step * random.uniform(0, size[0]), y + step * random.uniform(0, size[1])
    # Clusters of valid pixels, as between clouds.
    valid = random.random((size[1] // 7 + 1, size[0] // 7 + 1)) <= fill
    valid = np.kron(valid, np.ones((7, 7), bool))[: size[1], : size[0]]
    area = traced(crs, Affine(step, 0, left, 0, -step, top), size, valid)
    lons, lats = centers(crs, Affine(step, 0, left, 0, -step, top), size, valid)
    if area.is_empty:
        assert not len(lons)
        return
    check_form(area)
    slack = 1e-6
    inside = shapely.intersects_xy(area.buffer(slack), lons, lats)
    inside |= shapely.intersects_xy(area.buffer(slack), lons + 360 * (lons < -180 + slack), lats)
    assert inside.all(), (lons[~inside][:5], lats[~inside][:5])
