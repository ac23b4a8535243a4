"""The Raster service: arrays, files and tiles."""

import json
import warnings

import numpy as np
import pytest
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.warp import calculate_default_transform
from shapely.geometry import box, mapping, shape

from landbridge.exceptions import NotFoundError
from landbridge.geo import AOI, DLTile
from landbridge.porting.arguments.errors import UnknownArgumentError, UnsupportedArgumentError
from landbridge.porting.raster import Raster, default_client
from landbridge.porting.stubs import HostedServiceError
from porting.conftest import BANDS, COLUMNS, CRS, LEFT, PIXEL, ROWS, TOP

pytestmark = [
    pytest.mark.integration,
    pytest.mark.filterwarnings("ignore:.* is deprecated. Use:DeprecationWarning"),
]

BOUNDS = (LEFT, TOP - ROWS * PIXEL, LEFT + COLUMNS * PIXEL, TOP)


@pytest.fixture
def raster(service):
    return Raster()


def lonlat(left, bottom, right, top):
    """Return a rectangle of the grid's reference system as a geometry in longitude and latitude."""
    from pyproj import Transformer

    project = Transformer.from_crs(CRS, "EPSG:4326", always_xy=True).transform
    corners = [(left, bottom), (right, bottom), (right, top), (left, top), (left, bottom)]
    return {"type": "Polygon", "coordinates": [[list(project(*corner)) for corner in corners]]}


def test_an_image_is_read_on_its_own_grid_with_the_bands_last(raster, fields):
    pixels, meta = raster.ndarray(fields.image("january"), bands=["red", "nir"])
    assert type(pixels) is np.ndarray
    assert pixels.dtype == "uint16"
    np.testing.assert_array_equal(pixels, np.moveaxis(fields.pixels["january"][[0, 3]], 0, -1))
    assert meta["size"] == [COLUMNS, ROWS]
    assert meta["geoTransform"] == [LEFT, PIXEL, 0, TOP, 0, -PIXEL]
    assert meta["coordinateSystem"]["epsg"] == 32612
    assert [(band["band"], band["noDataValue"]) for band in meta["bands"]] == [(1, 0), (2, 0)]
    assert "wgs84Extent" in meta
    assert json.dumps(meta)


def test_all_bands_are_read_if_none_are_given(raster, fields, masked):
    pixels, meta = raster.ndarray(inputs=[fields.image("january")], order="gdal")
    np.testing.assert_array_equal(pixels, fields.pixels["january"])
    assert [band["description"]["name"] for band in meta["bands"]] == list(BANDS)
    pixels, meta = raster.ndarray(masked.image("below"), order="gdal")
    np.testing.assert_array_equal(pixels, masked.pixels["below"])
    assert [band["description"]["name"] for band in meta["bands"]] == ["class", "alpha", "red"]
    assert [band["band"] for band in meta["bands"]] == [1, 2, 3]


def test_one_band_has_two_axes(raster, fields):
    for order in ("image", "gdal"):
        pixels, _ = raster.ndarray(fields.image("january"), bands="green", order=order)
        np.testing.assert_array_equal(pixels, fields.pixels["january"][1])


def test_later_images_lie_above_earlier_ones(raster, fields):
    january, july = fields.pixels["january"][0], fields.pixels["july"][0]
    over = np.where(july == 0, january, july)
    pixels, _ = raster.ndarray([fields.image("january"), fields.image("july")], bands=["red"])
    np.testing.assert_array_equal(pixels, over)
    pixels, _ = raster.ndarray([fields.image("july"), fields.image("january")], bands=["red"])
    np.testing.assert_array_equal(pixels, january)
    features = [{"id": fields.image("january"), "type": "Feature"}, {"id": fields.image("july")}]
    np.testing.assert_array_equal(raster.ndarray(features, bands=["red"])[0], over)


def test_alpha_decides_what_is_above_and_is_returned_in_its_place(raster, masked):
    both = masked.images
    expected_red = np.where(np.arange(COLUMNS) < 25, 100, 200) * np.ones((ROWS, 1))
    for bands in (["red", "alpha"], ["alpha", "red"]):
        pixels, meta = raster.ndarray(both, bands=bands)
        np.testing.assert_array_equal(pixels[..., bands.index("red")], expected_red)
        np.testing.assert_array_equal(pixels[..., bands.index("alpha")], 1)
        assert [band["description"]["name"] for band in meta["bands"]] == bands
    np.testing.assert_array_equal(raster.ndarray(both, bands=["red"])[0], expected_red)
    # Transparent pixels are 0 in all bands.
    pixels, _ = raster.ndarray(both[1], bands=["alpha", "red", "class"], order="gdal")
    np.testing.assert_array_equal(pixels[:, :, :25], 0)
    np.testing.assert_array_equal(
        pixels[:, :, 25:], np.array([1, 200, 7])[:, None, None] * np.ones((3, ROWS, 25))
    )
    pixels, meta = raster.ndarray(both[1], bands=["class", "alpha", "red"], drop_alpha=True, order="gdal")
    assert pixels.shape == (2, ROWS, COLUMNS)
    assert len(meta["bands"]) == 2
    np.testing.assert_array_equal(raster.ndarray(both[1], bands=["alpha"])[0], masked.pixels["above"][1])


def test_a_product_without_alpha_has_one_of_its_valid_pixels(raster, fields):
    for bands in (["red", "alpha"], ["alpha", "nir"], ["alpha"]):
        pixels, meta = raster.ndarray(fields.image("july"), bands=bands, order="gdal")
        alpha = pixels if bands == ["alpha"] else pixels[bands.index("alpha")]
        np.testing.assert_array_equal(alpha, fields.pixels["july"][0] != 0)
        assert meta["bands"][bands.index("alpha")]["colorInterpretation"] == "Alpha"
        assert json.dumps(meta)


@pytest.mark.parametrize(
    ("scales", "data_type", "expected"),
    [
        ([[0, 4000]], "Byte", lambda red: np.clip(red * (255 / 4000), 0, 255)),
        ([(0, 4000, 0, 100)], "UInt16", lambda red: red * (100 / 4000)),
        # The result of two numbers is 0 to 255 in each type, as that of `gdal_translate -scale`.
        ([[0, 4000]], "UInt16", lambda red: red * (255 / 4000)),
        ([[0, 4000]], None, lambda red: red * (255 / 4000)),
        ([[0, 10000, -1.0, 1.0]], "Float32", lambda red: red / 5000 - 1),
        (None, "Float32", lambda red: red),
        ([None], None, lambda red: red),
        (["display"], None, lambda red: np.clip(red * (255 / 4000), 0, 255)),
    ],
)
def test_scales_convert_values(raster, fields, scales, data_type, expected):
    pixels, _ = raster.ndarray(
        fields.image("april"), bands=["red", "nir"], scales=scales and [*scales, None], data_type=data_type
    )
    types = {"Byte": "uint8", "UInt16": "uint16", "Float32": "float32"}
    kind = types.get(data_type or ("Byte" if scales == ["display"] else "UInt16"))
    assert pixels.dtype == kind
    tolerance = 1 if pixels.dtype.kind == "u" else 1e-4
    np.testing.assert_allclose(
        pixels[..., 0].astype(float), expected(fields.pixels["april"][0].astype(float)), atol=tolerance
    )
    if kind != "uint8":
        np.testing.assert_array_equal(pixels[..., 1], fields.pixels["april"][3])


def test_alpha_is_never_scaled(raster, masked, fields):
    for image in (masked.image("below"), fields.image("january")):
        with pytest.warns(UserWarning, match="give None as its scale"):
            pixels, _ = raster.ndarray(image, bands=["red", "alpha"], scales=[[0, 10000]] * 2, ot="UInt16")
        np.testing.assert_array_equal(pixels[..., 1], 1)
        scales = [[0, 10000], None]
        same, _ = raster.ndarray(image, bands=["red", "alpha"], scales=scales, data_type="UInt16")
        np.testing.assert_array_equal(same, pixels)


def test_pixels_without_data_have_the_nodata_value_or_none(raster, fields):
    first = fields.image("july")
    plain, meta = raster.ndarray(first, bands=["red"])
    assert not np.ma.isMaskedArray(plain)
    np.testing.assert_array_equal(plain[:10], meta["bands"][0]["noDataValue"])
    masked, _ = raster.ndarray(first, bands=["red"], masked=True)
    np.testing.assert_array_equal(np.ma.getmaskarray(masked), fields.pixels["july"][0] == 0)
    plain, _ = raster.ndarray(first, bands=["red"], mask_nodata=False)
    np.testing.assert_array_equal(plain, fields.pixels["july"][0])
    scaled, meta = raster.ndarray(first, bands=["red"], scales=[(0, 10000, 100, 200)], data_type="Byte")
    np.testing.assert_array_equal(scaled[:10], 0)
    assert "noDataValue" not in meta["bands"][0]


def test_a_cutline_is_the_area_and_hides_what_is_outside(raster, fields):
    inner = (LEFT + 10 * PIXEL, TOP - 30 * PIXEL, LEFT + 30 * PIXEL, TOP - 10 * PIXEL)
    cutline = lonlat(*inner)
    for given in (
        cutline,
        json.dumps(cutline),
        shape(cutline),
        {"type": "Feature", "properties": {}, "geometry": cutline},
    ):
        pixels, meta = raster.ndarray(
            fields.image("january"), bands=["red"], resolution=30, cutline=given, align_pixels=True
        )
        column, row = (
            round((meta["geoTransform"][0] - LEFT) / PIXEL),
            round((TOP - meta["geoTransform"][3]) / PIXEL),
        )
        assert (column, row) in {(10, 10), (9, 9), (9, 10), (10, 9)}
        inside = pixels[10 - row : 30 - row, 10 - column : 30 - column]
        np.testing.assert_array_equal(inside, fields.pixels["january"][0][10:30, 10:30])
        assert np.count_nonzero(pixels) == inside.size
    # Bounds win over the cutline's.
    pixels, _ = raster.ndarray(
        fields.image("january"), bands=["red"], cutline=cutline, bounds=BOUNDS, resolution=30
    )
    expected = np.zeros((ROWS, COLUMNS))
    expected[10:30, 10:30] = fields.pixels["january"][0][10:30, 10:30]
    np.testing.assert_array_equal(pixels, expected)


def test_bounds_are_in_the_reference_system_of_the_result(raster, fields):
    part = (LEFT + 5 * PIXEL, TOP - 20 * PIXEL, LEFT + 25 * PIXEL, TOP - 5 * PIXEL)
    expected = fields.pixels["january"][0][5:20, 5:25]
    for arguments in ({}, {"srs": CRS}, {"srs": "epsg:32612", "bounds_srs": CRS}, {"resolution": 30}):
        pixels, _ = raster.ndarray(fields.image("january"), bands=["red"], bounds=part, **arguments)
        np.testing.assert_array_equal(pixels, expected)
    pixels, meta = raster.ndarray(fields.image("january"), bands=["red"], bounds=part, dimensions=(10, 5))
    assert pixels.shape == (5, 10)
    assert meta["size"] == [10, 5]
    degrees = shape(lonlat(*part)).bounds
    pixels, meta = raster.ndarray(
        fields.image("january"), bands=["red"], bounds=degrees, bounds_srs="EPSG:4326", resolution=30
    )
    assert meta["coordinateSystem"]["epsg"] == 32612
    assert abs(pixels.shape[0] - 15) <= 1
    assert abs(pixels.shape[1] - 20) <= 1


def test_another_reference_system_has_pixels_as_gdalwarp_chooses_them(raster, fields):
    pixels, meta = raster.ndarray(fields.image("january"), bands=["red"], srs="WGS84")
    transform, width, height = calculate_default_transform(CRS, "EPSG:4326", COLUMNS, ROWS, *BOUNDS)
    assert meta["coordinateSystem"]["epsg"] == 4326
    assert meta["geoTransform"][1] == pytest.approx(transform.a)
    assert meta["geoTransform"][5] == pytest.approx(transform.e)
    assert abs(pixels.shape[0] - height) <= 1
    assert abs(pixels.shape[1] - width) <= 1
    assert np.count_nonzero(pixels) > 0.8 * pixels.size


def test_the_area_of_several_images_is_that_of_all(raster, fields, masked):
    pixels, meta = raster.ndarray(
        [masked.image("below"), fields.image("january")], bands=["red"], resolution=60
    )
    assert meta["size"] == [COLUMNS // 2, ROWS // 2]
    assert pixels.shape == (ROWS // 2, COLUMNS // 2)


def test_a_tile_is_a_grid(raster, fields):
    feature = raster.dltile("16:2:30.0:12:542:8979")
    tile = DLTile.from_key(feature["properties"]["key"])
    results = [
        raster.ndarray(fields.image("january"), bands=["red", "nir"], dltile=given)
        for given in (feature, tile.key, tile, json.dumps(feature))
    ]
    left, _, _, top = tile.bounds
    row, column = (TOP - top) / PIXEL, (left - LEFT) / PIXEL
    assert (row, column) == (int(row), int(column))
    window = fields.pixels["january"][[0, 3], int(row) : int(row) + 20, int(column) : int(column) + 20]
    for pixels, meta in results:
        assert pixels.shape == (20, 20, 2)
        assert meta["geoTransform"] == list(tile.geotrans)
        np.testing.assert_array_equal(pixels, np.moveaxis(window, 0, -1))
    cut, _ = raster.ndarray(
        fields.image("january"),
        bands=["red"],
        dltile=feature,
        cutline=lonlat(left, top - 5 * PIXEL, left + 5 * PIXEL, top),
    )
    np.testing.assert_array_equal(cut[:5, :5], window[0, :5, :5])
    assert np.count_nonzero(cut) == 25
    same = raster.ndarray(
        fields.image("january"),
        bands=["red"],
        dltile=feature,
        srs=tile.crs,
        bounds=list(tile.bounds),
        resolution=30,
    )
    np.testing.assert_array_equal(same[0], window[0])
    with pytest.raises(ValueError, match="resolution"):
        raster.ndarray(fields.image("january"), bands=["red"], dltile=feature, resolution=10)


def test_a_stack_has_a_layer_for_each_input(raster, fields):
    january, april, july = fields.images
    frame = {"bounds": BOUNDS, "bounds_srs": CRS, "srs": CRS, "resolution": 30}
    pixels, metas = raster.stack([july, january], bands=["red", "nir"], max_workers=2, **frame)
    assert pixels.shape == (2, ROWS, COLUMNS, 2)
    np.testing.assert_array_equal(pixels[0], np.moveaxis(fields.pixels["july"][[0, 3]], 0, -1))
    np.testing.assert_array_equal(pixels[1], np.moveaxis(fields.pixels["january"][[0, 3]], 0, -1))
    assert [meta["size"] for meta in metas] == [[COLUMNS, ROWS]] * 2
    # An image can be in several layers, and a layer a mosaic.
    pixels, _ = raster.stack([[january, july], january, january], bands=["red"], order="gdal", **frame)
    assert pixels.shape == (3, 1, ROWS, COLUMNS)
    red = {name: fields.pixels[name][0] for name in fields.pixels}
    np.testing.assert_array_equal(pixels[0, 0], np.where(red["july"] == 0, red["january"], red["july"]))
    np.testing.assert_array_equal(pixels[1], pixels[2])
    np.testing.assert_array_equal(pixels[1, 0], red["january"])
    one, metas = raster.stack([april], bands=["red"], masked=True)
    assert one.shape == (1, ROWS, COLUMNS, 1)
    assert np.ma.isMaskedArray(one)
    assert len(metas) == 1
    with pytest.raises(ValueError, match="inputs"):
        raster.stack([])


def read(content):
    # A picture has no georeference.
    with warnings.catch_warnings(), MemoryFile(content) as memory:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        opened = memory.open()
        return opened.read(), opened.profile, opened.descriptions, opened.colorinterp


def test_a_file_has_the_pixels_of_the_array(raster, fields, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = fields.image("july")
    result = raster.raster(image, bands=["red", "nir"])
    assert set(result) == {"files", "metadata"}
    ((name, content),) = result["files"].items()
    assert name == f"{image}-red-nir.tif"
    assert list(tmp_path.iterdir()) == []
    array, meta = raster.ndarray(image, bands=["red", "nir"], order="gdal")
    pixels, profile, names, _ = read(content)
    np.testing.assert_array_equal(pixels, array)
    assert result["metadata"] == meta
    assert profile["crs"].to_epsg() == 32612
    assert profile["transform"].to_gdal() == tuple(meta["geoTransform"])
    assert (profile["nodata"], profile["driver"]) == (0, "GTiff")
    assert names == ("red", "nir")
    raster.raster([image, fields.image("april")], bands=["red"], save=True)
    with rasterio.open(tmp_path / "mosaic-red.tif") as opened:
        assert (opened.width, opened.height, opened.count) == (COLUMNS, ROWS, 1)
    raster.raster(image, bands=["red"], save=True, outfile_basename="out/july.2024", resolution=60)
    with rasterio.open(tmp_path / "out" / "july.2024.tif") as opened:
        assert (opened.width, opened.height) == (COLUMNS // 2, ROWS // 2)


def test_pictures_are_files_too(raster, fields):
    view = {"scales": [*[[0, 4000]] * 3, None], "data_type": "Byte"}
    result = raster.raster(
        fields.image("july"),
        bands=["red", "green", "blue", "alpha"],
        output_format="PNG",
        dimensions=[25, 20],
        **view,
    )
    ((name, content),) = result["files"].items()
    assert name.endswith("july-red-green-blue-alpha.png")
    pixels, profile, _, colors = read(content)
    assert (profile["driver"], pixels.shape) == ("PNG", (4, 20, 25))
    assert colors[-1].name == "alpha"
    # The first rows have no data and are transparent, all others are opaque.
    np.testing.assert_array_equal(pixels[3, :5], 0)
    np.testing.assert_array_equal(pixels[3, 5:], 255)
    result = raster.raster(
        fields.image("april"), bands=["red", "green", "blue"], of="JPEG", scales=[[0, 4000]] * 3, ot="Byte"
    )
    assert next(iter(result["files"].values()))[:2] == b"\xff\xd8"
    for arguments, message in (
        ({"output_format": "JPEG", "bands": ["red", "nir"], **view}, "bands"),
        ({"output_format": "JPEG", "bands": ["red"]}, "Byte"),
        ({"output_format": "GIF", "bands": ["red"]}, "GTiff"),
    ):
        with pytest.raises(ValueError, match=message):
            raster.raster(fields.image("april"), **(arguments | {"scales": None}))


def test_a_file_with_alpha_says_so(raster, masked):
    ((_, content),) = raster.raster(masked.image("above"), bands=["red", "alpha"])["files"].items()
    pixels, _, _, colors = read(content)
    assert [color.name for color in colors] == ["red", "alpha"]
    np.testing.assert_array_equal(pixels[1], masked.pixels["above"][1])


def test_tiles_are_features(raster):
    tile = raster.dltile_from_latlon(45.0, -90.0, 30.0, 2048, 16)
    assert tile == raster.dltile("2048:16:30.0:16:-4:81")
    assert tile["type"] == "Feature"
    properties = tile.properties
    assert (properties.cs_code, properties.zone, properties.ti, properties.tj) == ("EPSG:32616", 16, -4, 81)
    assert (properties.tilesize, properties.pad, properties.resolution) == (2048, 16, 30.0)
    own = DLTile(tile)
    assert properties.outputBounds == list(own.bounds)
    assert properties.geotrans == list(own.geotrans)
    assert shape(tile["geometry"]).equals(own.geometry)
    assert json.loads(json.dumps(tile)) == tile
    with pytest.raises(ValueError, match="key"):
        raster.dltile("")


def test_a_shape_is_covered_by_tiles(raster):
    area = mapping(box(0, 0, 1, 1))
    for given in (
        area,
        json.dumps(area),
        {"type": "Feature", "properties": {}, "geometry": area},
        box(0, 0, 1, 1),
    ):
        found = raster.dltiles_from_shape(100.0, 256, 0, given, maxtiles=4)
        assert found["type"] == "FeatureCollection"
        keys = [tile["properties"]["key"] for tile in found["features"]]
        assert keys == DLTile.from_shape(box(0, 0, 1, 1), 100, 256, 0, keys_only=True)
        assert keys == raster.dlkeys_from_shape(100.0, 256, 0, given)
    tiles = raster.iter_dltiles_from_shape(100.0, 256, 0, area)
    assert next(tiles).properties.key == keys[0]
    assert len(list(tiles)) == 35


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"resoluton": 30}, UnknownArgumentError, "Did you mean 'resolution'"),
        ({"place": "iowa"}, UnsupportedArgumentError, "Natural Earth"),
        ({"cutline": "a stored shape"}, UnsupportedArgumentError, "GeoJSON"),
        ({"order": "bands"}, ValueError, "'gdal'"),
        ({"resampler": "nearby"}, ValueError, "nearby"),
        ({"scales": [None, None]}, ValueError, "2 scales for 1 bands"),
        ({"scales": [[0, 4000]], "bands": ["red", "nir"]}, ValueError, "1 scales for 2 bands"),
        ({"scales": []}, ValueError, "0 scales for 1 bands"),
        ({"bands": ["ndvi"]}, ValueError, "ndvi"),
        ({"bands": []}, ValueError, "bands"),
        ({"bands": ["red", "alpha"], "mask_nodata": False}, UnsupportedArgumentError, "mask_nodata"),
        ({"resolution": 30, "dimensions": (4, 4)}, ValueError, "dimensions"),
        ({"data_type": "Bite"}, ValueError, "Bite"),
    ],
)
def test_an_argument_that_cannot_be_honored_is_an_error(raster, fields, arguments, error, message):
    with pytest.raises(error, match=message):
        raster.ndarray(fields.image("january"), **{"bands": ["red"], **arguments})


def test_inputs_are_checked(raster, fields):
    with pytest.raises(NotFoundError, match="nothing"):
        raster.ndarray([fields.image("january"), f"{fields.id}:nothing"], bands=["red"])
    with pytest.raises(ValueError, match="inputs"):
        raster.ndarray([], bands=["red"])
    with pytest.raises(TypeError, match="ids"):
        raster.ndarray([3], bands=["red"])


def test_bands_of_an_image_are_found(raster, fields):
    bands = raster.get_bands_by_id(fields.image("january"))
    assert list(bands) == list(BANDS)
    assert bands == raster.get_bands_by_key(fields.image("april"))
    with pytest.raises(NotFoundError, match="usgs:landsat"):
        raster.get_bands_by_constellation("L8")


def test_what_places_were_needed_for_is_refused(raster):
    with pytest.raises(HostedServiceError, match="Places"):
        raster.dltiles_from_place(30.0, 2048, 16, "iowa")
    with pytest.raises(HostedServiceError, match="Places"):
        raster.dlkeys_from_place(30.0, 2048, 16, "iowa")


def test_an_area_of_the_catalog_is_a_cutline(raster, fields):
    area = AOI(lonlat(*BOUNDS))
    pixels, _ = raster.ndarray(
        fields.image("january"), bands=["red"], cutline=area, bounds=BOUNDS, resolution=30
    )
    np.testing.assert_array_equal(pixels, fields.pixels["january"][0])


def test_the_default_client_and_the_settings_of_the_old_service_are_accepted():
    assert default_client() is default_client()
    assert isinstance(Raster(url="https://example.com", auth=None, retries=3), Raster)
