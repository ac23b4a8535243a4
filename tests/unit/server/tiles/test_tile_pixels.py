"""A tile has the pixels of the raster engine's mosaic on its grid, value for value."""

from __future__ import annotations

import io
import math

import morecantile
import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from rasterio.io import MemoryFile
from rasterio.warp import transform

from conftest import LONG
from landbridge.geo import AOI
from landbridge.raster import Request, mosaic
from landbridge.stac_api.errors import BadRequestError
from landbridge.stac_api.tiles.formats import Format
from landbridge.stac_api.tiles.grid import Grid
from landbridge.stac_api.tiles.parameters import RESAMPLINGS, parse
from support.tile_store import PIXEL, PLACES, SIDE, Pages, source

SETS = ("WebMercatorQuad", "WorldCRS84Quad", "UTM31WGS84Quad", "UPSArcticWGS84Quad")
CENTER = (6.3, 71.75)  # where both images are


def crs_of(tms):
    return "OGC:CRS84" if tms.crs.to_epsg() is None else f"EPSG:{tms.crs.to_epsg()}"


@st.composite
def grids(draw):
    """Draw tiles of four sets that have pixels of the images, mostly."""
    tms = morecantile.tms.get(draw(st.sampled_from(SETS)))
    zoom = draw(st.integers(5, 12))
    place = (CENTER[0] + draw(st.floats(-0.7, 0.7)), CENTER[1] + draw(st.floats(-0.3, 0.3)))
    tile = tms.tile(*place, zoom)
    size = draw(st.sampled_from([64, 256]))
    return Grid(tuple(tms.xy_bounds(tile)), crs_of(tms), size, size)


def expected(renderer, grid, bands, **options):
    """Return the mosaic of all images, the first on top."""
    context = AOI(bounds=grid.bounds, bounds_crs=grid.crs, crs=grid.crs, shape=(grid.height, grid.width))
    sources = [source(renderer.store, item, renderer.product) for item in renderer.items]
    return mosaic(sources[::-1], Request(tuple(bands), context, **options), progress=False)


def rendered(renderer, query, grid, **options):
    found = renderer.render(parse(query, [renderer.product], Format.NPY), grid, **options)
    return np.load(io.BytesIO(found.body))


STYLES = {
    "raw": ([], {}),
    "display": ([("scaling", "display")], {"scaling": "display", "data_type": "Byte"}),
    "rescale": ([("rescale", "100,3000")], {"scaling": [(100, 3000)] * 2, "data_type": "Byte"}),
    "percent": ([("scaling", '[["2%", "98%"], null]')], {"scaling": [("2%", "98%"), None]}),
    "mean": ([("method", "mean")], {"method": "mean"}),
    "median": ([("method", "median")], {"method": "median"}),
    "max": ([("pixel_selection", "highest")], {"method": "max"}),
}


@settings(
    max_examples=400 if LONG else 15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[phase for phase in Phase if phase is not Phase.shrink],
)
@given(
    grid=grids(),
    bands=st.permutations(["red", "green", "blue", "nir"]).map(lambda names: names[:2]),
    style=st.sampled_from(list(STYLES)),
    resampling=st.sampled_from([*RESAMPLINGS]),
    size=st.integers(1, 2),
)
def test_a_tile_is_the_mosaic_on_its_grid(renderer, grid, bands, style, resampling, size):
    query, options = STYLES[style]
    found = rendered(
        renderer, [("bands", ",".join(bands)), ("resampling", resampling), *query], grid, size=size
    )
    whole = expected(renderer, grid, bands, resampler=RESAMPLINGS[resampling], **options)
    valid = np.ones(whole.data.shape, bool) if whole.mask is None else ~whole.mask
    assert found.dtype == whole.data.dtype
    np.testing.assert_array_equal(found[:2], whole.data)
    np.testing.assert_array_equal(found[2], np.where(valid.any(0), 255, 0).astype(found.dtype))


def test_an_expression_has_the_values_of_its_bands(renderer):
    grid = Grid((6.0, 71.55, 6.6, 71.85), "EPSG:4326", 128, 128)
    found = rendered(renderer, [("expression", "(nir-red)/(nir+red);where(red>2000,1,0)")], grid)
    bands = expected(renderer, grid, ("nir", "red"))
    nir, red = bands.data.astype("f4")
    valid = ~bands.mask.any(0)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(found[0], np.where(valid, (nir - red) / (nir + red), 0))
    np.testing.assert_array_equal(found[1], np.where(~bands.mask[1], red > 2000, 0))


def test_a_picture_has_the_scaled_pixels_and_their_opacity(renderer):
    grid = Grid((5.2, 71.4, 6.6, 72.0), "EPSG:4326", 200, 140)
    found = renderer.render(parse([], [renderer.product], Format.PNG), grid)
    assert found.media_type == "image/png"
    picture = np.moveaxis(np.asarray(Image.open(io.BytesIO(found.body))), -1, 0)
    whole = expected(renderer, grid, ("red", "green", "blue"), scaling="display", data_type="Byte")
    np.testing.assert_array_equal(picture[:3], whole.data)
    np.testing.assert_array_equal(picture[3], np.where(whole.mask.all(0), 0, 255))


def test_without_an_extension_opaque_tiles_are_jpeg_and_others_png(renderer):
    opaque = Grid((7.0, 71.55, 7.05, 71.57), "EPSG:4326", 64, 64)
    view = parse([("bands", "green,blue,nir")], [renderer.product])
    assert renderer.render(view, opaque).media_type == "image/jpeg"
    beside = Grid((-60, 37, -59, 38), "EPSG:4326", 64, 64)
    empty = renderer.render(view, beside)
    assert (empty.media_type, empty.is_empty) == ("image/png", True)
    assert not np.asarray(Image.open(io.BytesIO(empty.body))).any()


def test_a_geotiff_has_values_names_grid_and_mask(renderer):
    grid = Grid((5.2, 71.4, 6.6, 72.0), "EPSG:4326", 100, 70)
    found = renderer.render(parse([("bands", "red,nir")], [renderer.product], Format.TIFF), grid)
    whole = expected(renderer, grid, ("red", "nir"))
    with MemoryFile(found.body) as memory, memory.open() as dataset:
        np.testing.assert_array_equal(dataset.read(), whole.data)
        np.testing.assert_array_equal(dataset.dataset_mask(), np.where(whole.mask.all(0), 0, 255))
        assert (dataset.descriptions, dataset.crs) == (("red", "nir"), rasterio.CRS.from_epsg(4326))
        np.testing.assert_allclose(dataset.bounds, grid.bounds)


def test_webp_is_lossless(renderer):
    grid = Grid((5.2, 71.4, 6.6, 72.0), "EPSG:4326", 100, 70)
    pictures = [
        np.asarray(Image.open(io.BytesIO(renderer.render(parse([], [renderer.product], each), grid).body)))
        for each in (Format.PNG, Format.WEBP)
    ]
    drawn = pictures[0][..., 3] > 0
    np.testing.assert_array_equal(pictures[0][drawn], pictures[1][drawn])


def test_no_page_is_asked_for_after_all_pixels_are_valid(renderer):
    pages = Pages(renderer.items * 10)
    grid = Grid((7.0, 71.55, 7.05, 71.57), "EPSG:4326", 64, 64)
    view = parse([("bands", "green,blue,nir")], [renderer.product])
    found = renderer.run(renderer.pool.render(view, grid, pages, renderer.products))
    assert (found.items, pages.asked) == (1, 1)


def test_a_point_has_the_value_of_its_pixel(renderer):
    crs, left, top = PLACES["east"]
    row, column = SIDE // 2, SIDE // 2
    (longitude,), (latitude,) = transform(
        crs, "OGC:CRS84", [left + (column + 0.3) * PIXEL], [top - (row + 0.7) * PIXEL]
    )
    view = parse([("bands", "red,nir")], [renderer.product], Format.NPY)
    found = renderer.run(
        renderer.pool.point(view, longitude, latitude, Pages(renderer.items), renderer.products)
    )
    with rasterio.open(renderer.store / "images/scenes/east/v1/data.tif") as file:
        pixel = file.read([1, 4], window=((row, row + 1), (column, column + 1)))[:, 0, 0]
    assert found.values == tuple(pixel.tolist())


@pytest.mark.parametrize("items", [True, False])
def test_a_point_beside_all_images_has_no_values(renderer, items):
    view = parse([("bands", "red,nir")], [renderer.product], Format.NPY)
    pages = Pages(renderer.items if items else [])
    found = renderer.run(renderer.pool.point(view, 10, 10, pages, renderer.products))
    assert found.values == (None, None)


def test_statistics_are_those_of_the_valid_pixels_within_a_polygon(renderer):
    grid = Grid((6.0, 71.5, 6.6, 71.9), "EPSG:4326", 100, 100)
    west = {"type": "Polygon", "coordinates": [[[0, 60], [6.3, 60], [6.3, 80], [0, 80], [0, 60]]]}
    view = parse([("bands", "red")], [renderer.product], Format.NPY)
    found = renderer.run(
        renderer.pool.statistics(view, grid, Pages(renderer.items), renderer.products, polygon=west, bins=7)
    )["red"]
    whole = expected(renderer, grid, ("red",))
    values = whole.data[0][:, :50][~whole.mask[0][:, :50]].astype(float)
    assert (found["count"], found["min"], found["max"]) == (values.size, values.min(), values.max())
    assert math.isclose(found["mean"], values.mean())
    assert math.isclose(found["std"], values.std())
    assert found["median"] == np.median(values)
    assert found["histogram"][0] == np.histogram(values, 7)[0].tolist()
    assert found["valid_percent"] == round(100 * values.size / (100 * 50), 2)
    assert found["masked_pixels"] == 100 * 50 - values.size


def test_a_nodata_value_of_the_query_replaces_that_of_the_files(renderer):
    grid = Grid((5.2, 71.4, 6.6, 72.0), "EPSG:4326", 100, 70)
    found = rendered(renderer, [("bands", "green"), ("nodata", "-1")], grid)
    whole = expected(renderer, grid, ("green",))
    assert (found[1] > 0).sum() > (~whole.mask[0]).sum()


def test_a_buffer_adds_pixels_around_a_tile(renderer):
    tms = morecantile.tms.get("WebMercatorQuad")
    bounds = tms.xy_bounds(tms.tile(*CENTER, 9))
    grid = Grid(tuple(bounds), "EPSG:3857", 64, 64)
    plain = rendered(renderer, [("bands", "red")], grid)
    buffered = rendered(renderer, [("bands", "red"), ("buffer", "3")], grid)
    assert buffered.shape == (2, 70, 70)
    np.testing.assert_array_equal(buffered[:, 3:-3, 3:-3], plain)


def test_class_colors_are_drawn_for_their_values(renderer):
    colors = [{"value": 1, "color_hint": "ff0000"}, {"value": 0, "color_hint": "0000ff80"}]
    view = parse(
        [("expression", "where(red>2000,1,0)"), ("colormap", '{"1": "#ff0000", "0": [0, 0, 255, 128]}')],
        [renderer.product],
        Format.PNG,
    )
    assert len(colors) == 2
    grid = Grid((6.0, 71.55, 6.6, 71.85), "EPSG:4326", 128, 128)
    picture = np.asarray(Image.open(io.BytesIO(renderer.render(view, grid).body)))
    red = expected(renderer, grid, ("red",))
    wanted = np.where((red.data[0] > 2000)[..., None], (255, 0, 0, 255), (0, 0, 255, 128))
    wanted[red.mask[0]] = 0
    np.testing.assert_array_equal(picture, wanted)


def test_a_band_that_the_engine_refuses_is_a_bad_request(renderer):
    with pytest.raises(BadRequestError, match="no band 'purple'"):
        parse([("bands", "purple")], [renderer.product])
