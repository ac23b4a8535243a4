"""Files and grids at either convention of longitudes, and across the antimeridian, against plain numpy."""

import numpy as np
import pytest
from affine import Affine
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from shapely.geometry import MultiPolygon, box

from conftest import LONG
from landbridge.geo import AOI
from landbridge.raster import Band, Request, Source, mosaic, read_image

from .conftest import write_tiff

# Left and top of files, the size of their pixels in degrees, and their shapes.
FILES = {
    "0 to 360": (0.0, 90.0, 1.0, (180, 360)),
    "-180 to 180": (-180.0, 90.0, 1.0, (180, 360)),
    "pixels' centers on the meridian of 0 and on the poles": (-0.5, 90.5, 1.0, (181, 360)),
    "one column twice": (-180.5, 90.0, 1.0, (180, 361)),
    "175 to 185": (175.0, -10.0, 0.05, (200, 200)),
    "-190 to -170": (-190.0, 60.0, 0.1, (150, 200)),
    "pixels that divide no turn": (130.0, 30.0, 0.7, (60, 140)),
}
# Systems, bounds there, resolutions.
GRIDS = {
    "western longitudes": ("EPSG:4326", (-120.0, -40.0, -80.0, 50.0), 0.37),
    "western longitudes from 0 to 360": ("EPSG:4326", (240.0, -40.0, 280.0, 50.0), 0.37),
    "across the antimeridian": ("EPSG:4326", (170.3, -25.0, 191.0, 61.0), 0.21),
    "across the antimeridian below -180": ("EPSG:4326", (-191.0, -25.0, -170.3, 61.0), 0.21),
    "the world": ("EPSG:4326", (-180.0, -90.0, 180.0, 90.0), 1.37),
    "UTM zone 1": ("EPSG:32701", (100_000.0, 7_900_000.0, 700_000.0, 8_800_000.0), 7_300.0),
    "UTM zone 60": ("EPSG:32660", (300_000.0, 5_500_000.0, 950_000.0, 6_600_000.0), 7_300.0),
    "the Pacific": ("EPSG:3832", (2_000_000.0, -3_000_000.0, 5_000_000.0, 8_000_000.0), 41_000.0),
    "web maps": ("EPSG:3857", (19_000_000.0, -3_000_000.0, 21_500_000.0, 8_000_000.0), 41_000.0),
    "the North Pole": ("EPSG:3413", (-2_000_000.0, -2_000_000.0, 2_000_000.0, 2_000_000.0), 37_000.0),
    "the South Pole": ("EPSG:3031", (-2_000_000.0, -2_000_000.0, 2_000_000.0, 2_000_000.0), 37_000.0),
}


def expected(values, left, top, size, crs, transform, shape):
    """Return the values of the nearest pixels, and the pixels whose place is unclear by rounding."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    x, y = transform @ (columns, rows)
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    lon, lat = (np.where(np.isfinite(degrees), degrees, np.nan) for degrees in (lon, lat))
    row = (top - lat) / size
    column = (lon - left) % 360 / size
    unclear = (np.abs(row - np.round(row)) < 1e-3) | (np.abs(column - np.round(column)) < 1e-3)
    unclear |= np.abs((lon - left) % 360 - 360) < 1e-3 * size
    height, width = values.shape
    with np.errstate(invalid="ignore"):
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    row, column = (np.where(inside, n, 0).astype(int) for n in (row, column))
    return np.where(inside, values[row, column], 0), inside, unclear


def source_of(path, geometry=None):
    return Source("i", (str(path),), {"b0": Band("b0", "UInt16", nodata=0)}, geometry)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    made = {}
    for tiled in (True, False):
        for number, (name, (left, top, size, shape)) in enumerate(FILES.items()):
            random = np.random.default_rng(number)
            values = random.integers(1, 60_000, shape).astype("uint16")
            if name == "one column twice":
                values[:, -1] = values[:, 0]
            # What is not tiled is read by GDAL.
            options = (
                {} if tiled else {"tiled": False, "compress": "none", "blockxsize": None, "blockysize": 7}
            )
            path = write_tiff(
                folder / f"{number}{tiled}.tif",
                values[None],
                transform=Affine(size, 0, left, 0, -size, top),
                crs="EPSG:4326",
                nodata=0,
                **options,
            )
            made[name, tiled] = (path, values)
    return made


@pytest.mark.parametrize("tiled", [True, False])
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("grid", GRIDS)
def test_every_pixel_is_found_at_either_convention_of_longitudes(files, grid, file, tiled):
    path, values = files[file, tiled]
    crs, bounds, resolution = GRIDS[grid]
    left, top, size, _ = FILES[file]
    context = AOI(bounds=bounds, bounds_crs=crs, crs=crs, resolution=resolution)
    found = read_image(source_of(path), Request(("b0",), context))
    shape = found.geobox.shape.yx
    wanted, inside, unclear = expected(values, left, top, size, crs, found.geobox.transform, shape)
    array = found.array()[0]
    clear = ~unclear
    assert np.array_equal(~np.ma.getmaskarray(array)[clear], inside[clear])
    assert np.array_equal(array.filled(0)[clear], wanted[clear])
    assert clear.mean() > 0.9


def test_an_area_that_is_cut_at_the_antimeridian_is_whole_on_every_grid(files):
    path, values = files["0 to 360", True]
    cut = MultiPolygon([box(178, -17, 180, -12), box(-180, -17, -178.5, -12)])
    for crs, resolution in (("EPSG:4326", 0.25), ("EPSG:32701", 25_000), ("EPSG:3857", 25_000)):
        found = read_image(source_of(path), Request(("b0",), AOI(cut, crs=crs, resolution=resolution)))
        array = found.array()[0]
        shape, transform = array.shape, found.geobox.transform
        wanted, _, unclear = expected(values, 0.0, 90.0, 1.0, crs, transform, shape)
        columns, rows = np.meshgrid(*(np.arange(size) + 0.5 for size in reversed(shape)))
        x, y = transform @ (columns, rows)  # type: ignore[operator]
        lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
        inside = (lon % 360 > 178) & (lon % 360 < 181.5) & (lat > -17) & (lat < -12)
        # Edges are cut by straight pieces on the grid.
        clear = ~unclear & (abs(lat + 17) > 0.05) & (abs(lat + 12) > 0.05)
        assert np.array_equal(~np.ma.getmaskarray(array)[clear], inside[clear])
        assert np.array_equal(array.filled(0)[clear & inside], wanted[clear & inside])
        assert inside.sum() > 100


def test_no_image_is_passed_over_for_its_longitudes(files):
    """Footprints are cut at the antimeridian, or not, and blocks lie at the longitudes of their grid."""
    path, values = files["175 to 185", True]
    cut = MultiPolygon([box(175, -20, 180, -10), box(-180, -20, -175, -10)])
    far = source_of(path, box(10, -20, 20, -10))
    for footprint in (cut, box(175, -20, 185, -10), box(-185, -20, -175, -10), None):
        for west in (175, -185):
            context = AOI(bounds=(west, -20, west + 10, -10), crs="EPSG:4326", shape=(200, 200))
            found = mosaic([source_of(path, footprint), far], Request(("b0",), context)).array()[0]
            assert np.array_equal(found, values)


SYSTEMS = ["EPSG:4326", "EPSG:3857", "EPSG:32701", "EPSG:3413", "EPSG:3832", "+proj=moll", "+proj=eqc"]
LEFT, TOP = st.floats(-360, 330), st.floats(-20, 85)


@pytest.mark.filterwarnings("ignore:The bounds .* look like degrees:UserWarning")  # those around (0, 0)
@settings(max_examples=400 if LONG else 40)
@given(
    left=LEFT,
    top=TOP,
    size=st.floats(0.05, 3),
    crs=st.sampled_from(SYSTEMS),
    row=st.floats(0, 40),
    column=st.floats(0, 40),
    turn=st.sampled_from([-360, 0, 360]),
    tiled=st.booleans(),
)
def test_the_pixel_at_any_place_of_any_grid_is_the_files(
    tmp_path_factory, left, top, size, crs, row, column, turn, tiled
):
    assume((left, top) != (0, 0))  # that GDAL takes for no place at all
    values = np.arange(1, 1601, dtype="uint16").reshape(40, 40)
    path = write_tiff(
        tmp_path_factory.mktemp("any") / "file.tif",
        values[None],
        transform=Affine(size, 0, left, 0, -size, top),
        crs="EPSG:4326",
        nodata=0,
        tiled=tiled,
        **({} if tiled else {"blockxsize": 40, "blockysize": 8}),
    )
    lon, lat = left + column * size, top - row * size
    if crs == "EPSG:4326":
        x, y = (lon + 180) % 360 - 180 + turn, lat
        x = min(max(x, -359.0), 359.0)
    else:
        x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    assume(abs(lat) < 85 and np.isfinite(x) and np.isfinite(y) and abs(x) < 3e7 and abs(y) < 3e7)
    step = 1e-4 if crs == "EPSG:4326" else 10.0
    context = AOI(
        bounds=(x - 1.5 * step, y - 1.5 * step, x + 1.5 * step, y + 1.5 * step),
        bounds_crs=crs,
        crs=crs,
        shape=(3, 3),
    )
    found = read_image(source_of(path), Request(("b0",), context))
    wanted, _, unclear = expected(values, left, top, size, crs, found.geobox.transform, (3, 3))
    array = found.array()[0].filled(0)
    assert np.array_equal(array[~unclear], wanted[~unclear])


def interpolated(values, left, top, size, crs, transform, shape):
    """Return values between the centers of four pixels, of a file that goes around the Earth."""
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(
        *(transform @ (columns, rows))
    )
    row, column = (top - lat) / size - 0.5, (lon - left) / size - 0.5
    inner = (row >= 0) & (row < values.shape[0] - 1)
    first, west = np.floor(np.where(inner, row, 0)).astype(int), np.floor(column).astype(int)
    y, x = row - first, column - west
    near = [values[first + dy, (west + dx) % values.shape[1]] for dy in (0, 1) for dx in (0, 1)]
    weights = [(1 - y) * (1 - x), (1 - y) * x, y * (1 - x), y * x]
    return sum(value * weight for value, weight in zip(near, weights, strict=True)), inner


@pytest.mark.parametrize("left", [0.0, -180.0, -0.5, -95.0])
@pytest.mark.parametrize(
    ("crs", "bounds", "resolution"),
    [
        ("EPSG:4326", (-5.1, -40.0, 5.2, 41.0), 0.31),
        ("EPSG:4326", (354.9, -40.0, 365.2, 41.0), 0.31),
        ("EPSG:4326", (170.3, -25.0, 191.0, 61.0), 0.31),
        ("EPSG:32701", (100_000.0, 7_900_000.0, 700_000.0, 8_800_000.0), 19_300.0),
        ("EPSG:32631", (-100_000.0, 4_900_000.0, 700_000.0, 5_800_000.0), 19_300.0),
        ("EPSG:3857", (19_000_000.0, -3_000_000.0, 21_500_000.0, 8_000_000.0), 31_000.0),
        ("+proj=moll", (-17_000_000.0, -2_000_000.0, 17_000_000.0, 2_000_000.0), 83_000.0),
    ],
)
def test_interpolation_has_no_seam_where_a_file_begins(tmp_path, left, crs, bounds, resolution):
    random = np.random.default_rng(5)
    values = random.normal(1000, 200, (180, 360)).astype("float32")
    path = write_tiff(
        tmp_path / "f.tif", values[None], transform=Affine(1, 0, left, 0, -1, 90), crs="EPSG:4326"
    )
    source = Source("i", (path,), {"b0": Band("b0", "Float32")})
    context = AOI(bounds=bounds, bounds_crs=crs, crs=crs, resolution=resolution)
    found = read_image(source, Request(("b0",), context, resampler="bilinear"))
    shape = found.geobox.shape.yx
    wanted, inner = interpolated(values, left, 90.0, 1.0, crs, found.geobox.transform, shape)
    array = found.array()[0]
    assert not np.ma.getmaskarray(array)[inner].any()
    assert np.abs(array - wanted)[inner].max() < 1


RESAMPLERS = ["near", "bilinear", "cubic", "cubicspline", "lanczos", "average", "mode", "max", "med"]


@pytest.mark.parametrize("resampler", RESAMPLERS)
@pytest.mark.parametrize(
    ("crs", "bounds", "resolution"),
    [
        ("EPSG:4326", (176.0, -19.0, 184.0, -11.0), 0.031),
        ("EPSG:4326", (-184.0, -19.0, -176.0, -11.0), 0.4),
        ("EPSG:32701", (0.0, 7_950_000.0, 400_000.0, 8_700_000.0), 9_300.0),
        ("EPSG:32760", (600_000.0, 7_950_000.0, 900_000.0, 8_700_000.0), 31_000.0),
        ("EPSG:3857", (19_600_000.0, -2_100_000.0, 20_500_000.0, -1_300_000.0), 12_000.0),
    ],
)
def test_every_resampler_gives_the_same_at_either_convention(tmp_path, resampler, crs, bounds, resolution):
    random = np.random.default_rng(9)
    values = random.integers(1, 50_000, (2, 200, 200)).astype("uint16")
    values[1] = np.kron(random.integers(0, 2, (20, 20)), np.ones((10, 10)))  # alpha
    values[0, 50:70, 90:110] = 0
    bands = {
        "v": Band("v", "UInt16", nodata=0),
        "alpha": Band("alpha", "UInt16", band_index=1, type="mask", is_alpha=True),
    }
    found = []
    for left in (175.0, -185.0):
        path = write_tiff(
            tmp_path / f"{left}.tif",
            values,
            transform=Affine(0.05, 0, left, 0, -0.05, -10),
            crs="EPSG:4326",
            cog=True,
        )
        context = AOI(bounds=bounds, bounds_crs=crs, crs=crs, resolution=resolution)
        request = Request(("v",), context, resampler=resampler, data_type="Float64")
        found.append(read_image(Source("i", (path,), bands), request).array()[0])
    one, other = found
    assert 0.1 < 1 - np.ma.getmaskarray(one).mean() < 1
    assert np.array_equal(np.ma.getmaskarray(one), np.ma.getmaskarray(other))
    assert (
        np.abs(one.filled(0) - other.filled(0)).max() < 0.05
    )  # of numbers of up to 50,000, in single precision
    # And without a seam at the antimeridian: as in a file that lies elsewhere, on a grid moved along.
    if crs == "EPSG:4326":
        path = write_tiff(
            tmp_path / "elsewhere.tif",
            values,
            transform=Affine(0.05, 0, 5, 0, -0.05, -10),
            crs="EPSG:4326",
            cog=True,
        )
        turn = 170 if bounds[0] > 0 else -190
        moved = (bounds[0] - turn, bounds[1], bounds[2] - turn, bounds[3])
        context = AOI(
            bounds=moved, bounds_crs=crs, crs=crs, resolution=resolution, grid_origin=(-turn % resolution, 0)
        )
        request = Request(("v",), context, resampler=resampler, data_type="Float64")
        there = read_image(Source("i", (path,), bands), request).array()[0]
        assert np.array_equal(np.ma.getmaskarray(one), np.ma.getmaskarray(there))
        assert (
            np.abs(one.filled(0) - there.filled(0)).max() < 0.05
        )  # of numbers of up to 50,000, in single precision


@pytest.mark.parametrize(
    ("crs", "edge"),
    [("+proj=ortho +lat_0=40 +lon_0=10", 6_378_137), ("+proj=geos +h=35785831 +lon_0=-75", 5_434_177)],
)
def test_the_world_seen_from_space_is_whole(files, crs, edge):
    path, values = files["0 to 360", True]
    context = AOI(bounds=(-180, -90, 180, 90), crs=crs, resolution=50_000)
    found = read_image(source_of(path), Request(("b0",), context))
    left, bottom, right, top = found.geobox.boundingbox.bbox
    assert left < -0.99 * edge
    assert right > 0.99 * edge
    assert max(-left, right, -bottom, top) < 1.1 * edge
    array = found.array()[0]
    wanted, inside, unclear = expected(values, 0.0, 90.0, 1.0, crs, found.geobox.transform, array.shape)
    clear = ~unclear
    assert np.array_equal(~np.ma.getmaskarray(array)[clear], inside[clear])
    assert np.array_equal(array.filled(0)[clear], wanted[clear])
    assert 0.5 < inside.mean() < 0.9
